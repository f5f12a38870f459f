"""The recorded world: the sessions written in a scenario, checked and stored as columns."""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from mockserver.core.clock import parse_time, show_time
from mockserver.core.documents import unreadable
from mockserver.core.errors import ConfigurationError, Mistake, Mistakes
from mockserver.core.text import pluralize
from mockserver.world.coverage import Coverage, Room, parse_coverage
from mockserver.world.demographics import PlaceHierarchy
from mockserver.world.json_rows import encoder
from mockserver.world.session_files import (
    FIELDS,
    IDS,
    LABELS,
    MAX_FOUND,
    QUALITY,
    Found,
    Table,
    make_table,
    read_sessions,
)
from mockserver.world.sessions import COLUMNS, DIMENSIONS, I64, MAX_TIME, MIN_TIME, TEXTS, Sessions, WorldError

Pointer = tuple[str | int, ...]
Row = dict[str, Any]
_COLUMN_OF_FIELD = {"UserId": "user", "RoomId": "room"}
_RELATIVE = re.compile(r"\s*(now|today)\b")


def depends_on_now(spec: Mapping[str, Any]) -> bool:
    """Whether any time in the block is relative (`now-2h`, `today 10:00`)."""
    rooms = spec.get("rooms") or ()
    times = [session.get(name) for room in rooms for session in room.get("stays", ()) for name in ("enter", "leave")]
    times += [time for room in rooms for time in room.get("failed_joins", ())]
    return any(isinstance(time, str) and _RELATIVE.match(time) for time in times)


def recorded_world(spec: Mapping[str, Any], now: int) -> RecordedWorld:
    """Return the world of a `world: {source: recorded, …}` block.

    Raises WorldError with everything that is invalid in the block, and ConfigurationError for its file of sessions. A
    recording of a real backend is served as recorded, consistent or not.
    """
    mistakes = Mistakes()
    rows: list[Row] = []
    failed: list[int] = []
    indices: dict[str, int] = {}
    seen: dict[str, dict[str, int]] = {}
    consistent = "recorded_at" not in spec
    table = _table(spec["sessions"]) if "sessions" in spec else None

    def time(value: str | int, pointer: Pointer) -> int:
        with mistakes.collect(*pointer):
            return _time(value, now)
        return 0

    coverage = parse_coverage(
        spec, time, lambda index: mistakes.add(WorldError.of(("covers", index), "covers_swapped"))
    )
    for index, room in enumerate(spec.get("rooms") or ()):
        at: Pointer = ("rooms", index)
        if indices.setdefault(room["RoomId"], index) != index:
            mistakes.add(WorldError.of((*at, "RoomId"), "room_twice"))
        if table is not None and "stays" in room:
            mistakes.add(WorldError.of((*at, "stays"), "csv_beside_stays"))
        rows += _rows(room, at, now, mistakes, consistent=consistent)
        failed += [time(value, (*at, "failed_joins", n)) for n, value in enumerate(room.get("failed_joins", ()))]
        seen[room["RoomId"]] = {n: time(room[n], (*at, n)) for n in ("CreateTime", "DestroyTime") if n in room}
        if coverage:
            coverage.add_room(room, seen[room["RoomId"]])
    if consistent:
        _check_overlaps(rows, mistakes)
        hierarchy = PlaceHierarchy()
        for row in rows:
            if conflict := hierarchy.add(row["country"], row["province"], row["city"]):
                mistakes.append(Mistake((*row["at"], conflict.parent), conflict.text))
    mistakes.check(WorldError)
    if table is None:
        table = _table_of(rows)
    elif consistent:
        check_sessions(table)
    else:
        table.check()
    return RecordedWorld(table, sorted(failed), seen, coverage)


def _table(path: Path) -> Table:
    try:
        status = path.stat()
    except OSError as error:
        raise ConfigurationError([unreadable(path, error)]) from None
    return _read_version(path, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=2)  # A reload does not read unchanged files again.
def _read_version(path: Path, *_version: int) -> Table:
    return read_sessions(path)


def _table_of(rows: Sequence[Row]) -> Table:
    """Return the sessions as columns."""
    columns: dict[str, Any] = {name: np.zeros(len(rows), np.int64) for name in ("CreateTime", "DestroyTime")}
    codes: dict[str, dict[str, int]] = {}
    for field in FIELDS[: -len(columns)]:
        name = _COLUMN_OF_FIELD.get(field, field)
        values = [row[name] for row in rows]
        if field in (*IDS, *LABELS):
            own = codes[field] = {text: code for code, text in enumerate(dict.fromkeys(values))}
            values = [own[value] for value in values]
        columns[field] = np.array(values, np.int64)
    return make_table(columns, codes)


def future_sessions(spec: Mapping[str, Any], now: int) -> Mistake | None:
    """Return a warning about the sessions of a valid block that begin after now; None if there are none."""
    future = [
        (second, ("rooms", index, "stays", number, "enter"), session["enter"])
        for index, room in enumerate(spec.get("rooms") or ())
        for number, session in enumerate(room.get("stays", ()))
        if (second := parse_time(session["enter"], now)) > now
    ]
    if not future:
        return None
    second, pointer, enter = min(future, key=itemgetter(0))
    first, count = f"{_show(enter, second)}; now: {show_time(now)}", len(future)
    return Mistake(pointer, TEXTS["future"].format(stays=pluralize(count, "stay"), count=count, first=first))


class RecordedWorld:
    """A `World` of recorded sessions, sorted by enter time."""

    def __init__(
        self,
        table: Table,
        failed: Sequence[int] = (),
        seen: Mapping[str, Mapping[str, int]] | None = None,
        coverage: Coverage | None = None,
    ) -> None:
        self.coverage = coverage
        self._users, self._rooms = (table.texts[name] for name in ("UserId", "RoomId"))
        self._user_codes, self._room_codes = (table.codes[name] for name in ("UserId", "RoomId"))
        self.user_json, self.room_json = encoder(self._users), encoder(self._rooms)
        self._labels = {name: table.texts[name] for name in DIMENSIONS}
        columns = {_COLUMN_OF_FIELD.get(name, name): values for name, values in table.columns.items()}
        self._rows_of_user = _RowsByCode(columns["user"], len(self._users))
        self._rows_of_room = _RowsByCode(columns["room"], len(self._rooms))
        self._destroyed = self._seen_by_room(columns, "DestroyTime", seen or {})
        self._sessions = _sessions(columns, self._seen_by_room(columns, "CreateTime", seen or {}), self._destroyed)
        self._failed: I64 = np.array(failed, np.int64)
        self._latest_leave = np.maximum.accumulate(self._sessions.leave) if len(table.rows) else self._sessions.leave

    def _seen_by_room(self, columns: Mapping[str, I64], name: str, seen: Mapping[str, Mapping[str, int]]) -> I64:
        """Return a recorded time of each room; 0 if it was not recorded."""
        times: I64 = np.zeros(len(self._rooms), np.int64)
        rows = np.flatnonzero(columns[name])
        times[columns["room"][rows]] = columns[name][rows]
        for room, values in seen.items():
            if name in values and room in self._room_codes:
                times[self._room_codes[room]] = values[name]
        return times

    def sessions_of_user(self, user_id: str, begin: int, end: int) -> Sessions:
        """Return the sessions of a user that overlap [begin, end]."""
        code = self._user_codes.get(user_id)
        found = Sessions.empty() if code is None else self._sessions.take(self._rows_of_user[code])
        return found.overlapping(begin, end)

    def sessions_of_room(self, room_id: str) -> Sessions:
        """Return all sessions of a room; no rows if the room is unknown."""
        code = self._room_codes.get(room_id)
        return Sessions.empty() if code is None else self._sessions.take(self._rows_of_room[code])

    def sessions_between(self, begin: int, end: int) -> Sessions:
        """Return all sessions that overlap [begin, end]."""
        # All sessions before `first` have ended; those from `last` on have not begun.
        first = int(np.searchsorted(self._latest_leave, begin))
        last = int(np.searchsorted(self._sessions.enter, end, side="right"))
        return self._sessions.take(slice(first, max(first, last))).overlapping(begin, end)

    def known_room(self, room_id: str) -> Room | None:
        """Return the recorded times of a room; None if it has no session."""
        sessions = self.sessions_of_room(room_id)
        if not len(sessions):
            return None
        destroy = int(self._destroyed[self._room_codes[room_id]])
        return Room(int(sessions.create[0]), int(sessions.leave.max()), destroy)

    def failed_joins(self, begin: int, end: int) -> I64:
        """Return the times in [begin, end) at which a user failed to join a room, ascending."""
        low, high = np.searchsorted(self._failed, [begin, end])
        return self._failed[low:high]

    def has_user(self, user_id: str) -> bool:
        """Whether the user has any session, or an answer of a recording shows that there are none in a time span."""
        return user_id in self._user_codes or (self.coverage is not None and user_id in self.coverage.users)

    def user_ids(self, codes: Any) -> list[str]:
        """Return the UserIds of user codes."""
        return list(map(self._users.__getitem__, codes.tolist()))

    def room_ids(self, codes: Any) -> list[str]:
        """Return the RoomIds of room codes."""
        return list(map(self._rooms.__getitem__, codes.tolist()))

    def labels(self, dimension: str) -> Sequence[str]:
        """Return the labels of a dimension, indexed by code."""
        return self._labels[dimension]


def check_sessions(table: Table) -> None:
    """Raise ConfigurationError unless the sessions of a file have a valid length and do not overlap for any user."""
    columns, users, rooms = table.columns, table.texts["UserId"], table.texts["RoomId"]
    enter, leave = columns["enter"], columns["leave"]
    found: list[Found] = []
    # A cell that is invalid itself would only cause further mistakes.
    is_timed = table.valid("enter", "leave")
    for row in np.flatnonzero((leave <= enter) & is_timed).tolist()[:MAX_FOUND]:
        text = TEXTS["leave_before_enter"].format(leave=show_time(leave[row]), enter=show_time(enter[row]))
        found.append((row, "leave", text))
    for name in ("audio", "video"):
        is_wrong = (columns[name] > leave - enter) & (leave > enter) & is_timed & table.valid(name)
        for row in np.flatnonzero(is_wrong).tolist()[:MAX_FOUND]:
            text = TEXTS["stream_too_long"].format(stream=name, limit=int(leave[row] - enter[row]))
            found.append((row, name, text))
    order = np.argsort(columns["UserId"], kind="stable")
    order = order[(is_timed & (leave > enter) & table.valid("UserId"))[order]]
    before, after = order[:-1], order[1:]
    overlaps = (columns["UserId"][before] == columns["UserId"][after]) & (enter[after] < leave[before])
    for index in np.flatnonzero(overlaps).tolist()[:MAX_FOUND]:
        first, second = int(before[index]), int(after[index])
        values = {"user": users[columns["UserId"][first]], "room": rooms[columns["RoomId"][first]]}
        times = {"enter": show_time(enter[second]), "leave": show_time(leave[first])}
        found.append((second, "enter", TEXTS["overlap"].format(**values, **times)))
    hierarchy = PlaceHierarchy()
    names = ("country", "province", "city")
    country, province, city = (columns[name].astype(np.int64) for name in names)
    places = (country * len(table.texts["province"]) + province) * len(table.texts["city"]) + city
    rows = np.flatnonzero(table.valid(*names))
    for row in rows[np.unique(places[rows], return_index=True)[1]].tolist():
        if conflict := hierarchy.add(*(table.texts[name][columns[name][row]] for name in names)):
            found.append((row, conflict.level, conflict.text))
    table.check(found)


def _sessions(columns: dict[str, I64], created: I64, destroyed: I64) -> Sessions:
    """Return the sessions with derived columns such as hosts and first sessions; `columns` must be sorted by enter."""
    room, user, count = columns["room"], columns["user"], len(columns["room"])
    create, destroy = np.full(len(created), MAX_TIME), np.zeros(len(created), np.int64)
    np.minimum.at(create, room, columns["enter"])
    np.maximum.at(destroy, room, columns["leave"])
    create = np.where(created > 0, created, create)
    destroy = np.maximum(destroy, destroyed)
    # The rows are sorted, so the first row of a room is its host's, and that of a pair is its first session.
    hosts, firsts = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    hosts[np.unique(room, return_index=True)[1]] = True
    firsts[np.unique(room * (int(user.max(initial=0)) + 1) + user, return_index=True)[1]] = True
    derived = {"create": create[room], "destroy": destroy[room], "host": hosts, "first": firsts}
    return Sessions(*({**columns, **derived}[name].astype(kind, copy=False) for name, kind in COLUMNS.items()))


def _rows(room: Mapping[str, Any], at: Pointer, now: int, mistakes: Mistakes, *, consistent: bool = True) -> list[Row]:
    """The sessions of a room by enter time."""
    rows: list[Row] = []
    for number, session in enumerate(room.get("stays", ())):
        here = (*at, "stays", number)
        with mistakes.collect(*here):
            enter, leave = _times(session, now, consistent=consistent)
            row = {"user": session["UserId"], "room": room["RoomId"], "enter": enter, "leave": leave, "at": here}
            row |= {name: session.get(name, 0) for name in ("audio", "video")}
            row |= {name: round(1_000 * session.get(name, value)) for name, value in QUALITY.items()}
            row |= {name: session.get(name, label) for name, label in LABELS.items()}
            rows.append(row)
    rows.sort(key=lambda row: (row["enter"], row["at"]))
    return rows


def _times(session: Mapping[str, Any], now: int, *, consistent: bool = True) -> tuple[int, int]:
    """Return the seconds of enter and leave. Raises WorldError if they are invalid or contradict the rest."""
    mistakes = Mistakes()
    times = {"leave": MAX_TIME}
    for name in ("enter", "leave"):
        if name in session:
            with mistakes.collect(name):
                times[name] = _time(session[name], now)
    mistakes.check(WorldError)
    enter, leave = times["enter"], times["leave"]
    if not consistent:
        return enter, leave
    if leave <= enter:
        shown = {name: _show(session.get(name, second), second) for name, second in times.items()}
        raise WorldError.of(("leave",), "leave_before_enter", **shown)
    limit = leave - enter
    for name in ("audio", "video"):
        if session.get(name, 0) > limit:
            mistakes.add(WorldError.of((name,), "stream_too_long", stream=name, limit=limit))
    mistakes.check(WorldError)
    return enter, leave


def _show(value: str | int, second: int) -> str:
    """A time as it is written and as it was resolved: `today 10:00 (2019-12-10T10:00:00+08:00)`."""
    resolved = show_time(second)
    return resolved if str(value) == resolved else f"{value} ({resolved})"


def _time(value: str | int, now: int) -> int:
    second = parse_time(value, now)
    if not MIN_TIME <= second <= MAX_TIME:
        raise WorldError.of((), "too_early" if second < MIN_TIME else "too_late", value=value)
    return second


def _check_overlaps(rows: Sequence[Row], mistakes: Mistakes) -> None:
    """Add a mistake for each session of a user that begins before the one before it has ended."""
    rows_of_user: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        rows_of_user[row["user"]].append(row)
    for user, sessions in rows_of_user.items():
        sessions.sort(key=lambda row: row["enter"])
        for earlier, later in pairwise(sessions):
            if later["enter"] < earlier["leave"]:
                times = {"enter": show_time(later["enter"]), "leave": show_time(earlier["leave"])}
                at = (*later["at"], "enter")
                mistakes.add(WorldError.of(at, "overlap", user=user, room=earlier["room"], **times))


class _RowsByCode:
    """The indices of the rows with each code."""

    def __init__(self, codes: I64, count: int) -> None:
        order = np.argsort(codes, kind="stable")
        starts = np.searchsorted(codes[order], np.arange(count + 1))
        self._order, self._starts = order.astype(np.int32), starts.astype(np.int32)

    def __getitem__(self, code: int) -> Any:
        return self._order[self._starts[code] : self._starts[code + 1]]
