"""The curtimes of forwarded requests: by the target's clock, and each only once if the target demands that."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from typing import Any, NamedTuple

from mockserver.contract.readings import Readings
from mockserver.live.answers import is_envelope, is_success
from mockserver.live.probing import DATE_TOLERANCE, date_offset
from mockserver.live.target import Answer, Target

_MARGIN = 2  # Seconds between a curtime and the limit of its age, for the way to the target.
_MAX_USED = 10_000  # Curtimes that are remembered.
_MAX_NEWEST = 2 * _MARGIN  # Requests with the newest curtime, one in each second: the first may have been used before.
_ENOUGH = 2  # Requests that an unused curtime has to help: one of them may have met a passing failure.
_MAX_SECONDS = 1.0  # The Date header of a slower answer does not show the present.


class Curtime(NamedTuple):
    """A curtime to sign with."""

    second: int
    age: int = 0  # Seconds, negative in the future.


class Curtimes:
    """Chooses the curtime of each request, and learns from the answers. Thread-safe."""

    def __init__(self, target: Target) -> None:
        self.skew = 0.0
        """Seconds by which the target's clock is ahead, if its Date header shows more than `DATE_TOLERANCE`."""
        self._target = target
        self._once: bool | None = None  # Whether the target accepts each curtime once; None if that is unknown.
        self._helped: Counter[object] = Counter()  # ErrorCodes of requests that an unused curtime has helped.
        self._accepted: OrderedDict[int, None] = OrderedDict()
        """Curtimes of accepted requests, as long as `_once` is unknown."""
        self._trials = 0  # Requests that are being sent again to find that out.
        self._reach: int | None = None  # The largest age that the target may accept, after it has refused a larger one.
        self._uses: OrderedDict[int, int] = OrderedDict()  # Number of requests by curtime.
        self._is_proven = False  # Whether the target has accepted any request.
        self._used_until = 0  # Curtimes up to this second may have been used before, for example by `learn`.
        self._other_codes: set[object] = set()  # ErrorCodes of requests that a better curtime did not help.
        self._lock = threading.Lock()

    def take(self, readings: Readings, *, best: bool = False, newest: bool = False) -> Curtime:
        """Return the curtime for a request: the present, or near it if the target accepts each only once.

        Wait until there is an unused one; with `best`, until the present is unused; with `newest`, until the latest
        accepted one is.
        """
        reach = max(readings["freshness_seconds"] - _MARGIN, 0) if self._reach is None else self._reach
        while True:
            now = self._target.clock() + self.skew
            with self._lock:
                once = self._is_once(readings) or (self._trials > 0 and self._once is None)
                ages: Iterable[int] = _near(reach if once and not best else 0)
                if newest:
                    ages = (-reach,)
                elif self._used_until >= int(now):
                    ages = range(int(now) - self._used_until - 1, -reach - 1, -1)
                seconds = ((age, int(now) - age) for age in ages)
                age = next((age for age, each in seconds if each > self._used_until and each not in self._uses), None)
                if age is None and not (once or best):
                    age = 0
                if age is not None:
                    curtime = Curtime(int(now) - age, age)
                    self._uses[curtime.second] = self._uses.get(curtime.second, 0) + 1
                    _drop_oldest(self._uses)
                    return curtime
            self._target.pause(1.0 - now % 1)

    def send(
        self,
        send: Callable[..., tuple[Answer, Any, Curtime]],
        readings: Readings,
        stale: Set[object],
        *,
        is_valid: bool,
    ) -> tuple[Answer, Any]:
        """Send a request, and again if it is valid and may have been refused for its curtime.

        `send` passes its options to `take`, and returns the answer, its JSON and the curtime. `stale` are the
        ErrorCodes of refused curtimes, as far as they are known. Return the last answer and its JSON.
        """
        answer, value, first = send()
        once, refused = self._is_once(readings), value
        if not (is_valid and is_envelope(value) and self._is_suspect(answer, value, first, once=once)):
            return answer, value
        with self._trial():
            answer, value, second = send(best=True)
        for _ in range(_MAX_NEWEST if once and _code(refused) in stale else 0):
            if _code(value) != _code(refused):
                break
            answer, value, newest = send(newest=True)
            if is_envelope(value) and _code(value) != _code(refused):
                self._skip(second, newest)
                return answer, value
        if is_envelope(value):
            self._compare(refused, value, first)
        return answer, value

    def _is_once(self, readings: Readings) -> bool:
        """Whether the target is known to accept each curtime once."""
        return bool(self._once) or readings["checksum_reuse"] == "once"

    def _skip(self, refused: Curtime, accepted: Curtime) -> None:
        """Learn that a curtime had been used before the start, and a later one had not."""
        # The last one that was used is somewhere between them.
        self._used_until = max(self._used_until, (refused.second + accepted.second) // 2)

    def _is_suspect(self, answer: Answer, value: Mapping[str, Any], curtime: Curtime, *, once: bool) -> bool:
        """Whether a valid request may have been refused for its curtime. Adopts the clock of the answer.

        `once` is whether curtimes are known to be accepted once: the first may have been used before.
        """
        ahead = date_offset(answer.headers.get("date", ""), self._target.clock())
        known = True
        if ahead is not None and answer.seconds <= _MAX_SECONDS and abs(ahead - self.skew) > DATE_TOLERANCE:
            self.skew, known = ahead if abs(ahead) > DATE_TOLERANCE else 0.0, False
        if is_success(value):
            self._is_proven = True
            self._accept(curtime)
        if is_success(value) or value.get("ErrorCode") in self._other_codes:
            return False
        return self._is_shared(curtime) or curtime.age != 0 or not known or (once and not self._is_proven)

    def _accept(self, curtime: Curtime) -> None:
        if self._once is None:
            with self._lock:
                if curtime.second in self._accepted:
                    self._once = False
                self._accepted[curtime.second] = None
                _drop_oldest(self._accepted)

    @contextmanager
    def _trial(self) -> Iterator[None]:
        """Within the context no other request takes a curtime that is used."""
        with self._lock:
            self._trials += 1
        try:
            yield
        finally:
            with self._lock:
                self._trials -= 1

    def _compare(self, refused: Mapping[str, Any], again: Mapping[str, Any], curtime: Curtime) -> None:
        """Learn from the answer to a suspect request that was sent again with the best curtime."""
        code = refused.get("ErrorCode")
        if code == again.get("ErrorCode"):
            self._other_codes.add(code)
        elif self._is_shared(curtime):
            self._helped[code] += 1
            if self._helped[code] >= _ENOUGH and self._once is None:
                self._once = True
        elif curtime.age:
            self._reach = abs(curtime.age) // 2

    def _is_shared(self, curtime: Curtime) -> bool:
        # The other request may have arrived at the target first.
        return self._once is not False and self._uses.get(curtime.second, 0) > 1


def _code(value: Any) -> object:
    """Return the ErrorCode of an answer; None if it is not one of the API."""
    return value.get("ErrorCode") if is_envelope(value) else None


def _drop_oldest(remembered: OrderedDict[int, Any]) -> None:
    if len(remembered) > _MAX_USED:
        remembered.popitem(last=False)


def _near(reach: int) -> Iterator[int]:
    """Yield the ages up to `reach`: the future ones last, which will be needed as the present."""
    yield from range(reach + 1)
    yield from range(-1, -reach - 1, -1)
