"""What the transport refuses before it reaches the application: its limits, and refusals with their envelope.

The limits are an argument of `Server`, so that tests can use short times. The client gets an envelope. The server's log
gets one line per cause and minute: a refused request is not in the journal, and a client that cannot connect retries
many times.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mockserver.core.machine_time import monotonic
from mockserver.core.text import Lang, Text
from mockserver.core.yaml_reader import read_texts

log = logging.getLogger("mockserver.clients")
log.addHandler(logging.NullHandler())

TEXTS: dict[str, Text] = read_texts(Path(__file__).with_name("transport_texts.yaml"))
_LOG_INTERVAL = 60.0  # Seconds until the same cause is logged again.
_MAX_CAUSES = 200
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


class Refusal(Exception):
    """A refused request: HTTP status, and the name of a text in transport_texts.yaml."""

    def __init__(self, status: int, name: str, **values: object) -> None:
        self.status = status
        self.text: Text = TEXTS[name].format(**values)
        super().__init__(self.text.en)


class ClientLog:
    """Logs mistakes of clients, each cause at most once per minute."""

    def __init__(self, lang: Lang = "en") -> None:
        self._lang = lang
        self._next: dict[str, float] = {}

    def warn(self, client: str, text: Text) -> None:
        """Log a text about the client at this address, unless it was logged within the last minute."""
        now = monotonic()
        if now < self._next.get(text.en, 0.0):
            return
        if len(self._next) >= _MAX_CAUSES:
            self._next.clear()
        self._next[text.en] = now + _LOG_INTERVAL
        log.warning("%s: %s", client, text.to(self._lang))


_PROTOCOLS = (
    (b"\x16", "http_port"),
    (b"\x80", "http_port"),
    (b"PRI * HTTP/2", "http_2"),
    (b"\x04", "socks"),
    (b"\x05", "socks"),
    (b"PROXY ", "proxy_protocol"),
    (b"\r\n\r\n\x00\r\nQUIT\n", "proxy_protocol"),
    (b"SSH-", "ssh"),
)


def other_protocol(data: bytes) -> str:
    """Return the name of the text about the protocol that begins with these bytes; empty if it is not known."""
    return next((name for beginning, name in _PROTOCOLS if data.startswith(beginning)), "")


def invalid_request(data: bytes, error: Exception) -> Refusal:
    """Return the refusal of bytes that the parser rejects with `error`."""
    reason = str(error)
    name = other_protocol(data) or ("transfer_encoding" if "Transfer-Encoding" in reason else "invalid")
    return Refusal(400, name, reason=reason)
