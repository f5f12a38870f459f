"""Integer tables that stand in for floating-point distributions.

A lognormal is kept as its 4,096 equally likely values, rounded once from Python's own arithmetic, so that the
vectorised code never takes a logarithm: SIMD versions of those differ between machines in the last bit.
Knows nothing of rooms or users.
"""

from __future__ import annotations

from functools import lru_cache
from math import exp, log
from statistics import NormalDist

import numpy as np

from mockserver.world.prf import I64

TABLE_BITS = 12
_Z95 = NormalDist().inv_cdf(0.95)


@lru_cache(maxsize=1)
def _quantiles() -> tuple[float, ...]:
    size = 1 << TABLE_BITS
    normal = NormalDist()
    return tuple(normal.inv_cdf((2 * number + 1) / (2 * size)) for number in range(size))


@lru_cache(maxsize=256)
def lognormal(median: float, sigma: float, low: int, high: int) -> I64:
    """The 4,096 equally likely values of a lognormal, rounded and held between low and high, read-only."""
    values = [min(max(round(median * exp(sigma * z)), low), high) for z in _quantiles()]
    table = np.array(values, np.int64)
    table.flags.writeable = False
    return table


def sigma_of(median: float, p95: float) -> float:
    """The sigma of the lognormal whose median and 95 % quantile are given."""
    return log(p95 / median) / _Z95


def shares(weights: list[float], scale_bits: int) -> I64:
    """Cumulative integer thresholds: a uniform `scale_bits`-bit word below entry i (and not i-1) picks i."""
    total = sum(weights)
    running, thresholds = 0.0, []
    for weight in weights:
        running += weight
        thresholds.append(round(running / total * (1 << scale_bits)))
    thresholds[-1] = 1 << scale_bits
    return np.array(thresholds, np.int64)
