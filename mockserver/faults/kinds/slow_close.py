"""The connection stays open after a complete response."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mockserver.core.http import DeliveryPlan, Response
from mockserver.core.text import Text
from mockserver.faults.base import MAX_SECONDS, ConnectionKind, Draw
from mockserver.faults.fields import number


@dataclass(frozen=True, kw_only=True)
class SlowClose(ConnectionKind):
    """Sends the whole response, then waits before closing the connection."""

    text = Text(
        "a complete response with Connection: close, but the connection is closed late",
        "响应完整且声明 Connection: close，但连接延迟关闭",
    )
    ms: float = number("Milliseconds until the close.", "关闭前的毫秒数。", 0, MAX_SECONDS * 1000, 2_000)

    def apply(self, plan: DeliveryPlan, response: Response, draw: Draw) -> tuple[DeliveryPlan, str]:
        """Return the plan with the latest of its closes."""
        seconds = max(plan.close_after or 0.0, self.ms / 1000)
        return replace(plan, close_after=seconds), f"after {self.ms:g} ms"
