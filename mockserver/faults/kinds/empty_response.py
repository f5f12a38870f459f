"""The connection ends without a byte."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mockserver.core.http import DeliveryPlan, Response
from mockserver.core.text import Text
from mockserver.faults.base import ConnectionKind, Draw


@dataclass(frozen=True, kw_only=True)
class EmptyResponse(ConnectionKind):
    """A close in good order instead of an answer."""

    text = Text("a connection that is closed without a byte", "连接未发送任何字节即关闭")

    def deliver(self, delivery: DeliveryPlan, response: Response, draw: Draw) -> tuple[DeliveryPlan, str]:
        """The close instead of the answer."""
        return replace(delivery, instead="empty"), "closed without a byte"
