"""Remembers encoded answers for as long as nothing they depend on has changed. Knows bytes and seconds, nothing else."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

MAX_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Kept:
    body: bytes
    empty: bool
    made_at: int
    settled_from: int | None


class ResponseCache:
    """The most recently used answers, up to a number of bytes."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._most = max_bytes
        self._size = 0
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, now: int) -> tuple[bytes, bool] | None:
        """The answer kept under `key` and whether it is an empty one, if it is the right one at second `now`."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None:
                return None
            settled = kept.settled_from is not None and min(now, kept.made_at) >= kept.settled_from
            if not settled and now != kept.made_at:
                return None
            self._kept.move_to_end(key)
            return kept.body, kept.empty

    def put(self, key: Hashable, body: bytes, empty: bool, made_at: int, settled_from: int | None) -> None:
        """Keep an answer made at `made_at` that is the same at every second from `settled_from` on."""
        with self._lock:
            old = self._kept.pop(key, None)
            self._size += len(body) - (len(old.body) if old else 0)
            self._kept[key] = _Kept(body, empty, made_at, settled_from)
            while self._size > self._most:
                _, gone = self._kept.popitem(last=False)
                self._size -= len(gone.body)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self._size = 0
