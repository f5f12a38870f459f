"""A chunk of the body is framed incorrectly."""

from dataclasses import replace

from mockserver.faults.base import ConnectionKind, DeliveryPlan, Draw, Response, Text


class MalformedChunk(ConnectionKind):
    """Uses Transfer-Encoding: chunked with a chunk whose size is not a number."""

    text = Text("chunked encoding that breaks in the middle of the body", "分块传输编码在正文中途损坏")

    def apply(self, plan: DeliveryPlan, response: Response, draw: Draw) -> tuple[DeliveryPlan, str]:
        """Return the plan with the malformed chunk."""
        return replace(plan, malformed_chunk=True), "size zz"
