"""One finished day of a target: the answers of 3.1, 3.2 and 3.3 for that day, and the sessions that they count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import gcd
from typing import Any

from mockserver.core.clock import DAY_SECONDS, parse_day
from mockserver.live.call_log import CallLog, Session, ask_all, seconds_of
from mockserver.live.probing import DISTRIBUTION, QUALITY, TREND, Prober
from mockserver.live.replies import Reply

COUNTS = (1, 2, 3, 4)
COLUMNS = ("CommunicateDuration", "RoomCnt", "PeakOnlineNum", "CommunicateNum")
_MIN_STEP = 10  # Seconds of the shortest interval.
_LONG = 4  # Days before and after a day in which the longest calls on it begin and end.
_MAX_MARGIN = 3  # Additional requests to find sessions in rooms that were created before the day.


@dataclass
class Day:
    """The answers for a day. `sessions` are all that overlap the day, or None if not all are known."""

    name: str
    start: int
    trends: dict[int, Reply] = field(default_factory=dict)
    distributions: dict[int, Reply] = field(default_factory=dict)
    quality: Reply | None = None
    sessions: list[Session] | None = None
    first_enters: list[int] | None = None  # First enter of each pair of user and room, if it was on the day.
    may_lack_long_calls: bool = (
        False  # Whether there may be calls that are longer than any range that the target accepts.
    )

    @property
    def end(self) -> int:
        """The first second after the day."""
        return self.start + DAY_SECONDS

    def volumes(self, count: int) -> list[tuple[int, int]]:
        """Return TickTime and Volume of the rows for one CountBy, without rows that lack a valid TickTime."""
        return ticks_of(self.trends[count].rows("TrendData")) if count in self.trends else []

    def spans(self, closed: int = 0) -> list[tuple[int, int]]:
        """Return begin and end of each session, `closed` seconds longer and clipped to the day."""
        spans = [
            (max(each.enter, self.start), self.end if each.leave is None else min(each.leave + closed, self.end))
            for each in self.sessions or ()
        ]
        return [(begin, end) for begin, end in spans if begin < end]

    def amounts(self, count: int, step: int = DAY_SECONDS) -> dict[int, int] | None:
        """Return the amount of CountBy 1, 2 or 4 in each tick by the sessions, without empty ticks; None if unknown."""
        if self.sessions is None:
            return None
        if count == 1:
            amounts = Counter[int]()
            for tick, seconds, online in self._parts(step):
                amounts[tick] += seconds * online
            return amounts
        times = self.first_enters
        if count == 2:
            times = [*{each.room: each.create for each in self.sessions}.values()]
        return None if times is None else Counter(self._tick(time, step) for time in times if self._contains(time))

    def total(self, count: int) -> int | None:
        """Return the amount of CountBy 1, 2 or 4 by the sessions; None if unknown."""
        amounts = self.amounts(count)
        return None if amounts is None else sum(amounts.values())

    def distribution_totals(self, count: int) -> dict[int, int]:
        """Return the total of CountBy 1, 2 or 4 of 3.1 by each dimension of 3.2."""
        column = COLUMNS[count - 1]
        return {each: sum(column_of(reply, column)) for each, reply in self.distributions.items() if reply.ok}

    def volume_limits(self, count: int, step: int, trend: str) -> dict[int, tuple[int, int]] | None:
        """Return the lowest and the highest possible volume of each tick that is listed or has calls; None if unknown.

        The cumulative volume of CountBy 3 is the peak of the tick, or that since the start of the day.
        """
        exact = self.amounts(count, step) if count != 3 else None
        if self.sessions is None or (exact is None and count != 3):
            return None
        amounts = self.peaks(step) if exact is None else {tick: (amount, amount) for tick, amount in exact.items()}
        limits, low, high = {}, 0, 0
        for tick in sorted({*amounts, *(tick for tick, _ in self.volumes(count))}):
            least, most = amounts.get(tick, (0, 0))
            if trend == "tick":
                low, high = least, most
            elif count == 3:
                low, high = least, max(high, most)
            else:
                low, high = low + least, high + most
            limits[tick] = low, high
        return limits

    def peaks(self, step: int = DAY_SECONDS) -> dict[int, tuple[int, int]]:
        """Return the lowest and the highest possible peak of concurrent sessions in each tick with a session.

        In the highest, a session that ends in the second in which another begins overlaps it.
        """
        peaks: dict[int, tuple[int, int]] = {}
        for closed in (0, 1):
            for tick, _, online in self._parts(step, closed):
                lowest, highest = peaks.get(tick, (0, 0))
                peaks[tick] = (lowest if closed else max(lowest, online), max(highest, online))
        return peaks

    def _contains(self, time: int) -> bool:
        return self.start <= time < self.end

    def _tick(self, time: int, step: int) -> int:
        return time - (time - self.start) % step

    def _parts(self, step: int, closed: int = 0) -> Iterator[tuple[int, int, int]]:
        """Yield tick, seconds and number of concurrent sessions of each part of the day in which there are any."""
        changes: Counter[int] = Counter()
        for begin, end in self.spans(closed):
            changes[begin] += 1
            changes[end] -= 1
        online = 0
        for time, until in pairwise([*sorted(changes), self.end]):
            online += changes[time]
            for tick in range(self._tick(time, step), until, step) if online else ():
                yield tick, min(until, tick + step) - max(time, tick), online


def column_of(reply: Reply, name: str) -> list[int]:
    """Return the values of a column of 3.2."""
    return [value for row in reply.rows("DistributeData") if isinstance(value := row.get(name), int)]


def usual_step(day: Day) -> int | None:
    """Return the longest interval of which most ticks of 3.1 are multiples; None if all are multiples of some interval."""
    offsets = [tick - day.start for count in COUNTS for tick, _ in day.volumes(count)]
    common = gcd(*offsets)
    if common >= _MIN_STEP and DAY_SECONDS % common == 0:
        return None
    steps = (step for step in range(3_600, _MIN_STEP - 1, -1) if DAY_SECONDS % step == 0)
    usual = (step for step in steps if sum(each % step == 0 for each in offsets) * 3 > len(offsets) * 2)
    return next(usual, None if common >= _MIN_STEP or not offsets else _MIN_STEP)


def ticks_of(rows: Sequence[Mapping[str, Any]]) -> list[tuple[int, int]]:
    """Return TickTime and Volume of trend rows."""
    found = []
    for row in rows:
        tick, volume = seconds_of(row.get("TickTime")), row.get("Volume")
        if tick is not None:
            found.append((tick, volume if isinstance(volume, int) else seconds_of(volume) or 0))
    return found


def all_counts(rows: Sequence[Mapping[str, Any]], day: Day | None) -> list[tuple[int, int, int]]:
    """Return count, tick and volume of each row of an answer to CountBy 0; an empty list if its form is different.

    Each tick has four rows, or, if those without a volume are left out one by one, the rows of the four single counts.
    """
    cells = ticks_of(rows)
    if (
        len(cells) == 4 * len({tick for tick, _ in cells})
        and cells[::4]
        and all(len({tick for tick, _ in cells[at : at + 4]}) == 1 for at in range(0, len(cells), 4))
    ):
        return [(COUNTS[index % 4], *cell) for index, cell in enumerate(cells)]
    singles = sorted((tick, count) for count in COUNTS for tick, _ in day.volumes(count)) if day else []
    if [tick for tick, _ in cells] != [tick for tick, _ in singles]:
        return []
    return [(count, tick, volume) for (tick, count), (_, volume) in zip(singles, cells, strict=True)]


def ask_day(prober: Prober, log: CallLog) -> Day | None:
    """Send all requests about the finished day of the log, and return the day; None if there is no such day."""
    if not log.day:
        return None
    day = Day(log.day, parse_day(log.day))
    for count in COUNTS:
        day.trends[count] = prober.ask(TREND, {"QueryDate": day.name, "CountBy": count})
    for count in COUNTS:
        day.distributions[count] = prober.ask(DISTRIBUTION, {"QueryDate": day.name, "CountBy": count})
    day.quality = prober.ask(QUALITY, {"QueryDate": day.name})
    _find_sessions(prober, log, day)
    return day


def _find_sessions(prober: Prober, log: CallLog, day: Day) -> None:
    """Set the sessions of the day, with additional requests for those that its own listing cannot contain."""
    rule = prober.value("window")
    if rule is None or not log.covers(day.start, day.end - 1):
        return
    if rule != "overlap":
        # A call across midnight is listed on only one of the two days, or on neither.
        begin, end = day.start - DAY_SECONDS, day.end + DAY_SECONDS
        if not log.covers(begin, end) and not ask_all(prober, log, begin, end, expected=False).reply.ok:
            # The target refuses three days: ask for one around each midnight.
            half = DAY_SECONDS // 2
            if not all(ask_all(prober, log, time - half, time + half).reply.ok for time in (day.start, day.end)):
                return
    touching = _touching(log, day)
    for _ in range(_MAX_MARGIN):
        earlier = [
            each.create for each in touching if each.create < day.start and not log.covers(each.create, day.start)
        ]
        if not earlier or not ask_all(prober, log, min(earlier), day.start, expected=False).reply.ok:
            break
    day.sessions = _touching(log, day)
    if rule != "overlap" and max(day.distribution_totals(1).values(), default=0) > (day.total(1) or 0):
        # There may be calls of more than a day, which are listed on none of these three.
        day.may_lack_long_calls = not _ask_days_around(prober, log, day) and rule == "contained"
        day.sessions = _touching(log, day)
    if all(each.create >= day.start or log.covers(each.create, day.start) for each in day.sessions):
        first: dict[tuple[str, str], int] = {}
        for each in log.sessions.values():
            pair = each.user, each.room
            first[pair] = min(first.get(pair, each.enter), each.enter)
        day.first_enters = [enter for enter in first.values() if day.start <= enter < day.end]


def _ask_days_around(prober: Prober, log: CallLog, day: Day) -> bool:
    """Ask for the days around a day: return whether in one range, and otherwise ask for several of the longest ranges."""
    begin, end = day.start - _LONG * DAY_SECONDS, day.end + _LONG * DAY_SECONDS
    if ask_all(prober, log, begin, end, expected=False).reply.ok:
        return True
    accepted = max((each.end - each.begin for each in log.listings), default=0) // DAY_SECONDS
    span = max(1, prober.value("max_range_days") or accepted)
    # A range contains the calls of which it contains the whole, or otherwise their begin or end.
    step = 1 if prober.value("window") == "contained" else span
    for number in range(0, 2 * _LONG + 1, step):
        first = begin + number * DAY_SECONDS
        ask_all(prober, log, first, first + span * DAY_SECONDS, expected=False)
    return False


def _touching(log: CallLog, day: Day) -> list[Session]:
    return [
        each
        for each in log.sessions.values()
        if each.enter < day.end and (each.leave is None or each.leave >= day.start)
    ]
