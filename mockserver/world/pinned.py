"""Pinned rooms: hand-written rooms that exist in a generated world next to the generated ones.

They are rooms of a recorded world (`RoomId`, `stays`) with absolute times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mockserver.core.clock import parse_day
from mockserver.core.errors import Mistakes
from mockserver.world.demographics import DOCUMENT_PINS, Place, PlaceHierarchy
from mockserver.world.recorded import depends_on_now, recorded_world
from mockserver.world.sessions import COLUMNS, DIMENSIONS, MAX_TIME, Sessions, WorldError


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
    mistakes = Mistakes()
    with mistakes.collect():
        relative = depends_on_now(spec)
        world = recorded_world(spec, 0)
    Mistakes(mistake._replace(pointer=("pins", *mistake.pointer[1:])) for mistake in mistakes).check(WorldError)
    if relative:
        raise WorldError.of(("pins",), "relative_pins")
    rows = world.sessions_between(-(1 << 62), 1 << 62)
    if len(rows) and (rows.enter.min() < parse_day("20190101") or rows.leave.max() > MAX_TIME):
        raise WorldError.of(("pins",), "pins_outside")
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
