"""Verification counts what came, shows what came close, and never takes evicted for absent."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.journal_entries import entry, wrong
from hypothesis import given
from hypothesis import strategies as st

from mockserver.core.errors import AdminError
from mockserver.engine.journal import Journal, JournalQuery, Selection
from mockserver.engine.journal_entry import JournalEntry
from mockserver.reporting.json_shapes import verification_json
from mockserver.reporting.verification import (
    Verification,
    find,
    parse_verification,
    verify,
)

ROOM = {"body": {"RoomId": "77"}}


def ask(entries: list[JournalEntry], evicted: int = 0, **question: Any) -> Verification:
    """The verdict on entries."""
    return verify(Selection(entries, evicted), parse_verification(question))


def room(name: str, **words: Any) -> JournalEntry:
    """A query_room_info for a room."""
    return entry(fields={"RoomId": name}, **words)


@given(st.lists(st.sampled_from(["77", "78"]), max_size=8), st.integers(0, 4), st.integers(0, 4))
def test_a_verdict_is_what_counting_says(rooms: list[str], least: int, more: int) -> None:
    """`count`, `at_least` and `at_most` hold exactly when the number of matching requests is within them."""
    entries, number = [room(name) for name in rooms], rooms.count("77")
    most = least + more
    assert ask(entries, when=ROOM, count=least).ok == (number == least)
    assert ask(entries, when=ROOM, at_least=least).ok == (number >= least)
    assert ask(entries, when=ROOM, at_most=least).ok == (number <= least)
    assert ask(entries, when=ROOM, at_least=least, at_most=most).ok == (least <= number <= most)
    assert ask(entries, when=ROOM).ok == (number >= 1)
    assert ask(entries, when=ROOM).count == number
    assert find(Selection(entries, 0), parse_verification({"when": ROOM})).entries == [
        one for one in entries if one.fields == ROOM["body"]
    ]


def test_a_failure_shows_similar_requests_and_where_they_differ() -> None:
    """The same operation first, the fewest differences first, then the newest; three at most."""
    entries = [
        entry(id="1", operation="count_qos_by_day", fields={"RoomId": "77"}),
        room("78", id="2"),
        entry(id="3", fields={"roomId": "77"}),
        room("79", id="4", error="room_not_found"),
    ]
    verdict = ask(entries, operation="query_room_info", when=ROOM, accepted=True, count=2)
    assert verdict.message.en.splitlines() == [
        'expected 2 requests to query_room_info with body RoomId = "77" and accepted, found 0 of 4 in the journal',
        "  similar requests:",
        "    3 query_room_info",
        '      body RoomId is missing (found roomId), expected "77"',
        "    2 query_room_info",
        '      body RoomId is "78", expected "77"',
        "    4 query_room_info",
        "      answer is refused with room_not_found, expected accepted",
        '      body RoomId is "79", expected "77"',
    ]
    assert verdict.message.zh.startswith(
        '应有 2 个请求 query_room_info（body RoomId = "77"、accepted），找到 0 个'
    )
    assert [miss.entry.id for miss in verdict.near] == ["3", "2", "4"]
    told = verification_json(verdict)
    assert (told["ok"], told["count"], told["evicted"]) == (False, 0, 0)
    assert told["near"][1] == {
        "id": "2",
        "operation": "query_room_info",
        "differences": [
            {"what": "body RoomId", "wanted": '"77"', "got": '"78"',
             "text": 'body RoomId is "78", expected "77"'}
        ],
    }  # fmt: skip


def test_every_filter_tells_its_difference() -> None:
    """Operation, error, violation: what was wanted and what came."""
    entries = [entry(operation="", path="/x", error="unknown_command", violations=(wrong("unknown_path"),))]
    for question, line in (
        ({"operation": "query_room_info"}, "operation is /x, expected query_room_info"),
        ({"error": "room_not_found"}, "error is unknown_command, expected room_not_found"),
        ({"violation": "seq_empty"}, "violation is unknown_path, expected seq_empty"),
        ({"accepted": True}, "answer is refused with unknown_command, expected accepted"),
    ):
        assert ask(entries, **question).message.en.splitlines()[-1].strip() == line
    assert ask([entry(error="room_not_found")], error="room_not_found", accepted=False).ok


def test_what_was_evicted_is_an_error_not_zero() -> None:
    """Where a request that is gone could change the verdict, nobody can tell."""
    for question in (
        {"at_most": 5},
        {"at_least": 2},
        {"count": 1},
        {"count": 2},
        {"at_least": 1, "at_most": 3},
    ):
        verdict = ask([room("77")], evicted=3, when=ROOM, **question)
        assert not verdict.ok
        assert verdict.evicted == 3
        assert "cannot tell" in verdict.message.en
        assert "3 older requests have left the journal" in verdict.message.en


def test_what_was_evicted_changes_nothing_that_is_certain() -> None:
    """As many as were asked for are there, or too many: whatever else came."""
    assert ask([room("77")], evicted=3, when=ROOM).ok
    assert ask([room("77")], evicted=3, when=ROOM, at_least=1).ok
    for question in ({"count": 0}, {"at_most": 0}):
        verdict = ask([room("77")], evicted=3, when=ROOM, **question)
        assert not verdict.ok
        assert verdict.message.en.startswith("expected no request with")


LONG = {"RoomId": "r" * 300, "list": [1, 2], "text": "t" * 3_000, "77": 77}


@pytest.mark.parametrize(
    ("field", "wanted", "other"),
    [
        ("RoomId", "r" * 300, "r" * 299),
        ("RoomId", {"matches": "^r{300}$"}, {"matches": "^r{301}$"}),
        ("list", {"schema": {"type": "array", "minItems": 2}}, {"schema": {"type": "array", "minItems": 3}}),
        ("text", {"schema": {"type": "string", "minLength": 3000}}, {"schema": {"maxLength": 2999}}),
        ("77", 77, 78),
    ],
)
def test_long_and_odd_values_are_found_as_they_came(field: str, wanted: Any, other: Any) -> None:
    """What the journal shows is short; what is asked is held against what came."""
    journal = Journal()
    journal.add(entry(fields=LONG, violations=(wrong(),)))
    journal.add(entry(fields=LONG))
    entries = journal.select().entries
    assert all(entry.fields_cut and len(str(entry.fields)) < 900 for entry in entries)
    assert ask(entries, when={"body": {field: wanted}}, count=2).ok
    assert ask(entries, when={"body": {field: other}}, count=0).ok


def test_a_body_that_was_too_long_to_be_kept_is_no_zero() -> None:
    """What nobody can look into any more is said, unless something else tells it apart."""
    journal = Journal()
    journal.add(entry(fields={"CountBy": 1, "more": "x" * 100_000}, operation="count_qos_by_day"))
    entries = journal.select().entries
    verdict = ask(entries, when={"body": {"more": "y"}}, count=0)
    assert not verdict.ok
    assert "1 had a body too long to be kept whole; match their other fields" in verdict.message.en
    assert "1 个请求的包体过长" in verdict.message.zh
    assert ask(entries, when={"body": {"more": "y", "CountBy": 2}}, count=0).ok
    assert ask(entries, when={"body": {"more": "y"}, "query": {"seq": "2"}}, count=0).ok
    assert ask(entries, when={"body": {"more": "y"}}, operation="query_room_info", count=0).ok
    assert ask(entries, when={"body": {"CountBy": 1}}, count=1).ok


def test_the_query_is_asked_as_it_came() -> None:
    """Values that look like a checksum are what they are; one that was cut is no zero; a checksum is not asked for."""
    hexes = "0123456789abcdef0123456789abcdef01234567"
    journal = Journal()
    journal.add(entry(query={"appkey": "key", "seq": hexes, "identifier": "i" * 3_000}))
    entries = journal.select().entries
    assert ask(entries, when={"query": {"seq": hexes}}, count=1).ok
    assert ask(entries, when={"query": {"seq": hexes[:-1] + "8"}}, count=0).ok
    assert not ask(entries, when={"query": {"identifier": "i" * 2_999}}, count=0).ok
    assert ask(entries, when={"query": {"identifier": "i" * 2_999, "seq": "1"}}, count=0).ok
    for asked in (hexes, {"matches": "^0123456789"}):
        with pytest.raises(AdminError) as refused:
            ask(entries, when={"query": {"checksum": asked}})
        assert "six characters" in refused.value.text.en


def test_an_eviction_before_the_range_asked_does_no_harm() -> None:
    """The question's own range is what is selected from the journal."""
    journal = Journal(max_entries=2)
    for at in (10.0, 20.0, 30.0):
        journal.add(entry(fields={"RoomId": "77"}, at=at, appkey="a"))
    journal.add(entry(fields={"RoomId": "77"}, appkey="b"))
    for question, ok in (({"since": 15, "count": 2}, True), ({"count": 2}, False), ({"appkey": "b"}, True)):
        read = parse_verification({"appkey": "a", **question})
        assert verify(journal.select(read.range), read).ok is ok
    assert parse_verification({"appkey": "a", "since": 1.5}).range == JournalQuery(appkey="a", since=1.5)


def test_an_empty_journal_is_said() -> None:
    """No similar request because none came at all."""
    verdict = ask([], operation="query_room_info")
    assert verdict.message.en == (
        "expected at least 1 request to query_room_info, found 0 of 0 in the journal\n  no request was received"
    )
    assert ask([], count=0).ok
    assert ask([], count=0).message.en == "expected no request, found 0 of 0 in the journal"
    assert ask([entry(), entry()], at_most=1).near == ()


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ({"operaton": "x"}, "did you mean operation?"),
        ({"nonsense_word": "x"}, "known: appkey, operation"),
        ({"operation": "query_rom_info"}, "did you mean query_room_info?"),
        ({"operation": 7}, "operation must be a string"),
        ({"accepted": "yes"}, "accepted must be true or false"),
        ({"since": True}, "since must be seconds"),
        ({"since": "now"}, "since must be seconds"),
        ({"count": -1}, "count must be an integer of at least 0"),
        ({"at_least": 1.0}, "at_least must be an integer"),
        ({"at_most": True}, "at_most must be an integer"),
        ({"count": 1, "at_most": 2}, "give count, or at_least and at_most"),
        ({"at_least": 3, "at_most": 2}, "at_most is less than at_least"),
        ({"when": "x"}, "when must be {body"),
        ({"when": {"header": {}}}, "when must be {body"),
        ({"when": {"body": "x"}}, "when must be {body"),
        ({"when": {"body": {"RoomId": {"matches": "("}}}}, "when/body/RoomId: "),
        ({"when": {"body": {"RoomId": {"matches": 7}}}}, "when/"),
        ({"when": {"query": {"seq": {"schema": {"type": "nothing"}}}}}, "when/query/seq: "),
    ],
)
def test_a_question_that_cannot_be_read_is_refused(question: dict[str, Any], said: str) -> None:
    """A wrong word is never ignored: the verification would pass for nothing."""
    with pytest.raises(AdminError) as error:
        parse_verification(question)
    assert said in error.value.text.en
    assert not error.value.text.zh.isascii()
