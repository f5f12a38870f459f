"""The connection is closed without a response."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mockserver.core.http import DeliveryPlan, Response
from mockserver.core.text import Text
from mockserver.faults.base import ConnectionKind, Draw


@dataclass(frozen=True, kw_only=True)
class EmptyResponse(ConnectionKind):
    """Closes the connection in an orderly way instead of responding."""

    text = Text("a connection closed without a single byte", "连接未返回任何字节即关闭")

    def apply(self, plan: DeliveryPlan, response: Response, draw: Draw) -> tuple[DeliveryPlan, str]:
        """Return the plan with a close instead of the response."""
        return replace(plan, instead="empty"), "closed without a byte"
