"""Transfer-Encoding is chunked, and the size of one chunk is not a number."""

from dataclasses import replace

from mockserver.faults.base import ConnectionKind, DeliveryPlan, Draw, Response, Text


class MalformedChunk(ConnectionKind):
    text = Text("chunked encoding that breaks in the middle of the body", "分块传输编码在正文中途损坏")

    def apply(self, plan: DeliveryPlan, response: Response, draw: Draw) -> tuple[DeliveryPlan, str]:
        return replace(plan, malformed_chunk=True), "size zz"
