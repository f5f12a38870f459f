"""Output shared by the commands: messages in two languages, tables and charts on a terminal, JSON in a pipe."""

from __future__ import annotations

import itertools
import json
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from mockserver.cli.streams import as_encoded, write_utf8
from mockserver.contract.envelope import FIELDS
from mockserver.core.clock import show_time
from mockserver.core.errors import ConfigurationError
from mockserver.core.messages import messages

message = messages(Path(__file__).with_name("texts.yaml"))
_BLOCKS = "▁▂▃▄▅▆▇█"
_TIME = "TickTime"
_MIN_WIDTH, _MAX_WIDTH = 24, 96  # Columns of a chart. With 96 columns, each is 15 minutes of a day.
_MIN_TICKS = 8  # Fewer are easier to read in the table.
_GAP = "  "
_MIN_FOLDED = 32  # The last cell of a row is only folded if it has at least this many columns.


def to_json(value: Any, indent: int | None = 2) -> str:
    """Return a value as JSON that standard output can encode."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return json.dumps(value, ensure_ascii=not encoding.lower().startswith("utf"), indent=indent)


def show_json(value: Any) -> None:
    """Print a value as indented JSON."""
    click.echo(to_json(value))


def show_rows(rows: Sequence[Mapping[str, Any]], as_json: bool = False) -> None:
    """Print rows as a table, or as a JSON list."""
    if as_json:
        show_json(rows)
    else:
        _table(rows, "")


def show_answer(answer: Mapping[str, Any], as_json: bool | None) -> None:
    """Print an API answer as tables with local times, or as JSON; None chooses JSON unless stdout is a terminal.

    A fault may have changed the answer, so its values can be of any type.
    """
    if as_json or (as_json is None and not sys.stdout.isatty()):
        show_json(answer)
        return
    envelope = (answer.get("Status"), answer.get("ErrorCode"), answer.get("ErrorInfo", ""))
    click.echo(" ".join(map(printable, envelope)).rstrip())
    for name, value in answer.items():
        if isinstance(value, list):
            _chart(value)
            rows = [{key: _with_time(key, cell) for key, cell in row.items()} for row in _flat(value)]
            _table(rows, f"{printable(name)} ({len(value)})")
        elif name not in FIELDS:
            click.echo(f"{printable(name)}: {_with_time(name, value)}")


def violation_line(row: Mapping[str, Any]) -> str:
    """Return one violation, in the form of `violation_json`, as a line."""
    name = f"{row['name']}/{row['diagnosis']}" if row["diagnosis"] else row["name"]
    section = f", §{row['section']}" if row["section"] else ""
    return printable(f"{str(row['where']).rstrip(':')}: {row['text']} [{name}{section}]")


def not_writable(place: str, path: Path, error: Exception) -> ConfigurationError:
    """Return the error for an option or argument `place` whose file or folder cannot be written."""
    reason = getattr(error, "strerror", None) or str(error)
    return ConfigurationError.at(place, message("not_writable", path=path, reason=reason))


def write_report(rendered: str, output: str | None, *, utf8: bool) -> None:
    """Write a report to the file of `--output`, or else to standard output, as UTF-8 whatever its encoding if `utf8`."""
    if output is None:
        if utf8:
            write_utf8()
        click.echo(rendered, nl=False)
        return
    try:
        Path(output).write_text(rendered, encoding="utf-8")
    except (OSError, ValueError) as error:
        raise not_writable("--output", Path(output), error) from None


def printable(value: Any) -> str:
    """Return a value as one line without control characters, which a terminal would interpret."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)


def local_time(second: int) -> str:
    """Return a Unix time as date and time in UTC+8."""
    return show_time(second)[:19].replace("T", " ")


def columns(text: str) -> int:
    """Return the width of a text on a terminal, where Chinese characters take two columns."""
    return len(text) + sum(unicodedata.east_asian_width(char) in "FW" for char in text if not char.isascii())


def _chart(rows: Sequence[Any]) -> None:
    """Print a chart of the rows of a day on a terminal that has block characters."""
    lines = list(chart_lines(rows, shutil.get_terminal_size().columns)) if sys.stdout.isatty() else []
    if all(as_encoded(line) == line for line in lines):
        for line in lines:
            click.echo(line)


def _flat(rows: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """Yield each row; a row that contains a list (§2.1.6) becomes one row per entry of the list."""
    for row in rows:
        if not isinstance(row, Mapping):
            yield {"value": row}
            continue
        outer = {name: value for name, value in row.items() if not isinstance(value, list)}
        lists = [name for name in row if name not in outer]
        if not lists:
            yield outer
        for name in lists[:1]:
            for entry in row[name]:
                yield {**outer, **(entry if isinstance(entry, Mapping) else {name: entry})}


def _with_time(name: str, value: Any) -> str:
    text = printable(value)
    if name.endswith("Time") and isinstance(value, str) and value.isdecimal() and len(value) == 10:
        return f"{text} ({local_time(int(value))})"
    return text


def _table(rows: Sequence[Mapping[str, Any]], title: str) -> None:
    if not rows:
        click.echo(f"{title or 'nothing'}: none")
        return
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = [names, *([as_encoded(printable(row.get(name, ""))) for name in names] for row in rows)]
    widths = [max(map(columns, column)) for column in zip(*table, strict=True)]
    if title:
        click.echo(title)
    for number, cells in enumerate(table):
        for line in _lines(cells, widths):
            click.echo(click.style(line, bold=True) if number == 0 else line)


def _lines(cells: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    """Yield a row as one line, so that grep finds all of it; on a terminal, fold a last cell that is too long."""
    start = "".join(
        cell + " " * (width - columns(cell)) + _GAP for cell, width in zip(cells[:-1], widths[:-1], strict=True)
    )
    last, indent = cells[-1], columns(start)
    available = shutil.get_terminal_size().columns - indent if sys.stdout.isatty() else 0
    if available < _MIN_FOLDED or columns(last) <= available:
        yield (start + last).rstrip()
        return
    # Text with wide characters gets half of the columns.
    folded = textwrap.wrap(last, available if columns(last) == len(last) else available // 2)
    for number, text in enumerate(folded):
        yield (start if number == 0 else " " * indent) + text


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
    known = {name: [value for value in values if value is not None] for name, values in series.items()}
    ranges = {name: f"{min(values):g}…{max(values):g}" for name, values in known.items()}
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


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15


def _second(row: Mapping[str, Any]) -> int | None:
    text = str(row.get(_TIME, ""))
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 10 else None
