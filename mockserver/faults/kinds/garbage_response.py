"""The server sends bytes that are not HTTP, then closes the connection."""

from dataclasses import replace

from mockserver.faults.base import ConnectionKind, DeliveryPlan, Draw, Response, Text


class GarbageResponse(ConnectionKind):
    text = Text("bytes that are not HTTP, then a closed connection", "返回非 HTTP 数据，随后连接关闭")

    def apply(self, plan: DeliveryPlan, response: Response, draw: Draw) -> tuple[DeliveryPlan, str]:
        return replace(plan, instead="garbage"), "not HTTP"
