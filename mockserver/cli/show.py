"""Prints for people on a terminal and for programs in a pipe: tables there, JSON here."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import click

from mockserver.contract.envelope import FIELDS

_EAST_8 = timezone(timedelta(hours=8))
_GAP = "  "
_LEAST = 32
"""Columns that the last cell of a row needs on a terminal to be worth folding."""


def show_rows(rows: Sequence[Mapping[str, Any]], as_json: bool, title: str = "") -> None:
    """Rows as a table, or as a JSON list."""
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        _table(rows, title)


def show_answer(answer: Mapping[str, Any], as_json: bool | None) -> None:
    """An API answer, in whatever shape a fault left it: tables with local times on a terminal, JSON in a pipe or when asked for."""
    if as_json or (as_json is None and not _on_a_terminal()):
        click.echo(json.dumps(answer, ensure_ascii=False, indent=2))
        return
    head = (answer.get("Status"), answer.get("ErrorCode"), answer.get("ErrorInfo", ""))
    click.echo(" ".join(plain(one) for one in head).rstrip())
    for name, value in answer.items():
        if isinstance(value, list):
            _table([_readable(row) for row in _flat(value)], f"{plain(name)} ({len(value)})")
        elif name not in FIELDS:
            click.echo(f"{plain(name)}: {_with_time(name, value)}")


def violation_line(told: Mapping[str, Any]) -> str:
    """One departure from the document, as `violation_json` has it, in a line."""
    kind = f"{told['name']}/{told['diagnosis']}" if told["diagnosis"] else told["name"]
    section = f", §{told['section']}" if told["section"] else ""
    return plain(f"{str(told['where']).rstrip(':')}: {told['text']} [{kind}{section}]")


def plain(value: Any) -> str:
    """A value as one line on which no terminal acts."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)


def _on_a_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def _flat(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Rows with a list inside (§2.1.6) as one row for each of its entries."""
    flat: list[dict[str, Any]] = []
    for row in rows:
        if not isinstance(row, Mapping):
            flat.append({"value": row})
            continue
        outer = {name: value for name, value in row.items() if not isinstance(value, list)}
        lists = {name: value for name, value in row.items() if isinstance(value, list)}
        inner: list[Any] = next(iter(lists.values()), [{}])
        name = next(iter(lists), "value")
        flat += [{**outer, **(entry if isinstance(entry, Mapping) else {name: entry})} for entry in inner]
    return flat


def _readable(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _with_time(name, value) for name, value in row.items()}


def _with_time(name: str, value: Any) -> str:
    shown = plain(value)
    if name.endswith("Time") and isinstance(value, str) and value.isdecimal() and len(value) == 10:
        return f"{shown} ({datetime.fromtimestamp(int(value), _EAST_8):%Y-%m-%d %H:%M:%S})"
    return shown


def _table(rows: Sequence[Mapping[str, Any]], title: str) -> None:
    if not rows:
        click.echo(f"{title or 'nothing'}: none")
        return
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = [[plain(row.get(name, "")) for name in names] for row in rows]
    widths = [max(_width(line[column]) for line in (names, *table)) for column in range(len(names))]
    if title:
        click.echo(title)
    for number, line in enumerate((names, *table)):
        for text in _lines(line, widths):
            click.echo(click.style(text, bold=True) if number == 0 else text)


def _lines(cells: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    """A row as one line, so that it can be found with grep; on a terminal a last cell that is too long is folded."""
    start = "".join(
        cell + " " * (width - _width(cell)) + _GAP
        for cell, width in zip(cells[:-1], widths[:-1], strict=True)
    )
    room = shutil.get_terminal_size().columns - _width(start) if _on_a_terminal() else 0
    if room < _LEAST or _width(cells[-1]) <= room:
        yield (start + cells[-1]).rstrip()
        return
    for number, text in enumerate(_folded(cells[-1], room)):
        yield (start if number == 0 else " " * _width(start)) + text


def _folded(text: str, room: int) -> list[str]:
    # Characters that are two columns wide get half of the room.
    return textwrap.wrap(text, room if _width(text) == len(text) else room // 2)


def _width(text: str) -> int:
    """Columns that a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
