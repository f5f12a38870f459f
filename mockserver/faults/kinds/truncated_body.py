"""A part of the body is sent under the full Content-Length, then the connection is closed."""

from dataclasses import replace

from mockserver.faults.base import ConnectionKind, DeliveryPlan, Draw, Response, Text, number


class TruncatedBody(ConnectionKind):
    text = Text("a body that ends before its Content-Length", "正文未达到 Content-Length 即结束")
    fraction: float = number("Fraction of the body that is sent.", "实际发送的正文比例。", 0, 0.99, 0.5)

    def apply(self, plan: DeliveryPlan, response: Response, draw: Draw) -> tuple[DeliveryPlan, str]:
        return replace(plan, cut=self.fraction, cut_end="close"), f"after {self.fraction:.0%} of the body"
