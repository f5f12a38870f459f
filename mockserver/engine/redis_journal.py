"""The journal of all processes in Redis: a stream for each kind and app, with the limits of the journal in memory.

An entry is in Redis before its request is answered. The entries of one iteration of the event loop are sent together.
Entries that were read are cached, so repeated counting (while waiting) reads only new ones.
"""

from __future__ import annotations

import functools
import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from itertools import islice
from operator import itemgetter
from typing import Any, TypeAlias

import orjson

from mockserver.core.machine_time import machine_time
from mockserver.engine.journal import ALL_APPS, MAX_BYTES, Journal, JournalQuery, News, Stored, Waiter, stored_entry
from mockserver.engine.journal_codec import decode, encode
from mockserver.engine.journal_entry import JournalEntry
from mockserver.engine.metrics import Metrics, Numbers, class_of
from mockserver.engine.redis_lane import RequestGreenlet
from mockserver.engine.redis_store import SCRIPT, RedisStore, Stale
from mockserver.engine.state import StoreUnavailable
from mockserver.scenarios.near_misses import nearest_rule

Row: TypeAlias = tuple[Any, ...]  # An entry as arguments of the script.
_MAX_BATCH = 200  # Maximum number of entries added by one call of the script.
_MAX_READ = 1_000  # Maximum number of entries read by one call.
_POLL_SECONDS = 0.05  # Interval of reading new entries while callers wait.


class _Stream:
    """The part of a stream that this process has read."""

    def __init__(self) -> None:
        self.entries: deque[Stored] = deque()
        self.next = 1  # The first position that was not read.
        self.evicted, self.evicted_until = 0, float("-inf")

    def evicted_since(self, since: float | None) -> int:
        return 0 if since is not None and self.evicted_until < since else self.evicted


class RedisJournal(Journal):
    """The journal in Redis. The limits are those of the process that adds an entry."""

    def __init__(self, store: RedisStore, max_entries: int, max_bytes: int = MAX_BYTES) -> None:
        super().__init__(max_entries, max_bytes)
        self._store = store
        self._streams: dict[str, _Stream] = {}
        self._reading = threading.Lock()
        """Held while `_streams` is read or filled, which waits for Redis. The event loop never takes it."""
        self._waiting: list[tuple[Row, RequestGreenlet]] = []  # Entries to send, and their requests.
        self._sending = False  # Whether sent entries are not acknowledged yet.
        self._poller: threading.Thread | None = None
        self._known_salt = b""

    def add(self, entry: JournalEntry) -> None:
        """Store an entry; return when Redis has it. Raise Stale if the request was handled with outdated documents."""
        _, at, entry_id, operation, error, names, _, data = stored_entry(entry, 0, encode(entry))
        row = (
            f"{entry.kind}:{entry.appkey}",
            self._store.request_version,
            entry_id,
            repr(at),
            _json((operation, error, names)),
            data,
            _json(class_of(entry)),
            round(entry.seconds * 1e6),
        )
        if (request := self._store.requests.request) is not None:
            # Entries of other requests are sent with it.
            if not (self._waiting or self._sending):
                self._store.requests.soon(self._send_waiting)
            self._waiting.append((row, request))
            added = request.wait()
        else:
            added = self._store.command(*self._adding([row]))[0]
        if not added:
            raise Stale

    def get(self, entry_id: str) -> JournalEntry | None:
        """Return the entry with that id, or None."""
        place = self._store.command("HGET", self._store.prefix + "ids", entry_id)
        if place is None:
            return None
        number, _, stream = place.decode().partition(" ")
        found = self._store.command("XRANGE", f"{self._store.prefix}journal:{stream}", f"{number}-0", f"{number}-0")
        return self._show(_read(found[0])) if found else None

    def news(self, after: int, limit: int) -> News:
        """Return the newest `limit` requests stored after position `after`."""
        stored, _ = self._read(JournalQuery())
        new = stored[bisect_right(stored, after, key=itemgetter(0)) :]
        shown = new[max(len(new) - limit, 0) :]
        cleared = int(self._store.command("GET", self._store.prefix + "clears") or 0)
        last = max(after, stored[-1][0]) if stored else after
        return News(list(map(self._show, shown)), [item[0] for item in shown], last, len(new) - len(shown), cleared)

    def clear(self, appkey: str | None = None) -> int:
        """Remove the entries and eviction counts of one app or all. Return the number of entries removed."""
        return int(self._store.call("clear", "*" if appkey is None else appkey))

    def appkeys(self) -> list[str]:
        """Return the apps that have entries or evicted entries."""
        return [appkey for kind, appkey in self._stream_names() if kind == "request"]

    def totals(self) -> tuple[int, int]:
        """Return the number of all entries and their approximate bytes."""
        prefix = self._store.prefix
        return int(self._store.command("HLEN", prefix + "ids")), int(self._store.command("GET", prefix + "bytes") or 0)

    @property
    def evictions(self) -> int:
        """Number of entries evicted since the start."""
        return int(self._store.command("HGET", self._store.prefix + "metrics", "evictions") or 0)

    @evictions.setter
    def evictions(self, count: int) -> None:
        """Do nothing: Redis counts evictions."""

    def notify(self, least: int, query: JournalQuery, callback: Callable[[], object]) -> Callable[[], None] | None:
        """Call `callback`, in any thread, when `least` entries match or on `close`; see `Journal.notify`."""
        count, _ = self.count(query)
        with self._lock:
            cancel = self._add_waiter(Waiter(query, least, least - count, callback))
            if cancel is not None and self._poller is None:
                self._poller = threading.Thread(target=self._poll, name="mockserver:waiting", daemon=True)
                self._poller.start()
        return cancel

    def _poll(self) -> None:
        """Notify callers for whom there are enough entries, until no caller waits."""
        pause = threading.Event()
        while not pause.wait(_POLL_SECONDS):
            with self._lock:
                if not self._waiters:
                    self._poller = None
                    return
                queries = {waiter.query for waiter in self._waiters if waiter.missing > 0}
            try:
                # The event loop takes the lock, too, so it is not held while Redis is asked.
                counts = {query: self.count(query)[0] for query in queries}
            except StoreUnavailable:
                continue
            with self._lock:
                for waiter in self._waiters:
                    if waiter.missing > 0 and counts.get(waiter.query, 0) >= waiter.least:
                        waiter.missing = 0
                        waiter.notify()

    def _read(self, query: JournalQuery) -> tuple[list[Stored], int]:
        with self._reading:
            return self._snapshot(query)

    def _snapshot(self, query: JournalQuery) -> tuple[list[Stored], int]:
        """Return the entries covered by a query (kind and app) in order of arrival, and the number of evicted ones."""
        names = [f"{kind}:{appkey}" for kind, appkey in self._stream_names() if query.covers(kind, appkey)]
        streams = [self._read_stream(name) for name in names]
        stored = [item for stream in streams for item in stream.entries]
        if len(streams) > 1:
            stored.sort()  # Positions differ, so nothing else is compared.
        return stored, sum(stream.evicted_since(query.since) for stream in streams)

    def _stream_names(self) -> list[tuple[Any, str]]:
        names = self._store.command("ZRANGE", self._store.prefix + "sizes", 0, -1)
        return [(kind, appkey) for kind, _, appkey in (name.decode().partition(":") for name in names)]

    def _read_stream(self, name: str) -> _Stream:
        """Read the new entries of a stream, and return it."""
        if (
            name not in self._streams
            and sum(len(stream.entries) for stream in self._streams.values()) > 2 * self.max_entries
        ):
            self._streams.clear()
        stream = self._streams.setdefault(name, _Stream())
        while True:
            evicted, until, oldest, found = self._store.call("entries", name, stream.next, _MAX_READ)
            stream.evicted, stream.evicted_until = int(evicted or 0), float(until or "-inf")
            first = int(oldest.partition(b"-")[0]) if oldest else stream.next
            while stream.entries and stream.entries[0][0] < first:
                stream.entries.popleft()
            if not oldest:
                stream.entries.clear()
            stream.entries.extend(map(_read, found))
            if found:
                stream.next = stream.entries[-1][0] + 1
            if len(found) < _MAX_READ:
                return stream

    def _show(self, stored: Stored) -> JournalEntry:
        entry, engine = decode(stored[-1], self._salt), self._store.engine
        if entry.rules and engine is not None and entry.scenario in engine.config.scenarios:
            # Another process may number its rules differently, so the current rules are compared.
            own = [rule for _, rule in self._store.app(entry.appkey).rules]
            fields, rules = entry.whole_fields(), (*own, *engine.config.scenarios[entry.scenario].rules)
            near = nearest_rule(rules, entry.operation, entry.fields if fields is None else fields, entry.query)
            entry.near = near.to(engine.lang) if near else ""
        return entry

    @property
    def _salt(self) -> bytes:
        if not self._known_salt:
            self._known_salt = self._store.command("GET", self._store.prefix + "salt") or b""
        return self._known_salt

    @_salt.setter
    def _salt(self, salt: bytes) -> None:
        """All processes share the salt in Redis."""

    # ---- adding

    def _adding(self, rows: list[Row]) -> tuple[Any, ...]:
        """Return the command that adds entries."""
        limits = self.max_entries, self.max_bytes, self.max_bytes * ALL_APPS, f"{machine_time():.3f}"
        return SCRIPT.command(self._store.prefix, "add", *limits, *(part for row in rows for part in row))

    def _send_waiting(self) -> None:
        """Send the waiting entries. Entries added before the reply are sent together afterwards."""
        batch, self._waiting = self._waiting[:_MAX_BATCH], self._waiting[_MAX_BATCH:]

        def resume(answer: Any) -> None:
            self._sending = False
            failed = isinstance(answer, Exception)
            if failed:
                batch.extend(self._waiting)
                self._waiting = []
            elif self._waiting:
                self._send_waiting()
            for (_, request), added in zip(batch, [answer] * len(batch) if failed else answer, strict=True):
                request.switch(added)

        self._sending = True
        self._store.requests.start(self._adding([row for row, _ in batch]), resume, batch[0][1].deadline)


class RedisMetrics(Metrics):
    """The metrics of all processes. Adding an entry to the journal updates them."""

    def __init__(self, store: RedisStore) -> None:
        super().__init__()
        self._store = store

    def add(self, entry: JournalEntry) -> None:
        """Do nothing: Redis counts the entry."""

    def numbers(self) -> Numbers:
        """Return count and seconds by class."""
        found = self._store.command("HGETALL", self._store.prefix + "metrics")
        values = dict(zip(islice(found, 0, None, 2), map(int, islice(found, 1, None, 2)), strict=True))
        return {
            (*parts[:-1], tuple(parts[-1])): (count, values.get(b"t" + key[1:], 0) / 1e6)
            for key, count in values.items()
            if key.startswith(b"n")
            for parts in [orjson.loads(key[1:])]
        }


_json = functools.lru_cache(maxsize=256)(orjson.dumps)


def _read(row: Any) -> Stored:
    """Return an entry of a stream in the form of the journal in memory."""
    position, (_, entry_id, _, at, _, fields, _, data) = row
    operation, error, names = orjson.loads(fields)
    return int(position.partition(b"-")[0]), float(at), entry_id.decode(), operation, error, names, len(data), data
