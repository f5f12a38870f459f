"""The judge tells what a client did after an error, and calls only that a mistake which is one."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.journal_entries import QUERY, entry, wrong
from helpers.reports import rules

from mockserver.reporting.lints import lint
from mockserver.reporting.retries import CORRECT, MISTAKES, analyze_retries

T = 1575962220.0
BUSY = {"error": "server_busy"}
STALE = {"error": "checksum_expired"}
AFTER_ROOM = "after room_not_found the client repeated the same request"
NO_ROOM = {"error": "room_not_found"}
OTHER = {"fields": {"RoomId": "78"}, "body": b'{"RoomId": "78"}'}


def said(*requests: dict[str, Any]) -> tuple[dict[str, int], list[str]]:
    """What the client did after the errors of one operation, and the findings."""
    [judged] = analyze_retries([entry(**words) for words in requests], rules())
    return {did: times for did, times in judged.actions.items() if times}, [
        one.text.en for one in judged.findings
    ]


@pytest.mark.parametrize(
    ("requests", "did"),
    [
        ([STALE, {"fingerprint": "two"}], "signed_again"),
        ([BUSY, {"at": T + 1}], "waited"),
        ([BUSY, {"at": T - 9, "started": 1.0}], "waited"),
        ([BUSY, {"started": 1.0}], "waited"),
        ([NO_ROOM, {"at": T - 9, "started": 5.1}], "came_back"),
        ([STALE, {"query": {**QUERY, "seq": "2"}, "started": 0.9}], "signed_again"),
        ([STALE, {"query": {**QUERY, "seq": "2"}, "started": 9.0}], "signed_again"),
        ([STALE, {**OTHER, "fingerprint": "two"}], "went_on"),
        ([NO_ROOM, {"operation": "count_qos_by_day"}], "went_on"),
        ([{"error": "duplicate_seq"}, {"query": {"seq": "2"}}], "took_new_seq"),
        ([NO_ROOM, OTHER], "went_on"),
        ([NO_ROOM], "gave_up"),
        ([NO_ROOM, {"at": T + 5.1}], "came_back"),
        ([{"error": "missing_parameter", "query": {"appkey": "key"}}, {}], "changed"),
        (
            [{"error": "unsupported_content_type", "violations": (wrong("content_type_missing"),)}, {}],
            "changed",
        ),
        ([{"error": "invalid_curtime", "query": {"curtime": "1575962220000"}}, {}], "signed_again"),
    ],
)
def test_what_a_good_client_does_is_no_finding(requests: list[dict[str, Any]], did: str) -> None:
    """Every right next step is told by its name, without a finding."""
    assert said(*requests) == ({did: 1}, [])


@pytest.mark.parametrize(
    ("requests", "did", "times", "finding"),
    [
        ([STALE] * 3 + [{}], "same_signature", 3,
         "after checksum_expired the client repeated the same signature 3 times"),
        ([STALE, OTHER], "same_signature", 1, "after checksum_expired the client repeated the same signature once"),
        ([STALE, {"query": {**QUERY, "seq": "2"}, "started": 9.0, "at": T + 9}], "same_signature", 1,
         "after checksum_expired the client repeated the same signature once"),
        ([{"error": "duplicate_seq"}, {"operation": "count_qos_by_day"}], "same_seq", 1,
         "after duplicate_seq the client repeated the same seq once"),
        ([BUSY, {"at": T - 9, "started": 0.9}], "too_soon", 1,
         "after server_busy the client retried within 1 s once"),
        ([{**BUSY, "delivery": 3.0}, {"at": T + 3.5, "started": 3.5}], "too_soon", 1,
         "after server_busy the client retried within 1 s once"),
        ([BUSY, {"at": T + 0.99}], "too_soon", 1, "after server_busy the client retried within 1 s once"),
        ([NO_ROOM, NO_ROOM, NO_ROOM], "repeated", 2, f"{AFTER_ROOM} twice"),
        ([{"error": "duplicate_seq"}, {}], "same_seq", 1,
         "after duplicate_seq the client repeated the same seq once"),
        ([{"error": "unknown_field", "violations": (wrong(),)}] * 2, "repeated", 1,
         "after unknown_field the client repeated the same request once"),
        ([NO_ROOM, {"fingerprint": "two", "query": {"appkey": "key", "identifier": "admin", "seq": "2"}}],
         "repeated", 1, f"{AFTER_ROOM} once"),
    ],
)  # fmt: skip
def test_a_mistake_is_counted_and_said(
    requests: list[dict[str, Any]], did: str, times: int, finding: str
) -> None:
    """Each wrong next step is a finding with its number; a new signature does not cure a final error."""
    told, findings = said(*requests)
    assert told[did] == times
    assert findings == [finding]


def test_trying_without_end_is_a_mistake_even_with_waits() -> None:
    """After as many tries as the rule allows, the next one is told."""
    tries = rules()["server_busy"].tries
    fine = [{"error": "server_busy", "at": T + 10 * n} for n in range(tries + 1)]
    assert said(*fine) == ({"waited": tries, "gave_up": 1}, [])
    told, findings = said(*fine, {"error": "server_busy", "at": T + 300})
    assert told["too_often"] == 1
    assert findings == [f"after server_busy the client retried once after {tries} tries"]


def test_what_was_sent_before_the_answer_came_is_no_reaction_to_it() -> None:
    """Requests that cross on their way are not held against anybody; the next one is."""
    slow, meanwhile = {**NO_ROOM, "delivery": 2.0}, {"started": 1.0, "at": T + 1}
    assert said(slow, meanwhile) == ({"gave_up": 1}, [])
    assert said(slow, meanwhile, {"started": 2.1, "at": T + 2.1}) == ({"repeated": 1}, [f"{AFTER_ROOM} once"])


def test_a_client_that_comes_back_much_later_has_not_gone_on() -> None:
    """Each session has its own tries."""
    tries = rules()["server_busy"].tries
    sessions = [
        {"error": "server_busy", "at": T + 3_600 * hour + 10 * n} for hour in range(3) for n in range(tries)
    ]
    assert "too_often" not in said(*sessions)[0]


def test_a_cached_signature_with_a_new_seq_is_the_same_signature() -> None:
    """However soon it comes again: its curtime is of no clock's moment any more."""
    cached = [
        {
            **STALE,
            "query": {**QUERY, "curtime": str(int(T) - 400), "seq": str(n)},
            "started": T + n / 10,
            "at": at,
        }
        for at in (T, T + 301)
        for n in range(4)
    ]
    assert said(*cached[:4])[0] == {"same_signature": 3, "gave_up": 1, "too_often": 1}
    frozen = [{**one, "at": T} for one in cached[:4]]
    assert said(*frozen)[0]["same_signature"] == 3


def test_a_rate_limit_is_about_every_request_of_the_app() -> None:
    """Whatever is asked next has to wait; a busy server is about the one request."""
    limited, other = {"error": "rate_limited"}, {**OTHER, "at": T + 0.5, "started": 0.5}
    assert said(limited, other) == (
        {"too_soon": 1}, ["after rate_limited the client retried within 1 s once"],
    )  # fmt: skip
    assert said(limited, {**OTHER, "at": T + 1, "started": 1.0}) == ({"waited": 1}, [])
    assert said(limited) == ({"gave_up": 1}, [])
    assert said(BUSY, other) == ({"went_on": 1}, [])


def test_without_a_seq_nobody_can_tell_a_signature_of_the_same_second() -> None:
    """Under the reading `seq=optional`: the benefit of the doubt, as long as it is the same second."""
    bare = {"query": {"curtime": "1575962220", "checksum": "abcdef…"}}
    assert said({**STALE, **bare}, {**bare, "started": 0.5}) == ({"signed_again": 1}, [])
    assert said({**STALE, **bare}, {**bare, "started": 5.0, "at": T + 5})[0] == {"same_signature": 1}


def test_ten_thousand_requests_in_flight_are_judged_soon() -> None:
    """Every one is looked at a bounded number of times."""
    crowd = [entry(**BUSY, at=T, delivery=60.0, id=f"{n:08d}") for n in range(10_000)]
    assert analyze_retries(crowd, rules())[0].actions == {"gave_up": 10_000}


def test_one_try_is_told_as_one() -> None:
    """The sentence fits the number."""
    wrong_key = {"error": "checksum_mismatch"}
    again = [{**wrong_key, "fingerprint": str(n)} for n in range(3)]
    assert said(*again)[1] == ["after checksum_mismatch the client retried once after 1 try"]


def test_apps_and_bodies_are_not_mixed_up() -> None:
    """The same request of another app, or another request of the same app, is no repetition."""
    judged = analyze_retries(
        [entry(**NO_ROOM), entry(**NO_ROOM, appkey="b"), entry(**NO_ROOM, **OTHER)], rules()
    )
    assert [one.findings for one in judged] == [()]
    assert judged[0].times == 3


def test_the_order_of_keys_does_not_hide_a_repetition() -> None:
    """Two bodies that say the same are the same request; long bodies are compared by their hash."""
    a, b = {"CountBy": 1, "QueryDate": "20191210"}, {"QueryDate": "20191210", "CountBy": 1}
    words: dict[str, Any] = {"operation": "count_business_total_volume_by_day", "error": "invalid_field"}
    pair = [entry(**words, fields=a, body=b"1"), entry(**words, fields=b, body=b"2")]
    assert [one.times for found in analyze_retries(pair, rules()) for one in found.findings] == [1]
    long = [
        entry(error="malformed_json", fields={}, body=b"x" * 70_000 + end).redact()
        for end in (b"1", b"2", b"2")
    ]
    [judged] = analyze_retries(long, rules())
    assert (judged.actions["repeated"], judged.findings[0].requests) == (1, (long[2].id,))


def test_an_error_that_the_client_could_not_read_is_not_held_against_it() -> None:
    """After a reset connection the same request may come again, whatever the answer would have been."""
    reset = {**NO_ROOM, "spoiled": True, "faults": ("connection_reset",)}
    assert said(reset, reset, NO_ROOM) == ({"gave_up": 1}, [])
    assert lint([entry(**reset, query={"seq": str(n)}) for n in range(3)], rules()) == []


def test_an_error_without_a_rule_is_not_judged() -> None:
    """A catalogue of a user's own may have more errors than the rules."""
    assert analyze_retries([entry(error="brand_new"), entry(error="brand_new")], rules()) == ()
    assert analyze_retries([entry(), entry()], rules()) == ()


def test_everything_is_said_in_both_languages() -> None:
    """No word of the judge lacks its Chinese."""
    [judged] = analyze_retries([entry(**STALE)] * 4, rules())
    assert judged.findings[0].text.zh == "checksum_expired 之后，客户端 3 次用相同的签名重复请求"
    assert all(not text.zh.isascii() for text in (*MISTAKES.values(), *CORRECT.values()))
