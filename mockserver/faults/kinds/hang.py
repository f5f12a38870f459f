"""No answer at all."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mockserver.core.http import DeliveryPlan, Response
from mockserver.core.text import Text
from mockserver.faults.base import LONGEST, Draw, TimeKind
from mockserver.faults.fields import number


@dataclass(frozen=True, kw_only=True)
class Hang(TimeKind):
    """Silence, then the end of the connection."""

    text = Text(
        "nothing at all until the client gives up or the connection is closed",
        "没有任何数据，直到客户端放弃或连接关闭",
    )
    max_seconds: float = number(
        "Close after so many seconds.", "若干秒后关闭连接。", None, LONGEST, 60, above=0
    )

    def deliver(self, delivery: DeliveryPlan, response: Response, draw: Draw) -> tuple[DeliveryPlan, str]:
        """Silence instead of the answer, for the longest of such times."""
        return replace(
            delivery, hang=max(delivery.hang or 0.0, self.max_seconds)
        ), f"at most {self.max_seconds:g} s"
