"""More than so many requests in so many seconds are refused."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from mockserver.core.text import Text
from mockserver.faults.base import ApiKind, Draw, FaultContext, Refusal
from mockserver.faults.fields import integer, number


@dataclass(frozen=True, kw_only=True)
class RateLimit(ApiKind):
    """A sliding window by the app's clock; requests that are refused do not count in it."""

    text = Text(
        "rate_limited in an HTTP 200 for every request over the limit; no header says when to come back",
        "超出限额的请求返回 HTTP 200 与 rate_limited；没有响应头说明何时重试",
    )
    remembers = True
    requests: int = integer(
        "So many are let through; 0 refuses all.", "放行的请求数；0 表示全部拒绝。", 0, 100_000
    )
    per_seconds: float = number(
        "In any span of so many seconds.", "任意若干秒之内。", None, 86_400, 1, above=0
    )

    def refuse(self, context: FaultContext, draw: Draw) -> tuple[Refusal, str] | None:
        """rate_limited, unless there is room in the window."""
        with draw.memory.lock:
            passed: deque[float] = draw.memory.values.setdefault("passed", deque())
            # Threads may come a moment out of order; a clock that was set back starts the window anew.
            if passed and passed[-1] - context.now > 1:
                passed.clear()
            while passed and passed[0] <= context.now - self.per_seconds:
                passed.popleft()
            if len(passed) < self.requests:
                passed.append(context.now)
                return None
        return Refusal("rate_limited"), f"over {self.requests} requests in {self.per_seconds:g} s"
