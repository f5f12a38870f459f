"""Counter-based hashing and keyed permutations over NumPy integers.

What decides who calls whom, when and how long is drawn here: a draw is a pure function of (key, indices),
so it needs no state, no order and no lock, and 64-bit integer arithmetic gives the same bytes on every
machine. Knows nothing of rooms, users or time.
"""

from __future__ import annotations

import hashlib
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_M1, _M2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_A_GOLDEN, _A_M1, _A_M2 = (np.uint64(word) for word in (_GOLDEN, _M1, _M2))
_S27, _S30, _S31, _S33 = (np.uint64(shift) for shift in (27, 30, 31, 33))


def subkey(seed: int, *words: str | int) -> int:
    """A 64-bit key for one purpose, from the seed and words that name the purpose."""
    text = "\x1f".join([str(seed), *map(str, words)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def _mix(x: U64) -> U64:
    """SplitMix64's finaliser, in place: a bijection of 64 bits in which every bit sways every other."""
    x ^= x >> _S30
    x *= _A_M1
    x ^= x >> _S27
    x *= _A_M2
    x ^= x >> _S31
    return x


def draw(key: int, *indices: Any) -> U64:
    """64 random bits for each row of equally long (or broadcastable) non-negative integer indices."""
    state: U64 = np.full(1, key, np.uint64)
    for index in indices:
        step = np.atleast_1d(np.asarray(index)).astype(np.uint64)
        step += np.uint64(1)
        step *= _A_GOLDEN
        state = _mix(step + state)
    return state


def bits(word: U64, low: int, count: int) -> I64:
    """`count` (< 64) bits of each word from bit `low` up, as non-negative integers."""
    found: I64 = ((word >> np.uint64(low)) & np.uint64((1 << count) - 1)).astype(np.int64)
    return found


class Permutation:
    """A keyed bijection of 0 … size-1 and its inverse, one for each tweak; both cost O(1).

    A four-round Feistel network over Z_a × Z_b with a·b ≥ size; the few results past the end walk on until
    they fall inside.
    """

    ROUNDS = 4

    def __init__(self, key: int, size: int) -> None:
        if size < 1:
            raise ValueError(size)
        self.size = size
        self._keys = [subkey(key, number) for number in range(self.ROUNDS)]
        self._a = isqrt(size - 1) + 1
        self._b = -(-size // self._a)

    def tweaks(self, tweak: Any) -> U64:
        """The round keys of each tweak, shape (rounds, tweaks): compute once, use for many values."""
        return np.stack([draw(key, tweak) for key in self._keys])

    def forward(self, value: I64, keys: U64) -> I64:
        """The image of each value under the permutation whose round keys stand in the same column."""
        return self._walk(value, keys, self._once)

    def inverse(self, value: I64, keys: U64) -> I64:
        """The value whose image is given."""
        return self._walk(value, keys, self._back)

    def _walk(self, value: I64, keys: U64, step: Any) -> I64:
        keys = np.broadcast_to(keys, (self.ROUNDS, value.size))
        result: I64 = step(value, keys)
        outside = np.flatnonzero(result >= self.size)
        while outside.size:
            result[outside] = step(result[outside], keys[:, outside])
            outside = outside[result[outside] >= self.size]
        return result

    def _once(self, value: I64, keys: U64) -> I64:
        left, right = np.divmod(value, self._b)
        for number in range(0, self.ROUNDS, 2):
            left = (left + self._round(right, keys[number])) % self._a
            right = (right + self._round(left, keys[number + 1])) % self._b
        left *= self._b
        left += right
        return left

    def _back(self, value: I64, keys: U64) -> I64:
        left, right = np.divmod(value, self._b)
        for number in range(self.ROUNDS - 2, -1, -2):
            right = (right - self._round(left, keys[number + 1])) % self._b
            left = (left - self._round(right, keys[number])) % self._a
        left *= self._b
        left += right
        return left

    @staticmethod
    def _round(half: I64, key: U64) -> I64:
        """31 bits from a half and a key: one and a half rounds of multiply and fold."""
        x = half.astype(np.uint64)
        x += key
        x *= _A_M1
        x ^= x >> _S30
        x *= _A_M2
        x >>= _S33
        return x.astype(np.int64)
