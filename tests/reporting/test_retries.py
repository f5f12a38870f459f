"""Retry analysis recognizes what a client did after an error, and reports only real mistakes."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.journal_entries import QUERY, entry, shown_entry, wrong
from helpers.reports import rules

from mockserver.reporting.lints import lint
from mockserver.reporting.retries import CORRECT, MISTAKES, analyze_retries

T = 1575962220.0
BUSY = {"error": "server_busy"}
STALE = {"error": "checksum_expired"}
AFTER_ROOM = "after room_not_found the client repeated the same request"
NO_ROOM = {"error": "room_not_found"}
OTHER = {"fields": {"RoomId": "78"}, "body": b'{"RoomId": "78"}'}


def analyze(*requests: dict[str, Any]) -> tuple[dict[str, int], list[str]]:
    """Return what the client did after the errors of one operation, and the texts of the findings."""
    [row] = analyze_retries([entry(**values) for values in requests], rules())
    return {action: times for action, times in row.actions.items() if times}, [each.text.en for each in row.findings]


@pytest.mark.parametrize(
    ("requests", "action"),
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
        ([{"error": "unsupported_content_type", "violations": (wrong("content_type_missing"),)}, {}], "changed"),
        ([{"error": "invalid_curtime", "query": {"curtime": "1575962220000"}}, {}], "signed_again"),
    ],
)
def test_a_correct_reaction_is_no_finding(requests: list[dict[str, Any]], action: str) -> None:
    """Every correct next step is counted by its name."""
    assert analyze(*requests) == ({action: 1}, [])


@pytest.mark.parametrize(
    ("requests", "action", "times", "finding"),
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
def test_a_mistake_is_a_finding(requests: list[dict[str, Any]], action: str, times: int, finding: str) -> None:
    """Each mistake is counted and described; a new signature does not help after a final error."""
    actions, findings = analyze(*requests)
    assert actions[action] == times
    assert findings == [finding]


def test_more_tries_than_the_rule_allows_are_a_mistake() -> None:
    """Even if the client waits before each retry."""
    tries = rules()["server_busy"].tries
    fine = [{"error": "server_busy", "at": T + 10 * n} for n in range(tries + 1)]
    assert analyze(*fine) == ({"waited": tries, "gave_up": 1}, [])
    actions, findings = analyze(*fine, {"error": "server_busy", "at": T + 300})
    assert actions["too_often"] == 1
    assert findings == [f"after server_busy the client retried once after {tries} tries"]


def test_a_request_sent_before_the_response_is_no_reaction_to_it() -> None:
    """The next request after the response is."""
    slow, meanwhile = {**NO_ROOM, "delivery": 2.0}, {"started": 1.0, "at": T + 1}
    assert analyze(slow, meanwhile) == ({"gave_up": 1}, [])
    assert analyze(slow, meanwhile, {"started": 2.1, "at": T + 2.1}) == ({"repeated": 1}, [f"{AFTER_ROOM} once"])


def test_tries_are_counted_anew_after_a_long_pause() -> None:
    """A client that returns after an hour has not kept trying."""
    tries = rules()["server_busy"].tries
    sessions = [{"error": "server_busy", "at": T + 3_600 * hour + 10 * n} for hour in range(3) for n in range(tries)]
    assert "too_often" not in analyze(*sessions)[0]


def test_a_cached_signature_with_a_new_seq_is_the_same_signature() -> None:
    """However soon it is sent again: its curtime is stale by both clocks."""
    cached = [
        {**STALE, "query": {**QUERY, "curtime": str(int(T) - 400), "seq": str(n)}, "started": T + n / 10, "at": at}
        for at in (T, T + 301)
        for n in range(4)
    ]
    assert analyze(*cached[:4])[0] == {"same_signature": 3, "gave_up": 1, "too_often": 1}
    frozen = [{**each, "at": T} for each in cached[:4]]
    assert analyze(*frozen)[0]["same_signature"] == 3


def test_a_rate_limit_concerns_every_request_of_the_app() -> None:
    """The next request of any kind has to wait; after server_busy only the same request has to."""
    limited, other = {"error": "rate_limited"}, {**OTHER, "at": T + 0.5, "started": 0.5}
    assert analyze(limited, other) == (
        {"too_soon": 1}, ["after rate_limited the client retried within 1 s once"],
    )  # fmt: skip
    assert analyze(limited, {**OTHER, "at": T + 1, "started": 1.0}) == ({"waited": 1}, [])
    assert analyze(limited) == ({"gave_up": 1}, [])
    assert analyze(BUSY, other) == ({"went_on": 1}, [])


def test_without_a_seq_a_signature_of_the_same_second_counts_as_new() -> None:
    """Under the reading `seq=optional` the two cannot be distinguished."""
    bare = {"query": {"curtime": "1575962220", "checksum": "abcdef…"}}
    assert analyze({**STALE, **bare}, {**bare, "started": 0.5}) == ({"signed_again": 1}, [])
    assert analyze({**STALE, **bare}, {**bare, "started": 5.0, "at": T + 5})[0] == {"same_signature": 1}


def test_ten_thousand_requests_in_flight_are_analyzed_fast() -> None:
    """Each request is compared a bounded number of times."""
    crowd = [entry(**BUSY, at=T, delivery=60.0, id=f"{n:08d}") for n in range(10_000)]
    assert analyze_retries(crowd, rules())[0].actions == {"gave_up": 10_000}


def test_a_single_try_uses_the_singular() -> None:
    """The sentence fits the number."""
    wrong_key = {"error": "checksum_mismatch"}
    again = [{**wrong_key, "fingerprint": str(n)} for n in range(3)]
    assert analyze(*again)[1] == ["after checksum_mismatch the client retried once after 1 try"]


def test_apps_and_bodies_are_kept_apart() -> None:
    """The same request of another app, or another request of the same app, is no repetition."""
    row = analyze_retries([entry(**NO_ROOM), entry(**NO_ROOM, appkey="b"), entry(**NO_ROOM, **OTHER)], rules())
    assert [each.findings for each in row] == [()]
    assert row[0].times == 3


def test_the_order_of_keys_does_not_hide_a_repetition() -> None:
    """Bodies with the same content are the same request; cut bodies are compared by their hash."""
    a, b = {"CountBy": 1, "QueryDate": "20191210"}, {"QueryDate": "20191210", "CountBy": 1}
    values: dict[str, Any] = {"operation": "count_business_total_volume_by_day", "error": "invalid_field"}
    pair = [entry(**values, fields=a, body=b"1"), entry(**values, fields=b, body=b"2")]
    assert [each.times for found in analyze_retries(pair, rules()) for each in found.findings] == [1]
    long = [shown_entry(error="malformed_json", fields={}, body=b"x" * 70_000 + end) for end in (b"1", b"2", b"2")]
    [row] = analyze_retries(long, rules())
    assert (row.actions["repeated"], row.findings[0].requests) == (1, (long[2].id,))


def test_an_unreadable_response_needs_no_reaction() -> None:
    """After a reset connection the client may repeat the request, whatever the response would have been."""
    reset = {**NO_ROOM, "spoiled": True, "faults": ("connection_reset",)}
    assert analyze(reset, reset, NO_ROOM) == ({"gave_up": 1}, [])
    assert lint([entry(**reset, query={"seq": str(n)}) for n in range(3)], rules()) == []


def test_an_error_without_a_rule_is_ignored() -> None:
    """A user's catalogue may have more errors than there are rules."""
    assert analyze_retries([entry(error="brand_new"), entry(error="brand_new")], rules()) == ()
    assert analyze_retries([entry(), entry()], rules()) == ()


def test_every_text_is_there_in_both_languages() -> None:
    """No text lacks its Chinese version."""
    [row] = analyze_retries([entry(**STALE)] * 4, rules())
    assert row.findings[0].text.zh == "checksum_expired 之后，客户端 3 次用相同的签名重复请求"
    assert all(not text.zh.isascii() for text in (*MISTAKES.values(), *CORRECT.values()))
