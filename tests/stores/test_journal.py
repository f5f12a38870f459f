"""The journal holds what came, in bounds, tells what had to go, and never a secret."""

from __future__ import annotations

import hashlib
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields as fields_of
from typing import Any

import pytest
from helpers.entries import entry, wrong
from hypothesis import given
from hypothesis import strategies as st

from mockserver.messages import Entry
from mockserver.stores.journal import ALL_APPS, Filter, Journal
from mockserver.stores.keeping import MOST_ANSWER, MOST_BODY, MOST_FIELD, MOST_FIELDS, size_of, tidy

SECRET = "cAnArY/secret+0123456789abcdef=="
ENCODED = "cAnArY%2Fsecret%2B0123456789abcdef%3D%3D"


def everything(one: Entry) -> str:
    """All that an entry holds, as text."""
    return "\n".join(repr(getattr(one, field.name)) for field in fields_of(one))


def test_what_was_added_is_found_by_its_id() -> None:
    """An entry is there as soon as `add` is back; an unknown id is None."""
    journal = Journal()
    one = journal.add(entry())
    assert journal.get(one.id) is one
    assert journal.get("none") is None
    assert journal.select().entries == [one]
    assert journal.count() == (1, 0)


APPS, OPERATIONS = (
    st.sampled_from(["", "a", "b"]),
    st.sampled_from(["", "query_room_info", "count_qos_by_day"]),
)
ENTRIES = st.lists(
    st.builds(
        lambda appkey, operation, error, at, broken: entry(
            appkey=appkey, operation=operation, error=error, at=float(at), violations=broken
        ),
        APPS,
        OPERATIONS,
        st.sampled_from(["", "room_not_found"]),
        st.integers(0, 9),
        st.sampled_from([(), (wrong(),)]),
    ),
    max_size=25,
)
FILTERS = st.builds(
    Filter,
    appkey=st.none() | APPS,
    operation=st.none() | OPERATIONS,
    accepted=st.none() | st.booleans(),
    error=st.none() | st.sampled_from(["", "room_not_found"]),
    violation=st.none() | st.sampled_from(["unknown_field", "other"]),
    since=st.none() | st.floats(0, 9),
)


@given(ENTRIES, FILTERS, st.none() | st.integers(0, 9))
def test_a_filter_is_what_its_words_say(entries: list[Entry], asked: Filter, limit: int | None) -> None:
    """A selection is the naive filter over all entries in the order they came, its newest `limit`."""
    journal = Journal()
    for one in entries:
        journal.add(one)
    wanted = [
        one
        for one in entries
        if asked.appkey in (None, one.appkey)
        and asked.operation in (None, one.operation)
        and asked.accepted in (None, one.accepted)
        and asked.error in (None, one.error)
        and (asked.since is None or one.at >= asked.since)
        and (asked.violation is None or asked.violation in [broken.name for broken in one.violations])
    ]
    newest = wanted if limit is None else wanted[len(wanted) - limit :] if limit < len(wanted) else wanted
    assert journal.select(asked, limit) == (newest, 0)
    assert journal.count(asked) == (len(wanted), 0)


@given(ENTRIES, st.integers(1, 5), st.integers(4_000, 20_000))
def test_bounds_hold_for_every_app_and_nothing_is_lost_uncounted(
    entries: list[Entry], most_entries: int, most_bytes: int
) -> None:
    """After any adds each app is within its bounds, holds its newest; kept plus evicted is all that came."""
    journal = Journal(most_entries, most_bytes)
    for one in entries:
        journal.add(one)
    for appkey in {one.appkey for one in entries}:
        came = [one for one in entries if one.appkey == appkey]
        kept, evicted = journal.select(Filter(appkey=appkey))
        assert len(kept) <= most_entries
        assert sum(map(size_of, kept)) <= most_bytes
        assert len(kept) + evicted == len(came)
        assert kept == came[evicted:]
        assert [journal.get(one.id) for one in came[:evicted]] == [None] * evicted
    kept, evicted = journal.select()
    assert (len(kept) + evicted, journal.size) == (len(entries), sum(map(size_of, kept)))


def test_all_apps_together_are_bounded_too() -> None:
    """Many apps do not add up without end, and the busiest gives way, not the quiet one."""
    size = size_of(entry())
    journal = Journal(most_bytes=size * 4)
    quiet = journal.add(entry(appkey="quiet"))
    for number in range(10):
        for _ in range(3):
            journal.add(entry(appkey=f"busy{number}"))
    assert journal.size <= size * 4 * ALL_APPS
    assert journal.get(quiet.id) is quiet
    assert journal.count(Filter(appkey="quiet")) == (1, 0)


def test_an_eviction_before_the_range_asked_does_not_count() -> None:
    """`since` after everything that left: nothing is missing there; at or before it: something may be."""
    journal = Journal(most_entries=2)
    for at in (10.0, 20.0, 30.0, 40.0):
        journal.add(entry(at=at))
    assert journal.count(Filter(since=20.5)) == (2, 0)
    assert journal.count(Filter(since=20.0)) == (2, 2)
    assert journal.count(Filter(appkey="other")) == (0, 0)
    assert journal.count() == (2, 2)


def test_clearing_one_app_leaves_the_others() -> None:
    """`clear` forgets entries and evictions of one app or of all, and gives the number that went."""
    journal = Journal(most_entries=2)
    for _ in range(3):
        journal.add(entry(appkey="a"))
    other = journal.add(entry(appkey="b"))
    assert journal.clear("a") == 2
    assert journal.clear("nobody") == 0
    assert journal.select() == ([other], 0)
    assert journal.clear() == 1
    assert (journal.select(), journal.size) == (([], 0), 0)


def test_ten_thousand_requests_of_two_hundred_threads_are_each_found_at_once() -> None:
    """200 threads × 50 adds, each followed by a look for its own id: all are found."""
    journal, start = Journal(), threading.Barrier(200)

    def client(number: int) -> int:
        start.wait(30)
        found = 0
        for turn in range(50):
            one = journal.add(entry(id=f"{number}-{turn}"))
            found += journal.get(one.id) is one
        return found

    with ThreadPoolExecutor(200) as pool:
        assert sum(pool.map(client, range(200))) == 10_000
    assert journal.count() == (10_000, 0)


def test_memory_stops_growing_after_the_cap() -> None:
    """Once full, thousands of entries of 4 KB more take no more memory; the estimate is not too low."""
    journal = Journal(most_bytes=4 * 1024 * 1024)

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
    assert later - before < journal.most_bytes
    assert sum(journal.count()) == 6_000


def test_waiting_ends_with_the_entry_that_was_missing() -> None:
    """`wait_for` gives the entries as soon as there are enough of the kind asked for."""
    journal, found = Journal(), []
    asked = Filter(operation="count_qos_by_day")
    thread = threading.Thread(target=lambda: found.append(journal.wait_for(2, asked, 30)))
    thread.start()
    for operation in ("count_qos_by_day", "query_room_info", "count_qos_by_day"):
        assert not found
        journal.add(entry(operation=operation))
    thread.join(30)
    assert [len(one.entries) for one in found] == [2]


def test_waiting_ends_when_time_is_over() -> None:
    """With too few entries `wait_for` gives those there are."""
    journal = Journal()
    one = journal.add(entry())
    assert journal.wait_for(2, timeout=0.01).entries == [one]
    assert journal.wait_for(2).entries == [one]
    assert journal.wait_for(1, timeout=30).entries == [one]


def test_a_long_body_is_cut_and_its_length_and_hash_are_kept() -> None:
    """Over 64 KB only the beginning stays; exactly 64 KB stays whole."""
    whole = bytes(range(256)) * 256
    assert tidy(entry(body=whole)).body_cut is None
    kept = tidy(entry(body=whole + b"!", answer=whole + b"?"))
    assert (kept.body, kept.answer) == (whole, whole[:MOST_ANSWER])
    assert kept.body_cut == (65_537, hashlib.sha256(whole + b"!").hexdigest())
    assert kept.answer_cut == (65_537, hashlib.sha256(whole + b"?").hexdigest())
    assert MOST_BODY == 65_536


@pytest.mark.parametrize("value", [["x"] * 30_000, {"a": {"b": "x" * 90_000}}, "x" * 90_000])
def test_a_field_cannot_take_more_room_than_it_is_counted_for(value: Any) -> None:
    """Lists, objects and long texts of a body that was read are kept as a short text."""
    kept = tidy(entry(fields={"RoomId": value, "CountBy": 3})).fields
    assert kept["CountBy"] == 3
    assert isinstance(kept["RoomId"], str)
    assert len(kept["RoomId"]) < MOST_FIELD + 20
    many = tidy(
        entry(fields={f"f{n}": n for n in range(5_000)}, query={f"q{n}": "x" * 5_000 for n in range(900)})
    )
    assert (len(many.fields), len(many.query)) == (MOST_FIELDS, MOST_FIELDS)
    assert size_of(many) < 4_000_000


@pytest.mark.parametrize(
    "name",
    ["authorization", "proxy-authorization", "cookie", "x-appsecret", "x-app-secret", "x-token", "x-api-key",
     "X-AppSecret", "password", "x-session", "x-checksum", "x-signature", "restapikey"],
)  # fmt: skip
def test_a_header_that_carries_credentials_is_masked(name: str) -> None:
    """Its name stays, its value does not, whatever app it belongs to."""
    kept = tidy(entry(headers={name: SECRET, "accept": "*/*"}))
    assert kept.headers == {name: "***", "accept": "*/*"}


@pytest.mark.parametrize(
    "words",
    [
        {"query": {"appsecret": SECRET}},
        {"query": {SECRET: "x"}},
        {"headers": {"referer": f"http://host/?appsecret={SECRET}", "x": ENCODED}},
        {"body": b'{"key": "cAnArY\\/secret+0123456789abcdef=="}', "fields": {"key": SECRET}},
        {"body": b'{"key": "cAnArY\\u002fsecret+0123456789abcdef=="}', "fields": {"key": SECRET}},
        {"body": b"key=" + ENCODED.encode()},
        {"body": b"x" * (MOST_BODY - 9) + SECRET.encode()},
        {"fields": {"key": [SECRET]}},
        {"path": f"/v2/{SECRET}", "method": SECRET},
        {"answer": SECRET.encode()},
        {"violations": (wrong(got=SECRET),), "near": f"answer 1: got {SECRET}"},
    ],
)  # fmt: skip
def test_an_apps_own_secret_is_nowhere_in_what_is_kept(words: dict[str, Any]) -> None:
    """Wherever a client puts its secret, plain or escaped, the journal does not hold it."""
    kept = Journal().add(entry(**words), [SECRET, "another"])
    assert "cAnArY" not in everything(kept)
    assert "***" in everything(kept)


def test_a_checksum_is_kept_in_six_characters_only() -> None:
    """In the query under any case, in headers, and inside a quoted URL."""
    whole = "0123456789abcdef0123456789ABCDEF01234567"
    kept = tidy(
        entry(query={"checksum": whole, "CheckSum": whole, "u": whole}, headers={"referer": f"/?c={whole}&"})
    )
    assert kept.query == {"checksum": "012345…", "CheckSum": "012345…", "u": "012345…"}
    assert kept.headers == {"referer": "/?c=012345…&"}


def test_an_honest_entry_is_kept_as_it_is() -> None:
    """Nothing is copied when there is nothing to hide."""
    one = entry()
    assert tidy(one, [SECRET]) is one
