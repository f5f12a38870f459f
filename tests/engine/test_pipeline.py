"""The pipeline: the order of the checks, an envelope for everything, and what the cache must not mix up."""

from __future__ import annotations

import copy
import json
import time
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest
from helpers.engine_client import EngineClient, user_config
from helpers.length import length
from helpers.request_builder import NOW, build_request
from helpers.signer import APPKEY, APPSECRET, RESTAPIKEY, checksum, sha1
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.contract.operations import OPERATIONS
from mockserver.core.clock import Clock
from mockserver.core.errors import ConfigurationError
from mockserver.core.http import Request
from mockserver.core.text import Text
from mockserver.world.records import ViewResult
from mockserver.world.views import VIEWS

LIST = {"BeginTime": "1575962851", "EndTime": "1575962850"}
BREAKS: dict[str, tuple[str, dict[str, Any]]] = {
    "path": ("path_variant", {"path": "/v1/test/query_all_instance_by_time"}),
    "method": ("wrong_method", {"method": "GET"}),
    "query": ("unknown_parameter", {"query": {"nonce": "1"}}),
    "appkey": ("unknown_appkey", {"query": {"appkey": "555"}}),
    "identifier": ("identifier_empty", {"query": {"identifier": ""}}),
    "curtime": ("curtime_fraction", {"query": {"curtime": f"{NOW}.5"}}),
    "freshness": ("checksum_expired", {"query": {"curtime": f"{NOW - 301}"}}),
    "checksum": ("checksum_mismatch", {"query": {"checksum": "0" * 40}}),
    "seq": ("seq_empty", {"query": {"seq": ""}}),
    "content type": ("content_type_wrong", {"headers": {"content-type": "text/plain"}}),
    "body size": ("body_too_large", {"fill": {"text": " ", "times": 1_048_577}}),
    "body empty": ("body_empty", {"text": ""}),
    "JSON object": (
        "duplicate_key",
        {"text": '{"BeginTime": "1575962850", "EndTime": "1575962850", "EndTime": "1575962850"}'},
    ),
    "schema": ("unknown_field", {"body": {"BeginTime": "1575962150", "EndTime": "1575962850", "x": 1}}),
    "semantic rules": ("begin_after_end", {"body": LIST}),
}
"""A way to break each check of contract §2, in their order, and the resulting violation."""
BOTH: dict[tuple[str, str], tuple[list[str], dict[str, Any]]] = {
    ("curtime", "freshness"): (["curtime_fraction", "checksum_expired"], {"query": {"curtime": f"{NOW - 302}.5"}}),
    ("JSON object", "schema"): (
        ["duplicate_key", "unknown_field"],
        {"text": '{"BeginTime": "1575962850", "EndTime": "1575962850", "x": 1, "x": 1}'},
    ),
    ("schema", "semantic rules"): (["unknown_field", "begin_after_end"], {"body": {**LIST, "x": 1}}),
    # A body that fails the earlier check cannot fail the later one.
    ("body size", "body empty"): (["body_too_large"], {"fill": {"text": " ", "times": 1_048_577}}),
    ("body empty", "JSON object"): (["body_empty"], {"text": " "}),
}


def merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """A request with both faults."""
    made = copy.deepcopy(first)
    for key, value in second.items():
        made[key] = {**made.get(key, {}), **value} if key in ("query", "headers") else value
    return made


def test_breaking_one_check_causes_one_violation() -> None:
    """Each entry of BREAKS breaks one check only."""
    for name, (violation, send) in BREAKS.items():
        working = EngineClient()
        working.send({"operation": "query_all_instance_by_time", **send})
        assert [each.name for each in working.violations] == [violation], name


@pytest.mark.parametrize(("earlier", "later"), list(pairwise(BREAKS)), ids=" before ".join)
def test_the_earlier_check_answers_and_both_are_recorded(earlier: str, later: str) -> None:
    """A request that breaks two neighbouring checks gets the error of the first (contract §2)."""
    names = [BREAKS[earlier][0], BREAKS[later][0]]
    send = merged(BREAKS[earlier][1], BREAKS[later][1])
    if (earlier, later) in BOTH:
        names, send = BOTH[earlier, later]
    working = EngineClient()
    reply = working.send({"operation": "query_all_instance_by_time", **send})
    assert [each.name for each in working.violations] == names
    assert working.error(reply) == working.violations[0].error


def independent(earlier: str, later: str) -> bool:
    """Whether a request can break both checks: they set different parts of it."""
    first, second = BREAKS[earlier][1], BREAKS[later][1]
    if first.keys() & BODIES and second.keys() & BODIES:
        return False
    return not first.get("query", {}).keys() & second.get("query", {}).keys()


BODIES = {"body", "text", "fill"}
INDEPENDENT = [(earlier, later) for earlier, later in combinations(BREAKS, 2) if independent(earlier, later)]


def test_nearly_every_pair_of_checks_is_tried() -> None:
    """Only pairs of two bodies, and of two values of one parameter, cannot be sent at once."""
    excluded = set(combinations(BREAKS, 2)) - set(INDEPENDENT)
    assert len(excluded) == 11
    assert excluded - {("curtime", "freshness")} == set(combinations(list(BREAKS)[-5:], 2))


@pytest.mark.parametrize(("earlier", "later"), INDEPENDENT, ids="-".join)
def test_the_first_broken_check_answers(earlier: str, later: str) -> None:
    """Of any two broken checks the earlier one of contract §2 answers."""
    working = EngineClient()
    reply = working.send({"operation": "query_all_instance_by_time", **merged(BREAKS[earlier][1], BREAKS[later][1])})
    assert working.violations[0].name == BREAKS[earlier][0]
    assert working.error(reply) == working.violations[0].error


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_world_answer_off_the_contract_is_an_internal_error(
    operation: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The world's answers are checked against the response schema, and a wrong one is not sent (§1.4)."""
    monkeypatch.setitem(VIEWS, operation, lambda *_: ViewResult({"Unexpected": 1}, 0))
    working = EngineClient("default")
    for _ in range(2):  # The second answer does not come from the cache either.
        response = working.send({"operation": operation})
        assert working.error(response) == "internal_error"
        assert "the world: the answer violates the response schema: /" in json.loads(response.body)["ErrorInfo"]
        assert dict(response.headers)["X-Mock-Answered-By"] == "world"
    assert [record.name for record in caplog.records].count("mockserver") == 1, "logged once"


def test_existence_is_checked_last() -> None:
    """An unknown room is reported only for an otherwise valid request."""
    body = {"RoomId": "nobody", "BeginTime": "1575962851", "EndTime": "1575962850"}
    assert EngineClient().ask("query_room_info", body)["ErrorCode"] == 1203
    assert EngineClient().ask("query_room_info", {"RoomId": "nobody"})["ErrorCode"] == 1301


STRANGE = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.text(max_size=40).map(lambda text: text.encode("utf-16", "surrogatepass")),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["RoomId", "BeginTime", "EndTime", "CountBy", "x/y~", "\ud800"]), inner)
        ),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode()),
    st.integers(0, 3_000).map(lambda depth: b"[" * depth + b"]" * depth),
    st.integers(0, 3_000).map(lambda depth: b'{"RoomId":' * depth + b"1" + b"}" * depth),
    st.integers(1, 6_000).map(lambda size: b'{"RoomId":' + b"9" * size + b"}"),
    st.sampled_from(
        [b'{"RoomId": NaN}', b'{"RoomId": -Infinity}', b'{"a":1,"a":2}', b"\xef\xbb\xbf{}", b"\x00", b'"\\ud800"']
    ),
)
HEADER = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=40)
QUERY = st.one_of(
    st.text(st.characters(max_codepoint=255), max_size=80),
    st.lists(
        st.tuples(
            st.sampled_from(["appkey", "identifier", "curtime", "checksum", "seq", "%ff", "x", "APPKEY"]),
            st.sampled_from(["", "123456789", f"{NOW}", "%ff", "%", "%E4%BD%A0", "a+b", "é", "0" * 40, "%00"])
            | st.text(st.characters(max_codepoint=255), max_size=20),
        ),
        max_size=9,
    ).map(lambda pairs: "&".join(f"{name}={value}" for name, value in pairs)),
)
PATH = st.one_of(
    st.sampled_from([each.path for each in OPERATIONS.values()]),
    st.sampled_from(["/", "", "//", "/v2/video/", "/v1/test/query_room_info", "/v2/video/../../etc/passwd", "/\x00"]),
    st.text(max_size=60),
)
METHOD = st.sampled_from(["POST", "POST", "POST", "GET", "PUT", "HEAD", "OPTIONS", "TRACE", "post", "FOO", ""])


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("strictness", ["strict", "lenient"])
def test_any_request_is_answered_with_an_envelope(strictness: str, lang: Any) -> None:
    """Any method, path, query, header and body: no exception, HTTP 200, a valid envelope, quickly (§1.3, §1.4)."""
    working = EngineClient(readings={"strictness": strictness, "seq": "unique", "checksum_reuse": "once"}, lang=lang)
    envelope = working.engine.config.schemas["envelope.json"]

    @settings(max_examples=length(100, 250), deadline=None)
    @given(method=METHOD, path=PATH, query=QUERY, content=HEADER, body=STRANGE)
    def check(method: str, path: str, query: str, content: str, body: bytes) -> None:
        started = time.perf_counter()
        reply = working.engine.handle(Request(method, path, query, {"content-type": content}, body))
        took = time.perf_counter() - started
        assert reply.status == 200
        answer = json.loads(reply.body)
        assert answer["ErrorCode"] == 0 or (envelope.accepts(answer) and not envelope.mismatches(answer))
        assert all(value.isascii() and value.isprintable() for _, value in reply.headers)
        assert took < 10

    check()


@pytest.mark.parametrize("strictness", ["strict", "lenient"])
def test_a_signed_request_with_any_body_is_answered_within_the_contract(strictness: str) -> None:
    """No body causes an internal error or an answer outside the schema."""
    working = EngineClient(readings={"strictness": strictness})

    @settings(max_examples=length(100, 250), deadline=None)
    @given(operation=st.sampled_from(list(OPERATIONS)), body=STRANGE)
    def check(operation: str, body: bytes) -> None:
        reply = working.send({"operation": operation, "hex": body.hex()})
        answer = json.loads(reply.body)
        assert working.error(reply) != "internal_error", answer
        assert working.engine.config.schemas.answer(operation, answer).mismatches(answer) == []

    check()


FLOODS = {
    "unknown fields": "{" + ",".join(f'"key{number}":1' for number in range(70_000)) + "}",
    "repeated keys": '{"x":[' + ",".join(['{"a":1,"a":2}'] * 70_000) + "]}",
    "a long name": '{"RoomId":"1","' + "x" * 1_000_000 + '":1}',
    "a long value": '{"RoomId":"' + "x" * 1_000_000 + '"}',
    "a long number": '{"RoomId":' + "1" * 1_000_000 + "}",
    "brackets": "[" * 1_000_000,
    "brackets in a string": '{"RoomId":"' + "[" * 1_000_000 + '"}',
    "backslashes": "[" * 70 + '"' + "\\" * 1_000_000,
    "quotes": "[]" * 65 + '"' * 1_000_000,
    "elements": '{"RoomId":[' + "1," * 400_000 + "1]}",
    "line breaks": "\n" * 1_000_000 + "x",
}


@pytest.mark.parametrize("strictness", ["strict", "lenient"])
@pytest.mark.parametrize("text", FLOODS.values(), ids=FLOODS)
def test_a_large_malicious_body_is_answered_quickly_and_briefly(text: str, strictness: str) -> None:
    """Time, answer and violations stay bounded."""
    working = EngineClient(readings={"strictness": strictness})
    started = time.process_time()
    reply = working.send({"text": text})
    assert time.process_time() - started < 3
    assert len(reply.body) < 1_000
    assert len(working.violations) <= 30
    assert all(len(each.where) < 200 and len(each.text.en) < 500 for each in working.violations)


def test_thousands_of_parameters_are_reported_briefly() -> None:
    """Twenty are reported; a repeated signed parameter among them is still found."""
    working = EngineClient(readings={"strictness": "lenient"})
    flood = {f"p{number}": "" for number in range(3_000)}
    reply = working.send({"query": flood, "twice": ["appkey"]})
    assert working.error(reply) == "invalid_parameter"
    assert [each.name for each in working.violations if not each.tolerated] == ["repeated_parameter"]
    assert len(working.violations) == 21


def test_an_overlong_body_is_not_trusted() -> None:
    """A request that the transport cut is too large, whatever its beginning says."""
    working = EngineClient()
    reply = working.engine.handle(
        Request("POST", "/v2/video/query_room_info", "", {"content-type": "application/json"}, b"{}", overlong=True)
    )
    assert "body_too_large" in [each.name for each in working.violations]
    assert working.error(reply) == "missing_parameter"


def test_similar_bodies_are_cached_separately() -> None:
    """CountBy 1 and 2 have different answers; the order of keys does not matter."""
    working = EngineClient("recorded-day")
    day = "count_business_total_volume_by_day"
    first, second = (working.ask(day, {"QueryDate": "20191210", "CountBy": number}) for number in (1, 2))
    assert first != second
    assert working.ask(day, {"QueryDate": "20191210", "CountBy": 1}) == first
    assert working.ask(day, {"CountBy": 2, "QueryDate": "20191210"}) == second


def test_answer_headers_can_be_turned_off() -> None:
    """Then only the content type is sent."""
    working = EngineClient()
    working.engine._headers = False
    assert working.send({}).headers == (("Content-Type", "application/json"),)


def test_a_reused_old_checksum_is_diagnosed_as_stale() -> None:
    """A client signs once and sends a fresh curtime; a reset forgets the checksum."""
    bench = EngineClient()
    assert bench.error(bench.send()) == "ok"
    cached = checksum(str(NOW))
    bench.engine.store.clock.advance(4_000)
    late = {"query": {"curtime": str(NOW + 4_000), "checksum": cached}}
    assert bench.error(bench.send(late)) == "checksum_mismatch"
    (found,) = bench.violations
    assert found.diagnosis == "stale_checksum"
    assert "(curtime-4000)" in found.text.en
    bench.engine.store.reset_app(APPKEY)
    bench.send(late)
    (found,) = bench.violations
    assert found.diagnosis == "unexplained"


def test_a_signature_in_the_headers_is_diagnosed() -> None:
    """ErrorInfo says where the signature was found."""
    bench = EngineClient(lang="zh")
    query = {"appkey": None, "curtime": None, "checksum": None, "seq": None}
    headers = {"appkey": APPKEY, "curtime": str(NOW), "checksum": checksum(str(NOW)), "nonce": "1"}
    reply = bench.send({"query": query, "headers": headers})
    assert bench.error(reply) == "missing_parameter"
    assert "签名放在了请求头中" in json.loads(reply.body)["ErrorInfo"]
    assert {found.diagnosis for found in bench.violations} == {"signature_in_headers"}


def test_keys_sent_in_hex_are_shown_nowhere() -> None:
    """Go's h.Sum(text) prepends them to the hash: neither answer nor journal shows them."""
    bench = EngineClient()
    sent = (APPSECRET + RESTAPIKEY + str(NOW)).encode().hex() + sha1("")
    reply = bench.send({"query": {"checksum": sent}})
    (found,) = bench.violations
    assert found.diagnosis == "unhashed"
    shown = reply.body.decode() + repr(reply.headers) + repr(bench.journal.select().entries) + repr(found)
    assert APPSECRET.encode().hex()[:12] not in shown
    assert RESTAPIKEY.encode().hex()[:12] not in shown


@pytest.mark.parametrize("whose", ["app", "server"])
@pytest.mark.parametrize("move", [lambda clock: clock.freeze(NOW), lambda clock: clock.advance(5_000)])
def test_a_moved_clock_is_mentioned_when_a_signature_expires(whose: str, move: Any) -> None:
    """The client's clock may be right; with an unmoved clock nothing is mentioned."""
    bench, late = (EngineClient("document"), {"operation": "query_room_info", "query": {"curtime": str(NOW - 400)}})
    bench.engine.store.clock = Clock(lambda: NOW)
    state = bench.engine.store.app(APPKEY)
    state.clock = Clock(bench.engine.store.clock.now)
    said = "stopped or moved on purpose"
    assert said not in json.loads(bench.send(late).body)["ErrorInfo"]
    move(state.clock if whose == "app" else bench.engine.store.clock)
    assert said in json.loads(bench.send(late).body)["ErrorInfo"]


@pytest.mark.parametrize(
    ("curtime", "readings", "diagnosis"),
    [
        (f"{NOW}.437", {"curtime": "fraction"}, "curtime_hashed_truncated"),
        (str(NOW + 1), {}, "curtime_off_by_one"),
        (str(NOW - 1), {}, "curtime_off_by_one"),
    ],
)
def test_a_remembered_checksum_does_not_hide_a_closer_cause(curtime: str, readings: Any, diagnosis: str) -> None:
    """The diagnosis is the same before and after the checksum was used."""
    bench = EngineClient("document", readings)
    for _ in range(2):
        bench.send({"query": {"curtime": curtime, "checksum": checksum(str(NOW))}})
        assert bench.violations[-1].diagnosis == diagnosis
        assert bench.error(bench.send()) == "ok"


def test_the_first_refusal_is_in_the_diagnosis_header() -> None:
    """One line of ASCII with the violation's name; no header for a valid request."""
    bench = EngineClient("document")
    shown = dict(bench.send({"sign": "v1", "body": {"room\nid": "é"}}).headers)
    assert shown["X-Mock-Diagnosis"].startswith(
        "checksum_mismatch: checksum is wrong: matches sha1(appsecret+curtime): the v1 formula"
    )
    assert shown["X-Mock-Diagnosis"].isascii()
    assert int(shown["X-Mock-Violations"]) >= 3
    fine = dict(bench.send().headers)
    assert "X-Mock-Diagnosis" not in fine
    assert fine["X-Mock-Violations"] == "0"


def test_only_examine_searches_exhaustively() -> None:
    """Hashed milliseconds that were not sent are found only without a time limit."""
    curtime = str(NOW)
    wrong = {"query": {"curtime": curtime, "checksum": sha1(APPSECRET + RESTAPIKEY + curtime + "347")}}
    bench = EngineClient("document")
    bench.send(wrong)
    assert bench.violations[0].diagnosis == "unexplained"
    [found] = [each for each in bench.engine.examine(build_request(wrong)) if each.name == "checksum_mismatch"]
    assert found.diagnosis == "curtime_hashed_in_milliseconds"


WRONG: dict[str, dict[str, Any]] = {
    "unknown_path": {"path": "/nothing"},
    "path_variant": {"path": "/v1/test/query_room_info"},
    "wrong_method": {"method": "GET"},
    "repeated_parameter": {"twice": ["seq"]},
    "undecodable_parameter": {"raw_query": "appkey=%ff%fe"},
    "unknown_parameter": {"query": {"nonce": "1"}},
    "unknown_appkey": {"query": {"appkey": "555"}},
    "curtime_format": {"query": {"curtime": "1576000000000"}},
    "curtime_fraction": {"query": {"curtime": f"{NOW}.5"}},
    "checksum_expired": {"query": {"curtime": f"{NOW - 301}"}},
    "checksum_mismatch": {"sign": "v1"},
    "content_type_wrong": {"headers": {"content-type": "text/plain"}},
    "body_too_large": {"fill": {"text": " ", "times": 1_048_577}},
    "malformed_json": {"text": "{'RoomId': 1}"},
    "duplicate_key": {"text": '{"RoomId": "1", "RoomId": "1"}'},
    "not_an_object": {"text": "[1]"},
    "unknown_field": {"body": {"RoomId": "1", "Page": 1}},
    "wrong_type": {"body": {"RoomId": 1}},
    "invalid_value": {"body": {"RoomId": "1", "BeginTime": "12"}},
    "invalid_override": {"headers": {"x-mock-fault": "nothing"}},
}


@pytest.mark.parametrize("name", WRONG)
def test_every_violation_has_what_was_expected_and_received(name: str) -> None:
    """With advice in both languages."""
    bench = EngineClient("document")
    bench.send({"operation": "query_room_info", **WRONG[name]})
    [found] = [each for each in bench.violations if each.name == name]
    assert found.expected
    assert found.got
    assert found.text.en.isascii() or found.got in found.text.en or "…" in found.text.en
    assert not found.text.zh.isascii()


def test_a_configuration_without_a_chosen_scenario_is_refused() -> None:
    """The old configuration stays in use, and the problem names the app."""
    bench = EngineClient("document")
    before = bench.engine.config
    bench.engine.store.app(APPKEY).scenario = "deleted"
    bench.engine._load = lambda: copy.copy(before)
    with pytest.raises(ConfigurationError, match=f"app {APPKEY}.*deleted"):
        bench.engine.reload()
    assert bench.engine.config is before
    assert bench.engine.problems


def test_the_nearest_rule_is_only_searched_when_an_entry_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests that match no rule do not wait for it."""
    searched: list[str] = []

    def search(rules: Any, operation: str, *request: Any) -> Text:
        searched.append(operation)
        return Text("near", "相近")

    monkeypatch.setattr("mockserver.engine.responder.nearest_rule", search)
    rule = "{on: query_room_info, when: {body: {RoomId: other}}, reply: {error: server_busy}}"
    config = user_config(tmp_path, {"scenarios/near.yaml": f"title: Near\nextends: document\nanswers:\n  - {rule}\n"})
    client = EngineClient("near", config=config)
    for _ in range(3):
        client.send({"body": {"RoomId": "987"}})
    assert searched == []
    assert client.journal.select().entries[-1].near == "near"
    assert searched == ["query_room_info"]
