"""Reads sessions from a CSV file into columns, reporting invalid cells with line and column, and writes such files.

The first line has the names of the fields, in any order. Times are seconds or ISO 8601; empty cells take the default.
"""

from __future__ import annotations

import csv
import gc
import io
import itertools
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO, TypeAlias

import numpy as np
import orjson

from mockserver.core.clock import InvalidTime, parse_time
from mockserver.core.documents import unreadable
from mockserver.core.errors import ConfigurationError, Problem
from mockserver.core.suggestions import unknown
from mockserver.core.text import Text
from mockserver.world.csv_places import is_blank, locate
from mockserver.world.sessions import DIMENSIONS, I64, MAX_TIME, MIN_TIME, TEXTS

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
"""Characters and rows that are converted at once, few enough for the processor's cache."""
_RANGES = {
    "audio_loss": (0.0, 100.0),
    "video_loss": (0.0, 100.0),
    "audio_delay": (0.001, 6e4),
    "video_delay": (0.001, 6e4),
}
_LENGTHS = {**dict.fromkeys(IDS, 256), **dict.fromkeys(LABELS, 64)}
_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ud800-\\udfff]")
Cells: TypeAlias = Sequence[str]
Found: TypeAlias = tuple[int, str, Text]  # Row, field, what is wrong.
Wrong = Callable[[int, Text], None]  # (index in the column, what is wrong)


class _Codes(dict[str, int]):
    """Numbers texts in the order in which they are first looked up."""

    def __missing__(self, text: str) -> int:
        self[text] = code = len(self)
        return code


@dataclass(frozen=True)
class Table:
    """Columns of equal length, one row for each session; ids and labels are codes into `texts`."""

    columns: dict[str, Any]
    texts: dict[str, list[str]]
    path: Path = Path()
    delimiter: str = ","

    def check(self, found: Iterable[Found]) -> None:
        """Raise ConfigurationError if anything is wrong with the rows."""
        _fail(self.path, self.delimiter, list(found))


def read_sessions(path: Path) -> Table:
    """Return the sessions in a file. Raises ConfigurationError with every invalid cell, up to a limit."""
    collecting = gc.isenabled()
    # The garbage collector would scan millions of short-lived lists again and again.
    gc.disable()
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _Reader(path, file).read()
    except UnicodeDecodeError:
        raise ConfigurationError.at(str(path), TEXTS["csv_encoding"]) from None
    except OSError as error:
        raise ConfigurationError([unreadable(path, error)]) from None
    finally:
        if collecting:
            gc.enable()


class _Reader:
    def __init__(self, path: Path, file: io.TextIOWrapper) -> None:
        self._path, self._file = path, file
        self._found: list[Found] = []

    def read(self) -> Table:
        header = self._file.readline()
        self._delimiter = _delimiter(header)
        self._names = self._header(next(csv.reader([header], delimiter=self._delimiter), []))
        chunks, codes = self._chunks(self._file)
        columns = {name: np.concatenate(parts) for name, parts in chunks.items()}
        for name, texts in codes.items():
            self._check_lengths(name, texts, columns[name])
        _fail(self._path, self._delimiter, self._found)
        return Table(columns, {name: list(texts) for name, texts in codes.items()}, self._path, self._delimiter)

    def _header(self, cells: Cells) -> list[str]:
        names = [cell.strip() for cell in cells]
        problems = []
        for index, name in enumerate(names):
            column = len(self._delimiter.join(cells[:index])) + (2 if index else 1)
            if name not in FIELDS:
                problems.append(Problem(str(self._path), unknown("field", name, FIELDS), 1, column))
            elif name in names[:index]:
                problems.append(Problem(str(self._path), TEXTS["csv_twice"].format(field=name), 1, column))
        if missing := ", ".join(name for name in REQUIRED if name not in names):
            problems.append(Problem(str(self._path), TEXTS["csv_missing"].format(fields=missing), 1, 1))
        if problems:
            raise ConfigurationError(problems)
        return names

    def _chunks(self, file: io.TextIOWrapper) -> tuple[dict[str, list[Any]], dict[str, _Codes]]:
        codes = {name: _Codes() for name in (*IDS, *LABELS)}
        parts: dict[str, list[Any]] = {name: [np.empty(0, np.int64)] for name in FIELDS}
        start = 0
        for columns in self._columns(file):
            count = len(columns[0])
            cells = dict(zip(self._names, columns, strict=True))
            for name in FIELDS:

                def wrong(index: int, text: Text, name: str = name, start: int = start) -> None:
                    self._add(start + index, name, text)

                parts[name].append(_column(name, cells.get(name), count, codes, wrong))
            start += count
        return parts, codes

    def _columns(self, file: io.TextIOWrapper) -> Iterator[Sequence[Cells]]:
        """Yield the cells of some rows at a time, by column. Without quotes, splitting is twice as fast as `csv`."""
        width, row = len(self._names), 0
        blank = self._delimiter * (width - 1) + "\n"
        while lines := file.readlines(_CHUNK):
            text = "".join(lines)
            if '"' in text:
                break
            text = text.replace("\r\n", "\n").removesuffix("\n")
            delimiters = {line.count(self._delimiter) for line in lines}
            if delimiters == {width - 1} and width > 1 and "\r" not in text and blank not in lines:
                cells = text.replace("\n", self._delimiter).split(self._delimiter)
                yield [cells[index::width] for index in range(width)]
                row += len(lines)
            else:
                for columns in self._parsed(lines, row):
                    yield columns
                    row += len(columns[0])
        yield from self._parsed(itertools.chain(lines, file), row)

    def _parsed(self, lines: Iterable[str], start: int) -> Iterator[Sequence[Cells]]:
        rows = csv.reader(lines, delimiter=self._delimiter, strict=True)
        try:
            while chunk := list(itertools.islice(rows, _ROWS)):
                complete = list(self._complete(chunk, start))
                if complete:
                    yield list(zip(*complete, strict=True))
                start += len(complete)
        except csv.Error as error:
            text = TEXTS["csv_broken"].format(reason=error)
            raise ConfigurationError.at(str(self._path), text) from None

    def _complete(self, chunk: list[list[str]], start: int) -> Iterator[list[str]]:
        """Skip blank lines. Report rows of another length, and pad or cut them."""
        width = len(self._names)
        for row in chunk:
            if is_blank(row, width):
                continue
            if len(row) != width:
                self._add(start, self._names[0], TEXTS["csv_width"].format(count=len(row), expected=width))
                row = (row + [""] * width)[:width]
            yield row
            start += 1

    def _check_lengths(self, name: str, texts: Collection[str], column: I64) -> None:
        limit = _LENGTHS[name]
        if all(texts) and len(max(texts, key=len, default="")) <= limit and not _CONTROL.search("".join(texts)):
            return
        for code, text in enumerate(texts):
            if not 0 < len(text) <= limit or _CONTROL.search(text):
                row = int(np.argmax(column == code))
                self._add(row, name, TEXTS["csv_text"].format(limit=limit) if text else TEXTS["csv_empty"])

    def _add(self, row: int, field: str, text: Text) -> None:
        self._found.append((row, field, text))


def _fail(path: Path, delimiter: str, found: list[Found]) -> None:
    """Raise ConfigurationError with the first mistakes, if there are any."""
    if not found:
        return
    found.sort(key=lambda each: each[0])
    shown = found[:MAX_FOUND]
    places = locate(path, delimiter, {(row, field) for row, field, _ in shown})
    problems = [Problem(str(path), text, *places.get((row, field), (1, 1))) for row, field, text in shown]
    problems.sort(key=lambda problem: (problem.line or 0, problem.column or 0))
    if len(found) > MAX_FOUND:
        problems.append(Problem(str(path), TEXTS["csv_more"].format(count=len(found) - MAX_FOUND)))
    raise ConfigurationError(problems)


def _delimiter(header: str) -> str:
    """Return the delimiter: spreadsheets of some countries write semicolons or tabs."""
    return max(",;\t", key=header.count)


def _column(name: str, cells: Cells | None, count: int, codes: dict[str, _Codes], wrong: Wrong) -> Any:
    """Return one column of a chunk; without cells, the default."""
    if name in codes:
        label = LABELS.get(name, "")
        if cells is None:
            return np.full(count, codes[name][label], np.int64)
        if label and "" in cells:
            cells = [cell or label for cell in cells]
        return np.fromiter(map(codes[name].__getitem__, cells), np.int64, count)
    if name in QUALITY:
        if cells is None:
            return np.full(count, round(1_000 * QUALITY[name]), np.int64)
        return _decimals(name, cells, wrong)
    if name in TIMES:
        default = MAX_TIME if name == "leave" else 0
        return np.full(count, default, np.int64) if cells is None else _times(name, cells, default, wrong)
    return np.zeros(count, np.int64) if cells is None else _integers(cells, wrong)


def _integers(cells: Cells, wrong: Wrong) -> I64:
    if "" in cells:
        cells = [cell or "0" for cell in cells]
    joined = "".join(cells)
    if not (joined.isascii() and joined.isdigit() and len(max(cells, key=len)) < 19):
        valid = [cell.isascii() and cell.isdigit() and len(cell) < 19 for cell in cells]
        for index in (index for index, is_valid in enumerate(valid) if not is_valid):
            wrong(index, TEXTS["csv_integer"].format(value=cells[index][:40]))
        cells = [cell if is_valid else "0" for cell, is_valid in zip(cells, valid, strict=True)]
    return np.array(_numbers(cells) or list(map(int, cells)), np.int64)


def _numbers(cells: Cells) -> list[Any] | None:
    """Return cells of digits and points as numbers; None if one is not a JSON number (007). Faster than `map`."""
    try:
        return orjson.loads(f"[{','.join(cells)}]")  # type: ignore[no-any-return]
    except orjson.JSONDecodeError:
        return None


def _decimals(name: str, cells: Cells, wrong: Wrong) -> I64:
    low, high = _RANGES[name]
    if "" in cells:
        cells = [cell or str(QUALITY[name]) for cell in cells]
    joined = "".join(cells)
    plain = joined.isascii() and joined.replace(".", "").isdigit()
    try:
        values = np.array((plain and _numbers(cells)) or list(map(float, cells)), np.float64)
    except ValueError:
        values = np.array([_float(cell) for cell in cells])
    for index in np.flatnonzero(~((values >= low) & (values <= high))).tolist():
        wrong(index, TEXTS["csv_decimal"].format(value=cells[index][:40], low=low, high=f"{high:g}"))
        values[index] = low
    return np.rint(values * 1_000).astype(np.int64)


def _float(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return float("nan")


def _times(name: str, cells: Cells, default: int, wrong: Wrong) -> I64:
    joined = "".join(cells)
    if joined.isascii() and joined.isdigit() and len(max(cells, key=len)) < 19:
        seconds = ("" not in cells and _numbers(cells)) or [int(cell) if cell else default for cell in cells]
    else:
        parsed = _iso_times(cells)
        seconds = [_time(cell, default, index, wrong) for index, cell in enumerate(cells)] if parsed is None else parsed
    values = np.array(seconds, np.int64)
    for index in np.flatnonzero(((values < MIN_TIME) & (values != default)) | (values > MAX_TIME)).tolist():
        wrong(index, TEXTS["too_early" if values[index] < MIN_TIME else "too_late"].format(value=cells[index][:40]))
    return values


def _iso_times(cells: Cells) -> list[int] | None:
    """Return the seconds of cells that are all ISO 8601 with an offset; None for any other."""
    try:
        times = [datetime.fromisoformat(cell) for cell in cells]
    except ValueError:
        return None
    return None if any(each.tzinfo is None for each in times) else [int(each.timestamp() // 1) for each in times]


def _time(cell: str, default: int, index: int, wrong: Wrong) -> int:
    if not cell.strip():
        return default
    try:
        if cell.strip().startswith(("now", "today")):
            wrong(index, TEXTS["csv_relative"].format(value=cell[:40]))
            return MIN_TIME
        return min(parse_time(cell, 0), 10**18)
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
