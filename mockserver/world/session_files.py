"""Reads sessions from a CSV file into columns, reporting invalid cells with line and column, and writes such files.

The first line has the names of the fields, in any order. Times are seconds or ISO 8601; empty cells take the default.
"""

from __future__ import annotations

import csv
import functools
import gc
import itertools
import os
import re
from codecs import BOM_UTF8
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BufferedReader, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any, TextIO, TypeAlias

import numpy as np

from mockserver.core.clock import InvalidTime, parse_time
from mockserver.core.documents import unreadable
from mockserver.core.errors import ConfigurationError, Problem
from mockserver.core.suggestions import unknown
from mockserver.core.text import Text
from mockserver.world.csv_cells import Cells, split
from mockserver.world.csv_places import is_blank, locate, locate_broken_row, locate_wrong_byte
from mockserver.world.sessions import DIMENSIONS, I64, MAX_TIME, MIN_TIME, TEXTS, Flags

IDS = ("RoomId", "UserId")
LABELS = {"country": "中国", "province": "广东省", "city": "深圳市", "network": "WiFi"}  # Defaults.
QUALITY = {"audio_loss": 0.3, "video_loss": 0.4, "audio_delay": 45.0, "video_delay": 60.0}
"""Defaults: losses in percent, delays in milliseconds."""
TIMES = ("enter", "leave", "CreateTime", "DestroyTime")
DURATIONS = ("audio", "video")
FIELDS = (*IDS, "enter", "leave", *DURATIONS, *DIMENSIONS[::-1], *QUALITY, "CreateTime", "DestroyTime")
EXPORTED = FIELDS[:-2]  # The fields of a session; the others are times of its room as a real backend returned them.
REQUIRED = (*IDS, "enter")
MAX_FOUND = 20  # Mistakes of one file that are reported.
_CHUNK, _ROWS = 1 << 19, 1 << 13
"""Bytes and rows that are converted at once, few enough for the processor's cache."""
_SEPARATOR, _UNSAFE = "\x1f", re.compile("[\\0\\x1f]")  # Between cells that the CSV parser has read.
_RANGES = {
    "audio_loss": (0.0, 100.0),
    "video_loss": (0.0, 100.0),
    "audio_delay": (0.001, 6e4),
    "video_delay": (0.001, 6e4),
}
_DEFAULTS = {"leave": MAX_TIME, **{name: round(1_000 * value) for name, value in QUALITY.items()}}  # Others are 0.
_LENGTHS = {**dict.fromkeys(IDS, 256), **dict.fromkeys(LABELS, 64)}
CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ud800-\\udfff]")
Found: TypeAlias = tuple[int, str, Text]  # Row, field, what is wrong.
Wrong = Callable[[int, Text], None]  # (index in the column, what is wrong)


class _Codes(dict[str, int]):
    """Numbers texts in the order in which they are first looked up."""

    def __missing__(self, text: str) -> int:
        self[text] = code = len(self)
        return code


@dataclass(frozen=True)
class Table:
    """Columns of equal length, one row for each session by enter time; ids and labels are codes."""

    columns: Mapping[str, Any]
    codes: Mapping[str, Mapping[str, int]]  # The codes 0, 1, … of the texts of a column, in order.
    rows: I64  # The rows of the file.
    path: Path = Path()
    delimiter: str = ","
    found: Sequence[Found] = ()  # The invalid cells; a row of the wrong length has no field.

    @functools.cached_property
    def texts(self) -> dict[str, list[str]]:
        """The texts of each column by code."""
        return {name: list(codes) for name, codes in self.codes.items()}

    def valid(self, *fields: str) -> Flags:
        """Which rows have valid cells in all these fields."""
        wrong = [row for row, field, _ in self.found if field in ("", *fields)]
        return ~np.isin(self.rows, wrong)

    def check(self, found: Iterable[Found] = ()) -> None:
        """Raise ConfigurationError if there are invalid cells or anything else is wrong with the rows."""
        more = [(int(self.rows[row]), field, text) for row, field, text in found]
        _fail(self.path, self.delimiter, [*self.found, *more])


def make_table(columns: dict[str, Any], codes: Mapping[str, Mapping[str, int]], *source: Any) -> Table:
    """Return the sessions in these columns, which it empties to save memory; `source` are the last fields of Table."""
    rows = np.argsort(columns["enter"], kind="stable")
    is_sorted = (rows[1:] > rows[:-1]).all()
    ordered = {name: columns.pop(name) if is_sorted else columns.pop(name)[rows] for name in list(columns)}
    return Table(ordered, codes, rows, *source)


def read_sessions(path: Path) -> Table:
    """Return the sessions in a file and its invalid cells. Raises ConfigurationError if it cannot be read as a table."""
    collecting = gc.isenabled()
    # The garbage collector would scan millions of short-lived lists again and again.
    gc.disable()
    try:
        with path.open("rb") as file:
            return _Reader(path, file).read()
    except UnicodeDecodeError:
        raise ConfigurationError.at(str(path), TEXTS["csv_encoding"], *locate_wrong_byte(path)) from None
    except OSError as error:
        raise ConfigurationError([unreadable(path, error)]) from None
    finally:
        if collecting:
            gc.enable()


class _Reader:
    def __init__(self, path: Path, file: BufferedReader) -> None:
        self._path, self._file = path, file
        self._found: list[Found] = []
        self._wrong_length: set[int] = set()  # Rows whose cells are not reported.

    def read(self) -> Table:
        line = self._file.readline()
        start = len(BOM_UTF8) if line.startswith(BOM_UTF8) else 0
        header = b"".join(line[start:].splitlines(keepends=True)[:1])
        self._file.seek(start + len(header))
        self._delimiter = _delimiter(header.decode())
        cells = next(csv.reader([header.decode()], delimiter=self._delimiter), [])
        self._names = [cell.strip() for cell in cells]
        columns, codes = self._read_columns()
        for name, texts in codes.items():
            self._check_lengths(name, texts, columns[name])
        if wrong := list(self._mistakes_in_header(cells)):
            _fail(self._path, self._delimiter, self._found, wrong)
        for name in set(FIELDS) - set(self._names):
            codes |= {name: {LABELS[name]: 0}} if name in LABELS else {}
            columns[name] = np.broadcast_to(np.int64(_DEFAULTS.get(name, 0)), len(columns["enter"]))
        return make_table(columns, codes, self._path, self._delimiter, self._found)

    def _mistakes_in_header(self, cells: Sequence[str]) -> Iterator[Problem]:
        for index, name in enumerate(names := self._names):
            column = len(self._delimiter.join(cells[:index])) + (2 if index else 1)
            if name not in FIELDS:
                yield Problem(str(self._path), unknown("field", name, FIELDS), 1, column)
            elif name in names[:index]:
                yield Problem(str(self._path), TEXTS["csv_twice"].format(field=name), 1, column)
        if missing := ", ".join(name for name in REQUIRED if name not in names):
            yield Problem(str(self._path), TEXTS["csv_missing"].format(fields=missing), 1, 1)

    def _read_columns(self) -> tuple[dict[str, Any], dict[str, Mapping[str, int]]]:
        codes = {name: _Codes() for name in self._names if name in _LENGTHS}
        # Enough for all rows. What remains unused takes no memory.
        capacity = self._count_lines()
        values = {name: np.empty(capacity, np.int32 if name in LABELS else np.int64) for name in self._names}
        row = 0
        for columns in self._columns():
            end = row + len(columns[0])
            for name, cells in zip(self._names, columns, strict=True):

                def wrong(index: int, text: Text, name: str = name, row: int = row) -> None:
                    self._add(row + index, name, text)

                if name in codes:
                    values[name][row:end] = _codes(cells, LABELS.get(name, ""), codes[name])
                elif name in FIELDS:
                    values[name][row:end] = _numbers(name, cells, wrong)
            row = end
        return {name: column[:row] for name, column in values.items()}, {**codes}

    def _count_lines(self) -> int:
        """Return at least the number of lines that follow."""
        start, count = self._file.tell(), 1
        while data := self._file.read(_CHUNK):
            count += data.count(b"\n") + data.count(b"\r")
        self._file.seek(start)
        return count

    def _columns(self) -> Iterator[list[Cells]]:
        """Yield the columns of some rows at a time. Only what `split` refuses needs a CSV parser."""
        row = 0
        while data := self._file.read(_CHUNK) + self._file.readline():
            is_quoted = b'"' in data
            if is_quoted and any(line.count(b'"') % 2 for line in data.splitlines()):
                # A quoted cell has line breaks, so that only the parser knows where the next row begins.
                self._file.seek(-len(data), os.SEEK_CUR)
                text = TextIOWrapper(self._file, "utf-8", newline="")
                yield from self._parsed(text, row)
                text.detach()
                return
            lines = data.removesuffix(b"\n").removesuffix(b"\r").replace(b"\r\n", b"\n") + b"\n"
            is_plain = not is_quoted and b"\r" not in lines and b"\0" not in lines
            columns = split(lines, self._delimiter, "\n", len(self._names)) if is_plain else None
            if columns and np.all([cells.empty for cells in columns], axis=0).any():
                columns = None  # Blank rows are skipped.
            for part in self._parsed(StringIO(data.decode(), newline=""), row) if columns is None else (columns,):
                yield part
                row += len(part[0])

    def _parsed(self, lines: Iterable[str], start: int) -> Iterator[list[Cells]]:
        rows, width = csv.reader(lines, delimiter=self._delimiter, strict=True), len(self._names)
        try:
            while chunk := list(itertools.islice(rows, _ROWS)):
                cells = list(itertools.chain.from_iterable(self._complete(chunk, start)))
                joined = _SEPARATOR.join(cells)
                if joined.count(_SEPARATOR) >= len(cells) or "\0" in joined:
                    # Any other control character is as invalid.
                    joined = _SEPARATOR.join(_UNSAFE.sub("\x01", cell) for cell in cells)
                if columns := split((joined + _SEPARATOR).encode(), _SEPARATOR, _SEPARATOR, width):
                    yield columns
                start += len(cells) // width
        except csv.Error as error:
            text = TEXTS["csv_broken"].format(reason=error)
            line, column = locate_broken_row(self._path, self._delimiter)
            raise ConfigurationError([Problem(str(self._path), text, line, column)]) from None

    def _complete(self, chunk: list[list[str]], start: int) -> Iterator[list[str]]:
        """Skip blank lines. Report rows of another length, and pad or cut them."""
        width = len(self._names)
        for row in chunk:
            if is_blank(row, width):
                continue
            if len(row) != width:
                self._add(start, "", TEXTS["csv_width"].format(count=len(row), expected=width))
                self._wrong_length.add(start)
                row = (row + [""] * width)[:width]
            yield row
            start += 1

    def _check_lengths(self, name: str, texts: Collection[str], column: I64) -> None:
        limit = _LENGTHS[name]
        if all(texts) and len(max(texts, key=len, default="")) <= limit and not CONTROL.search("".join(texts)):
            return
        for code, text in enumerate(texts):
            if not 0 < len(text) <= limit or CONTROL.search(text):
                for row in np.flatnonzero(column == code).tolist():
                    self._add(row, name, TEXTS["csv_text"].format(limit=limit) if text else TEXTS["csv_empty"])

    def _add(self, row: int, field: str, text: Text) -> None:
        if row not in self._wrong_length:
            self._found.append((row, field, text))


def _fail(path: Path, delimiter: str, found: list[Found], header: Sequence[Problem] = ()) -> None:
    """Raise ConfigurationError with the first mistakes, if there are any."""
    if not found and not header:
        return
    found.sort(key=lambda each: each[0])
    shown = found[:MAX_FOUND]
    places = locate(path, delimiter, {(row, field) for row, field, _ in shown}) if shown else {}
    problems = [Problem(str(path), text, *places.get((row, field), (1, 1))) for row, field, text in shown]
    problems.sort(key=lambda problem: (problem.line or 0, problem.column or 0))
    if len(found) > MAX_FOUND:
        problems.append(Problem(str(path), TEXTS["csv_more"].format(count=len(found) - MAX_FOUND)))
    raise ConfigurationError([*header, *problems])


def _delimiter(header: str) -> str:
    """Return the delimiter: spreadsheets of some countries write semicolons or tabs."""
    return max(",;\t", key=header.count)


def _codes(cells: Cells, default: str, codes: _Codes) -> I64:
    texts = cells.texts()
    if default and "" in texts:
        texts = [text or default for text in texts]
    return np.fromiter(map(codes.__getitem__, texts), np.int64, len(texts))


def _numbers(name: str, cells: Cells, wrong: Wrong) -> I64:
    if name in QUALITY:
        return _decimals(name, cells, wrong)
    if name in TIMES:
        return _times(cells, None if name in REQUIRED else _DEFAULTS.get(name, 0), wrong)
    return _integers(cells, wrong)


def _integers(cells: Cells, wrong: Wrong) -> I64:
    values, valid = cells.integers()
    for index in np.flatnonzero(~(valid | cells.empty)).tolist():
        wrong(index, TEXTS["csv_integer"].format(value=cells[index][:40]))
    return np.where(valid, values, 0)


def _decimals(name: str, cells: Cells, wrong: Wrong) -> I64:
    low, high = _RANGES[name]
    values, valid = cells.decimals()
    values[cells.empty] = QUALITY[name]
    for index in np.flatnonzero(~(valid | cells.empty)).tolist():
        values[index] = _float(cells[index])
    for index in np.flatnonzero(~((values >= low) & (values <= high))).tolist():
        wrong(index, TEXTS["csv_decimal"].format(value=cells[index][:40], low=low, high=f"{high:g}"))
        values[index] = low
    return np.rint(values * 1_000).astype(np.int64)


def _float(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return float("nan")


def _times(cells: Cells, default: int | None, wrong: Wrong) -> I64:
    """Return times; without a default, an empty cell is as wrong as any other that is not a time."""
    values, valid = cells.integers()
    if not valid.all():
        times, is_time = cells.iso_times()
        values = np.where(valid, values, times)
        valid |= is_time
        if default is not None:
            values[cells.empty] = default
            valid |= cells.empty
        for index in np.flatnonzero(~valid).tolist():
            values[index] = _time(cells[index], default, index, wrong)
    for index in np.flatnonzero((values < MIN_TIME) | (values > MAX_TIME)).tolist():
        if values[index] != default:
            wrong(index, TEXTS["too_early" if values[index] < MIN_TIME else "too_late"].format(value=cells[index][:40]))
    return values


def _time(cell: str, default: int | None, index: int, wrong: Wrong) -> int:
    if default is not None and not cell.strip():
        return default
    try:
        return min(parse_time(cell, None), 10**18)
    except InvalidTime as error:
        wrong(index, error.text)
        return MIN_TIME


def write_rows(file: TextIO, fields: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write sessions as CSV."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(fields)
    writer.writerows(rows)


def write_sessions(path: Path, fields: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Replace a file of sessions atomically. Raises OSError if it cannot be written."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            write_rows(file, fields, rows)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
