"""The body is shorter than its Content-Length."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mockserver.core.http import DeliveryPlan, Response
from mockserver.core.text import Text
from mockserver.faults.base import ConnectionKind, Draw
from mockserver.faults.fields import number


@dataclass(frozen=True, kw_only=True)
class TruncatedBody(ConnectionKind):
    """A share of the body under the full Content-Length, then a close."""

    text = Text("a body that ends before its Content-Length", "正文短于 Content-Length 即结束")
    fraction: float = number("Share of the body that is sent.", "发送正文的比例。", 0, 0.99, 0.5)

    def deliver(self, delivery: DeliveryPlan, response: Response, draw: Draw) -> tuple[DeliveryPlan, str]:
        """The cut added."""
        return replace(delivery, cut=self.fraction, cut_end="close"), f"after {self.fraction:.0%} of the body"
