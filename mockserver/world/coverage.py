"""The coverage of a recording: which requests its sessions can answer completely. All others are `not_recorded`.

A recorded time range of 2.3 also answers 2.1 for every user and 2.2 for every room within it. Statistics include
calls that were not recorded, so sessions of a recording never answer them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mockserver.contract.readings import Readings
from mockserver.core.errors import NotFound
from mockserver.world.sessions import MAX_TIME

Span = tuple[int, int]  # Seconds, both ends included.
NOT_RECORDED = "not_recorded"
CLOCK_SKEW = 300  # A call that ended at most this many seconds before its answer may have been in progress.
DECIDING = {
    "query_instance_all_records_by_time": ("window", "user_without_calls", "unknown_user"),
    "query_room_info": ("window", "room_window", "room_without_calls", "unknown_room", "unknown_room_times"),
    "query_all_instance_by_time": ("window",),
}  # The readings that decide the answers of a recording and may be undecided.
ENDING = ("leave", "contained")  # Values of `window` by which the end of a call decides whether it is selected.
_SURE_OF_THE_LAST = ("overlap", "enter")
"""Values of `window` by which a time range that contains a room's last leave proves that no session follows."""


class Spans:
    """Closed spans of seconds, and their union, in which adjacent spans are merged."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self.all: dict[Span, None] = {}
        self._begins: list[int] = []
        self._ends: list[int] = []
        for begin, end in spans:
            self.add(begin, end)

    def add(self, begin: int, end: int) -> None:
        """Add a span; one that ends before it begins is ignored."""
        if begin > end:
            return
        self.all[begin, end] = None
        # Merge it with the spans that it overlaps or touches.
        first, last = (bisect_left(self._ends, begin - 1), bisect_right(self._begins, end + 1))
        if first < last:
            begin, end = min(begin, self._begins[first]), max(end, self._ends[last - 1])
        self._begins[first:last], self._ends[first:last] = [begin], [end]

    def remove(self, begin: int, end: int) -> None:
        """Remove the seconds of a span from all spans."""
        spans = list(self.all)
        self.all, self._begins, self._ends = {}, [], []
        for first, last in spans:
            self.add(first, min(last, begin - 1))
            self.add(max(first, end + 1), last)

    def holds(self, begin: int, end: int, *, joined: bool = True) -> bool:
        """Whether `begin` to `end` is inside the union of the spans or, unless `joined`, inside one of them."""
        if begin > end:
            return True
        if not joined:
            return any(first <= begin and end <= last for first, last in self.all)
        at = bisect_right(self._begins, begin) - 1
        return at >= 0 and end <= self._ends[at]

    @property
    def joined(self) -> list[Span]:
        """The union of the spans, in order."""
        return list(zip(self._begins, self._ends, strict=True))

    def largest(self) -> list[Span]:
        """Return the spans that are not inside another one, in order."""
        largest: list[Span] = []
        for begin, end in sorted(self.all, key=lambda span: (span[0], -span[1])):
            if not largest or end > largest[-1][1]:
                largest.append((begin, end))
        return largest


class Room(NamedTuple):
    """The recorded times of a room."""

    create: int
    last_leave: int  # The last leave of the recorded sessions.
    destroy: int  # DestroyTime in an answer of 2.2; 0 if unknown.


@dataclass
class Coverage:
    """The spans in which every session was recorded: of all users, and of single users."""

    everybody: Spans = field(default_factory=Spans)
    users: dict[str, Spans] = field(default_factory=dict)
    recorded_at: int = 0
    undecided: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Readings of the backend that are not known: all of these values have to give the same answer."""
    rooms_seen: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """The recorded answers of 2.2 without a time range, by room: the fields after the envelope."""
    incomplete_rooms: set[str] = field(default_factory=set)  # Not all of their sessions are known.

    def add_room(self, room: Mapping[str, Any], times: Mapping[str, int]) -> None:
        """Add a room of the scenario. If its answer of 2.2 has no DestroyTime, the room still existed."""
        if room.get("incomplete"):
            self.incomplete_rooms.add(room["RoomId"])
        if "Users" in room:
            stamps = {name: str(times[name]) if name in times else "" for name in ("CreateTime", "DestroyTime")}
            self.rooms_seen[room["RoomId"]] = {"RoomId": room["RoomId"], **stamps, "Users": room["Users"]}

    def holds(self, begin: int, end: int, readings: Readings, user: str = "") -> bool:
        """Whether every session in a closed span is known, for all users or for one."""
        # A session across the boundary of two adjacent time ranges is contained in neither.
        joined = readings["window"] != "contained"
        if self.everybody.holds(begin, end, joined=joined):
            return True
        if user not in self.users:
            return False
        return Spans([*self.everybody.joined, *self.users[user].all]).holds(begin, end, joined=joined)

    def check_user(self, body: Mapping[str, Any], now: int, readings: Readings, *, is_seen: bool) -> None:
        """Raise NotFound unless the recording answers this request of 2.1, or of 2.3 without a UserId.

        `is_seen` is whether the user occurs anywhere in the recording; it is true for 2.3.
        """
        begin, end = int(body["BeginTime"]), int(body["EndTime"])
        if not is_seen and depends_on_other_times("query_instance_all_records_by_time", readings):
            raise NotFound(NOT_RECORDED, "UserId", body["UserId"])
        # The backend's clock may be ahead of ours, so that it has calls that begin after our present.
        is_near = now < begin <= now + CLOCK_SKEW
        if is_near or not self.holds(begin, min(end, now), readings, body.get("UserId", "")):
            raise NotFound(NOT_RECORDED, "BeginTime", f"{begin}, EndTime {end}")

    def check_room(self, body: Mapping[str, Any], now: int, readings: Readings, room: Room | None) -> bool:
        """Raise NotFound unless the recording answers this request of 2.2.

        Return whether the answer is the one recorded without a time range.
        """
        room_id, window = body["RoomId"], (body.get("BeginTime"), body.get("EndTime"))
        begin, end = int(window[0] or 0), int(window[1] or MAX_TIME)
        seen = self.rooms_seen.get(room_id)
        if seen is not None:
            destroy = int(seen["DestroyTime"]) if seen["DestroyTime"] not in ("", "0") else MAX_TIME
            if window in ((None, None), ("", "")) or (begin <= int(seen["CreateTime"]) and destroy <= end):
                return True
        if room_id in self.incomplete_rooms:
            known = False
        elif room is None:
            known = bool(window[0] and window[1]) and self.holds(begin, min(end, now), readings)
            known = known and not depends_on_other_times("query_room_info", readings)
        else:
            known = self._knows_room(room, begin, end, now, readings)
        if not known:
            raise NotFound(NOT_RECORDED, "RoomId", room_id)
        return False

    def _knows_room(self, room: Room, begin: int, end: int, now: int, readings: Readings) -> bool:
        if room.destroy and room.last_leave == MAX_TIME:
            # Its calls were recorded in progress, but have ended since.
            return False
        if readings["window"] in ENDING and room.destroy >= (self.recorded_at or MAX_TIME) - CLOCK_SKEW:
            # Calls in progress need not be in any recorded time range.
            return False
        last = min(max(room.last_leave, room.destroy), self.recorded_at or MAX_TIME)
        if last < max(room.last_leave, room.destroy) < MAX_TIME:
            # Only some of its sessions were seen later.
            return False
        whole = self.holds(room.create, last, readings)
        if not room.destroy and not (whole and readings["window"] in _SURE_OF_THE_LAST):
            return False
        if last == self.recorded_at < begin:
            # It was still open then.
            return False
        if readings["room_window"] == "room":
            return whole
        return self.holds(max(begin, room.create), min(end, now, last), readings)


def depends_on_other_times(operation: str, readings: Readings) -> bool:
    """Whether the answer for a user or room without calls in a time range depends on its calls at other times."""
    if operation == "query_instance_all_records_by_time":
        return (readings["unknown_user"], readings["user_without_calls"]) == ("error", "known")
    if (readings["room_without_calls"], readings["room_window"]) == ("unknown", "stays"):
        return False
    # Under `overlap`, a room that exists throughout the time range has a call in it.
    return readings["room_without_calls"] == "known" or bool(readings["window"] != "overlap")


def parse_coverage(
    spec: Mapping[str, Any], time: Callable[[Any, tuple[str | int, ...]], int], wrong: Callable[[int], None]
) -> Coverage | None:
    """Return the coverage of a recorded world; None without `covers`, which means that the world is complete.

    `time` reads a time at a pointer, `wrong` reports that an entry's ends are swapped.
    """
    if "covers" not in spec:
        return None
    coverage = Coverage(recorded_at=time(spec["recorded_at"], ("recorded_at",)) if "recorded_at" in spec else 0)
    coverage.undecided = spec.get("undecided", {})
    for index, entry in enumerate(spec["covers"]):
        begin, end = (time(entry[name], ("covers", index, name)) for name in ("from", "to"))
        if begin > end:
            wrong(index)
        spans = coverage.users.setdefault(entry["UserId"], Spans()) if "UserId" in entry else coverage.everybody
        spans.add(begin, end)
    return coverage
