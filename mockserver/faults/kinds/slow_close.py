"""The connection stays open after a complete answer."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mockserver.core.http import DeliveryPlan, Response
from mockserver.core.text import Text
from mockserver.faults.base import LONGEST, ConnectionKind, Draw
from mockserver.faults.fields import number


@dataclass(frozen=True, kw_only=True)
class SlowClose(ConnectionKind):
    """A whole answer, then silence, then a close."""

    text = Text(
        "a complete answer with Connection: close, but the close comes late",
        "应答完整且声明 Connection: close，但迟迟不关闭",
    )
    ms: float = number("Milliseconds until the close.", "关闭前的毫秒数。", 0, LONGEST * 1000, 2_000)

    def deliver(self, delivery: DeliveryPlan, response: Response, draw: Draw) -> tuple[DeliveryPlan, str]:
        """The late close added."""
        seconds = max(delivery.close_after or 0.0, self.ms / 1000)
        return replace(delivery, close_after=seconds), f"after {self.ms:g} ms"
