"""Recorded worlds: times, defaults, and errors with their place."""

from __future__ import annotations

from typing import Any

import pytest
from recorded_worlds import make_query

from mockserver.contract.readings import resolve
from mockserver.core.clock import parse_day
from mockserver.world.recorded import depends_on_now, recorded_world
from mockserver.world.sessions import DIMENSIONS, WorldError

NOW = 1_575_972_000
"""2019-12-10 18:00 UTC+8."""


def spec(*sessions: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A spec with one room and these sessions; UserId defaults to `a`."""
    return {"source": "recorded", "rooms": [{"RoomId": "77", "stays": [{"UserId": "a", **s} for s in sessions], **more}]}  # fmt: skip


def test_times_can_be_written_in_four_ways():
    """Seconds, ISO 8601 with an offset, now-2h and today 10:00 are accepted."""
    ways = ["1575943200", "2019-12-10T10:00:00+08:00", "2019-12-10T02:00:00Z", "now-8h", "today 10:00", 1_575_943_200]
    for way in ways:
        assert recorded_world(spec({"enter": way}), NOW).sessions_of_room("77").enter.tolist() == [1_575_943_200]


def test_defaults_of_a_session():
    """Only UserId and enter are required: the session never ends, sends nothing, and is on Wi-Fi in Shenzhen."""
    world = recorded_world(spec({"enter": "now-1h"}), NOW)
    sessions = world.sessions_of_room("77")
    labels = [world.labels(name)[getattr(sessions, name)[0]] for name in DIMENSIONS]
    assert labels == ["中国", "广东省", "深圳市", "WiFi"]
    assert [int(column[0]) for column in (sessions.audio, sessions.video)] == [0, 0]
    quality = (sessions.audio_loss, sessions.video_loss, sessions.audio_delay, sessions.video_delay)
    assert [int(column[0]) for column in quality] == [300, 400, 45_000, 60_000]
    result = make_query(world, NOW, resolve({}))("query_room_info", {"RoomId": "77"})
    assert result == {
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


def test_relative_times_depend_on_now():
    """Only relative times, also of failed joins, make a world depend on now."""
    fixed = {"enter": "2019-12-10T10:00:00+08:00", "leave": 1_575_943_260}
    assert not depends_on_now(spec(fixed, failed_joins=[1_575_943_200]))
    assert depends_on_now(spec({**fixed, "leave": "now"}))
    assert depends_on_now(spec({"enter": "today 10:00"}))
    assert depends_on_now(spec(fixed, failed_joins=["now-1m"]))
    assert not depends_on_now({"source": "recorded", "rooms": []})


def test_an_empty_world_has_empty_views():
    """Without rooms all lists are empty and every room is unknown."""
    world, readings = recorded_world({"source": "recorded", "rooms": []}, NOW), resolve({})
    query = make_query(world, NOW, readings)
    window = {"BeginTime": "1575962150", "EndTime": "1575962850"}
    assert query("query_instance_all_records_by_time", {"UserId": "a", **window}) == {"UserId": "a", "UserRecords": []}
    assert query("query_all_instance_by_time", window) == {"UsersList": []}
    assert query("query_room_info", {"RoomId": "77"}) is None
    assert query("count_qos_by_day", {"QueryDate": "20191209"}) == {"QosData": []}
    assert query("count_business_distribute_volume_by_day", {"QueryDate": "20191209", "CountBy": 3}) == {
        "DistributeData": []
    }
    day = parse_day("20191209")
    assert query("count_business_total_volume_by_day", {"QueryDate": "20191209", "CountBy": 1}) == {
        "TrendData": [{"TickTime": str(day + 60 * tick), "Volume": 0} for tick in range(1_440)]
    }
    assert not world.has_user("a")


def test_failed_joins_are_sorted():
    """Failed joins of all rooms are sorted; the begin is included, the end is not."""
    world = recorded_world(spec({"enter": NOW - 60}, failed_joins=[NOW, NOW - 50, "now-1m", NOW - 50]), NOW)
    assert world.failed_joins(NOW - 60, NOW).tolist() == [NOW - 60, NOW - 50, NOW - 50]


def test_sessions_may_touch():
    """A user can leave and rejoin in the same second; the pair counts once, and the first session is the host's."""
    world = recorded_world(spec({"enter": NOW, "leave": NOW + 9}, {"enter": NOW - 9, "leave": NOW}), NOW)
    sessions = world.sessions_of_room("77")
    assert sorted(sessions.enter.tolist()) == [NOW - 9, NOW]
    assert sessions.enter[sessions.host].tolist() == sessions.enter[sessions.first].tolist() == [NOW - 9]
    assert set(sessions.create.tolist()) == {NOW - 9}
    assert set(sessions.destroy.tolist()) == {NOW + 9}


HERE = ("rooms", 0, "stays", 0)
OTHER = ("rooms", 0, "stays", 1)


@pytest.mark.parametrize(
    ("spec", "pointer", "message"),
    [
        (spec({"enter": NOW, "leave": NOW}), (*HERE, "leave"), "after enter"),
        (spec({"enter": NOW, "leave": NOW - 1}), (*HERE, "leave"), "after enter"),
        (spec({"enter": NOW, "leave": NOW + 5, "audio": 6}), (*HERE, "audio"), "at most 5 s"),
        (spec({"enter": NOW, "leave": NOW + 5, "video": 6}), (*HERE, "video"), "at most 5 s"),
        (spec({"enter": NOW, "audio": 10**30}), (*HERE, "audio"), "longer than leave - enter"),
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
def test_an_invalid_row_is_reported_with_its_place(spec, pointer, message):
    """The error points to the value and has a text in English and Chinese."""
    with pytest.raises(WorldError, match=message) as caught:
        recorded_world(spec, NOW)
    assert caught.value.pointer == pointer
    assert caught.value.text.zh
    assert caught.value.text.zh != caught.value.text.en


def test_a_user_in_two_rooms_at_once_is_refused():
    """Sessions of a user must not overlap, also in different rooms."""
    rooms = [
        {"RoomId": room, "stays": [{"UserId": "a", "enter": NOW + n, "leave": NOW + 9}]} for n, room in enumerate("12")
    ]
    with pytest.raises(WorldError) as caught:
        recorded_world({"rooms": rooms}, NOW)
    assert caught.value.pointer == ("rooms", 1, "stays", 0, "enter")


def test_a_city_abroad_does_not_contradict_the_default():
    """A session with country, province and city never contradicts the default place."""
    abroad = {"country": "日本", "province": "东京都", "city": "东京", "UserId": "b", "enter": NOW}
    world = recorded_world(spec({"enter": NOW}, abroad), NOW)
    assert sorted(world.labels("country")) == ["中国", "日本"]
