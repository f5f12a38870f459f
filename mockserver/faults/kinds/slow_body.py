"""The headers arrive at once, the body in pieces spread over a period."""

from dataclasses import replace

from mockserver.faults.base import MAX_SECONDS, DeliveryPlan, Draw, Response, Text, TimeKind, integer, number


class SlowBody(TimeKind):
    text = Text("the headers at once, then the body piece by piece", "响应头立即到达，正文分段缓慢到达")
    chunks: int = integer("Number of pieces.", "正文分段数。", 1, 10_000, 10)
    over_ms: float = number(
        "Milliseconds until the last piece.", "到最后一段为止的毫秒数。", 0, MAX_SECONDS * 1000, 2_000
    )

    def apply(self, plan: DeliveryPlan, response: Response, draw: Draw) -> tuple[DeliveryPlan, str]:
        chunks, seconds = max(plan.body_chunks, self.chunks), plan.body_seconds + self.over_ms / 1000
        return replace(plan, body_chunks=chunks, body_seconds=seconds), f"{self.chunks} pieces over {self.over_ms:g} ms"
