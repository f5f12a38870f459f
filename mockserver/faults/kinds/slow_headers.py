"""The status line and the headers are spread over a period; the body follows at once."""

from dataclasses import replace

from mockserver.faults.base import MAX_SECONDS, DeliveryPlan, Draw, Response, Text, TimeKind, number


class SlowHeaders(TimeKind):
    text = Text("a status line and headers that arrive byte by byte", "状态行与响应头逐字节缓慢到达")
    over_ms: float = number(
        "Milliseconds until the last header.", "到最后一个响应头为止的毫秒数。", 0, MAX_SECONDS * 1000, 2_000
    )

    def apply(self, plan: DeliveryPlan, response: Response, draw: Draw) -> tuple[DeliveryPlan, str]:
        seconds = plan.header_seconds + self.over_ms / 1000
        return replace(plan, header_seconds=seconds), f"over {self.over_ms:g} ms"
