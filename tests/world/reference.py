"""The six views again, slowly: plain Python over a list of sessions, second by second, with nothing of the package.

What the views answer must be this to the letter. Written from the document and the readings alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

DAY_SECONDS = 86_400
NEVER = 9_999_999_999
QUALITY = ("audio_loss", "video_loss", "audio_delay", "video_delay")


class Missing(Exception):
    """The room or user is unknown."""


@dataclass
class Row:
    """One session as known at now."""

    user: str
    room: str
    enter: int
    leave: int
    runs: bool
    audio: int
    video: int
    host: bool
    first: bool
    create: int
    session: Mapping[str, Any]


class Reference:
    """The responses of a recorded world with complete sessions, at one now."""

    def __init__(self, spec: Mapping[str, Any], now: int, readings: Mapping[str, Any]) -> None:
        self.now, self.readings = now, readings
        self.users = {session["UserId"] for room in spec["rooms"] for session in room["stays"]}
        self.failed = [second for room in spec["rooms"] for second in room["failed_joins"]]
        self.log: list[Row] = []
        for room in spec["rooms"]:
            # Of two users who join in the same second, the one written first is the host.
            sessions = sorted(room["stays"], key=lambda session: session["enter"])
            if readings["ongoing"] == "exclude" and max(s.get("leave", NEVER) for s in sessions) > now:
                continue
            here: set[str] = set()
            for number, session in enumerate(sessions):
                if session["enter"] < now:
                    self.log.append(self._row(room["RoomId"], session, number == 0, session["UserId"] not in here,
                                              sessions[0]["enter"]))  # fmt: skip
                here.add(session["UserId"])

    def _row(self, room: str, session: Mapping[str, Any], host: bool, first: bool, create: int) -> Row:
        enter, leave = session["enter"], session.get("leave", NEVER)
        audio, video, passed = session["audio"], session["video"], self.now - enter
        runs = leave > self.now
        if runs and "leave" in session:
            audio, video = (int(Fraction(seconds * passed, leave - enter)) for seconds in (audio, video))
        elif runs:
            audio, video = min(audio, passed), min(video, passed)
        return Row(
            session["UserId"], room, enter, min(leave, self.now), runs, audio, video, host, first, create, session
        )

    def _selects(self, row: Row, begin: int, end: int) -> bool:
        entered, left = begin <= row.enter <= end, begin <= row.leave <= end
        return {
            "overlap": entered or left or (row.enter < begin and row.leave > end),
            "enter": entered,
            "leave": left,
            "contained": entered and left,
        }[self.readings["window"]]

    def _end(self, leave: int, runs: bool) -> str:
        return {"zero": "0", "empty": ""}.get(self.readings["ongoing"], str(leave)) if runs else str(leave)

    def query_instance_all_records_by_time(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """§2.1."""
        user = body["UserId"]
        if user not in self.users and self.readings["unknown_user"] == "error":
            raise Missing
        rooms: dict[tuple[int, str], list[Row]] = defaultdict(list)
        for row in self.log:
            if row.user == user and self._selects(row, int(body["BeginTime"]), int(body["EndTime"])):
                rooms[row.create, row.room].append(row)
        return {
            "UserId": user,
            "UserRecords": [
                {
                    "RoomId": room,
                    "CreateTime": str(create),
                    "RoomRecords": [
                        {
                            "EnterTime": str(row.enter),
                            "AudioDuration": row.audio,
                            "VideoDuration": row.video,
                            "LeaveTime": self._end(row.leave, row.runs),
                        }
                        for row in sorted(rooms[create, room], key=lambda row: row.enter)
                    ],
                }
                for create, room in sorted(rooms)
            ],
        }

    def query_room_info(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """§2.2."""
        room, rows = body["RoomId"], [row for row in self.log if row.room == body["RoomId"]]
        if not rows:
            if self.readings["unknown_room"] == "error":
                raise Missing
            return {"RoomId": room, "CreateTime": "", "DestroyTime": "", "Users": []}
        begin, end = int(body.get("BeginTime") or 0), int(body.get("EndTime") or NEVER)
        destroy = max(row.leave for row in rows)
        if self.readings["room_window"] == "stays":
            chosen = [row for row in rows if self._selects(row, begin, end)]
        else:
            chosen = rows if rows[0].create <= end and destroy >= begin else []
        users = []
        for user in {row.user for row in chosen}:
            mine = [row for row in chosen if row.user == user]
            users.append(
                {
                    "UserId": user,
                    "FirstEnterTime": str(min(row.enter for row in mine)),
                    "LastLeaveTime": self._end(max(row.leave for row in mine), any(row.runs for row in mine)),
                    "AudioDuration": sum(row.audio for row in mine),
                    "VideoDuration": sum(row.video for row in mine),
                }
            )
        return {
            "RoomId": room,
            "CreateTime": str(rows[0].create),
            "DestroyTime": self._end(destroy, any(row.runs for row in rows)),
            "Users": sorted(users, key=lambda user: (int(user["FirstEnterTime"]), user["UserId"])),
        }

    def query_all_instance_by_time(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """§2.3."""
        rows = [row for row in self.log if self._selects(row, int(body["BeginTime"]), int(body["EndTime"]))]
        rows.sort(key=lambda row: (row.enter, row.room, row.user))
        return {
            "UsersList": [
                {
                    "UserId": row.user,
                    "RoomId": row.room,
                    "CreateTime": str(row.create),
                    "EnterTime": str(row.enter),
                    "LeaveTime": self._end(row.leave, row.runs),
                    "AudioDuration": row.audio,
                    "VideoDuration": row.video,
                }
                for row in rows
            ]
        }

    def _limit(self, start: int) -> int:
        """The end of what is reported of a day: its end, now, or its start if nothing is."""
        if self.readings["today"] == "empty" and self.now < start + DAY_SECONDS:
            return start
        return max(start, min(self.now, start + DAY_SECONDS))

    def _seconds(self, row: Row, start: int) -> range:
        return range(max(row.enter, start), min(row.leave, self._limit(start)))

    def count_business_total_volume_by_day(self, body: Mapping[str, Any], start: int) -> dict[str, Any]:
        """§3.1."""
        step, limit = self.readings["tick_seconds"], self._limit(start)
        online: Counter[int] = Counter()
        volumes: dict[int, Counter[int]] = {count: Counter() for count in (1, 2, 3, 4)}
        for row in self.log:
            for second in self._seconds(row, start):
                online[second] += 1
            if start <= row.enter < limit:
                tick = start + (row.enter - start) // step * step
                volumes[2][tick] += row.host
                volumes[4][tick] += row.first
        for second, people in online.items():
            tick = start + (second - start) // step * step
            volumes[1][tick] += people
            volumes[3][tick] = max(volumes[3][tick], people)
        rows: list[dict[str, Any]] = []
        result: Counter[int] = Counter()
        counts = (1, 2, 3, 4) if body["CountBy"] == 0 else (body["CountBy"],)
        for tick in range(start, limit, step):
            for count in counts:
                if self.readings["trend"] == "tick":
                    result[count] = volumes[count][tick]
                elif count == 3:
                    result[count] = max(result[count], volumes[count][tick])
                else:
                    result[count] += volumes[count][tick]
            if self.readings["fill"] == "omit" and all(result[count] == 0 for count in counts):
                continue
            for count in counts:
                rows.append({"TickTime": str(tick), "Volume": result[count]})
                if body["CountBy"] == 0 and self.readings["count_by_zero"] == "labelled":
                    rows[-1]["CountBy"] = count
        return {"TrendData": rows}

    def count_business_distribute_volume_by_day(self, body: Mapping[str, Any], start: int) -> dict[str, Any]:
        """§3.2."""
        dimension = ("country", "province", "city", "network")[body["CountBy"] - 1]
        online: dict[str, Counter[int]] = defaultdict(Counter)
        rooms: Counter[str] = Counter()
        pairs: Counter[str] = Counter()
        for row in self.log:
            label = row.session[dimension]
            for second in self._seconds(row, start):
                online[label][second] += 1
            if start <= row.enter < self._limit(start):
                rooms[label] += row.host
                pairs[label] += row.first
        late = self.readings["distribution_tick"] == "run_time"
        tick = min(start + DAY_SECONDS + 5_400, self.now) if late else start
        rows: list[dict[str, Any]] = []
        for label in sorted(online, key=lambda label: (-sum(online[label].values()), label)):
            rows.append(
                {
                    "TickTime": str(tick),
                    "CommunicateDuration": sum(online[label].values()),
                    "RoomCnt": rooms[label],
                    "PeakOnlineNum": max(online[label].values()),
                    "CommunicateNum": pairs[label],
                }
            )
            if self.readings["labels"] == "on":
                rows[-1]["Name"] = label
        return {"DistributeData": [row for row in rows if row["CommunicateDuration"]]}

    def count_qos_by_day(self, body: Mapping[str, Any], start: int) -> dict[str, Any]:
        """§3.3. A tick with only failed joins has the quality of the last tick with a call, or else of the first."""
        step, limit = self.readings["tick_seconds"], self._limit(start)
        seconds: Counter[int] = Counter()
        sums: dict[int, Counter[str]] = defaultdict(Counter)
        joined: Counter[int] = Counter()
        failed: Counter[int] = Counter()
        for row in self.log:
            for second in self._seconds(row, start):
                tick = start + (second - start) // step * step
                seconds[tick] += 1
                for name in QUALITY:
                    sums[tick][name] += round(row.session[name] * 1_000)
            if start <= row.enter < limit:
                joined[start + (row.enter - start) // step * step] += 1
        for second in self.failed:
            if start <= second < limit:
                failed[start + (second - start) // step * step] += 1
        rows = []
        for tick in sorted(seconds.keys() | failed.keys()):
            tries = joined[tick] + failed[tick]
            before = [second for second in seconds if second <= tick]
            source = max(before) if before else min(seconds, default=None)
            means = [
                0.001 if source is None else _half_up(Fraction(sums[source][name], seconds[source])) / 1_000
                for name in QUALITY
            ]
            rows.append(
                {
                    "TickTime": str(tick),
                    "JoinRoomSuccRate": _half_up(Fraction(100_000 * joined[tick], tries)) / 1_000 if tries else 100.0,
                    "AudioPackLossRate": means[0],
                    "VideoPackLossRate": means[1],
                    "AudioDelayRate": means[2],
                    "VideoDelayRate": means[3],
                }
            )
        return {"QosData": rows}


def _half_up(number: Fraction) -> int:
    return int(number + Fraction(1, 2))
