"""The recorded world: the sessions written in a scenario, checked and stored as columns."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from operator import itemgetter
from typing import Any

import numpy as np

from mockserver.core.clock import parse_time, show_time
from mockserver.core.errors import Mistake, Mistakes
from mockserver.core.text import pluralize
from mockserver.world.demographics import PlaceHierarchy
from mockserver.world.sessions import COLUMNS, DIMENSIONS, I64, MAX_TIME, MIN_TIME, TEXTS, Sessions, WorldError

Pointer = tuple[str | int, ...]
Row = dict[str, Any]
_RELATIVE = re.compile(r"\s*(now|today)\b")
_DEFAULT_LABELS = {"country": "中国", "province": "广东省", "city": "深圳市", "network": "WiFi"}
_DEFAULT_QUALITY = {"audio_loss": 0.3, "video_loss": 0.4, "audio_delay": 45.0, "video_delay": 60.0}
"""Losses in percent, delays in milliseconds."""


def depends_on_now(spec: Mapping[str, Any]) -> bool:
    """Whether any time in the block is relative (`now-2h`, `today 10:00`)."""
    rooms = spec.get("rooms") or ()
    times = [session.get(name) for room in rooms for session in room["stays"] for name in ("enter", "leave")]
    times += [time for room in rooms for time in room.get("failed_joins", ())]
    return any(isinstance(time, str) and _RELATIVE.match(time) for time in times)


def recorded_world(spec: Mapping[str, Any], now: int) -> RecordedWorld:
    """Return the world of a `world: {source: recorded, rooms: […]}` block; WorldError has everything that is invalid."""
    mistakes = Mistakes()
    rows: list[Row] = []
    failed: list[int] = []
    indices: dict[str, int] = {}
    for index, room in enumerate(spec.get("rooms") or ()):
        at: Pointer = ("rooms", index)
        if indices.setdefault(room["RoomId"], index) != index:
            mistakes.add(WorldError.of((*at, "RoomId"), "room_twice"))
        rows += _rows(room, at, now, mistakes)
        for number, time in enumerate(room.get("failed_joins", ())):
            with mistakes.collect(*at, "failed_joins", number):
                failed.append(_time(time, now))
    _check_overlaps(rows, mistakes)
    hierarchy = PlaceHierarchy()
    for row in rows:
        if conflict := hierarchy.add(row["country"], row["province"], row["city"]):
            mistakes.append(Mistake((*row["at"], conflict.parent), conflict.text))
    mistakes.check(WorldError)
    return RecordedWorld(rows, sorted(failed))


def future_sessions(spec: Mapping[str, Any], now: int) -> Mistake | None:
    """Return a warning about the sessions of a valid block that begin after now; None if there are none."""
    future = [
        (second, ("rooms", index, "stays", number, "enter"), session["enter"])
        for index, room in enumerate(spec.get("rooms") or ())
        for number, session in enumerate(room["stays"])
        if (second := parse_time(session["enter"], now)) > now
    ]
    if not future:
        return None
    second, pointer, enter = min(future, key=itemgetter(0))
    first, count = f"{_show(enter, second)}; now: {show_time(now)}", len(future)
    return Mistake(pointer, TEXTS["future"].format(stays=pluralize(count, "stay"), count=count, first=first))


class RecordedWorld:
    """A `World` of rows that were written down."""

    def __init__(self, rows: Sequence[Row], failed: Sequence[int]) -> None:
        self._users, self._rooms, *_ = labels = [
            list(dict.fromkeys(row[name] for row in rows)) for name in ("user", "room", *DIMENSIONS)
        ]
        self._labels = dict(zip(DIMENSIONS, labels[2:], strict=True))
        codes = {
            name: {label: code for code, label in enumerate(column)}
            for name, column in zip(("user", "room", *DIMENSIONS), labels, strict=True)
        }
        self._sessions = Sessions(
            *(
                np.array([codes[name][row[name]] if name in codes else row[name] for row in rows], kind)
                for name, kind in COLUMNS.items()
            )
        )
        self._failed: I64 = np.array(failed, np.int64)
        self._rows_of_user = _rows_by_code(self._sessions.user)
        self._rows_of_room = _rows_by_code(self._sessions.room)
        self._user_codes, self._room_codes = codes["user"], codes["room"]

    def sessions_of_user(self, user_id: str, begin: int, end: int) -> Sessions:
        """Return the sessions of a user that overlap [begin, end]."""
        code = self._user_codes.get(user_id)
        if code is None:
            return Sessions.empty()
        return self._sessions.take(self._rows_of_user[code]).overlapping(begin, end)

    def sessions_of_room(self, room_id: str) -> Sessions:
        """Return all sessions of a room; no rows if the room is unknown."""
        code = self._room_codes.get(room_id)
        return Sessions.empty() if code is None else self._sessions.take(self._rows_of_room[code])

    def sessions_between(self, begin: int, end: int) -> Sessions:
        """Return all sessions that overlap [begin, end]."""
        return self._sessions.overlapping(begin, end)

    def failed_joins(self, begin: int, end: int) -> I64:
        """Return the times in [begin, end) at which a user failed to join a room, ascending."""
        low, high = np.searchsorted(self._failed, [begin, end])
        return self._failed[low:high]

    def has_user(self, user_id: str) -> bool:
        """Whether the user has any session."""
        return user_id in self._user_codes

    def user_ids(self, codes: Any) -> list[str]:
        """Return the UserIds of user codes."""
        return [self._users[code] for code in codes.tolist()]

    def room_ids(self, codes: Any) -> list[str]:
        """Return the RoomIds of room codes."""
        return [self._rooms[code] for code in codes.tolist()]

    def labels(self, dimension: str) -> Sequence[str]:
        """Return the labels of a dimension, indexed by code."""
        return self._labels[dimension]


def _rows(room: Mapping[str, Any], at: Pointer, now: int, mistakes: Mistakes) -> list[Row]:
    """The sessions of a room by enter time; the first one is the host's."""
    rows: list[Row] = []
    for number, session in enumerate(room["stays"]):
        here = (*at, "stays", number)
        with mistakes.collect(*here):
            enter, leave = _times(session, now)
            row = {"user": session["UserId"], "room": room["RoomId"], "enter": enter, "leave": leave, "at": here}
            row |= {name: session.get(name, 0) for name in ("audio", "video")}
            row |= {name: round(1_000 * session.get(name, value)) for name, value in _DEFAULT_QUALITY.items()}
            row |= {name: session.get(name, label) for name, label in _DEFAULT_LABELS.items()}
            rows.append(row)
    rows.sort(key=lambda row: (row["enter"], row["at"]))
    create, destroy = (min(row["enter"] for row in rows), max(row["leave"] for row in rows)) if rows else (0, 0)
    users: set[str] = set()
    for row in rows:
        row |= {"create": create, "destroy": destroy, "host": row is rows[0], "first": row["user"] not in users}
        users.add(row["user"])
    return rows


def _times(session: Mapping[str, Any], now: int) -> tuple[int, int]:
    """The seconds of enter and leave; WorldError if one is invalid, or too early for the other or for the streams."""
    mistakes = Mistakes()
    times = {"leave": MAX_TIME}
    for name in ("enter", "leave"):
        if name in session:
            with mistakes.collect(name):
                times[name] = _time(session[name], now)
    mistakes.check(WorldError)
    enter, leave = times["enter"], times["leave"]
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


def _rows_by_code(codes: I64) -> dict[int, I64]:
    """The indices of the rows with each code."""
    order = np.argsort(codes, kind="stable")
    values, starts = np.unique(codes[order], return_index=True)
    return dict(zip(values.tolist(), np.split(order, starts[1:]), strict=True)) if len(codes) else {}
