"""Reproducible random numbers: hashes, permutations, reversible ids and distribution tables over NumPy integers.

A draw is a pseudo-random function (PRF) of a key and indices, so it needs no state, order or lock. Identity is
decided by 64-bit integer arithmetic only, which gives the same bytes on every machine. Floats are used once, to fill
the distribution tables in pure Python: vectorised logarithms differ between machines in the last bit.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from math import exp, isqrt, log
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]

_GOLDEN, _M1, _M2 = (np.uint64(constant) for constant in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
_S27, _S30, _S31, _S33 = (np.uint64(shift) for shift in (27, 30, 31, 33))


def subkey(seed: int, *labels: str | int) -> int:
    """Return a 64-bit key derived from a seed and labels that name its purpose."""
    text = "\x1f".join([str(seed), *map(str, labels)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def draw(key: int, *indices: Any) -> U64:
    """Return 64 random bits for each row of non-negative integer indices of equal (or broadcastable) length."""
    state: U64 = np.full(1, key, np.uint64)
    for index in indices:
        step = np.atleast_1d(np.asarray(index)).astype(np.uint64)
        step += np.uint64(1)
        step *= _GOLDEN
        state = _mix(step + state)
    return state


def bits(values: U64, low: int, count: int) -> I64:
    """Return `count` (< 64) bits of each value, from bit `low` up, as non-negative integers."""
    result: I64 = ((values >> np.uint64(low)) & np.uint64((1 << count) - 1)).astype(np.int64)
    return result


def _mix(x: U64) -> U64:
    """SplitMix64's finaliser, in place: a bijection of 64 bits in which every bit affects all others."""
    x ^= x >> _S30
    x *= _M1
    x ^= x >> _S27
    x *= _M2
    x ^= x >> _S31
    return x


class Permutation:
    """A keyed bijection of 0 … size-1 and its inverse, one for each tweak; both take constant time.

    A four-round Feistel network over Z_a × Z_b with a·b ≥ size; results ≥ size are mapped again (cycle walking).
    """

    ROUNDS = 4

    def __init__(self, key: int, size: int) -> None:
        if size < 1:
            raise ValueError(size)
        self.size = size
        self._keys = [subkey(key, number) for number in range(self.ROUNDS)]
        self._a = isqrt(size - 1) + 1
        self._b = -(-size // self._a)

    def round_keys(self, tweaks: Any) -> U64:
        """Return the round keys of each tweak, shape (rounds, tweaks), to use for many values."""
        return np.stack([draw(key, tweaks) for key in self._keys])

    def forward(self, values: I64, keys: U64) -> I64:
        """Return the image of each value under the permutation whose round keys are in the same column."""
        return self._walk(values, keys, self._encrypt)

    def inverse(self, values: I64, keys: U64) -> I64:
        """Return the value that `forward` maps to each of `values`."""
        return self._walk(values, keys, self._decrypt)

    def _walk(self, values: I64, keys: U64, step: Any) -> I64:
        keys = np.broadcast_to(keys, (self.ROUNDS, values.size))
        result: I64 = step(values, keys)
        outside = np.flatnonzero(result >= self.size)
        while outside.size:
            result[outside] = step(result[outside], keys[:, outside])
            outside = outside[result[outside] >= self.size]
        return result

    def _encrypt(self, values: I64, keys: U64) -> I64:
        left, right = np.divmod(values, self._b)
        for number in range(0, self.ROUNDS, 2):
            left = (left + self._round(right, keys[number])) % self._a
            right = (right + self._round(left, keys[number + 1])) % self._b
        left *= self._b
        left += right
        return left

    def _decrypt(self, values: I64, keys: U64) -> I64:
        left, right = np.divmod(values, self._b)
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
        x *= _M1
        x ^= x >> _S30
        x *= _M2
        x >>= _S33
        return x.astype(np.int64)


class IdCode:
    """Maps the numbers 0 … 9·10^(digits-2)-1 to decimal ids of exactly `digits` digits, and back.

    The number is permuted and gets a check digit, so ids look random, a lookup needs no table, and an id with one
    digit changed or two neighbours swapped is always unknown (Damm's algorithm detects both).
    """

    _DAMM = np.array(
        [
            [int(digit) for digit in row]
            for row in (
                *("0317598642", "7092154863", "4206871359", "1750983426", "6123045978"),
                *("3674209581", "5869720134", "8945362017", "9438617205", "2581436790"),
            )
        ],
        np.int64,
    )

    def __init__(self, key: int, digits: int) -> None:
        self.digits = digits
        self.size = 9 * 10 ** (digits - 2)
        self._permutation = Permutation(key, self.size)
        self._keys: U64 = self._permutation.round_keys(0)
        self._pattern = re.compile(f"[1-9][0-9]{{{digits - 1}}}", re.ASCII)

    def encode(self, numbers: Any) -> list[str]:
        """Return the ids of numbers in range."""
        body = self._permutation.forward(np.atleast_1d(np.asarray(numbers, np.int64)), self._keys)
        body += 10 ** (self.digits - 2)
        return [str(number) for number in (body * 10 + self._check_digit(body)).tolist()]

    def decode(self, text: str) -> int | None:
        """Return the number of an id, or None if the text is not an id of this code."""
        if not self._pattern.fullmatch(text):
            return None
        body = np.array([int(text[:-1])], np.int64)
        if int(self._check_digit(body)[0]) != int(text[-1]):
            return None
        return int(self._permutation.inverse(body - 10 ** (self.digits - 2), self._keys)[0])

    def _check_digit(self, body: I64) -> I64:
        digit = np.zeros_like(body)
        for power in range(self.digits - 2, -1, -1):
            digit = self._DAMM[digit, body // 10**power % 10]
        return digit


_TABLE_BITS = 12
_Z95 = NormalDist().inv_cdf(0.95)


@lru_cache(maxsize=1)
def _normal_quantiles() -> tuple[float, ...]:
    size = 1 << _TABLE_BITS
    normal = NormalDist()
    return tuple(normal.inv_cdf((2 * number + 1) / (2 * size)) for number in range(size))


@lru_cache(maxsize=256)
def lognormal(median: float, sigma: float, low: int, high: int) -> I64:
    """Return the 4,096 equally likely values of a lognormal, rounded and clipped to low … high, read-only."""
    # Not numpy's exp, whose last bit depends on the machine.
    values = median * np.array([exp(sigma * z) for z in _normal_quantiles()])
    table: I64 = np.clip(np.rint(values), low, high).astype(np.int64)
    table.flags.writeable = False
    return table


def sigma_of(median: float, p95: float) -> float:
    """Return the sigma of the lognormal with the given median and 95 % quantile."""
    return log(p95 / median) / _Z95


def cumulative_shares(weights: list[float], scale_bits: int) -> I64:
    """Return integer thresholds: a uniform `scale_bits`-bit number below entry i (and not below i-1) selects i."""
    total = sum(weights)
    running, thresholds = 0.0, []
    for weight in weights:
        running += weight
        thresholds.append(round(running / total * (1 << scale_bits)))
    thresholds[-1] = 1 << scale_bits
    return np.array(thresholds, np.int64)
