"""Finds the positions of cells in a CSV file, for messages."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path


def locate(path: Path, delimiter: str, wanted: set[tuple[int, str]]) -> dict[tuple[int, str], tuple[int, int]]:
    """Return line and column of cells. Reads the file again, because only invalid cells need their position."""
    lines: list[str] = []

    fields: dict[int, list[str]] = {}
    for row, field in wanted:
        fields.setdefault(row, []).append(field)
    places: dict[tuple[int, str], tuple[int, int]] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(_remembered(file, lines), delimiter=delimiter, strict=True)
        names = [cell.strip() for cell in next(reader)]
        row = -1
        lines.clear()
        for cells in reader:
            row += not is_blank(cells, len(names))
            for field in fields.pop(row, ()):
                index = names.index(field) if field in names else 0
                line, column = _position("".join(lines), index, delimiter)
                places[row, field] = reader.line_num - len(lines) + 1 + line, column
            lines.clear()
            if not fields:
                break
    return places


def locate_broken_row(path: Path, delimiter: str) -> tuple[int, int]:
    """Return line and column of the first quote in the row that the CSV parser refuses."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines: list[str] = []
        reader, line = csv.reader(_remembered(file, lines), delimiter=delimiter, strict=True), 1
        try:
            for _ in reader:
                line = reader.line_num + 1
                lines.clear()
        except csv.Error:
            return line, lines[0].find('"') + 1 or 1
    return line, 1


def locate_wrong_byte(path: Path) -> tuple[int, int]:
    """Return line and column of the first byte that is not UTF-8."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                return number, len(line[: error.start].decode("utf-8-sig" if number == 1 else "utf-8")) + 1
    return 1, 1


def _remembered(file: Iterable[str], lines: list[str]) -> Iterator[str]:
    """Yield the lines of a file, and append each to a list."""
    for line in file:
        lines.append(line)
        yield line


def _position(record: str, index: int, delimiter: str) -> tuple[int, int]:
    """Return the 0-based line and the 1-based column at which a cell begins in the text of its record."""
    quoted, at = False, 0
    for position, char in enumerate(record):
        if index == 0:
            break
        if char == '"':
            quoted = not quoted
        elif char == delimiter and not quoted:
            index, at = index - 1, position + 1
    return record.count("\n", 0, at), at - record.rfind("\n", 0, at)


def is_blank(cells: Sequence[str], width: int) -> bool:
    """Return whether all cells of a row are empty."""
    return not cells or (width > 1 and not any(cells))
