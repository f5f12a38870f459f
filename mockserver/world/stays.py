"""The call log as columns, and what every world can be asked. Knows nothing of operations, readings or `now`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from mockserver.core.text import Text

I64: TypeAlias = npt.NDArray[np.int64]
I32: TypeAlias = npt.NDArray[np.int32]
Flags: TypeAlias = npt.NDArray[np.bool_]
DIMENSIONS = ("country", "province", "city", "network")


class SpecError(ValueError):
    """A `world:` block that makes no world: the place in it and what would be right."""

    def __init__(self, pointer: tuple[str | int, ...], text: Text) -> None:
        self.pointer = pointer
        self.text = text
        super().__init__(text.en)


@dataclass(frozen=True, slots=True)
class Stays:
    """Equally long columns, one row a stay of one person in one room.

    `user` and `room` are codes of the world that made them. `leave` and `destroy` are the true ones and may lie
    after now. `host` marks the one row by which a room counts for a place and a network, `first` the first stay of
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

    def take(self, which: Any) -> Stays:
        """The rows that a mask, a slice or an array of indices picks."""
        return Stays(*(getattr(self, name)[which] for name in COLUMNS))

    @staticmethod
    def empty() -> Stays:
        """No rows."""
        return _EMPTY

    @staticmethod
    def concatenate(parts: Sequence[Stays]) -> Stays:
        """All rows of all parts, in their order."""
        kept = [part for part in parts if len(part)]
        if not kept:
            return _EMPTY
        if len(kept) == 1:
            return kept[0]
        return Stays(*(np.concatenate([getattr(part, name) for part in kept]) for name in COLUMNS))


COLUMNS: dict[str, type[np.generic]] = {
    field.name: np.bool_
    if field.name in ("host", "first")
    else np.int32
    if field.name in DIMENSIONS
    else np.int64
    for field in fields(Stays)
}
_EMPTY = Stays(*(np.empty(0, kind) for kind in COLUMNS.values()))


class World(Protocol):
    """A call log that can be asked; the views do not know which kind they read. Spans are closed, in seconds."""

    @property
    def longest(self) -> int:
        """The longest a room can last, seconds."""

    def stays_of_user(self, user_id: str, begin: int, end: int) -> Stays:
        """Every stay of the user that overlaps [begin, end]."""

    def stays_of_room(self, room_id: str) -> Stays:
        """Every stay of the room, whenever it is; no row for an unknown room."""

    def stays_between(self, begin: int, end: int) -> Stays:
        """Every stay that overlaps [begin, end]."""

    def failed_joins(self, begin: int, end: int) -> I64:
        """The seconds in [begin, end) at which somebody tried to join and failed."""

    def knows_user(self, user_id: str) -> bool:
        """Whether the id belongs to somebody of this world, with calls or without."""

    def user_ids(self, codes: Any) -> list[str]:
        """The UserIds behind user codes."""

    def room_ids(self, codes: Any) -> list[str]:
        """The RoomIds behind room codes."""

    def labels(self, dimension: str) -> Sequence[str]:
        """The labels behind the codes of a dimension."""
