"""A cache of encoded answers. Knows only bytes and seconds."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterator

MAX_BYTES = 2 * 1024 * 1024


class ResponseCache:
    """The most recently used answers, limited in bytes."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._size = 0
        self._answers: OrderedDict[Hashable, tuple[bytes, bool, int, int | None]] = OrderedDict()
        """Body, whether it has no rows, the second it was created at, and the one from which it is final."""
        self._lock = threading.Lock()

    def get(self, key: Hashable, now: int) -> tuple[bytes, bool] | None:
        """Return the answer that is valid at second `now` and whether it has no rows; None if there is none."""
        answer = self._answers.get(key)
        if answer is None:
            return None
        body, empty, created_at, stable_from = answer
        stable = stable_from is not None and min(now, created_at) >= stable_from
        if not stable and now != created_at:
            return None
        if self._size > self._max_bytes // 2:
            # The order does not matter before: nothing is evicted soon. KeyError: another thread has just evicted it.
            with self._lock, contextlib.suppress(KeyError):
                self._answers.move_to_end(key)
        return body, empty

    def put(self, key: Hashable, body: bytes, empty: bool, created_at: int, stable_from: int | None) -> None:
        """Store an answer created at second `created_at`. It is final from second `stable_from` on; for None, never."""
        if len(body) > self._max_bytes // 2:
            # It would evict all others.
            return
        with self._lock:
            old = self._answers.pop(key, None)
            self._size += len(body) - (len(old[0]) if old else 0)
            self._answers[key] = body, empty, created_at, stable_from
            while self._size > self._max_bytes:
                _, evicted = self._answers.popitem(last=False)
                self._size -= len(evicted[0])


class LockByKey:
    """Locks by key. A lock exists only while a thread holds it or waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._locks: dict[Hashable, tuple[threading.Lock, int]] = {}  # Lock and number of threads that use it.

    @contextlib.contextmanager
    def lock(self, key: Hashable) -> Iterator[None]:
        """Hold the lock of a key."""
        with self._lock:
            own, users = self._locks.get(key) or (threading.Lock(), 0)
            self._locks[key] = own, users + 1
        try:
            with own:
                yield
        finally:
            with self._lock:
                own, users = self._locks.pop(key)
                if users > 1:
                    self._locks[key] = own, users - 1
