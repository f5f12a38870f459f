"""The invariants of the call log hold for recorded worlds under every reading, whatever is asked when."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from invariants import Log, check_all, check_day, check_rooms, check_rows
from recorded_worlds import (
    DATE,
    DAY_SECONDS,
    END,
    START,
    asking,
    few,
    readings,
    situations,
    specs,
)

from mockserver.contract.readings import resolve
from mockserver.world.generated import generated_world
from mockserver.world.recorded import recorded_world


@few
@given(situations(), readings())
def test_all_operations_tell_one_log(situation, chosen):
    """The records add up to the statistics, under every combination of readings."""
    spec, now, span = situation
    check_all(asking(recorded_world(spec, now), now, chosen), now, chosen, [span], DATE, START)


@settings(few, max_examples=40)
@given(situations(), readings())
def test_the_whole_log_is_one_log(situation, chosen):
    """Nothing is lost between the days before and after."""
    spec, now, _ = situation
    span = (START - 2 * DAY_SECONDS, END + 2 * DAY_SECONDS)
    check_all(asking(recorded_world(spec, now), now, chosen), now, chosen, [span], "20191211", END)


@pytest.mark.parametrize("now", [START + 15 * 3_600 + 1_234, END + 30 * DAY_SECONDS])
@pytest.mark.parametrize("ongoing", ["now", "zero", "empty", "exclude"])
def test_a_generated_day_is_one_log_too(now, ongoing):
    """The views keep the invariants for a world that runs on, seen in the middle of a call and long after."""
    chosen = resolve({"ongoing": ongoing})
    world = generated_world({"seed": 7, "rooms_per_day": 300})
    noon = START + 15 * 3_600
    check_all(asking(world, now, chosen), now, chosen, [(noon, noon + 1_800)], DATE, START)


class TestTheChecksThemselves:
    """A check that cannot fail is none: each is shown a log that lies."""

    CHOSEN = resolve({})
    NOW = END + DAY_SECONDS

    def _log(self, lie):
        stays = [
            {"UserId": "a", "enter": START + 100, "leave": START + 200, "audio": 30, "video": 10},
            {"UserId": "b", "enter": START + 150, "leave": START + 260, "audio": 40, "video": 20},
            {"UserId": "a", "enter": START + 220, "leave": START + 250, "audio": 5, "video": 5},
        ]
        ask = asking(recorded_world({"rooms": [{"RoomId": "1", "stays": stays}]}, 0), self.NOW, self.CHOSEN)

        def lying(operation, body):
            told = ask(operation, body)
            return told if told is None else lie(operation, told)

        return Log(lying, self.NOW, self.CHOSEN)

    def test_the_truth_passes(self):
        """Without a lie nothing is found."""
        log = self._log(lambda _, told: told)
        check_rows(log, START, END)
        check_rooms(log, START, END)
        check_day(log, DATE, START)

    @pytest.mark.parametrize(
        ("check", "operation", "lie"),
        [
            (check_rows, "query_all_instance_by_time", lambda told: told["UsersList"][0].update(AudioDuration=101)),
            (check_rows, "query_all_instance_by_time", lambda told: told["UsersList"][0].update(LeaveTime=str(START + 230))),
            (check_rows, "query_all_instance_by_time", lambda told: told["UsersList"][0].update(CreateTime=str(START + 120))),
            (check_rooms, "query_room_info", lambda told: told["Users"][0].update(AudioDuration=30)),
            (check_rooms, "query_room_info", lambda told: told.update(DestroyTime=str(START + 250))),
            (check_rooms, "query_room_info", lambda told: told["Users"].pop()),
        ],
    )  # fmt: skip
    def test_a_wrong_record_is_found(self, check, operation, lie):
        """A stream longer than its stay, stays at once, a wrong sum, a wrong end, a lost user."""
        with pytest.raises(AssertionError):
            check(self._log(_only(operation, lie)), START, END)

    @pytest.mark.parametrize("count", ["CommunicateDuration", "RoomCnt", "PeakOnlineNum", "CommunicateNum"])
    def test_a_wrong_share_is_found(self, count):
        """One more of anything in 3.2 does not add up."""

        def lie(told):
            for row in told["DistributeData"]:
                row[count] += 1

        with pytest.raises(AssertionError):
            check_day(self._log(_only("count_business_distribute_volume_by_day", lie)), DATE, START)

    def test_a_second_shifted_in_every_trend_is_found(self):
        """Trends and shares that agree with each other and not with the records are found as well."""

        def lie(operation, told):
            for row in told.get("TrendData", ()):
                row["Volume"] *= 2
            for row in told.get("DistributeData", ()):
                row.update({key: 2 * value for key, value in row.items() if key != "TickTime"})
            return told

        with pytest.raises(AssertionError):
            check_day(self._log(lie), DATE, START)


def _only(operation, lie):
    def told(asked, answer):
        if asked == operation:
            lie(answer)
        return answer

    return told


@few
@given(specs())
def test_places_nest(spec):
    """14: a city of a recorded world lies in one province, a province in one country."""
    world = recorded_world(spec, END)
    rows = world.sessions_between(0, 9_999_999_999)
    for inner, outer in (("city", "province"), ("province", "country")):
        pairs = np.unique(np.stack([getattr(rows, inner), getattr(rows, outer)]), axis=1)
        assert len(np.unique(pairs[0])) == pairs.shape[1]
