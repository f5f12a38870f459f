"""The invariants of the call log, checked from outside: everything here sees responses only.

`query(operation, body)` returns the fields of a response after the envelope, or None for an unknown room or user; it may
query the views, the engine or a server. `readings` are those in effect there. Each check raises AssertionError;
`check_all` runs them all. The numbers in the docstrings are those of the list of invariants.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any

DAY_SECONDS = 86_400
Rows = list[dict[str, Any]]
Query = Callable[[str, Mapping[str, Any]], "dict[str, Any] | None"]
RUNNING = ("0", "")
RATES = ("JoinRoomSuccRate", "AudioPackLossRate", "VideoPackLossRate")
DELAYS = ("AudioDelayRate", "VideoDelayRate")


class Log:
    """The responses of the six operations at one now under some readings, in comparable form."""

    def __init__(self, query: Query, now: int, readings: Mapping[str, Any]) -> None:
        self.query, self.now, self.readings = query, now, readings

    def rows(self, begin: int, end: int) -> Rows:
        """2.3."""
        result = self.query("query_all_instance_by_time", _window(begin, end))
        assert result is not None
        assert list(result) == ["UsersList"]
        rows: Rows = result["UsersList"]
        return rows

    def records(self, user: str, begin: int, end: int) -> Rows:
        """2.1 as rows of 2.3, without groups."""
        result = self.query("query_instance_all_records_by_time", {"UserId": user, **_window(begin, end)})
        if result is None:
            return []
        assert result["UserId"] == user
        rows = []
        for room in result["UserRecords"]:
            assert room["RoomRecords"], "a room without records"
            for record in room["RoomRecords"]:
                rows.append({"UserId": user, "RoomId": room["RoomId"], "CreateTime": room["CreateTime"], **record})
        ids = [room["RoomId"] for room in result["UserRecords"]]
        assert len(ids) == len(set(ids)), "a room listed twice"
        return rows

    def room(self, room: str, **window: str) -> dict[str, Any] | None:
        """2.2."""
        return self.query("query_room_info", {"RoomId": room, **window})

    def volumes(self, date: str, count: int) -> Rows:
        """3.1."""
        result = self.query("count_business_total_volume_by_day", {"QueryDate": date, "CountBy": count})
        assert result is not None
        return list(result["TrendData"])

    def shares(self, date: str, count: int) -> Rows:
        """3.2."""
        result = self.query("count_business_distribute_volume_by_day", {"QueryDate": date, "CountBy": count})
        assert result is not None
        return list(result["DistributeData"])

    def leave(self, row: Mapping[str, Any], key: str = "LeaveTime") -> int:
        """The second at which a session ended, or now if it is still open."""
        return self.now if row[key] in RUNNING else int(row[key])


def check_all(query: Query, now: int, readings: Mapping[str, Any], spans: Iterable[tuple[int, int]], date: str, start: int) -> None:  # fmt: skip
    """Check every invariant for the spans and for the day `date`, which begins at `start`."""
    log = Log(query, now, readings)
    for begin, end in spans:
        check_rows(log, begin, end)
        check_windows(log, begin, (begin + end) // 2, end)
        check_users(log, begin, end)
        check_rooms(log, begin, end)
    check_day(log, date, start)
    check_quality(log, date, start)
    check_same_bytes(log, date, start)


def check_rows(log: Log, begin: int, end: int) -> None:
    """4, 5, 6, 8, 17: rows are well formed, inside their rooms, disjoint for each user, and selected by the window."""
    of_user: dict[str, list[tuple[int, int]]] = defaultdict(list)
    rows = log.rows(begin, end)
    for row in rows:
        create, enter, leave = int(row["CreateTime"]), int(row["EnterTime"]), log.leave(row)
        assert create <= enter < leave <= log.now, row
        for stream in ("AudioDuration", "VideoDuration"):
            assert type(row[stream]) is int
            assert 0 <= row[stream] <= leave - enter, row
        assert all(type(row[key]) is str for key in ("UserId", "RoomId", "CreateTime", "EnterTime", "LeaveTime"))
        if row["LeaveTime"] in RUNNING:
            assert row["LeaveTime"] == {"zero": "0", "empty": ""}[log.readings["ongoing"]]
        assert _meets(log.readings["window"], enter, leave, begin, end), row
        of_user[row["UserId"]].append((enter, leave))
    for sessions in of_user.values():
        sessions.sort()
        assert all(after[0] >= before[1] for before, after in pairwise(sessions)), sessions
    order = [(int(row["EnterTime"]), row["RoomId"], row["UserId"]) for row in rows]
    assert order == sorted(order)


def check_windows(log: Log, begin: int, middle: int, end: int) -> None:
    """7: a part has no more than the whole, and adjacent parts have all of it (except what crosses, if contained)."""
    whole, left, right = (_set(log.rows(*span)) for span in ((begin, end), (begin, middle), (middle + 1, end)))
    assert left <= whole
    assert right <= whole
    if log.readings["window"] != "contained":
        assert left | right == whole
    if log.readings["window"] in ("enter", "leave"):
        assert not left & right


def check_users(log: Log, begin: int, end: int) -> None:
    """1, 18: 2.1 and 2.3 have the same rows for a span, and the user of every row exists."""
    rows = log.rows(begin, end)
    for user in {row["UserId"] for row in rows}:
        assert _set(log.records(user, begin, end)) == _set(row for row in rows if row["UserId"] == user)
    absent = "no such user\u2003"
    assert log.records(absent, begin, end) == []


def check_rooms(log: Log, begin: int, end: int) -> None:
    """2, 3, 4, 18: a room is the sum of its users' records, with a window of its rows in the window."""
    rows = log.rows(begin, end)
    for room in {row["RoomId"] for row in rows}:
        result = log.room(room)
        assert result is not None
        assert result["RoomId"] == room
        create, destroy = int(result["CreateTime"]), log.leave(result, "DestroyTime")
        assert {row["CreateTime"] for row in rows if row["RoomId"] == room} == {result["CreateTime"]}
        every = [
            row
            for user in result["Users"]
            for row in log.records(user["UserId"], create, destroy)
            if row["RoomId"] == room
        ]
        assert result["Users"] == _sums(log, every)
        assert len(result["Users"]) == len({user["UserId"] for user in result["Users"]})
        assert create == min(int(row["EnterTime"]) for row in every)
        assert destroy == max(log.leave(row) for row in every)
        assert destroy <= log.now
        assert (result["DestroyTime"] in RUNNING) == any(row["LeaveTime"] in RUNNING for row in every)
        part = log.room(room, BeginTime=str(begin), EndTime=str(end))
        assert part is not None
        assert (part["CreateTime"], part["DestroyTime"]) == (result["CreateTime"], result["DestroyTime"])
        if log.readings["room_window"] == "room":
            assert part["Users"] == result["Users"]
        else:
            assert part["Users"] == _sums(log, [row for row in rows if row["RoomId"] == room])
    absent = log.room("no such room\u2003")
    if log.readings["unknown_room"] == "error":
        assert absent is None
    else:
        assert absent is not None
        assert absent["Users"] == []


def check_day(log: Log, date: str, start: int) -> None:
    """9 - 13: the trends and distributions of a day add up to its records."""
    volumes = {count: [row["Volume"] for row in log.volumes(date, count)] for count in (1, 2, 3, 4)}
    assert all(type(volume) is int and volume >= 0 for result in volumes.values() for volume in result)
    cumulative = log.readings["trend"] == "cumulative"
    if cumulative:
        assert all(result == sorted(result) for result in volumes.values())
    total = {
        count: max(result, default=0) if cumulative or count == 3 else sum(result) for count, result in volumes.items()
    }
    for count in (1, 2, 3, 4):
        rows = log.shares(date, count)
        assert sum(row["CommunicateDuration"] for row in rows) == total[1]
        assert sum(row["RoomCnt"] for row in rows) == total[2]
        peaks = [row["PeakOnlineNum"] for row in rows]
        assert max(peaks, default=0) <= total[3] <= sum(peaks)
        assert sum(row["CommunicateNum"] for row in rows) == total[4]
        durations = [row["CommunicateDuration"] for row in rows]
        assert durations == sorted(durations, reverse=True)
        assert len({row.get("Name", index) for index, row in enumerate(rows)}) == len(rows)
        assert ["Name" in row for row in rows] == [log.readings["labels"] == "on"] * len(rows)
    sizes = [len(log.shares(date, count)) for count in (1, 2, 3)]
    assert sizes == sorted(sizes), "14: provinces nest in countries and cities in provinces"
    _check_interleaved(log, date, start)
    limit = min(log.now, start + DAY_SECONDS)
    hidden = log.now <= start or (log.readings["today"] == "empty" and limit < start + DAY_SECONDS)
    if hidden:
        assert not any(total.values())
    elif log.readings["window"] == "overlap":
        assert total == _counted(log, start, limit)


def check_quality(log: Log, date: str, start: int) -> None:
    """15: ticks of 3.3 are unique, ascending, aligned, inside the day, and present whenever a call was open."""
    result = log.query("count_qos_by_day", {"QueryDate": date})
    assert result is not None
    step, rows = log.readings["tick_seconds"], result["QosData"]
    ticks = [int(row["TickTime"]) for row in rows]
    assert ticks == sorted(set(ticks))
    assert all((tick - start) % step == 0 and start <= tick < min(start + DAY_SECONDS, log.now) for tick in ticks)
    for row in rows:
        assert all(0 <= row[key] <= 100 for key in RATES), row
        assert all(row[key] > 0 for key in DELAYS), row
        assert all(round(row[key], 3) == row[key] for key in (*RATES, *DELAYS)), row
    if log.readings["trend"] == "tick":
        busy = {int(row["TickTime"]) for row in log.volumes(date, 1) if row["Volume"]}
        assert busy <= set(ticks)


def check_same_bytes(log: Log, date: str, start: int) -> None:
    """16: the same request has the same response."""
    for operation, body in (
        ("query_all_instance_by_time", _window(start, start + DAY_SECONDS - 1)),
        ("count_business_distribute_volume_by_day", {"QueryDate": date, "CountBy": 3}),
        ("count_qos_by_day", {"QueryDate": date}),
    ):
        assert json.dumps(log.query(operation, body)) == json.dumps(log.query(operation, body))


def _counted(log: Log, start: int, limit: int) -> dict[int, int]:
    """The four counts of a day, from its rows and rooms only."""
    rows = log.rows(start, start + DAY_SECONDS - 1)
    spent = [(max(int(row["EnterTime"]), start), min(log.leave(row), limit)) for row in rows]
    events = sorted([(end, -1) for _, end in spent] + [(begin, 1) for begin, end in spent if end > begin]
                    + [(end, 1) for begin, end in spent if end <= begin])  # fmt: skip
    height = peak = 0
    for _, change in events:
        height += change
        peak = max(peak, height)
    rooms = {row["RoomId"]: log.room(row["RoomId"]) for row in rows}
    pairs = 0
    for room in rooms.values():
        assert room is not None
        pairs += sum(start <= int(user["FirstEnterTime"]) < limit for user in room["Users"])
    return {
        1: sum(end - begin for begin, end in spent),
        2: len({row["RoomId"] for row in rows if start <= int(row["CreateTime"]) < limit}),
        3: peak,
        4: pairs,
    }


def _check_interleaved(log: Log, date: str, start: int) -> None:
    every = log.volumes(date, 0)
    assert len(every) % 4 == 0
    for place, count in enumerate((1, 2, 3, 4)):
        mine = every[place::4]
        if log.readings["count_by_zero"] == "labelled":
            assert {row["CountBy"] for row in mine} <= {count}
        plain = [{"TickTime": row["TickTime"], "Volume": row["Volume"]} for row in mine]
        alone = log.volumes(date, count)
        if log.readings["fill"] == "omit":
            assert [row for row in plain if row["Volume"]] == alone
        else:
            assert plain == alone
            step = log.readings["tick_seconds"]
            assert [int(row["TickTime"]) for row in alone] == [start + step * tick for tick in range(len(alone))]


def _sums(log: Log, rows: Rows) -> Rows:
    """Users as in 2.2, computed from rows of 2.3."""
    users: dict[str, Rows] = defaultdict(list)
    for row in rows:
        users[row["UserId"]].append(row)
    result = []
    for user, mine in users.items():
        running = [row["LeaveTime"] for row in mine if row["LeaveTime"] in RUNNING]
        result.append(
            {
                "UserId": user,
                "FirstEnterTime": min((row["EnterTime"] for row in mine), key=int),
                "LastLeaveTime": running[0] if running else str(max(log.leave(row) for row in mine)),
                "AudioDuration": sum(row["AudioDuration"] for row in mine),
                "VideoDuration": sum(row["VideoDuration"] for row in mine),
            }
        )
    return sorted(result, key=lambda user: (int(user["FirstEnterTime"]), user["UserId"]))


def _meets(rule: str, enter: int, leave: int, begin: int, end: int) -> bool:
    entered, left = begin <= enter <= end, begin <= leave <= end
    return {"overlap": enter <= end and leave >= begin, "enter": entered, "leave": left, "contained": entered and left}[
        rule
    ]


def _set(rows: Iterable[Mapping[str, Any]]) -> set[str]:
    result = [json.dumps(row, sort_keys=True) for row in rows]
    assert len(result) == len(set(result)), "a row listed twice"
    return set(result)


def _window(begin: int, end: int) -> dict[str, str]:
    return {"BeginTime": str(begin), "EndTime": str(end)}
