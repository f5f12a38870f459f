"""What recorded answers about time ranges say about the readings of the target."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from mockserver.contract.readings import READINGS, Readings
from mockserver.world.coverage import CLOCK_SKEW, Spans

Key: TypeAlias = tuple[str, str, int]  # UserId, RoomId, EnterTime.
RULES = ("overlap", "enter", "leave", "contained")  # The values of the reading `window`.
_MAX_CLUES = 50  # Answers of each kind.
_MAX_COMPARED = 1_000  # Sessions that each answer is compared with.


class Session(NamedTuple):
    """One session as it was last seen."""

    leave: int  # MAX_TIME while it is in progress.
    audio: int
    video: int
    seen_at: float


@dataclass(slots=True)
class RoomSeen:
    """What answers contain about a room besides its sessions."""

    create: int = 0
    changed: bool = False  # Whether answers have different CreateTimes.
    destroy: int = 0  # 0 if it is unknown or the room is in use.
    users: list[dict[str, Any]] | None = None  # Of an answer of 2.2 without a window.
    end_with_users: int = 0  # `destroy` in that answer.
    seen_at: float = 0.0  # Time of the last answer of 2.2.


class Clue(NamedTuple):
    """The result of a time range: sessions of all users or one user, or users of a room."""

    place: str  # The UserId or the RoomId; empty for all users.
    begin: int
    end: int
    at: float
    found: frozenset[Any] | None  # None for the answer to an unknown user or room.


@dataclass
class Clues:
    """A selection of the recorded answers, from which readings are concluded."""

    windows: list[Clue] = field(default_factory=list)
    rooms: dict[str, Clue] = field(default_factory=dict)  # By the JSON of the request's body.
    users: dict[str, Clue] = field(default_factory=dict)  # The same, for answers of 2.1 without calls.

    def add_window(self, clue: Clue) -> None:
        """Add an answer of 2.1 or 2.3."""
        if len(self.windows) < _MAX_CLUES:
            self.windows.append(clue)

    def add_room(self, body: str, clue: Clue) -> None:
        """Add an answer of 2.2 with a time range."""
        if body in self.rooms or len(self.rooms) < _MAX_CLUES:
            self.rooms[body] = clue

    def add_user(self, body: str, clue: Clue) -> None:
        """Add an answer of 2.1 without calls."""
        if body in self.users or len(self.users) < _MAX_CLUES:
            self.users[body] = clue

    def possible_windows(self, sessions: Mapping[Key, Session], keys_of_user: Mapping[str, Set[Key]]) -> set[str]:
        """Return the values of `window` that explain the result of every time range.

        Calls that were in progress then may be hidden: only those that are listed say something.
        """
        possible = set(RULES)
        for place, begin, end, at, found in self.windows:
            keys = keys_of_user.get(place, ()) if place else sessions
            for key in itertools.islice(keys, _MAX_COMPARED):
                leave, listed = sessions[key].leave, key in (found or ())
                if leave < at - CLOCK_SKEW or (listed and end < at - CLOCK_SKEW):
                    possible = {rule for rule in possible if selects(rule, begin, end, key[2], leave) == listed}
        return possible

    def possible_room_readings(
        self,
        readings: Readings,
        sessions: Mapping[Key, Session],
        rooms: Mapping[str, RoomSeen],
        everybody: Spans,
        *,
        is_decided: bool,
    ) -> set[tuple[str, str]]:
        """Return the values of `room_window` and `room_without_calls` that explain every answer with a time range.

        If `room_window` is decided, an answer without users is compared with it, too.
        """
        possible = set(itertools.product(READINGS["room_window"].names, READINGS["room_without_calls"].names))
        keys = {clue.place: list[Key]() for clue in self.rooms.values()}
        for key in sessions if keys else ():
            if key[1] in keys:
                keys[key[1]].append(key)
        rule, joined = readings["window"], readings["window"] != "contained"
        for place, begin, end, at, found in self.rooms.values():
            room = rooms.get(place, RoomSeen())
            existed = room.create <= end and room.destroy >= begin
            if not (end < room.create or 0 < room.destroy < at - CLOCK_SKEW):
                continue
            everyone = frozenset(key[0] for key in keys[place] if existed)
            leaves = {key: sessions[key].leave for key in keys[place]}
            present = frozenset(key[0] for key in leaves if selects(rule, begin, end, key[2], leaves[key]))
            complete = not existed or everybody.holds(room.create, room.destroy, joined=joined)
            for choice in list(possible):
                # A target may return all users, but only if the time range selects one of them.
                nobody = not (present or found) and not is_decided
                users = present if choice[0] == "stays" or nobody else everyone
                is_known = {"known": True, "outside": existed, "unknown": bool(users)}[choice[1]]
                if found != (users if is_known else None) if complete else found is None and choice[1] != "unknown":
                    possible.discard(choice)
        return possible

    def possible_users_without_calls(self, keys_of_user: Mapping[str, Set[Key]]) -> set[str]:
        """Return the values of `user_without_calls` that explain every answer of 2.1 without calls."""
        possible = set(READINGS["user_without_calls"].names)
        for user, _, _, at, found in self.users.values():
            if found is not None:
                possible &= {"known"}  # Or unknown users have an empty list, which makes no difference.
            elif any(key[2] < at - CLOCK_SKEW for key in keys_of_user.get(user, ())):
                possible &= {"unknown"}
        return possible


def rows_of_user(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the sessions of an answer of 2.1 as rows of 2.3."""
    return [
        {**record, "UserId": answer["UserId"], "RoomId": room["RoomId"], "CreateTime": room["CreateTime"]}
        for room in answer["UserRecords"]
        for record in room["RoomRecords"]
    ]


def selects(rule: Any, begin: int, end: int, enter: int, leave: int) -> bool:
    """Return whether a closed time range selects a session under a value of the reading `window`."""
    entered, left = begin <= enter <= end, begin <= leave <= end
    if rule == "overlap":
        return enter <= end and leave >= begin
    return {"enter": entered, "leave": left, "contained": entered and left}[rule]


def has_gaps(sessions: Mapping[Key, Session], rooms: Mapping[str, RoomSeen], everybody: Spans) -> bool:
    """Return whether any room was empty between two of its calls. Then the last recorded call need not be its last."""
    ends: dict[str, int] = {}
    for key in sorted(sessions, key=lambda key: key[2]):
        _, room, enter = key
        end = ends.get(room, enter)
        if enter > end and rooms[room].create > 0 and everybody.holds(rooms[room].create, enter):
            return True
        ends[room] = max(end, sessions[key].leave)
    return False
