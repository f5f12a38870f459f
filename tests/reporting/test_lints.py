"""Lints: violations that only several requests show."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.journal_entries import QUERY, entry, wrong
from helpers.reports import catalogue, rules
from hypothesis import given
from hypothesis import strategies as st

from mockserver.contract.violations import VIOLATIONS
from mockserver.engine.journal_entry import JournalEntry
from mockserver.reporting.lints import LINTS, lint

T = 1575962220.0


def signed(seq: str, **values: Any) -> JournalEntry:
    """Return a request with its own seq and checksum."""
    return entry(**{"fingerprint": seq, **values, "query": {**QUERY, "seq": seq}})


def names(*entries: JournalEntry) -> list[str]:
    """Return the names of the lints."""
    return [violation.name for _, violation in lint(entries, rules())]


def test_a_reused_seq_is_one_lint_with_its_count() -> None:
    """It is attached to the last request; requests refused for the seq do not count."""
    entries = [signed("1"), signed("2"), signed("1", fingerprint="b"), signed("1", fingerprint="c")]
    [(last, violation)] = lint(entries, rules())
    assert (last, violation.name, violation.where) == (entries[3], "seq_reused", "query:seq")
    assert violation.text.en.startswith("3 requests used seq 1")
    assert violation.text.zh.startswith("3 个请求使用了 seq 1")
    refused = signed("1", fingerprint="b", violations=(wrong("seq_repeated"),), error="duplicate_seq")
    assert names(signed("1"), refused) == []
    assert names(signed("", fingerprint="a"), signed("", fingerprint="b")) == []


@given(st.lists(st.sampled_from("abcd"), max_size=12))
def test_every_reused_seq_has_one_lint(seqs: list[str]) -> None:
    """Whatever the order of the requests."""
    entries = [signed(seq, fingerprint=str(place)) for place, seq in enumerate(seqs)]
    found = {violation.got for _, violation in lint(entries, rules()) if violation.name == "seq_reused"}
    assert found == {seq for seq in seqs if seqs.count(seq) > 1}


@pytest.mark.parametrize(("seconds", "overused"), [(0, False), (150, False), (151, True), (300, True)])
def test_a_checksum_used_for_most_of_its_lifetime_is_a_lint(seconds: int, overused: bool) -> None:
    """Half of it is fine, and requests signed within one second share a checksum."""
    entries = [signed(str(n), fingerprint="f", at=T + at, started=at) for n, at in enumerate((0, 0, 0, seconds))]
    assert names(*entries) == ["checksum_overused"] * overused


def test_the_lifetime_is_the_freshness_in_force() -> None:
    """Uses that were refused as expired do not count."""
    short = {"freshness_seconds": 60}
    late = {"at": T + 31, "started": 31.0, "readings": short}
    assert names(signed("1", fingerprint="f"), signed("2", fingerprint="f", **late)) == ["checksum_overused"]
    late = signed("2", fingerprint="f", at=T + 301, violations=(wrong("checksum_expired"),), error="checksum_expired")
    assert names(signed("1", fingerprint="f"), late) == []
    # A test moved the app's clock within one second of the client's own: it signed again, to the same checksum.
    assert names(signed("1", fingerprint="f"), signed("2", fingerprint="f", at=T + 200, started=T + 0.9)) == []
    cached = signed("2", fingerprint="f", at=T + 200, started=T + 200)
    assert names(signed("1", fingerprint="f"), cached) == ["checksum_overused"]
    without = [entry(fingerprint="none", query={"seq": str(at)}, at=T + at) for at in (0, 200)]
    assert names(*without) == []


def test_a_repetition_right_after_a_final_error_is_a_lint() -> None:
    """The app's next request, unchanged except for signature and seq."""
    [(_, violation)] = lint([signed("1", error="room_not_found"), signed("2")], rules())
    assert violation.name == "repeated_after_final"
    assert violation.error == "room_not_found"
    assert "give" not in violation.text.en
    assert rules()["room_not_found"].advice.en in violation.text.en


@pytest.mark.parametrize(
    "following",
    [
        signed("2", fields={"RoomId": "78"}),
        signed("2", at=T + 6),
        signed("2", appkey="another"),
        signed("2", operation="count_qos_by_day"),
    ],
)
def test_another_request_or_a_later_one_is_no_repetition(following: JournalEntry) -> None:
    """Nor is a repetition after an error that is not final."""
    assert names(signed("1", error="room_not_found"), following) == []
    assert names(signed("1", error="server_busy"), signed("2")) == []
    between = signed("3", operation="count_qos_by_day")
    assert names(signed("1", error="room_not_found"), between, signed("2")) == []


def test_unregistered_appkeys_are_kept_apart() -> None:
    """Requests without a registered app are grouped by the appkey they name."""
    stranger = {"appkey": "", "query": {**QUERY, "appkey": "typo"}}
    assert names(entry(appkey=""), entry(**stranger), entry(appkey="a"), entry(appkey="b")) == []
    assert names(entry(**stranger), entry(appkey="a"), entry(**stranger)) == ["seq_reused"]


def test_a_repetition_is_timed_from_the_end_of_the_response() -> None:
    """A request sent before the end of a slow response is no reaction to it."""
    slow = signed("1", error="room_not_found", seconds=0.5, delivery=9.5)
    assert names(slow, signed("2", at=T + 15, started=15.0)) == ["repeated_after_final"]
    assert names(slow, signed("2", at=T + 15.1, started=15.1)) == []
    assert names(slow, signed("2", at=T + 9.9, started=9.9)) == []


def test_lints_have_names_of_their_own() -> None:
    """They share no name with the violations of single requests, and are tolerated."""
    assert list(LINTS) == ["seq_reused", "checksum_overused", "repeated_after_final"]
    assert LINTS.keys().isdisjoint(VIOLATIONS)
    assert {row.error for row in LINTS.values() if row.error} <= catalogue().keys()
    assert all(violation.tolerated for _, violation in lint([signed("1"), signed("1", fingerprint="b")], rules()))
