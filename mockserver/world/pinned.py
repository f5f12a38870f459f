"""Pinned rooms: hand-written rooms that exist in a generated world beside the drawn ones.

They are rooms of a recorded world (`RoomId`, `stays`) with absolute times. The default ones make the literal ids of the
document's samples answer with data on 2019-12-10. Times and durations are those of the samples where they can all be
true at once; where the document contradicts itself (one user twice in a room at the same time in §2.1.6, a leave after
the end of the room in §2.2.6, nine-digit timestamps) the nearest consistent time is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mockserver.core.clock import parse_day
from mockserver.core.text import Text
from mockserver.world.demographics import Place, PlaceHierarchy
from mockserver.world.recorded import depends_on_now, recorded_world
from mockserver.world.sessions import COLUMNS, DIMENSIONS, MAX_TIME, Sessions, WorldError

_SECONDS = {"type": "integer", "minimum": 0, "maximum": MAX_TIME}
_TIME = {**_SECONDS, "type": ["integer", "string"], "minLength": 1, "maxLength": 64}
_PERCENT = {"type": "number", "minimum": 0, "maximum": 100}
_DELAY = {"type": "number", "minimum": 0.001, "maximum": 60_000}
_ID = {"type": "string", "minLength": 1, "maxLength": 256}
_LABEL = {"type": "string", "minLength": 1, "maxLength": 64}
_SESSION = {
    "type": "object",
    "additionalProperties": False,
    "required": ["UserId", "enter", "leave"],
    "properties": {
        "UserId": _ID,
        **dict.fromkeys(("enter", "leave"), _TIME),
        **dict.fromkeys(("audio", "video"), _SECONDS),
        **dict.fromkeys(DIMENSIONS, _LABEL),
        **dict.fromkeys(("audio_loss", "video_loss"), _PERCENT),
        **dict.fromkeys(("audio_delay", "video_delay"), _DELAY),
    },
}
PINNED_ROOM: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["RoomId", "stays"],
    "properties": {"RoomId": _ID, "stays": {"type": "array", "minItems": 1, "maxItems": 100_000, "items": _SESSION}},
}  # A pinned room as JSON Schema: as in a recorded world, but every session has a leave time.


def _session(user: str, enter: int, leave: int, audio: int, video: int, **more: Any) -> dict[str, Any]:
    home = {"network": "WiFi", "country": "中国", "province": "广东省", "city": "深圳市"}
    quality = {"audio_loss": 0.4, "video_loss": 0.6, "audio_delay": 42.0, "video_delay": 47.5}
    row = {"UserId": user, "enter": enter, "leave": leave, "audio": audio, "video": video}
    return {**row, **home, **quality, **more}


_MOBILE = {"network": "4G", "audio_loss": 1.1, "video_loss": 1.4, "audio_delay": 61.0, "video_delay": 68.25}

DOCUMENT_PINS: list[dict[str, Any]] = [
    {
        # §2.1.6 and §2.2.6: 123456789 joins twice, aaaaa and bbbbb join later, the room ends at 1575963822.
        "RoomId": "123456789",
        "stays": [
            _session("ccccc", 1575961850, 1575963822, 900, 300, province="上海市", city="上海市"),
            _session("123456789", 1575962220, 1575962255, 30, 10, **_MOBILE),
            _session("123456789", 1575962480, 1575962840, 30, 20, **_MOBILE),
            _session("bbbbb", 1575962729, 1575963815, 11, 20, province="北京市", city="北京市"),
            _session("aaaaa", 1575963100, 1575963822, 59, 30, province="广东省", city="广州市"),
        ],
    },
    {
        # §2.1.6: the second room of user 123456789; the document's timestamps lack a digit.
        "RoomId": "987654321",
        "stays": [
            _session("bbbbb", 1575962250, 1575962700, 180, 90, province="北京市", city="北京市"),
            _session("123456789", 1575962260, 1575962345, 67, 38, **_MOBILE),
            _session("123456789", 1575962350, 1575962450, 70, 60, **_MOBILE),
        ],
    },
    {
        # §2.3.6
        "RoomId": "123456",
        "stays": [
            _session("ccc", 1575961850, 1575962900, 400, 0, province="浙江省", city="杭州市"),
            _session("aaa", 1575962220, 1575962830, 30, 10, province="四川省", city="成都市", **_MOBILE),
        ],
    },
    {
        # §2.3.6: created 13.7 hours before bbb joins, so another user has to be there since then.
        "RoomId": "666777",
        "stays": [
            _session("aaaaa", 1575912850, 1575962900, 5400, 0, province="广东省", city="广州市"),
            _session("bbb", 1575962212, 1575962870, 70, 50, province="湖北省", city="武汉市"),
        ],
    },
]


@dataclass(frozen=True)
class PinnedRooms:
    """Pinned rooms as sessions with negative user and room codes and labels of their own."""

    rows: Sessions
    users: Sequence[str]  # UserIds; the first one has user code -1.
    rooms: Sequence[str]
    labels: Mapping[str, Sequence[str]]


def document_pins(places: Sequence[Place] | None) -> list[dict[str, Any]]:
    """Return the document's rooms; their users live at `places` if these are given."""
    if places is None:
        return DOCUMENT_PINS
    rooms = []
    for room in DOCUMENT_PINS:
        sessions = []
        for session in room["stays"]:
            home = places[sum(session["UserId"].encode()) % len(places)]
            sessions.append({**session, "country": home.country, "province": home.province, "city": home.city})
        rooms.append({**room, "stays": sessions})
    return rooms


def load_pins(rooms: Sequence[Mapping[str, Any]], places: Sequence[Place]) -> PinnedRooms:
    """Return the rooms of a `pins` list; WorldError for invalid rows, relative times or a city in another province."""
    spec = {"source": "recorded", "rooms": list(rooms)}
    try:
        relative = depends_on_now(spec)
        world = recorded_world(spec, 0)
    except WorldError as error:
        raise WorldError(("pins", *error.pointer[1:]), error.text) from None
    if relative:
        raise _error(
            "pins need absolute times, such as 2019-12-10T15:30:00+08:00, not now-2h",
            "固定房间须用绝对时间，例如 2019-12-10T15:30:00+08:00；相对时间请用 recorded",
        )
    rows = world.sessions_between(-(1 << 62), 1 << 62)
    if len(rows) and (rows.enter.min() < parse_day("20190101") or rows.leave.max() > MAX_TIME):
        raise _error("pins must be between 2019-01-01 and 2286-11-20", "固定房间须在 2019-01-01 与 2286-11-20 之间")
    labels = {dimension: world.labels(dimension) for dimension in DIMENSIONS}
    hierarchy = PlaceHierarchy(places)
    for place in sorted(set(zip(rows.country.tolist(), rows.province.tolist(), rows.city.tolist(), strict=True))):
        names = (labels[name][code] for name, code in zip(DIMENSIONS, place, strict=False))
        if conflict := hierarchy.add(*names):
            raise WorldError(("pins",), conflict.text)
    users, user = np.unique(rows.user, return_inverse=True)
    codes, room = np.unique(rows.room, return_inverse=True)
    columns = {name: getattr(rows, name) for name in COLUMNS}
    columns |= {"user": -1 - user.astype(np.int64), "room": -1 - room.astype(np.int64)}
    return PinnedRooms(Sessions(**columns), world.user_ids(users), world.room_ids(codes), labels)


def _error(en: str, zh: str) -> WorldError:
    return WorldError(("pins",), Text(en, zh))
