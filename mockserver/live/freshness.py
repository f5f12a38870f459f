"""Decides `freshness_seconds` (§1.1): finds the oldest and the newest curtime that a target accepts, and its clock."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, TypeAlias

from mockserver.core.clock import DAY_SECONDS
from mockserver.core.text import Text
from mockserver.live.connecting import LONG_AGO, MAX_SKEW, send_valid, shows_clock
from mockserver.live.probing import DATE_TOLERANCE, Prober, date_offset
from mockserver.live.replies import Reply

Cause: TypeAlias = Literal["clock", "used", "unknown"]
"""Why the two limits differ: the target has another clock, or old curtimes were used before this examination."""

MAX_REACH = 3_600  # Seconds from now that a usable curtime is away at most.
_DEFAULT_FRESHNESS = 300
_SHORT = 3  # Seconds after which a curtime is too old for a target with a very short limit.
_MAX_CLOCK_STEPS = 6  # Seconds around the expected oldest curtime that are tried.
_REPEATS = 2  # Requests in other seconds, if a curtime may have been used before.
_LATER = (5.0, 11.0)  # Seconds to wait for a curtime that is not among used ones.
_BEYOND = (5, 20)  # Seconds beyond a limit that are refused unless it was the end of used curtimes.
_FAR = range(5, 121, 5)  # The same for a short limit, within which an earlier examination may have used all.
_MAX_FRESHNESS = DAY_SECONDS + MAX_SKEW  # Seconds: a reading is at most a day.
_NO_FUTURE = 5  # Seconds by which a target may accept future curtimes that only means to accept no future ones.


def probe_freshness(prober: Prober) -> None:
    """Decide `freshness_seconds`. Sets what the prober knows of usable curtimes, and of the target's clock."""
    limits = _Limits(prober)
    prober.short_lived = not limits.accepts(-_SHORT)
    if max(limits.past, limits.future) > _MAX_FRESHNESS or limits.past + limits.future > 2 * DAY_SECONDS:
        sides = [name for name, edge in (("old", limits.past), ("future", limits.future)) if edge > DAY_SECONDS]
        text = Text(
            f"no limit within a day for {' and '.join(sides)} curtimes", f"一天之内没有时限：{'、'.join(sides)}"
        )
        prober.leave_open("freshness_seconds", text, *limits.farthest(), new=True)
    else:
        _conclude(prober, limits)
    prober.reach = max(0, min(limits.past, limits.future, MAX_REACH) - 1)


def _conclude(prober: Prober, limits: _Limits) -> None:
    """Set the reading and the target's clock from both limits."""
    cause = limits.cause() if prober.once else "clock"
    edges = limits.edges()
    text = Text(
        f"curtimes from {-limits.past} s to {limits.future:+d} s were accepted, one second more was refused",
        f"{-limits.past} 秒至 {limits.future:+d} 秒的 curtime 被接受，再多一秒被拒绝",
    )
    prober.clock_error = 0 if cause == "clock" else MAX_SKEW
    if cause == "unknown":
        also = Text("earlier requests or another clock may be why", "可能因先前的请求，也可能因时钟不同")
        prober.leave_open("freshness_seconds", Text(f"{text.en}; {also.en}", f"{text.zh}；{also.zh}"), *edges)
        return
    if cause == "used":
        prober.confirm("freshness_seconds", limits.future, text, *edges)
        return
    ahead, measured = limits.ahead, _measured(prober)
    if measured is None and abs(ahead) > MAX_SKEW and shows_clock(prober, ahead):
        measured = ahead
        text = Text(
            f"{text.en}; the newest data show that its clock differs by {ahead:+g} s",
            f"{text.zh}；最新数据表明其时钟相差 {ahead:+g} 秒",
        )
    is_unlikely = abs(ahead) > MAX_SKEW or (limits.future <= _NO_FUTURE and limits.past >= MAX_SKEW / 2)
    if is_unlikely and (measured is None or abs(measured - ahead) > DATE_TOLERANCE):
        # Two different limits are likelier than such a clock.
        prober.leave_open("freshness_seconds", text, *edges, new=True)
        return
    limit = math.ceil((limits.past + limits.future) / 2)
    prober.confirm("freshness_seconds", limit, text, *edges)
    if abs(ahead) > 0.5:
        prober.skew += ahead
        limits.past = limits.future = limit


class _Limits:
    """The oldest and the newest curtime that a target accepts: `past` and `future` are their distances in seconds."""

    def __init__(self, prober: Prober) -> None:
        self._prober = prober
        self._replies: dict[int, Reply] = {0: send_valid(prober, offset=0)}  # By distance.
        self._used_code = self._code_of_used() if prober.once else None
        self.past = self._find(-1, _DEFAULT_FRESHNESS)
        self.future = self._find(1, self.past)

    @property
    def ahead(self) -> float:
        """Seconds that the target's clock is ahead, if that is why the distances differ."""
        return (self.future - self.past) / 2

    def accepts(self, offset: int) -> bool:
        """Return whether a curtime at this distance from now is accepted, negative in the past."""
        if offset not in self._replies:
            self._replies[offset] = send_valid(self._prober, offset=offset)
        reply = self._replies[offset]
        # A checksum that was used before was accepted then.
        return reply.ok or reply.code == self._used_code is not None

    def edges(self) -> list[Reply]:
        """Return the answers that show the limits."""
        offsets = (-self.past, -self.past - 1, self.future + 1)
        return [self._replies[each] for each in offsets if each in self._replies]

    def farthest(self) -> list[Reply]:
        """Return the answers for the largest distances."""
        return [self._replies[each] for each in sorted(self._replies, key=abs)[-3:]]

    def cause(self) -> Cause:
        """Return why the limits differ, if curtimes are accepted once. Corrects `past` if only its end was used."""
        measured = _measured(self._prober)
        if measured is not None and abs(self.ahead) >= 1 and abs(measured - self.ahead) >= 1:
            self._find_past_again()
        cause = self._cause_of_nearer_past() if self.ahead >= 1 else "clock"
        if cause == "used" and any(self.accepts(self.future + step) for step in _BEYOND):
            return "unknown"
        if self._used_code is None and self._is_longer():
            return "unknown"
        if cause != "used":
            return cause
        measured, oldest = _measured(self._prober), self._oldest()
        if oldest and (measured is not None or not self._accepts_older(oldest)):
            self.past = oldest
            return "clock"
        return "unknown" if measured is None else "used"

    def _find(self, side: int, guess: int) -> int:
        """Return the distance of the last accepted curtime on a side, more than a day if there is no limit."""
        found = _last_accepted(lambda seconds: self.accepts(side * seconds), guess)
        for _ in range(_REPEATS if self._prober.once and found <= _MAX_FRESHNESS else 0):
            # This curtime alone may have been used before.
            self._prober.target.pause(1.0)
            self._replies.pop(side * (found + 1), None)
            if self.accepts(side * (found + 1)):
                return self._find(side, found + 1)
        return found

    def _code_of_used(self) -> int | None:
        """Return the code for a checksum that was used before; None if it is also that for an old curtime."""
        reused = self._prober.errors.get("checksum_reused")
        old = send_valid(self._prober, offset=-LONG_AGO)
        return reused[0][1].code if reused and reused[0][1].code != old.code else None

    def _cause_of_nearer_past(self) -> Cause:
        """Return whether the curtime before `past` was refused for a used checksum or for its age."""
        if "checksum_reused" not in self._prober.errors:
            return "unknown"
        refused, reused = self._replies[-self.past - 1], self._prober.errors["checksum_reused"][0][1]
        old = send_valid(self._prober, offset=-LONG_AGO)
        if (reused.code, reused.info) != (old.code, old.info):
            said = (refused.code, refused.info) if reused.code == old.code else (refused.code,)
            if said[0] in (reused.code, old.code):
                return "used" if said == (reused.code, reused.info)[: len(said)] else "clock"
        measured = _measured(self._prober)
        if measured is not None and min(abs(measured), abs(measured - self.ahead)) <= DATE_TOLERANCE:
            return "used" if abs(measured) < abs(measured - self.ahead) else "clock"
        return "used" if self.accepts(-self.future) else "unknown"

    def _find_past_again(self) -> None:
        """Look for an older curtime some seconds later: those just beyond `past` may have been used before."""
        for seconds in _LATER:
            self._prober.target.pause(seconds)
            if send_valid(self._prober, offset=-self.past - 1).ok:
                self._replies = {offset: reply for offset, reply in self._replies.items() if reply.ok}
                self.past = self._find(-1, self.past + 1)

    def _is_longer(self) -> bool:
        """Return whether a short limit was only found because an earlier examination had used the curtimes beyond it."""
        longest = max(self.past, self.future)
        if longest >= MAX_SKEW:
            return False
        if self.past - self.future >= 2 and self._accepts_older(self.past):
            return True
        return any(self.accepts(longest + step) for step in _FAR)

    def _accepts_older(self, past: int) -> bool:
        """Return whether an older curtime than `past` seconds is accepted, if it is possible to wait for an unused one."""
        if past + self.future > 2 * MAX_SKEW:
            return False
        self._prober.target.pause(past + self.future + _BEYOND[0])  # Before, it was too far in the future to be used.
        return send_valid(self._prober, offset=-past - 1).ok

    def _oldest(self) -> int | None:
        """Return the age of the oldest accepted curtime, if the clocks differ only by seconds; None if not found."""
        guess = self.future - 2 * round(_measured(self._prober) or 0)
        ages = range(guess + _MAX_CLOCK_STEPS, max(0, guess - _MAX_CLOCK_STEPS), -1)
        oldest = next((age for age in ages if self.accepts(-age)), None)
        return oldest if oldest != guess + _MAX_CLOCK_STEPS else None


def _measured(prober: Prober) -> float | None:
    """Return by how many seconds the target's clock is ahead by its Date header; None without one."""
    return date_offset(prober.date, prober.now())


def _last_accepted(accepts: Callable[[int], bool], guess: int) -> int:
    """Return the largest accepted distance in seconds, or more than a day if there is no limit."""
    if accepts(guess):
        if guess > _MAX_FRESHNESS or not accepts(guess + 1):
            return guess
        low, step = guess + 1, 1
        while low <= _MAX_FRESHNESS and accepts(min(low + step, _MAX_FRESHNESS + 1)):
            low, step = min(low + step, _MAX_FRESHNESS + 1), 4 * step
        high = low + step
    else:
        low, high = 0, guess
    while high - low > 1 and low <= _MAX_FRESHNESS:
        middle = (low + high) // 2
        low, high = (middle, high) if accepts(middle) else (low, middle)
    return low
