"""Overrides of one request, by header and magic value: applied or refused, never ignored, never kept."""

from __future__ import annotations

import json
import urllib.request
from typing import Any
from urllib.parse import quote

import pytest
from helpers.engine_client import EngineClient, user_config
from helpers.request_builder import NOW
from helpers.signer import APPKEY

from mockserver import MockServer

WORLD = {"RoomId": "123456789"}
BUSY, INVALID, NO_ROOM = 1402, 1108, 1301


@pytest.fixture
def bench() -> EngineClient:
    """An engine at the document scenario."""
    return EngineClient()


def override_headers(scenario: str | None = None, fault: str | None = None) -> dict[str, str]:
    """The two override headers."""
    answers = {"x-mock-scenario": scenario, "x-mock-fault": fault}
    return {name: value for name, value in answers.items() if value is not None}


def ask(bench: EngineClient, body: Any = WORLD, operation: str = "query_room_info", **send: Any) -> Any:
    """The response to a valid request with an override."""
    return bench.send({"operation": operation, "body": body, **send})


def code(reply: Any) -> int:
    """The ErrorCode of a reply."""
    return json.loads(reply.body)["ErrorCode"]


def state_of(bench: EngineClient) -> Any:
    """The visible state of the app."""
    state = bench.engine.store.app(APPKEY)
    return (
        state.scenario,
        dict(state.readings),
        state.rules,
        state.faults.list(NOW),
        state.clock.now(),
        dict(state.claims._matches),
    )


# The header and the magic value say the same


@pytest.mark.parametrize(
    "send",
    [
        {"headers": override_headers(fault="error;name=server_busy")},
        {"query": {"identifier": "mock:error=server_busy"}},
        {"query": {"identifier": "mock:fault=error;code=1402"}},
        {"body": {"RoomId": "mock:error=server_busy"}},
        {"body": {"RoomId": "mock:fault=error;name=server_busy;info=later"}},
        {"operation": "query_instance_all_records_by_time",
         "body": {"UserId": "mock:error=server_busy", "BeginTime": "1575962150", "EndTime": "1575962850"}},
    ],
)  # fmt: skip
def test_an_error_can_be_chosen_in_six_ways(bench: EngineClient, send: dict[str, Any]) -> None:
    """By header, in identifier, RoomId and UserId, by name and by number."""
    reply = ask(bench, **{"body": WORLD, **send})
    assert code(reply) == BUSY
    entry = bench.journal.select().entries[-1]
    assert (entry.by, entry.error, entry.faults) == ("fault", "server_busy", ("error",))
    assert entry.violations == ()
    assert code(ask(bench)) == 0


def test_magic_values_work_only_in_the_documented_fields(bench: EngineClient) -> None:
    """Other fields, the middle of a value and another case are plain text."""
    for room in ("xmock:error=server_busy", "MOCK:error=server_busy", " mock:error=server_busy", "mock"):
        assert code(ask(bench, {"RoomId": room})) == NO_ROOM
    assert code(ask(bench, query={"seq": "mock:error=server_busy"})) == 0


def test_a_magic_value_may_contain_json_escapes(bench: EngineClient) -> None:
    """JSON libraries may escape `=` or `/`."""
    assert code(ask(bench, text='{"RoomId": "mock:error\\u003dserver_busy"}')) == BUSY


def test_several_overrides_of_one_request_add_up(bench: EngineClient) -> None:
    """A scenario and two latencies all apply."""
    reply = ask(bench, headers=override_headers("empty", "latency;fixed_ms=800"), query={"identifier": "mock:fault=latency;fixed_ms=200"})  # fmt: skip
    assert reply.delivery.delay == pytest.approx(1.0)
    assert dict(reply.headers)["X-Mock-Scenario"] == "empty"
    assert dict(reply.headers)["X-Mock-Fault"].startswith("latency: ")


BUSY_NAME, BUSY_ZH = "error;name=server_busy;info=", "系统忙；100%"
WHOLE = quote(BUSY_NAME + BUSY_ZH, safe="")


@pytest.mark.parametrize(
    ("value", "info"),
    [
        (f"{BUSY_NAME}系统忙", "系统忙"),
        (f"{BUSY_NAME}{quote(BUSY_ZH)}", BUSY_ZH),
        (f"{BUSY_NAME}{quote(BUSY_ZH).lower()}", BUSY_ZH),
        (WHOLE, BUSY_ZH),
        (f"{BUSY_NAME}a%3Bb%3dc%22", 'a;b=c"'),
        (f"{BUSY_NAME}%2522", "%22"),
        (f"{BUSY_NAME}100% busy, 50%x", "100% busy, 50%x"),
        (f'{BUSY_NAME}"a;b%20c"', "a;b c"),
        (f"{BUSY_NAME}%22a%5Cu0041%22", "aA"),
        ("error;code=%31402;info=x", "x"),
        ("error;name=server_bus%79;info=x;on=query_room_info%2Cquery_qos_by_day".replace("query_qos_by_day", "count_qos_by_day"), "x"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["header", "body", "query"])
def test_a_fault_may_be_percent_encoded(bench: EngineClient, place: str, value: str, info: str) -> None:
    """Each value, or the whole text; a percent sign that encodes nothing stays."""
    magic = {"RoomId": f"mock:fault={value}"}
    send = {"header": {"headers": {"x-mock-fault": value}}, "body": {"body": magic}}.get(place)
    reply = ask(bench, **(send or {"query": {"identifier": magic["RoomId"]}}))
    assert (code(reply), json.loads(reply.body)["ErrorInfo"]) == (BUSY, info)


def test_scenarios_and_errors_may_be_percent_encoded(bench: EngineClient) -> None:
    """Clients that encode every header or field encode these too."""
    for send in (
        {"headers": override_headers(scenario="live%2Dcalls")},
        {"body": {"RoomId": "mock:scenario=live%2dcalls"}},
    ):
        ask(bench, **send)
        assert bench.journal.select().entries[-1].scenario == "live-calls"
    assert code(ask(bench, {"RoomId": "mock:error=server%5Fbusy"})) == BUSY


# Invalid overrides


UNKNOWN = [
    ("x-mock-fault", "latenzy;fixed_ms=1", "did you mean latency?"),
    ("x-mock-fault", "latency;fixed=1", "did you mean fixed_ms?"),
    ("x-mock-fault", "latency", "exactly one"),
    ("x-mock-fault", "latency;fixed_ms=x", "fixed_ms"),
    ("x-mock-fault", "", "missing fault"),
    ("x-mock-fault", ";;", "missing fault"),
    ("x-mock-fault", "hang;max_seconds=1,error;name=server_busy", ""),
    ("x-mock-fault", "error;name=server_bussy", "did you mean server_busy?"),
    ("x-mock-fault", "error;name=ok", "ok is not an error"),
    ("x-mock-fault", "rate_limit;requests=1", "compares requests"),
    ("x-mock-fault", "hang;on=query_rom_info", "did you mean query_room_info?"),
    ("x-mock-fault", "hang;when.body.RoomId.matches=(", ""),
    ("x-mock-fault", "hang;" * 3_000, ""),
    ("x-mock-fault", "error;name=server_busy;info=%CF%B5%CD%B3%C3%A6%00%FF", "write % as %25"),
    ("x-mock-fault", "error%FF", "percent-encode UTF-8"),
    ("x-mock-fault", "error;name=server%5Fbussy", "did you mean server_busy?"),
    ("x-mock-scenario", "document%E7", "percent-encode UTF-8"),
    ("x-mock-scenario", "documnt", "did you mean document?"),
    ("x-mock-scenario", "", "unknown scenario"),
    ("x-mock-scenario", "../../etc/passwd", "unknown scenario"),
    ("x-mock-scenario", "é" * 500, "unknown scenario"),
]


@pytest.mark.parametrize(("name", "value", "words"), UNKNOWN)
def test_an_invalid_header_is_refused(bench: EngineClient, name: str, value: str, words: str) -> None:
    """The answer is invalid_parameter with the header and advice; the state does not change."""
    reply = ask(bench, headers={name: value})
    assert code(reply) == INVALID
    assert words in json.loads(reply.body)["ErrorInfo"]
    assert reply.delivery.delay == 0
    (violation,) = bench.violations
    assert (violation.name, violation.where.lower()) == ("invalid_override", f"header:{name}")
    assert state_of(bench) == state_of(EngineClient())


@pytest.mark.parametrize(
    "value",
    ["mock:", "mock:x", "mock:error", "mock:error=", "mock:error=room_not_fund", "mock:error=ok", "mock:errors=room_not_found",
     "mock:fault=", "mock:fault=latency", "mock:fault=nothing;x=1", "mock:scenario=", "mock:scenario=emptyy", "mock:=", "mock:Error=server_busy",
     "mock:error=server_busy;info=x", "mock:scenario=empty ", "mock:fault=rate_limit;requests=0"],
)  # fmt: skip
@pytest.mark.parametrize("place", ["identifier", "RoomId", "UserId"])
def test_an_invalid_magic_value_is_refused(bench: EngineClient, value: str, place: str) -> None:
    """invalid_parameter in every field, so that a misspelt override never looks like a passing test."""
    if place == "identifier":
        reply = ask(bench, query={"identifier": value})
    elif place == "RoomId":
        reply = ask(bench, {"RoomId": value})
    else:
        body = {"UserId": value, "BeginTime": "1575962150", "EndTime": "1575962850"}
        reply = ask(bench, body, "query_instance_all_records_by_time")
    assert code(reply) == INVALID
    assert [each.name for each in bench.violations] == ["invalid_override"]
    assert bench.violations[0].where == {"identifier": "query:identifier"}.get(place, f"body:/{place}")


def test_every_invalid_override_is_recorded(bench: EngineClient) -> None:
    """Not only the first one."""
    reply = ask(bench, {"RoomId": "mock:x"}, headers=override_headers("a", "b"), query={"identifier": "mock:y"})
    assert code(reply) == INVALID
    assert len(bench.violations) == 4


def test_an_override_does_not_replace_the_checks(bench: EngineClient) -> None:
    """A request that is invalid by itself is refused as such."""
    reply = ask(bench, headers=override_headers("empty", "error;name=server_busy"), sign="nonsense")
    assert bench.error(reply) == "checksum_mismatch"
    reply = ask(bench, headers=override_headers(fault="nothing"), sign="nonsense")
    assert bench.error(reply) == "checksum_mismatch"
    reply = ask(bench, {"RoomId": "mock:error=server_busy", "x": 1})
    assert bench.error(reply) == "unknown_field"


# A scenario for one request


def test_an_overriding_scenario_brings_its_readings_rules_and_faults(tmp_path) -> None:
    """All of it for this request alone."""
    text = (
        "title: One\nreadings: {unknown_room: empty}\nworld: {source: recorded, rooms: []}\n"
        "answers:\n  - {on: count_qos_by_day, reply: {error: server_busy}}\n"
        "faults:\n  - {fault: latency, fixed_ms: 250}\n"
    )
    bench = EngineClient(config=user_config(tmp_path, {"scenarios/one.yaml": text}))
    before = state_of(bench)
    reply = ask(bench, {"RoomId": "nobody"}, headers=override_headers("one"))
    assert (code(reply), reply.delivery.delay) == (0, 0.25)
    assert code(ask(bench, {"QueryDate": "20191210"}, "count_qos_by_day", headers=override_headers("one"))) == BUSY
    assert bench.journal.select().entries[-1].scenario == "one"
    plain = ask(bench, {"RoomId": "nobody"})
    assert (code(plain), plain.delivery.delay) == (NO_ROOM, 0)
    after = state_of(bench)
    assert after[:5] == before[:5]


def test_readings_of_the_app_win_over_those_of_an_overriding_scenario(tmp_path) -> None:
    """Readings set for an app apply to all of its requests."""
    config = user_config(
        tmp_path, {"scenarios/one.yaml": "title: One\nextends: document\nreadings: {unknown_room: empty}\n"}
    )
    bench = EngineClient(config=config)
    bench.engine.store.app(APPKEY).readings = {"unknown_room": "error"}
    assert code(ask(bench, {"RoomId": "nobody"}, headers=override_headers("one"))) == NO_ROOM


def test_an_overriding_scenario_has_counters_of_its_own(tmp_path) -> None:
    """The sequence of the app's scenario continues as if there had been no override."""
    files = {
        "scenarios/base.yaml": "title: B\nextends: document\nanswers:\n  - {on: query_room_info, sequence: [{error: server_busy}, {world: true}]}\n",
        "scenarios/child.yaml": "title: C\nextends: base\n",
    }
    bench = EngineClient("base", config=user_config(tmp_path, files))
    assert [code(ask(bench, headers=override_headers("child"))) for _ in range(3)] == [BUSY, 0, 0]
    assert [code(ask(bench)) for _ in range(3)] == [BUSY, 0, 0]


def test_overriding_with_the_active_scenario_changes_nothing(bench: EngineClient) -> None:
    """The answer is the same."""
    assert ask(bench, headers=override_headers("document")).body == ask(bench).body


def test_an_overriding_fault_leaves_no_state() -> None:
    """Neither among the app's faults nor in its ids."""
    bench = EngineClient()
    before = state_of(bench)
    for _ in range(3):
        ask(bench, headers=override_headers(fault="latency;fixed_ms=10"))
    assert state_of(bench)[:5] == before[:5]
    assert bench.engine.store.app(APPKEY).faults.active == ()


@pytest.mark.parametrize("value", ["mock:scenario=empty", "mock:error=server_busy", "mock:fault=latency;fixed_ms=5"])
def test_an_identifier_may_carry_an_override(bench: EngineClient, value: str) -> None:
    """Under the default reading, which allows any identifier."""
    ask(bench, query={"identifier": value})
    assert bench.violations == ()


def test_an_unregistered_app_may_use_overrides() -> None:
    """Connection faults apply before the app is known; the request is refused as usual."""
    bench = EngineClient()
    reply = ask(bench, headers=override_headers(fault="connection_reset"), query={"appkey": "nobody"})
    assert reply.delivery.instead == "reset"
    assert bench.error(reply) == "unknown_appkey"


def test_the_secret_of_a_fault_is_shown_nowhere() -> None:
    """Neither the list of faults, nor an answer, nor the journal contains a rotated secret."""
    canary = "NEW-secret+canary-99"
    secret = f"secret_rotated;appsecret={canary}"
    with MockServer("document") as mock:
        app = mock.new_app()
        shown = mock.admin.send("POST", "faults", {"fault": "secret_rotated", "appsecret": canary})
        listed = mock.admin.get("faults")
        override_headers = {"X-Mock-Fault": secret}
        answers = []
        for body, headers in (
            ({"RoomId": canary}, {}),
            ({"RoomId": "1", canary: 1}, override_headers),
            ({}, {"X-Mock-Fault": f"secret_rotatd;appsecret={canary}"}),
            ({}, {"X-Mock-Fault": quote(secret, safe="")}),
            ({}, {"X-Mock-Fault": quote(secret, safe="").replace("a", "%61", 1)}),
            ({}, {"X-Mock-Fault": f"{secret}%3B{canary};times=x"}),
            ({}, {"X-Mock-Fault": secret.replace("appsecret", "%61ppsecret")}),
        ):
            request = urllib.request.Request(
                app.signed_url("query_room_info"),
                json.dumps(body).encode(),
                {"Content-Type": "application/json", **headers},
            )
            with urllib.request.urlopen(request, timeout=20) as answer:
                answers.append(answer.read().decode() + str(answer.headers))
        journal = mock.admin.get("requests")
    assert "***" in str(shown)
    for text in (str(shown), str(listed), *answers, str(journal)):
        assert canary not in text
