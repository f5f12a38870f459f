"""Pinned rooms: rows written by hand that live in a generated world beside the drawn ones.

They are rooms of a recorded world (`RoomId`, `stays`) with absolute moments. The default ones tie the
literal ids of the document's samples to 2019-12-10, so that its six requests answer with data. Their
stamps and durations are the samples' own where those can all be true at once; where the document
contradicts itself (one user twice in a room at the same time in §2.1.6, a leave after the room's end in
§2.2.6, nine-digit stamps) the nearest coherent time stands instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mockserver.core.clock import parse_day
from mockserver.core.text import Text
from mockserver.world.places import Place
from mockserver.world.recorded import depends_on_now, recorded_world
from mockserver.world.stays import DIMENSIONS, SpecError, Stays

_FIRST, _LAST = parse_day("20190101"), 9_999_999_999

_MOMENT = {
    "type": ["integer", "string"],
    "minLength": 1,
    "maxLength": 64,
    "minimum": 0,
    "maximum": 9_999_999_999,
}
_PERCENT = {"type": "number", "minimum": 0, "maximum": 100}
_DELAY = {"type": "number", "minimum": 0.001, "maximum": 60_000}
_STREAM = {"type": "integer", "minimum": 0, "maximum": 9_999_999_999}
_ID = {"type": "string", "minLength": 1, "maxLength": 256}
_LABEL = {"type": "string", "minLength": 1, "maxLength": 64}
_STAY = {
    "type": "object",
    "additionalProperties": False,
    "required": ["UserId", "enter", "leave"],
    "properties": {
        "UserId": _ID,
        **dict.fromkeys(("enter", "leave"), _MOMENT),
        **dict.fromkeys(("audio", "video"), _STREAM),
        **dict.fromkeys(DIMENSIONS, _LABEL),
        **dict.fromkeys(("audio_loss", "video_loss"), _PERCENT),
        **dict.fromkeys(("audio_delay", "video_delay"), _DELAY),
    },
}
PIN: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["RoomId", "stays"],
    "properties": {
        "RoomId": _ID,
        "stays": {"type": "array", "minItems": 1, "maxItems": 100_000, "items": _STAY},
    },
}
"""One pinned room as JSON Schema: as in a recorded world, but every stay has its end."""


def _stay(user: str, enter: int, leave: int, audio: int, video: int, **more: Any) -> dict[str, Any]:
    home = {"network": "WiFi", "country": "中国", "province": "广东省", "city": "深圳市"}
    quality = {"audio_loss": 0.4, "video_loss": 0.6, "audio_delay": 42.0, "video_delay": 47.5}
    row = {"UserId": user, "enter": enter, "leave": leave, "audio": audio, "video": video}
    return {**row, **home, **quality, **more}


_MOBILE = {"network": "4G", "audio_loss": 1.1, "video_loss": 1.4, "audio_delay": 61.0, "video_delay": 68.25}

DOCUMENT_PINS: list[dict[str, Any]] = [
    {
        # §2.1.6 and §2.2.6: 123456789 stays twice, aaaaa and bbbbb come later, the room ends at 1575963822.
        "RoomId": "123456789",
        "stays": [
            _stay("ccccc", 1575961850, 1575963822, 900, 300, province="上海市", city="上海市"),
            _stay("123456789", 1575962220, 1575962255, 30, 10, **_MOBILE),
            _stay("123456789", 1575962480, 1575962840, 30, 20, **_MOBILE),
            _stay("bbbbb", 1575962729, 1575963815, 11, 20, province="北京市", city="北京市"),
            _stay("aaaaa", 1575963100, 1575963822, 59, 30, province="广东省", city="广州市"),
        ],
    },
    {
        # §2.1.6: the second room of user 123456789; the document's stamps lack a digit.
        "RoomId": "987654321",
        "stays": [
            _stay("bbbbb", 1575962250, 1575962700, 180, 90, province="北京市", city="北京市"),
            _stay("123456789", 1575962260, 1575962345, 67, 38, **_MOBILE),
            _stay("123456789", 1575962350, 1575962450, 70, 60, **_MOBILE),
        ],
    },
    {
        # §2.3.6
        "RoomId": "123456",
        "stays": [
            _stay("ccc", 1575961850, 1575962900, 400, 0, province="浙江省", city="杭州市"),
            _stay("aaa", 1575962220, 1575962830, 30, 10, province="四川省", city="成都市", **_MOBILE),
        ],
    },
    {
        # §2.3.6: created 13.7 hours before bbb comes, so somebody holds the line since then.
        "RoomId": "666777",
        "stays": [
            _stay("aaaaa", 1575912850, 1575962900, 5400, 0, province="广东省", city="广州市"),
            _stay("bbb", 1575962212, 1575962870, 70, 50, province="湖北省", city="武汉市"),
        ],
    },
]


@dataclass(frozen=True)
class Pinned:
    """Pinned rooms as rows whose user and room codes lie below 0 and whose labels are the pins' own."""

    rows: Stays
    users: Sequence[str]
    """UserIds; user code -1 is the first."""
    rooms: Sequence[str]
    labels: Mapping[str, Sequence[str]]

    @property
    def longest(self) -> int:
        """The longest pinned room, seconds."""
        return int((self.rows.destroy - self.rows.create).max(initial=0))


def document_pins(places: Sequence[Place] | None) -> list[dict[str, Any]]:
    """The document's rooms; in a world with places of its own their people live there."""
    if places is None:
        return DOCUMENT_PINS
    rooms = []
    for room in DOCUMENT_PINS:
        stays = []
        for stay in room["stays"]:
            place = places[sum(stay["UserId"].encode()) % len(places)]
            stays.append({**stay, "country": place.country, "province": place.province, "city": place.city})
        rooms.append({**room, "stays": stays})
    return rooms


def read_pins(rooms: Sequence[Mapping[str, Any]], places: Sequence[Place]) -> Pinned:
    """The rows of a `pins` list; SpecError for rows that make no rooms, or rooms without fixed times."""
    spec = {"source": "recorded", "rooms": list(rooms)}
    try:
        relative = depends_on_now(spec)
        world = recorded_world(spec, 0)
    except SpecError as error:
        raise SpecError(("pins", *error.pointer[1:]), error.text) from None
    if relative:
        raise SpecError(
            ("pins",),
            Text(
                "pins need fixed moments, such as 2019-12-10T15:30:00+08:00, not now-2h",
                "固定房间须用绝对时间，例如 2019-12-10T15:30:00+08:00；相对时间请用 recorded",
            ),
        )
    rows = world.stays_between(-(1 << 62), 1 << 62)
    if len(rows) and (rows.enter.min() < _FIRST or rows.leave.max() > _LAST):
        raise SpecError(
            ("pins",),
            Text("pins lie between 2019-01-01 and 2286-11-20", "固定房间须在 2019-01-01 与 2286-11-20 之间"),
        )
    users, user = np.unique(rows.user, return_inverse=True)
    codes, room_of = np.unique(rows.room, return_inverse=True)
    labels = {dimension: world.labels(dimension) for dimension in DIMENSIONS}
    _nest(rows, labels, places)
    columns = {name: getattr(rows, name) for name in Stays.__slots__}
    columns |= {"user": -1 - user.astype(np.int64), "room": -1 - room_of.astype(np.int64)}
    return Pinned(Stays(**columns), world.user_ids(users), world.room_ids(codes), labels)


def _nest(rows: Stays, labels: Mapping[str, Sequence[str]], places: Sequence[Place]) -> None:
    """SpecError when a pin puts a city or province elsewhere than the world's places do."""
    cities = {place.city: place.province for place in places}
    provinces = {place.province: place.country for place in places}
    levels: tuple[tuple[str, str, Mapping[str, str]], ...] = (
        ("city", "province", cities),
        ("province", "country", provinces),
    )
    for inner, outer, homes in levels:
        pairs = set(zip(getattr(rows, inner).tolist(), getattr(rows, outer).tolist(), strict=True))
        for low, high in sorted(pairs):
            name, given = labels[inner][low], labels[outer][high]
            if homes.get(name, given) != given:
                raise SpecError(
                    ("pins",),
                    Text(
                        f"{name} lies in {homes[name]}, not in {given}: use the world's places",
                        f"{name} 属于 {homes[name]}，而非 {given}：请与 places 一致",
                    ),
                )
