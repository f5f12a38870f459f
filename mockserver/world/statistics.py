"""The three statistic views (§3.1, §3.2, §3.3): a UTC+8 day counted from the same stays as the records.

Everything is summed in integers over the day's seconds, so that the sums agree to the last second.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mockserver.contract.readings import Readings
from mockserver.core.clock import DAY_SECONDS, parse_day
from mockserver.world.answers import Answer
from mockserver.world.asof import as_of
from mockserver.world.stays import DIMENSIONS, I64, Stays, World

COUNTS = (1, 2, 3, 4)
"""CountBy of §3.1.4: call seconds, rooms, most people on line, pairs of user and room."""
RUN_TIME = 5_400
"""A nightly job would count a day at 01:30 of the next (reading `distribution_tick=run_time`)."""
FIRST_SECOND = 100_000_000
"""The document's stamps have nine digits or ten: an earlier day has no TickTime, so it is empty like one to come."""


class _Day:
    """One day's stays as of now, on the day's own seconds."""

    def __init__(self, world: World, body: Mapping[str, Any], now: int, readings: Readings) -> None:
        self.start = parse_day(body["QueryDate"])
        self.end = self.start + DAY_SECONDS
        self.over = now >= self.end
        beyond = self.start < FIRST_SECOND or now <= self.start
        hidden = beyond or (readings["today"] == "empty" and not self.over)
        self.limit = self.start if hidden else min(now, self.end)
        """No second from here on is told."""
        seen = as_of(
            Stays.empty() if hidden else world.stays_between(self.start, self.end - 1),
            now,
            readings["ongoing"],
        )
        self.stays = seen.stays
        self.settled_from = None if hidden else max(seen.settled_from, self.end)
        self.begins: I64 = np.clip(self.stays.enter, self.start, self.limit) - self.start
        self.ends: I64 = np.clip(self.stays.leave, self.start, self.limit) - self.start

    def created(self) -> Stays:
        """One row for each room that was made this day."""
        return self.stays.take(
            self.stays.host & (self.stays.create >= self.start) & (self.stays.create < self.limit)
        )

    def joined(self) -> Stays:
        """One row for each pair of user and room whose first stay began this day."""
        return self.stays.take(
            self.stays.first & (self.stays.enter >= self.start) & (self.stays.enter < self.limit)
        )

    def each_second(self, weights: I64 | None = None) -> I64:
        """The stays open in each second of the day, or the sum of their weights."""
        change = _count(self.begins, DAY_SECONDS + 1, weights) - _count(self.ends, DAY_SECONDS + 1, weights)
        return np.cumsum(change)[:DAY_SECONDS]

    def ticks(self, step: int) -> list[int]:
        """The first second of every tick that has begun."""
        return list(range(self.start, self.limit, step))


def count_business_total_volume_by_day(
    world: World, body: Mapping[str, Any], now: int, readings: Readings
) -> Answer:
    """A day's volume in every tick (§3.1.6); CountBy 0 tells the four counts in turn."""
    day, step = _Day(world, body, now, readings), readings["tick_seconds"]
    wanted = COUNTS if body["CountBy"] == 0 else (body["CountBy"],)
    ticks = day.ticks(step)
    columns = [_volume(day, count, step, readings["trend"])[: len(ticks)].tolist() for count in wanted]
    labelled = body["CountBy"] == 0 and readings["count_by_zero"] == "labelled"
    rows: list[dict[str, Any]] = []
    for tick, *volumes in zip(ticks, *columns, strict=True):
        if readings["fill"] == "omit" and not any(volumes):
            continue
        for count, volume in zip(wanted, volumes, strict=True):
            row = {"TickTime": str(tick), "Volume": volume}
            rows.append({**row, "CountBy": count} if labelled else row)
    return Answer({"TrendData": rows}, day.settled_from)


def count_business_distribute_volume_by_day(
    world: World, body: Mapping[str, Any], now: int, readings: Readings
) -> Answer:
    """A day's totals by country, province, city or network (§3.2.6), the longest duration first."""
    day = _Day(world, body, now, readings)
    dimension = DIMENSIONS[body["CountBy"] - 1]
    labels = world.labels(dimension)
    codes, size = getattr(day.stays, dimension), len(labels)
    duration = _count(codes, size, day.ends - day.begins)
    rooms = _count(getattr(day.created(), dimension), size)
    pairs = _count(getattr(day.joined(), dimension), size)
    peak = _peaks(codes, day.begins, day.ends, size)
    tick, settled_from = day.start, day.settled_from
    if readings["distribution_tick"] == "run_time":
        # A day that has not been counted yet is told as counted just now.
        tick = min(day.end + RUN_TIME, now)
        settled_from = None if settled_from is None else max(settled_from, day.end + RUN_TIME)
    told = [code for code in range(size) if duration[code] or rooms[code] or pairs[code]]
    rows: list[dict[str, Any]] = []
    for code in sorted(told, key=lambda code: (-int(duration[code]), labels[code])):
        row = {
            "TickTime": str(tick),
            "CommunicateDuration": int(duration[code]),
            "RoomCnt": int(rooms[code]),
            "PeakOnlineNum": int(peak[code]),
            "CommunicateNum": int(pairs[code]),
        }
        rows.append({**row, "Name": labels[code]} if readings["labels"] == "on" else row)
    return Answer({"DistributeData": rows}, settled_from)


def count_qos_by_day(world: World, body: Mapping[str, Any], now: int, readings: Readings) -> Answer:
    """A day's quality in every tick with somebody in a call or trying to join (§3.3.6): percent and milliseconds."""
    day, step = _Day(world, body, now, readings), readings["tick_seconds"]
    ticks = day.ticks(step)
    seconds = _per_tick(day.each_second(), step)
    entered = day.stays.enter[(day.stays.enter >= day.start) & (day.stays.enter < day.limit)] - day.start
    failed = world.failed_joins(day.start, day.limit) - day.start if ticks else np.empty(0, np.int64)
    size = DAY_SECONDS // step
    good, bad = _count(entered // step, size), _count(failed // step, size)
    success = _mean(good * 100_000, good + bad, otherwise=100_000)
    means = [
        _carried(_mean(_per_tick(day.each_second(getattr(day.stays, name)), step), seconds), seconds)
        for name in ("audio_loss", "video_loss", "audio_delay", "video_delay")
    ]
    present = (seconds > 0) | (good + bad > 0)
    rows = [
        {
            "TickTime": str(tick),
            "JoinRoomSuccRate": joined / 1000,
            "AudioPackLossRate": audio_loss / 1000,
            "VideoPackLossRate": video_loss / 1000,
            "AudioDelayRate": audio_delay / 1000,
            "VideoDelayRate": video_delay / 1000,
        }
        for tick, here, joined, audio_loss, video_loss, audio_delay, video_delay in zip(
            ticks, *(column[: len(ticks)].tolist() for column in (present, success, *means)), strict=True
        )
        if here
    ]
    return Answer({"QosData": rows}, day.settled_from)


def _volume(day: _Day, count: int, step: int, trend: str) -> I64:
    """One count in every tick of the day, or from the day's start up to its end."""
    if count == 3:
        online = day.each_second().reshape(-1, step).max(axis=1)
        return np.maximum.accumulate(online) if trend == "cumulative" else online
    if count == 1:
        volume = _per_tick(day.each_second(), step)
    else:
        when = day.created().create if count == 2 else day.joined().enter
        volume = _count((when - day.start) // step, DAY_SECONDS // step)
    return np.cumsum(volume) if trend == "cumulative" else volume


def _count(codes: Any, size: int, weights: I64 | None = None) -> I64:
    """How often each code below `size` occurs, or the sum of its weights: exact, for sums below 2**53."""
    if weights is None:
        return np.bincount(codes, minlength=size).astype(np.int64)
    return np.bincount(codes, weights=weights, minlength=size).astype(np.int64)


def _per_tick(each_second: I64, step: int) -> I64:
    summed: I64 = each_second.reshape(-1, step).sum(axis=1)
    return summed


def _mean(total: I64, count: I64, otherwise: int = 0) -> I64:
    """total / count rounded half up; `otherwise` where nothing was counted."""
    safe = np.maximum(count, 1)
    return np.where(count > 0, (2 * total + safe) // (2 * safe), otherwise)


def _carried(means: I64, seconds: I64) -> I64:
    """A tick in which somebody only tried to join tells the quality of the last tick before it with a call in it.

    Before the first such tick it is that of the first; on a day without any call it is the smallest there is.
    """
    measured = seconds > 0
    if not measured.any():
        return np.ones_like(means)
    latest = np.maximum.accumulate(np.where(measured, np.arange(len(means)), -1))
    carried: I64 = means[np.where(latest < 0, int(measured.argmax()), latest)]
    return carried


def _peaks(codes: Any, begins: I64, ends: I64, size: int) -> I64:
    """The most stays open in one second, for every code: one sweep over all codes side by side."""
    peaks = np.zeros(size, np.int64)
    lasting = ends > begins
    codes = codes[lasting].astype(np.int64)
    if not len(codes):
        return peaks
    keys = np.concatenate(
        [codes * (DAY_SECONDS + 1) + begins[lasting], codes * (DAY_SECONDS + 1) + ends[lasting]]
    )
    change = np.concatenate([np.ones(len(codes), np.int64), -np.ones(len(codes), np.int64)])
    order = np.argsort(keys, kind="stable")
    keys, height = keys[order], np.cumsum(change[order])
    # Only after the last event of a second is the height that of the second; a code's events add up to nothing,
    # so the next code starts from zero again.
    last = np.append(keys[1:] != keys[:-1], True)
    np.maximum.at(peaks, keys[last] // (DAY_SECONDS + 1), height[last])
    return peaks
