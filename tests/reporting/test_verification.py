"""A verification counts matching requests, shows near misses, and does not take evicted requests for absent."""

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
from mockserver.reporting.verification import Verification, find, parse_verification, verify

ROOM = {"body": {"RoomId": "77"}}


def check(entries: list[JournalEntry], evicted: int = 0, **body: Any) -> Verification:
    """Return the verification of some entries."""
    return verify(Selection(entries, evicted), parse_verification(body))


def room(name: str, **values: Any) -> JournalEntry:
    """Return a query_room_info for a room."""
    return entry(fields={"RoomId": name}, **values)


@given(st.lists(st.sampled_from(["77", "78"]), max_size=8), st.integers(0, 4), st.integers(0, 4))
def test_a_verification_compares_the_number_of_matches(rooms: list[str], least: int, more: int) -> None:
    """It passes exactly if the number is within `count`, `at_least` and `at_most`."""
    entries, number = [room(name) for name in rooms], rooms.count("77")
    most = least + more
    assert check(entries, when=ROOM, count=least).ok == (number == least)
    assert check(entries, when=ROOM, at_least=least).ok == (number >= least)
    assert check(entries, when=ROOM, at_most=least).ok == (number <= least)
    assert check(entries, when=ROOM, at_least=least, at_most=most).ok == (least <= number <= most)
    assert check(entries, when=ROOM).ok == (number >= 1)
    assert check(entries, when=ROOM).count == number
    assert find(Selection(entries, 0), parse_verification({"when": ROOM})).entries == [
        each for each in entries if each.fields == ROOM["body"]
    ]


def test_a_failure_shows_similar_requests_and_where_they_differ() -> None:
    """Same operation first, then fewest differences, then newest; at most three."""
    entries = [
        entry(id="1", operation="count_qos_by_day", fields={"RoomId": "77"}),
        room("78", id="2"),
        entry(id="3", fields={"roomId": "77"}),
        room("79", id="4", error="room_not_found"),
    ]
    result = check(entries, operation="query_room_info", when=ROOM, accepted=True, count=2)
    assert result.message.en.splitlines() == [
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
    assert result.message.zh.startswith('应有 2 个请求 query_room_info（body RoomId = "77"、accepted），找到 0 个')
    assert [entry.id for entry, _ in result.near] == ["3", "2", "4"]
    shape = verification_json(result)
    assert (shape["ok"], shape["count"], shape["evicted"]) == (False, 0, 0)
    assert shape["near"][1] == {
        "id": "2",
        "operation": "query_room_info",
        "differences": [
            {"what": "body RoomId", "wanted": '"77"', "got": '"78"',
             "text": 'body RoomId is "78", expected "77"'}
        ],
    }  # fmt: skip


def test_every_filter_shows_its_difference() -> None:
    """Operation, error, violation and acceptance, with the expected and the actual value."""
    entries = [entry(operation="", path="/x", error="unknown_command", violations=(wrong("unknown_path"),))]
    for body, line in (
        ({"operation": "query_room_info"}, "operation is /x, expected query_room_info"),
        ({"error": "room_not_found"}, "error is unknown_command, expected room_not_found"),
        ({"violation": "seq_empty"}, "violation is unknown_path, expected seq_empty"),
        ({"accepted": True}, "answer is refused with unknown_command, expected accepted"),
    ):
        assert check(entries, **body).message.en.splitlines()[-1].strip() == line
    assert check([entry(error="room_not_found")], error="room_not_found", accepted=False).ok


def test_evicted_requests_are_not_counted_as_absent() -> None:
    """A verification that they could change fails with "cannot be determined"."""
    for body in ({"at_most": 5}, {"at_least": 2}, {"count": 1}, {"count": 2}, {"at_least": 1, "at_most": 3}):
        result = check([room("77")], evicted=3, when=ROOM, **body)
        assert not result.ok
        assert result.evicted == 3
        assert "cannot be determined" in result.message.en
        assert "3 older requests have left the journal" in result.message.en


def test_evicted_requests_do_not_affect_a_certain_result() -> None:
    """There are enough matches already, or too many."""
    assert check([room("77")], evicted=3, when=ROOM).ok
    assert check([room("77")], evicted=3, when=ROOM, at_least=1).ok
    for body in ({"count": 0}, {"at_most": 0}):
        result = check([room("77")], evicted=3, when=ROOM, **body)
        assert not result.ok
        assert result.message.en.startswith("expected no request with")


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
def test_long_values_are_matched_in_full(field: str, wanted: Any, other: Any) -> None:
    """The journal shows them shortened, but matchers see what was sent."""
    journal = Journal()
    journal.add(entry(fields=LONG, violations=(wrong(),)))
    journal.add(entry(fields=LONG))
    entries = journal.select().entries
    assert all(entry.fields_cut and len(str(entry.fields)) < 900 for entry in entries)
    assert check(entries, when={"body": {field: wanted}}, count=2).ok
    assert check(entries, when={"body": {field: other}}, count=0).ok


def test_a_body_too_long_to_be_kept_is_not_counted_as_absent() -> None:
    """Unless another field rules it out."""
    journal = Journal()
    journal.add(entry(fields={"CountBy": 1, "more": "x" * 100_000}, operation="count_qos_by_day"))
    entries = journal.select().entries
    result = check(entries, when={"body": {"more": "y"}}, count=0)
    assert not result.ok
    assert "1 had a body too long to be stored; match their other fields" in result.message.en
    assert "1 个请求的包体过长" in result.message.zh
    assert check(entries, when={"body": {"more": "y", "CountBy": 2}}, count=0).ok
    assert check(entries, when={"body": {"more": "y"}, "query": {"seq": "2"}}, count=0).ok
    assert check(entries, when={"body": {"more": "y"}}, operation="query_room_info", count=0).ok
    assert check(entries, when={"body": {"CountBy": 1}}, count=1).ok


def test_query_values_are_matched_as_sent() -> None:
    """A cut value is not counted as absent, and a checksum cannot be matched."""
    hexes = "0123456789abcdef0123456789abcdef01234567"
    journal = Journal()
    journal.add(entry(query={"appkey": "key", "seq": hexes, "identifier": "i" * 3_000}))
    entries = journal.select().entries
    assert check(entries, when={"query": {"seq": hexes}}, count=1).ok
    assert check(entries, when={"query": {"seq": hexes[:-1] + "8"}}, count=0).ok
    assert not check(entries, when={"query": {"identifier": "i" * 2_999}}, count=0).ok
    assert check(entries, when={"query": {"identifier": "i" * 2_999, "seq": "1"}}, count=0).ok
    for checksum in (hexes, {"matches": "^0123456789"}):
        with pytest.raises(AdminError) as refused:
            check(entries, when={"query": {"checksum": checksum}})
        assert "six characters" in refused.value.text.en


def test_too_few_requests_are_listed() -> None:
    """The requests that match, and those that nearly do."""
    message = check([room("77", id="00000001")], when=ROOM, count=2).message.en
    assert "found 1 of 1" in message
    assert "received: 00000001" in message
    assert "similar" not in message


def test_an_eviction_before_since_does_no_harm() -> None:
    """Only evictions within the range of the verification count."""
    journal = Journal(max_entries=2)
    for at in (10.0, 20.0, 30.0):
        journal.add(entry(fields={"RoomId": "77"}, at=at, appkey="a"))
    journal.add(entry(fields={"RoomId": "77"}, appkey="b"))
    for body, ok in (({"since": 15, "count": 2}, True), ({"count": 2}, False), ({"appkey": "b"}, True)):
        read = parse_verification({"appkey": "a", **body})
        assert verify(journal.select(read.range), read).ok is ok
    assert parse_verification({"appkey": "a", "since": 1.5}).range == JournalQuery(appkey="a", since=1.5)


def test_the_message_says_that_the_journal_is_empty() -> None:
    """Instead of "no similar request"."""
    result = check([], operation="query_room_info")
    assert result.message.en == (
        "expected at least 1 request to query_room_info, found 0 of 0 in the journal\n  no request was received"
    )
    assert check([], count=0).ok
    assert check([], count=0).message.en == "expected no request, found 0 of 0 in the journal"
    assert check([entry(), entry()], at_most=1).near == ()


@pytest.mark.parametrize(
    ("body", "message"),
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
        ({"when": "x"}, "when: 'x' is not a mapping with body, query"),
        ({"when": {"header": {}}}, "when/header: unknown key"),
        ({"when": {"body": "x"}}, "when/body: 'x' is not a mapping"),
        ({"when": {"body": {"RoomId": {"matches": "("}}}}, "when/body/RoomId: "),
        ({"when": {"body": {"RoomId": {"matches": 7}}}}, "when/"),
        ({"when": {"query": {"seq": {"schema": {"type": "nothing"}}}}}, "when/query/seq: "),
    ],
)
def test_an_invalid_verification_is_refused(body: dict[str, Any], message: str) -> None:
    """An unknown key is never ignored: the verification would pass without meaning."""
    with pytest.raises(AdminError) as error:
        parse_verification(body)
    assert message in error.value.text.en
    assert not error.value.text.zh.isascii()
