"""The views equal those of a slow, independent reference implementation."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from helpers.length import length
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded_worlds import DATE, DAY_SECONDS, START, few, readings, situations
from reference import Missing, Reference

from mockserver.contract.readings import resolve
from mockserver.core.clock import start_of_day
from mockserver.core.errors import NotFound
from mockserver.world import records
from mockserver.world.recorded import recorded_world
from mockserver.world.views import VIEWS

USERS = ["aaa", "bbb", "小明", "<b>", "e", "nobody"]
ROOMS = ["1", "2", "房", "nowhere"]
QUESTIONS = [
    *(("count_business_total_volume_by_day", count) for count in range(5)),
    *(("count_business_distribute_volume_by_day", count) for count in range(1, 5)),
    *(("count_qos_by_day", None) for _ in range(3)),
]
DATES = {START - DAY_SECONDS: "20191209", START: DATE, START + DAY_SECONDS: "20191211"}


def texts(answer: Callable[[], dict[str, Any]]) -> str:
    """The result as JSON with its key order, or the name of what is missing."""
    try:
        return json.dumps(answer(), ensure_ascii=False)
    except (Missing, NotFound):
        return "missing"


@few
@given(situations(), readings(), st.sampled_from(USERS), st.sampled_from(ROOMS), st.booleans())
def test_records_are_those_of_the_reference(situation, chosen, user, room, open_window):
    """2.1, 2.2 and 2.3 equal the reference, including key order."""
    spec, now, span = situation
    world, reference = recorded_world(spec, now), Reference(spec, now, chosen)
    window = {"BeginTime": str(span[0]), "EndTime": str(span[1])}
    for operation, body in (
        ("query_instance_all_records_by_time", {"UserId": user, **window}),
        ("query_room_info", {"RoomId": room, "BeginTime": "", "EndTime": ""} if open_window else {"RoomId": room}),
        ("query_room_info", {"RoomId": room, **window}),
        ("query_all_instance_by_time", window),
    ):  # fmt: skip
        result = texts(lambda op=operation, b=body: VIEWS[op](world, b, now, chosen).fields)
        assert result == texts(lambda op=operation, b=body: getattr(reference, op)(b)), operation


@settings(few, max_examples=length(50, 240))
@given(situations(), readings(), st.sampled_from([START, START, *DATES]), st.sampled_from(QUESTIONS))
def test_statistics_are_those_of_the_reference(situation, chosen, start, question):
    """3.1, 3.2 and 3.3 equal the reference's counts by second, including rounding."""
    spec, now, _ = situation
    operation, count = question
    body = {"QueryDate": DATES[start]} | ({} if count is None else {"CountBy": count})
    result = VIEWS[operation](recorded_world(spec, now), body, now, chosen).fields
    assert json.dumps(result) == json.dumps(getattr(Reference(spec, now, chosen), operation)(body, start))


@few
@given(situations(), readings(), st.lists(st.integers(0, 3 * DAY_SECONDS), min_size=2, max_size=4))
def test_a_stable_result_never_changes(situation, chosen, later):
    """From `stable_from` on a result is the same at every later now."""
    spec, _, span = situation
    world = recorded_world(spec, START)
    window = {"BeginTime": str(span[0]), "EndTime": str(span[1])}
    day = {"QueryDate": DATE, "CountBy": 1}
    for operation, body in (
        ("query_instance_all_records_by_time", {"UserId": "aaa", **window}),
        ("query_room_info", {"RoomId": "1", **window}),
        ("query_all_instance_by_time", window),
        ("count_business_total_volume_by_day", day),
        ("count_business_distribute_volume_by_day", day),
        ("count_qos_by_day", day),
    ):
        try:
            settled = VIEWS[operation](world, body, START + 4 * DAY_SECONDS, chosen).stable_from
        except NotFound:
            continue
        if settled is None:
            continue
        assert settled == VIEWS[operation](world, body, settled, chosen).stable_from
        nows = [settled, *(settled + step for step in later)]
        answers = {texts(lambda n=now: VIEWS[operation](world, body, n, chosen).fields) for now in nows}  # noqa: B023
        assert len(answers) == 1, operation


@pytest.mark.parametrize("today", ["partial", "empty"])
@pytest.mark.parametrize("view", [name for name in VIEWS if name.startswith("count")])
def test_a_future_day_is_empty_and_not_stable(view, today):
    """A future day gives an empty list that must not be cached."""
    spec = {"rooms": [{"RoomId": "1", "stays": [{"UserId": "a", "enter": START + 60, "leave": START + 90}]}]}
    answer = VIEWS[view](
        recorded_world(spec, 0), {"QueryDate": DATE, "CountBy": 1}, START - 5, resolve({"today": today})
    )
    assert list(answer.fields.values()) == [[]]
    assert answer.stable_from is None


def test_a_day_is_that_of_utc_8():
    """The reference and the clock agree on the UTC+8 day."""
    assert all(start_of_day(start) == start == start_of_day(start + DAY_SECONDS - 1) for start in DATES)


def shares(*sessions, count=4):
    """3.2 with labels for one room with these sessions on a past day."""
    world = recorded_world({"rooms": [{"RoomId": "1", "stays": list(sessions)}]}, 0)
    view = VIEWS["count_business_distribute_volume_by_day"]
    body = {"QueryDate": DATE, "CountBy": count}
    return view(world, body, START + 9 * DAY_SECONDS, resolve({"labels": "on"})).fields["DistributeData"]


def test_touching_sessions_are_not_concurrent():
    """A session does not include the second it ends in, so two that touch have a peak of 1."""
    result = shares(
        {"UserId": "a", "enter": START + 10, "leave": START + 20},
        {"UserId": "b", "enter": START + 20, "leave": START + 30},
    )
    assert [(row["PeakOnlineNum"], row["CommunicateDuration"]) for row in result] == [(1, 20)]


def test_equal_durations_are_sorted_by_name():
    """Labels with the same duration are sorted by name."""
    result = shares(
        {"UserId": "a", "enter": START + 10, "leave": START + 20, "network": "WiFi"},
        {"UserId": "b", "enter": START + 11, "leave": START + 21, "network": "4G"},
        {"UserId": "c", "enter": START + 12, "leave": START + 23, "network": "5G"},
    )
    assert [row["Name"] for row in result] == ["5G", "4G", "WiFi"]


@few
@given(situations(), readings(), st.integers(1, 4), st.integers(1, 7))
def test_parts_add_up_to_the_whole_answer(situation, chosen, rows, day):
    """However small the parts and the days, 2.3 has the rows of the reference in the same order.

    The few rows that are checked against the schema have the extremes of each number and the longest ids.
    """
    spec, now, span = situation
    world, reference = recorded_world(spec, now), Reference(spec, now, chosen)
    window = {"BeginTime": str(span[0]), "EndTime": str(span[1])}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "PART_ROWS", rows)
        patch.setattr(records, "DAY_SECONDS", max((span[1] - span[0]) // day, 1))
        parts = list(records.sessions_in_parts(world, window, now, chosen))
    assert parts[0].fields["UsersList"] == []
    assert all(part.rows for part in parts[1:])
    rows = [row for part in parts for row in part.complete_fields()["UsersList"]]
    assert rows == reference.query_all_instance_by_time(window)["UsersList"]
    some = [row for part in parts for row in part.fields["UsersList"]]
    for name in rows[0] if rows else ():
        sizes, checked = (
            [len(row[name].encode()) if "Id" in name else int(row[name] or 0) for row in each] for each in (rows, some)
        )
        assert max(checked) == max(sizes), name
        assert "Id" in name or min(checked) == min(sizes), name


def test_an_answer_with_too_many_rows_is_refused_before_it_is_made():
    """One row over the limit is too many; 0 is a million."""
    stays = [{"UserId": f"u{number}", "enter": START, "leave": START + 9} for number in range(5)]
    spec = {"source": "recorded", "rooms": [{"RoomId": "r", "stays": stays}]}
    world, window = recorded_world(spec, START + 99), {"BeginTime": str(START), "EndTime": str(START + 50)}

    def rows(limit: int) -> int:
        view = VIEWS["query_all_instance_by_time"]
        return len(view(world, window, START + 99, resolve({"max_rows": limit})).fields["UsersList"])

    assert [rows(5), rows(0)] == [5, 5]
    with pytest.raises(records.TooManyRows) as refused:
        rows(4)
    assert refused.value.limit == 4
