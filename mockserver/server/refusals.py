"""What the transport refuses before a request reaches the application, and what it says to whom.

The client gets an envelope; the server's log gets one line for each cause and minute, because a refused request is in
no journal, and a client that cannot connect tries again and again.
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
_LOG_INTERVAL = 60.0  # Seconds before the same cause is logged again.
_MAX_CAUSES = 200


class Refusal(Exception):
    """A request that is refused before it reaches the application: HTTP status, and text by name."""

    def __init__(self, status: int, name: str, **values: object) -> None:
        self.status = status
        self.text: Text = TEXTS[name].format(**values)
        super().__init__(self.text.en)


class ClientLog:
    """Logs what is wrong with clients, each cause at most once a minute."""

    def __init__(self, lang: Lang = "en") -> None:
        self._lang = lang
        self._next: dict[str, float] = {}

    def warn(self, client: str, text: Text) -> None:
        """Log the text about the client at this address, unless the same was logged within the last minute."""
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
    """Return the text about a client whose first bytes belong to another protocol, by name; empty if they are not known."""
    return next((name for beginning, name in _PROTOCOLS if data.startswith(beginning)), "")


def invalid_request(data: bytes, error: Exception) -> Refusal:
    """Return the refusal of bytes that the parser rejects for the reason `error`."""
    reason = str(error)
    name = other_protocol(data) or ("transfer_encoding" if "Transfer-Encoding" in reason else "invalid")
    return Refusal(400, name, reason=reason)
