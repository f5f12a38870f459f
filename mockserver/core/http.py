"""One HTTP request as it arrived, one response as it is sent, and the plan for its delivery. No behavior, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as it arrived: nothing decoded that could lose what was sent. Its repr shows none of that."""

    method: str
    path: str
    """Percent-decoded path, undecodable bytes replaced."""
    query: str = field(default="", repr=False)
    """Raw query string, still percent-encoded; bytes over 0x7f as Latin-1 characters."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Names in lower case."""
    body: bytes = field(default=b"", repr=False)
    overlong: bool = False
    """More bytes came than the limit allows; `body` is not to be trusted."""
    length: int = 0
    """Bytes that were announced of an overlong body; 0 when nobody knows."""


@dataclass(frozen=True, slots=True)
class DeliveryPlan:
    """How a reply reaches the socket. Faults describe it here; only the transport performs it.

    Times are seconds, sizes are bytes. The default delivers the reply as it is.
    """

    delay: float = 0.0
    """Wait before the first byte."""
    hang: float | None = None
    """Send nothing at all for so long, then close."""
    instead: Literal["reset", "empty", "garbage"] | None = None
    """An RST, a close without a byte, or bytes that are no HTTP, instead of the answer."""
    header_seconds: float = 0.0
    """Spread the status line and the headers over this time."""
    body_chunks: int = 1
    body_seconds: float = 0.0
    """Send the body in so many pieces, spread over this time."""
    bytes_per_second: int = 0
    """Throttle head and body; 0 is unlimited."""
    cut: float | None = None
    """Send only this share of the body under the full Content-Length, then end as `cut_end` says."""
    cut_end: Literal["close", "reset"] = "close"
    malformed_chunk: bool = False
    """Answer with Transfer-Encoding: chunked and break a chunk's framing."""
    close_after: float | None = None
    """Keep the connection open so long after the answer, then close it (`Connection: close`)."""

    @property
    def touches_connection(self) -> bool:
        """Whether only a transport that owns the socket can perform it."""
        return (
            self.instead is not None
            or self.cut is not None
            or self.malformed_chunk
            or self.header_seconds > 0
            or self.body_seconds > 0
            or self.bytes_per_second > 0
            or self.close_after is not None
            or self.hang is not None
        )

    def seconds(self, size: int) -> float:
        """How long an answer of `size` bytes takes by it, at least."""
        if self.hang is not None:
            return self.delay + self.hang
        if self.instead is not None:
            return self.delay
        throttled = size / self.bytes_per_second if self.bytes_per_second else 0.0
        return self.delay + max(self.header_seconds + self.body_seconds, throttled)

    @property
    def corrupts(self) -> bool:
        """Whether no client gets the whole answer."""
        return bool(self.instead or self.hang is not None or self.cut is not None or self.malformed_chunk)


PLAIN = DeliveryPlan()


@dataclass(frozen=True, slots=True)
class Response:
    """What the client gets: status, headers, body, and how they are delivered."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    delivery: DeliveryPlan = PLAIN
    appkey: str = ""
    """The app that asked, if it is a registered one."""
