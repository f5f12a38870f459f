"""Charts of block characters for a terminal: one line for each field of the rows of a day (§3.1, §3.3)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mockserver.core.clock import show_time

_BLOCKS = "▁▂▃▄▅▆▇█"
_TIME = "TickTime"
_MIN_WIDTH, _MAX_WIDTH = 24, 96  # Columns of a chart. With 96 columns, each is 15 minutes of a day.
_MIN_TICKS = 8  # Fewer are easier to read in the table.


def chart_lines(rows: Sequence[Any], columns: int) -> Iterator[str]:
    """Yield a line for each numeric field of rows with a TickTime, then the axis; nothing without fields or space.

    A column shows the mean of its rows, or a gap if no row has a number. If each TickTime has several rows, as
    with CountBy 0, the lines are numbered.
    """
    rows = [row for row in rows if isinstance(row, Mapping) and _second(row) is not None]
    ticks = len({row[_TIME] for row in rows})
    several = len(rows) // ticks if rows and len(rows) % ticks == 0 else 1
    found = dict.fromkeys(name for row in rows for name, value in row.items() if name != _TIME and _number(value))
    series = {
        f"{name} {number + 1}" if several > 1 else name: [
            value if _number(value := row.get(name)) else None for row in rows[number::several]
        ]
        for name in found
        for number in range(several)
    }
    names = list(series)
    ranges = {name: _range(values) for name, values in series.items()}
    label = max(map(len, names), default=0)
    width = min(columns - label - 2 - max(map(len, ranges.values()), default=0) - 2, _MAX_WIDTH, ticks)
    if not names or ticks < _MIN_TICKS or width < min(_MIN_WIDTH, ticks):
        return
    for name, values in series.items():
        yield f"{name:{label}}  {sparkline(values, width)}  {ranges[name]}"
    first, last = (show_time(_second(row) or 0)[11:16] for row in (rows[0], rows[-1]))
    yield f"{'':{label}}  {first}{last:>{width - len(first)}}"


def sparkline(values: Sequence[float | None], width: int) -> str:
    """Return values as `width` characters from the lowest block to the highest."""
    bounds = [len(values) * column // width for column in range(width + 1)]
    means = [_mean(values[start:end]) for start, end in itertools.pairwise(bounds)]
    known = [mean for mean in means if mean is not None]
    low, span = min(known, default=0.0), max(known, default=0.0) - min(known, default=0.0)
    top = len(_BLOCKS) - 1
    return "".join(" " if mean is None else _BLOCKS[round((mean - low) / span * top) if span else 0] for mean in means)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _range(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{min(known):g}…{max(known):g}"


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15


def _second(row: Mapping[str, Any]) -> int | None:
    text = str(row.get(_TIME, ""))
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 10 else None
