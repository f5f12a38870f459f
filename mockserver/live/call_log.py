"""The calls of a target: sessions collected from the answers of 2.1 and 2.3, and the requests that returned them."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mockserver.core.clock import DAY_SECONDS, format_day, parse_day, start_of_day
from mockserver.live import clues
from mockserver.live.probing import ALL, RECORDS, Prober
from mockserver.live.replies import Reply

RECENT = 4 * 3_600  # Assumed maximum length of a call, in seconds.
_SAMPLE_DAY = "20191210"  # The day of the document's samples.
_HOUR = 3_600
_RECENT = (_HOUR, 6 * _HOUR, DAY_SECONDS)  # Time spans before now that are searched for calls.
_ENOUGH = 12  # Finished sessions after which the search for calls ends.
_SINGLE_DAYS, _MAX_DAYS_BACK = 3, 31
Key = tuple[str, str, int]  # UserId, RoomId, EnterTime.


@dataclass(frozen=True, slots=True)
class Session:
    """One session; `leave` is None while it is in progress. Times are in seconds since the epoch."""

    user: str
    room: str
    create: int
    enter: int
    leave: int | None
    audio: int
    video: int

    @property
    def key(self) -> Key:
        """The values that identify the session."""
        return self.user, self.room, self.enter


@dataclass(frozen=True, slots=True)
class Listing:
    """An answer of 2.1 (`user` is set) or 2.3, with its sessions."""

    reply: Reply
    user: str | None
    begin: int
    end: int
    sessions: Mapping[Key, Session]
    repeated: Session | None = None  # A session that is listed more than once.


@dataclass
class CallLog:
    """All sessions seen, with the listings that contain them."""

    started: float  # When the examination began, by the target's clock.
    sessions: dict[Key, Session] = field(default_factory=dict)
    listings: list[Listing] = field(default_factory=list)
    conflicts: list[tuple[Session, Session, Listing]] = field(default_factory=list)
    day: str = ""  # The finished day that is examined; empty if there is none.

    def settled(self) -> list[Session]:
        """Return the finished sessions of rooms that had ended when the examination began."""
        return list(itertools.chain.from_iterable(self.settled_rooms().values()))

    def settled_rooms(self) -> dict[str, list[Session]]:
        """Return the rooms that had ended when the examination began, with their sessions."""
        rooms: dict[str, list[Session]] = defaultdict(list)
        for session in self.sessions.values():
            rooms[session.room].append(session)
        limit = self.started - 5
        return {
            room: sorted(sessions, key=lambda each: (each.enter, each.user))
            for room, sessions in rooms.items()
            if all(each.leave is not None and each.leave < limit for each in sessions)
        }

    def covers(self, begin: int, end: int) -> bool:
        """Return whether the time range of one answer of 2.3 contains this one."""
        return any(each.user is None and each.begin <= begin and each.end >= end for each in self.listings)

    def add(self, listing: Listing) -> None:
        """Add a listing; a session that has changed since it was settled is a conflict."""
        self.listings.append(listing)
        for key, session in listing.sessions.items():
            known = self.sessions.get(key)
            if known is not None and known != session and known.leave is not None and known.leave < self.started - 5:
                self.conflicts.append((known, session, listing))
            else:
                self.sessions[key] = session


def selects(rule: str, session: Session, begin: int, end: int) -> bool:
    """Return whether a closed time range selects a finished session under a value of the reading `window`."""
    leave = session.leave
    assert leave is not None
    return clues.selects(rule, begin, end, session.enter, leave)


def ask_all(prober: Prober, log: CallLog, begin: int, end: int, *, expected: bool = True) -> Listing:
    """Send a request to 2.3 for a time range, and add the answer to the log."""
    reply = prober.ask(ALL, {"BeginTime": str(begin), "EndTime": str(end)}, expected=expected)
    return _add(log, reply, None, begin, end, reply.rows("UsersList"))


def ask_user(prober: Prober, log: CallLog, user: str, begin: int, end: int, *, expected: bool = True) -> Listing:
    """Send a request to 2.1 for a user, and add the answer to the log."""
    reply = prober.ask(RECORDS, {"UserId": user, "BeginTime": str(begin), "EndTime": str(end)}, expected=expected)
    rooms = [(room, room.get("RoomRecords")) for room in reply.rows("UserRecords")]
    rows = [
        {**record, "UserId": user, "RoomId": room.get("RoomId"), "CreateTime": room.get("CreateTime")}
        for room, records in rooms
        for record in (records if isinstance(records, list) else ())
        if isinstance(record, dict)
    ]
    return _add(log, reply, user, begin, end, rows)


def _add(
    log: CallLog, reply: Reply, user: str | None, begin: int, end: int, rows: Iterable[Mapping[str, Any]]
) -> Listing:
    sessions: dict[Key, Session] = {}
    repeated = None
    for session in _sessions_of_rows(rows):
        repeated = session if session.key in sessions else repeated
        sessions[session.key] = session
    listing = Listing(reply, user, begin, end, sessions, repeated)
    if reply.ok:
        log.add(listing)
    return listing


def seconds_of(value: Any) -> int | None:
    """Return a timestamp in seconds; None if it is invalid, or if it is the `0` or empty text of a call in progress."""
    try:
        return int(value) or None
    except (TypeError, ValueError):
        return None


def _sessions_of_rows(rows: Iterable[Mapping[str, Any]]) -> Iterator[Session]:
    for row in rows:
        enter, create, leave = (seconds_of(row.get(name)) for name in ("EnterTime", "CreateTime", "LeaveTime"))
        user, room = row.get("UserId"), row.get("RoomId")
        if enter is None or not isinstance(user, str) or not isinstance(room, str):
            continue
        audio, video = (seconds_of(row.get(name)) or 0 for name in ("AudioDuration", "VideoDuration"))
        # A call in progress may be listed with the current time as its end.
        yield Session(user, room, create or enter, enter, leave, audio, video)


def discover(prober: Prober, *, user: str | None, room: str | None, day: str | None) -> CallLog:
    """Find calls to examine: those of `day`, or the newest. Choose a finished day for the statistics."""
    now = int(prober.now())
    log = CallLog(now - prober.clock_error)
    today = start_of_day(now)
    if day is not None:
        start = parse_day(day)
        ask_all(prober, log, start, min(start + DAY_SECONDS - 1, max(now, start)))
    else:
        for span in _RECENT:
            ask_all(prober, log, now - span, now)
            if len(log.settled()) >= _ENOUGH:
                break
        _look_back(prober, log, today)
    if day is None or start + DAY_SECONDS <= now:
        log.day = day or _busiest_day(log, today)
    if log.day and day is None:
        start = parse_day(log.day)
        if not any(each.begin == start and each.end == start + DAY_SECONDS - 1 for each in log.listings):
            ask_all(prober, log, start, start + DAY_SECONDS - 1)
    if day is not None or not any(each.end >= now - 60 for each in log.listings):
        ask_all(prober, log, now - _HOUR, now)
    begin, end = main_window(log)
    if user is not None:
        ask_user(prober, log, user, begin, end)
    return log


def _look_back(prober: Prober, log: CallLog, today: int) -> None:
    """Search backwards for a day whose calls have all ended: three single days, then a month, or else more days."""
    for number in range(1, _MAX_DAYS_BACK + 1):
        start = today - number * DAY_SECONDS
        if not log.covers(start, start + DAY_SECONDS - 1):
            ask_all(prober, log, start, start + DAY_SECONDS - 1)
        # Rooms of the day before are only known in part. Sums can only be checked for a day whose calls have all ended.
        has_rooms = any(start_of_day(each.create) == start for each in log.settled())
        if has_rooms and start + DAY_SECONDS <= log.started - RECENT:
            return
        if number == _SINGLE_DAYS:
            month = ask_all(prober, log, today - 31 * DAY_SECONDS, today - 1, expected=False)
            if month.reply.ok:
                break
    if not log.settled():
        start = parse_day(_SAMPLE_DAY)
        ask_all(prober, log, start, start + DAY_SECONDS - 1)


def _busiest_day(log: CallLog, today: int) -> str:
    """Return the day before today with the most calls, preferably one on which no call can still be in progress."""
    counts: dict[int, int] = defaultdict(int)
    for session in log.settled():
        if (start := start_of_day(session.enter)) < today:
            counts[start] += 1
    ended = [start for start in counts if start + DAY_SECONDS <= log.started - RECENT]
    return format_day(max(ended or counts, key=lambda start: (counts[start], start))) if counts else ""


def main_window(log: CallLog) -> tuple[int, int]:
    """Return the time range of 2.3 whose answer has the most sessions."""
    listings = [each for each in log.listings if each.user is None]
    best = max(listings, key=lambda each: len(each.sessions), default=None)
    return (best.begin, best.end) if best else (int(log.started) - _HOUR, int(log.started))
