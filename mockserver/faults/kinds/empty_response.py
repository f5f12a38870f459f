"""The connection is closed without a response."""

from dataclasses import replace

from mockserver.faults.base import ConnectionKind, DeliveryPlan, Draw, Response, Text


class EmptyResponse(ConnectionKind):
    """Closes the connection in an orderly way instead of responding."""

    text = Text("a connection closed without a single byte", "连接未返回任何字节即关闭")

    def apply(self, plan: DeliveryPlan, response: Response, draw: Draw) -> tuple[DeliveryPlan, str]:
        """Return the plan with a close instead of the response."""
        return replace(plan, instead="empty"), "closed without a byte"
