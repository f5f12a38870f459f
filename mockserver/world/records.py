"""The record views (§2.1, §2.2, §2.3): who was in which room, from when to when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
import orjson

from mockserver.contract.readings import Readings
from mockserver.core.clock import DAY_SECONDS
from mockserver.core.errors import NotFound
from mockserver.world.json_rows import encode_numbers, encode_rows, join_rows
from mockserver.world.sessions import I64, MAX_TIME, Flags, Sessions, Snapshot, as_of
from mockserver.world.sources import World

PART_ROWS = 4_000  # Rows of a response that are built, checked and encoded at once.
MAX_ROWS = 1_000_000
"""Maximum rows of an answer under any reading: about 150 MB, for which a server takes 1.3 times as much memory."""
_LEAVE_OF_RUNNING = {"zero": "0", "empty": ""}


@dataclass(frozen=True, slots=True)
class ViewResult:
    """The fields of a response after the envelope, in the document's order."""

    fields: dict[str, Any]
    stable_from: int | None = None  # The fields are the same at every now ≥ this second; None if they depend on now.
    rows: bytes = b""
    """All rows of the list as JSON, if `fields` has only a few: those with the extremes of each number and the longest ids."""

    def complete_fields(self) -> dict[str, Any]:
        """Return the fields with all rows."""
        return {name: orjson.loads(b"[%b]" % self.rows) for name in self.fields} if self.rows else self.fields


class TooManyRows(Exception):
    """The answer would have more rows than `limit`."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"more than {limit} rows")


def query_instance_all_records_by_time(
    world: World, body: Mapping[str, Any], now: int, readings: Readings
) -> ViewResult:
    """Return a user's sessions in a span by room (§2.1.6): rooms by CreateTime, sessions by EnterTime."""
    user, begin, end = body["UserId"], int(body["BeginTime"]), int(body["EndTime"])
    snapshot = as_of(world.sessions_of_user(user, begin, min(end, now)), now, readings["ongoing"])
    sessions, leave_times = _select(snapshot, _in_window(snapshot.sessions, begin, end, readings), readings)
    is_known = world.has_user(user) if readings["user_without_calls"] == "known" else len(sessions) > 0
    if readings["unknown_user"] == "error" and not is_known:
        raise NotFound("user_not_found", "UserId", user)
    rooms: dict[tuple[int, str], list[tuple[int, dict[str, Any]]]] = {}
    columns = sessions.lists("create", "enter", "audio", "video")
    for room, leave, create, enter, audio, video in zip(
        world.room_ids(sessions.room), leave_times, *columns, strict=True
    ):
        record = {"EnterTime": str(enter), "AudioDuration": audio, "VideoDuration": video, "LeaveTime": leave}
        rooms.setdefault((create, room), []).append((enter, record))
    records = [
        {
            "RoomId": room,
            "CreateTime": str(create),
            "RoomRecords": [record for _, record in sorted(entries, key=itemgetter(0))],
        }
        for (create, room), entries in sorted(rooms.items(), key=itemgetter(0))
    ]
    return ViewResult({"UserId": user, "UserRecords": records}, max(snapshot.stable_from, end + 1))


def query_room_info(world: World, body: Mapping[str, Any], now: int, readings: Readings) -> ViewResult:
    """Return a room and its users by FirstEnterTime and UserId (§2.2.6); sums are over the sessions in the window."""
    room = body["RoomId"]
    begin, end = int(body.get("BeginTime") or 0), int(body.get("EndTime") or MAX_TIME)
    snapshot = as_of(world.sessions_of_room(room), now, readings["ongoing"])
    sessions = snapshot.sessions
    if not len(sessions):
        return _unknown_room(room, readings)
    create, destroy = int(sessions.create[0]), int(sessions.leave.max())
    if readings["room_window"] == "stays":
        selected = _in_window(sessions, begin, end, readings)
    else:
        selected = np.full(len(sessions), create <= end and destroy >= begin)
    # A recording may have the room's end, but not its last sessions.
    existed = create <= end and bool(sessions.destroy.max() >= begin)
    is_known = {"known": True, "outside": existed, "unknown": bool(selected.any())}
    if not is_known[readings["room_without_calls"]]:
        return _unknown_room(room, readings, snapshot.stable_from)
    fields = {
        "RoomId": room,
        "CreateTime": str(create),
        "DestroyTime": _end_time(destroy, bool(snapshot.running.any()), readings),
        "Users": _users(world, snapshot, selected, readings),
    }
    return ViewResult(fields, snapshot.stable_from)


def _unknown_room(room: str, readings: Readings, stable_from: int | None = None) -> ViewResult:
    if readings["unknown_room"] == "error":
        raise NotFound("room_not_found", "RoomId", room)
    never = "0" if readings["unknown_room_times"] == "zero" else ""
    return ViewResult({"RoomId": room, "CreateTime": never, "DestroyTime": never, "Users": []}, stable_from)


def query_all_instance_by_time(world: World, body: Mapping[str, Any], now: int, readings: Readings) -> ViewResult:
    """Return all sessions in a span by EnterTime, RoomId and UserId (§2.3.6)."""
    parts = list(sessions_in_parts(world, body, now, readings))
    rows = [row for part in parts for row in part.complete_fields()["UsersList"]]
    return ViewResult({"UsersList": rows}, max(part.stable_from or 0 for part in parts))


def sessions_in_parts(world: World, body: Mapping[str, Any], now: int, readings: Readings) -> Iterator[ViewResult]:
    """Yield the result of `query_all_instance_by_time` in parts of about `PART_ROWS` rows, at least one part.

    The world is evaluated day by day, so that memory and pauses stay small for any span. Raises TooManyRows if there
    are more rows than the reading `max_rows` allows.
    """
    limit, count = min(readings["max_rows"] or MAX_ROWS, MAX_ROWS), 0
    # Counting takes a tenth of the time of the rows, so that a refusal does not come late.
    for _, selected in _by_day(world, body, now, readings):
        count += np.count_nonzero(selected)
        if count > limit:
            raise TooManyRows(limit)
    yield ViewResult({"UsersList": []}, int(body["EndTime"]) + 1)
    for snapshot, selected in _by_day(world, body, now, readings):
        sessions, running = snapshot.sessions.take(selected), snapshot.running[selected]
        if (sessions.enter[1:] < sessions.enter[:-1]).any():
            order = np.argsort(sessions.enter, kind="stable")
            sessions, running = sessions.take(order), running[order]
        at = 0
        while at < len(sessions):
            # Rows of the same second stay together: they are sorted by their ids.
            stop = int(
                np.searchsorted(sessions.enter, sessions.enter[min(at + PART_ROWS, len(sessions)) - 1], side="right")
            )
            rows, some = _rows(world, sessions.take(slice(at, stop)), running[at:stop], readings)
            yield ViewResult({"UsersList": some}, snapshot.stable_from, rows)
            at = stop


def _by_day(world: World, body: Mapping[str, Any], now: int, readings: Readings) -> Iterator[tuple[Snapshot, Flags]]:
    """Yield the sessions of each day, and which of them the window selects and belong to no earlier day."""
    begin, end = int(body["BeginTime"]), int(body["EndTime"])
    for first in range(begin, max(min(end, now), begin) + 1, DAY_SECONDS):
        snapshot = as_of(
            world.sessions_between(first, min(first + DAY_SECONDS - 1, min(end, now))), now, readings["ongoing"]
        )
        selected = _in_window(snapshot.sessions, begin, end, readings)
        if first > begin:
            # Sessions with an earlier enter belong to the previous day.
            selected &= snapshot.sessions.enter >= first
        yield snapshot, selected


def _rows(world: World, sessions: Sessions, running: Flags, readings: Readings) -> tuple[bytes, list[dict[str, Any]]]:
    """Return sessions, which are sorted by enter, as `rows` of a `ViewResult`, and those with extreme values."""
    leave = np.where(running, 0, sessions.leave) if readings["ongoing"] in _LEAVE_OF_RUNNING else sessions.leave
    numbers = {
        "CreateTime": sessions.create,
        "EnterTime": sessions.enter,
        "LeaveTime": leave,
        "AudioDuration": sessions.audio,
        "VideoDuration": sessions.video,
    }
    columns = {"UserId": world.user_json(sessions.user), "RoomId": world.room_json(sessions.room)}
    columns |= {name: encode_numbers(values) for name, values in numbers.items()}
    if readings["ongoing"] == "empty":
        columns["LeaveTime"][running] = 0
    table = encode_rows(columns, ("AudioDuration", "VideoDuration"))
    extremes = [pick(values) for values in numbers.values() for pick in (np.argmin, np.argmax)]
    extremes += [columns[name][:, -1].argmax() for name in ("UserId", "RoomId")]
    some = orjson.loads(b"[%b]" % join_rows(table[list(dict.fromkeys(extremes))]))
    return join_rows(table[_order(world, sessions)]), some


def _order(world: World, sessions: Sessions) -> I64:
    """Return the order by EnterTime, RoomId and UserId of sessions that are sorted by enter."""
    order = np.arange(len(sessions))
    same = sessions.enter[1:] == sessions.enter[:-1]
    # Not by `np.union1d`, whose first use imports a module for 20 ms.
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    ties = sessions.take(tied)
    enters, *columns = ties.lists("enter", "leave", "audio", "video")
    ids = world.room_ids(ties.room), world.user_ids(ties.user)
    order[tied] = [row for *_, row in sorted(zip(enters, *ids, *columns, tied.tolist(), strict=True))]
    return order


def _users(world: World, snapshot: Snapshot, selected: Flags, readings: Readings) -> list[dict[str, Any]]:
    sessions = snapshot.sessions.take(selected)
    rows: dict[str, list[list[int]]] = {}
    columns = (*sessions.lists("enter", "leave", "audio", "video"), snapshot.running[selected].tolist())
    for user, *row in zip(world.user_ids(sessions.user), *columns, strict=True):
        rows.setdefault(user, []).append(row)
    users = [(user, *zip(*own, strict=True)) for user, own in rows.items()]
    return [
        {
            "UserId": user,
            "FirstEnterTime": str(min(enters)),
            "LastLeaveTime": _end_time(max(leaves), any(running), readings),
            "AudioDuration": sum(audio),
            "VideoDuration": sum(video),
        }
        for user, enters, leaves, audio, video, running in sorted(users, key=lambda user: (min(user[1]), user[0]))
    ]


def _in_window(sessions: Sessions, begin: int, end: int, readings: Readings) -> Flags:
    """Which sessions the closed span selects under reading `window`."""
    rule = readings["window"]
    entered = (sessions.enter >= begin) & (sessions.enter <= end)
    left = (sessions.leave >= begin) & (sessions.leave <= end)
    if rule == "enter":
        return entered
    if rule == "leave":
        return left
    if rule == "contained":
        return entered & left
    return (sessions.enter <= end) & (sessions.leave >= begin)


def _select(snapshot: Snapshot, selected: Flags, readings: Readings) -> tuple[Sessions, list[str]]:
    """The selected sessions and the LeaveTime of each."""
    sessions, running = snapshot.sessions.take(selected), snapshot.running[selected]
    ends = zip(sessions.leave.tolist(), running.tolist(), strict=True)
    return sessions, [_end_time(leave, is_running, readings) for leave, is_running in ends]


def _end_time(second: int, running: bool, readings: Readings) -> str:
    return _LEAVE_OF_RUNNING.get(readings["ongoing"], str(second)) if running else str(second)
