"""Columns of stays: rows are picked and joined whole."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from recorded_worlds import few, specs

from mockserver.world.recorded import recorded_world
from mockserver.world.sessions import COLUMNS, Sessions, as_of


def rows(stays: Sessions) -> list[tuple[object, ...]]:
    """The stays as tuples of plain values."""
    return list(zip(*(getattr(stays, name).tolist() for name in COLUMNS), strict=True))


@few
@given(specs(), st.data())
def test_parts_joined_are_the_whole(spec, data):
    """What a mask picks and what it leaves, joined, are all rows, each column in its own type."""
    stays = recorded_world(spec, 0).sessions_between(0, 9_999_999_999)
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(stays), max_size=len(stays))), np.bool_)
    joined = Sessions.concatenate([stays.take(mask), Sessions.empty(), stays.take(~mask)])
    assert sorted(rows(joined)) == sorted(rows(stays))
    assert rows(stays.take(np.flatnonzero(mask))) == rows(stays.take(mask))
    assert all(getattr(joined, name).dtype == kind for name, kind in COLUMNS.items())


def test_nothing_joined_is_nothing():
    """No parts and empty parts are no rows."""
    assert (
        len(Sessions.empty())
        == len(Sessions.concatenate([]))
        == len(Sessions.concatenate([Sessions.empty()] * 2))
        == 0
    )


@few
@given(specs(), st.integers(1575900000, 1576100000))
def test_nothing_after_now_is_known(spec, now):
    """Every row as of now ends at now at the latest, has sent no more than it could, and keeps its enter."""
    stays = recorded_world(spec, now).sessions_between(0, 9_999_999_999)
    seen = as_of(stays, now, "now")
    told = seen.sessions
    assert told.enter.tolist() == [enter for enter in stays.enter.tolist() if enter < now]
    assert ((told.enter < told.leave) & (told.leave <= told.destroy) & (told.destroy <= now)).all()
    assert ((told.audio >= 0) & (told.audio <= told.leave - told.enter)).all()
    assert ((told.video >= 0) & (told.video <= told.leave - told.enter)).all()
    assert (told.leave[seen.running] == now).all()


def test_what_is_sent_only_grows():
    """As now moves on, the audio of a running stay never shrinks, and ends at the whole."""
    stay = {"UserId": "a", "enter": 1575962000, "leave": 1575962077, "audio": 50, "video": 77}
    stays = recorded_world({"rooms": [{"RoomId": "1", "stays": [stay]}]}, 0).sessions_of_room("1")
    seen = [as_of(stays, now, "now").sessions for now in range(1575962001, 1575962090)]
    audio = [int(one.audio[0]) for one in seen]
    assert audio == sorted(audio)
    assert audio[0] == 0
    assert audio[-1] == 50
    assert int(seen[38].video[0]) == 39
