"""The views of a generated world equal those of the same rows in a recorded world."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from helpers.length import length
from hypothesis import given, settings
from hypothesis import strategies as st
from invariants import check_all
from recorded_worlds import few, make_query, readings
from worlds import specs

from mockserver.core.clock import DAY_SECONDS, parse_day
from mockserver.world.generated import GeneratedWorld, generated_world
from mockserver.world.recorded import recorded_world
from mockserver.world.sessions import DIMENSIONS

DATE = "20191210"
START = parse_day(DATE)
END = START + DAY_SECONDS
RECORDS = "query_instance_all_records_by_time"
ROOM = "query_room_info"
ALL = "query_all_instance_by_time"
TREND = "count_business_total_volume_by_day"
SPREAD = "count_business_distribute_volume_by_day"
QUALITY = "count_qos_by_day"


def written_down(world: GeneratedWorld) -> dict[str, Any]:
    """All rooms around the day, with pins, as the spec of a recorded world."""
    rows = world.sessions_between(START - DAY_SECONDS // 4, END + DAY_SECONDS // 4)
    rooms = []
    for code, room in zip(codes := np.unique(rows.room), world.room_ids(codes), strict=True):
        sessions = world.sessions_of_room(room)
        assert set(sessions.room.tolist()) == {int(code)}
        rooms.append(
            {
                "RoomId": room,
                "stays": [
                    {
                        "UserId": user,
                        **{name: int(getattr(sessions, name)[at]) for name in ("enter", "leave", "audio", "video")},
                        **{name: world.labels(name)[int(getattr(sessions, name)[at])] for name in DIMENSIONS},
                        **{
                            name: int(getattr(sessions, name)[at]) / 1_000
                            for name in ("audio_loss", "video_loss", "audio_delay", "video_delay")
                        },
                    }
                    for at, user in enumerate(world.user_ids(sessions.user))
                ],
            }
        )
    if rooms:
        rooms[0]["failed_joins"] = world.failed_joins(START - DAY_SECONDS // 4, END + DAY_SECONDS // 4).tolist()
    return {"source": "recorded", "rooms": rooms}


def small() -> st.SearchStrategy[dict[str, Any]]:
    """Worlds of some dozens of rooms a day, small enough to query everything."""
    return specs().map(lambda spec: {**spec, "rooms_per_day": min(spec["rooms_per_day"], 40)})


@settings(few, max_examples=length(15, 40))
@given(
    small(),
    st.sampled_from(["20190101", "20191209", DATE, "20240229", "20311231"]),
    st.tuples(st.integers(-DAY_SECONDS // 4, DAY_SECONDS), st.sampled_from([0, 60, 3_600, 9_000])),
    st.one_of(st.just(9 * DAY_SECONDS), st.integers(1, DAY_SECONDS + 14_400)),
    readings(),
)
def test_all_operations_agree(spec, date, window, elapsed, chosen):
    """The invariants hold for any seed, scale, day, window, clock and readings."""
    start = parse_day(date)
    now, begin = start + elapsed, start + window[0]
    query = make_query(generated_world(spec), now, chosen)
    check_all(query, now, chosen, [(begin, begin + window[1])], date, start)


@settings(few, max_examples=length(12, 30))
@given(
    small(),
    st.one_of(st.just(END + 2 * DAY_SECONDS), st.integers(START, END + 14_400)),
    st.tuples(st.integers(START, END), st.integers(0, DAY_SECONDS)),
    readings(),
    st.data(),
)
def test_generated_and_recorded_rows_give_equal_views(spec, now, window, chosen, data):
    """All six operations give equal results for both sources, under any readings and at any now."""
    world = generated_world(spec)
    copy = written_down(world)
    generated, recorded = make_query(world, now, chosen), make_query(recorded_world(copy, now), now, chosen)
    span = {"BeginTime": str(window[0]), "EndTime": str(min(sum(window), END))}
    room = data.draw(st.sampled_from(copy["rooms"]))
    user = data.draw(st.sampled_from(room["stays"]))["UserId"]
    bodies: list[tuple[str, dict[str, Any]]] = [
        (ALL, span),
        (RECORDS, {"UserId": user, **span}),
        (ROOM, {"RoomId": room["RoomId"]}),
        (ROOM, {"RoomId": room["RoomId"], **span}),
        (QUALITY, {"QueryDate": DATE}),
        *((TREND, {"QueryDate": DATE, "CountBy": count}) for count in range(5)),
        *((SPREAD, {"QueryDate": DATE, "CountBy": count}) for count in range(1, 5)),
    ]
    for operation, body in bodies:
        left, right = generated(operation, body), recorded(operation, body)
        assert json.dumps(left) == json.dumps(right), (operation, body)
