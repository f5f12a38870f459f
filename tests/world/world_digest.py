"""Print a digest of generated worlds: the same on every Python, NumPy, machine, hash seed and time zone.

Needs only NumPy, so that it runs where the other dependencies are not installed.
"""

from __future__ import annotations

import hashlib
import json

import numpy as np

from mockserver.core.clock import DAY_SECONDS, parse_day
from mockserver.world.generated import generated_world
from mockserver.world.model import HOUR
from mockserver.world.sessions import COLUMNS, DIMENSIONS, Sessions

SPECS = (
    {},
    {"seed": 7, "users": 333, "rooms_per_day": 90, "quality": "degraded", "hour_weights": [1] * 24},
    {"seed": 2**63 - 1, "rooms_per_day": 9_000, "quality": "document_like", "failed_joins": 50},
)
DAYS = ("20190101", "20191210", "20240229", "20300601")


def _feed(digest: hashlib._Hash, rows: Sessions) -> None:
    for name in COLUMNS:
        digest.update(np.asarray(getattr(rows, name)).astype("<i8").tobytes())


def digest_of_worlds() -> str:
    """Return a SHA-256 of the rows, ids, labels and failed joins of three worlds on four days."""
    digest = hashlib.sha256()
    for spec in SPECS:
        world = generated_world(spec)
        for dimension in DIMENSIONS:
            digest.update(json.dumps(world.labels(dimension)).encode())
        for day in DAYS:
            start = parse_day(day)
            rows = world.sessions_between(start, start + 6 * HOUR)
            _feed(digest, rows)
            users, rooms = world.user_ids(rows.user[:50]), world.room_ids(rows.room[:50])
            digest.update(json.dumps([users, rooms]).encode())
            if users:
                _feed(digest, world.sessions_of_user(users[0], start, start + 9 * DAY_SECONDS))
                _feed(digest, world.sessions_of_room(rooms[-1]))
            digest.update(world.failed_joins(start, start + 6 * HOUR).astype("<i8").tobytes())
    return digest.hexdigest()


if __name__ == "__main__":
    print(digest_of_worlds())
