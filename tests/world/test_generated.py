"""The generated world: all lookups read the same log, for any seed, scale and span."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from worlds import bounded, same, spans, specs

from mockserver.core.clock import DAY_SECONDS, parse_day
from mockserver.world.generated import GeneratedWorld, RowCache, generated_world
from mockserver.world.model import EPOCH, HOUR, build_model
from mockserver.world.pinned import DOCUMENT_PINS
from mockserver.world.sessions import DIMENSIONS, Sessions, WorldError

A_DAY = parse_day("20200603")


@pytest.fixture(scope="module")
def default() -> GeneratedWorld:
    return generated_world({})


@bounded
@given(specs(), spans())
def test_sessions_lie_inside_rooms_and_streams_inside_sessions(spec, span):
    """Create ≤ enter < leave ≤ destroy, and 0 ≤ audio, video ≤ leave - enter."""
    rows = generated_world(spec).sessions_between(*span)
    length = rows.leave - rows.enter
    assert (rows.create <= rows.enter).all()
    assert (length > 0).all()
    assert (rows.leave <= rows.destroy).all()
    for stream in (rows.audio, rows.video):
        assert ((stream >= 0) & (stream <= length)).all()
    assert ((rows.audio_loss >= 0) & (rows.audio_loss <= 100_000)).all()
    assert ((rows.video_loss >= 0) & (rows.video_loss <= 100_000)).all()
    assert (rows.audio_delay > 0).all()
    assert (rows.video_delay > 0).all()


@bounded
@given(specs(), spans())
def test_no_user_is_in_two_rooms_at_once(spec, span):
    """The sessions of a user are disjoint over all rooms and do not touch."""
    rows = generated_world(spec).sessions_between(*span)
    order = np.lexsort((rows.enter, rows.user))
    user, enter, leave = rows.user[order], rows.enter[order], rows.leave[order]
    again = user[1:] == user[:-1]
    assert (enter[1:] > leave[:-1])[again].all()


@bounded
@given(specs(), spans(), st.data())
def test_a_room_lookup_agrees_with_its_span(spec, span, data):
    """The rows of a room inside the span equal the span's rows of it, and its times are those of its sessions."""
    world = generated_world(spec)
    rows = world.sessions_between(*span)
    assume(len(rows))
    code = data.draw(st.sampled_from(np.unique(rows.room).tolist()))
    room = world.sessions_of_room(world.room_ids(np.array([code]))[0])
    inside = (room.leave >= span[0]) & (room.enter <= span[1])
    assert same(room.take(inside), rows.take(rows.room == code))
    assert set(room.create.tolist()) == {int(room.enter.min())}
    assert set(room.destroy.tolist()) == {int(room.leave.max())}
    assert room.host.sum() == 1
    assert room.first.sum() == len(set(room.user.tolist()))
    for user in np.unique(room.user):
        mine = room.take(room.user == user)
        assert mine.first[mine.enter.argmin()]


@bounded
@given(specs(), spans(), st.data())
def test_a_user_lookup_agrees_with_its_span(spec, span, data):
    """The rows of a user in a span equal the span's rows of that user; an idle user has none."""
    world = generated_world(spec)
    rows = world.sessions_between(*span)
    code = data.draw(st.integers(0, world.model.users - 1))
    if len(rows) and data.draw(st.booleans()):
        code = data.draw(st.sampled_from(np.unique(rows.user).tolist()))
    user = world.user_ids(np.array([code]))[0]
    assert world.has_user(user)
    result = world.sessions_of_user(user, *span)
    mine = rows.take(rows.user == code)
    assert sorted(zip(result.enter, result.room, strict=True)) == sorted(zip(mine.enter, mine.room, strict=True))
    if code >= 0:
        assert same(result, mine)


@bounded
@given(specs(), spans(), st.floats(0, 1))
def test_adjacent_spans_add_up(spec, span, part):
    """Two adjacent spans together have all sessions of the whole span, and each failed join once."""
    world = generated_world(spec)
    begin, end = span
    middle = begin + int((end - begin) * part)

    def rows(low: int, high: int) -> set[tuple[int, int]]:
        found = generated_world(spec).sessions_between(low, high)
        return set(zip(found.user.tolist(), found.enter.tolist(), strict=True))

    assert rows(begin, middle) | rows(middle, end) == rows(begin, end)
    halves = [world.failed_joins(begin, middle), world.failed_joins(middle, end)]
    whole = world.failed_joins(begin, end)
    assert np.array_equal(np.concatenate(halves), whole)
    assert ((whole >= begin) & (whole < end)).all()


@bounded
@given(specs(), spans())
def test_a_cached_wider_span_changes_nothing(spec, span):
    """Rows cached for another lookup never change a result."""
    fresh = generated_world(spec).sessions_between(*span)
    world = generated_world(spec)
    world.sessions_between(span[0] - 3 * HOUR, span[1] + 3 * HOUR)
    assert same(world.sessions_between(*span), fresh)
    failed = generated_world(spec).failed_joins(*span)
    assert np.array_equal(world.failed_joins(*span), failed)


@bounded
@given(specs(), spans())
def test_places_nest(spec, span):
    """Each city is in one province, each province in one country, and every code has a label."""
    world = generated_world(spec)
    rows = world.sessions_between(*span)
    for dimension in DIMENSIONS:
        codes = getattr(rows, dimension)
        assert ((codes >= 0) & (codes < len(world.labels(dimension)))).all()
        assert len(set(world.labels(dimension))) == len(world.labels(dimension))
    for inner, outer in (("city", "province"), ("province", "country")):
        pairs = set(zip(getattr(rows, inner).tolist(), getattr(rows, outer).tolist(), strict=True))
        assert len(pairs) == len({low for low, _ in pairs})


@bounded
@given(specs(), spans(), st.data())
def test_an_id_with_one_digit_changed_is_unknown(spec, span, data):
    """An id with a changed digit or two swapped neighbours is unknown."""
    world = generated_world({**spec, "pins": []})
    rows = world.sessions_between(*span)
    assume(len(rows))
    row = data.draw(st.integers(0, len(rows) - 1))
    for text, exists in (
        (world.room_ids(rows.room[row : row + 1])[0], lambda room: len(world.sessions_of_room(room)) > 0),
        (world.user_ids(rows.user[row : row + 1])[0], world.has_user),
    ):
        assert exists(text)
        at = data.draw(st.integers(0, len(text) - 2))
        digit = data.draw(st.sampled_from([other for other in "0123456789" if other != text[at]]))
        assert not exists(text[:at] + digit + text[at + 1 :])
        swapped = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        assert swapped == text or not exists(swapped)


@pytest.mark.parametrize(
    "text", ["", "0", "abc", "１２３４５６７８９０１２", "123456789012345", " 689988238957", "-1", "9" * 5000]
)
def test_text_that_is_not_an_id_is_unknown(default, text):
    """Any text can be looked up; only generated and pinned ids are found."""
    assert not default.has_user(text)
    assert not len(default.sessions_of_room(text))
    assert not len(default.sessions_of_user(text, EPOCH, EPOCH + DAY_SECONDS))


def test_there_are_no_calls_before_2019(default):
    """The world begins at 2019-01-01 00:00 UTC+8."""
    rows = default.sessions_between(0, EPOCH + 2 * HOUR)
    assert len(rows) > 50
    assert rows.enter.min() >= EPOCH
    assert not len(default.sessions_between(0, EPOCH - 1))
    assert not len(default.failed_joins(0, EPOCH))
    user = default.user_ids(rows.user[:1])[0]
    assert default.sessions_of_user(user, 0, EPOCH + 2 * HOUR).enter.min() >= EPOCH
    assert not len(default.sessions_of_user(user, 0, EPOCH - 1))


def test_the_first_second_can_have_calls():
    """A room can start in the first second of the world."""
    spec = {"rooms_per_day": 7_200, "hour_weights": [1] + [0] * 23, "pins": []}
    world = generated_world(spec)
    rows = world.sessions_between(EPOCH, EPOCH)
    assert len(rows)
    assert same(world.sessions_of_room(world.room_ids(rows.room[:1])[0]).take(slice(1)), rows.take(slice(1)))


def test_the_world_ends_with_ten_digit_timestamps(default):
    """Rooms in the last hours before 2286-11-20 have normal ids, and later there are none."""
    rows = default.sessions_between(9_999_970_000, 9_999_999_999)
    assert len(rows) > 50
    assert rows.destroy.max() <= 9_999_999_999
    room = default.room_ids(rows.room[-1:])[0]
    assert len(room) == 12
    assert len(default.sessions_of_room(room))
    assert not len(default.sessions_between(10_000_100_000, 10_000_200_000))


def test_a_backward_span_is_empty(default):
    """A span that ends before it begins has no rows."""
    assert not len(default.sessions_between(A_DAY, A_DAY - 1 - 4 * HOUR))
    assert not len(default.failed_joins(A_DAY, A_DAY))
    user = default.user_ids(np.array([0]))[0]
    assert not len(default.sessions_of_user(user, A_DAY, A_DAY - DAY_SECONDS))


def test_the_seed_determines_the_world():
    """Equal seeds give equal worlds, `seed=` overrides the block, and another seed gives another world."""
    worlds = [generated_world({"seed": 5}), generated_world({"seed": 6}, seed=5), generated_world({"seed": 6})]
    days = [world.sessions_between(A_DAY, A_DAY + HOUR) for world in worlds]
    assert same(days[0], days[1])
    assert not same(days[0], days[2])
    assert worlds[0].room_ids(days[0].room) == worlds[1].room_ids(days[1].room)
    assert worlds[0].room_ids(days[0].room[:1]) != worlds[2].room_ids(days[0].room[:1])


def test_an_appkey_matters_only_with_per_app():
    """All apps have the same world unless `per_app` is set."""

    def hour(spec, appkey):
        return generated_world(spec, appkey=appkey).sessions_between(A_DAY, A_DAY + HOUR)

    assert same(hour({}, "one"), hour({}, "two"))
    assert same(hour({"per_app": True}, "one"), hour({"per_app": True}, "one"))
    assert not same(hour({"per_app": True}, "one"), hour({"per_app": True}, "two"))


def test_a_world_without_rooms_has_only_its_pins():
    """With rooms_per_day: 0 only pinned rooms exist, and without pins there are no rows."""
    day = parse_day("20191210")
    assert len(generated_world({"rooms_per_day": 0}).sessions_between(day, day + DAY_SECONDS)) == sum(
        len(room["stays"]) for room in DOCUMENT_PINS
    )
    empty = generated_world({"rooms_per_day": 0, "pins": []})
    assert not len(empty.sessions_between(day, day + DAY_SECONDS))
    assert not len(empty.failed_joins(day, day + DAY_SECONDS))


def test_most_planned_rooms_exist():
    """With barely enough users 90 % of the planned rooms exist, with the default number 97 %."""
    for spec, share in (({"users": 1_000, "rooms_per_day": 2_000}, 0.9), ({}, 0.97)):
        world = generated_world({**spec, "pins": []})
        hour = (A_DAY - EPOCH) // HOUR
        planned = world._timetable.rooms_of_hours(hour, hour + 24).hour.size
        rows = world.sessions_between(A_DAY, A_DAY + DAY_SECONDS - 1)
        opened = int((rows.host & (rows.create >= A_DAY)).sum())
        assert share * planned < opened <= planned, (opened, planned)


def pinned(**session: Any) -> list[dict[str, Any]]:
    """A list with one pinned room that has one session."""
    return [{"RoomId": "1", "stays": [{"UserId": "a", **session}]}]


class TestPins:
    """Pinned rooms belong to the same log."""

    def test_the_documents_requests_have_data(self, default):
        """The window of §2.1.5 … §2.3.5 finds the samples' users and rooms, with the samples' durations."""
        rows = default.sessions_of_user("123456789", 1575962150, 1575962850)
        found = zip(default.room_ids(rows.room), rows.audio.tolist(), rows.video.tolist(), strict=True)
        assert sorted(found) == [
            ("123456789", 30, 10), ("123456789", 30, 20), ("987654321", 67, 38), ("987654321", 70, 60),
        ]  # fmt: skip
        room = default.sessions_of_room("123456789")
        assert (int(room.create[0]), int(room.destroy[0])) == (1575961850, 1575963822)
        assert {"aaaaa", "bbbbb"} <= set(default.user_ids(room.user))
        result = default.sessions_between(1575962150, 1575962850)
        pairs = set(
            zip(
                default.user_ids(result.user),
                default.room_ids(result.room),
                result.enter.tolist(),
                result.create.tolist(),
                strict=True,
            )
        )
        assert ("aaa", "123456", 1575962220, 1575961850) in pairs
        assert ("bbb", "666777", 1575962212, 1575912850) in pairs
        assert len(pairs) > 100

    def test_pinned_users_exist(self, default):
        """Pinned users exist, have a home, and have no generated sessions."""
        for user in ("123456789", "aaaaa", "bbbbb", "aaa", "bbb"):
            assert default.has_user(user)
            assert default.home_of(user).country == "中国"
        assert not len(default.sessions_of_user("aaaaa", A_DAY, A_DAY + DAY_SECONDS))

    def test_a_pin_may_last_longer_than_a_generated_room(self, default):
        """A span inside a long pinned session finds it."""
        rows = default.sessions_between(1575940000, 1575940001)
        assert "aaaaa" in default.user_ids(rows.user)

    def test_pins_can_add_places_and_ids(self):
        """The labels of a pin are added to those of the world."""
        session = {"UserId": "甲", "enter": "2020-06-03T10:00:00+08:00", "leave": "2020-06-03T10:05:00+08:00",
                "country": "法国", "province": "巴黎大区", "city": "巴黎"}  # fmt: skip
        world = generated_world({"pins": [{"RoomId": "<b>", "stays": [session]}]})
        row = world.sessions_of_room("<b>")
        assert world.labels("city")[int(row.city[0])] == "巴黎"
        assert world.user_ids(row.user) == ["甲"]
        assert same(world.sessions_of_user("甲", A_DAY, A_DAY + DAY_SECONDS), row)

    @pytest.mark.parametrize(
        ("pins", "pointer"),
        [
            (pinned(enter="now-1h", leave="now"), ("pins", 0, "stays", 0, "enter")),
            (pinned(enter=5, leave=9), ("pins", 0, "stays", 0, "enter")),
            (pinned(enter=1575962212, leave=1575962212), ("pins", 0, "stays", 0, "leave")),
            (pinned(enter=1575962212, leave=1575962219, city="广州市", province="湖北省"), ("pins",)),
        ],
    )  # fmt: skip
    def test_wrong_pins_are_refused(self, pins, pointer):
        """A pin without absolute times, before 2019 or with a contradictory place is an error."""
        with pytest.raises(WorldError) as caught:
            generated_world({"pins": pins})
        assert caught.value.pointer == pointer
        assert caught.value.text.zh

    def test_a_pin_with_a_generated_id_is_refused(self, default):
        """A pin cannot have the id of a generated room or user."""
        rows = default.sessions_between(A_DAY, A_DAY + HOUR)
        user, room = default.user_ids(rows.user[:1])[0], default.room_ids(rows.room[:1])[0]
        session = {"enter": A_DAY, "leave": A_DAY + 60}
        for pin in (
            {"RoomId": room, "stays": [{**session, "UserId": "a"}]},
            {"RoomId": "r", "stays": [{**session, "UserId": user}]},
        ):
            with pytest.raises(WorldError, match="already the id"):
                generated_world({"pins": [pin]})


CROWDED = {
    "users": 430,
    "rooms_per_day": 2_400,
    "hour_weights": [1] * 24,
    "weekend_factor": 1,
    "room_kinds": [
        {"name": "long", "share": 1, "median": 9_000, "sigma": 0.9, "seats": [1, 5]},
        {"name": "short", "share": 2, "median": 300, "sigma": 1, "seats": [2, 2]},
    ],
}


BEGIN, END = A_DAY + 7 * HOUR, A_DAY + 19 * HOUR


@pytest.fixture(scope="module")
def crowded() -> GeneratedWorld:
    return generated_world(CROWDED)


@pytest.fixture(scope="module")
def rows(crowded) -> Sessions:
    return crowded.sessions_between(BEGIN, END)


class TestCrowdedWorld:
    """A world with hardly more users than slots and calls of hours, in which half of the slots are void."""

    def test_slots_are_void(self, crowded, rows):
        """Many planned rooms have no host, and many slots of guests are void."""
        hour = (BEGIN - EPOCH) // HOUR
        planned = crowded._timetable.rooms_of_hours(hour, hour + 12)
        opened = rows.take(rows.create >= BEGIN)
        assert 0.3 < opened.host.sum() / planned.hour.size < 0.8
        assert 0.2 < opened.first.sum() / planned.users.sum() < 0.7

    def test_every_user_agrees_with_the_span(self, crowded, rows):
        """Every user has the span's rows, however earlier calls collide."""
        for code, user in enumerate(crowded.user_ids(np.arange(crowded.model.users))):
            result = crowded.sessions_of_user(user, BEGIN, END)
            assert same(result, rows.take(rows.user == code)), user

    def test_every_room_agrees_with_the_span(self, crowded, rows):
        """Every planned room has the span's rows; one without a host is unknown."""
        hour = (BEGIN - EPOCH) // HOUR
        numbers = crowded._timetable.rooms_of_hours(hour - 4, hour + 13).number
        unknown = 0
        for number, room in zip(numbers.tolist(), crowded.room_ids(numbers), strict=True):
            result = crowded.sessions_of_room(room)
            unknown += not len(result)
            inside = (result.leave >= BEGIN) & (result.enter <= END)
            assert same(result.take(inside), rows.take(rows.room == number)), room
        assert unknown > 100

    def test_no_user_is_in_two_rooms_at_once(self, crowded):
        """In ten days no user has overlapping sessions."""
        rows = crowded.sessions_between(A_DAY, A_DAY + 10 * DAY_SECONDS)
        assert len(rows) > 20_000
        order = np.lexsort((rows.enter, rows.user))
        user, enter, leave = rows.user[order], rows.enter[order], rows.leave[order]
        again = user[1:] == user[:-1]
        assert (enter[1:] > leave[:-1])[again].all()
        assert (rows.leave > rows.enter).all()
        assert (rows.leave <= rows.destroy).all()

    def test_a_long_span_has_each_session_once(self, crowded):
        """200 days of a user, evaluated in parts, equal the single days."""
        user = crowded.user_ids(np.array([11]))[0]
        days = 200
        whole = crowded.sessions_of_user(user, A_DAY, A_DAY + days * DAY_SECONDS - 1)
        assert len(np.unique(whole.enter)) == len(whole) > days
        daily = [
            crowded.sessions_of_user(
                user, A_DAY + day * DAY_SECONDS, A_DAY + day * DAY_SECONDS + DAY_SECONDS - 1
            ).enter.tolist()
            for day in range(days)
        ]
        assert sorted({enter for enters in daily for enter in enters}) == whole.enter.tolist()

    def test_failed_joins_add_up_over_hours(self):
        """The failed joins of a day are those of its hours."""
        world = generated_world({**CROWDED, "failed_joins": 50})
        whole = world.failed_joins(A_DAY, A_DAY + DAY_SECONDS)
        assert len(whole) > 2_000
        hours = [
            generated_world({**CROWDED, "failed_joins": 50}).failed_joins(at, at + HOUR)
            for at in range(A_DAY, A_DAY + DAY_SECONDS, HOUR)
        ]
        assert np.array_equal(np.concatenate(hours), whole)


class TestRowCache:
    """The cache is bounded and separates worlds."""

    @staticmethod
    def _rows(count: int) -> Sessions:
        world = generated_world({})
        return world.sessions_between(A_DAY, A_DAY + DAY_SECONDS).take(slice(count))

    def test_it_never_holds_more_rows_than_allowed(self):
        """The least recently used spans are dropped first, and one that is too large is not cached."""
        cache, evaluated = RowCache(max_rows=100), []

        def evaluate(first: int, last: int) -> Sessions:
            evaluated.append((first, last))
            return self._rows(40 if last < 900 else 101)

        for first in (0, 10, 20):
            cache.rows("w", first, first + 5, evaluate)
        cache.rows("w", 11, 12, evaluate)
        assert evaluated == [(0, 5), (10, 15), (20, 25)]
        cache.rows("w", 0, 5, evaluate)
        assert evaluated[-1] == (0, 5)
        cache.rows("w", 900, 950, evaluate)
        cache.rows("w", 900, 950, evaluate)
        assert evaluated[-2:] == [(900, 950), (900, 950)]
        cache.clear()
        cache.rows("w", 0, 5, evaluate)
        assert evaluated[-1] == (0, 5)

    def test_worlds_do_not_mix(self):
        """Equal spans of two worlds are two entries."""
        cache = RowCache(max_rows=100)
        assert len(cache.rows("a", 0, 1, lambda *_: self._rows(3))) == 3
        assert len(cache.rows("b", 0, 1, lambda *_: self._rows(4))) == 4
        assert len(cache.rows("a", 0, 1, lambda *_: self._rows(5))) == 3


def test_a_day_is_the_sum_of_its_parts():
    """A day of a large world, evaluated in parts, equals its three-hour spans."""
    spec = {"users": 40_000, "rooms_per_day": 15_000, "pins": []}
    whole = generated_world(spec).sessions_between(A_DAY, A_DAY + DAY_SECONDS)
    parts = [
        generated_world(spec).sessions_between(A_DAY + at, A_DAY + at + 3 * HOUR)
        for at in range(0, DAY_SECONDS, 3 * HOUR)
    ]
    assert {*zip(whole.user, whole.enter, strict=True)} == {
        pair for rows in parts for pair in zip(rows.user, rows.enter, strict=True)
    }  # fmt: skip
    assert build_model(spec).users == 40_000
