"""The contents of a recording: the sessions of one call log, the time ranges they cover, and unchanged answers.

`Recording.add` merges one answer after another. Contradictory answers are a conflict; the newer answer wins. Does not
depend on files or connections.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from mockserver.contract.readings import READINGS, Readings
from mockserver.core.text import Text
from mockserver.live.clues import Clue, Clues, Key, RoomSeen, Session, has_gaps, rows_of_user, selects
from mockserver.world.coverage import CLOCK_SKEW, DECIDING, Spans, depends_on_other_times
from mockserver.world.sessions import MAX_TIME

RECORDS, ROOM, ALL = ("query_instance_all_records_by_time", "query_room_info", "query_all_instance_by_time")
Body: TypeAlias = Mapping[str, Any]
RUNNING = ("", "0")  # LeaveTimes of a call in progress, with the readings `ongoing=empty` and `zero`.
SLACK = 2  # Seconds before an answer at which a call shown with the current time as its end ended at most.
_MAX_CONFLICTS = 1_000
_MAX_LATEST = 50_000  # Sessions.


@dataclass
class Recording:
    """A recording. `readings` are those of the target, as far as they are known."""

    readings: Readings
    sessions: dict[Key, Session] = field(default_factory=dict)
    rooms: dict[str, RoomSeen] = field(default_factory=dict)
    everybody: Spans = field(default_factory=Spans)
    users: dict[str, Spans] = field(default_factory=dict)
    answers: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """Answers that are stored unchanged, by operation and the JSON of the request's body."""
    failures: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """The answers to requests for a room or a user that does not exist."""
    latest: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """The last answers of 2.1 and 2.3 about the present or with calls that may be in progress."""
    recorded_at: float = 0.0
    known_until: float = 0.0  # Time of the last request for all sessions up to now; 0 without one.
    conflicts: list[Text] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)  # Answers by operation.
    changes: int = 0  # Increases with every change.
    known: frozenset[str] = frozenset()  # Names of the readings that are known; the others have their defaults.
    undecided: dict[str, list[str]] = field(default_factory=dict)  # Several values that the answers allow, by reading.
    corrections: dict[str, Text] = field(default_factory=dict)  # Descriptions of corrections, by reading.
    _conditional: dict[str, set[Text]] = field(default_factory=dict)  # Conflicts by the reading that they depend on.
    _clues: Clues = field(default_factory=Clues)
    _rows_of_latest: dict[tuple[str, str], int] = field(default_factory=dict)  # Sessions in each of `latest`.
    _keys_of_user: dict[str, set[Key]] = field(default_factory=dict)
    _in_progress: set[Key] = field(default_factory=set)

    def add(self, operation: str, body: Body, answer: Body, at: float) -> None:
        """Merge a valid success whose request was signed at the time `at`."""
        # The target's clock may be behind that of the start.
        self.recorded_at = max(self.recorded_at, at) if self.counts else at
        self.counts[operation] += 1
        self.changes += 1
        if operation == ALL and int(body["EndTime"]) >= int(at):
            self.known_until = max(self.known_until, at)
        if operation in (ALL, RECORDS):
            rows = answer["UsersList"] if operation == ALL else rows_of_user(answer)
            self._add_window(body, rows, at)
            leaves = (MAX_TIME if row["LeaveTime"] in RUNNING else int(row["LeaveTime"]) for row in rows)
            if any(time >= at - CLOCK_SKEW for time in (int(body["EndTime"]), *leaves)):
                self._keep_latest(operation, body, answer, len(rows))
        elif operation == ROOM:
            self._add_room(body, answer, at)
        else:
            self._keep(operation, body, answer)

    def add_failure(self, operation: str, body: Body, answer: Body) -> None:
        """Add the answer to a request for a room or a user that does not exist, or has no calls in the time range."""
        self.changes += 1
        self._decide("unknown_room" if operation == ROOM else "unknown_user", "error")
        self._add_unknown(operation, body, answer)

    def is_known(self, operation: str, body: Body) -> bool:
        """Whether any answer contains the room or the user of a request."""
        return body["RoomId"] in self.rooms if operation == ROOM else body["UserId"] in self._keys_of_user

    def conclude_readings(self) -> None:
        """Correct the readings that the answers contradict, and find those that the answers do not decide."""
        rooms = self._clues.possible_room_readings(
            self.readings, self.sessions, self.rooms, self.everybody, is_decided="room_window" in self.known
        )
        found = {
            "window": self._clues.possible_windows(self.sessions, self._keys_of_user),
            "room_window": {each for each, _ in rooms},
            "room_without_calls": {each for _, each in rooms},
            "user_without_calls": self._clues.possible_users_without_calls(self._keys_of_user),
            **{name: set(READINGS[name].names) for name in ("unknown_room", "unknown_user")},
        }
        if "unknown_room" in self.known and self.readings["unknown_room"] == "empty":
            found["unknown_room_times"] = set(READINGS["unknown_room_times"].names)
        if "unknown_user" in self.known and self.readings["unknown_user"] != "error":
            found["user_without_calls"] = {str(self.readings["user_without_calls"])}  # There is no difference.
        for name, values in found.items():
            possible, value = sorted(values), self.readings[name]
            is_known = name in self.known and value in possible
            self.undecided.pop(name, None)
            if name != "window" and value not in possible and (name in self.known or not possible):
                # A target may do what no value describes.
                self.undecided[name] = sorted(READINGS[name].names)
                continue
            if len(possible) > 1 and not is_known:
                self.undecided[name] = possible
            if possible and not is_known and value not in possible:
                self._withdraw_conflicts(name)
                self.readings, shown = ({**self.readings, name: possible[0]}, " / ".join(possible))
                self.corrections[name] = Text(
                    f"the answers show {name}={shown}, not {value}; run `mockserver learn` first to know all readings",
                    f"响应表明 {name}={shown}，而不是 {value}；请先运行 `mockserver learn` 以确定全部读法",
                )

    def _add_window(self, body: Body, rows: Iterable[Mapping[str, Any]], at: float) -> None:
        begin, end = int(body["BeginTime"]), min(int(body["EndTime"]), int(at))
        user = body.get("UserId")
        keys = set()
        for row in rows:
            key = row["UserId"], row["RoomId"], int(row["EnterTime"])
            leave = self._time(row["LeaveTime"])
            if key in keys:
                self._conflict(f"{_name(key)} occurs twice in one answer", f"{_name(key)} 在同一响应中出现两次")
            keys.add(key)
            self._add_session(key, Session(leave, row["AudioDuration"], row["VideoDuration"], at))
            self._see_create(row["RoomId"], row["CreateTime"])
            if leave != MAX_TIME and not selects(self.readings["window"], begin, int(body["EndTime"]), key[2], leave):
                rule = self.readings["window"]
                self._conflict(
                    f"{_name(key)} is in an answer for {begin}-{body['EndTime']}, against the reading window={rule}",
                    f"{_name(key)} 出现在 {begin}-{body['EndTime']} 的响应中，与读法 window={rule} 不符",
                    "window",
                )
        self._remove_ended(user, keys, begin if begin <= at else 0)
        clue = Clue(user or "", begin, int(body["EndTime"]), at, frozenset(keys))
        self._clues.add_window(clue)
        if user is not None and not keys:
            self._clues.add_user(_canonical(body), clue)
        if user is None:
            self.everybody.add(begin, end)
        else:
            self.users.setdefault(user, Spans()).add(begin, end)
            known = self._keys_of_user.get(user, set())
            self._find_missing(known - keys, begin, end)

    def _remove_ended(self, user: str | None, listed: Set[Key], begin: int) -> None:
        """Remove calls that ended at an unknown time: in progress when last seen, and not in a later time range."""
        for key in self._in_progress - listed if self.readings["window"] == "overlap" else ():
            if key[0] == (user or key[0]) and self.sessions[key].seen_at < begin:
                seen_at = int(self.sessions.pop(key).seen_at)
                self._in_progress.discard(key)
                self._keys_of_user[key[0]].discard(key)
                for spans in (self.everybody, self.users.get(key[0], Spans())):
                    spans.remove(key[2], seen_at)

    def _find_missing(self, keys: Iterable[Key], begin: int, end: int) -> None:
        """Report the sessions of a user that are missing from an answer."""
        for key in keys:
            if selects(self.readings["window"], begin, end, key[2], self.sessions[key].leave):
                self._conflict(
                    f"{_name(key)} is missing from a later answer for {begin}-{end}",
                    f"{_name(key)} 未出现在之后 {begin}-{end} 的响应中",
                    "window",
                )

    def _add_session(self, key: Key, new: Session) -> None:
        old = self.sessions.get(key)
        self.sessions[key] = new
        (self._in_progress.add if new.leave == MAX_TIME else self._in_progress.discard)(key)
        if old is None:
            self._keys_of_user.setdefault(key[0], set()).add(key)
        elif old[:3] != new[:3]:
            earliest = old.seen_at - CLOCK_SKEW
            was_running = old.leave >= earliest and new.leave >= (earliest if old.leave == MAX_TIME else old.leave)
            if not was_running and new.leave != MAX_TIME:
                self._conflict(
                    f"{_name(key)} was {old.leave}, {old.audio}, {old.video} (leave, audio, video) and is now "
                    f"{new.leave}, {new.audio}, {new.video}",
                    f"{_name(key)} 原为 {old.leave}、{old.audio}、{old.video}（离开、音频、视频），现为 "
                    f"{new.leave}、{new.audio}、{new.video}",
                )

    def _time(self, text: str) -> int:
        """Return the end of a call or of a room, MAX_TIME for one in progress."""
        if text not in RUNNING:
            return int(text)
        self._decide("ongoing", "zero" if text else "empty")
        return MAX_TIME

    def _decide(self, name: str, value: str) -> None:
        """Set a reading that an answer shows."""
        self.readings, self.known = {**self.readings, name: value}, self.known | {name}

    def _see_create(self, room_id: str, create: str) -> None:
        room = self.rooms.setdefault(room_id, RoomSeen())
        if create in RUNNING:
            return
        if room.create not in (0, int(create)):
            self._conflict(
                f"room {room_id} was created at {room.create} and now at {create}",
                f"房间 {room_id} 的创建时间原为 {room.create}，现为 {create}",
            )
            room.changed = True
        room.create = int(create)

    def _add_room(self, body: Body, answer: Body, at: float) -> None:
        if answer["CreateTime"] in RUNNING:
            # The reading `unknown_room=empty`: there is no such room.
            self._decide("unknown_room", "empty")
            self._decide("unknown_room_times", "zero" if answer["CreateTime"] == "0" else "empty")
            self._add_unknown(ROOM, body, answer)
            return
        room_id, window = body["RoomId"], _window(body)
        self._see_create(room_id, answer["CreateTime"])
        room = self.rooms[room_id]
        room.destroy, room.seen_at = self._time(answer["DestroyTime"]) % MAX_TIME, at
        if not window:
            room.users, room.end_with_users = [dict(user) for user in answer["Users"]], room.destroy
            return
        if len(window) == 2:
            found = frozenset(user["UserId"] for user in answer["Users"])
            span = int(window["BeginTime"]), int(window["EndTime"])
            self._clues.add_room(_canonical(body), Clue(room_id, *span, at, found))
        self._keep(ROOM, {"RoomId": room_id, **window}, answer)

    def _add_unknown(self, operation: str, body: Body, answer: Body) -> None:
        """Add the answer that a room or a user is unknown, which may only mean that it has no calls in the range."""
        name, kind = ("RoomId", "room") if operation == ROOM else ("UserId", "user")
        who, window, reading = ({name: body[name]}, _window(body), f"{kind}_without_calls")
        if len(window) == 2:
            add = self._clues.add_room if operation == ROOM else self._clues.add_user
            span = int(window["BeginTime"]), int(window["EndTime"])
            add(_canonical(body), Clue(body[name], *span, self.recorded_at, None))
        always = reading in self.known and self.readings[reading] == "known" and not self.is_known(operation, body)
        if window and not always:
            self._keep(operation, {**who, **window}, answer)
        else:
            self.failures[operation, _canonical(who)] = {**answer}

    def _keep(self, operation: str, body: Body, answer: Body) -> None:
        key = operation, _canonical(body)
        self.answers.pop(key, None)
        self.answers[key] = {**answer}

    def _keep_latest(self, operation: str, body: Body, answer: Body, rows: int) -> None:
        key = operation, _canonical(body)
        self._rows_of_latest.pop(key, None)
        self.latest[key], self._rows_of_latest[key] = {**answer}, rows
        while sum(self._rows_of_latest.values()) > _MAX_LATEST:
            oldest = next(iter(self._rows_of_latest))
            del self.latest[oldest], self._rows_of_latest[oldest]

    def _conflict(self, en: str, zh: str, reading: str = "") -> None:
        """Report a conflict, which may only exist under the present value of a reading."""
        self.counts["conflicts"] += 1
        if len(self.conflicts) < _MAX_CONFLICTS:
            self.conflicts.append(Text(en, zh))
            self._conditional.setdefault(reading, set()).add(self.conflicts[-1])

    def _withdraw_conflicts(self, reading: str) -> None:
        """Remove the conflicts that depend on the value of a reading, which was wrong."""
        withdrawn = self._conditional.pop(reading, set())
        kept = [text for text in self.conflicts if text not in withdrawn]
        self.counts["conflicts"] -= len(self.conflicts) - len(kept)
        self.conflicts = kept

    def incomplete_rooms(self) -> set[str]:
        """Return the rooms with calls that were seen at different times, or of which the answers disagree.

        Also those without a known end, if calls may follow: rooms of this target can be empty for a while.
        """
        seen_at = {name: room.seen_at for name, room in self.rooms.items()}
        users: dict[str, set[str]] = {}
        for (user, room, _), session in self.sessions.items():
            seen_at[room] = max(seen_at[room], session.seen_at)
            users.setdefault(room, set()).add(user)
        outdated = (
            room
            for (_, room, _), session in self.sessions.items()
            if session.leave >= session.seen_at - SLACK and int(session.seen_at) < int(seen_at[room])
        )
        unclear = (
            name
            for name, room in self.rooms.items()
            if room.changed or (room.users is not None and self._is_contradicted(room, users.get(name, set())))
        )
        found = {*outdated, *unclear, *(self.rooms.keys() - users.keys())}
        if has_gaps(self.sessions, self.rooms, self.everybody):
            at, rooms = int(self.recorded_at), self.rooms.items()
            found |= {name for name, room in rooms if not (room.destroy or self.everybody.holds(room.create, at))}
        return found

    def _is_contradicted(self, room: RoomSeen, users: Set[str]) -> bool:
        """Whether the answer of 2.2 without a time range is outdated, or has other users than a covered time range."""
        joined = "contained" not in self.possible_windows()
        whole = self.everybody.holds(room.create, room.destroy or MAX_TIME, joined=joined)
        listed = {user["UserId"] for user in room.users or ()}
        return room.end_with_users != room.destroy or (whole and users != listed)

    def possible_windows(self) -> set[Any]:
        """Return the possible values of the reading `window`."""
        return {*self.undecided.get("window", [self.readings["window"]])}

    def finished_rooms(self) -> set[str]:
        """Return the rooms of which all sessions are known, and none is in progress."""
        rooms = self.rooms.keys() - self.incomplete_rooms()
        return rooms - {key[1] for key, session in self.sessions.items() if session.leave == MAX_TIME}

    def answer_is_covered(self, operation: str, body: Body, finished_rooms: Set[str]) -> bool:
        """Whether the sessions contain a stored answer, so that it need not be written."""
        if operation not in (ROOM, RECORDS):
            return False
        is_known, undecided = (self.is_known(operation, body), set(self.undecided) & set(DECIDING[operation]))
        kind = "room" if operation == ROOM else "user"
        if is_known and self.readings[f"{kind}_without_calls"] == "known":
            undecided.discard(f"unknown_{kind}")
        if undecided:
            return False
        if not is_known and depends_on_other_times(operation, self.readings):
            return False
        begin, end = int(body.get("BeginTime", 0)), int(body.get("EndTime", MAX_TIME))
        joined = self.readings["window"] != "contained"
        if not is_known or operation == RECORDS:
            return self.everybody.holds(begin, end, joined=joined)
        room = self.rooms[body["RoomId"]]
        if body["RoomId"] not in finished_rooms or not 0 < room.destroy < self.recorded_at - CLOCK_SKEW:
            return False
        span = max(begin, room.create), min(end, room.destroy)
        if self.readings["room_window"] == "room":
            span = room.create, room.destroy
        return self.everybody.holds(*span, joined=joined)


def _window(body: Body) -> dict[str, str]:
    return {name: body[name] for name in ("BeginTime", "EndTime") if body.get(name)}


def _canonical(body: Body) -> str:
    return json.dumps(dict(sorted(body.items())), ensure_ascii=False)


def _name(key: Key) -> str:
    return f"{key[0]} in {key[1]} from {key[2]}"
