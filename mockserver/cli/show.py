"""Prints for people on a terminal and for programs in a pipe: tables there, JSON here."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import click

from mockserver.contract.envelope import FIELDS

_EAST_8 = timezone(timedelta(hours=8))


def show_rows(rows: Sequence[Mapping[str, Any]], as_json: bool, title: str = "") -> None:
    """Rows as a table, or as a JSON list."""
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        _table(rows, title)


def show_answer(answer: Mapping[str, Any], as_json: bool | None) -> None:
    """An API answer: tables with local times on a terminal, JSON in a pipe or when asked for."""
    if as_json or (as_json is None and not sys.stdout.isatty()):
        click.echo(json.dumps(answer, ensure_ascii=False, indent=2))
        return
    click.echo(f"{answer.get('Status')} {answer.get('ErrorCode')} {answer.get('ErrorInfo', '')}".rstrip())
    for name, value in answer.items():
        if isinstance(value, list):
            _table([_readable(row) for row in _flat(value)], f"{name} ({len(value)})")
        elif name not in FIELDS:
            click.echo(f"{name}: {_with_time(name, value)}")


def _flat(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows with a list inside (§2.1.6) as one row for each of its entries."""
    flat: list[dict[str, Any]] = []
    for row in rows:
        outer = {name: value for name, value in row.items() if not isinstance(value, list)}
        inner: list[Mapping[str, Any]] = next(
            (value for value in row.values() if isinstance(value, list)), [{}]
        )
        flat += [{**outer, **entry} for entry in inner]
    return flat


def _readable(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _with_time(name, value) for name, value in row.items()}


def _with_time(name: str, value: Any) -> str:
    if name.endswith("Time") and isinstance(value, str) and value.isdigit() and value != "0":
        return f"{value} ({datetime.fromtimestamp(int(value), _EAST_8):%Y-%m-%d %H:%M:%S})"
    return str(value)


def _table(rows: Sequence[Mapping[str, Any]], title: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text as Plain

    # A pipe has no width of its own: give it enough that no cell is folded.
    console = Console(width=None if sys.stdout.isatty() else 240, highlight=False)
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    columns = list(dict.fromkeys(name for row in rows for name in row))
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Plain(str(row.get(name, ""))) for name in columns))
    if rows:
        console.print(table)
    else:
        console.print(f"{title or 'nothing'}: none", markup=False)
