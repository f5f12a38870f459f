"""The curtimes of forwarded requests: by the target's clock, and each only once if the target demands that."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from mockserver.contract.readings import Readings
from mockserver.live.answers import is_success
from mockserver.live.probing import DATE_TOLERANCE, date_offset
from mockserver.live.target import Answer, Target

_MARGIN = 2  # Seconds between a curtime and the limit of its age, for the way to the target.
_MAX_USED = 10_000  # Curtimes that are remembered.
_MAX_SECONDS = 1.0  # The Date header of a slower answer does not show the present.


class Curtime(NamedTuple):
    """A curtime to sign with."""

    text: str
    age: int = 0  # Seconds, negative in the future.
    used: bool = False  # Whether another request had it.


class Curtimes:
    """Chooses the curtime of each request, and learns from the answers. Thread-safe."""

    def __init__(self, target: Target) -> None:
        self.skew = 0.0
        """Seconds by which the target's clock is ahead, if its Date header shows more than `DATE_TOLERANCE`."""
        self._target = target
        self._once = False  # Whether the target has refused a curtime that was used before.
        self._reach: int | None = None  # The largest age that the target may accept, after it has refused a larger one.
        self._used: OrderedDict[int, None] = OrderedDict()
        self._other_codes: set[object] = set()  # ErrorCodes of requests that a better curtime did not help.
        self._lock = threading.Lock()

    def take(self, readings: Readings, *, best: bool = False) -> Curtime:
        """Return the curtime for a request: the present, or near it if the target accepts each only once.

        Wait until there is an unused one; with `best`, until the present is unused.
        """
        once = self._once or readings["checksum_reuse"] == "once"
        reach = max(readings["freshness_seconds"] - _MARGIN, 0) if self._reach is None else self._reach
        while True:
            now = self._target.clock() + self.skew
            ages = _near(reach if once and not best else 0)
            with self._lock:
                age = next((age for age in ages if int(now) - age not in self._used), None)
                if age is not None:
                    self._used[int(now) - age] = None
                    if len(self._used) > _MAX_USED:
                        self._used.popitem(last=False)
                    return Curtime(str(int(now) - age), age)
            if not (once or best):
                return Curtime(str(int(now)), used=True)
            self._target.pause(1.0 - now % 1)

    def is_suspect(self, answer: Answer, value: Mapping[str, Any], curtime: Curtime) -> bool:
        """Return whether a valid request may have been refused for its curtime. Adopts the clock of the answer."""
        ahead = date_offset(answer.headers.get("date", ""), self._target.clock())
        known = True
        if ahead is not None and answer.seconds <= _MAX_SECONDS and abs(ahead - self.skew) > DATE_TOLERANCE:
            self.skew, known = ahead if abs(ahead) > DATE_TOLERANCE else 0.0, False
        if is_success(value) or value.get("ErrorCode") in self._other_codes:
            return False
        return curtime.used or curtime.age != 0 or not known

    def compare(self, refused: Mapping[str, Any], again: Mapping[str, Any], curtime: Curtime) -> None:
        """Learn from the answer to a suspect request that was sent again with the best curtime."""
        if refused.get("ErrorCode") == again.get("ErrorCode"):
            self._other_codes.add(refused.get("ErrorCode"))
        elif curtime.used:
            self._once = True
        elif curtime.age:
            self._reach = abs(curtime.age) // 2


def _near(reach: int) -> Iterable[int]:
    """Yield the ages up to `reach`, the smallest first."""
    yield 0
    for age in range(1, reach + 1):
        yield age
        yield -age
