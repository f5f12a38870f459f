"""Columns of sessions, and the part of them that is known at a time."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from recorded_worlds import few, specs

from mockserver.world.recorded import recorded_world
from mockserver.world.sessions import COLUMNS, Sessions, as_of


def rows(sessions: Sessions) -> list[tuple[object, ...]]:
    """The sessions as tuples of plain values."""
    return list(zip(*(getattr(sessions, name).tolist() for name in COLUMNS), strict=True))


@few
@given(specs(), st.data())
def test_concatenated_parts_are_the_whole(spec, data):
    """The rows inside and outside a mask together are all rows, and columns keep their types."""
    sessions = recorded_world(spec, 0).sessions_between(0, 9_999_999_999)
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(sessions), max_size=len(sessions))), np.bool_)
    joined = Sessions.concatenate([sessions.take(mask), Sessions.empty(), sessions.take(~mask)])
    assert sorted(rows(joined)) == sorted(rows(sessions))
    assert rows(sessions.take(np.flatnonzero(mask))) == rows(sessions.take(mask))
    assert all(getattr(joined, name).dtype == kind for name, kind in COLUMNS.items())


def test_concatenating_nothing_is_empty():
    """No parts and empty parts give no rows."""
    assert (
        len(Sessions.empty()) == len(Sessions.concatenate([])) == len(Sessions.concatenate([Sessions.empty()] * 2)) == 0
    )


@few
@given(specs(), st.integers(1575900000, 1576100000))
def test_nothing_after_now_is_known(spec, now):
    """Rows end at now at the latest, have sent no more than fits, and keep their enter time."""
    sessions = recorded_world(spec, now).sessions_between(0, 9_999_999_999)
    snapshot = as_of(sessions, now, "now")
    known = snapshot.sessions
    assert known.enter.tolist() == [enter for enter in sessions.enter.tolist() if enter < now]
    assert ((known.enter < known.leave) & (known.leave <= known.destroy) & (known.destroy <= now)).all()
    assert ((known.audio >= 0) & (known.audio <= known.leave - known.enter)).all()
    assert ((known.video >= 0) & (known.video <= known.leave - known.enter)).all()
    assert (known.leave[snapshot.running] == now).all()


def test_sent_audio_only_grows():
    """The audio of a running session never shrinks over time and ends at the full value."""
    session = {"UserId": "a", "enter": 1575962000, "leave": 1575962077, "audio": 50, "video": 77}
    sessions = recorded_world({"rooms": [{"RoomId": "1", "stays": [session]}]}, 0).sessions_of_room("1")
    snapshots = [as_of(sessions, now, "now").sessions for now in range(1575962001, 1575962090)]
    audio = [int(snapshot.audio[0]) for snapshot in snapshots]
    assert audio == sorted(audio)
    assert audio[0] == 0
    assert audio[-1] == 50
    assert int(snapshots[38].video[0]) == 39
