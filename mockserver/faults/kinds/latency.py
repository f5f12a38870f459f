"""The answer comes late."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist

from mockserver.core.http import DeliveryPlan, Response
from mockserver.core.text import Text
from mockserver.faults.base import LONGEST, Draw, TimeKind
from mockserver.faults.fields import Pointer, number, part

_MOST = LONGEST * 1000


@dataclass(frozen=True, kw_only=True)
class Uniform:
    """Evenly between two bounds."""

    min_ms: float = number("The least wait in milliseconds.", "最短等待毫秒数。", 0, _MOST)
    max_ms: float = number("The longest.", "最长等待毫秒数。", 0, _MOST)

    def wrong(self) -> tuple[Pointer, Text] | None:
        """The bounds must not be swapped."""
        if self.min_ms <= self.max_ms:
            return None
        return ("max_ms",), Text("max_ms is less than min_ms: swap them", "max_ms 小于 min_ms：请互换")


@dataclass(frozen=True, kw_only=True)
class Lognormal:
    """Half of the waits below the median, with a long tail: what networks do."""

    median_ms: float = number(
        "Half of the waits are shorter.", "一半的等待短于此毫秒数。", None, _MOST, above=0
    )
    sigma: float = number(
        "Spread of the logarithm; 0.5 is usual, 0 none.", "对数的离散度；常见为 0.5，0 表示不离散。", 0, 5
    )
    max_ms: float = number("No wait is longer.", "等待不超过此毫秒数。", 0, _MOST, _MOST)


@dataclass(frozen=True, kw_only=True)
class Latency(TimeKind):
    """A wait before the first byte."""

    text = Text("nothing for a while, then the answer", "先无任何数据，稍后得到应答")
    exactly_one = ("fixed_ms", "uniform", "lognormal")
    fixed_ms: float | None = number("Always so many milliseconds.", "固定毫秒数。", 0, _MOST, None)
    # The marker is read once, when the class is made.
    uniform: Uniform | None = part(  # noqa: RUF009
        "Evenly between two bounds.", "在上下限之间均匀分布。", Uniform
    )
    lognormal: Lognormal | None = part(  # noqa: RUF009
        "Half below the median, with a long tail.", "一半低于中位数，带长尾。", Lognormal
    )

    def deliver(self, delivery: DeliveryPlan, response: Response, draw: Draw) -> tuple[DeliveryPlan, str]:
        """The wait added to those there are."""
        wait = self.milliseconds(draw)
        return replace(delivery, delay=delivery.delay + wait / 1000), f"{wait:.0f} ms"

    def milliseconds(self, draw: Draw) -> float:
        """The wait for one request."""
        chance = draw.unit("wait")
        if self.uniform is not None:
            return self.uniform.min_ms + chance * (self.uniform.max_ms - self.uniform.min_ms)
        if self.lognormal is not None:
            tail = math.exp(self.lognormal.sigma * NormalDist().inv_cdf(chance))
            return min(self.lognormal.median_ms * tail, self.lognormal.max_ms)
        return self.fixed_ms or 0.0
