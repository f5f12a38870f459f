"""The connection ends with an RST."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mockserver.core.http import DeliveryPlan, Response
from mockserver.core.text import Text
from mockserver.faults.base import ConnectionKind, Draw
from mockserver.faults.fields import choice


@dataclass(frozen=True, kw_only=True)
class ConnectionReset(ConnectionKind):
    """An RST before the first byte, or in the middle of the body."""

    text = Text(
        "a connection reset, before any byte or after half of the body",
        "连接被重置：在首字节之前，或正文传到一半",
    )
    word_of_when = "at"
    at: str = choice(
        "Before the first byte, or after half of the body.",
        "首字节之前，或正文一半之后。",
        "before",
        "mid_body",
        default="before",
    )

    def deliver(self, delivery: DeliveryPlan, response: Response, draw: Draw) -> tuple[DeliveryPlan, str]:
        """The reset added."""
        if self.at == "before":
            return replace(delivery, instead="reset"), "before the first byte"
        return replace(delivery, cut=0.5, cut_end="reset"), "after half of the body"
