"""The body is shorter than its Content-Length."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mockserver.faults.base import ConnectionKind, Draw
from mockserver.faults.fields import number
from mockserver.messages import Delivery, Reply, Text


@dataclass(frozen=True, kw_only=True)
class TruncatedBody(ConnectionKind):
    """A share of the body under the full Content-Length, then a close."""

    text = Text("a body that ends before its Content-Length", "正文短于 Content-Length 即结束")
    fraction: float = number("Share of the body that is sent.", "发送正文的比例。", 0, 0.99, 0.5)

    def deliver(self, delivery: Delivery, reply: Reply, draw: Draw) -> tuple[Delivery, str]:
        """The cut added."""
        return replace(delivery, cut=self.fraction, cut_end="close"), f"after {self.fraction:.0%} of the body"
