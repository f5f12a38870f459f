"""Rows that were evaluated a moment ago, for all generated worlds of a process together, within bounds.

A day is asked for by several operations in turn; what is kept of a pure function is no state. Knows
nothing of how rows come about.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock

from mockserver.world.stays import Stays

KEPT_ROWS = 60_000
"""The most rows kept, about 110 bytes each."""


class RowCache:
    """Spans of hours with their rows, the least recently used dropped when there are too many rows."""

    def __init__(self, most: int = KEPT_ROWS) -> None:
        self._most = most
        self._rows = 0
        self._kept: OrderedDict[tuple[Hashable, int, int], Stays] = OrderedDict()
        self._lock = Lock()

    def rows(self, world: Hashable, first: int, last: int, make: Callable[[int, int], Stays]) -> Stays:
        """Rows of hours first … last - 1 of a world or, when that is at hand, of a wider span."""
        with self._lock:
            for key in reversed(self._kept):
                owner, begin, end = key
                if owner == world and begin <= first and last <= end:
                    self._kept.move_to_end(key)
                    return self._kept[key]
        made = make(first, last)
        with self._lock:
            self._drop((world, first, last))
            self._kept[world, first, last] = made
            self._rows += len(made)
            while self._rows > self._most:
                self._drop(next(iter(self._kept)))
        return made

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self._rows = 0

    def _drop(self, key: tuple[Hashable, int, int]) -> None:
        old = self._kept.pop(key, None)
        self._rows -= 0 if old is None else len(old)


ROWS = RowCache()
"""The one cache of the process, so that many worlds take no more room than one."""
