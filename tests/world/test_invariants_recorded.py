"""The invariants of the call log hold for recorded worlds under every reading and at every now."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.length import length
from hypothesis import given, settings
from invariants import Log, check_all, check_day, check_rooms, check_rows
from recorded_worlds import DATE, DAY_SECONDS, END, START, few, make_query, readings, situations, specs

from mockserver.contract.readings import resolve
from mockserver.world.generated import generated_world
from mockserver.world.recorded import recorded_world


@few
@given(situations(), readings())
def test_all_operations_agree(situation, chosen):
    """The records add up to the statistics, under every combination of readings."""
    spec, now, span = situation
    check_all(make_query(recorded_world(spec, now), now, chosen), now, chosen, [span], DATE, START)


@settings(few, max_examples=length(12, 40))
@given(situations(), readings())
def test_a_span_over_several_days_agrees(situation, chosen):
    """Nothing is lost at the boundaries between days."""
    spec, now, _ = situation
    span = (START - 2 * DAY_SECONDS, END + 2 * DAY_SECONDS)
    check_all(make_query(recorded_world(spec, now), now, chosen), now, chosen, [span], "20191211", END)


DURING, AFTERWARDS = START + 15 * 3_600 + 1_234, END + 30 * DAY_SECONDS
ONGOING = ("now", "zero", "empty", "exclude")


@pytest.mark.parametrize(
    ("now", "ongoing"),
    # Afterwards no call is running, so that the reading makes no difference.
    [
        *((DURING, value) for value in ONGOING[: length(2, 4)]),
        *((AFTERWARDS, value) for value in ONGOING[: length(1, 4)]),
    ],
)
def test_a_generated_day_agrees(now, ongoing):
    """The invariants hold for a generated world in the middle of calls and long after them."""
    chosen = resolve({"ongoing": ongoing})
    world = generated_world({"seed": 7, "rooms_per_day": 300})
    noon = START + 15 * 3_600
    check_all(make_query(world, now, chosen), now, chosen, [(noon, noon + 1_800)], DATE, START)


class TestTheChecksThemselves:
    """Every check fails for a log with a matching error."""

    CHOSEN = resolve({})
    NOW = END + DAY_SECONDS

    def _log(self, lie):
        sessions = [
            {"UserId": "a", "enter": START + 100, "leave": START + 200, "audio": 30, "video": 10},
            {"UserId": "b", "enter": START + 150, "leave": START + 260, "audio": 40, "video": 20},
            {"UserId": "a", "enter": START + 220, "leave": START + 250, "audio": 5, "video": 5},
        ]
        query = make_query(recorded_world({"rooms": [{"RoomId": "1", "stays": sessions}]}, 0), self.NOW, self.CHOSEN)

        def lying(operation, body):
            result = query(operation, body)
            return result if result is None else lie(operation, result)

        return Log(lying, self.NOW, self.CHOSEN)

    def test_a_correct_log_passes(self):
        """The checks accept the unchanged log."""
        log = self._log(lambda _, result: result)
        check_rows(log, START, END)
        check_rooms(log, START, END)
        check_day(log, DATE, START)

    @pytest.mark.parametrize(
        ("check", "operation", "lie"),
        [
            (check_rows, "query_all_instance_by_time", lambda result: result["UsersList"][0].update(AudioDuration=101)),
            (check_rows, "query_all_instance_by_time", lambda result: result["UsersList"][0].update(LeaveTime=str(START + 230))),
            (check_rows, "query_all_instance_by_time", lambda result: result["UsersList"][0].update(CreateTime=str(START + 120))),
            (check_rooms, "query_room_info", lambda result: result["Users"][0].update(AudioDuration=30)),
            (check_rooms, "query_room_info", lambda result: result.update(DestroyTime=str(START + 250))),
            (check_rooms, "query_room_info", lambda result: result["Users"].pop()),
        ],
    )  # fmt: skip
    def test_a_wrong_record_is_found(self, check, operation, lie):
        """A stream longer than its session, overlapping sessions, a wrong sum, a wrong end, a missing user."""
        with pytest.raises(AssertionError):
            check(self._log(_only(operation, lie)), START, END)

    @pytest.mark.parametrize("count", ["CommunicateDuration", "RoomCnt", "PeakOnlineNum", "CommunicateNum"])
    def test_a_wrong_share_is_found(self, count):
        """A count of 3.2 that is one too high is found."""

        def lie(result):
            for row in result["DistributeData"]:
                row[count] += 1

        with pytest.raises(AssertionError):
            check_day(self._log(_only("count_business_distribute_volume_by_day", lie)), DATE, START)

    def test_a_second_shifted_in_every_trend_is_found(self):
        """Trends and distributions that agree with each other but not with the records are found."""

        def lie(operation, result):
            for row in result.get("TrendData", ()):
                row["Volume"] *= 2
            for row in result.get("DistributeData", ()):
                row.update({key: 2 * value for key, value in row.items() if key != "TickTime"})
            return result

        with pytest.raises(AssertionError):
            check_day(self._log(lie), DATE, START)


def _only(operation, lie):
    def falsify(queried, result):
        if queried == operation:
            lie(result)
        return result

    return falsify


@few
@given(specs())
def test_places_nest(spec):
    """14: a city of a recorded world is in one province, a province in one country."""
    world = recorded_world(spec, END)
    rows = world.sessions_between(0, 9_999_999_999)
    for inner, outer in (("city", "province"), ("province", "country")):
        pairs = np.unique(np.stack([getattr(rows, inner), getattr(rows, outer)]), axis=1)
        assert len(np.unique(pairs[0])) == pairs.shape[1]
