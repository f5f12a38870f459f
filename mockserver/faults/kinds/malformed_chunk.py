"""A chunk of the body is framed wrongly."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mockserver.core.http import DeliveryPlan, Response
from mockserver.core.text import Text
from mockserver.faults.base import ConnectionKind, Draw


@dataclass(frozen=True, kw_only=True)
class MalformedChunk(ConnectionKind):
    """Transfer-Encoding: chunked with a chunk whose size is none."""

    text = Text("chunked encoding that breaks in the middle", "分块传输编码中途损坏")

    def deliver(self, delivery: DeliveryPlan, response: Response, draw: Draw) -> tuple[DeliveryPlan, str]:
        """The broken chunk added."""
        return replace(delivery, malformed_chunk=True), "size zz"
