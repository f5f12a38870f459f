"""An independent backend of the same document, with its own call log, readings, error codes and defects.

It imports nothing from `mockserver`. A test passes readings, error codes, a clock, and the defects it should have.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl

DAY, HOUR, EAST = 86_400, 3_600, 8 * 3_600
APP = {
    "appkey": "target-appkey-1",
    "appsecret": "Target+Secret/Kept==",
    "restapikey": "target-restapikey",
    "identifier": "target-operator",
}
NAMES = (
    "unknown_command", "method_not_allowed", "empty_body", "malformed_json", "body_too_large", "unsupported_content_type",
    "missing_parameter", "unknown_appkey", "invalid_curtime", "checksum_expired", "checksum_mismatch", "identifier_not_allowed",
    "duplicate_seq", "invalid_parameter", "missing_field", "invalid_field", "invalid_time_range", "range_too_large", "unknown_field",
    "room_not_found", "user_not_found",
)  # fmt: skip
CHOICES: dict[str, list[Any]] = {
    "strictness": ["strict", "lenient"], "signing": ["v2", "v1", "either"], "paths": ["v2/video", "document"],
    "curtime": ["integer", "fraction"], "freshness_seconds": [300, 60, 20, 0, 7, 1_000, 86_400], "checksum_reuse": ["allowed", "once"],
    "seq": ["required", "optional", "unique"], "identifier": ["any", "admin"], "http_status": ["always_200", "rest"],
    "window": ["overlap", "enter", "leave", "contained"], "room_window": ["stays", "room"],
    "ongoing": ["now", "zero", "empty", "exclude"], "unknown_room": ["error", "empty"], "unknown_user": ["empty", "error"],
    "tick_seconds": [60, 10, 30, 300, 3_600], "trend": ["tick", "cumulative"], "count_by_zero": ["rows", "labelled", "error"],
    "labels": ["off", "on"], "distribution_tick": ["day_start", "run_time"], "today": ["partial", "empty"], "fill": ["zero", "omit"],
    "max_range_days": [31, 0, 1, 7, 100, 3_660], "unknown_room_times": ["empty", "zero"],
    "room_without_calls": ["known", "outside", "unknown"], "user_without_calls": ["known", "unknown"],
}  # fmt: skip
HABITS = ("present_rooms", "single_rows", "clock_behind", "whole_ticks", "selected_rooms")
"""Ambiguities without a reading: a room's time range selects the users present, whatever `window` selects; counts
without a volume are left out one by one; the clock is behind; a tick that has a volume of any count is listed for each
count; a time range selects a room only if it selects one of its sessions."""
DEFAULTS = {name: values[0] for name, values in CHOICES.items()}
RECORDS, ROOM, ALL = ("query_instance_all_records_by_time", "query_room_info", "query_all_instance_by_time")
TREND, SPREAD, QUALITY = (
    "count_business_total_volume_by_day",
    "count_business_distribute_volume_by_day",
    "count_qos_by_day",
)
FIELDS: dict[str, dict[str, type]] = {
    RECORDS: {"UserId": str, "BeginTime": str, "EndTime": str}, ROOM: {"RoomId": str, "BeginTime": str, "EndTime": str},
    ALL: {"BeginTime": str, "EndTime": str}, TREND: {"QueryDate": str, "CountBy": int}, SPREAD: {"QueryDate": str, "CountBy": int},
    QUALITY: {"QueryDate": str},
}  # fmt: skip
PLACES = [
    ("中国", "广东省", "深圳市"),
    ("中国", "广东省", "广州市"),
    ("中国", "北京市", "北京市"),
    ("日本", "东京都", "东京"),
]


class Refused(Exception):
    """A refused request, with the name of the error."""


class Backend:
    """One backend. `handle` answers a request; `log` is a list of sessions as dicts."""

    def __init__(
        self,
        readings: Mapping[str, Any],
        *,
        codes: Mapping[str, int] | None = None,
        defects: frozenset[str] = frozenset(),
        habits: frozenset[str] = frozenset(),
        clock: Callable[[], float],
        seed: int = 1,
        busy: bool = True,
    ) -> None:
        self.readings = {**DEFAULTS, **readings}
        self.codes = {**{name: 50_000 + number for number, name in enumerate(NAMES)}, **(codes or {})}
        self.defects, self.habits = defects, habits
        behind = min(12, self.readings["freshness_seconds"] // 2) if "clock_behind" in habits else 0
        self.clock = lambda: clock() - behind
        self.checksums: set[str] = set()
        self.seqs: set[str] = set()
        self.asked = 0
        self.seen: set[str] = set()  # Every checksum and seq that was sent or expected.
        self.log = make_log(random.Random(seed), int(self.clock()), busy)
        if "two_places" in defects:
            self.log += [{**each, "room": f"{each['room']}-too", "create": each["enter"]} for each in self.log[::7]]
        if "secret_ids" in defects:
            self.log = [
                {**each, "user": f"{each['user']}-{APP['appsecret']}", "room": f"{APP['restapikey']}-{each['room']}"}
                for each in self.log
            ]
        if "long_call" in habits:
            today = (int(self.clock()) + EAST) // DAY * DAY - EAST
            enter, leave = today - 4 * DAY - HOUR, today - HOUR
            self.log.insert(
                0, {**self.log[0], "user": "u", "room": "r", "create": enter, "enter": enter, "leave": leave}
            )
        if "endless_call" in habits:
            enter = (int(self.clock()) + EAST) // DAY * DAY - EAST - DAY // 2
            call = {**self.log[0], "user": "endless", "room": "r", "create": enter, "enter": enter}
            self.log.append({**call, "leave": enter + 9 * DAY})
        if "backslashes" in habits:
            self.log = [{**each, "user": f"{each['user']}\\n"} for each in self.log]
        if "no_calls" in defects:
            self.log = []

    def handle(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """Return the HTTP status and the body of an answer."""
        self.asked += 1
        given = dict(parse_qsl(query))
        self.seen |= {
            value for name in ("checksum", "seq") if len(value := given.get(name, "")) > 8 and set(value) != {"0"}
        }
        self.seen.add(self.expected_checksum(query))
        try:
            operation = self.operation(path)
            if method != "POST" and "any_method" not in self.defects:
                raise Refused("method_not_allowed")
            self.check_query(query)
            fields = self.check_body(operation, headers, body)
            answer = getattr(self, operation)(fields)
        except Refused as refused:
            name = str(refused)
            said = {"Status": "FAIL", "ErrorCode": self.codes[name], "ErrorInfo": f"failed: {name.replace('_', ' ')}"}
            if "leaks" in self.defects:
                said["ErrorInfo"] += f" {query} {' '.join(APP.values())} {self.expected_checksum(query)}"
            if "markup" in self.defects:
                said["ErrorInfo"] += "<script>alert(1)</script>"
            status = 200 if self.readings["http_status"] == "always_200" else 418
            return ("bare_failure" in self.defects and 500) or status, json.dumps(said, ensure_ascii=False).encode()
        return self.respond(operation, {"Status": "OK", "ErrorCode": 0, "ErrorInfo": "", **answer})

    def operation(self, path: str) -> str:
        places = ["/v2/video/"] + (
            ["/v1/video/", "/v1/test/", "/v2/test/"] if self.readings["paths"] == "document" else []
        )
        for place in places:
            if path.startswith(place) and path[len(place) :] in FIELDS:
                return path[len(place) :]
        raise Refused("unknown_command")

    def expected_checksum(self, query: str) -> str:
        curtime = dict(parse_qsl(query)).get("curtime", "")
        return hashlib.sha1((APP["appsecret"] + curtime).encode()).hexdigest()

    def check_query(self, query: str) -> None:
        pairs = parse_qsl(query, keep_blank_values=True)
        given = dict(pairs)
        needed = ["appkey", "identifier", "curtime", "checksum"] + (
            [] if self.readings["seq"] == "optional" else ["seq"]
        )
        if any(name not in given for name in needed):
            raise Refused("missing_parameter")
        if len(given) != len(pairs):
            raise Refused("invalid_parameter")
        if given["appkey"] != APP["appkey"] and "any_appkey" not in self.defects:
            raise Refused("unknown_appkey")
        if not given["identifier"] or (
            self.readings["identifier"] == "admin" and given["identifier"] != APP["identifier"]
        ):
            raise Refused("identifier_not_allowed")
        form = r"\d{10}(\.\d+)?" if self.readings["curtime"] == "fraction" else r"\d{10}"
        if not re.fullmatch(form, given["curtime"]):
            raise Refused("invalid_curtime")
        if abs(float(given["curtime"]) - int(self.clock())) > self.readings["freshness_seconds"]:
            raise Refused("checksum_expired")
        if "no_future" in self.habits and float(given["curtime"]) > self.clock() + 2:
            raise Refused("checksum_expired")
        v2, v1 = ("".join((APP["appsecret"], part, given["curtime"])) for part in (APP["restapikey"], ""))
        good = {"v2": [v2], "v1": [v1], "either": [v2, v1]}[self.readings["signing"]]
        right = given["checksum"] in [hashlib.sha1(text.encode()).hexdigest() for text in good]
        if not right and "unsigned" not in self.defects:
            raise Refused("checksum_mismatch")
        if self.readings["checksum_reuse"] == "once":
            if given["checksum"] in self.checksums:
                raise Refused("checksum_reused" if "checksum_reused" in self.codes else "checksum_expired")
            self.checksums.add(given["checksum"])
        if given.get("seq") == "" and self.readings["seq"] != "optional":
            raise Refused("invalid_parameter")
        if self.readings["seq"] == "unique":
            if given["seq"] in self.seqs:
                raise Refused("duplicate_seq")
            self.seqs.add(given["seq"])

    def check_body(self, operation: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        lenient = self.readings["strictness"] == "lenient"
        kind = {name.lower(): value for name, value in headers.items()}.get("content-type")
        if kind != "application/json" and not (lenient and kind is None):
            raise Refused("unsupported_content_type")
        if len(body) > 1_000_000:
            raise Refused("body_too_large")
        if not body.strip():
            raise Refused("empty_body")
        try:
            fields = json.loads(body)
        except ValueError:
            raise Refused("malformed_json") from None
        if not isinstance(fields, dict):
            raise Refused("malformed_json")
        types = FIELDS[operation]
        optional = ("BeginTime", "EndTime") if operation == ROOM else ()
        if any(name not in fields and name not in optional for name in types):
            raise Refused("missing_field")
        if (not lenient or self.readings.get("fussy")) and set(fields) - set(types):
            raise Refused("unknown_field")
        for name, kind_of in types.items():
            if name in fields:
                fields[name] = self.field(name, fields[name], kind_of, lenient)
        if "CountBy" in fields:
            lowest = 0 if operation == TREND and self.readings["count_by_zero"] != "error" else 1
            if not lowest <= fields["CountBy"] <= 4:
                raise Refused("invalid_field")
        begin, end = (int(fields.get("BeginTime") or 0), int(fields.get("EndTime") or 9_999_999_999))
        if begin > end:
            raise Refused("invalid_time_range")
        limit = self.readings["max_range_days"] * DAY
        if limit and operation in (RECORDS, ALL) and end - begin > limit:
            raise Refused("range_too_large")
        return fields

    def field(self, name: str, value: Any, kind: type, lenient: bool) -> Any:
        if lenient and kind is str and type(value) is int:
            value = str(value)
        if lenient and kind is int and isinstance(value, str) and value.isdecimal():
            value = int(value)
        if type(value) is not kind:
            raise Refused("invalid_field")
        if name.endswith("Time") and value and not re.fullmatch(r"\d{9,10}", value):
            raise Refused("invalid_field")
        if name == "QueryDate" and (
            not re.fullmatch(r"\d{8}", value) or not 1 <= int(value[4:6]) <= 12 or not 1 <= int(value[6:]) <= 31
        ):
            raise Refused("invalid_field")
        return value

    # The call log as of now: a call in progress ends now, or is hidden.

    def calls(self) -> list[dict[str, Any]]:
        now = int(self.clock())
        calls = []
        for each in self.log:
            if each["enter"] >= now:
                continue
            running = each["leave"] > now
            if running and self.readings["ongoing"] == "exclude" and each["user"] != "endless":
                continue
            ahead = 2 * HOUR if "future_leave" in self.defects else 0
            shown = (
                {"now": str(now + ahead), "zero": "0", "empty": ""}.get(self.readings["ongoing"], "")
                if running
                else str(each["leave"])
            )
            part = (now - each["enter"]) / (each["leave"] - each["enter"]) if running else 1
            calls.append({
                **each, "leave": min(each["leave"], now), "shown": shown, "running": running,
                "audio": int(each["audio"] * part), "video": int(each["video"] * part),
            })  # fmt: skip
        return calls

    def within(self, each: Mapping[str, Any], begin: int, end: int, rule: str = "") -> bool:
        end -= "half_open" in self.defects
        if each["user"] == "endless" and self.readings["ongoing"] == "exclude":
            return False
        entered, left = begin <= each["enter"] <= end, begin <= each["leave"] <= end
        rules = {
            "overlap": each["enter"] <= end and each["leave"] >= begin,
            "enter": entered,
            "leave": left,
            "contained": entered and left,
        }
        return rules[rule or self.readings["window"]]

    def query_all_instance_by_time(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        begin, end = int(fields["BeginTime"]), int(fields["EndTime"])
        rows = [each for each in self.calls() if self.within(each, begin, end)]
        if "outside_window" in self.defects:
            rows = [each for each in self.calls() if self.within(each, begin - 1_800, end)]
        if "reversed_times" in self.defects:
            rows = [{**each, "create": each["enter"] + 60} for each in rows]
        if "long_audio" in self.defects:
            rows = [{**each, "audio": each["leave"] - each["enter"] + 9} for each in rows]
        if "rows_of_list" in self.defects:
            rows = [each for each in rows if sum(each["user"].encode()) % 5]
        if "rows_twice" in self.defects:
            rows += rows[:1]
        if "rows_at_times" in self.defects and begin % 2:
            rows = []
        return {"UsersList": [
            {
                "UserId": each["user"], "RoomId": each["room"], "CreateTime": str(each["create"]), "EnterTime": str(each["enter"]),
                "LeaveTime": each["shown"], "AudioDuration": each["audio"], "VideoDuration": each["video"],
            } for each in rows
        ]}  # fmt: skip

    def query_instance_all_records_by_time(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        user, begin, end = (fields["UserId"], int(fields["BeginTime"]), int(fields["EndTime"]))
        own = [each for each in self.calls() if each["user"] == user and self.within(each, begin, end)]
        known = own if self.readings["user_without_calls"] == "unknown" else [e for e in self.log if e["user"] == user]
        if self.readings["unknown_user"] == "error" and not known:
            raise Refused("user_not_found")
        if "rows_of_user" in self.defects:
            own = own[1:]
        if "durations" in self.defects:
            own = [{**each, "audio": each["audio"] + 1} for each in own]
        rooms: dict[tuple[int, str], list[dict[str, Any]]] = {}
        for each in own:
            rooms.setdefault((each["create"], each["room"]), []).append({
                "EnterTime": str(each["enter"]), "AudioDuration": each["audio"], "VideoDuration": each["video"], "LeaveTime": each["shown"],
            })  # fmt: skip
        records = [
            {"RoomId": room, "CreateTime": str(create), "RoomRecords": records}
            for (create, room), records in sorted(rooms.items())
        ]
        return {"UserId": user + "x" * ("other_user" in self.defects), "UserRecords": records}

    def query_room_info(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        calls = [each for each in self.calls() if each["room"] == fields["RoomId"]]
        if not calls:
            return self.unknown_room(fields)
        begin, end = int(fields.get("BeginTime") or 0), int(fields.get("EndTime") or 9_999_999_999)
        create, destroy = calls[0]["create"], max(each["leave"] for each in calls)
        open_now = [each["shown"] for each in calls if each["running"]]
        if self.readings["room_window"] == "stays":
            rule = "overlap" if "present_rooms" in self.habits else self.readings["window"]
            chosen = [each for each in calls if self.within(each, begin, end, rule)]
        else:
            exists = create <= end and destroy >= begin
            if "selected_rooms" in self.habits:
                exists = any(self.within(each, begin, end) for each in calls)
            chosen = calls if exists else []
        away = {"known": False, "outside": create > end or destroy < begin, "unknown": not chosen}
        if away[self.readings["room_without_calls"]]:
            return self.unknown_room(fields)
        users: dict[str, list[dict[str, Any]]] = {}
        for each in chosen:
            users.setdefault(each["user"], []).append(each)
        if "users_of_room" in self.defects and len(users) > 1:
            users.popitem()
        if "users_in_range" in self.defects and fields.get("EndTime") and users:
            users["ghost"] = [*users.values()][0]
        listed = [*users.items(), *([*users.items()][:1] if "users_twice" in self.defects else ())]
        return {
            "RoomId": fields["RoomId"], "CreateTime": str(create + ("create_of_room" in self.defects)),
            "DestroyTime": "0" if "endless_rooms" in self.defects else open_now[0] if open_now else str(destroy + 500 * ("late_destroy" in self.defects)),
            "Users": [
                {
                    "UserId": user, "FirstEnterTime": str(min(each["enter"] for each in own)),
                    "LastLeaveTime": next((each["shown"] for each in own if each["running"]), str(max(each["leave"] for each in own))),
                    "AudioDuration": sum(each["audio"] for each in own), "VideoDuration": sum(each["video"] for each in own),
                } for user, own in listed
            ],
        }  # fmt: skip

    def unknown_room(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        if self.readings["unknown_room"] == "error":
            raise Refused("room_not_found")
        never = "0" if self.readings["unknown_room_times"] == "zero" else ""
        return {"RoomId": fields["RoomId"], "CreateTime": never, "DestroyTime": never, "Users": []}

    # Statistics

    def day(self, fields: Mapping[str, Any]) -> tuple[int, int, list[dict[str, Any]]]:
        import datetime

        date = fields["QueryDate"]
        first = datetime.datetime(int(date[:4]), int(date[4:6]), int(date[6:]), tzinfo=datetime.UTC)
        start, now = int(first.timestamp()) - EAST, int(self.clock())
        limit = max(start, min(start + DAY, now))
        if self.readings["today"] == "empty" and now < start + DAY:
            limit = start
        return (
            start,
            limit,
            [each for each in self.calls() if each["enter"] < limit and each["leave"] > start] if limit > start else [],
        )

    def volume(self, count: int, start: int, limit: int, calls: list[dict[str, Any]]) -> list[int]:
        step = self.readings["tick_seconds"]
        size = -(-(limit - start) // step)
        ticks = [0] * size
        if count == 3:
            changes = sorted(
                [(max(each["enter"], start), 1) for each in calls] + [(min(each["leave"], limit), -1) for each in calls]
            )
            height, previous = 0, start
            for time, change in changes:
                if time > previous:
                    for tick in range((previous - start) // step, min(size, (time - 1 - start) // step + 1)):
                        ticks[tick] = max(ticks[tick], height)
                height, previous = height + change, time
            return ticks
        if count == 1:
            for each in calls:
                time = max(each["enter"], start)
                while time < min(each["leave"], limit):
                    until = min(start + ((time - start) // step + 1) * step, each["leave"], limit)
                    ticks[(time - start) // step] += until - time
                    time = until
            return ticks
        if count == 2:
            times = {each["room"]: each["create"] for each in calls}.values()
        else:
            first: dict[tuple[str, str], int] = {}
            for each in self.calls():
                pair = each["user"], each["room"]
                first[pair] = min(each["enter"], first.get(pair, each["enter"]))
            times = first.values()
        for time in times:
            if start <= time < limit:
                ticks[(time - start) // step] += 1
        return ticks

    def count_business_total_volume_by_day(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        start, limit, calls = self.day(fields)
        counts = [1, 2, 3, 4] if fields["CountBy"] == 0 else [fields["CountBy"]]
        omitted, columns = set(), []
        if self.readings["fill"] == "omit" and "whole_ticks" in self.habits:
            every = zip(*(self.volume(count, start, limit, calls) for count in (1, 2, 3, 4)), strict=True)
            omitted = {index for index, volumes in enumerate(every) if not any(volumes)}
        omits_values = self.readings["fill"] == "omit" and "whole_ticks" not in self.habits
        for count in counts:
            volumes = self.volume(count, start, limit, calls)
            if self.readings["trend"] == "cumulative":
                total, summed = 0, []
                for volume in volumes:
                    total = max(total, volume) if count == 3 else total + volume
                    summed.append(total)
                volumes = summed
            if f"trend_{count}" in self.defects and volumes:
                at = volumes.index(max(volumes))
                volumes = [
                    volume + (7 if index >= at else 0) * (index == at or self.readings["trend"] == "cumulative")
                    for index, volume in enumerate(volumes)
                ]
            if "one_tick" in self.defects:
                # The next volume is larger, so that a cumulative series still never goes down.
                at = next((at for at, (this, later) in enumerate(pairwise(volumes)) if later >= this + 2), None)
                volumes = [volume + 2 * (index == at) for index, volume in enumerate(volumes)]
            columns.append(volumes)
        rows = []
        for index, volumes in enumerate(zip(*columns, strict=True)):
            if index in omitted or (omits_values and not any(volumes)):
                continue
            if "ticks" in self.defects and index % 50 == 7:
                continue
            for count, volume in zip(counts, volumes, strict=True):
                if omits_values and "single_rows" in self.habits and not volume:
                    continue
                row = {"TickTime": str(start + index * self.readings["tick_seconds"]), "Volume": volume}
                rows.append(
                    {**row, "CountBy": count}
                    if len(counts) > 1 and self.readings["count_by_zero"] == "labelled"
                    else row
                )
        if "late_ticks" in self.defects and counts == [3]:
            rows = [
                {**row, "Volume": before["Volume"]} for row, before in zip(rows, [*rows[-60:], *rows], strict=False)
            ]
        if "all_ticks_late" in self.defects:
            rows = [{**row, "TickTime": str(int(row["TickTime"]) + 1)} for row in rows]
        if "shifted_tick" in self.defects and len(rows) > 2:
            rows[1]["TickTime"] = str(int(rows[1]["TickTime"]) + 1)
        if "all_counts" in self.defects and len(counts) > 1:
            rows = [{**row, "Volume": row["Volume"] + 1} for row in rows]
        if "future_ticks" in self.defects and 0 <= self.clock() - start < DAY:
            rows.append({"TickTime": str(start + DAY - self.readings["tick_seconds"]), "Volume": 1})
        if "future_trend" in self.defects and start > self.clock():
            rows = [{"TickTime": str(start), "Volume": 1}]
        return {"TrendData": rows}

    def count_business_distribute_volume_by_day(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        start, limit, calls = self.day(fields)
        dimension = ("country", "province", "city", "network")[fields["CountBy"] - 1]
        tick = (
            start if self.readings["distribution_tick"] == "day_start" else min(start + DAY + 5_400, int(self.clock()))
        )
        first: dict[tuple[str, str], dict[str, Any]] = {}
        hosts: dict[str, dict[str, Any]] = {}
        for each in sorted(self.calls(), key=lambda each: each["enter"]):
            first.setdefault((each["user"], each["room"]), each)
            hosts.setdefault(each["room"], each)
        rows = []
        for label in sorted({each[dimension] for each in calls}):
            own = [each for each in calls if each[dimension] == label]
            row = {
                "TickTime": str(tick), "CommunicateDuration": sum(min(each["leave"], limit) - max(each["enter"], start) for each in own),
                "RoomCnt": sum(start <= each["create"] < limit and each[dimension] == label for each in hosts.values()),
                "PeakOnlineNum": max(self.volume(3, start, limit, own), default=0),
                "CommunicateNum": sum(start <= each["enter"] < limit and each[dimension] == label for each in first.values()),
            }  # fmt: skip
            if f"spread_{dimension}" in self.defects and not rows:
                row["RoomCnt"] += 1
            if "small_countries" in self.defects and fields["CountBy"] == 1:
                shares = [{**row, **{name: row[name] // 4 for name in row if name != "TickTime"}} for _ in range(3)]
                rest = {name: row[name] - 3 * shares[0][name] for name in row if name != "TickTime"}
                rows += shares
                row = {**row, **rest}
            if "peaks" in self.defects:
                row["PeakOnlineNum"] += 500
            rows.append({**row, "Name": label} if self.readings["labels"] == "on" else row)
        if "spread_tick" in self.defects and len(rows) > 1:
            rows[-1]["TickTime"] = str(start + DAY)
        if "spread_utc" in self.defects:
            rows = [{**row, "TickTime": str(start + 8 * HOUR)} for row in rows]
        if "some_names" in self.defects and rows:
            rows[0]["Name"] = "a"
        if "future_spread" in self.defects and start > self.clock():
            rows = [
                {
                    "TickTime": str(start),
                    "CommunicateDuration": 9,
                    "RoomCnt": 1,
                    "PeakOnlineNum": 1,
                    "CommunicateNum": 1,
                }
            ]
        return {"DistributeData": rows}

    def count_qos_by_day(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        start, limit, calls = self.day(fields)
        step = self.readings["tick_seconds"]
        names = ("JoinRoomSuccRate", "AudioPackLossRate", "VideoPackLossRate", "AudioDelayRate", "VideoDelayRate")
        values = (99.5, 180.0 if "rates" in self.defects else 1.25, 2.5, 60.125, 80.5)
        rows = [
            {"TickTime": str(start + index * step), **dict(zip(names, values, strict=True))}
            for index, online in enumerate(self.volume(3, start, limit, calls))
            if online and not ("quality_ticks" in self.defects and index % 9 == 0)
        ]
        if "future_quality" in self.defects and start > self.clock():
            rows = [{"TickTime": str(start), **dict(zip(names, values, strict=True))}]
        return {"QosData": rows}

    def respond(self, operation: str, answer: dict[str, Any]) -> tuple[int, bytes]:
        rows = next((value for value in answer.values() if isinstance(value, list)), [])
        if "types" in self.defects and operation == ALL and len(rows) > 3:
            rows[3]["AudioDuration"] = str(rows[3]["AudioDuration"])
        if "floats" in self.defects and operation == ALL and len(rows) > 3:
            rows[3]["AudioDuration"] = float(rows[3]["AudioDuration"])
        if "stamps" in self.defects and operation == TREND and rows:
            rows[-1]["TickTime"] = int(rows[-1]["TickTime"])
        if "extra_field" in self.defects and operation == ROOM:
            answer["Secret"] = 1
        if "key_order" in self.defects:
            answer = dict(reversed(answer.items()))
        if "row_order" in self.defects:
            rows[:] = [dict(reversed(row.items())) for row in rows]
        if "unstable" in self.defects and operation == QUALITY and rows:
            rows[0]["AudioDelayRate"] = 60 + self.asked
        status = 500 if "status" in self.defects and operation == ROOM else 200
        body = json.dumps(answer, ensure_ascii=False)
        if "duplicate_key" in self.defects and operation == QUALITY:
            body = body.replace('"Status": "OK"', '"Status": "OK", "Status": "OK"', 1)
        return status, body.encode()


def make_log(random: random.Random, now: int, busy: bool) -> list[dict[str, Any]]:
    """Return the sessions of some days: rooms of a host and guests, some across midnight, some in progress."""
    log: list[dict[str, Any]] = []
    today = (now + EAST) // DAY * DAY - EAST
    free: dict[str, int] = {}
    people = {
        f"user{number}": (*random.choice(PLACES), random.choice(["WiFi", "4G", "Ethernet"])) for number in range(60)
    }
    starts = sorted(
        [random.randint(today - 3 * DAY, now - 4 * HOUR) for _ in range(60 if busy else 12)]
        + [random.randint(today - 2 * DAY - 900, today - 2 * DAY) for _ in range(2)]
        + [today - DAY - 600]
        + [random.randint(now - 2 * HOUR, now - 1_200) for _ in range(10 if busy else 0)]
    )
    for number, start in enumerate(starts):
        recent = start > now - 2 * HOUR
        length = (
            (now - start + random.randint(1, 900)) if recent and random.random() < 0.6 else random.randint(60, 3_000)
        )
        waiting = sorted(user for user in people if free.get(user, 0) < start)
        members = random.sample(waiting, min(len(waiting), random.randint(2, 5)))
        for position, user in enumerate(members):
            enter = start if position == 0 else start + random.randint(1, length // 3)
            leave = start + length if position == 0 else start + length - random.randint(0, length // 3)
            spans = [(enter, leave)]
            if position == 1 and leave - enter > 60:
                middle = (enter + leave) // 2
                spans = [(enter, middle), (middle + 20, leave)]
            for begin, end in spans:
                country, province, city, network = people[user]
                log.append({
                    "user": user, "room": f"room{number}", "create": start, "enter": begin, "leave": end,
                    "audio": random.randint(0, end - begin), "video": random.randint(0, end - begin),
                    "country": country, "province": province, "city": city, "network": network,
                })  # fmt: skip
            free[user] = start + length
    return log
