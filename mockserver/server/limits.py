"""The limits of the transport, and the envelope of its refusals.

The limits are an argument of `Server`, so that tests can use short times.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from mockserver.core.text import Text

Envelope = Callable[[str, Text], bytes]
"""Returns the JSON body of a refusal from the name of a catalogue row and a text."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for one connection. Sizes are bytes, times are seconds."""

    header_bytes: int = 16 * 1024  # Request line and headers together.
    body_bytes: int = 1024 * 1024
    """A longer body still reaches the application, marked as overlong and without its bytes."""
    drain_bytes: int = 4 * 1024 * 1024
    """Bytes beyond `body_bytes` that are read and dropped, so that the connection can be kept."""
    request_seconds: float = 15.0
    """From the connection, or from the first byte of a later request, to the last byte of the request."""
    idle_seconds: float = 30.0  # How long a kept-alive connection may wait for the next request.
    write_seconds: float = 30.0  # How long a client may go without reading any of a written response.
    linger_seconds: float = 2.0
    """How long a connection stays open after a refusal, or after the client has closed its sending side."""
    stop_seconds: float = 4.0  # How long `stop` waits for requests in flight.

    @property
    def check_seconds(self) -> float:
        """The interval at which the deadlines of all connections are checked."""
        return min(self.request_seconds, self.idle_seconds, self.write_seconds, self.linger_seconds) / 10

    @property
    def raw_bytes(self) -> int:
        """The maximum size of one request on the wire, with chunk framing and trailers."""
        return self.header_bytes + 8 * (self.body_bytes + self.drain_bytes)


_CODES = {"invalid_parameter": 1108, "internal_error": 1500}


def plain_envelope(error: str, text: Text) -> bytes:
    """Return the failure envelope (§1.4) with the default error codes and the English text."""
    return json.dumps({"Status": "FAIL", "ErrorCode": _CODES[error], "ErrorInfo": text.en}).encode()
