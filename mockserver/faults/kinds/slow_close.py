"""The response is complete, but the server waits before it closes the connection."""

from dataclasses import replace

from mockserver.faults.base import MAX_SECONDS, ConnectionKind, DeliveryPlan, Draw, Response, Text, number


class SlowClose(ConnectionKind):
    text = Text(
        "a complete response with Connection: close, but the connection is closed late",
        "响应完整且声明 Connection: close，但连接延迟关闭",
    )
    ms: float = number("Milliseconds until the close.", "关闭前的毫秒数。", 0, MAX_SECONDS * 1000, 2_000)

    def apply(self, plan: DeliveryPlan, response: Response, draw: Draw) -> tuple[DeliveryPlan, str]:
        seconds = max(plan.close_after or 0.0, self.ms / 1000)
        return replace(plan, close_after=seconds), f"after {self.ms:g} ms"
