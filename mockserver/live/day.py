"""One finished day of a target: the answers of 3.1, 3.2 and 3.3 for that day, and the sessions that they count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mockserver.core.clock import DAY_SECONDS, parse_day
from mockserver.live.call_log import CallLog, Session, ask_all, seconds_of
from mockserver.live.probing import DISTRIBUTION, QUALITY, TREND, Prober, Reply

COUNTS = (1, 2, 3, 4)
COLUMNS = ("CommunicateDuration", "RoomCnt", "PeakOnlineNum", "CommunicateNum")
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
    first_enters: int | None = None  # Pairs of user and room whose first session began on the day.

    @property
    def end(self) -> int:
        """The first second after the day."""
        return self.start + DAY_SECONDS

    def volumes(self, count: int) -> list[tuple[int, int]]:
        """Return TickTime and Volume of the rows for one CountBy, without rows that lack a valid TickTime."""
        return ticks_of(self.trends[count].rows("TrendData")) if count in self.trends else []

    def seconds(self) -> int:
        """Return the total seconds of all sessions within the day."""
        return sum(end - begin for begin, end in self.spans())

    def spans(self) -> list[tuple[int, int]]:
        """Return begin and end of each session, clipped to the day."""
        spans = [
            (max(each.enter, self.start), min(self.end if each.leave is None else each.leave, self.end))
            for each in self.sessions or ()
        ]
        return [(begin, end) for begin, end in spans if begin < end]

    def rooms(self) -> int:
        """Return the number of rooms that were created on the day."""
        return len({each.room for each in self.sessions or () if self.start <= each.create < self.end})

    def peaks(self) -> tuple[int, int]:
        """Return the lowest and the highest possible peak of concurrent sessions.

        In the highest, a session that ends in the second in which another begins overlaps it.
        """
        return _peak(self.spans(), 0), _peak(self.spans(), 1)


def _peak(spans: Iterable[tuple[int, int]], closed: int) -> int:
    events = sorted([(begin, 1) for begin, _ in spans] + [(end + closed, -1) for _, end in spans])
    highest = height = 0
    for _, change in events:
        height += change
        highest = max(highest, height)
    return highest


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
            return
    touching = _touching(log, day)
    for _ in range(_MAX_MARGIN):
        earlier = [
            each.create for each in touching if each.create < day.start and not log.covers(each.create, day.start)
        ]
        if not earlier or not ask_all(prober, log, min(earlier), day.start, expected=False).reply.ok:
            break
    day.sessions = _touching(log, day)
    if all(each.create >= day.start or log.covers(each.create, day.start) for each in day.sessions):
        first: dict[tuple[str, str], int] = {}
        for each in log.sessions.values():
            pair = each.user, each.room
            first[pair] = min(first.get(pair, each.enter), each.enter)
        day.first_enters = sum(day.start <= enter < day.end for enter in first.values())


def _touching(log: CallLog, day: Day) -> list[Session]:
    return [
        each
        for each in log.sessions.values()
        if each.enter < day.end and (each.leave is None or each.leave >= day.start)
    ]
