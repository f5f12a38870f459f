"""Moves a recording in time: requests back to the time of the recording, answers forward to now.

Only fields that hold times are changed; they are known by their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from mockserver.contract.operations import OPERATIONS
from mockserver.core.clock import parse_day, show_time, start_of_day

Shift = Literal["none", "days", "seconds"]
_STAMPS = frozenset(
    [
        "BeginTime",
        "EndTime",
        "CreateTime",
        "DestroyTime",
        "EnterTime",
        "LeaveTime",
        "FirstEnterTime",
        "LastLeaveTime",
        "TickTime",
    ]
)


class Replay(NamedTuple):
    """How a scenario moves the times of a recording made at `recorded_at` (seconds since the epoch)."""

    shift: Shift
    recorded_at: int

    def seconds(self, operation: str, now: int) -> int:
        """Return by how many seconds times move; statistics of a day move by whole days of UTC+8."""
        if self.shift == "none":
            return 0
        if self.shift == "seconds" and not OPERATIONS[operation].section.startswith("3."):
            return now - self.recorded_at
        return start_of_day(now) - start_of_day(self.recorded_at)


def move(value: Any, seconds: int) -> Any:
    """Return a body with all of its times later by `seconds`; empty times and zeros do not change."""
    if isinstance(value, list):
        return [move(item, seconds) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {name: _move_field(name, item, seconds) for name, item in value.items()}


def _move_field(name: str, value: Any, seconds: int) -> Any:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        if name in _STAMPS and value != "0":
            return str(int(value) + seconds)
        if name == "QueryDate":
            return show_time(parse_day(value) + seconds)[:10].replace("-", "") or value
    return move(value, seconds) if isinstance(value, (list, dict)) else value
