"""The statistic views (§3.1, §3.2, §3.3): one UTC+8 day, counted from the same sessions as the records.

All sums are integers over the seconds of the day, so they agree with the records to the second.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mockserver.contract.readings import Readings
from mockserver.core.clock import DAY_SECONDS, parse_day
from mockserver.world.records import ViewResult
from mockserver.world.sessions import DIMENSIONS, I64, MIN_TIME, Sessions, as_of
from mockserver.world.sources import World

COUNTS = (1, 2, 3, 4)  # CountBy of §3.1.4: call seconds, rooms, peak of concurrent users, pairs of user and room.
RUN_TIME = 5_400  # A nightly job counts a day at 01:30 of the next one (reading `distribution_tick=run_time`).


class _Day:
    """The sessions of one day as of now, in seconds of the day."""

    def __init__(self, world: World, body: Mapping[str, Any], now: int, readings: Readings) -> None:
        self.start = parse_day(body["QueryDate"])
        self.end = self.start + DAY_SECONDS
        outside = self.start < MIN_TIME or now <= self.start
        hidden = outside or (readings["today"] == "empty" and now < self.end)
        self.limit = self.start if hidden else min(now, self.end)  # The end of what is reported.
        sessions = Sessions.empty() if hidden else world.sessions_between(self.start, self.end - 1)
        snapshot = as_of(sessions, now, readings["ongoing"])
        self.sessions = snapshot.sessions
        self.stable_from = None if hidden else max(snapshot.stable_from, self.end)
        self.begins: I64 = np.clip(self.sessions.enter, self.start, self.limit) - self.start
        self.ends: I64 = np.clip(self.sessions.leave, self.start, self.limit) - self.start

    def created(self) -> Sessions:
        """Return one row for each room that was created on the day."""
        return self.sessions.take(
            self.sessions.host & (self.sessions.create >= self.start) & (self.sessions.create < self.limit)
        )

    def joined(self) -> Sessions:
        """Return one row for each pair of user and room whose first session began on the day."""
        return self.sessions.take(
            self.sessions.first & (self.sessions.enter >= self.start) & (self.sessions.enter < self.limit)
        )

    def each_second(self, weights: I64 | None = None) -> I64:
        """Return the number of open sessions in each second of the day, or the sum of their weights."""
        change = _count(self.begins, DAY_SECONDS + 1, weights) - _count(self.ends, DAY_SECONDS + 1, weights)
        return np.cumsum(change)[:DAY_SECONDS]

    def ticks(self, step: int) -> list[int]:
        """Return the first second of every tick that has begun."""
        return list(range(self.start, self.limit, step))


def count_business_total_volume_by_day(
    world: World, body: Mapping[str, Any], now: int, readings: Readings
) -> ViewResult:
    """Return the volume of a day by tick (§3.1.6); CountBy 0 gives the four counts in turn."""
    day, step = _Day(world, body, now, readings), readings["tick_seconds"]
    counts = COUNTS if body["CountBy"] == 0 else (body["CountBy"],)
    ticks = day.ticks(step)
    columns = [_volume(day, count, step, readings["trend"])[: len(ticks)].tolist() for count in counts]
    labelled = body["CountBy"] == 0 and readings["count_by_zero"] == "labelled"
    rows: list[dict[str, Any]] = []
    for tick, *volumes in zip(ticks, *columns, strict=True):
        if readings["fill"] == "omit" and not any(volumes):
            continue
        for count, volume in zip(counts, volumes, strict=True):
            row = {"TickTime": str(tick), "Volume": volume}
            rows.append({**row, "CountBy": count} if labelled else row)
    return ViewResult({"TrendData": rows}, day.stable_from)


def count_business_distribute_volume_by_day(
    world: World, body: Mapping[str, Any], now: int, readings: Readings
) -> ViewResult:
    """Return the totals of a day by country, province, city or network (§3.2.6), longest duration first."""
    day = _Day(world, body, now, readings)
    dimension = DIMENSIONS[body["CountBy"] - 1]
    labels = world.labels(dimension)
    codes, size = getattr(day.sessions, dimension), len(labels)
    duration = _count(codes, size, day.ends - day.begins)
    rooms = _count(getattr(day.created(), dimension), size)
    pairs = _count(getattr(day.joined(), dimension), size)
    peak = _peaks(codes, day.begins, day.ends, size)
    tick, stable_from = day.start, day.stable_from
    if readings["distribution_tick"] == "run_time":
        # A day that the job has not counted yet gets the current time.
        tick = min(day.end + RUN_TIME, now)
        stable_from = None if stable_from is None else max(stable_from, day.end + RUN_TIME)
    present = [code for code in range(size) if duration[code] or rooms[code] or pairs[code]]
    rows: list[dict[str, Any]] = []
    for code in sorted(present, key=lambda code: (-int(duration[code]), labels[code])):
        row = {
            "TickTime": str(tick),
            "CommunicateDuration": int(duration[code]),
            "RoomCnt": int(rooms[code]),
            "PeakOnlineNum": int(peak[code]),
            "CommunicateNum": int(pairs[code]),
        }
        rows.append({**row, "Name": labels[code]} if readings["labels"] == "on" else row)
    return ViewResult({"DistributeData": rows}, stable_from)


def count_qos_by_day(world: World, body: Mapping[str, Any], now: int, readings: Readings) -> ViewResult:
    """Return the quality of a day by tick in percent and milliseconds (§3.3.6); ticks without calls are omitted."""
    day, step = _Day(world, body, now, readings), readings["tick_seconds"]
    ticks = day.ticks(step)
    seconds = _per_tick(day.each_second(), step)
    entered = day.sessions.enter[(day.sessions.enter >= day.start) & (day.sessions.enter < day.limit)] - day.start
    failed = world.failed_joins(day.start, day.limit) - day.start if ticks else np.empty(0, np.int64)
    size = DAY_SECONDS // step
    joins, failures = _count(entered // step, size), _count(failed // step, size)
    success = _mean(joins * 100_000, joins + failures, default=100_000)
    means = [
        _carry_forward(_mean(_per_tick(day.each_second(getattr(day.sessions, name)), step), seconds), seconds)
        for name in ("audio_loss", "video_loss", "audio_delay", "video_delay")
    ]
    present = (seconds > 0) | (joins + failures > 0)
    rows = [
        {
            "TickTime": str(tick),
            "JoinRoomSuccRate": success_rate / 1000,
            "AudioPackLossRate": audio_loss / 1000,
            "VideoPackLossRate": video_loss / 1000,
            "AudioDelayRate": audio_delay / 1000,
            "VideoDelayRate": video_delay / 1000,
        }
        for tick, is_present, success_rate, audio_loss, video_loss, audio_delay, video_delay in zip(
            ticks, *(column[: len(ticks)].tolist() for column in (present, success, *means)), strict=True
        )
        if is_present
    ]
    return ViewResult({"QosData": rows}, day.stable_from)


def _volume(day: _Day, count: int, step: int, trend: str) -> I64:
    """One count for each tick of the day, or for the time from the start of the day to its end."""
    if count == 3:
        online = day.each_second().reshape(-1, step).max(axis=1)
        return np.maximum.accumulate(online) if trend == "cumulative" else online
    if count == 1:
        volume = _per_tick(day.each_second(), step)
    else:
        times = day.created().create if count == 2 else day.joined().enter
        volume = _count((times - day.start) // step, DAY_SECONDS // step)
    return np.cumsum(volume) if trend == "cumulative" else volume


def _count(codes: Any, size: int, weights: I64 | None = None) -> I64:
    """How often each code below `size` occurs, or the sum of its weights; exact for sums below 2**53."""
    if weights is None:
        return np.bincount(codes, minlength=size).astype(np.int64)
    return np.bincount(codes, weights=weights, minlength=size).astype(np.int64)


def _per_tick(each_second: I64, step: int) -> I64:
    summed: I64 = each_second.reshape(-1, step).sum(axis=1)
    return summed


def _mean(total: I64, count: I64, default: int = 0) -> I64:
    """total / count rounded half up; `default` where count is 0."""
    safe = np.maximum(count, 1)
    return np.where(count > 0, (2 * total + safe) // (2 * safe), default)


def _carry_forward(means: I64, seconds: I64) -> I64:
    """Give ticks without a call the quality of the last tick with one.

    Ticks before the first call get that of the first; on a day without calls it is the smallest possible value.
    """
    measured = seconds > 0
    if not measured.any():
        return np.ones_like(means)
    latest = np.maximum.accumulate(np.where(measured, np.arange(len(means)), -1))
    carried: I64 = means[np.where(latest < 0, int(measured.argmax()), latest)]
    return carried


def _peaks(codes: Any, begins: I64, ends: I64, size: int) -> I64:
    """The peak of concurrently open sessions for each code, by one sweep over all codes side by side."""
    peaks = np.zeros(size, np.int64)
    lasting = ends > begins
    codes = codes[lasting].astype(np.int64)
    if not len(codes):
        return peaks
    keys = np.concatenate([codes * (DAY_SECONDS + 1) + begins[lasting], codes * (DAY_SECONDS + 1) + ends[lasting]])
    change = np.concatenate([np.ones(len(codes), np.int64), -np.ones(len(codes), np.int64)])
    order = np.argsort(keys, kind="stable")
    keys, height = keys[order], np.cumsum(change[order])
    # The height of a second is the one after its last event. The events of a code add up to 0, so the next code
    # starts from 0.
    last = np.append(keys[1:] != keys[:-1], True)
    np.maximum.at(peaks, keys[last] // (DAY_SECONDS + 1), height[last])
    return peaks
