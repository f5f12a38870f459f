"""The body comes in drips."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mockserver.core.http import DeliveryPlan, Response
from mockserver.core.text import Text
from mockserver.faults.base import LONGEST, Draw, TimeKind
from mockserver.faults.fields import integer, number


@dataclass(frozen=True, kw_only=True)
class SlowBody(TimeKind):
    """The head at once, the body in pieces spread over a time."""

    text = Text("the head at once, then the body piece by piece", "响应头立即到达，正文分段缓慢到达")
    chunks: int = integer("Pieces of the body.", "正文分几段。", 1, 10_000, 10)
    over_ms: float = number(
        "Milliseconds until the last of them.", "到最后一段为止的毫秒数。", 0, LONGEST * 1000, 2_000
    )

    def deliver(self, delivery: DeliveryPlan, response: Response, draw: Draw) -> tuple[DeliveryPlan, str]:
        """The body in more pieces and over more time."""
        delivery = replace(
            delivery,
            body_chunks=max(delivery.body_chunks, self.chunks),
            body_seconds=delivery.body_seconds + self.over_ms / 1000,
        )
        return delivery, f"{self.chunks} pieces over {self.over_ms:g} ms"
