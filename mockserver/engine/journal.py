"""The journal: every API request of every app, bounded by entries and bytes, gone with the process.

What had to leave for something newer is counted, and every query tells it: nobody takes "not there any
more" for "never came". Nothing of HTTP or of the contract; `keeping` says what of a request is kept.

A request waits for `add`, a reader does not mind: what is in order is kept as the note that came, and made an entry
(unfolded, masked) each time somebody reads it. Nothing leaves a journal but entries.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from mockserver.engine.journal_entries import SHORT_ANSWER, entry_of, fold, size_of, size_of_note, whole
from mockserver.engine.journal_entry import Entry, Note

MAX_ENTRIES = 10_000
MAX_BYTES = 64 * 1024 * 1024
MAX_ANSWERS = 16 * 1024 * 1024
"""Bytes of the newest answers that are kept whole; they shall not push requests out."""
MAX_WAITERS = 128
"""Callers that may wait at once."""
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

    def matches(self, one: Note | Entry) -> bool:
        """Whether a request is asked for."""
        return (
            (self.appkey is None or one.appkey == self.appkey)
            and (self.operation is None or one.operation == self.operation)
            and (self.accepted is None or self.accepted is not bool(one.error))
            and (self.error is None or one.error == self.error)
            and (self.since is None or one.at >= self.since)
            and (self.violation is None or any(each.name == self.violation for each in one.violations))
        )


EVERYTHING = Filter()


class Selection(NamedTuple):
    """What a query found."""

    entries: list[Entry]
    """In the order they came, the newest last."""
    evicted: int
    """How many had to leave the journal that might have been among them."""


@dataclass(slots=True, eq=False)
class _Row:
    """One request, its place among those of all apps, and the bytes it takes."""

    turn: int
    kept: Note | Entry
    size: int


@dataclass(slots=True)
class _Shelf:
    """The entries of one app."""

    rows: deque[_Row] = field(default_factory=deque)
    size: int = 0
    answers: deque[tuple[_Row, int]] = field(default_factory=deque)
    """Those whose answer is long and whole, and how long."""
    answers_size: int = 0
    evicted: int = 0
    evicted_at: float = float("-inf")
    """The latest moment of an entry that left."""

    def gone(self, since: float | None) -> int:
        """How many left that may have been at `since` or later."""
        return 0 if since is not None and self.evicted_at < since else self.evicted


class Overcrowded(Exception):
    """More callers wait than may."""


@dataclass(slots=True, eq=False)
class _Waiter:
    """Told apart by identity: two callers may wait for the same."""

    asked: Filter
    missing: int
    done: threading.Event = field(default_factory=threading.Event)


class Journal:
    """The entries of all apps; each app has room of its own, so that a busy one pushes out nobody else's."""

    def __init__(self, max_entries: int = MAX_ENTRIES, max_bytes: int = MAX_BYTES) -> None:
        self.max_entries, self.max_bytes = max_entries, max_bytes
        self._lock = threading.Lock()
        self._waiters: list[_Waiter] = []
        self._closed = False
        self._shelves: dict[str, _Shelf] = {}
        self._by_id: dict[str, _Row] = {}
        self._turn = 0
        self._size = 0
        self._salt = os.urandom(16)

    def add(self, note: Note) -> None:
        """Keep a request; the oldest leave when room is short."""
        kept: Note | Entry = note
        if fold(note):
            size = size_of_note(note)
        else:
            # What a client may have made large is cut at once.
            kept = entry_of(note, self._salt)
            size = size_of(kept)
        with self._lock:
            shelf = self._shelves.get(note.appkey)
            if shelf is None:
                shelf = self._shelves[note.appkey] = _Shelf()
            self._turn += 1
            row = self._by_id[note.id] = _Row(self._turn, kept, size)
            shelf.rows.append(row)
            shelf.size += size
            self._size += size
            if len(kept.answer) > SHORT_ANSWER:
                self._keep_answer(shelf, row)
            while len(shelf.rows) > self.max_entries or shelf.size > self.max_bytes:
                self._evict(shelf)
            while self._size > self.max_bytes * ALL_APPS:
                self._evict(max(self._shelves.values(), key=lambda one: one.size))
            if self._waiters:
                self._tell(kept)

    def get(self, entry_id: str) -> Entry | None:
        """The entry of that id, if it is still there."""
        row = self._by_id.get(entry_id)
        return None if row is None else self._read(row)

    def select(self, asked: Filter = EVERYTHING, limit: int | None = None) -> Selection:
        """The entries asked for, the newest `limit` of them; and how many such may be gone."""
        with self._lock:
            rows, evicted = self._snapshot(asked)
        return self._selection(rows, evicted, asked, limit)

    def count(self, asked: Filter = EVERYTHING) -> tuple[int, int]:
        """How many entries are asked for, and how many that might belong to them are gone."""
        with self._lock:
            rows, evicted = self._snapshot(asked)
        return sum(asked.matches(row.kept) for row in rows), evicted

    def wait_for(self, least: int, asked: Filter = EVERYTHING, timeout: float = 0.0) -> Selection:
        """The entries asked for, as soon as there are `least` of them, `timeout` seconds are over, or `close` is called.

        Overcrowded when too many callers wait already: each of them holds a thread.
        """
        until = time.monotonic() + timeout
        while True:
            with self._lock:
                rows, evicted = self._snapshot(asked)
                there = sum(asked.matches(row.kept) for row in rows)
                left = until - time.monotonic()
                if there >= least or left <= 0 or self._closed:
                    break
                if len(self._waiters) >= MAX_WAITERS:
                    raise Overcrowded
                waiter = _Waiter(asked, least - there)
                self._waiters.append(waiter)
            waiter.done.wait(left)
            with self._lock:
                self._waiters.remove(waiter)
        return self._selection(rows, evicted, asked, None)

    def close(self) -> None:
        """Let everybody go who waits, with what there is, and let nobody wait: the server stops. Idempotent."""
        with self._lock:
            self._closed = True
            for waiter in self._waiters:
                waiter.done.set()

    def open(self) -> None:
        """Let callers wait again: the server starts."""
        self._closed = False

    def clear(self, appkey: str | None = None) -> int:
        """Forget the entries of one app, or of all, and what was evicted; gives how many entries went."""
        with self._lock:
            gone = [appkey] if appkey is not None else list(self._shelves)
            shelves = [self._shelves.pop(one) for one in gone if one in self._shelves]
            for shelf in shelves:
                self._size -= shelf.size
                for row in shelf.rows:
                    self._forget(row)
            return sum(len(shelf.rows) for shelf in shelves)

    def appkeys(self) -> list[str]:
        """The apps that requests were kept of, gone ones included."""
        with self._lock:
            return list(self._shelves)

    @property
    def size(self) -> int:
        """About how many bytes all entries take."""
        return self._size

    def _snapshot(self, asked: Filter) -> tuple[list[_Row], int]:
        """The rows that may be asked for, in the order they came, and how many such are gone."""
        if asked.appkey is not None:
            shelf = self._shelves.get(asked.appkey)
            return (list(shelf.rows), shelf.gone(asked.since)) if shelf else ([], 0)
        rows = [row for shelf in self._shelves.values() for row in shelf.rows]
        if len(self._shelves) > 1:
            rows.sort(key=lambda row: row.turn)
        return rows, sum(shelf.gone(asked.since) for shelf in self._shelves.values())

    def _selection(self, rows: list[_Row], evicted: int, asked: Filter, limit: int | None) -> Selection:
        found = [row for row in rows if asked.matches(row.kept)]
        if limit is not None:
            found = found[max(len(found) - limit, 0) :]
        return Selection([self._read(row) for row in found], evicted)

    def _read(self, row: _Row) -> Entry:
        kept = row.kept
        return kept if isinstance(kept, Entry) else entry_of(kept, self._salt)

    def _keep_answer(self, shelf: _Shelf, row: _Row) -> None:
        """Keep a long answer whole, at the cost of the oldest ones."""
        size = len(row.kept.answer)
        shelf.answers.append((row, size))
        shelf.answers_size += size
        while shelf.answers_size > MAX_ANSWERS:
            self._shorten(shelf)

    def _shorten(self, shelf: _Shelf) -> None:
        """Keep the beginning of the oldest long answer only."""
        row, size = shelf.answers.popleft()
        shelf.answers_size -= size
        kept = row.kept
        cut, short = kept.answer_cut or whole(kept.answer), kept.answer[:SHORT_ANSWER]
        if isinstance(kept, Note):
            # In this order: a reader at this very moment finds a whole answer with its true length, too.
            kept.answer_cut = cut
            kept.answer = short
        else:
            row.kept = replace(kept, answer=short, answer_cut=cut)
        freed = size - len(short)
        row.size -= freed
        shelf.size -= freed
        self._size -= freed

    def _evict(self, shelf: _Shelf) -> None:
        row = shelf.rows.popleft()
        if shelf.answers and shelf.answers[0][0] is row:
            shelf.answers_size -= shelf.answers.popleft()[1]
        shelf.size -= row.size
        self._size -= row.size
        shelf.evicted += 1
        if row.kept.at > shelf.evicted_at:
            shelf.evicted_at = row.kept.at
        self._forget(row)

    def _forget(self, row: _Row) -> None:
        if self._by_id.get(row.kept.id) is row:
            del self._by_id[row.kept.id]

    def _tell(self, came: Note | Entry) -> None:
        """Wake those whom this request was the last one missing for."""
        for waiter in self._waiters:
            if waiter.asked.matches(came):
                waiter.missing -= 1
                if waiter.missing <= 0:
                    waiter.done.set()
