"""The readings: named switches for passages where the document is silent or contradicts itself.

Each is a row of `readings.yaml`: its values, the section, and why there is a choice. The code that depends on a
reading looks it up by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from mockserver.core.clock import DAY_SECONDS
from mockserver.core.errors import InvalidPart
from mockserver.core.suggestions import nearest, unknown
from mockserver.core.text import Text
from mockserver.core.yaml_reader import read_texts

Value: TypeAlias = str | int
Readings: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """One switch: its value is one of `names` or, without any, an integer from `minimum` to `maximum`."""

    name: str
    section: str  # The passages that it interprets.
    why: Text  # Why there is a choice.
    names: tuple[str, ...]
    default: Value
    minimum: int = 0
    maximum: int = 0
    divides_day: bool = False  # Whether the integer has to divide the seconds of a day.

    def choices(self) -> str:
        """Return the valid values for a message."""
        suffix = ", dividing the day" if self.divides_day else ""
        return ", ".join(self.names) or f"{self.minimum}…{self.maximum}{suffix}"

    def parse(self, value: object) -> Value | None:
        """Return the name, or the number in an integer or decimal digits; None if `value` is not a valid one."""
        if self.names:
            return value if isinstance(value, str) and value in self.names else None
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value, re.ASCII):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            return None
        allowed = not self.divides_day or (value > 0 and DAY_SECONDS % value == 0)
        return value if self.minimum <= value <= self.maximum and allowed else None


def _make_reading(name: str, *, text: Text, values: tuple[str, ...] = (), default: Value = "", **row: Any) -> Reading:
    return Reading(name, why=text, names=values, default=values[0] if values else default, **row)


_ROWS = read_texts(Path(__file__).with_name("readings.yaml"))
READINGS = {name: _make_reading(name, **row) for name, row in _ROWS.items()}
DEFAULTS = {name: reading.default for name, reading in READINGS.items()}


class InvalidReading(InvalidPart):
    """The reading does not exist or has no such value; `text` says what is valid."""


def parse_reading(name: str, value: object) -> Value:
    """Return the value of reading `name` given as `value`; raise InvalidReading if either does not exist."""
    reading = READINGS.get(name)
    if reading is None:
        raise InvalidReading((), unknown("reading", name, READINGS))
    parsed = reading.parse(value)
    if parsed is None:
        text = Text(
            "reading {name} cannot be {value!r}; choose {choices}{hint}",
            "读法 {name} 不能为 {value!r}；可选：{choices}{hint}",
        )
        hint = nearest(value, ())
        raise InvalidReading((), text.format(name=name, value=value, choices=reading.choices(), hint=hint))
    return parsed


def resolve(*layers: Mapping[str, Value]) -> dict[str, Value]:
    """Return all readings: the defaults, overridden by each layer in turn."""
    return {name: value for layer in (DEFAULTS, *layers) for name, value in layer.items()}
