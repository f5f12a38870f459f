"""Worlds and spans for property tests: small, but with crowded hours, long calls and rejoining users."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from mockserver.core.clock import DAY_SECONDS, parse_day
from mockserver.world.model import EPOCH, build_model, slots_needed
from mockserver.world.sessions import COLUMNS, Sessions

bounded = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Few enough examples to run within seconds."""
END = parse_day("20300101")


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """Parameters of a generated world; half of them have no more users than the busiest hour needs."""
    floor = draw(st.integers(1, 60))
    cap = draw(st.integers(floor, 14_400))
    kinds = [
        {
            "name": f"kind {number}",
            "share": draw(st.integers(1, 9)),
            "median": draw(st.integers(floor, cap)),
            "sigma": draw(st.sampled_from([0, 0.5, 1.5, 3])),
            "seats": sorted(draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))),
        }
        for number in range(draw(st.integers(1, 3)))
    ]
    spec = {
        "seed": draw(st.integers(0, 2**64 - 1)),
        "rooms_per_day": draw(st.integers(0, 900)),
        "room_kinds": kinds,
        "call_lengths": {"floor": floor, "cap": cap},
        "hour_weights": draw(st.sampled_from([[1] * 24, [0] * 12 + [1] * 12, [0.1] * 23 + [5]])),
        "weekend_factor": draw(st.sampled_from([0, 1.12, 2])),
        "quality": draw(st.sampled_from(["realistic", "degraded", "document_like"])),
    }
    if draw(st.booleans()):
        spec["users"] = max(16, slots_needed(build_model(spec).kinds))
    return spec


@st.composite
def spans(draw: st.DrawFn, max_seconds: int = 12 * 3_600) -> tuple[int, int]:
    """A closed span of seconds, often in the world's first hours or on a day's boundary."""
    begin = draw(
        st.one_of(
            st.integers(EPOCH - 7_200, EPOCH + 18_000),
            st.integers(EPOCH, END),
            st.integers(0, 4_000).map(lambda day: EPOCH + day * DAY_SECONDS - 60),
        )
    )
    return begin, begin + draw(st.integers(0, max_seconds))


def same(left: Sessions, right: Sessions) -> bool:
    """Whether two results have the same rows in the same order."""
    return all(np.array_equal(getattr(left, name), getattr(right, name)) for name in COLUMNS)
