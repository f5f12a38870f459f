"""Random recorded worlds, spans and readings for property tests, and direct queries of the views."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from helpers.length import length
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from mockserver.contract.readings import READINGS as TABLE
from mockserver.contract.readings import resolve
from mockserver.core.clock import DAY_SECONDS, parse_day
from mockserver.core.errors import NotFound
from mockserver.world.sources import World
from mockserver.world.views import VIEWS

few = settings(max_examples=length(40, 120), deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Few enough examples to run within seconds."""
DATE = "20191210"
START = parse_day(DATE)
END = START + DAY_SECONDS
NAMES = ("window", "room_window", "ongoing", "unknown_room", "unknown_user", "trend", "fill", "today",
         "labels", "distribution_tick")  # fmt: skip
PLACES = (
    ("中国", "广东省", "深圳市"),
    ("中国", "广东省", "广州市"),
    ("中国", "四川省", "成都市"),
    ("日本", "东京都", "东京"),
)
Query = Callable[[str, Mapping[str, Any]], "dict[str, Any] | None"]

_MOMENTS = st.one_of(
    st.integers(START - 7_200, END + 7_200),
    st.sampled_from([START, END]).flatmap(lambda edge: st.integers(edge - 90, edge + 90)),
    st.sampled_from([START - 1, START, START, END - 1, END]),
    st.integers(START + 36_000, START + 36_240),
)
_LENGTHS = st.one_of(st.sampled_from([1, 2, 59, 60, 61]), st.integers(1, 900), st.integers(900, 3 * 3_600))


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """The spec of a recorded world: crowded minutes, users who rejoin, open calls, sessions over midnight.

    The sessions of a user are drawn one after the other, so that they are disjoint, and then spread over the rooms.
    """
    rooms: dict[str, list[dict[str, Any]]] = {}
    for user in draw(st.lists(st.sampled_from(["aaa", "bbb", "小明", "<b>", "e"]), max_size=5, unique=True)):
        at = draw(_MOMENTS)
        for _ in range(draw(st.integers(1, 4))):
            length = draw(_LENGTHS)
            country, province, city = draw(st.sampled_from(PLACES))
            session: dict[str, Any] = {
                "UserId": user,
                "enter": at,
                "leave": at + length,
                "audio": draw(st.integers(0, length)),
                "video": draw(st.integers(0, length)),
                "network": draw(st.sampled_from(["WiFi", "4G", "5G"])),
                "country": country,
                "province": province,
                "city": city,
                "audio_loss": draw(st.integers(0, 100_000)) / 1_000,
                "video_loss": draw(st.sampled_from([0, 100, 12.5, 0.001])),
                "audio_delay": draw(st.integers(1, 60_000_000)) / 1_000,
                "video_delay": draw(st.sampled_from([1, 60_000, 33.333])),
            }
            rooms.setdefault(draw(st.sampled_from(["1", "2", "房"])), []).append(session)
            if draw(st.integers(0, 9)) == 0:
                del session["leave"]
                break
            at += length + draw(st.sampled_from([0, 1, 30, 3_600]))
    return {
        "source": "recorded",
        "rooms": [
            {
                "RoomId": room,
                "stays": draw(st.permutations(sessions)),
                "failed_joins": draw(st.lists(_MOMENTS, max_size=4)),
            }
            for room, sessions in rooms.items()
        ],
    }


@st.composite
def situations(draw: st.DrawFn) -> tuple[dict[str, Any], int, tuple[int, int]]:
    """A spec, a now and a closed span, both often exactly at an enter or leave time."""
    spec = draw(specs())
    sessions = [session for room in spec["rooms"] for session in room["stays"]]
    edges = sorted({session[name] for session in sessions for name in ("enter", "leave") if name in session}) or [START]
    near = st.tuples(st.sampled_from(edges), st.sampled_from([-1, 0, 0, 1])).map(sum)
    now = draw(st.one_of(st.just(END + 30 * DAY_SECONDS), near, near, st.integers(START - 60, END + 9_000)))
    begin = draw(st.one_of(near, near, _MOMENTS, st.just(START - DAY_SECONDS)))
    end = draw(st.one_of(near, near, st.just(begin), st.integers(begin, begin + 3 * DAY_SECONDS)))
    return spec, now, (min(begin, end), max(begin, end))


@st.composite
def readings(draw: st.DrawFn) -> dict[str, Any]:
    """All readings; those that the views use are random."""
    drawn: dict[str, Any] = {}
    for name in NAMES:
        drawn[name] = draw(st.sampled_from(TABLE[name].names))
    drawn["count_by_zero"] = draw(st.sampled_from(["rows", "labelled"]))
    drawn["tick_seconds"] = draw(st.sampled_from([10, 60, 900, 3_600]))
    return resolve(drawn)


def make_query(world: World, now: int, chosen: Mapping[str, Any]) -> Query:
    """Return a function that queries the views: the fields of the result, or None for an unknown room or user."""

    def query(operation: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
        try:
            return VIEWS[operation](world, body, now, chosen).fields
        except NotFound:
            return None

    return query
