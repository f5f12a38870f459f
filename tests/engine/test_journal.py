"""The journal stores requests within its limits and counts what it evicts."""

from __future__ import annotations

import hashlib
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields as fields_of
from typing import Any

import pytest
from helpers.journal_entries import entry, wrong
from hypothesis import given
from hypothesis import strategies as st

from mockserver.engine.journal import ALL_APPS, MAX_ANSWERS, Journal, JournalQuery
from mockserver.engine.journal_entry import MAX_BODY, SHORT_ANSWER, JournalEntry


def add(journal: Journal, **values: Any) -> str:
    """Add a request to the journal and return its id."""
    added = entry(**values)
    journal.add(added)
    return added.id


def text_of(shown: JournalEntry) -> str:
    """Everything an entry contains, as text."""
    return "\n".join(repr(getattr(shown, field.name)) for field in [*fields_of(shown)])


def stored_size(added: JournalEntry) -> int:
    """The size that the journal counts for an entry."""
    journal = Journal()
    journal.add(added)
    return journal.totals()[1]


def ids(entries: list[JournalEntry]) -> list[str]:
    """The ids of the entries, in their order."""
    return [entry.id for entry in entries]


def test_an_added_entry_is_found_by_its_id() -> None:
    """An entry is there when `add` returns; an unknown id gives None."""
    journal = Journal()
    entry_id = add(journal, fields={"RoomId": "78"})
    found = journal.get(entry_id)
    assert found is not None
    assert (found.id, found.fields) == (entry_id, {"RoomId": "78"})
    assert journal.get("none") is None
    assert journal.select().entries == [found]
    assert journal.count() == (1, 0)


APPS, OPERATIONS = (st.sampled_from(["", "a", "b"]), st.sampled_from(["", "query_room_info", "count_qos_by_day"]))
ENTRIES = st.lists(
    st.builds(
        lambda appkey, operation, error, at, broken, size: entry(
            appkey=appkey, operation=operation, error=error, at=float(at), violations=broken, body=b"{" + b" " * size + b"}"
        ),
        APPS,
        OPERATIONS,
        st.sampled_from(["", "room_not_found"]),
        st.integers(0, 9),
        st.sampled_from([(), (wrong(),)]),
        st.sampled_from([0, 1_022, 1_023]),
    ),
    max_size=25,
)  # fmt: skip
FILTERS = st.builds(
    JournalQuery,
    appkey=st.none() | APPS,
    operation=st.none() | OPERATIONS,
    accepted=st.none() | st.booleans(),
    error=st.none() | st.sampled_from(["", "room_not_found"]),
    violation=st.none() | st.sampled_from(["unknown_field", "other"]),
    since=st.none() | st.floats(0, 9),
)


@given(ENTRIES, FILTERS, st.none() | st.integers(0, 9))
def test_a_query_selects_what_a_naive_filter_selects(
    entries: list[JournalEntry], query: JournalQuery, limit: int | None
) -> None:
    """In order of arrival, the newest `limit`."""
    journal = Journal()
    for each in entries:
        journal.add(each)
    wanted = [
        each
        for each in entries
        if query.appkey in (None, each.appkey)
        and query.operation in (None, each.operation)
        and query.accepted in (None, not each.error)
        and query.error in (None, each.error)
        and (query.since is None or each.at >= query.since)
        and (query.violation is None or query.violation in [broken.name for broken in each.violations])
    ]
    newest = wanted if limit is None else wanted[len(wanted) - limit :] if limit < len(wanted) else wanted
    found = journal.select(query, limit)
    assert (ids(found.entries), found.evicted) == (ids(newest), 0)
    assert journal.count(query) == (len(wanted), 0)


@given(ENTRIES, st.integers(1, 5), st.integers(2_000, 10_000))
def test_limits_hold_for_every_app_and_every_eviction_is_counted(
    entries: list[JournalEntry], max_entries: int, max_bytes: int
) -> None:
    """Each app keeps its newest entries within the limits; kept plus evicted is everything added."""
    journal = Journal(max_entries, max_bytes)
    for each in entries:
        journal.add(each)
    left = 0
    for appkey in {each.appkey for each in entries}:
        received = [each for each in entries if each.appkey == appkey]
        stored, evicted = journal.select(JournalQuery(appkey=appkey))
        assert len(stored) <= max_entries
        assert sum(map(stored_size, received[evicted:])) <= max_bytes
        assert ids(stored) == ids(received[evicted:])
        assert [journal.get(each.id) for each in received[:evicted]] == [None] * evicted
        left += sum(map(stored_size, received[evicted:]))
    stored, evicted = journal.select()
    assert (len(stored) + evicted, journal.totals()[1]) == (len(entries), left)


def test_all_apps_together_are_limited_too() -> None:
    """The largest app gives way, not the quiet one."""
    size = stored_size(entry())
    journal = Journal(max_bytes=size * 4)
    quiet = add(journal, appkey="quiet")
    for number in range(10):
        for _ in range(3):
            journal.add(entry(appkey=f"busy{number}"))
    assert journal.totals()[1] <= size * 4 * ALL_APPS
    assert journal.get(quiet) is not None
    assert journal.count(JournalQuery(appkey="quiet")) == (1, 0)


def test_evictions_before_the_queried_range_do_not_count() -> None:
    """With `since` after every evicted entry nothing is missing."""
    journal = Journal(max_entries=2)
    for at in (10.0, 20.0, 30.0, 40.0):
        journal.add(entry(at=at))
    assert journal.count(JournalQuery(since=20.5)) == (2, 0)
    assert journal.count(JournalQuery(since=20.0)) == (2, 2)
    assert journal.count(JournalQuery(appkey="other")) == (0, 0)
    assert journal.count() == (2, 2)


def test_clearing_one_app_leaves_the_others() -> None:
    """`clear` removes entries and eviction counts of one app or all, and returns the number of entries."""
    journal = Journal(max_entries=2)
    for _ in range(3):
        journal.add(entry(appkey="a"))
    other = add(journal, appkey="b")
    assert journal.clear("a") == 2
    assert journal.clear("nobody") == 0
    assert ids(journal.select().entries) == [other]
    assert journal.clear() == 1
    assert (journal.select(), journal.totals()[1]) == (([], 0), 0)


def test_entries_of_200_threads_are_found_at_once() -> None:
    """50 adds per thread, each followed by a look-up of its id."""
    journal, start = Journal(), threading.Barrier(200)

    def client(number: int) -> int:
        start.wait(30)
        found = 0
        for turn in range(50):
            entry_id = add(journal, id=f"{number}-{turn}")
            stored = journal.get(entry_id)
            found += stored is not None and stored.id == entry_id
        return found

    with ThreadPoolExecutor(200) as pool:
        assert sum(pool.map(client, range(200))) == 10_000
    assert journal.count() == (10_000, 0)


def test_memory_stops_growing_at_the_limit() -> None:
    """A full journal takes no more memory for thousands of entries more, and the estimate is not too low."""
    journal = Journal(max_bytes=4 * 1024 * 1024)

    def fill(count: int) -> int:
        for _ in range(count):
            journal.add(entry(body=bytes(4096), answer=bytes(200)))
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        full = fill(2_000)
        later = fill(4_000)
    finally:
        tracemalloc.stop()
    assert later - full < 100_000
    assert later - before < journal.max_bytes
    assert sum(journal.count()) == 6_000


@pytest.mark.parametrize("kind", ["plain", "encoded query", "violation", "headers", "answer"])
def test_the_size_estimate_is_not_too_low(kind: str) -> None:
    """A thousand entries take no more memory than they are counted for, and at least a quarter."""
    journal = Journal()

    def words(number: int) -> dict[str, Any]:
        return {
            "plain": {},
            "encoded query": {"query": {"seq": f"%{number}", "checksum": f"{number:040d}"}},
            "violation": {"violations": (wrong(),)},
            "headers": {"headers": {f"x-{n}-{number}": f"{number:090d}" for n in range(20)}},
            "answer": {"answer": bytes(400 + number % 7)},
        }[kind]

    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(1_000):
            body = b'{"RoomId": "%d"}' % number
            journal.add(entry(body=body, at=number + 0.5, seconds=number / 7, **words(number)))
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert taken < journal.totals()[1] < 4 * taken


def test_waiting_ends_with_the_missing_entry() -> None:
    """`wait_for` returns as soon as there are enough matching entries."""
    journal, found = Journal(), []
    query = JournalQuery(operation="count_qos_by_day")
    thread = threading.Thread(target=lambda: found.append(journal.wait_for(2, query, 30)))
    thread.start()
    for operation in ("count_qos_by_day", "query_room_info", "count_qos_by_day"):
        assert not found
        journal.add(entry(operation=operation))
    thread.join(30)
    assert [len(each.entries) for each in found] == [2]


def test_waiting_ends_with_the_timeout() -> None:
    """With too few entries `wait_for` returns those there are."""
    journal = Journal()
    entry_id = add(journal)
    assert journal.wait_for(2, timeout=0.01).entries[0].id == entry_id
    assert journal.wait_for(2).entries[0].id == entry_id
    assert journal.wait_for(1, timeout=30).entries[0].id == entry_id


@pytest.mark.parametrize("length", [SHORT_ANSWER, SHORT_ANSWER + 1, 50_000, MAX_BODY, MAX_BODY + 1])
def test_the_newest_answers_are_kept_whole_and_evict_no_request(length: int) -> None:
    """The newest 16 MB of long answers are whole; older ones keep beginning, length and hash."""
    journal, answer = Journal(), bytes(range(256)) * 300
    answer = answer[:length]
    room = MAX_ANSWERS // min(length, MAX_BODY)
    for number in range(min(room + 5, 400)):
        journal.add(entry(answer=answer, violations=(wrong(),) if number % 2 else ()))
    stored, evicted = journal.select()
    assert (len(stored), evicted) == (min(room + 5, 400), 0)
    older, newest = stored[: max(len(stored) - room, 0)], stored[-room:]
    cut = (length, hashlib.sha256(answer).hexdigest())
    if length > SHORT_ANSWER:
        assert all((each.answer, each.answer_cut) == (answer[:SHORT_ANSWER], cut) for each in older)
    assert all(each.answer == answer[:MAX_BODY] for each in newest)
    assert {each.answer_cut for each in newest} == {cut if length > MAX_BODY else None}
    assert bool(older) is (length >= 50_000)


def test_long_answers_are_evicted_with_their_requests() -> None:
    """No size drifts when entries are evicted or cleared."""
    journal = Journal(max_entries=3)
    for number in range(500):
        journal.add(entry(answer=bytes(60_000), appkey="ab"[number % 2]))
    stored, evicted = journal.select()
    assert (len(stored), evicted) == (6, 494)
    assert all(len(each.answer) == 60_000 for each in stored)
    journal.clear("a")
    assert journal.totals()[1] == 3 * stored_size(entry(answer=bytes(60_000), appkey="b"))
    journal.clear()
    assert journal.totals()[1] == 0


def test_concurrent_readers_see_consistent_entries() -> None:
    """While entries are added, shortened and evicted, every entry read is consistent and shows no checksum."""
    journal, done = Journal(max_entries=200), threading.Event()
    answer = b"x" * 30_000
    seen: list[str] = []

    def read() -> None:
        while not done.is_set():
            for each in journal.select(limit=50).entries + journal.select().entries[:50]:
                cut = each.answer_cut.length if each.answer_cut else len(each.answer)
                text = text_of(each)
                if "deadbeef" in text or cut != len(answer):
                    seen.append(text[:300])

    readers = [threading.Thread(target=read) for _ in range(4)]
    for each in readers:
        each.start()
    for number in range(600):
        journal.add(entry(answer=answer, query={"checksum": "deadbeef" * 5, "seq": str(number)}))
    done.set()
    for each in readers:
        each.join(30)
    assert seen == []
    assert journal.count() == (200, 400)
