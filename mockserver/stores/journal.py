"""The journal: every API request of every app, bounded by entries and bytes, gone with the process.

What had to leave for something newer is counted, and every query tells it: nobody takes "not there any
more" for "never came". Nothing of HTTP or of the contract; `keeping` says what of a request is kept.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from mockserver.messages import Entry
from mockserver.stores.keeping import size_of, tidy

MOST_ENTRIES = 10_000
MOST_BYTES = 64 * 1024 * 1024
ALL_APPS = 4
"""All apps together may take so many times what one may."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are asked for; None asks for nothing."""

    appkey: str | None = None
    operation: str | None = None
    accepted: bool | None = None
    error: str | None = None
    violation: str | None = None
    since: float | None = None
    """Seconds since the epoch by the app's clock, inclusive."""

    def matches(self, entry: Entry) -> bool:
        """Whether an entry is asked for."""
        return (
            (self.appkey is None or entry.appkey == self.appkey)
            and (self.operation is None or entry.operation == self.operation)
            and (self.accepted is None or entry.accepted is self.accepted)
            and (self.error is None or entry.error == self.error)
            and (self.since is None or entry.at >= self.since)
            and (self.violation is None or any(one.name == self.violation for one in entry.violations))
        )


EVERYTHING = Filter()


class Selection(NamedTuple):
    """What a query found."""

    entries: list[Entry]
    """In the order they came, the newest last."""
    evicted: int
    """How many had to leave the journal that might have been among them."""


@dataclass(slots=True)
class _Shelf:
    """The entries of one app, each with its place among those of all apps and the bytes it takes."""

    entries: deque[tuple[int, int, Entry]] = field(default_factory=deque)
    size: int = 0
    evicted: int = 0
    evicted_at: float = float("-inf")
    """The latest moment of an entry that left."""

    def gone(self, since: float | None) -> int:
        """How many left that may have been at `since` or later."""
        return 0 if since is not None and self.evicted_at < since else self.evicted


@dataclass(slots=True, eq=False)
class _Waiter:
    """Told apart by identity: two callers may wait for the same."""

    asked: Filter
    missing: int


class Journal:
    """The entries of all apps; each app has room of its own, so that a busy one pushes out nobody else's."""

    def __init__(self, most_entries: int = MOST_ENTRIES, most_bytes: int = MOST_BYTES) -> None:
        self.most_entries, self.most_bytes = most_entries, most_bytes
        self._changed = threading.Condition(threading.Lock())
        self._waiters: list[_Waiter] = []
        self._shelves: dict[str, _Shelf] = {}
        self._by_id: dict[str, Entry] = {}
        self._count = 0
        self._size = 0

    def add(self, entry: Entry, secrets: Iterable[str] = ()) -> Entry:
        """Keep an entry, cut and masked; the oldest leave when room is short. Gives what was kept.

        `secrets` are the app's own: wherever they stand in the entry they are masked.
        """
        entry = tidy(entry, secrets)
        size = size_of(entry)
        with self._changed:
            shelf = self._shelves.get(entry.appkey)
            if shelf is None:
                shelf = self._shelves[entry.appkey] = _Shelf()
            self._count += 1
            shelf.entries.append((self._count, size, entry))
            shelf.size += size
            self._size += size
            self._by_id[entry.id] = entry
            while len(shelf.entries) > self.most_entries or shelf.size > self.most_bytes:
                self._evict(shelf)
            while self._size > self.most_bytes * ALL_APPS:
                self._evict(max(self._shelves.values(), key=lambda one: one.size))
            if self._waiters:
                self._tell(entry)
        return entry

    def get(self, entry_id: str) -> Entry | None:
        """The entry of that id, if it is still there."""
        return self._by_id.get(entry_id)

    def select(self, asked: Filter = EVERYTHING, limit: int | None = None) -> Selection:
        """The entries asked for, the newest `limit` of them; and how many such may be gone."""
        with self._changed:
            kept, evicted = self._snapshot(asked)
        found = [entry for entry in kept if asked.matches(entry)]
        return Selection(found if limit is None else found[max(len(found) - limit, 0) :], evicted)

    def count(self, asked: Filter = EVERYTHING) -> tuple[int, int]:
        """How many entries are asked for, and how many that might belong to them are gone."""
        found = self.select(asked)
        return len(found.entries), found.evicted

    def wait_for(self, least: int, asked: Filter = EVERYTHING, timeout: float = 0.0) -> Selection:
        """The entries asked for, as soon as there are `least` of them or `timeout` seconds are over."""
        until = time.monotonic() + timeout
        with self._changed:
            while True:
                kept, evicted = self._snapshot(asked)
                found = Selection([entry for entry in kept if asked.matches(entry)], evicted)
                left = until - time.monotonic()
                if len(found.entries) >= least or left <= 0:
                    return found
                waiter = _Waiter(asked, least - len(found.entries))
                self._waiters.append(waiter)
                try:
                    self._changed.wait_for(lambda waiter=waiter: waiter.missing <= 0, left)  # type: ignore[misc]
                finally:
                    self._waiters.remove(waiter)

    def clear(self, appkey: str | None = None) -> int:
        """Forget the entries of one app, or of all, and what was evicted; gives how many entries went."""
        with self._changed:
            gone = [appkey] if appkey is not None else list(self._shelves)
            shelves = [self._shelves.pop(one) for one in gone if one in self._shelves]
            for shelf in shelves:
                self._size -= shelf.size
                for _, _, entry in shelf.entries:
                    self._forget(entry)
            return sum(len(shelf.entries) for shelf in shelves)

    @property
    def size(self) -> int:
        """About how many bytes all entries take."""
        return self._size

    def _snapshot(self, asked: Filter) -> tuple[list[Entry], int]:
        if asked.appkey is not None:
            shelf = self._shelves.get(asked.appkey)
            return ([entry for _, _, entry in shelf.entries], shelf.gone(asked.since)) if shelf else ([], 0)
        rows = [row for shelf in self._shelves.values() for row in shelf.entries]
        if len(self._shelves) > 1:
            rows.sort(key=lambda row: row[0])
        return [entry for _, _, entry in rows], sum(
            shelf.gone(asked.since) for shelf in self._shelves.values()
        )

    def _evict(self, shelf: _Shelf) -> None:
        _, size, entry = shelf.entries.popleft()
        shelf.size -= size
        self._size -= size
        shelf.evicted += 1
        shelf.evicted_at = max(shelf.evicted_at, entry.at)
        self._forget(entry)

    def _forget(self, entry: Entry) -> None:
        if self._by_id.get(entry.id) is entry:
            del self._by_id[entry.id]

    def _tell(self, entry: Entry) -> None:
        """Wake those whom this entry was the last one missing for."""
        ready = False
        for waiter in self._waiters:
            if waiter.asked.matches(entry):
                waiter.missing -= 1
                ready = ready or waiter.missing <= 0
        if ready:
            self._changed.notify_all()
