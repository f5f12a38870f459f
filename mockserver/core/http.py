"""One HTTP request as received, one response as sent, and the plan for its delivery. No behavior, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(slots=True)
class Request:
    """One HTTP request as received, with nothing decoded that could lose information.

    Treat requests and responses as read-only: they are not frozen because that makes their creation much slower.
    """

    method: str
    path: str  # Percent-decoded path, with undecodable bytes replaced.
    query: str = field(default="", repr=False)
    """Raw query string, still percent-encoded; bytes over 0x7f as Latin-1 characters."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # Headers by lower-case name.
    body: bytes = field(default=b"", repr=False)
    overlong: bool = False  # Whether the body exceeded the size limit; `body` is not usable then.
    length: int = 0  # The declared length of an overlong body; 0 if unknown.
    parsed: Any = field(default=None, init=False, repr=False, compare=False)
    """The engine's `ParsedRequest`, for a request that is received again."""


@dataclass(frozen=True, slots=True)
class DeliveryPlan:
    """How a response reaches the socket. Faults describe it here; only the transport performs it.

    Times are seconds, sizes are bytes. By default the response is delivered as it is.
    """

    delay: float = 0.0  # Wait before the first byte.
    hang: float | None = None  # Send nothing for this time, then close the connection.
    instead: Literal["reset", "empty", "garbage"] | None = None
    """An RST, a close without a byte, or bytes that are not HTTP, instead of the response."""
    header_seconds: float = 0.0  # Spread the status line and the headers over this time.
    body_chunks: int = 1
    body_seconds: float = 0.0  # Send the body in `body_chunks` pieces, spread over this time.
    bytes_per_second: int = 0  # Throttle headers and body; 0 is unlimited.
    cut: float | None = None
    """Send only this fraction of the body under the full Content-Length, then end as `cut_end` says."""
    cut_end: Literal["close", "reset"] = "close"
    malformed_chunk: bool = False  # Use Transfer-Encoding: chunked with a malformed chunk.
    close_after: float | None = None
    """Keep the connection open for this time after the response, then close it (`Connection: close`)."""

    @property
    def needs_socket(self) -> bool:
        """Whether the plan needs more than a delay, so that only our own transport can perform it."""
        slowed = self.header_seconds or self.body_seconds or self.bytes_per_second
        return self.breaks_response or bool(slowed) or self.close_after is not None

    @property
    def breaks_response(self) -> bool:
        """Whether no client can receive the complete response."""
        return bool(self.instead or self.hang is not None or self.cut is not None or self.malformed_chunk)

    def min_seconds(self, size: int) -> float:
        """Return the least time that the delivery of a response of `size` bytes takes."""
        if self.hang is not None:
            return self.delay + self.hang
        if self.instead is not None:
            return self.delay
        throttled = size / self.bytes_per_second if self.bytes_per_second else 0.0
        return self.delay + max(self.header_seconds + self.body_seconds, throttled)


PLAIN = DeliveryPlan()


def header_text(text: str) -> str:
    """Return the Latin-1 text that HTTP libraries send as the UTF-8 bytes of `text`."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def read_header(text: str) -> str:
    """Return a header value that was decoded as Latin-1, as WSGI requires, as UTF-8 if it is valid UTF-8."""
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


@dataclass(slots=True)
class Response:
    """What the client gets: status, headers and body, and how they are delivered."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    delivery: DeliveryPlan = PLAIN
    appkey: str = ""  # The app that sent the request, if it is registered.
