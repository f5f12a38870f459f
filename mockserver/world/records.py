"""The three record views (§2.1, §2.2, §2.3): who was where, from when to when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mockserver.contract.readings import Readings
from mockserver.core.errors import NotFound
from mockserver.world.answers import Answer
from mockserver.world.asof import Seen, as_of
from mockserver.world.stays import Flags, Stays, World

LAST_SECOND = 9_999_999_999
_RUNNING = {"zero": "0", "empty": ""}


def query_instance_all_records_by_time(
    world: World, body: Mapping[str, Any], now: int, readings: Readings
) -> Answer:
    """A user's stays in a span, grouped by room (§2.1.6); rooms by CreateTime, stays by EnterTime."""
    user, begin, end = body["UserId"], int(body["BeginTime"]), int(body["EndTime"])
    seen = as_of(world.stays_of_user(user, begin, min(end, now)), now, readings["ongoing"])
    if readings["unknown_user"] == "error" and not world.knows_user(user):
        raise NotFound("user_not_found", "UserId", user)
    stays, leaves = _told(seen, _in_window(seen.stays, begin, end, readings), readings)
    rooms: dict[tuple[int, str], list[tuple[int, dict[str, Any]]]] = {}
    for create, room, enter, audio, video, leave in zip(
        stays.create.tolist(),
        world.room_ids(stays.room),
        stays.enter.tolist(),
        stays.audio.tolist(),
        stays.video.tolist(),
        leaves,
        strict=True,
    ):
        record = {"EnterTime": str(enter), "AudioDuration": audio, "VideoDuration": video, "LeaveTime": leave}
        rooms.setdefault((create, room), []).append((enter, record))
    records = [
        {
            "RoomId": room,
            "CreateTime": str(create),
            "RoomRecords": [one for _, one in sorted(told, key=_first)],
        }
        for (create, room), told in sorted(rooms.items(), key=_first)
    ]
    return Answer({"UserId": user, "UserRecords": records}, max(seen.settled_from, end + 1))


def query_room_info(world: World, body: Mapping[str, Any], now: int, readings: Readings) -> Answer:
    """One room and its users (§2.2.6), by FirstEnterTime and UserId; sums are over the stays in the window."""
    room = body["RoomId"]
    begin, end = int(body.get("BeginTime") or 0), int(body.get("EndTime") or LAST_SECOND)
    seen = as_of(world.stays_of_room(room), now, readings["ongoing"])
    if not len(seen.stays):
        if readings["unknown_room"] == "error":
            raise NotFound("room_not_found", "RoomId", room)
        return Answer({"RoomId": room, "CreateTime": "", "DestroyTime": "", "Users": []})
    create, destroy = int(seen.stays.create[0]), int(seen.stays.leave.max())
    if readings["room_window"] == "stays":
        chosen = _in_window(seen.stays, begin, end, readings)
    else:
        chosen = np.full(len(seen.stays), create <= end and destroy >= begin)
    fields = {
        "RoomId": room,
        "CreateTime": str(create),
        "DestroyTime": _end(destroy, bool(seen.running.any()), readings),
        "Users": _users(world, seen, chosen, readings),
    }
    return Answer(fields, seen.settled_from)


def query_all_instance_by_time(world: World, body: Mapping[str, Any], now: int, readings: Readings) -> Answer:
    """Every stay in a span (§2.3.6), by EnterTime, RoomId and UserId."""
    begin, end = int(body["BeginTime"]), int(body["EndTime"])
    seen = as_of(world.stays_between(begin, min(end, now)), now, readings["ongoing"])
    stays, leaves = _told(seen, _in_window(seen.stays, begin, end, readings), readings)
    rows = zip(
        stays.enter.tolist(),
        world.room_ids(stays.room),
        world.user_ids(stays.user),
        stays.create.tolist(),
        leaves,
        stays.audio.tolist(),
        stays.video.tolist(),
        strict=True,
    )
    told = [
        {
            "UserId": user,
            "RoomId": room,
            "CreateTime": str(create),
            "EnterTime": str(enter),
            "LeaveTime": leave,
            "AudioDuration": audio,
            "VideoDuration": video,
        }
        for enter, room, user, create, leave, audio, video in sorted(rows)
    ]
    return Answer({"UsersList": told}, max(seen.settled_from, end + 1))


def _users(world: World, seen: Seen, chosen: Flags, readings: Readings) -> list[dict[str, Any]]:
    stays, running = seen.stays.take(chosen), seen.running[chosen]
    sums: dict[str, list[int]] = {}
    for user, enter, leave, audio, video, runs in zip(
        world.user_ids(stays.user),
        stays.enter.tolist(),
        stays.leave.tolist(),
        stays.audio.tolist(),
        stays.video.tolist(),
        running.tolist(),
        strict=True,
    ):
        mine = sums.setdefault(user, [enter, leave, 0, 0, False])
        mine[:] = [
            min(mine[0], enter),
            max(mine[1], leave),
            mine[2] + audio,
            mine[3] + video,
            mine[4] or runs,
        ]
    return [
        {
            "UserId": user,
            "FirstEnterTime": str(enter),
            "LastLeaveTime": _end(leave, bool(runs), readings),
            "AudioDuration": audio,
            "VideoDuration": video,
        }
        for user, (enter, leave, audio, video, runs) in sorted(
            sums.items(), key=lambda one: (one[1][0], one[0])
        )
    ]


def _in_window(stays: Stays, begin: int, end: int, readings: Readings) -> Flags:
    """Which stays a span selects under reading `window`; bounds are closed."""
    rule = readings["window"]
    entered = (stays.enter >= begin) & (stays.enter <= end)
    left = (stays.leave >= begin) & (stays.leave <= end)
    if rule == "enter":
        return entered
    if rule == "leave":
        return left
    if rule == "contained":
        return entered & left
    return (stays.enter <= end) & (stays.leave >= begin)


def _told(seen: Seen, chosen: Flags, readings: Readings) -> tuple[Stays, list[str]]:
    """The chosen stays and the text of each one's LeaveTime."""
    stays = seen.stays.take(chosen)
    running = seen.running[chosen].tolist()
    return stays, [
        _end(leave, runs, readings) for leave, runs in zip(stays.leave.tolist(), running, strict=True)
    ]


def _end(second: int, running: bool, readings: Readings) -> str:
    return _RUNNING.get(readings["ongoing"], str(second)) if running else str(second)


def _first(pair: tuple[Any, Any]) -> Any:
    return pair[0]
