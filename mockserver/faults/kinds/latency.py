"""The first byte is delayed."""

import math
from dataclasses import dataclass, replace
from statistics import NormalDist

from mockserver.core.http import DeliveryPlan, Response
from mockserver.core.text import Text
from mockserver.faults.base import MAX_SECONDS, Draw, FaultError, Fields, TimeKind, nested, number

_MAX_MS = MAX_SECONDS * 1000


@dataclass(frozen=True, kw_only=True)
class Uniform(Fields):
    """A delay evenly distributed between two bounds."""

    min_ms: float = number("Shortest delay in milliseconds.", "最短延迟（毫秒）。", 0, _MAX_MS)
    max_ms: float = number("Longest delay in milliseconds.", "最长延迟（毫秒）。", 0, _MAX_MS)

    def __post_init__(self) -> None:
        """Raise FaultError if the bounds are in the wrong order."""
        if self.min_ms > self.max_ms:
            text = Text("max_ms is less than min_ms; swap them", "max_ms 小于 min_ms，请对调")
            raise FaultError(("max_ms",), text)


@dataclass(frozen=True, kw_only=True)
class Lognormal(Fields):
    """A log-normally distributed delay, as networks show it: a median and a long tail."""

    median_ms: float = number("Median delay in milliseconds.", "延迟的中位数（毫秒）。", None, _MAX_MS, above=0)
    sigma: float = number(
        "Standard deviation of the logarithm; 0.5 is typical, 0 means constant.",
        "对数的标准差；常用 0.5，0 表示固定。",
        0,
        5,
    )
    max_ms: float = number("Longest delay in milliseconds.", "最长延迟（毫秒）。", 0, _MAX_MS, _MAX_MS)


class Latency(TimeKind):
    text = Text("nothing for a while, then the response", "一段时间内没有数据，然后正常响应")
    exactly_one = ("fixed_ms", "uniform", "lognormal")
    fixed_ms: float | None = number("Constant delay in milliseconds.", "固定延迟（毫秒）。", 0, _MAX_MS, None)
    uniform: Uniform | None = nested(
        "Delay evenly distributed between two bounds.", "在上下限之间均匀分布的延迟。", Uniform
    )
    lognormal: Lognormal | None = nested(
        "Log-normal delay: a median and a long tail.", "对数正态分布的延迟：中位数加长尾。", Lognormal
    )

    def apply(self, plan: DeliveryPlan, response: Response, draw: Draw) -> tuple[DeliveryPlan, str]:
        delay = self.milliseconds(draw)
        return replace(plan, delay=plan.delay + delay / 1000), f"{delay:.0f} ms"

    def milliseconds(self, draw: Draw) -> float:
        """Return the delay of one request."""
        chance = draw.uniform("wait")
        if self.uniform is not None:
            return self.uniform.min_ms + chance * (self.uniform.max_ms - self.uniform.min_ms)
        if self.lognormal is not None:
            tail = math.exp(self.lognormal.sigma * NormalDist().inv_cdf(chance))
            return min(self.lognormal.median_ms * tail, self.lognormal.max_ms)
        return self.fixed_ms or 0.0
