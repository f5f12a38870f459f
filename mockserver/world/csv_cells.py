"""The cells of a CSV column, converted to numbers and seconds all at once. Knows nothing of sessions.

Each conversion returns the values and which of them are valid. Those of rare notations are not: convert them one by one.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from mockserver.world.sessions import I64, Flags

U8: TypeAlias = npt.NDArray[np.uint8]
_MAX_DIGITS, _MAX_DECIMAL = 18, 16  # More digits would not fit into 64 bits, or not into a float without rounding.
_POWERS: I64 = 10 ** np.arange(_MAX_DIGITS, dtype=np.int64)
_DATE, _OFFSET = b"0000-00-00T00:00:00", b"+00:00"
_MAX_WIDTH = 256  # Bytes of a text that are copied together with those of all others.
_PADDING = b"\0" * _MAX_WIDTH  # There are at least that many bytes before and after every cell.
_POINT = (ord(".") - ord("0")) % 256


class Cells:
    """The cells of a column, as places in the bytes of all columns."""

    def __init__(self, data: bytes, starts: I64, ends: I64) -> None:
        self._data, self._starts, self._ends = data, starts, ends
        self._bytes = np.frombuffer(data, np.uint8)
        self._lengths = ends - starts

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, index: int) -> str:
        return self._data[self._starts[index] : self._ends[index]].decode()

    @property
    def empty(self) -> Flags:
        """Which cells are empty."""
        empty: Flags = self._lengths == 0
        return empty

    def texts(self) -> list[str]:
        """Return all cells. Raises UnicodeDecodeError."""
        width = max(int(self._lengths.max(initial=1)), 1)
        if width > _MAX_WIDTH:
            return [self[index] for index in range(len(self))]
        characters = sliding_window_view(self._bytes, width)[self._starts]
        characters[np.arange(width) >= self._lengths[:, None]] = 0
        # NumPy drops the zeros. Decoding all cells together is faster, and no cell contains the zero.
        return b"\0".join(characters.view(f"S{width}").ravel().tolist()).decode().split("\0")

    def integers(self) -> tuple[I64, Flags]:
        """Convert cells of 1 to 18 digits."""
        digits = self._digits(_MAX_DIGITS)
        return _number(digits), (digits <= 9).all(axis=0) & (self._lengths > 0) & (self._lengths <= _MAX_DIGITS)

    def decimals(self) -> tuple[npt.NDArray[np.float64], Flags]:
        """Convert cells of 1 to 15 digits that may have a point, to the same values as `float`."""
        digits = self._digits(_MAX_DECIMAL)
        points = digits == _POINT
        count = points.sum(axis=0)
        valid = ((digits <= 9) | points).all(axis=0) & (count <= 1)
        valid &= (self._lengths > count) & (self._lengths < _MAX_DECIMAL + count)
        digits[points] = 0
        number, unit = _number(digits), _POWERS[points[::-1].argmax(axis=0)]
        decimals = number % unit
        # Both operands are exact, so that the quotient is rounded once, as by `float`.
        return np.where(count > 0, (number - decimals) // 10 + decimals, number) / unit, valid

    def iso_times(self) -> tuple[I64, Flags]:
        """Convert cells such as 2019-12-10T15:30:00+08:00 and 2019-12-10 07:30:00.000Z."""
        head = self._window(self._starts, len(_DATE) + 7)
        tail = self._window(self._ends - len(_OFFSET), len(_OFFSET))
        utc = (tail[-1] == ord("Z")) | (tail[-1] == ord("z"))
        tail[:, utc] = np.frombuffer(_OFFSET, np.uint8)[:, None]
        behind = tail[0] == ord("-")
        tail[0, behind] = ord("+")
        head[10, head[10] == ord(" ")] = ord("T")
        (century, year, month, day, hour, minute, second), valid = _fields(head, _DATE)
        (hours, minutes), valid_offset = _fields(tail, _OFFSET)
        length = self._lengths - np.where(utc, 1, len(_OFFSET))
        valid &= valid_offset & _is_fraction(head[len(_DATE) :], length - len(_DATE))
        months = ((century * 100 + year - 1970) * 12 + month - 1).astype("M8[M]")
        first, after = (each.astype("M8[D]").astype(np.int64) for each in (months, months + 1))
        valid &= (century >= 10) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= after - first)
        valid &= (hour <= 23) & (minute <= 59) & (second <= 59) & (hours <= 23) & (minutes <= 59)
        offset = (hours * 60 + minutes) * np.where(behind, -60, 60)
        return (((first + day - 1) * 24 + hour) * 60 + minute) * 60 + second - offset, valid

    def _digits(self, limit: int) -> U8:
        """Return the last characters of each cell as digits, one row for each place, with leading zeros."""
        width = min(max(int(self._lengths.max(initial=1)), 1), limit)
        characters = self._window(self._ends - width, width)
        characters[np.arange(width)[:, None] < width - self._lengths] = ord("0")
        digits: U8 = characters - np.uint8(ord("0"))
        return digits

    def _window(self, places: I64, width: int) -> U8:
        """Return the bytes from each place on, one row for each offset."""
        return np.ascontiguousarray(sliding_window_view(self._bytes, width)[places].T)


def split(data: bytes, delimiter: str, end: str, width: int) -> list[Cells] | None:
    """Return the columns of rows of `width` cells; None if a row has another number of cells.

    The data must not contain zero bytes.
    """
    data = _PADDING + data + _PADDING
    characters = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero((characters == ord(delimiter)) | (characters == ord(end)))
    if len(ends) % width:
        return None
    starts = np.concatenate([[len(_PADDING)], ends[:-1] + 1])
    separators = characters[ends].reshape(-1, width)
    starts, ends = (np.ascontiguousarray(places.reshape(-1, width).T) for places in (starts, ends))
    if not ((separators[:, :-1] == ord(delimiter)).all() and (separators[:, -1] == ord(end)).all()):
        return None
    return [Cells(data, starts[index], ends[index]) for index in range(width)]


def _number(digits: U8) -> I64:
    number = np.zeros(digits.shape[1], np.int64)
    for row in digits:
        number = number * 10 + row
    return number


def _fields(characters: U8, pattern: bytes) -> tuple[I64, Flags]:
    """Return the numbers of two digits at each `00` of a pattern, and which cells have its other characters."""
    expected = np.frombuffer(pattern, np.uint8)
    characters = characters[: len(pattern)]
    is_digit = expected == ord("0")
    digits = characters[is_digit] - np.uint8(ord("0"))
    valid = (digits <= 9).all(axis=0) & (characters[~is_digit] == expected[~is_digit, None]).all(axis=0)
    return digits[::2].astype(np.int64) * 10 + digits[1::2], valid


def _is_fraction(characters: U8, lengths: I64) -> Flags:
    """Whether the characters after the seconds are none, or a point and three or six digits."""
    digits = characters[1:] - np.uint8(ord("0")) <= 9
    of_six = (lengths == 7) & digits[3:].all(axis=0)
    is_fraction: Flags = (characters[0] == ord(".")) & digits[:3].all(axis=0) & ((lengths == 4) | of_six)
    is_fraction |= lengths == 0
    return is_fraction
