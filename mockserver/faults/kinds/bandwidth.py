"""Headers and body arrive at a low, constant rate."""

import math
from dataclasses import replace

from mockserver.faults.base import MAX_SECONDS, ConnectionKind, DeliveryPlan, Draw, Response, Text, integer


class Bandwidth(ConnectionKind):
    text = Text("the response arrives slowly, at a constant rate", "响应以恒定的低速率到达")
    bytes_per_second: int = integer(
        "Bytes per second; raised if the response would take more than ten minutes.",
        "每秒字节数；若响应耗时将超过十分钟，则自动提高。",
        1,
        1_000_000_000,
    )

    def apply(self, plan: DeliveryPlan, response: Response, draw: Draw) -> tuple[DeliveryPlan, str]:
        # The headers never reach a kilobyte.
        rate = max(self.bytes_per_second, math.ceil((len(response.body) + 1024) / MAX_SECONDS))
        rate = min(rate, plan.bytes_per_second or rate)
        return replace(plan, bytes_per_second=rate), f"{rate} bytes per second"
