"""The journal: every API request of every app, limited in entries and bytes, gone with the process.

Entries evicted for newer ones are counted, and every query returns the count: an entry that is not there any
more is never mistaken for a request that never arrived. Knows nothing of HTTP or the contract.

Writing is on the request path, reading is not: entries are stored as received and redacted when they are
read.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from mockserver.core.machine_time import monotonic
from mockserver.engine.journal_entry import SHORT_ANSWER, EntryKind, JournalEntry

MAX_ENTRIES = 10_000
MAX_BYTES = 64 * 1024 * 1024
MAX_ANSWERS = 16 * 1024 * 1024
"""Bytes of an app's newest long answers that are kept whole, so that they do not push requests out."""
MAX_WAITERS = 128  # Callers that may wait at once.
ALL_APPS = 4  # All apps together may use this multiple of one app's bytes.


@dataclass(frozen=True, slots=True)
class JournalQuery:
    """Which entries to select; None means any."""

    appkey: str | None = None
    operation: str | None = None
    accepted: bool | None = None
    error: str | None = None
    violation: str | None = None
    since: float | None = None  # Seconds since the epoch by the app's clock, inclusive.
    kind: EntryKind = "request"

    def matches(self, entry: JournalEntry) -> bool:
        """Return whether the query selects the entry."""
        return (
            entry.kind == self.kind
            and (self.appkey is None or entry.appkey == self.appkey)
            and (self.operation is None or entry.operation == self.operation)
            and (self.accepted is None or self.accepted is not bool(entry.error))
            and (self.error is None or entry.error == self.error)
            and (self.since is None or entry.at >= self.since)
            and (self.violation is None or any(found.name == self.violation for found in entry.violations))
        )


ALL = JournalQuery()


class Selection(NamedTuple):
    """The result of a query."""

    entries: list[JournalEntry]  # In order of arrival, the newest last.
    evicted: int  # How many evicted entries the query might have selected.


class TooManyWaiters(Exception):
    """`MAX_WAITERS` callers wait already."""


@dataclass(slots=True, eq=False)
class _Stored:
    """One stored entry."""

    entry: JournalEntry
    number: int  # Position among the entries of all apps.
    size: int


@dataclass(slots=True, eq=False)
class _Waiter:
    query: JournalQuery
    missing: int
    done: threading.Event = field(default_factory=threading.Event)


class AppJournal:
    """The entries of one app, oldest first. Not locked: the `Journal` does that."""

    def __init__(self) -> None:
        self.entries: deque[_Stored] = deque()
        self.size = 0
        self._answers: deque[tuple[_Stored, int]] = deque()  # Entries with a long answer kept whole, and its length.
        self._answers_size = 0
        self._evicted = 0
        self._evicted_until = float("-inf")  # Latest `at` of an evicted entry.

    def append(self, stored: _Stored) -> None:
        """Add the newest entry. Shorten the oldest answers when the newest need their place."""
        self.entries.append(stored)
        self.size += stored.size
        length = len(stored.entry.answer)
        if length > SHORT_ANSWER:
            self._answers.append((stored, length))
            self._answers_size += length
            while self._answers_size > MAX_ANSWERS:
                self._shorten_oldest_answer()

    def evict(self) -> _Stored:
        """Remove the oldest entry and return it."""
        stored = self.entries.popleft()
        if self._answers and self._answers[0][0] is stored:
            self._answers_size -= self._answers.popleft()[1]
        self.size -= stored.size
        self._evicted += 1
        self._evicted_until = max(self._evicted_until, stored.entry.at)
        return stored

    def evicted_since(self, since: float | None) -> int:
        """Return how many evicted entries may have been at `since` or later."""
        return 0 if since is not None and self._evicted_until < since else self._evicted

    def _shorten_oldest_answer(self) -> None:
        stored, length = self._answers.popleft()
        self._answers_size -= length
        # A new entry, because a reader may hold the old one.
        stored.entry = stored.entry.with_short_answer()
        freed = length - len(stored.entry.answer)
        stored.size -= freed
        self.size -= freed


class Journal:
    """The entries of all apps. Every app has its own limits, so a busy one evicts nobody else's entries."""

    def __init__(self, max_entries: int = MAX_ENTRIES, max_bytes: int = MAX_BYTES) -> None:
        self.max_entries, self.max_bytes = max_entries, max_bytes
        self._lock = threading.Lock()
        self._waiters: list[_Waiter] = []
        self._closed = False
        self._apps: dict[tuple[EntryKind, str], AppJournal] = {}
        """By kind and appkey, so that strays evict no requests."""
        self._by_id: dict[str, _Stored] = {}
        self._number = 0
        self._size = 0
        self._salt = os.urandom(16)

    def add(self, entry: JournalEntry) -> None:
        """Store an entry; evict the oldest ones when a limit is reached."""
        if not entry.compact():
            # Cut at once what a client may have made large.
            entry = entry.redact(self._salt)
        size = entry.size
        with self._lock:
            key = (entry.kind, entry.appkey)
            app = self._apps.get(key)
            if app is None:
                app = self._apps[key] = AppJournal()
            self._number += 1
            stored = self._by_id[entry.id] = _Stored(entry, self._number, size)
            before = app.size
            app.append(stored)
            self._size += app.size - before
            while len(app.entries) > self.max_entries or app.size > self.max_bytes:
                self._evict(app)
            while self._size > self.max_bytes * ALL_APPS:
                self._evict(max(self._apps.values(), key=lambda other: other.size))
            if self._waiters:
                self._notify(entry)

    def get(self, entry_id: str) -> JournalEntry | None:
        """Return the entry with that id, or None."""
        stored = self._by_id.get(entry_id)
        return None if stored is None else stored.entry.redact(self._salt)

    def select(self, query: JournalQuery = ALL, limit: int | None = None) -> Selection:
        """Return the newest `limit` entries that match, and how many such may have been evicted."""
        with self._lock:
            stored, evicted = self._snapshot(query)
        return self._selection(stored, evicted, query, limit)

    def count(self, query: JournalQuery = ALL) -> tuple[int, int]:
        """Return how many entries match, and how many such may have been evicted."""
        with self._lock:
            stored, evicted = self._snapshot(query)
        return sum(query.matches(item.entry) for item in stored), evicted

    def wait_for(self, least: int, query: JournalQuery = ALL, timeout: float = 0.0) -> Selection:
        """Return the matching entries when there are `least` of them, after `timeout` seconds, or on `close`.

        TooManyWaiters when the limit of waiting callers is reached: each of them blocks a thread.
        """
        deadline = monotonic() + timeout
        while True:
            with self._lock:
                stored, evicted = self._snapshot(query)
                count = sum(query.matches(item.entry) for item in stored)
                remaining = deadline - monotonic()
                if count >= least or remaining <= 0 or self._closed:
                    break
                if len(self._waiters) >= MAX_WAITERS:
                    raise TooManyWaiters
                waiter = _Waiter(query, least - count)
                self._waiters.append(waiter)
            waiter.done.wait(remaining)
            with self._lock:
                self._waiters.remove(waiter)
        return self._selection(stored, evicted, query, None)

    def close(self) -> None:
        """End all waiting and allow no more of it, because the server stops. Idempotent."""
        with self._lock:
            self._closed = True
            for waiter in self._waiters:
                waiter.done.set()

    def open(self) -> None:
        """Allow waiting again, because the server starts."""
        self._closed = False

    def clear(self, appkey: str | None = None) -> int:
        """Remove the entries and eviction counts of one app or all. Return the number of entries removed."""
        with self._lock:
            keys = [key for key in self._apps if appkey is None or key[1] == appkey]
            removed = [(key, self._apps.pop(key)) for key in keys]
            for _, app in removed:
                self._size -= app.size
                for stored in app.entries:
                    self._forget(stored)
            return sum(len(app.entries) for (kind, _), app in removed if kind == "request")

    def appkeys(self) -> list[str]:
        """Return the apps that have entries or evicted entries."""
        with self._lock:
            return [appkey for kind, appkey in self._apps if kind == "request"]

    @property
    def size(self) -> int:
        """Approximate bytes of all entries."""
        return self._size

    def _snapshot(self, query: JournalQuery) -> tuple[list[_Stored], int]:
        """Return the queried app's entries, or all in order of arrival, and how many were evicted."""
        if query.appkey is not None:
            app = self._apps.get((query.kind, query.appkey))
            return (list(app.entries), app.evicted_since(query.since)) if app else ([], 0)
        apps = [app for (kind, _), app in self._apps.items() if kind == query.kind]
        stored = [item for app in apps for item in app.entries]
        if len(apps) > 1:
            stored.sort(key=lambda item: item.number)
        return stored, sum(app.evicted_since(query.since) for app in apps)

    def _selection(self, stored: list[_Stored], evicted: int, query: JournalQuery, limit: int | None) -> Selection:
        found = [item.entry for item in stored if query.matches(item.entry)]
        if limit is not None:
            found = found[max(len(found) - limit, 0) :]
        return Selection([entry.redact(self._salt) for entry in found], evicted)

    def _evict(self, app: AppJournal) -> None:
        stored = app.evict()
        self._size -= stored.size
        self._forget(stored)

    def _forget(self, stored: _Stored) -> None:
        if self._by_id.get(stored.entry.id) is stored:
            del self._by_id[stored.entry.id]

    def _notify(self, entry: JournalEntry) -> None:
        """Wake the callers for whom this was the last missing entry."""
        for waiter in self._waiters:
            if waiter.query.matches(entry):
                waiter.missing -= 1
                if waiter.missing <= 0:
                    waiter.done.set()
