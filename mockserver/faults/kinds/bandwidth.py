"""A thin line."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from mockserver.core.http import DeliveryPlan, Response
from mockserver.core.text import Text
from mockserver.faults.base import LONGEST, ConnectionKind, Draw
from mockserver.faults.fields import integer


@dataclass(frozen=True, kw_only=True)
class Bandwidth(ConnectionKind):
    """Head and body at so many bytes a second."""

    text = Text("an answer that trickles in at an even, low rate", "应答以均匀的低速率到达")
    bytes_per_second: int = integer(
        "The rate; more for an answer that would take over ten minutes.",
        "速率；若应答将超过十分钟则自动提高。",
        1,
        1_000_000_000,
    )

    def deliver(self, delivery: DeliveryPlan, response: Response, draw: Draw) -> tuple[DeliveryPlan, str]:
        """The lowest of such rates."""
        # A head of ours stays below a kilobyte; nobody waits longer than for any other fault.
        rate = max(self.bytes_per_second, math.ceil((len(response.body) + 1024) / LONGEST))
        rate = min(rate, delivery.bytes_per_second or rate)
        return replace(delivery, bytes_per_second=rate), f"{rate} bytes a second"
