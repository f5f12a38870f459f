"""The admin resources `scenario`, `readings`, `answers` and `faults`."""

from __future__ import annotations

import pytest
from admin_assertions import assert_error, reading_value
from helpers.http_client import WRITES, Client

from mockserver import create_app
from mockserver.testing.mock_server import MockServer

BUSY = 1402


def test_a_scenario_is_set_for_one_app_or_for_all(wire, app) -> None:
    """One app's scenario does not affect other apps; a scenario for all also applies to apps created later."""
    assert app.send("PUT", "scenario", {"name": "empty"}) == {"name": "empty"}
    assert wire.get("scenario") == {"name": "document"}
    assert wire.send("PUT", "scenario", {"name": "outage"}) == {"name": "outage"}
    assert app.get("scenario") == {"name": "outage"}
    with Client.fresh(wire.port) as late:
        assert late.code() == BUSY
    app.send("POST", "reset")
    assert app.get("scenario") == {"name": "document"}


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        ({"name": "documnt"}, ("unknown scenario 'documnt'", "did you mean document?")),
        ({"nam": "document"}, ("unknown field 'nam'", "did you mean name?")),
        ({}, ("missing name",)),
        ({"name": 1}, ("name must be str",)),
        ({"name": None}, ("name must be str",)),
        ({"name": "../apps"}, ("unknown scenario",)),
        ({"name": "\ud800"}, ("unknown scenario",)),
    ],
)
def test_an_invalid_scenario_is_rejected(app, body: dict, texts: tuple[str, ...]) -> None:
    """422 with the closest name; the scenario does not change."""
    assert_error(app.admin("PUT", "scenario", body), 422, *texts)
    assert app.get("scenario") == {"name": "document"}


def test_readings_are_set_for_one_app(wire, app) -> None:
    """They accumulate, take effect at once, are unset by {}, and do not affect other apps."""
    room = {"RoomId": "nobody-was-here"}
    assert app.code("query_room_info", room) == 1301
    app.send("PUT", "readings", {"unknown_room": "empty"})
    result = app.send("PUT", "readings", {"tick_seconds": 3600})
    assert (reading_value(result, "unknown_room"), reading_value(result, "tick_seconds")) == ("empty", 3600)
    assert app.code("query_room_info", room) == 0
    assert reading_value(wire.get("readings"), "unknown_room") == "error"
    app.send("PUT", "readings", {})
    assert app.code("query_room_info", room) == 1301
    assert_error(app.admin("PUT", "readings", {"unknown_rom": "empty"}), 422, "did you mean unknown_room?")
    assert_error(app.admin("PUT", "readings", {"unknown_room": "sometimes"}), 422, "choose error, empty")
    assert_error(app.admin("PUT", "readings", {"tick_seconds": 7}), 422, "tick_seconds")


def test_readings_and_answers_are_set_for_every_app(wire, mock) -> None:
    """Without an appkey they apply to all apps, including apps created later, and survive the reset of one app."""
    room = {"RoomId": "nobody-was-here"}
    busy = {"on": "count_qos_by_day", "reply": {"error": "server_busy"}}
    with Client.fresh(mock.port) as early:
        own = early.send("POST", "answers", {"on": "query_room_info", "reply": {"error": "rate_limited"}, "times": 1})
        result = wire.send("PUT", "readings", {"unknown_room": "empty"})
        assert reading_value(result, "unknown_room") == reading_value(wire.get("readings"), "unknown_room") == "empty"
        number = wire.send("POST", "answers", busy)["id"]
        early.send("POST", "reset")
        with Client.fresh(mock.port) as late:
            for client in (early, late):
                codes = client.code("query_room_info", room), client.code("count_qos_by_day")
                assert codes == (0, BUSY)
                assert [row["id"] for row in client.get("answers")["answers"]] == [number]
            late.send("POST", "answers", {"on": "*", "reply": {"error": "rate_limited"}})
            rows = wire.get("answers")["answers"]
            assert [(row["id"] == number, row.get("appkey")) for row in rows] == [(True, None), (False, late.appkey)]
            assert wire.send("DELETE", f"answers/{number}") == {"removed": 1}
            assert early.code("count_qos_by_day") == 0
            assert_error(wire.admin("DELETE", f"answers/{own['id']}"), 404)
            assert wire.send("DELETE", "answers") == {"removed": 1}
            assert late.code("count_qos_by_day") == 0
            wire.send("POST", "answers", busy)
            wire.send("POST", "reset")
            assert wire.get("answers") == {"answers": []}
        with Client.fresh(mock.port) as fresh:
            assert (fresh.code("query_room_info", room), fresh.code("count_qos_by_day")) == (1301, 0)


def test_an_answer_is_added_to_one_app(app) -> None:
    """The newest answer wins, `times` limits it, DELETE removes it."""
    entry = {"on": "query_room_info", "reply": {"error": "server_busy"}, "times": 1}
    response = app.admin("POST", "answers", entry)
    assert response.status == 201
    number = response.json["id"]
    app.send("POST", "answers", {"on": "*", "when": {"body": {"RoomId": "77"}}, "reply": {"error": "room_not_found"}})
    assert [row["on"] for row in app.get("answers")["answers"]][1] == ["query_room_info"]
    assert [app.code("query_room_info", {"RoomId": "77"}), app.code(), app.code()] == [1301, BUSY, 0]
    assert app.send("DELETE", f"answers/{number}") == {"removed": 1}
    assert assert_error(app.admin("DELETE", f"answers/{number}"), 404)["error"] == "unknown_answer"
    assert app.send("DELETE", "answers") == {"removed": 1}
    assert app.get("answers") == {"answers": []}


@pytest.mark.parametrize(
    "entry",
    [{}, {"on": "query_rom_info", "reply": {"error": "server_busy"}}, {"on": "*"}, {"on": "*", "reply": {"error": "x"}},
     {"on": "*", "reply": {}}, {"on": "*", "reply": {"error": "server_busy"}, "wen": {}}, {"on": "*", "reply": 1},
     {"on": "*", "reply": {"body": {"Status": 1}}, "when": {"body": {"RoomId": {"matches": "("}}}},
     {"on": "*", "reply": {"patch": {"x": "{{ nothing("}}}, {"on": ["*"], "sequence": []}, {"on": "*", "times": -1, "reply": {"error": "server_busy"}}],
)  # fmt: skip
def test_an_invalid_answer_is_rejected(app, entry: dict) -> None:
    """422, and no answer is added."""
    assert_error(app.admin("POST", "answers", entry), 422)
    assert app.get("answers") == {"answers": []}
    assert app.code() == 0


def test_a_fault_is_added_listed_and_removed(app) -> None:
    """201 with its id; the list counts matches; `on` selects operations; DELETE removes it."""
    response = app.admin(
        "POST", "faults", {"fault": "error", "name": "server_busy", "on": "query_room_info", "times": 2}
    )
    assert response.status == 201
    number = response.json["id"]
    assert response.json == {
        "id": number,
        "fault": "error",
        "name": "server_busy",
        "on": ["query_room_info"],
        "times": 2,
    }
    assert [app.code(), app.code("count_qos_by_day"), app.code(), app.code()] == [BUSY, 0, BUSY, 0]
    listed = app.get("faults")["faults"]
    assert [(row["id"], row["struck"], row["matched"], row["ended"]) for row in listed] == [(number, 2, 3, True)]
    assert app.send("DELETE", f"faults/{number}") == {"removed": 1}
    assert app.get("faults") == {"faults": []}
    assert assert_error(app.admin("DELETE", f"faults/{number}"), 404)["error"] == "unknown_fault"


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        ({}, ("missing fault",)),
        ({"fault": "latencyy", "fixed_ms": 1}, ("fault:", "did you mean latency?")),
        ({"fault": "latency", "fixed_mss": 1}, ("fixed_mss:", "did you mean fixed_ms?")),
        ({"fault": "latency"}, ("exactly one of fixed_ms",)),
        ({"fault": "latency", "fixed_ms": -1}, ("fixed_ms",)),
        ({"fault": "latency", "fixed_ms": True}, ("fixed_ms",)),
        ({"fault": "latency", "fixed_ms": 10**400}, ("fixed_ms",)),
        ({"fault": "hang", "on": "query_rom_info"}, ("on:", "did you mean query_room_info?")),
        ({"fault": "hang", "on": []}, ("on:",)),
        ({"fault": "hang", "when": {"bodi": {"RoomId": "1"}}}, ("when.bodi:", "did you mean body?")),
        ({"fault": "hang", "when": {"body": {"RoomId": {"matches": "("}}}}, ("when.body.RoomId",)),
        ({"fault": "hang", "probability": 1.1}, ("probability",)),
        ({"fault": "hang", "times": 0}, ("times",)),
        ({"fault": "hang", "ttl_seconds": 0}, ("ttl_seconds",)),
        ({"fault": "error", "name": "server_bussy"}, ("did you mean server_busy?",)),
        ({"fault": "error", "code": 0}, ("code",)),
        ({"fault": "error", "name": "server_busy", "code": 1402}, ("exactly one",)),
        ({"fault": ["hang"]}, ("unknown fault",)),
    ],
)
def test_an_invalid_fault_is_rejected_with_its_field(app, body: dict, texts: tuple[str, ...]) -> None:
    """422 with the field and the closest name; no fault is added."""
    assert assert_error(app.admin("POST", "faults", body), 422, *texts)["error"] == "invalid_fault"
    assert app.get("faults") == {"faults": []}


def test_scenario_faults_are_listed_before_the_first_request(app) -> None:
    """They can be listed and removed before they fire."""
    app.send("PUT", "scenario", {"name": "gateway-down"})
    listed = app.get("faults")["faults"]
    assert {row["origin"] for row in listed} == {"scenario"}
    assert app.send("DELETE", "faults")["removed"] == len(listed) == 3
    assert app.call().status == 200
    app.send("PUT", "scenario", {"name": "gateway-down"})
    assert app.get("faults")["faults"] == listed


def test_a_fault_for_all_apps_is_listed_once(wire, app) -> None:
    """With the counts of all apps; it also fires for apps created later."""
    number = wire.send("POST", "faults", {"fault": "error", "name": "server_busy", "times": 1})["id"]
    assert [row["id"] for row in wire.get("faults")["faults"]] == [number]
    with Client.fresh(wire.port) as late:
        assert [app.code(), app.code(), late.code(), late.code()] == [BUSY, 0, BUSY, 0]
        (row,) = wire.get("faults")["faults"]
        assert (row["id"], row["struck"], row["matched"], row["origin"]) == (number, 2, 4, "all apps")
        assert app.get("faults")["faults"][0]["struck"] == 1
        assert wire.send("DELETE", f"faults/{number}") == {"removed": 1}
        assert app.get("faults") == late.get("faults") == {"faults": []}
    assert assert_error(wire.admin("DELETE", f"faults/{number}"), 404)["error"] == "unknown_fault"


def test_two_apps_may_have_faults_with_the_same_id(wire, app) -> None:
    """Ids are per app; the list of all faults includes the appkey."""
    with Client.fresh(wire.port) as other:
        for client in (app, other):
            assert client.send("POST", "faults", {"fault": "latency", "fixed_ms": 0})["id"] == "latency-1"
        listed = wire.get("faults")["faults"]
        assert {(row["id"], row["appkey"]) for row in listed} == {
            ("latency-1", app.appkey),
            ("latency-1", other.appkey),
        }
        assert app.send("DELETE", "faults/latency-1") == {"removed": 1}
        assert len(other.get("faults")["faults"]) == 1


def test_a_fault_for_all_apps_needs_an_id_that_no_app_uses(wire, app) -> None:
    """The fault is added to no app, rather than to some."""
    app.send("POST", "faults", {"fault": "hang", "id": "mine"})
    assert_error(wire.admin("POST", "faults", {"fault": "error", "name": "server_busy", "id": "mine"}), 422, "'mine'")
    with Client.fresh(wire.port) as other:
        assert other.get("faults") == {"faults": []}


def test_a_scenario_fault_with_a_used_id_does_not_break_the_app(tmp_path) -> None:
    """Requests are still answered, and all three faults are listed."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "mine.yaml").write_text(
        "title: Mine\nextends: document\nfaults:\n  - {fault: latency, fixed_ms: 0, id: twice}\n", encoding="utf-8"
    )
    with MockServer(scenario="document", fixtures=str(tmp_path)) as mock, Client(mock.port) as client:
        client.send("POST", "faults", {"fault": "latency", "fixed_ms": 0, "id": "twice"})
        client.send("POST", "faults", {"fault": "latency", "fixed_ms": 0, "id": "scenario-1-latency"})
        client.send("PUT", "scenario", {"name": "mine"})
        assert client.code() == 0
        assert len({row["id"] for row in client.get("faults")["faults"]}) == 3


def test_a_reset_restores_the_faults_of_the_command_line() -> None:
    """After the reset of one app and of all, with the same ids."""
    with MockServer(scenario="document", fault=["error;name=server_busy;times=1"]) as mock, Client(mock.port) as client:
        assert [client.code(), client.code()] == [BUSY, 0]
        before = client.get("faults")["faults"][0]["id"]
        client.send("POST", "reset")
        assert [client.code(), client.code()] == [BUSY, 0]
        client.wire.send("POST", "reset")
        assert client.get("faults")["faults"][0]["id"] == before
        assert [client.code(), client.code()] == [BUSY, 0]


def test_a_lone_surrogate_is_returned_unchanged(app) -> None:
    """Text without a UTF-8 encoding does not break the list."""
    app.send("POST", "faults", b'{"fault": "hang", "when": {"body": {"RoomId": "a\\\\\\ud800"}}}')
    assert app.get("faults")["faults"][0]["when"]["body"]["RoomId"] == "a\\\ud800"


@pytest.mark.parametrize(
    "fault",
    [{"fault": "slow_body", "over_ms": 1000}, {"fault": "bandwidth", "bytes_per_second": 100}, {"fault": "hang"},
     {"fault": "slow_headers"}, {"fault": "connection_reset"}, {"fault": "malformed_chunk"}, {"fault": "slow_close"}],
)  # fmt: skip
def test_connection_faults_need_our_own_server(fault: dict) -> None:
    """On another WSGI server the response says so instead of ignoring the fault."""
    client = create_app(scenario="document").test_client()
    assert client.post("/__admin/faults", json=fault, headers=WRITES).status_code == 201
    query = client.get("/__admin/sign").json["query"]
    response = client.post(f"/v2/video/query_room_info?{query}", json={"RoomId": "123456789"}).json
    assert response["ErrorCode"] == 1500
    assert "mockserver serve" in response["ErrorInfo"]
