"""The ways in which a backend drifts from its contract: where each can act in an answer, and what it does.

Knows JSON only. A drift changes a decoded answer in place and says what it did; whether the result has left
the contract is asked of the schema by the kind.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mockserver.faults.base import Draw

HUGE = 10_000
"""Rows of a huge list …"""
HEAVY = 16_000_000
"""… unless that makes more characters."""


class Spot:
    """One value inside an answer, by what holds it; light, for an answer can have tens of thousands."""

    __slots__ = ("holder", "key", "outer", "value")

    def __init__(self, holder: Any, key: str | int, outer: Spot | None) -> None:
        self.holder, self.key, self.outer = holder, key, outer
        self.value: Any = holder[key]

    @property
    def steps(self) -> list[str]:
        """The way to it from the answer, which has none."""
        return [] if self.outer is None else [*self.outer.steps, str(self.key)]

    @property
    def pointer(self) -> str:
        """The way to it as RFC 6901 writes it."""
        return "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in self.steps)


@dataclass(frozen=True, slots=True)
class Drift:
    """One way to drift."""

    fits: Callable[[Spot], bool]
    act: Callable[[Spot, Draw], str]
    leaves: bool
    """Whether the answer is then outside of the contract; otherwise it is inside, but wrong all the same."""


def spots(answer: dict[str, Any]) -> list[Spot]:
    """Every value of an answer, outermost first, the answer itself among them."""
    found = [Spot({"": answer}, "", None)]
    for spot in found:
        value = spot.value
        if isinstance(value, dict):
            found += [Spot(value, key, spot) for key in value]
        elif isinstance(value, list):
            found += [Spot(value, key, spot) for key in range(len(value))]
    return found


def _is_member(spot: Spot) -> bool:
    return isinstance(spot.holder, dict) and spot.outer is not None


def is_number(spot: Spot) -> bool:
    """Whether a member of an object is a number."""
    return _is_member(spot) and isinstance(spot.value, (int, float)) and not isinstance(spot.value, bool)


def _is_list(least: int) -> Callable[[Spot], bool]:
    return lambda spot: isinstance(spot.value, list) and len(spot.value) >= least


def _drop(spot: Spot, draw: Draw) -> str:
    del spot.holder[spot.key]
    return f"dropped {spot.pointer}"


def _null(spot: Spot, draw: Draw) -> str:
    spot.holder[spot.key] = None
    return f"made {spot.pointer} null"


def _wrong_type(spot: Spot, draw: Draw) -> str:
    value = spot.value
    made: Any
    if isinstance(value, str):
        made = int(value) if value.isascii() and value.isdigit() else [value]
    elif isinstance(value, bool) or value is None:
        made = str(value).lower()
    elif isinstance(value, (int, float)):
        made = bool(value)
    elif isinstance(value, list):
        # What XML converters and PHP make of a list with one row and of one without any.
        made = value[0] if len(value) == 1 and isinstance(value[0], dict) else dict(enumerate(value))
        made = {str(key): one for key, one in made.items()}
    else:
        made = list(value.values())
    spot.holder[spot.key] = made
    return f"made {spot.pointer} {_A[type(made)]}, not {_A[type(value)]}"


_A = {
    str: "a string",
    int: "an integer",
    float: "a number",
    bool: "a boolean",
    list: "a list",
    dict: "an object",
    type(None): "null",
}


def _stringify(spot: Spot, draw: Draw) -> str:
    spot.holder[spot.key] = str(spot.value)
    return f"made {spot.pointer} a string"


def _extra(spot: Spot, draw: Draw) -> str:
    name = ("TraceId", "Remark", "ExtInfo")[draw.below(3, "extra")]
    name = name if name not in spot.value else f"{name}2"
    spot.value[name] = draw.word("value")
    return f"added {spot.pointer}/{name}"


def _rename(spot: Spot, draw: Draw) -> str:
    name = str(spot.key)
    camel = name[:1].lower() + name[1:]
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
    made = (camel, snake)[draw.below(2, "rename")]
    if made in spot.holder:
        made = f"{made}_"
    # In its old place, so that nothing but the name has changed.
    members = [(made if key == spot.key else key, value) for key, value in spot.holder.items()]
    spot.holder.clear()
    spot.holder.update(members)
    return f"renamed {spot.pointer} to {made}"


def _empty(spot: Spot, draw: Draw) -> str:
    count = len(spot.value)
    spot.value.clear()
    return f"emptied {spot.pointer} of {count} rows"


def _duplicate(spot: Spot, draw: Draw) -> str:
    rows = spot.value
    chosen = {index for index in range(len(rows)) if draw.below(3, f"row {index}") == 0}
    chosen = chosen or {draw.below(len(rows), "row")}
    rows[:] = [row for index, row in enumerate(rows) for _ in range(2 if index in chosen else 1)]
    return f"doubled {len(chosen)} rows of {spot.pointer}"


def _shuffle(spot: Spot, draw: Draw) -> str:
    rows, before = spot.value, list(spot.value)
    # A seed has to repeat.
    random.Random(draw.word("shuffle")).shuffle(rows)  # nosec B311
    if rows == before:
        rows.reverse()
    return f"shuffled {len(rows)} rows of {spot.pointer}"


def _huge(spot: Spot, draw: Draw) -> str:
    rows = spot.value
    size = sum(len(str(row)) for row in rows) // len(rows) + 1
    count = max(len(rows), min(HUGE, HEAVY // size))
    rows[:] = [rows[index % len(rows)] for index in range(count)]
    return f"blew {spot.pointer} up to {count} rows"


def _has_order(spot: Spot) -> bool:
    value = spot.value
    return isinstance(value, list) and len(value) > 1 and value != value[::-1]


DRIFTS: Mapping[str, Drift] = {
    "drop_field": Drift(_is_member, _drop, True),
    "null_field": Drift(_is_member, _null, True),
    "wrong_type": Drift(_is_member, _wrong_type, True),
    "number_as_string": Drift(is_number, _stringify, True),
    "extra_field": Drift(lambda spot: isinstance(spot.value, dict), _extra, True),
    "rename_field": Drift(_is_member, _rename, True),
    "empty_list": Drift(_is_list(1), _empty, False),
    "duplicate_rows": Drift(_is_list(1), _duplicate, False),
    "shuffle_rows": Drift(_has_order, _shuffle, False),
    "huge_list": Drift(_is_list(1), _huge, False),
}
