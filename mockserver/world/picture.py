"""A day of a world in a few numbers, for people to look at: by hour, city, network and quality."""

from __future__ import annotations

from typing import Any

import numpy as np

from mockserver.core.clock import DAY_SECONDS, parse_day
from mockserver.world.asof import as_of
from mockserver.world.stays import World

HOUR = 3_600
MOST_CITIES = 12


def picture_of(world: World, day: str, now: int) -> dict[str, Any]:
    """Totals and rows of [label, value] for a `yyyymmdd` day (UTC+8) as it stands at `now`; ValueError for no such day."""
    start = parse_day(day)
    limit = max(start, min(start + DAY_SECONDS, now))
    stays = as_of(world.stays_between(start, start + DAY_SECONDS - 1), now, "now").stays
    begins, ends = np.clip(stays.enter, start, limit), np.clip(stays.leave, start, limit)
    seconds = ends - begins
    hour = np.clip(stays.enter - start, 0, DAY_SECONDS - 1) // HOUR
    made = stays.create[stays.host & (stays.create >= start) & (stays.create < limit)]
    joined = int(((stays.enter >= start) & (stays.enter < limit)).sum())
    failed = len(world.failed_joins(start, limit))
    weights = np.bincount(hour, seconds, 24)
    return {
        "day": f"{day[:4]}-{day[4:6]}-{day[6:]}",
        "totals": {
            "rooms": len(made),
            "users": len(np.unique(stays.user)),
            "stays": len(stays),
            "hours": round(int(seconds.sum()) / HOUR, 1),
            "joins": round(100 * joined / (joined + failed), 2) if joined + failed else 100.0,
        },
        "hours": [
            [f"{index:02d}", count]
            for index, count in enumerate(np.bincount((made - start) // HOUR, minlength=24).tolist())
        ],
        "cities": _shares(stays.city, seconds, world.labels("city"))[:MOST_CITIES],
        "networks": _shares(stays.network, seconds, world.labels("network")),
        "loss": _by_hour(hour, seconds * stays.audio_loss, weights),
        "delay": _by_hour(hour, seconds * stays.audio_delay, weights),
    }


def _shares(codes: Any, seconds: Any, labels: Any) -> list[list[Any]]:
    """Call hours by label, the largest first; labels without any are left out."""
    totals = np.bincount(codes, seconds, len(labels))
    rows = [
        [label, round(total / HOUR, 1)] for label, total in zip(labels, totals.tolist(), strict=True) if total
    ]
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def _by_hour(hour: Any, weighted: Any, weights: Any) -> list[list[Any]]:
    means = np.bincount(hour, weighted, 24) / np.maximum(weights, 1) / 1_000
    return [[f"{index:02d}", round(mean, 2)] for index, mean in enumerate(means.tolist())]
