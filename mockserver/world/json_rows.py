"""Encodes rows of equal shape as JSON, by column. Knows nothing of what they mean.

A column of JSON is a matrix of bytes, one row each, in which zero bytes fill up the shorter values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import orjson
from numpy.lib.stride_tricks import sliding_window_view

from mockserver.world.sessions import I64

Bytes: TypeAlias = npt.NDArray[np.uint8]


def encode_numbers(values: I64) -> Bytes:
    """Return whole numbers from 0 on as a column."""
    least, width = len(str(values.min())), len(str(values.max()))
    column: Bytes = np.empty((width, len(values)), np.uint8)
    rest = values
    for place in reversed(range(width)):
        if rest.min() == rest.max():
            # The first digits of times are the same.
            column[: place + 1] = np.frombuffer(b"%0*d" % (place + 1, rest[0]), np.uint8)[:, None]
            break
        tenth = rest // 10
        column[place] = rest - tenth * 10 + ord("0")
        rest = tenth
    for place in range(width - least):
        column[place, values < 10 ** (width - 1 - place)] = 0
    cells: Bytes = column.T
    return cells


def encode_texts(texts: Sequence[str]) -> Bytes:
    """Return texts as a column, without quotes around them. Raises TypeError if one is not Unicode."""
    data = orjson.dumps(texts)
    if b"\\" in data:
        cells = np.array([orjson.dumps(text)[1:-1] for text in texts], np.bytes_)
        return cells.view(np.uint8).reshape(len(texts), -1)
    # No quote is part of a text.
    quotes = np.flatnonzero(np.frombuffer(data, np.uint8) == ord('"'))
    starts, lengths = quotes[::2] + 1, quotes[1::2] - quotes[::2] - 1
    width = max(int(lengths.max()), 1)
    column: Bytes = sliding_window_view(np.frombuffer(data + bytes(width), np.uint8), width)[starts]
    column[np.arange(width) >= lengths[:, None]] = 0
    return column


def encode_rows(columns: Mapping[str, Bytes], numbers: Sequence[str]) -> Bytes:
    """Return objects with these members as a column, each with a comma at its end; those not in `numbers` are texts."""
    layout, places = b"{", {}
    for name, column in columns.items():
        quote = b"" if name in numbers else b'"'
        layout += b'"%b":%b' % (name.encode(), quote)
        places[name] = slice(len(layout), len(layout) + column.shape[1])
        layout += bytes(column.shape[1]) + quote + b","
    layout = layout[:-1] + b"},"
    rows = np.empty((len(column), len(layout)), np.uint8)
    rows[:] = np.frombuffer(layout, np.uint8)
    for name, place in places.items():
        rows[:, place] = columns[name]
    return rows


def join_rows(rows: Bytes) -> bytes:
    """Return the rows of a column as the inside of an array. Changes the column."""
    rows[-1, -1] = 0
    return rows.tobytes().replace(b"\0", b"")
