"""Bytes that are no HTTP."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mockserver.faults.base import ConnectionKind, Draw
from mockserver.messages import Delivery, Reply, Text


@dataclass(frozen=True, kw_only=True)
class GarbageResponse(ConnectionKind):
    """Bytes of something else instead of an answer, then a close."""

    text = Text("bytes that are no HTTP, then the end of the connection", "非 HTTP 的字节，随后连接关闭")

    def deliver(self, delivery: Delivery, reply: Reply, draw: Draw) -> tuple[Delivery, str]:
        """The garbage instead of the answer."""
        return replace(delivery, instead="garbage"), "no HTTP"
