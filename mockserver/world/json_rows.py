"""Encodes rows of equal shape as JSON, by column. Knows nothing of what they mean.

A column of JSON is a matrix of bytes, one row each, in which zero bytes fill up the shorter values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import orjson
from numpy.lib.stride_tricks import sliding_window_view

from mockserver.world.sessions import I64

_MAX_KEPT = 32 << 20  # Characters of texts that are kept encoded.
Bytes: TypeAlias = npt.NDArray[np.uint8]


def encode_numbers(values: I64) -> Bytes:
    """Return whole numbers from 0 on as a column."""
    least, most = str(values.min()), str(values.max())
    width, same = len(most), 0
    # The first digits of times are mostly the same.
    while len(least) == width > same and least[same] == most[same]:
        same += 1
    cells: Bytes = np.empty((width, len(values)), np.uint8)
    cells[:same] = np.frombuffer(most[:same].encode(), np.uint8)[:, None]
    rest = values % 10 ** (width - same) if same else values
    rest = rest.astype(np.int32) if width - same < 10 else rest  # Twice as fast.
    for place in reversed(range(same, width)):
        tenth = rest // 10
        cells[place] = rest - tenth * 10 + ord("0")
        rest = tenth
    for place in range(width - len(least)):
        cells[place, values < 10 ** (width - 1 - place)] = 0
    column: Bytes = cells.T
    return column


def encode_texts(texts: Sequence[str]) -> Bytes:
    """Return texts as a column, without quotes around them. Raises TypeError if one has an unpaired surrogate."""
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


def encoder(texts: Sequence[str]) -> Callable[[Any], Bytes]:
    """Return a function that returns the texts at some indices as a column. It keeps all, unless they are long."""
    if 0 < len(texts) * max(map(len, texts), default=0) <= _MAX_KEPT:
        return encode_texts(texts).__getitem__
    return lambda indices: encode_texts([texts[index] for index in indices.tolist()])


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
