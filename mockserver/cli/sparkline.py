"""Numbers over time as lines of block characters, above the tables of §3.1 and §3.3."""

from __future__ import annotations

import itertools
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_BLOCKS = "▁▂▃▄▅▆▇█"
_MAX_WIDTH = 96
_LEAST = 8  # Ticks below which a table says as much.


def sparklines(rows: Sequence[Any]) -> Iterator[str]:
    """Yield a line for each number of the ticks in `rows`; nothing for other lists, or if the output cannot show it."""
    if not _can_show() or not all(isinstance(row, Mapping) and "TickTime" in row for row in rows):
        return
    # CountBy 0 gives four rows for each tick.
    ticks = len({row["TickTime"] for row in rows})
    several = len(rows) // ticks if ticks and len(rows) % ticks == 0 else 1
    if ticks < _LEAST:
        return
    series = {
        f"{name} {number + 1}" if several > 1 else name: [row.get(name) for row in rows[number::several]]
        for name in rows[0]
        if name != "TickTime"
        for number in range(several)
    }
    numbers = {name: values for name, values in series.items() if all(map(_is_number, values))}
    label = max(map(len, numbers), default=0)
    width = max(16, min(_MAX_WIDTH, shutil.get_terminal_size().columns - label - 16))
    for name, values in numbers.items():
        yield f"{name:<{label}}  {sparkline(values, width)}  {min(values):g}…{max(values):g}"


def sparkline(values: Sequence[float], width: int) -> str:
    """Return at most `width` blocks; each stands for the mean of its share of the values."""
    width = min(width, len(values))
    edges = [len(values) * index // width for index in range(width + 1)]
    means = [sum(values[start:end]) / (end - start) for start, end in itertools.pairwise(edges)]
    low, high = min(0, *means) if len(means) > 1 else 0, max(means)
    span = (high - low) or 1
    return "".join(_BLOCKS[min(len(_BLOCKS) - 1, int((mean - low) / span * len(_BLOCKS)))] for mean in means)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _can_show() -> bool:
    try:
        _BLOCKS.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
