"""The six operations as views of one call log, and a summary of a day. Views do not know which world they read."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from mockserver.contract.readings import Readings
from mockserver.core.clock import DAY_SECONDS, parse_day, show_time
from mockserver.core.errors import NotFound
from mockserver.core.text import MASK
from mockserver.world.coverage import DECIDING, ENDING, NOT_RECORDED, Coverage
from mockserver.world.recorded import RecordedWorld
from mockserver.world.records import (
    ViewResult,
    query_all_instance_by_time,
    query_instance_all_records_by_time,
    query_room_info,
    sessions_in_parts,
)
from mockserver.world.session_files import DURATIONS, EXPORTED, LABELS, QUALITY
from mockserver.world.sessions import MAX_TIME, Sessions, as_of
from mockserver.world.sources import World
from mockserver.world.statistics import (
    count_business_distribute_volume_by_day,
    count_business_total_volume_by_day,
    count_qos_by_day,
)

HOUR = 3_600
MAX_CITIES = 12
View = Callable[[World, Mapping[str, Any], int, Readings], ViewResult]  # (world, request body, now, readings) → result

VIEWS: dict[str, View] = {
    view.__name__: view
    for view in (
        query_instance_all_records_by_time,
        query_room_info,
        query_all_instance_by_time,
        count_business_total_volume_by_day,
        count_business_distribute_volume_by_day,
        count_qos_by_day,
    )
}  # The view of each operation, by the operation's name.
VIEWS_IN_PARTS: dict[View, Callable[..., Iterator[ViewResult]]] = {query_all_instance_by_time: sessions_in_parts}
"""Views whose results may be huge, as functions that yield them in parts."""


def ask(world: World, operation: str, body: Mapping[str, Any], now: int, readings: Readings) -> ViewResult:
    """Return a world's answer. Raises NotFound with `not_recorded` if a recording does not cover the request."""
    if not isinstance(world, RecordedWorld) or world.coverage is None:
        return VIEWS[operation](world, body, now, readings)
    coverage = world.coverage
    if "QueryDate" in body:
        raise NotFound(NOT_RECORDED, "QueryDate", body["QueryDate"])
    undecided = {name: values for name, values in coverage.undecided.items() if name in DECIDING[operation]}
    choices = itertools.product(*undecided.values())
    answers = (
        _try_recording(world, coverage, operation, body, now, {**readings, **dict(zip(undecided, values, strict=True))})
        for values in choices
    )
    first = next(answers)
    if any(_contents(answer) != _contents(first) for answer in answers):
        raise NotFound(NOT_RECORDED, "BeginTime", f"{body.get('BeginTime', '')}, undecided: {', '.join(undecided)}")
    if isinstance(first, NotFound):
        raise first
    return first


def _contents(answer: ViewResult | NotFound) -> object:
    return answer.error if isinstance(answer, NotFound) else answer.fields


def _try_recording(
    world: RecordedWorld, coverage: Coverage, operation: str, body: Mapping[str, Any], now: int, readings: Readings
) -> ViewResult | NotFound:
    try:
        return _ask_recording(world, coverage, operation, body, now, readings)
    except NotFound as error:
        return error


def _ask_recording(
    world: RecordedWorld, coverage: Coverage, operation: str, body: Mapping[str, Any], now: int, readings: Readings
) -> ViewResult:
    view = VIEWS[operation]
    if "RoomId" not in body:
        is_seen = "UserId" not in body or world.has_user(body["UserId"])
        if not is_seen and world.has_user(MASK):
            # This may be the id that is masked.
            raise NotFound(NOT_RECORDED, "UserId", body["UserId"])
        coverage.check_user(body, now, readings, is_seen=is_seen)
        _check_ends(world, coverage, body, readings)
        return view(world, body, now, readings)
    room = world.known_room(body["RoomId"])
    if room is None and world.known_room(MASK):
        raise NotFound(NOT_RECORDED, "RoomId", body["RoomId"])
    if coverage.check_room(body, now, readings, room):
        fields = dict(coverage.rooms_seen[body["RoomId"]])
        if not fields["DestroyTime"] and readings["ongoing"] == "zero":
            fields["DestroyTime"] = "0"
        return ViewResult(fields)
    result = view(world, body, now, readings)
    if readings["room_window"] == "room" and result.fields["Users"]:
        chosen = view(world, body, now, {**readings, "room_window": "stays", "room_without_calls": "known"})
        if not chosen.fields["Users"]:
            # The backend may return all users only if the time range selects one of them.
            raise NotFound(NOT_RECORDED, "BeginTime", f"{body.get('BeginTime', '')}, without calls")
    if room and 0 < room.destroy <= now and result.fields["CreateTime"] == str(room.create):
        result.fields["DestroyTime"] = str(room.destroy)
    return result


def _check_ends(world: RecordedWorld, coverage: Coverage, body: Mapping[str, Any], readings: Readings) -> None:
    """Raise NotFound if a call that was recorded in progress may have ended within the time range, or not."""
    begin, end = int(body["BeginTime"]), int(body["EndTime"])
    if readings["window"] not in ENDING or end < (coverage.recorded_at or MAX_TIME):
        return
    user = body.get("UserId")
    sessions = world.sessions_between(end, end) if user is None else world.sessions_of_user(user, end, end)
    in_progress = sessions.leave == MAX_TIME
    if readings["window"] == "contained":
        in_progress &= sessions.enter >= begin
    if in_progress.any():
        raise NotFound(NOT_RECORDED, "EndTime", str(end))


def ask_in_parts(
    world: World, operation: str, body: Mapping[str, Any], now: int, readings: Readings
) -> Iterable[ViewResult]:
    """Return a world's answer in parts: the first one, and further ones with more rows of its list."""
    in_parts = VIEWS_IN_PARTS.get(VIEWS[operation])
    if in_parts is None or (isinstance(world, RecordedWorld) and world.coverage is not None):
        return (ask(world, operation, body, now, readings),)
    return in_parts(world, body, now, readings)


def summarize_day(world: World, day: str, now: int) -> dict[str, Any]:
    """Return totals and rows of [label, value] for a `yyyymmdd` day (UTC+8) as of `now`; ValueError for no such day."""
    start = parse_day(day)
    limit = max(start, min(start + DAY_SECONDS, now))
    sessions = as_of(world.sessions_between(start, start + DAY_SECONDS - 1), now, "now").sessions
    begins, ends = (np.clip(sessions.enter, start, limit), np.clip(sessions.leave, start, limit))
    seconds = ends - begins
    hour = np.clip(sessions.enter - start, 0, DAY_SECONDS - 1) // HOUR
    created = sessions.create[sessions.host & (sessions.create >= start) & (sessions.create < limit)]
    joined = int(((sessions.enter >= start) & (sessions.enter < limit)).sum())
    failed = len(world.failed_joins(start, limit))
    weights = np.bincount(hour, seconds, 24)
    return {
        "day": f"{day[:4]}-{day[4:6]}-{day[6:]}",
        "totals": {
            "rooms": len(created),
            "users": len(np.unique(sessions.user)),
            "stays": len(sessions),
            "hours": round(int(seconds.sum()) / HOUR, 1),
            "joins": round(100 * joined / (joined + failed), 2) if joined + failed else 100.0,
        },
        "hours": [
            [f"{index:02d}", count]
            for index, count in enumerate(np.bincount((created - start) // HOUR, minlength=24).tolist())
        ],
        "cities": _hours_by_label(sessions.city, seconds, world.labels("city"))[:MAX_CITIES],
        "networks": _hours_by_label(sessions.network, seconds, world.labels("network")),
        "loss": _means_by_hour(hour, seconds * sessions.audio_loss, weights),
        "delay": _means_by_hour(hour, seconds * sessions.audio_delay, weights),
    }


def session_rows(world: World, day: str) -> list[list[Any]]:
    """Return the sessions of all rooms that exist on a `yyyymmdd` day (UTC+8), as rows of a file."""
    start = parse_day(day)
    sessions = world.sessions_between(start, start + DAY_SECONDS - 1)
    # Those of the other days belong to it too, or the room would begin or end at midnight.
    reaching = sessions.room[(sessions.create < start) | (sessions.destroy >= start + DAY_SECONDS)]
    others = [world.sessions_of_room(room) for room in dict.fromkeys(world.room_ids(reaching))]
    sessions = Sessions.concatenate([sessions.take(~np.isin(sessions.room, reaching)), *others])
    # In a file, the first of those who enter in the same second is the host.
    sessions = sessions.take(np.lexsort((~sessions.host, sessions.enter)))
    labels = [[world.labels(name)[code] for code in getattr(sessions, name).tolist()] for name in LABELS]
    leaves = ["" if leave == MAX_TIME else show_time(leave) for leave in sessions.leave.tolist()]
    columns = {
        "RoomId": world.room_ids(sessions.room),
        "UserId": world.user_ids(sessions.user),
        "enter": [show_time(enter) for enter in sessions.enter.tolist()],
        "leave": leaves,
        **{name: getattr(sessions, name).tolist() for name in DURATIONS},
        **dict(zip(LABELS, labels, strict=True)),
        **{name: [value / 1_000 for value in getattr(sessions, name).tolist()] for name in QUALITY},
    }
    return [list(row) for row in zip(*(columns[name] for name in EXPORTED), strict=True)]


def _hours_by_label(codes: Any, seconds: Any, labels: Any) -> list[list[Any]]:
    """Call hours by label, largest first, without labels that have none."""
    totals = np.bincount(codes, seconds, len(labels)).tolist()
    rows = [[label, round(total / HOUR, 1)] for label, total in zip(labels, totals, strict=True) if total]
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def _means_by_hour(hour: Any, values: Any, weights: Any) -> list[list[Any]]:
    means = np.bincount(hour, values, 24) / np.maximum(weights, 1) / 1_000
    return [[f"{index:02d}", round(mean, 2)] for index, mean in enumerate(means.tolist())]
