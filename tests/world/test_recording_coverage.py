"""Which requests a recording answers, and which return `not_recorded`."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.contract.readings import resolve
from mockserver.core.errors import NotFound
from mockserver.world.coverage import Spans
from mockserver.world.recorded import recorded_world
from mockserver.world.views import ask

T = 1_575_900_000
SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=12)


def stay(user: str, enter: int, leave: int) -> dict[str, Any]:
    return {"UserId": user, "enter": T + enter, "leave": T + leave, "audio": 1}


WORLD = {
    "source": "recorded",
    "recorded_at": T + 5_000,
    "covers": [{"from": T, "to": T + 1_000}, {"from": T + 1_001, "to": T + 2_000}, {"from": T, "to": T + 4_000, "UserId": "vip"}],
    "rooms": [
        {"RoomId": "inside", "stays": [stay("a", 100, 200), stay("b", 150, 900)]},
        {"RoomId": "reaching", "CreateTime": T - 50, "DestroyTime": T + 300, "stays": [stay("c", 10, 300)]},
        {"RoomId": "open", "stays": [stay("d", 1_900, 2_100)]},
        {"RoomId": "far", "stays": [stay("vip", 3_000, 3_100)]},
        {
            "RoomId": "whole",
            "CreateTime": T + 6_000,
            "DestroyTime": T + 7_000,
            "Users": [
                {"UserId": "e", "FirstEnterTime": str(T + 6_000), "LastLeaveTime": str(T + 7_000), "AudioDuration": 9, "VideoDuration": 0}
            ],
        },
    ],
}  # fmt: skip


def question(begin: int | None = None, end: int | None = None, **body: str) -> tuple[str, dict[str, str]]:
    if begin is not None:
        body["BeginTime"] = str(T + begin)
    if end is not None:
        body["EndTime"] = str(T + end)
    operation = "query_all_instance_by_time"
    if "UserId" in body:
        operation = "query_instance_all_records_by_time"
    if "RoomId" in body:
        operation = "query_room_info"
    return operation, body


def answer(
    operation: str, body: dict[str, str], now: int = T + 9_000, more: dict[str, Any] | None = None, **readings: Any
) -> dict[str, Any] | str:
    try:
        return ask(recorded_world({**WORLD, **(more or {})}, now), operation, body, now, resolve(readings)).fields
    except NotFound as error:
        return error.error


def test_inside_the_recording_everything_is_answered() -> None:
    """Windows of other lengths and edges, and users and rooms that were never requested."""
    rows = answer(*question(50, 1_500))["UsersList"]  # type: ignore[index]
    assert [row["UserId"] for row in rows] == ["c", "a", "b"]
    room = answer(*question(RoomId="inside"))
    assert (room["CreateTime"], room["DestroyTime"]) == (str(T + 100), str(T + 900))  # type: ignore[index]
    assert [user["UserId"] for user in answer(*question(250, 260, RoomId="inside"))["Users"]] == ["b"]  # type: ignore[index]
    assert len(answer(*question(0, 2_000, UserId="b"))["UserRecords"]) == 1  # type: ignore[index]
    assert answer(*question(0, 2_000, UserId="nobody"))["UserRecords"] == []  # type: ignore[index]
    assert len(answer(*question(0, 4_000, UserId="vip"))["UserRecords"]) == 1  # type: ignore[index]


def test_create_and_destroy_times_are_those_of_the_backend() -> None:
    """Also when its first session lies outside of what was recorded."""
    room = answer(*question(100, 200, RoomId="reaching"))
    assert (room["CreateTime"], room["DestroyTime"]) == (str(T - 50), str(T + 300))  # type: ignore[index]
    assert [user["UserId"] for user in room["Users"]] == ["c"]  # type: ignore[index]
    assert answer(*question(RoomId="reaching")) == "not_recorded"


def test_a_room_that_was_asked_for_as_a_whole_is_answered_as_a_whole() -> None:
    """The sums of its users do not determine the answer for a part of it."""
    assert answer(*question(RoomId="whole"))["Users"][0]["AudioDuration"] == 9  # type: ignore[index]
    assert answer(*question(6_000, 7_000, RoomId="whole"))["Users"][0]["UserId"] == "e"  # type: ignore[index]
    assert answer(*question(6_500, 7_000, RoomId="whole")) == "not_recorded"


@pytest.mark.parametrize(
    ("asked", "readings"),
    [
        (question(-1, 100), {}),
        (question(1_900, 2_001), {}),
        (question(0, 4_000, UserId="a"), {}),
        (question(0, 4_001, UserId="vip"), {}),
        (question(RoomId="open"), {}),
        (question(RoomId="far"), {}),
        (question(RoomId="nowhere"), {}),
        (question(1_900, 2_001, RoomId="nowhere"), {}),
        (question(900, 1_100), {"window": "contained"}),
        (question(RoomId="inside"), {"window": "leave"}),
        (("count_qos_by_day", {"QueryDate": "20191209"}), {}),
    ],
)
def test_outside_the_recording_nothing_is_invented(asked: tuple[str, dict[str, str]], readings: dict[str, str]) -> None:
    """Part of a window is not enough, and statistics count more calls than were recorded."""
    assert answer(*asked, **readings) == "not_recorded"


def test_an_id_that_never_occurs_needs_the_reading() -> None:
    """Without it, only users and rooms that were answered are known to exist."""
    open_readings = {"undecided": {"unknown_user": ["empty", "error"], "unknown_room": ["empty", "error"]}}
    span = {"from": T + 8_000, "to": T + 8_100, "UserId": "quiet"}
    more = {**open_readings, "covers": [*WORLD["covers"], span]}
    assert answer(*question(0, 2_000, UserId="nobody"), more=more) == "not_recorded"
    assert answer(*question(0, 2_000, RoomId="nowhere"), more=more) == "not_recorded"
    assert answer(*question(0, 50, UserId="a"), more=more)["UserRecords"] == []  # type: ignore[index]
    assert answer(*question(0, 50, RoomId="inside"), more=more)["Users"] == []  # type: ignore[index]
    for reading in ("empty", "error"):
        found = answer(*question(8_000, 8_100, UserId="quiet"), more=more, unknown_user=reading)
        assert found["UserRecords"] == []  # type: ignore[index]


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        ({"room_without_calls": "known"}, "not_recorded"),
        ({"room_without_calls": "known", "unknown_room": "empty"}, "not_recorded"),
        ({"room_without_calls": "outside"}, "room_not_found"),
        ({"room_without_calls": "outside", "window": "enter"}, "not_recorded"),
        ({"room_without_calls": "unknown", "window": "enter"}, "room_not_found"),
        ({"room_without_calls": "unknown", "window": "enter", "room_window": "room"}, "not_recorded"),
        ({"room_without_calls": "unknown", "room_window": "room"}, "room_not_found"),
    ],
)
def test_a_room_that_never_occurs_may_exist_at_other_times(readings: dict[str, str], expected: str) -> None:
    """The recording does not answer if the answer depends on that."""
    assert answer(*question(0, 2_000, RoomId="nowhere"), **readings) == expected


def test_a_user_who_never_occurs_may_have_calls_at_other_times() -> None:
    """The same for users, unless each of them has an empty list."""
    asked = question(0, 2_000, UserId="nobody")
    assert answer(*asked, unknown_user="empty")["UserRecords"] == []  # type: ignore[index]
    assert answer(*asked, unknown_user="error", user_without_calls="unknown") == "user_not_found"
    assert answer(*asked, unknown_user="error", user_without_calls="known") == "not_recorded"
    vip = question(0, 2_000, UserId="vip")
    assert answer(*vip, unknown_user="error", user_without_calls="known")["UserRecords"] == []  # type: ignore[index]


def test_an_incomplete_room_has_only_its_recorded_answer() -> None:
    """Its sessions contradict the answer of 2.2, or were seen at different times."""
    whole = {**WORLD["rooms"][-1], "CreateTime": T + 100, "DestroyTime": T + 900, "incomplete": True}
    more = {"rooms": [{**whole, "RoomId": "inside", "stays": WORLD["rooms"][0]["stays"]}]}
    assert [user["UserId"] for user in answer(*question(RoomId="inside"), more=more)["Users"]] == ["e"]  # type: ignore[index]
    assert answer(*question(100, 899, RoomId="inside"), more=more) == "not_recorded"
    without_sessions = {"rooms": [{"RoomId": "inside", "CreateTime": T + 100, "incomplete": True}]}
    assert answer(*question(100, 899, RoomId="inside"), more=without_sessions) == "not_recorded"


@pytest.mark.parametrize("window", ["leave", "contained"])
def test_when_a_call_in_progress_ended_is_unknown(window: str) -> None:
    """Time ranges up to the end of the recording may contain its end or not; earlier ones cannot."""
    in_progress = {"UserId": "d", "enter": T + 1_500, "audio": 1}
    more = {"recorded_at": T + 2_000, "rooms": [{"RoomId": "open", "stays": [in_progress]}]}
    for asked in (question(1_200, 2_000), question(1_200, 2_000, UserId="d")):
        assert answer(*asked, more=more, window=window, ongoing="empty") == "not_recorded"
    rows = answer(*question(1_200, 1_999), more=more, window=window, ongoing="empty")
    assert rows["UsersList"] == []  # type: ignore[index]
    room = question(2_001, 2_100, RoomId="open")
    assert answer(*room, more=more, room_window="room", ongoing="empty") == "not_recorded"


def test_the_future_needs_no_recording() -> None:
    """A window that ends after now only needs the recording up to now."""
    assert answer(*question(0, 9_000), now=T + 1_500) != "not_recorded"
    assert answer(*question(0, 9_000), now=T + 2_500) == "not_recorded"


def test_a_recording_is_served_as_it_was_seen() -> None:
    """A backend may say that a user was in two rooms, or sent more audio than the session has seconds."""
    rooms = [{"RoomId": name, "stays": [{**stay("a", 0, 0), "audio": 99}]} for name in ("1", "2")]
    world = recorded_world({"source": "recorded", "rooms": rooms, "recorded_at": T}, T)
    assert len(world.sessions_between(T, T)) == 2


@given(SPANS, st.integers(0, 60), st.integers(0, 60))
def test_spans_hold_what_their_seconds_hold(spans: list[tuple[int, int]], begin: int, end: int) -> None:
    """The union of the spans is that of the sets of their seconds."""
    seconds = {second for first, last in spans for second in range(first, last + 1)}
    union = Spans(spans)
    assert union.holds(begin, end) == seconds.issuperset(range(begin, end + 1))
    assert union.holds(begin, end, joined=False) == (begin > end or any(a <= begin and end <= b for a, b in spans))
    assert {second for first, last in union.joined for second in range(first, last + 1)} == seconds
    assert all(any(a <= first and last <= b for a, b in union.largest()) for first, last in spans if first <= last)
