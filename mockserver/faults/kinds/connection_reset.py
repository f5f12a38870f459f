"""The connection is reset before the first byte or in the middle of the body."""

from dataclasses import replace

from mockserver.faults.base import ConnectionKind, DeliveryPlan, Draw, Response, Text, choice


class ConnectionReset(ConnectionKind):
    text = Text(
        "a connection reset before the first byte, or after half of the body",
        "连接被重置：在首字节之前，或正文传输一半时",
    )
    when_field = "at"
    at: str = choice(
        "Before the first byte, or after half of the body.", "首字节之前，或正文传输一半时。", ("before", "mid_body")
    )

    def apply(self, plan: DeliveryPlan, response: Response, draw: Draw) -> tuple[DeliveryPlan, str]:
        if self.at == "before":
            return replace(plan, instead="reset"), "before the first byte"
        return replace(plan, cut=0.5, cut_end="reset"), "after half of the body"
