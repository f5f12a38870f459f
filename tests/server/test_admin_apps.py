"""The admin resources about the server and its apps: catalog, readiness, apps, reset and signing."""

from __future__ import annotations

import json
import re

from admin_assertions import assert_error, reading_value
from helpers.http_client import Client, Connection

from mockserver.testing.mock_server import MockServer


def test_health_reports_version_and_uptime(wire) -> None:
    """`health` returns status, version and uptime."""
    result = wire.get("health")
    assert result["status"] == "ok"
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", result["version"])
    assert result["uptime_seconds"] >= 0


def test_catalog_resources_keep_their_shapes(wire) -> None:
    """Scripts read these rows by name."""
    assert {row["name"]: row["code"] for row in wire.get("errors")["errors"]}["room_not_found"] == 1301
    assert {row["source"] for row in wire.get("errors")["errors"]} == {"document", "assumed"}
    assert [row["section"] for row in wire.get("operations")["operations"]] == [
        "2.1",
        "2.2",
        "2.3",
        "3.1",
        "3.2",
        "3.3",
    ]
    assert {"default", "empty", "storm"} <= {row["name"] for row in wire.get("scenarios")["scenarios"]}
    assert len(wire.get("fault-kinds")["faults"]) >= 23
    assert "admin_token" in {row["name"] for row in wire.get("settings")["settings"]}


def test_ready_is_503_while_the_files_are_invalid(tmp_path) -> None:
    """The response contains file and line of each problem, and is 200 again after a good reload."""
    folder = tmp_path / "scenarios"
    folder.mkdir()
    file = folder / "mine.yaml"
    file.write_text("title: Mine\nextends: document\n", encoding="utf-8")
    with MockServer(fixtures=str(tmp_path), scenario="mine") as mock, Connection(mock.port) as wire:
        assert wire.get("ready") == {"ready": True, "problems": [], "warnings": []}
        file.write_text("titel: Mine\n", encoding="utf-8")
        assert wire.send("POST", "reload")["ready"] is False
        response = wire.admin("GET", "ready")
        assert response.status == 503
        assert {problem["line"] for problem in response.json["problems"]} == {1}
        assert "title" in str(response.json["problems"])
        assert str(file) == response.json["problems"][0]["place"]
        file.write_text("title: Mine\nextends: document\n", encoding="utf-8")
        assert wire.send("POST", "reload") == {"ready": True, "problems": [], "warnings": []}
        assert wire.admin("GET", "ready").status == 200
        assert_error(wire.admin("POST", "reload", {"force": True}), 422, "unknown field 'force'")


def test_a_created_app_has_three_keys(wire) -> None:
    """201 with exactly the keys a client needs; they sign correctly and appear in no other response."""
    response = wire.admin("POST", "apps")
    assert response.status == 201
    assert set(response.json) == {"appkey", "appsecret", "restapikey"}
    with Client(wire.port, **response.json) as client:
        assert client.code() == 0
        listed = wire.get("apps")
        assert {"appkey": client.appkey, "scenario": "document", "made": True}.items() <= next(row for row in listed["apps"] if row["appkey"] == client.appkey).items()  # fmt: skip
        assert response.json["appsecret"] not in json.dumps(listed)
        assert wire.send("DELETE", f"apps/{client.appkey}") == {"removed": client.appkey}
        assert client.code() == 1102
        assert assert_error(wire.admin("DELETE", f"apps/{client.appkey}"), 404)["error"] == "unknown_appkey"


def test_the_requests_of_a_deleted_app_are_kept(wire) -> None:
    """A report at the end of a run includes the requests of deleted apps."""
    with Client.fresh(wire.port) as client:
        client.call()
        wire.send("DELETE", f"apps/{client.appkey}")
        assert client.get("requests/count") == {"count": 1, "evicted": 0}
        assert client.get("report")["requests"] == 1


def test_an_app_of_apps_yaml_cannot_be_deleted(wire) -> None:
    """The error names the file instead of claiming that the app does not exist."""
    response = wire.admin("DELETE", "apps/123456789")
    assert assert_error(response, 409, "apps.yaml")["error"] == "app_of_a_file"


def test_creating_an_app_takes_no_fields(wire) -> None:
    """A secret chosen by the caller is rejected, not ignored."""
    assert_error(wire.admin("POST", "apps", {"appsecret": "mine"}), 422, "unknown field 'appsecret'")


def test_reset_restores_everything_of_one_app(wire, app) -> None:
    """Scenario, readings, answers, faults, clock, sequences, used seq values and the journal."""
    app.send("PUT", "scenario", {"name": "empty"})
    app.send("PUT", "readings", {"seq": "unique"})
    app.send("POST", "answers", {"on": "*", "reply": {"error": "server_busy"}})
    app.send("POST", "faults", {"fault": "http_status", "status": 503})
    app.send("PUT", "clock", {"advance_seconds": 1000})
    assert app.call().status == 503
    with Client.fresh(wire.port) as other:
        other.call()
        assert app.send("POST", "reset") == {"released": 0}
        assert app.get("requests/count") == {"count": 0, "evicted": 0}
        assert other.get("requests/count") == {"count": 1, "evicted": 0}
    assert app.code() == 0
    assert app.get("faults") == {"faults": []}
    assert app.get("answers") == {"answers": []}
    assert reading_value(app.get("readings"), "seq") == "required"
    assert app.get("scenario") == {"name": "document"}


def test_a_reset_with_an_unknown_field_resets_nothing(wire, app) -> None:
    """`{"appkey": …}` in the body must not reset every app."""
    app.call()
    assert_error(wire.admin("POST", "reset", {"appkey": app.appkey}), 422, "unknown field 'appkey'")
    assert app.get("requests/count")["count"] == 1


def test_sign_uses_the_clock_of_the_app(app) -> None:
    """The query string is accepted even after the clock was moved."""
    app.send("PUT", "clock", {"advance_seconds": 10_000})
    query = app.get("sign", identifier="admin", seq="1")["query"]
    response = app.wire.ask("POST", f"/v2/video/query_room_info?{query}", b'{"RoomId": "123456789"}', Content_Type="application/json")  # fmt: skip
    assert response.json["ErrorCode"] == 0
