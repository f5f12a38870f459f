"""The server sends nothing, then closes the connection."""

from dataclasses import replace

from mockserver.faults.base import MAX_SECONDS, DeliveryPlan, Draw, Response, Text, TimeKind, number


class Hang(TimeKind):
    text = Text(
        "nothing, until the client times out or the connection is closed", "没有任何数据，直到客户端超时或连接关闭"
    )
    max_seconds: float = number(
        "Seconds until the connection is closed.", "关闭连接前的秒数。", None, MAX_SECONDS, 60, above=0
    )

    def apply(self, plan: DeliveryPlan, response: Response, draw: Draw) -> tuple[DeliveryPlan, str]:
        hang = max(plan.hang or 0.0, self.max_seconds)
        return replace(plan, hang=hang), f"at most {self.max_seconds:g} s"
