"""Recorded worlds: what a scenario may write, what it need not, and where its mistakes are told."""

from __future__ import annotations

from typing import Any

import pytest
from recorded_worlds import asking

from mockserver.contract.readings import resolve
from mockserver.core.clock import parse_day
from mockserver.world.recorded import depends_on_now, recorded_world
from mockserver.world.sessions import DIMENSIONS, WorldError

NOW = 1_575_972_000
"""2019-12-10 18:00 UTC+8."""


def spec(*stays: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One room with these stays; UserId is `a` unless told."""
    return {"source": "recorded", "rooms": [{"RoomId": "77", "stays": [{"UserId": "a", **s} for s in stays], **more}]}  # fmt: skip


def test_moments_may_be_written_in_four_ways():
    """Seconds, ISO 8601 with an offset, now-2h and today 10:00 mean what they say."""
    ways = [
        "1575943200",
        "2019-12-10T10:00:00+08:00",
        "2019-12-10T02:00:00Z",
        "now-8h",
        "today 10:00",
        1_575_943_200,
    ]
    for way in ways:
        assert recorded_world(spec({"enter": way}), NOW).sessions_of_room("77").enter.tolist() == [
            1_575_943_200
        ]


def test_what_a_stay_leaves_out():
    """A stay needs a user and an enter: it runs on, silent, on Wi-Fi in Shenzhen with a good connection."""
    world = recorded_world(spec({"enter": "now-1h"}), NOW)
    stays = world.sessions_of_room("77")
    labels = [world.labels(name)[getattr(stays, name)[0]] for name in DIMENSIONS]
    assert labels == ["中国", "广东省", "深圳市", "WiFi"]
    assert [int(column[0]) for column in (stays.audio, stays.video)] == [0, 0]
    quality = (stays.audio_loss, stays.video_loss, stays.audio_delay, stays.video_delay)
    assert [int(column[0]) for column in quality] == [300, 400, 45_000, 60_000]
    told = asking(world, NOW, resolve({}))("query_room_info", {"RoomId": "77"})
    assert told == {
        "RoomId": "77",
        "CreateTime": str(NOW - 3_600),
        "DestroyTime": str(NOW),
        "Users": [
            {
                "UserId": "a",
                "FirstEnterTime": str(NOW - 3_600),
                "LastLeaveTime": str(NOW),
                "AudioDuration": 0,
                "VideoDuration": 0,
            }
        ],
    }


def test_whether_a_world_moves_with_the_clock():
    """Only relative moments make a world depend on now, those of failed joins too."""
    fixed = {"enter": "2019-12-10T10:00:00+08:00", "leave": 1_575_943_260}
    assert not depends_on_now(spec(fixed, failed_joins=[1_575_943_200]))
    assert depends_on_now(spec({**fixed, "leave": "now"}))
    assert depends_on_now(spec({"enter": "today 10:00"}))
    assert depends_on_now(spec(fixed, failed_joins=["now-1m"]))
    assert not depends_on_now({"source": "recorded", "rooms": []})


def test_an_empty_world_answers():
    """No rooms: empty lists, and no room is known."""
    world, readings = recorded_world({"source": "recorded", "rooms": []}, NOW), resolve({})
    ask = asking(world, NOW, readings)
    window = {"BeginTime": "1575962150", "EndTime": "1575962850"}
    assert ask("query_instance_all_records_by_time", {"UserId": "a", **window}) == {
        "UserId": "a",
        "UserRecords": [],
    }
    assert ask("query_all_instance_by_time", window) == {"UsersList": []}
    assert ask("query_room_info", {"RoomId": "77"}) is None
    assert ask("count_qos_by_day", {"QueryDate": "20191209"}) == {"QosData": []}
    assert ask("count_business_distribute_volume_by_day", {"QueryDate": "20191209", "CountBy": 3}) == {
        "DistributeData": []
    }
    day = parse_day("20191209")
    assert ask("count_business_total_volume_by_day", {"QueryDate": "20191209", "CountBy": 1}) == {
        "TrendData": [{"TickTime": str(day + 60 * tick), "Volume": 0} for tick in range(1_440)]
    }
    assert not world.has_user("a")


def test_failed_joins_are_told_once():
    """Failed joins of all rooms come sorted, the begin included and the end not."""
    world = recorded_world(spec({"enter": NOW - 60}, failed_joins=[NOW, NOW - 50, "now-1m", NOW - 50]), NOW)
    assert world.failed_joins(NOW - 60, NOW).tolist() == [NOW - 60, NOW - 50, NOW - 50]


def test_touching_stays_are_two_stays():
    """Somebody may leave and come in the same second; the room counts the pair once, and for its host."""
    world = recorded_world(spec({"enter": NOW, "leave": NOW + 9}, {"enter": NOW - 9, "leave": NOW}), NOW)
    stays = world.sessions_of_room("77")
    assert sorted(stays.enter.tolist()) == [NOW - 9, NOW]
    assert stays.enter[stays.host].tolist() == stays.enter[stays.first].tolist() == [NOW - 9]
    assert set(stays.create.tolist()) == {NOW - 9}
    assert set(stays.destroy.tolist()) == {NOW + 9}


HERE = ("rooms", 0, "stays", 0)
OTHER = ("rooms", 0, "stays", 1)


@pytest.mark.parametrize(
    ("wrong", "pointer", "says"),
    [
        (spec({"enter": NOW, "leave": NOW}), (*HERE, "leave"), "after enter"),
        (spec({"enter": NOW, "leave": NOW - 1}), (*HERE, "leave"), "after enter"),
        (spec({"enter": NOW, "leave": NOW + 5, "audio": 6}), (*HERE, "audio"), "at most 5 s"),
        (spec({"enter": NOW, "leave": NOW + 5, "video": 6}), (*HERE, "video"), "at most 5 s"),
        (spec({"enter": NOW, "audio": 10**30}), (*HERE, "audio"), "longer than the stay"),
        (spec({"enter": "yesterday"}), (*HERE, "enter"), "is not a time"),
        (spec({"enter": "2019-12-10T10:00:00"}), (*HERE, "enter"), "time zone"),
        (spec({"enter": True}), (*HERE, "enter"), "is not a time"),
        (spec({"enter": NOW * 1_000}), (*HERE, "enter"), "not milliseconds"),
        (spec({"enter": NOW, "leave": 10**30}), (*HERE, "leave"), "after 2286"),
        (spec({"enter": 99_999_999, "leave": NOW}), (*HERE, "enter"), "before 1973"),
        (spec({"enter": "1970-01-02T00:00:00Z", "leave": NOW}), (*HERE, "enter"), "nine or ten digits"),
        (spec({"enter": "now-40000d", "leave": NOW}), (*HERE, "enter"), "before 1973"),
        (spec({"enter": NOW}, failed_joins=[NOW, "soon"]), ("rooms", 0, "failed_joins", 1), "is not a time"),
        (spec({"enter": NOW, "leave": NOW + 9}, {"enter": NOW + 8}), (*OTHER, "enter"), "a is still in room 77"),
        (spec({"enter": NOW}, {"enter": NOW + 8}), (*OTHER, "enter"), "must not overlap"),
        (spec({"enter": NOW}, {"enter": NOW, "UserId": "b", "province": "四川省"}), (*OTHER, "province"), "深圳市"),
        (spec({"enter": NOW}, {"enter": NOW, "UserId": "b", "country": "日本"}), (*OTHER, "country"), "广东省"),
        ({"rooms": [*spec({"enter": NOW})["rooms"]] * 2}, ("rooms", 1, "RoomId"), "duplicate RoomId"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_where_it_stands(wrong, pointer, says):
    """A row that makes no stay points to the value, in English and Chinese."""
    with pytest.raises(WorldError, match=says) as caught:
        recorded_world(wrong, NOW)
    assert caught.value.pointer == pointer
    assert caught.value.text.zh
    assert caught.value.text.zh != caught.value.text.en


def test_one_person_in_two_rooms_at_once_is_refused():
    """The rule that nobody is in two places holds over rooms."""
    rooms = [
        {"RoomId": room, "stays": [{"UserId": "a", "enter": NOW + n, "leave": NOW + 9}]}
        for n, room in enumerate("12")
    ]
    with pytest.raises(WorldError) as caught:
        recorded_world({"rooms": rooms}, NOW)
    assert caught.value.pointer == ("rooms", 1, "stays", 0, "enter")


def test_a_city_abroad_may_stand_beside_the_usual_one():
    """Places that say all three levels never contradict the defaults."""
    abroad = {"country": "日本", "province": "东京都", "city": "东京", "UserId": "b", "enter": NOW}
    world = recorded_world(spec({"enter": NOW}, abroad), NOW)
    assert sorted(world.labels("country")) == ["中国", "日本"]
