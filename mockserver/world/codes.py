"""Reversible ids: a RoomId or a UserId is a number of the world, scrambled by its seed, with a check digit.

So a lookup decodes instead of searching, an id looks like the ids of a real backend, and an id with one digit
changed or two neighbours swapped is always unknown (Damm's check digit finds both). Knows nothing of rooms.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from mockserver.world.prf import I64, U64, Permutation

_DAMM = np.array(
    [
        [0, 3, 1, 7, 5, 9, 8, 6, 4, 2],
        [7, 0, 9, 2, 1, 5, 4, 8, 6, 3],
        [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
        [1, 7, 5, 0, 9, 8, 3, 4, 2, 6],
        [6, 1, 2, 3, 0, 4, 5, 9, 7, 8],
        [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
        [5, 8, 6, 9, 7, 2, 0, 1, 3, 4],
        [8, 9, 4, 5, 3, 6, 2, 0, 1, 7],
        [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
        [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
    ],
    dtype=np.int64,
)


class IdCode:
    """Numbers 0 … 9·10^(digits-2)-1 as decimal ids of exactly `digits` digits, and back."""

    def __init__(self, key: int, digits: int) -> None:
        self.digits = digits
        self.size = 9 * 10 ** (digits - 2)
        self._permutation = Permutation(key, self.size)
        self._keys: U64 = self._permutation.tweaks(0)
        self._shape = re.compile(f"[1-9][0-9]{{{digits - 1}}}", re.ASCII)

    def encode(self, numbers: Any) -> list[str]:
        """The ids of numbers in range."""
        body = self._permutation.forward(np.atleast_1d(np.asarray(numbers, np.int64)), self._keys)
        body += 10 ** (self.digits - 2)
        return [str(word) for word in (body * 10 + self._check(body)).tolist()]

    def decode(self, text: str) -> int | None:
        """The number behind an id, None for a text that is no id of this code."""
        if not self._shape.fullmatch(text):
            return None
        body = np.array([int(text[:-1])], np.int64)
        if int(self._check(body)[0]) != int(text[-1]):
            return None
        return int(self._permutation.inverse(body - 10 ** (self.digits - 2), self._keys)[0])

    def _check(self, body: I64) -> I64:
        digit = np.zeros_like(body)
        for power in range(self.digits - 2, -1, -1):
            digit = _DAMM[digit, body // 10**power % 10]
        return digit
