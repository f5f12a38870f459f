"""Sessions as columns: what every world returns and every view reads. Knows nothing of operations or scenarios."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from mockserver.core.errors import InvalidPart
from mockserver.core.text import Text
from mockserver.core.yaml_reader import read_texts

I64: TypeAlias = npt.NDArray[np.int64]
I32: TypeAlias = npt.NDArray[np.int32]
Flags: TypeAlias = npt.NDArray[np.bool_]
TEXTS: dict[str, Text] = read_texts(Path(__file__).with_name("mistakes.yaml"))
DIMENSIONS = ("country", "province", "city", "network")
MIN_TIME = 100_000_000  # The earliest timestamp: the document's samples have nine or ten digits (§2.1.6).
MAX_TIME = 9_999_999_999
"""The latest timestamp; also the leave time of a recorded session that has none and never ends."""


class WorldError(InvalidPart):
    """An invalid `world:` block: a pointer into the block, and what would be valid."""

    @classmethod
    def of(cls, pointer: tuple[str | int, ...], name: str, /, **values: object) -> WorldError:
        """Return the error with a text of `mistakes.yaml`; `values` fill its placeholders."""
        return cls(pointer, TEXTS[name].format(**values))


@dataclass(frozen=True, slots=True)
class Sessions:
    """Columns of equal length; a row is one session: one user in one room from enter to leave.

    `user` and `room` are codes of the world that made the rows. `leave` and `destroy` are the final times and may lie
    after now. `host` marks the one row by which a room counts for a place and a network, `first` the first session of
    a (user, room) pair. Losses are thousandths of a percent, delays microseconds: integers, so that sums are exact.
    """

    user: I64
    room: I64
    enter: I64
    leave: I64
    audio: I64
    video: I64
    create: I64
    destroy: I64
    host: Flags
    first: Flags
    country: I32
    province: I32
    city: I32
    network: I32
    audio_loss: I64
    video_loss: I64
    audio_delay: I64
    video_delay: I64

    def __len__(self) -> int:
        return len(self.user)

    def take(self, rows: Any) -> Sessions:
        """Return the rows that a mask, a slice or an array of indices selects."""
        if isinstance(rows, np.ndarray) and rows.dtype == np.bool_:
            if rows.all():
                return self
            rows = np.flatnonzero(rows)  # Indices select faster than a mask does.
        return Sessions(*(getattr(self, name)[rows] for name in COLUMNS))

    def lists(self, *names: str) -> Iterator[list[Any]]:
        """Yield columns as lists of Python values."""
        return (getattr(self, name).tolist() for name in names)

    def overlapping(self, begin: int, end: int) -> Sessions:
        """Return the rows that overlap the closed span [begin, end]."""
        return self.take((self.leave >= begin) & (self.enter <= end))

    @staticmethod
    def empty() -> Sessions:
        """Return no rows."""
        return _EMPTY

    @staticmethod
    def concatenate(parts: Sequence[Sessions]) -> Sessions:
        """Return all rows of all parts in order."""
        parts = [part for part in parts if len(part)]
        if len(parts) <= 1:
            return parts[0] if parts else _EMPTY
        return Sessions(*(np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS))


COLUMNS: dict[str, type[np.generic]] = {
    **dict.fromkeys((field.name for field in fields(Sessions)), np.int64),
    **dict.fromkeys(("host", "first"), np.bool_),
    **dict.fromkeys(DIMENSIONS, np.int32),
}
_EMPTY = Sessions(*(np.empty(0, kind) for kind in COLUMNS.values()))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Sessions as known at one moment: nothing lies after now."""

    sessions: Sessions  # `leave`, `destroy`, `audio` and `video` are those of now.
    running: Flags  # The session is still open; its `leave` is now.
    stable_from: int  # From this second on the same rows are returned with the same values.


def as_of(sessions: Sessions, now: int, ongoing: str) -> Snapshot:
    """Return what is known of `sessions` at `now`; reading `ongoing=exclude` leaves out rooms that still exist.

    An open session has sent the share of its audio and video that corresponds to its elapsed time. A recorded
    session without a leave time has sent all of it, as far as it fits into that time.
    """
    stable_from = int(sessions.destroy.max()) if len(sessions) else 0
    if len(sessions) and stable_from <= now and int(sessions.enter.max()) < now:
        return Snapshot(sessions, np.zeros(len(sessions), np.bool_), stable_from)
    begun = sessions.enter < now
    if ongoing == "exclude":
        begun &= sessions.destroy <= now
    sessions = sessions.take(begun)
    running = sessions.leave > now
    known = replace(
        sessions,
        leave=np.minimum(sessions.leave, now),
        destroy=np.minimum(sessions.destroy, now),
        audio=_sent(sessions.audio, sessions, running, now),
        video=_sent(sessions.video, sessions, running, now),
    )
    return Snapshot(known, running, stable_from)


def _sent(seconds: np.ndarray, sessions: Sessions, running: Flags, now: int) -> np.ndarray:
    elapsed = now - sessions.enter
    share = seconds * elapsed // np.maximum(sessions.leave - sessions.enter, 1)
    share = np.where(sessions.leave == MAX_TIME, np.minimum(seconds, elapsed), share)
    return np.where(running, share, seconds)
