"""Bytes that are no HTTP."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mockserver.core.http import DeliveryPlan, Response
from mockserver.core.text import Text
from mockserver.faults.base import ConnectionKind, Draw


@dataclass(frozen=True, kw_only=True)
class GarbageResponse(ConnectionKind):
    """Bytes of something else instead of an answer, then a close."""

    text = Text("bytes that are no HTTP, then the end of the connection", "非 HTTP 的字节，随后连接关闭")

    def deliver(self, delivery: DeliveryPlan, response: Response, draw: Draw) -> tuple[DeliveryPlan, str]:
        """The garbage instead of the answer."""
        return replace(delivery, instead="garbage"), "no HTTP"
