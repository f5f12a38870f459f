"""What only several requests together show."""

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


def own(seq: str, **words: Any) -> JournalEntry:
    """A request with a seq and a checksum of its own."""
    return entry(**{"fingerprint": seq, **words, "query": {**QUERY, "seq": seq}})


def names(*entries: JournalEntry) -> list[str]:
    """The names of the lints."""
    return [found.violation.name for found in lint(entries, rules())]


def test_a_reused_seq_is_told_once_with_its_count() -> None:
    """Three requests with one seq are one lint at the last; a refusal for it has told it already."""
    entries = [own("1"), own("2"), own("1", fingerprint="b"), own("1", fingerprint="c")]
    [found] = lint(entries, rules())
    assert (found.entry, found.violation.name, found.violation.where) == (
        entries[3],
        "seq_reused",
        "query:seq",
    )
    assert found.violation.text.en.startswith("3 requests used seq 1")
    assert found.violation.text.zh.startswith("3 个请求使用了 seq 1")
    refused = own("1", fingerprint="b", violations=(wrong("seq_repeated"),), error="duplicate_seq")
    assert names(own("1"), refused) == []
    assert names(own("", fingerprint="a"), own("", fingerprint="b")) == []


@given(st.lists(st.sampled_from("abcd"), max_size=12))
def test_seqs_are_counted_as_they_came(seqs: list[str]) -> None:
    """There is one lint for every seq that came more than once, whatever the order."""
    entries = [own(seq, fingerprint=str(place)) for place, seq in enumerate(seqs)]
    told = {found.violation.got for found in lint(entries, rules()) if found.violation.name == "seq_reused"}
    assert told == {seq for seq in seqs if seqs.count(seq) > 1}


@pytest.mark.parametrize(("seconds", "told"), [(0, False), (150, False), (151, True), (300, True)])
def test_a_checksum_in_use_over_most_of_its_time_is_told(seconds: int, told: bool) -> None:
    """Half of the freshness is fine; several requests of one moment share a checksum by the formula."""
    entries = [own(str(n), fingerprint="f", at=T + at, started=at) for n, at in enumerate((0, 0, 0, seconds))]
    assert names(*entries) == ["checksum_overused"] * told


def test_a_checksum_is_measured_by_the_freshness_in_force_and_only_while_it_was_taken() -> None:
    """With 60 s of freshness 31 s are most of it; a use that was refused as expired is told already."""
    short = {"freshness_seconds": 60}
    late = {"at": T + 31, "started": 31.0, "readings": short}
    assert names(own("1", fingerprint="f"), own("2", fingerprint="f", **late)) == ["checksum_overused"]
    late = own(
        "2", fingerprint="f", at=T + 301, violations=(wrong("checksum_expired"),), error="checksum_expired"
    )
    assert names(own("1", fingerprint="f"), late) == []
    # A test moved the app's clock within one second of the client's own: it signed again, to the same checksum.
    assert names(own("1", fingerprint="f"), own("2", fingerprint="f", at=T + 200, started=T + 0.9)) == []
    cached = own("2", fingerprint="f", at=T + 200, started=T + 200)
    assert names(own("1", fingerprint="f"), cached) == ["checksum_overused"]
    without = [entry(fingerprint="none", query={"seq": str(at)}, at=T + at) for at in (0, 200)]
    assert names(*without) == []


def test_a_repetition_right_after_a_final_error_is_told() -> None:
    """Unchanged but for signature and seq, at once, as the app's next request."""
    [found] = lint([own("1", error="room_not_found"), own("2")], rules())
    assert found.violation.name == "repeated_after_final"
    assert found.violation.error == "room_not_found"
    assert "give" not in found.violation.text.en
    assert rules()["room_not_found"].advice.en in found.violation.text.en


@pytest.mark.parametrize(
    "following",
    [
        own("2", fields={"RoomId": "78"}),
        own("2", at=T + 6),
        own("2", appkey="another"),
        own("2", operation="count_qos_by_day"),
    ],
)
def test_another_request_or_a_later_one_is_no_repetition(following: JournalEntry) -> None:
    """Neither is anything after an error that is not final."""
    assert names(own("1", error="room_not_found"), following) == []
    assert names(own("1", error="server_busy"), own("2")) == []
    between = own("3", operation="count_qos_by_day")
    assert names(own("1", error="room_not_found"), between, own("2")) == []


def test_requests_of_strangers_are_not_put_together() -> None:
    """Those of no registered app are told apart by the appkey that they claim."""
    stranger = {"appkey": "", "query": {**QUERY, "appkey": "typo"}}
    assert names(entry(appkey=""), entry(**stranger), entry(appkey="a"), entry(appkey="b")) == []
    assert names(entry(**stranger), entry(appkey="a"), entry(**stranger)) == ["seq_reused"]


def test_a_repetition_is_measured_from_the_end_of_the_answer() -> None:
    """An answer that took ten seconds leaves the client no time before; one sent meanwhile is no reaction to it."""
    slow = own("1", error="room_not_found", seconds=0.5, delivery=9.5)
    assert names(slow, own("2", at=T + 15, started=15.0)) == ["repeated_after_final"]
    assert names(slow, own("2", at=T + 15.1, started=15.1)) == []
    assert names(slow, own("2", at=T + 9.9, started=9.9)) == []


def test_names_are_stable_and_their_own() -> None:
    """The lints share no name with the violations of single requests, and are recorded only."""
    assert list(LINTS) == ["seq_reused", "checksum_overused", "repeated_after_final"]
    assert LINTS.keys().isdisjoint(VIOLATIONS)
    assert {row.error for row in LINTS.values() if row.error} <= catalogue().keys()
    assert all(found.violation.tolerated for found in lint([own("1"), own("1", fingerprint="b")], rules()))
