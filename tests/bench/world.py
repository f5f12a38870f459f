"""Measure queries of the generated world at 1, 10 and 100 times the default number of calls, and its memory.

`python -m tests.bench.world` prints milliseconds and their growth over the default world. Each figure is the median of
queries with empty caches.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Iterator
from typing import Any

import psutil

from mockserver.contract.readings import resolve
from mockserver.core.clock import DAY_SECONDS, parse_day
from mockserver.world.generated import ROW_CACHE, GeneratedWorld, generated_world
from mockserver.world.views import VIEWS

NOW = parse_day("20250101")
SCALES: dict[str, dict[str, Any]] = {"1x": {}, "10x": {"rooms_per_day": 20_000}, "100x": {"rooms_per_day": 200_000}}
"""Rooms a day; users follow."""
ROUNDS = {"1x": 15, "10x": 7, "100x": 3}
TARGETS = {"2.1, 30 days": 10, "2.2, a room": 2, "2.3, an hour": 10, "3.1, a day": 150, "3.2, a day": 150,
           "3.3, a day": 150}  # fmt: skip
"""Milliseconds, for the default world."""
REQUESTS = 10_000


def queries(world: GeneratedWorld, rng: random.Random) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield one query of each operation about a random day of five years: its name, operation and body."""
    day = parse_day("20200101") + rng.randrange(5 * 365) * DAY_SECONDS
    date = time.strftime("%Y%m%d", time.gmtime(day + 8 * 3_600))
    evening = day + 20 * 3_600
    rows = world.sessions_between(evening - 30 * DAY_SECONDS, evening - 30 * DAY_SECONDS)
    user, room = world.user_ids(rows.user[:1])[0], world.room_ids(rows.room[:1])[0]
    month = {"BeginTime": str(evening - 30 * DAY_SECONDS), "EndTime": str(evening)}
    yield "2.1, 30 days", "query_instance_all_records_by_time", {"UserId": user, **month}
    yield "2.2, a room", "query_room_info", {"RoomId": room}
    yield ("2.3, an hour", "query_all_instance_by_time", {"BeginTime": str(evening), "EndTime": str(evening + 3_600)})
    yield "3.1, a day", "count_business_total_volume_by_day", {"QueryDate": date, "CountBy": 1}
    yield "3.2, a day", "count_business_distribute_volume_by_day", {"QueryDate": date, "CountBy": 3}
    yield "3.3, a day", "count_qos_by_day", {"QueryDate": date}


def growth() -> dict[str, dict[str, float]]:
    """Return milliseconds by query and scale, with empty caches."""
    found: dict[str, dict[str, float]] = {name: {} for name in TARGETS}
    readings = resolve()
    for scale, spec in SCALES.items():
        world, rng = generated_world(spec), random.Random(1)
        spent: dict[str, list[float]] = {name: [] for name in TARGETS}
        for _ in range(ROUNDS[scale]):
            for name, operation, body in queries(world, rng):
                ROW_CACHE.clear()
                begun = time.perf_counter()
                VIEWS[operation](world, body, NOW, readings)
                spent[name].append(1_000 * (time.perf_counter() - begun))
        for name, times in spent.items():
            found[name][scale] = statistics.median(times)
    return found


def memory() -> float:
    """Return resident megabytes after many random queries over five years."""
    world, rng, readings = generated_world({}), random.Random(2), resolve()
    count = 0
    while count < REQUESTS:
        for _, operation, body in queries(world, rng):
            VIEWS[operation](world, body, NOW, readings)
            count += 1
    return float(psutil.Process().memory_info().rss) / 2**20


def main() -> None:
    """Print the table."""
    # Measured first, before the larger worlds grow the heap.
    resident = memory()
    print(f"{'cold query':16}{'target':>10}" + "".join(f"{scale:>10}{'growth':>9}" for scale in SCALES))
    for name, times in growth().items():
        cells = "".join(f"{ms:>7.1f} ms{ms / times['1x']:>8.1f}x" for ms in times.values())
        print(f"{name:16}{TARGETS[name]:>7} ms{cells}")
    print(f"memory after {REQUESTS:,} queries about five years: {resident:.0f} MB")


if __name__ == "__main__":
    main()
