"""Requests that the transport refuses before they reach the application.

The client gets an envelope. The server's log gets one line per cause and minute: a refused request is not in the
journal, and a client that cannot connect retries many times.
"""

from __future__ import annotations

import logging
from pathlib import Path

from mockserver.core.machine_time import monotonic
from mockserver.core.text import Lang, Text
from mockserver.core.yaml_reader import read_texts

log = logging.getLogger("mockserver.clients")
log.addHandler(logging.NullHandler())

TEXTS = read_texts(Path(__file__).with_name("refusals.yaml"))
_LOG_INTERVAL = 60.0  # Seconds until the same cause is logged again.
_MAX_CAUSES = 200


class Refusal(Exception):
    """A refused request: HTTP status, and the name of a text in refusals.yaml."""

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
