"""The status line and the headers come in drips."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mockserver.core.http import DeliveryPlan, Response
from mockserver.core.text import Text
from mockserver.faults.base import LONGEST, Draw, TimeKind
from mockserver.faults.fields import number


@dataclass(frozen=True, kw_only=True)
class SlowHeaders(TimeKind):
    """The head in pieces over a time, then the body."""

    text = Text("a status line and headers that come byte by byte", "状态行与响应头逐字节缓慢到达")
    over_ms: float = number(
        "Milliseconds until the last header.", "到最后一个响应头为止的毫秒数。", 0, LONGEST * 1000, 2_000
    )

    def deliver(self, delivery: DeliveryPlan, response: Response, draw: Draw) -> tuple[DeliveryPlan, str]:
        """The head over more time."""
        seconds = delivery.header_seconds + self.over_ms / 1000
        return replace(delivery, header_seconds=seconds), f"over {self.over_ms:g} ms"
