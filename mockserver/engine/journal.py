"""The journal: every API request of every app, limited in entries and bytes, in memory only.

Evicted entries are counted, and every query returns the count, so that an evicted entry is never mistaken for a request
that did not arrive. Does not depend on HTTP or the contract.

Writing is on the request path, reading is not: entries are stored as bytes (`journal_codec`), and decoded and redacted
when they are read.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from mockserver.core.machine_time import monotonic
from mockserver.engine.journal_codec import Compact, compact, decode, shorten_answer, size_of
from mockserver.engine.journal_entry import MAX_BODY, SHORT_ANSWER, EntryKind, JournalEntry

MAX_ENTRIES = 10_000
MAX_BYTES = 64 * 1024 * 1024
MAX_ANSWERS = 16 * 1024 * 1024
"""Maximum total bytes of an app's long answers. The oldest ones are shortened, so that answers evict no requests."""
MAX_WAITERS = 1_000  # Maximum number of callers that wait at the same time.
ALL_APPS = 4  # All apps together may use this multiple of the limit of one app.

Stored: TypeAlias = tuple[int, float, str, str, str, str, int, Compact]
"""Position among the entries of all apps, `at`, id, operation, error, names of the violations, size, and whole entry.

A plain tuple of these, unlike an object, is not tracked by the garbage collector."""


@dataclass(frozen=True, slots=True)
class JournalQuery:
    """A filter for entries; None selects any value."""

    appkey: str | None = None
    operation: str | None = None
    accepted: bool | None = None
    error: str | None = None
    violation: str | None = None
    since: float | None = None  # Seconds since the epoch by the app's clock, inclusive.
    kind: EntryKind = "request"

    def matches(self, entry: JournalEntry) -> bool:
        """Return whether the query selects the entry."""
        return self.covers(entry.kind, entry.appkey) and self.selects(stored_entry(entry, 0, b""))

    def covers(self, kind: EntryKind, appkey: str) -> bool:
        """Return whether the query selects entries of this kind and app."""
        return kind == self.kind and self.appkey in (None, appkey)

    def selects(self, stored: Stored) -> bool:
        """Return whether the query selects this entry among those of the kinds and apps that it covers."""
        _, at, _, operation, error, violations, _, _ = stored
        return (
            (self.operation is None or operation == self.operation)
            and (self.accepted is None or self.accepted is not bool(error))
            and (self.error is None or error == self.error)
            and (self.since is None or at >= self.since)
            and (self.violation is None or self.violation in violations.split())
        )

    @property
    def selects_all(self) -> bool:
        """Whether the query selects every entry of the kinds and apps that it covers."""
        chosen = (self.operation, self.accepted, self.error, self.violation, self.since)
        return all(value is None for value in chosen)


ALL = JournalQuery()


class Selection(NamedTuple):
    """The result of a query."""

    entries: list[JournalEntry]  # In order of arrival, the newest last.
    evicted: int  # Number of evicted entries that the query might have selected.


class News(NamedTuple):
    """The requests stored after a position."""

    entries: list[JournalEntry]  # The newest of these requests, in order of arrival.
    numbers: list[int]  # Their positions among the entries of all apps.
    last: int  # The position to continue from.
    skipped: int  # Number of the others.
    cleared: int  # Changes when the journal is cleared, and with a new process: then earlier entries may be gone.


class TooManyWaiters(Exception):
    """There are already `MAX_WAITERS` waiting callers."""


@dataclass(slots=True, eq=False)
class Waiter:
    """A caller of `notify`."""

    query: JournalQuery
    least: int
    missing: int
    notify: Callable[[], object]  # Called once nothing is missing, or on `close`.


class AppJournal:
    """The entries of one app, oldest first. Not thread-safe: the `Journal` locks."""

    def __init__(self) -> None:
        self.entries: deque[Stored] = deque()
        self.size = 0
        self._first = 0  # Position of the oldest entry among all entries of the app since the start.
        self._answers: deque[tuple[int, int]] = deque()  # Positions of entries with a long answer, and its length.
        self._answers_size = 0
        self._evicted_until = float("-inf")  # Latest `at` of an evicted entry.

    def append(self, stored: Stored, answer: int) -> None:
        """Add the newest entry, with `answer` bytes of answer. Shorten the oldest answers if they exceed the limit."""
        self.entries.append(stored)
        self.size += stored[-2]
        if answer > SHORT_ANSWER:
            answer = min(answer, MAX_BODY)
            self._answers.append((self._first + len(self.entries) - 1, answer))
            self._answers_size += answer
            while self._answers_size > MAX_ANSWERS:
                self._shorten_oldest_answer()

    def evict(self) -> None:
        """Remove the oldest entry."""
        stored = self.entries.popleft()
        if self._answers and self._answers[0][0] == self._first:
            self._answers_size -= self._answers.popleft()[1]
        self._first += 1
        self.size -= stored[-2]
        if stored[1] > self._evicted_until:
            self._evicted_until = stored[1]

    def evicted_since(self, since: float | None) -> int:
        """Return the number of evicted entries that may be from `since` or later."""
        return 0 if since is not None and self._evicted_until < since else self._first

    def _shorten_oldest_answer(self) -> None:
        position, length = self._answers.popleft()
        self._answers_size -= length
        stored = self.entries[position - self._first]
        data = shorten_answer(stored[-1])
        if (size := size_of(data)) < stored[-2]:
            # A new tuple, because a reader may use the old one.
            self.entries[position - self._first] = (*stored[:-2], size, data)
            self.size -= stored[-2] - size


class Journal:
    """The entries of all apps. Every app has its own limits, so a busy app does not evict entries of others."""

    def __init__(self, max_entries: int = MAX_ENTRIES, max_bytes: int = MAX_BYTES) -> None:
        self.max_entries, self.max_bytes = max_entries, max_bytes
        self._lock = threading.Lock()
        self._waiters: list[Waiter] = []
        self._closed = False
        self._apps: dict[tuple[EntryKind, str], AppJournal] = defaultdict(AppJournal)
        """By kind and appkey, so that strays do not evict requests."""
        self._number = 0
        self._cleared = int.from_bytes(os.urandom(6), "big")
        self._size = 0
        self.evictions = 0  # Number of entries evicted since the start.
        self._salt = os.urandom(16)
        self.nearest_rule: Callable[[JournalEntry], str] = lambda entry: ""
        """Returns the text of the nearest rule for a redacted entry. Set by the engine."""

    def add(self, entry: JournalEntry) -> None:
        """Store an entry; evict the oldest ones when a limit is reached."""
        data = compact(entry)
        key = (entry.kind, entry.appkey)
        with self._lock:
            app = self._apps[key]
            self._number += 1
            stored = stored_entry(entry, self._number, data)
            before = app.size
            app.append(stored, len(entry.answer))
            while len(app.entries) > self.max_entries or app.size > self.max_bytes:
                app.evict()
                self.evictions += 1
            self._size += app.size - before
            while self._size > self.max_bytes * ALL_APPS:
                largest = max(self._apps.values(), key=lambda other: other.size)
                self._size -= largest.size
                largest.evict()
                self._size += largest.size
                self.evictions += 1
            for waiter in self._waiters:
                if waiter.query.covers(*key) and waiter.query.selects(stored):
                    waiter.missing -= 1
                    if waiter.missing == 0:
                        waiter.notify()

    def get(self, entry_id: str) -> JournalEntry | None:
        """Return the newest entry with that id, or None."""
        with self._lock:
            found = [
                next((item for item in reversed(app.entries) if item[2] == entry_id), None)
                for app in self._apps.values()
            ]
        newest = max((item for item in found if item is not None), default=None)
        return None if newest is None else self._show(newest)

    def select(self, query: JournalQuery = ALL, limit: int | None = None) -> Selection:
        """Return the newest `limit` matching entries, and the number of evicted entries that may match."""
        entries, evicted = self.scan(query, limit)
        return Selection(list(entries), evicted)

    def scan(self, query: JournalQuery = ALL, limit: int | None = None) -> tuple[Iterator[JournalEntry], int]:
        """Return the same as `select` with an iterator, which decodes each entry when needed, to save memory."""
        stored, evicted = self._read(query)
        found = stored if query.selects_all else [item for item in stored if query.selects(item)]
        first = 0 if limit is None else max(len(found) - limit, 0)
        return map(self._show, itertools.islice(found, first, None)), evicted

    def count(self, query: JournalQuery = ALL) -> tuple[int, int]:
        """Return the number of matching entries, and the number of evicted entries that may match."""
        stored, evicted = self._read(query)
        return _count(stored, query), evicted

    def wait_for(self, least: int, query: JournalQuery = ALL, timeout: float = 0.0) -> Selection:
        """Return the matching entries once there are `least` of them, after `timeout` seconds, or on `close`.

        Raise TooManyWaiters if the limit of waiting callers is reached.
        """
        deadline = monotonic() + timeout
        while (remaining := deadline - monotonic()) > 0:
            done = threading.Event()
            cancel = self.notify(least, query, done.set)
            if cancel is None:
                break
            done.wait(remaining)
            cancel()
        return self.select(query)

    def notify(self, least: int, query: JournalQuery, callback: Callable[[], object]) -> Callable[[], None] | None:
        """Call `callback`, in any thread, when `least` entries match or on `close`. Return a function that cancels it.

        Return None without a call if there are already enough entries or the journal is closed. Raise TooManyWaiters if
        the limit of waiting callers is reached.
        """
        with self._lock:
            missing = least - _count(self._snapshot(query)[0], query)
            return self._add_waiter(Waiter(query, least, missing, callback))

    def _add_waiter(self, waiter: Waiter) -> Callable[[], None] | None:
        """Add a caller, and return what `notify` returns. The lock must be held."""
        if waiter.missing <= 0 or self._closed:
            return None
        if len(self._waiters) >= MAX_WAITERS:
            raise TooManyWaiters
        self._waiters.append(waiter)

        def cancel() -> None:
            with self._lock:
                self._waiters.remove(waiter)

        return cancel

    def news(self, after: int, limit: int) -> News:
        """Return the newest `limit` requests stored after the position `after`."""
        new: list[Stored] = []
        with self._lock:
            for (kind, _), app in self._apps.items():
                if kind == "request":
                    new += itertools.takewhile(lambda item: item[0] > after, reversed(app.entries))
            last, cleared = self._number, self._cleared
        new.sort()
        shown = new[max(len(new) - limit, 0) :]
        entries = [decode(item[-1], self._salt) for item in shown]
        return News(entries, [item[0] for item in shown], last, len(new) - len(shown), cleared)

    def close(self) -> None:
        """End all waiting, and refuse new waiting until `open`. Called when the server stops. Idempotent."""
        with self._lock:
            self._closed = True
            for waiter in self._waiters:
                waiter.notify()

    def open(self) -> None:
        """Allow waiting again. Called when the server starts."""
        self._closed = False

    def clear(self, appkey: str | None = None) -> int:
        """Remove the entries and eviction counts of one app or all. Return the number of entries removed."""
        with self._lock:
            self._cleared += 1
            removed = [(key, self._apps.pop(key)) for key in list(self._apps) if appkey in (None, key[1])]
            self._size -= sum(app.size for _, app in removed)
            return sum(len(app.entries) for (kind, _), app in removed if kind == "request")

    def appkeys(self) -> list[str]:
        """Return the apps that have entries or evicted entries."""
        with self._lock:
            return [appkey for kind, appkey in self._apps if kind == "request"]

    def totals(self) -> tuple[int, int]:
        """Return the number of all entries and their approximate bytes."""
        with self._lock:
            return sum(len(app.entries) for app in self._apps.values()), self._size

    def _read(self, query: JournalQuery) -> tuple[list[Stored], int]:
        with self._lock:
            return self._snapshot(query)

    def _snapshot(self, query: JournalQuery) -> tuple[list[Stored], int]:
        """Return the entries covered by a query (kind and app) in order of arrival, and the number of evicted ones."""
        apps = [app for key, app in self._apps.items() if query.covers(*key)]
        stored = [item for app in apps for item in app.entries] if len(apps) != 1 else list(apps[0].entries)
        if len(apps) > 1:
            stored.sort()  # Positions differ, so nothing else is compared.
        return stored, sum(app.evicted_since(query.since) for app in apps)

    def _show(self, stored: Stored) -> JournalEntry:
        entry = decode(stored[-1], self._salt)
        if entry.rules:
            entry.near = self.nearest_rule(entry)
        return entry


def stored_entry(entry: JournalEntry, number: int, data: Compact) -> Stored:
    """Return an entry in its stored form, at a position."""
    names = " ".join(found.name for found in entry.violations) if entry.violations else ""
    return number, entry.at, entry.id, entry.operation, entry.error, names, size_of(data), data


def _count(stored: list[Stored], query: JournalQuery) -> int:
    return len(stored) if query.selects_all else sum(map(query.selects, stored))
