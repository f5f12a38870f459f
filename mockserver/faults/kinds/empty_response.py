"""The connection is closed in an orderly way, without a response."""

from dataclasses import replace

from mockserver.faults.base import ConnectionKind, DeliveryPlan, Draw, Response, Text


class EmptyResponse(ConnectionKind):
    text = Text("a connection closed without a single byte", "连接未返回任何字节即关闭")

    def apply(self, plan: DeliveryPlan, response: Response, draw: Draw) -> tuple[DeliveryPlan, str]:
        return replace(plan, instead="empty"), "closed without a byte"
