"""The recorded world: stays written in a scenario, checked and turned into the same columns as generated ones."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from mockserver.core.clock import InvalidTime, parse_time
from mockserver.core.text import Text
from mockserver.world.asof import FIRST, OPEN
from mockserver.world.stays import COLUMNS, DIMENSIONS, I64, SpecError, Stays

Pointer = tuple[str | int, ...]
_MOVING = re.compile(r"\s*(now|today)\b")
_PLACES = {"country": "中国", "province": "广东省", "city": "深圳市", "network": "WiFi"}
"""What a stay's place and network are unless it says so."""
_QUALITY = {"audio_loss": 0.3, "video_loss": 0.4, "audio_delay": 45.0, "video_delay": 60.0}
"""What a stay's losses (percent) and delays (milliseconds) are unless it says so."""


def depends_on_now(spec: Mapping[str, Any]) -> bool:
    """Whether any moment of the block is relative (`now-2h`, `today 10:00`)."""
    rooms = spec.get("rooms") or ()
    words = [stay.get(name) for room in rooms for stay in room["stays"] for name in ("enter", "leave")]
    words += [word for room in rooms for word in room.get("failed_joins", ())]
    return any(isinstance(word, str) and _MOVING.match(word) for word in words)


def recorded_world(spec: Mapping[str, Any], now: int) -> RecordedWorld:
    """The world of a `world: {source: recorded, rooms: […]}` block; SpecError points to the row that is wrong."""
    rows, failed = [], []
    rooms = spec.get("rooms") or ()
    seen: dict[str, int] = {}
    for index, room in enumerate(rooms):
        at: Pointer = ("rooms", index)
        if seen.setdefault(room["RoomId"], index) != index:
            text = Text(
                "this RoomId is recorded twice; write its stays in one place", "该 RoomId 重复；请写在一处"
            )
            raise SpecError((*at, "RoomId"), text)
        rows += list(_stays(room, at, now))
        failed += [
            _moment(word, (*at, "failed_joins", number), now)
            for number, word in enumerate(room.get("failed_joins", ()))
        ]
    _refuse_overlaps(rows)
    _refuse_strays(rows)
    return RecordedWorld(rows, sorted(failed))


class RecordedWorld:
    """A World of rows that were written down."""

    def __init__(self, rows: Sequence[Mapping[str, Any]], failed: Sequence[int]) -> None:
        self._users = list(dict.fromkeys(row["user"] for row in rows))
        self._rooms = list(dict.fromkeys(row["room"] for row in rows))
        self._labels = {name: list(dict.fromkeys(row[name] for row in rows)) for name in DIMENSIONS}
        lookups: dict[str, Sequence[str]] = {"user": self._users, "room": self._rooms, **self._labels}
        codes = {name: {word: code for code, word in enumerate(words)} for name, words in lookups.items()}
        self._stays = Stays(
            *(
                np.array([codes[name][row[name]] if name in codes else row[name] for row in rows], kind)
                for name, kind in COLUMNS.items()
            )
        )
        self._failed: I64 = np.array(failed, np.int64)
        self._of_user = _rows_of(self._stays.user)
        self._of_room = _rows_of(self._stays.room)
        self._user_codes, self._room_codes = codes["user"], codes["room"]
        self.longest = int((self._stays.destroy - self._stays.create).max()) if rows else 0

    def stays_of_user(self, user_id: str, begin: int, end: int) -> Stays:
        """Every stay of the user that overlaps [begin, end]."""
        code = self._user_codes.get(user_id)
        if code is None:
            return Stays.empty()
        return _overlapping(self._stays.take(self._of_user[code]), begin, end)

    def stays_of_room(self, room_id: str) -> Stays:
        """Every stay of the room; no row for an unknown room."""
        code = self._room_codes.get(room_id)
        return Stays.empty() if code is None else self._stays.take(self._of_room[code])

    def stays_between(self, begin: int, end: int) -> Stays:
        """Every stay that overlaps [begin, end]."""
        return _overlapping(self._stays, begin, end)

    def failed_joins(self, begin: int, end: int) -> I64:
        """The seconds in [begin, end) at which somebody tried to join and failed."""
        low, high = np.searchsorted(self._failed, [begin, end])
        return self._failed[low:high]

    def knows_user(self, user_id: str) -> bool:
        """Whether anybody of this name was ever in a room."""
        return user_id in self._user_codes

    def user_ids(self, codes: Any) -> list[str]:
        """The UserIds behind user codes."""
        return [self._users[code] for code in codes.tolist()]

    def room_ids(self, codes: Any) -> list[str]:
        """The RoomIds behind room codes."""
        return [self._rooms[code] for code in codes.tolist()]

    def labels(self, dimension: str) -> Sequence[str]:
        """The labels behind the codes of a dimension."""
        return self._labels[dimension]


def _stays(room: Mapping[str, Any], at: Pointer, now: int) -> Iterator[dict[str, Any]]:
    """The room's stays as rows of columns, by enter; the first one is the host's."""
    rows = []
    for number, stay in enumerate(room["stays"]):
        here = (*at, "stays", number)
        enter = _moment(stay["enter"], (*here, "enter"), now)
        leave = _moment(stay["leave"], (*here, "leave"), now) if "leave" in stay else OPEN
        _check(stay, here, enter, leave)
        quality = {name: round(1_000 * stay.get(name, usual)) for name, usual in _QUALITY.items()}
        places = {name: stay.get(name, usual) for name, usual in _PLACES.items()}
        rows.append(
            {
                "user": stay["UserId"],
                "room": room["RoomId"],
                "enter": enter,
                "leave": leave,
                "audio": stay.get("audio", 0),
                "video": stay.get("video", 0),
                "at": here,
                **quality,
                **places,
            }
        )
    rows.sort(key=lambda row: (row["enter"], row["at"]))
    create, destroy = min(row["enter"] for row in rows), max(row["leave"] for row in rows)
    users: set[str] = set()
    for row in rows:
        first = row["user"] not in users
        users.add(row["user"])
        yield {**row, "create": create, "destroy": destroy, "host": row is rows[0], "first": first}


def _check(stay: Mapping[str, Any], at: Pointer, enter: int, leave: int) -> None:
    if leave <= enter:
        text = Text("leave must come after enter", "leave 必须晚于 enter")
        raise SpecError((*at, "leave"), text)
    for name in ("audio", "video"):
        if stay.get(name, 0) > leave - enter:
            most = leave - enter
            text = Text(
                f"{name} is longer than the stay; at most {most} s", f"{name} 长于停留时间；最多 {most} 秒"
            )
            raise SpecError((*at, name), text)


def _moment(word: str | int, at: Pointer, now: int) -> int:
    try:
        second = parse_time(word, now)
    except InvalidTime as error:
        raise SpecError(at, error.text) from None
    if second < FIRST:
        text = Text(
            f"{word!r} lies before 1973-03-03: a stamp has nine or ten digits",
            f"{word!r} 早于 1973-03-03：时间戳为九或十位数字",
        )
        raise SpecError(at, text)
    if second > OPEN:
        text = Text(
            f"{word!r} lies after 2286; write seconds, not milliseconds",
            f"{word!r} 晚于 2286 年；请写秒数，不是毫秒",
        )
        raise SpecError(at, text)
    return second


def _refuse_overlaps(rows: Sequence[Mapping[str, Any]]) -> None:
    """Nobody is in two places at once."""
    of_user: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        of_user[row["user"]].append(row)
    for user, stays in of_user.items():
        stays.sort(key=lambda row: row["enter"])
        for before, after in pairwise(stays):
            if after["enter"] < before["leave"]:
                text = Text(
                    f"{user} is still in room {before['room']} then; nobody is in two stays at once",
                    f"此时 {user} 仍在房间 {before['room']} 中；同一人不能同时有两次停留",
                )
                raise SpecError((*after["at"], "enter"), text)


def _refuse_strays(rows: Sequence[Mapping[str, Any]]) -> None:
    """A city lies in one province and a province in one country, so that the counts of §3.2 nest."""
    for inner, outer in (("city", "province"), ("province", "country")):
        homes: dict[str, str] = {}
        for row in rows:
            here, home = row[outer], homes.setdefault(row[inner], row[outer])
            if here != home:
                text = Text(
                    f"{row[inner]} lies in {home} in another stay and in {here} in this one; write the"
                    " country, province and city that belong together",
                    f"{row[inner]} 在另一次停留中属于 {home}，此处属于 {here}；请写相符的国家、省、市",
                )
                raise SpecError((*row["at"], outer), text)


def _rows_of(codes: I64) -> dict[int, I64]:
    rows: dict[int, list[int]] = defaultdict(list)
    for index, code in enumerate(codes.tolist()):
        rows[code].append(index)
    return {code: np.array(found, np.int64) for code, found in rows.items()}


def _overlapping(stays: Stays, begin: int, end: int) -> Stays:
    return stays.take((stays.leave >= begin) & (stays.enter <= end))
