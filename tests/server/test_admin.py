"""Every route of the admin API over HTTP: shapes that scripts rely on, real statuses, and wrong words told with what was meant."""

from __future__ import annotations

import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from helpers.driving import WRITES, Client, Wire
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver import create_app
from mockserver.engine.journal import MAX_WAITERS
from mockserver.server.admin import ROUTES
from mockserver.testing.mock_server import MockServer

EXPIRED, UNSIGNED, BUSY, INVALID = 1104, 1105, 1402, 1108


@pytest.fixture(scope="module")
def mock():
    """One server for the module; every test has an app of its own, or resets."""
    with MockServer(scenario="document") as running:
        yield running


@pytest.fixture
def wire(mock):
    """The admin API as it is without an appkey, from the start and reset afterwards."""
    with Wire(mock.port) as one:
        yield one
        one.send("POST", "reset")


@pytest.fixture
def app(mock):
    """A client with a fresh app."""
    with Client.fresh(mock.port) as one:
        yield one
        one.wire.send("DELETE", f"apps/{one.appkey}")


def refused(told: Any, status: int, *words: str) -> dict[str, str]:
    """Asserts a JSON refusal of that status whose message holds the words."""
    assert told.status == status, told
    assert told.headers["content-type"] == "application/json"
    assert set(told.json) == {"error", "message"}
    for word in words:
        assert word in told.json["message"]
    return told.json


def concrete(path: str, appkey: str = "123456789") -> str:
    """A path of the table with its variables filled in."""
    path = path.replace("<appkey>", appkey).replace("<name>", "docs.css")
    return re.sub(r"<\w+>", "1", path)


# Every route


GETS = [one for one in ROUTES if one.method == "GET"]


@pytest.mark.parametrize("path", [one.path for one in GETS if "<" not in one.path])
@pytest.mark.parametrize("scoped", [False, True])
def test_every_resource_can_be_read(mock, app, path: str, scoped: bool) -> None:
    """Each GET answers, of one app and of all, as JSON that must not be cached (pages have their own type)."""
    app.call()
    told = app.admin("GET", path) if scoped else app.wire.admin("GET", path)
    assert told.status == 200
    assert told.headers["cache-control"] == "no-store"
    assert told.headers["x-content-type-options"] == "nosniff"
    if path != "docs":
        assert isinstance(told.json, dict)


@pytest.mark.parametrize(
    ("method", "path"), [(one.method, one.path) for one in ROUTES if "appkey" not in one.path]
)
def test_an_unknown_app_is_told_everywhere(wire, method: str, path: str) -> None:
    """A misspelt appkey never acts on another app, and its silence is never taken for an answer."""
    free = {
        "health",
        "ready",
        "operations",
        "scenarios",
        "errors",
        "settings",
        "fault-kinds",
        "scenario-schema",
        "apps",
        "reload",
        "docs",
    }
    body = {"name": "document"} if path == "scenario" else {"fault": "hang"} if path == "faults" else {"now": "now"} if path == "clock" else {"on": "*", "reply": {"error": "server_busy"}} if path == "answers" else {}  # fmt: skip
    told = wire.admin(method, concrete(path), body, appkey="12345678")
    if path in free or path.startswith(("docs/", "openapi")):
        assert told.status in (200, 201, 404)
    else:
        assert refused(told, 404)["error"] == "unknown_appkey"
    if method == "POST" and path == "apps":
        wire.send("DELETE", f"apps/{told.json['appkey']}")


METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
PATHS = sorted({one.path for one in ROUTES})


@pytest.mark.parametrize("path", PATHS)
def test_a_wrong_method_is_405_and_tells_the_right_ones(wire, path: str) -> None:
    """Each method that a resource does not take is refused as JSON, with Allow."""
    known = {one.method for one in ROUTES if one.path == path} | (
        {one.method for one in ROUTES if one.path.startswith("requests/<")}
        if path.startswith("requests/")
        else set()
    )
    for method in METHODS - known - ({"HEAD"} if "GET" in known else set()):
        told = wire.ask(method, f"/__admin/{concrete(path)}", b"{}", **{name.replace("-", "_"): value for name, value in WRITES.items()})  # fmt: skip
        assert told.status == 405, (method, told)
        assert set(told.headers["allow"].split(", ")) == known
        if method != "HEAD":
            assert refused(told, 405)["error"] == "method_not_allowed"


@pytest.mark.parametrize(
    "path", ["", "x", "healthz", "health/", "faults/", "faults/1/2", "apps/1/2", "requests/1/2", "../health", "docs/nothing", "docs/..%2f..%2fguard.py", "%00", "é", "faults%2f1%2f2"],
)  # fmt: skip
def test_an_unknown_path_is_404_as_json(wire, path: str) -> None:
    """Below the prefix there is no page of HTML and no envelope of the customer's API."""
    assert (
        refused(wire.ask("GET", f"/__admin/{path.replace('é', '%C3%A9')}"), 404)["error"]
        == "unknown_resource"
    )


def test_the_prefix_itself_is_404_as_json(wire) -> None:
    """Without the final slash there is no redirect to follow."""
    assert refused(wire.ask("GET", "/__admin"), 404)["error"] == "unknown_resource"


def test_a_read_may_ask_for_the_head_alone(wire) -> None:
    """HEAD is answered as GET, without the body."""
    told = wire.ask("HEAD", "/__admin/health")
    assert (told.status, told.body) == (200, b"")


@pytest.mark.parametrize(
    ("method", "path"),
    [(one.method, one.path) for one in ROUTES if "<" not in one.path and one.path != "docs"],
)
def test_a_word_of_the_query_that_nobody_reads_is_refused(wire, method: str, path: str) -> None:
    """`?apkey=` must not act on every app."""
    refused(wire.admin(method, path, {}, apkey="123456789"), 422, "apkey", "did you mean appkey?")


def test_a_doubled_appkey_is_refused(wire) -> None:
    """Which of two apps is meant cannot be known."""
    told = wire.ask("GET", "/__admin/clock?appkey=123456789&appkey=987654321")
    refused(told, 422, "appkey is given 2 times")


BODIES = [
    (b"", 0), (b"{", 400), (b"[]", 400), (b"null", 400), (b'"x"', 400), (b"1", 400), (b"NaN", 400), (b"\xff", 400),
    (b'{"name": NaN}', 400), (b'{"name": 1e999}', 400), (b'{"name": "a", "name": "document"}', 400),
    (b"[" * 5_000, 400), (b'{"a":' * 5_000, 400), (b'{"name": ' + b"9" * 5_000 + b"}", 400),
    (b'{"name": "document"}' + b" " * 1_048_576, 413), (b" " * 3_000_000, 413), (b"x" * 40_000_000, 413),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status"), BODIES, ids=range(len(BODIES)))
def test_a_body_that_is_no_json_object_is_refused(mock, body: bytes, status: int) -> None:
    """Whatever the body is, it is told as JSON, and a body too large is never taken for an empty one."""
    with Wire(mock.port) as wire:
        told = wire.admin("PUT", "scenario", body)
    refused(told, status or 422, "" if status else "missing name")


def test_a_large_body_forgets_no_readings(app) -> None:
    """An overlong body that began with readings changes nothing."""
    app.send("PUT", "readings", {"unknown_room": "empty"})
    refused(app.admin("PUT", "readings", b" " * 2_000_000), 413)
    assert value_of(app.get("readings"), "unknown_room") == "empty"


@settings(max_examples=150, deadline=None)
@given(
    route=st.sampled_from([one for one in ROUTES if one.path != "report" and "docs" not in one.path]),
    body=st.dictionaries(
        st.sampled_from(["fault", "on", "when", "name", "now", "offset_seconds", "advance_seconds", "window", "reply",
                         "times", "operation", "count", "appkey", "fixed_ms", "how", "\ud800", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
            | st.text(max_size=8)
            | st.sampled_from(["latency", "query_room_info", "*", "now", "document", "malformed_json", 10**400, "\ud800"]),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                st.sampled_from(["body", "query", "matches", "schema", "error", "patch", "$ref", "x"]), inner, max_size=3),
            max_leaves=6,
        ),
        max_size=4,
    ),
    query=st.dictionaries(
        st.sampled_from(["operation", "limit", "since", "timeout", "accepted", "lang", "seq", "error"]),
        st.sampled_from(["", "0", "1", "-1", "nan", "1e400", "x", "true", "é", "null"]), max_size=2),
)  # fmt: skip
def test_no_request_makes_the_admin_api_fail(fuzzed: Client, route, body, query) -> None:
    """Nobody can make it answer 500, nor break the API behind it for longer than a reset."""
    told = fuzzed.wire.admin(route.method, concrete(route.path, fuzzed.appkey + "0"), json.dumps(body).encode(), appkey=fuzzed.appkey, **query)  # fmt: skip
    assert told.status < 500, (route, body, query, told)
    assert isinstance(told.json, dict)
    assert fuzzed.get("faults").keys() == {"faults"}
    assert fuzzed.get("requests", limit=1)["evicted"] == 0
    fuzzed.send("POST", "reset")
    fuzzed.wire.send("DELETE", "clock")
    assert fuzzed.code() == 0


@pytest.fixture(scope="module")
def fuzzed(mock):
    """A client with one app for all examples."""
    with Client.fresh(mock.port) as one:
        yield one


# Registries


def test_the_process_is_alive(wire) -> None:
    """`health` tells version and age."""
    told = wire.get("health")
    assert told["status"] == "ok"
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", told["version"])
    assert told["uptime_seconds"] >= 0


def test_the_registries_have_their_shapes(wire) -> None:
    """Rows that scripts read by name."""
    assert {one["name"]: one["code"] for one in wire.get("errors")["errors"]}["room_not_found"] == 1301
    assert {one["source"] for one in wire.get("errors")["errors"]} == {"document", "assumed"}
    assert [one["section"] for one in wire.get("operations")["operations"]] == [
        "2.1",
        "2.2",
        "2.3",
        "3.1",
        "3.2",
        "3.3",
    ]
    assert {"default", "empty", "storm"} <= {one["name"] for one in wire.get("scenarios")["scenarios"]}
    assert len(wire.get("fault-kinds")["faults"]) >= 23
    assert "admin_token" in {one["name"] for one in wire.get("settings")["settings"]}


def test_ready_is_503_while_the_files_are_wrong(tmp_path) -> None:
    """A load balancer and a start script can wait for it; the place of each mistake is told."""
    folder = tmp_path / "scenarios"
    folder.mkdir()
    file = folder / "mine.yaml"
    file.write_text("title: Mine\nextends: document\n", encoding="utf-8")
    with MockServer(fixtures=str(tmp_path), scenario="mine") as mock, Wire(mock.port) as wire:
        assert wire.get("ready") == {"ready": True, "problems": []}
        file.write_text("titel: Mine\n", encoding="utf-8")
        assert wire.send("POST", "reload")["ready"] is False
        told = wire.admin("GET", "ready")
        assert told.status == 503
        assert {one["line"] for one in told.json["problems"]} == {1}
        assert "title" in str(told.json["problems"])
        assert str(file) == told.json["problems"][0]["place"]
        file.write_text("title: Mine\nextends: document\n", encoding="utf-8")
        assert wire.send("POST", "reload") == {"ready": True, "problems": []}
        assert wire.admin("GET", "ready").status == 200
        refused(wire.admin("POST", "reload", {"force": True}), 422, "unknown field 'force'")


# Apps


def test_a_fresh_app_is_made_with_its_keys(wire) -> None:
    """201 and exactly the three keys that a client needs; they sign, and are told nowhere else."""
    told = wire.admin("POST", "apps")
    assert told.status == 201
    assert set(told.json) == {"appkey", "appsecret", "restapikey"}
    with Client(wire.port, **told.json) as client:
        assert client.code() == 0
        listed = wire.get("apps")
        assert {"appkey": client.appkey, "scenario": "document", "made": True}.items() <= next(one for one in listed["apps"] if one["appkey"] == client.appkey).items()  # fmt: skip
        assert told.json["appsecret"] not in json.dumps(listed)
        assert wire.send("DELETE", f"apps/{client.appkey}") == {"removed": client.appkey}
        assert client.code() == 1102
        assert refused(wire.admin("DELETE", f"apps/{client.appkey}"), 404)["error"] == "unknown_appkey"


def test_the_requests_of_an_app_outlive_it(wire) -> None:
    """A report at the end of a run can still tell what the clients of removed apps did."""
    with Client.fresh(wire.port) as client:
        client.call()
        wire.send("DELETE", f"apps/{client.appkey}")
        assert client.get("requests/count") == {"count": 1, "evicted": 0}
        assert client.get("report")["requests"] == 1


def test_an_app_of_the_files_stays(wire) -> None:
    """What apps.yaml says is not taken away by a call, and nobody is told that it is not there."""
    told = wire.admin("DELETE", "apps/123456789")
    assert refused(told, 409, "apps.yaml")["error"] == "app_of_a_file"


def test_an_app_takes_no_wishes(wire) -> None:
    """A secret of one's own is refused, not ignored."""
    refused(wire.admin("POST", "apps", {"appsecret": "mine"}), 422, "unknown field 'appsecret'")


# Scenario and readings


def test_a_scenario_is_chosen_for_one_app_or_for_all(wire, app) -> None:
    """Of one app the others see nothing; of all, those to come are told too."""
    assert app.send("PUT", "scenario", {"name": "empty"}) == {"name": "empty"}
    assert wire.get("scenario") == {"name": "document"}
    assert wire.send("PUT", "scenario", {"name": "outage"}) == {"name": "outage"}
    assert app.get("scenario") == {"name": "outage"}
    with Client.fresh(wire.port) as late:
        assert late.code() == BUSY
    app.send("POST", "reset")
    assert app.get("scenario") == {"name": "document"}


@pytest.mark.parametrize(
    ("body", "words"),
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
def test_a_wrong_scenario_is_told(app, body: dict, words: tuple[str, ...]) -> None:
    """422, with the nearest name; the scenario stays."""
    refused(app.admin("PUT", "scenario", body), 422, *words)
    assert app.get("scenario") == {"name": "document"}


def value_of(told: dict, name: str) -> Any:
    """The value in force of one reading."""
    return next(one["value"] for one in told["readings"] if one["name"] == name)


def test_readings_are_chosen_for_one_app(wire, app) -> None:
    """They add up, act at once, are forgotten by {} and by a reset, and no other app has them."""
    room = {"RoomId": "nobody-was-here"}
    assert app.code("query_room_info", room) == 1301
    app.send("PUT", "readings", {"unknown_room": "empty"})
    told = app.send("PUT", "readings", {"tick_seconds": 3600})
    assert (value_of(told, "unknown_room"), value_of(told, "tick_seconds")) == ("empty", 3600)
    assert app.code("query_room_info", room) == 0
    assert value_of(wire.get("readings"), "unknown_room") == "error"
    app.send("PUT", "readings", {})
    assert app.code("query_room_info", room) == 1301
    refused(app.admin("PUT", "readings", {"unknown_rom": "empty"}), 422, "did you mean unknown_room?")
    refused(app.admin("PUT", "readings", {"unknown_room": "sometimes"}), 422, "choose error, empty")
    refused(app.admin("PUT", "readings", {"tick_seconds": 7}), 422, "tick_seconds")


def test_readings_and_answers_are_chosen_for_every_app(wire, mock) -> None:
    """Without an appkey they are those of all apps, of one that is made later, too, and stay when one app is reset."""
    room = {"RoomId": "nobody-was-here"}
    busy = {"on": "count_qos_by_day", "reply": {"error": "server_busy"}}
    with Client.fresh(mock.port) as early:
        own = early.send(
            "POST", "answers", {"on": "query_room_info", "reply": {"error": "rate_limited"}, "times": 1}
        )
        told = wire.send("PUT", "readings", {"unknown_room": "empty"})
        assert value_of(told, "unknown_room") == value_of(wire.get("readings"), "unknown_room") == "empty"
        number = wire.send("POST", "answers", busy)["id"]
        early.send("POST", "reset")
        with Client.fresh(mock.port) as late:
            for one in (early, late):
                assert (one.code("query_room_info", room), one.code("count_qos_by_day")) == (0, BUSY)
                assert [row["id"] for row in one.get("answers")["answers"]] == [number]
            late.send("POST", "answers", {"on": "*", "reply": {"error": "rate_limited"}})
            rows = wire.get("answers")["answers"]
            assert [(row["id"] == number, row.get("appkey")) for row in rows] == [
                (True, None),
                (False, late.appkey),
            ]
            assert wire.send("DELETE", f"answers/{number}") == {"removed": 1}
            assert early.code("count_qos_by_day") == 0
            refused(wire.admin("DELETE", f"answers/{own['id']}"), 404)
            assert wire.send("DELETE", "answers") == {"removed": 1}
            assert late.code("count_qos_by_day") == 0
            wire.send("POST", "answers", busy)
            wire.send("POST", "reset")
            assert wire.get("answers") == {"answers": []}
            assert (late.code("query_room_info", room), late.code("count_qos_by_day")) == (1301, 0)


# Faults


def test_a_fault_is_put_to_work_listed_and_ended(app) -> None:
    """201 with its id; the list counts; `on` chooses; DELETE ends it."""
    told = app.admin(
        "POST", "faults", {"fault": "error", "name": "server_busy", "on": "query_room_info", "times": 2}
    )
    assert told.status == 201
    number = told.json["id"]
    assert told.json == {
        "id": number,
        "fault": "error",
        "name": "server_busy",
        "on": ["query_room_info"],
        "times": 2,
    }
    assert [app.code(), app.code("count_qos_by_day"), app.code(), app.code()] == [BUSY, 0, BUSY, 0]
    listed = app.get("faults")["faults"]
    assert [(one["id"], one["struck"], one["matched"], one["ended"]) for one in listed] == [
        (number, 2, 3, True)
    ]
    assert app.send("DELETE", f"faults/{number}") == {"removed": 1}
    assert app.get("faults") == {"faults": []}
    assert refused(app.admin("DELETE", f"faults/{number}"), 404)["error"] == "unknown_fault"


@pytest.mark.parametrize(
    ("body", "words"),
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
def test_a_wrong_fault_is_told_with_its_field(app, body: dict, words: tuple[str, ...]) -> None:
    """422 with the field and the nearest name; nothing is put to work."""
    assert refused(app.admin("POST", "faults", body), 422, *words)["error"] == "invalid_fault"
    assert app.get("faults") == {"faults": []}


def test_the_faults_of_a_scenario_are_there_before_the_first_request(app) -> None:
    """They can be listed and ended before they strike."""
    app.send("PUT", "scenario", {"name": "gateway-down"})
    listed = app.get("faults")["faults"]
    assert {one["origin"] for one in listed} == {"scenario"}
    assert app.send("DELETE", "faults")["removed"] == len(listed) == 3
    assert app.call().status == 200
    app.send("PUT", "scenario", {"name": "gateway-down"})
    assert app.get("faults")["faults"] == listed


def test_a_fault_for_all_apps_is_one_fault(wire, app) -> None:
    """It is listed once with the counts of all, before and after anybody called, and it strikes late apps too."""
    number = wire.send("POST", "faults", {"fault": "error", "name": "server_busy", "times": 1})["id"]
    assert [one["id"] for one in wire.get("faults")["faults"]] == [number]
    with Client.fresh(wire.port) as late:
        assert [app.code(), app.code(), late.code(), late.code()] == [BUSY, 0, BUSY, 0]
        (one,) = wire.get("faults")["faults"]
        assert (one["id"], one["struck"], one["matched"], one["origin"]) == (number, 2, 4, "all apps")
        assert app.get("faults")["faults"][0]["struck"] == 1
        assert wire.send("DELETE", f"faults/{number}") == {"removed": 1}
        assert app.get("faults") == late.get("faults") == {"faults": []}
    assert refused(wire.admin("DELETE", f"faults/{number}"), 404)["error"] == "unknown_fault"


def test_faults_of_two_apps_with_one_id_are_two(wire, app) -> None:
    """Each app makes up its own ids; the list of all tells whose each one is."""
    with Client.fresh(wire.port) as other:
        for client in (app, other):
            assert client.send("POST", "faults", {"fault": "latency", "fixed_ms": 0})["id"] == "latency-1"
        listed = wire.get("faults")["faults"]
        assert {(one["id"], one["appkey"]) for one in listed} == {
            ("latency-1", app.appkey),
            ("latency-1", other.appkey),
        }
        assert app.send("DELETE", "faults/latency-1") == {"removed": 1}
        assert len(other.get("faults")["faults"]) == 1


def test_an_id_that_one_app_has_taken_is_refused_for_all(wire, app) -> None:
    """The fault is then put to work on no app, rather than on some."""
    app.send("POST", "faults", {"fault": "hang", "id": "mine"})
    refused(
        wire.admin("POST", "faults", {"fault": "error", "name": "server_busy", "id": "mine"}), 422, "'mine'"
    )
    with Client.fresh(wire.port) as other:
        assert other.get("faults") == {"faults": []}


def test_a_scenario_whose_fault_has_a_taken_id_answers_all_the_same(tmp_path) -> None:
    """An id chosen twice must not stop the requests of an app."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "mine.yaml").write_text(
        "title: Mine\nextends: document\nfaults:\n  - {fault: latency, fixed_ms: 0, id: twice}\n",
        encoding="utf-8",
    )
    with MockServer(scenario="document", fixtures=str(tmp_path)) as mock, Client(mock.port) as client:
        client.send("POST", "faults", {"fault": "latency", "fixed_ms": 0, "id": "twice"})
        client.send("POST", "faults", {"fault": "latency", "fixed_ms": 0, "id": "scenario-1-latency"})
        client.send("PUT", "scenario", {"name": "mine"})
        assert client.code() == 0
        assert len({one["id"] for one in client.get("faults")["faults"]}) == 3


def test_reset_of_one_app_keeps_what_all_apps_have() -> None:
    """A fault given with the server's start is back after a reset, of one app and of all, under the same id."""
    with (
        MockServer(scenario="document", fault=["error;name=server_busy;times=1"]) as mock,
        Client(mock.port) as client,
    ):
        assert [client.code(), client.code()] == [BUSY, 0]
        before = client.get("faults")["faults"][0]["id"]
        client.send("POST", "reset")
        assert [client.code(), client.code()] == [BUSY, 0]
        client.wire.send("POST", "reset")
        assert client.get("faults")["faults"][0]["id"] == before
        assert [client.code(), client.code()] == [BUSY, 0]


def test_half_a_surrogate_pair_is_told_as_it_was_sent(app) -> None:
    """Text that has no UTF-8 does not break the list that it is in."""
    app.send("POST", "faults", b'{"fault": "hang", "when": {"body": {"RoomId": "a\\\\\\ud800"}}}')
    assert app.get("faults")["faults"][0]["when"]["body"]["RoomId"] == "a\\\ud800"


# Answers


def test_an_answer_is_given_to_one_app(app) -> None:
    """The newest wins, `times` ends it, DELETE takes it back."""
    entry = {"on": "query_room_info", "reply": {"error": "server_busy"}, "times": 1}
    told = app.admin("POST", "answers", entry)
    assert told.status == 201
    number = told.json["id"]
    app.send(
        "POST",
        "answers",
        {"on": "*", "when": {"body": {"RoomId": "77"}}, "reply": {"error": "room_not_found"}},
    )
    assert [one["on"] for one in app.get("answers")["answers"]][1] == ["query_room_info"]
    assert [app.code("query_room_info", {"RoomId": "77"}), app.code(), app.code()] == [1301, BUSY, 0]
    assert app.send("DELETE", f"answers/{number}") == {"removed": 1}
    assert refused(app.admin("DELETE", f"answers/{number}"), 404)["error"] == "unknown_answer"
    assert app.send("DELETE", "answers") == {"removed": 1}
    assert app.get("answers") == {"answers": []}


@pytest.mark.parametrize(
    "entry",
    [{}, {"on": "query_rom_info", "reply": {"error": "server_busy"}}, {"on": "*"}, {"on": "*", "reply": {"error": "x"}},
     {"on": "*", "reply": {}}, {"on": "*", "reply": {"error": "server_busy"}, "wen": {}}, {"on": "*", "reply": 1},
     {"on": "*", "reply": {"body": {"Status": 1}}, "when": {"body": {"RoomId": {"matches": "("}}}},
     {"on": "*", "reply": {"patch": {"x": "{{ nothing("}}}, {"on": ["*"], "sequence": []}, {"on": "*", "times": -1, "reply": {"error": "server_busy"}}],
)  # fmt: skip
def test_a_wrong_answer_is_told(app, entry: dict) -> None:
    """422, and nothing is answered otherwise."""
    refused(app.admin("POST", "answers", entry), 422)
    assert app.get("answers") == {"answers": []}
    assert app.code() == 0


# Clock


def test_the_clock_is_frozen_shifted_moved_and_reset(app) -> None:
    """Each word does what it says, and the machine's own time is told beside it."""
    assert app.send("PUT", "clock", {"now": 1_576_000_000})["now"] == 1_576_000_000
    assert app.send("PUT", "clock", {"advance_seconds": 1.5})["now"] == 1_576_000_001.5
    assert app.send("PUT", "clock", {"advance_seconds": -1.5})["now"] == 1_576_000_000
    told = app.send("PUT", "clock", {"now": "2019-12-10T15:30:00+08:00"})
    assert (told["now"], told["frozen"]) == (1_575_963_000, True)
    told = app.send("DELETE", "clock")
    assert (told["frozen"], told["offset_seconds"]) == (False, 0)
    told = app.send("PUT", "clock", {"offset_seconds": -3600})
    assert told["now"] == pytest.approx(told["machine"] - 3600, abs=1)
    told = app.send("PUT", "clock", {"offset_seconds": 60})
    assert told["now"] == pytest.approx(told["machine"] + 60, abs=1)


@pytest.mark.parametrize(
    "body",
    [{}, {"now": 1, "offset_seconds": 1}, {"nwo": 1}, {"now": None}, {"now": True}, {"now": "yesterday"},
     {"now": "2019-12-10T15:30:00"}, {"now": -1}, {"now": 0}, {"now": 10**10}, {"now": 10**400}, {"now": 1e300},
     {"now": "now-999999999d"}, {"now": "2300-01-01T00:00:00Z"}, {"offset_seconds": 1e300}, {"offset_seconds": -2e9},
     {"offset_seconds": 10**400}, {"advance_seconds": 1e10}, {"advance_seconds": "1"}, {"advance_seconds": 10**400}],
)  # fmt: skip
def test_a_clock_nobody_can_sign_for_is_refused(app, body: dict) -> None:
    """422, and the clock stays: curtime has ten digits, so does every moment that the clock shows."""
    refused(app.admin("PUT", "clock", body), 422)
    told = app.get("clock")
    assert told["now"] == pytest.approx(told["machine"], abs=1)
    assert app.code() == 0


def test_many_jumps_do_not_leave_the_range(app) -> None:
    """Neither does a sum of jumps."""
    while (told := app.admin("PUT", "clock", {"advance_seconds": 3e9})).status == 200:
        pass
    refused(told, 422)
    assert app.get("clock")["now"] < 10**10
    assert app.code() == EXPIRED


def test_the_clock_moves_everything_together(app) -> None:
    """After `advance 301 s` a signature has expired, faults run out, stamps and the world's now are later."""
    app.send("PUT", "scenario", {"name": "default"})
    app.send("PUT", "clock", {"now": 1_576_000_000})
    today = {"QueryDate": "20191211"}
    app.send(
        "POST",
        "faults",
        {"fault": "error", "name": "server_busy", "ttl_seconds": 301, "on": "query_room_info"},
    )
    body = {"RoomId": "123456789"}
    assert app.code("query_room_info", body, at=1_576_000_000) == BUSY
    ticks = [one["TickTime"] for one in app.call("count_qos_by_day", today, at=1_576_000_000).json["QosData"]]
    app.send("PUT", "clock", {"advance_seconds": 300})
    assert app.code("query_room_info", body, at=1_576_000_000) == BUSY
    app.send("PUT", "clock", {"advance_seconds": 1})
    assert app.code("query_room_info", body, at=1_576_000_000) == EXPIRED
    assert app.code("query_room_info", body, at=1_576_000_301) != BUSY
    assert app.get("faults")["faults"][0]["ended"] is True
    later = [one["TickTime"] for one in app.call("count_qos_by_day", today, at=1_576_000_301).json["QosData"]]
    assert later[: len(ticks) - 1] == ticks[:-1] or later[: len(ticks)] == ticks
    assert max(map(int, later)) > max(map(int, ticks))
    assert [one["at"] for one in app.get("requests")["requests"]] == [1_576_000_000] * 2 + [1_576_000_300] + [1_576_000_301] * 3  # fmt: skip


def test_the_clock_of_one_app_is_its_own(wire, app) -> None:
    """Another app signs by the machine's time as before; the server's clock moves every app that is not frozen."""
    app.send("PUT", "clock", {"advance_seconds": 301})
    with Client.fresh(wire.port) as other:
        assert (app.code(), other.code()) == (EXPIRED, 0)
        app.send("DELETE", "clock")
        wire.send("PUT", "clock", {"advance_seconds": 301})
        assert (app.code(), other.code()) == (EXPIRED, EXPIRED)
        app.skew = 301
        assert app.code() == 0


# Reset


def test_reset_forgets_everything_of_one_app(wire, app) -> None:
    """Scenario, readings, answers, faults, clock, sequences, used numbers and the journal."""
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
    assert value_of(app.get("readings"), "seq") == "required"
    assert app.get("scenario") == {"name": "document"}


def test_a_reset_with_a_wrong_word_resets_nothing(wire, app) -> None:
    """`{"appkey": …}` in the body does not reset every app."""
    app.call()
    refused(wire.admin("POST", "reset", {"appkey": app.appkey}), 422, "unknown field 'appkey'")
    assert app.get("requests/count")["count"] == 1


# The journal


def test_requests_are_counted_found_and_filtered(app) -> None:
    """Each filter of the journal, alone and together."""
    app.call()
    app.call("query_room_info", {"RoomId": "x", "Roomid": "y"})
    app.call("count_qos_by_day")
    assert app.get("requests/count") == {"count": 3, "evicted": 0}
    assert app.get("requests/count", operation="query_room_info")["count"] == 2
    assert app.get("requests/count", accepted="true")["count"] == 2
    assert app.get("requests/count", accepted="false", operation="query_room_info")["count"] == 1
    assert app.get("requests/count", error="unknown_field")["count"] == 1
    assert app.get("requests/count", violation="unknown_field")["count"] == 1
    told = app.get("requests", limit=2)
    assert [one["operation"] for one in told["requests"]] == ["query_room_info", "count_qos_by_day"]
    assert told["evicted"] == 0
    assert app.get("requests", limit=0)["requests"] == []
    assert app.get("requests", limit=0, wait_for=1)["requests"] == []
    assert app.get("requests/count", since=time.time() + 60)["count"] == 0
    number = told["requests"][0]["id"]
    assert app.get(f"requests/{number}") == told["requests"][0]
    assert app.send("DELETE", "requests") == {"removed": 3}
    assert refused(app.admin("GET", f"requests/{number}"), 404)["error"] == "unknown_request"


def test_one_app_does_not_see_the_request_of_another(wire, app) -> None:
    """Neither by its id."""
    with Client.fresh(wire.port) as other:
        number = other.call().headers["x-mock-request-id"]
        assert other.get(f"requests/{number}")["id"] == wire.get(f"requests/{number}")["id"] == number
        assert refused(app.admin("GET", f"requests/{number}"), 404)["error"] == "unknown_request"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"operatoin": "x"}, ("operatoin", "did you mean operation?")),
        ({"operation": "query_rom_info"}, ("did you mean query_room_info?",)),
        ({"error": "server_bussy"}, ("did you mean server_busy?",)),
        ({"violation": "unknown_feild"}, ("did you mean unknown_field?",)),
        ({"accepted": "maybe"}, ("accepted",)),
        ({"limit": "-1"}, ("limit",)),
        ({"limit": "1.5"}, ("limit",)),
        ({"since": "yesterday"}, ("since",)),
        ({"since": "nan"}, ("since",)),
        ({"wait_for": "inf"}, ("wait_for",)),
        ({"timeout": "-1"}, ("timeout",)),
    ],
)
def test_a_filter_that_finds_nothing_for_ever_is_refused(app, query: dict, words: tuple[str, ...]) -> None:
    """A misspelt name is told, in lists and in counts; zero requests are never the answer to a typo."""
    for path in ("requests", "requests/count"):
        refused(app.admin("GET", path, **query), 422, *words)


def test_waiting_ends_when_the_requests_are_there(app) -> None:
    """`wait_for` answers as soon as the nth request came, and no sooner than that or the timeout."""
    told: list[Any] = []
    waiter = threading.Thread(
        target=lambda: told.append(watcher.get("requests", appkey=app.appkey, wait_for=2, timeout=20))
    )
    with Wire(app.wire.port) as watcher:
        waiter.start()
        app.call()
        assert app.get("requests", wait_for=2, timeout=0.05)["requests"][1:] == []
        assert told == []
        app.call()
        waiter.join(10)
    assert len(told[0]["requests"]) == 2


def test_many_that_wait_hold_up_nobody() -> None:
    """128 callers wait, one more is refused, other calls are answered at once, and a stop lets all of them go."""
    with MockServer("document") as mock, ThreadPoolExecutor(MAX_WAITERS) as crowd:

        def wait(_: int) -> int:
            with Wire(mock.port) as wire:
                return wire.admin("GET", "requests", wait_for=1, timeout=50).status

        waiting = [crowd.submit(wait, number) for number in range(MAX_WAITERS)]
        patience = time.monotonic() + 20
        while len(mock.engine.journal._waiters) < MAX_WAITERS:
            assert time.monotonic() < patience
            time.sleep(0.01)
        with Wire(mock.port) as wire:
            refused(
                wire.admin("GET", "requests", wait_for=1, timeout=50), 429, "128 callers are already waiting"
            )
            start = time.monotonic()
            assert wire.get("requests/count") == {"count": 0, "evicted": 0}
            assert time.monotonic() - start < 1
        start = time.monotonic()
        mock.stop()
        assert time.monotonic() - start < 4
        assert [one.result() for one in waiting] == [200] * MAX_WAITERS


def test_verify_tells_similar_requests(app) -> None:
    """A failed verification is an answer, not an error, and names the difference."""
    app.call("query_room_info", {"RoomId": "77"})
    asked = {"operation": "query_room_info", "when": {"body": {"RoomId": "78"}}, "count": 1}
    told = app.send("POST", "requests/verify", asked)
    assert (told["ok"], told["count"]) == (False, 0)
    assert "77" in told["message"]
    assert "78" in told["message"]
    assert app.send("POST", "requests/verify", {**asked, "when": {"body": {"RoomId": "77"}}})["ok"] is True
    assert app.send("POST", "requests/verify", {"operation": "count_qos_by_day"})["ok"] is False
    found = app.send("POST", "requests/find", {"when": {"body": {"RoomId": {"matches": "^7"}}}})
    assert [one["request"]["json"] for one in found["requests"]] == [{"RoomId": "77"}]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"operaton": "query_room_info"}, ("did you mean operation?",)),
        ({"operation": "query_rom_info"}, ("did you mean query_room_info?",)),
        ({"error": "server_bussy"}, ("did you mean server_busy?",)),
        ({"violation": "unknown_feild"}, ("did you mean unknown_field?",)),
        ({"count": -1}, ("count",)),
        ({"count": 1, "at_least": 1}, ("count",)),
        ({"at_least": 2, "at_most": 1}, ("at_most",)),
        ({"when": {"bodi": {}}}, ("when",)),
        ({"when": {"body": {"RoomId": {"matches": "("}}}}, ("RoomId",)),
        ({"since": True}, ("since",)),
    ],
)
def test_a_question_that_cannot_be_read_is_refused(app, body: dict, words: tuple[str, ...]) -> None:
    """Neither `verify` nor `find` answers another question than the one that was meant."""
    for path in ("requests/verify", "requests/find"):
        refused(app.admin("POST", path, body), 422, *words)


def test_verify_of_an_unknown_app_in_the_body_is_refused(wire) -> None:
    """`{"appkey": typo, "at_most": 0}` is no success."""
    refused(wire.admin("POST", "requests/verify", {"appkey": "12345678", "at_most": 0}), 404, "12345678")


def test_what_was_evicted_is_told_and_verified_by_nobody() -> None:
    """Every query tells what had to leave, and a verification says that it cannot tell."""
    with MockServer(scenario="document", journal_size=5) as mock, Client(mock.port) as client:
        for _ in range(8):
            client.call()
        assert client.get("requests/count") == {"count": 5, "evicted": 3}
        assert client.get("requests")["evicted"] == 3
        for asked, ok in (({"at_least": 6}, False), ({"count": 5}, False), ({"at_least": 5}, True)):
            told = client.send("POST", "requests/verify", asked)
            assert (told["ok"], told["evicted"]) == (ok, 3)
        client.send("DELETE", "requests")
        assert client.get("requests/count") == {"count": 0, "evicted": 0}


def test_reports_are_about_one_app_or_all(wire, app) -> None:
    """`?appkey=` narrows every form; asked twice in two ways, it is refused."""
    app.call()
    with Client.fresh(wire.port) as other:
        other.call("query_room_info", {})
        for client in (app, other):
            assert client.get("report")["requests"] == 1
            assert client.send("POST", "report", {"form": "text"})["requests"] == 1
        both = [app.appkey, other.appkey]
        told = wire.send("POST", "report", {"appkeys": both, "form": "json", "fail_on_violations": True})
        assert (told["requests"], json.loads(told["rendered"])["requests"]) == (2, 2)
        assert told["complaints"]
        refused(app.admin("POST", "report", {"appkeys": both}), 422, "appkeys")
    refused(wire.admin("POST", "report", {"form": "pdf"}), 422, "text, json, junit, html")
    refused(wire.admin("POST", "report", {"forn": "text"}), 422, "did you mean form?")
    refused(wire.admin("POST", "report", {"min_coverage": "all"}), 422, "min_coverage")


def test_a_signed_query_string_is_told_by_the_clock_of_the_app(app) -> None:
    """What `sign` tells is accepted, after the clock has moved, too; the keys themselves are not in it."""
    app.send("PUT", "clock", {"advance_seconds": 10_000})
    query = app.get("sign", identifier="admin", seq="1")["query"]
    told = app.wire.ask("POST", f"/v2/video/query_room_info?{query}", b'{"RoomId": "123456789"}', Content_Type="application/json")  # fmt: skip
    assert told.json["ErrorCode"] == 0


def test_messages_are_told_in_chinese_where_asked_for() -> None:
    """The language of the server is that of its refusals."""
    with MockServer(scenario="document", lang="zh") as mock, Wire(mock.port) as wire:
        refused(wire.admin("PUT", "scenario", {"name": "documnt"}), 422, "未知场景", "是否为 document")
        refused(wire.admin("GET", "nothing"), 404, "没有资源")


@pytest.mark.parametrize(
    "fault",
    [{"fault": "slow_body", "over_ms": 1000}, {"fault": "bandwidth", "bytes_per_second": 100}, {"fault": "hang"},
     {"fault": "slow_headers"}, {"fault": "connection_reset"}, {"fault": "malformed_chunk"}, {"fault": "slow_close"}],
)  # fmt: skip
def test_another_server_does_not_pretend(fault: dict) -> None:
    """Where nobody can play a fault onto the socket, the answer says so instead of coming as if nothing was."""
    client = create_app(scenario="document").test_client()
    assert client.post("/__admin/faults", json=fault, headers=WRITES).status_code == 201
    query = client.get("/__admin/sign").json["query"]
    told = client.post(f"/v2/video/query_room_info?{query}", json={"RoomId": "123456789"}).json
    assert told["ErrorCode"] == 1500
    assert "mockserver serve" in told["ErrorInfo"]
