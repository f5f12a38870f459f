"""HTTP framing of the requests on one connection, within `Limits`, and refusals before the application.

What it adds to uvicorn:

- request headers over `header_bytes`, a missing or repeated Host, CONNECT, and what the parser rejects get a
  JSON envelope (400, 408, 431), and the connection ends so that the client can read it;
- targets that the parser refuses (raw bytes over 0x7f, absolute without a path) reach the application;
- trailers cannot add headers, and an offered protocol upgrade is ignored;
- the `Exchange` in each ASGI scope lets the response be written, cut, or replaced by an RST.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any
from urllib.parse import quote_from_bytes

import httptools
from uvicorn import Config
from uvicorn.server import ServerState

from mockserver.server import limits as texts
from mockserver.server.connection import BODY, HEAD, IDLE, NEVER, Connection, Exchange
from mockserver.server.limits import Envelope, Limits, Refusal

_REASONS = {400: "Bad Request", 408: "Request Timeout", 431: "Request Header Fields Too Large"}
_UPGRADE = re.compile(rb"\r\nupgrade:", re.IGNORECASE)


class HttpProtocol(Connection):
    """uvicorn's protocol for one connection, within `Limits`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        limits: Limits | None = None,
        envelope: Envelope = texts.plain_envelope,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop, limits or Limits())
        self._envelope = envelope
        self._count_exactly = False
        """Whether the current read may exceed `header_bytes`, so that the headers have to be counted."""
        self._first_request = True
        self._head_bytes = self._request_bytes = 0
        self._completed_in_read = False
        self._refusal: Refusal | None = None
        self._raw_target: bytes | None = None
        """The target before it was rewritten for the parser."""

    # ---- parsing

    def data_received(self, data: bytes) -> None:
        """Feed the parser, within the limits."""
        if self._ignores_input:
            return
        self._unset_keepalive_if_required()
        size = len(data)
        self._count_exactly = self._head_bytes + size > self.limits.header_bytes
        self._completed_in_read = False
        if self._phase == IDLE and not data.isascii():
            data, self._raw_target = with_ascii_target(data)
        if self._phase != BODY and (b"pgrade:" in data or b"PGRADE:" in data):
            data = without_upgrade(data)
        try:
            self._feed(data)
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause if isinstance(cause, Refusal) else Refusal(400, texts.INVALID_REQUEST))
            return
        if self._phase == IDLE:
            return
        if self._phase == HEAD and not self._completed_in_read:
            self._head_bytes += size
            if self._head_bytes > self.limits.header_bytes:
                self._refuse(Refusal(431, texts.headers_too_large(self.limits.header_bytes)))
                return
        self._request_bytes += size
        if self._request_bytes > self.limits.raw_bytes:
            self._refuse(Refusal(400, texts.request_too_large(self.limits.raw_bytes)))

    def _feed(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                # An offer that `without_upgrade` did not see, without a body: the next request follows.
                data = data[upgrade.args[0] :]

    def on_message_begin(self) -> None:
        """Start the time limit of a request at its first byte."""
        super().on_message_begin()
        self._phase = HEAD
        self._head_bytes = self._request_bytes = 0
        if self._first_request:
            self._first_request = False
        else:
            self._set_deadline(self.limits.request_seconds)

    def on_headers_complete(self) -> None:
        """Refuse the request or pass it to the application."""
        if self.parser.should_upgrade():
            self._refuse_upgrade()
        version = self.parser.get_http_version()
        hosts = 0
        length = 0
        for name, value in self.headers:
            if name == b"host":
                hosts += 1
            elif name == b"content-length":
                length = int(value)
        if hosts != 1:
            if hosts:
                raise Refusal(400, texts.REPEATED_HOST)
            if version != "1.0":
                raise Refusal(400, texts.MISSING_HOST)
        if self._count_exactly:
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > self.limits.header_bytes:
                raise Refusal(431, texts.headers_too_large(self.limits.header_bytes))
        target = self.url if self._raw_target is None else self._raw_target
        self._raw_target = None
        simple = target[:1] == b"/" and target.isascii() and b"#" not in target
        if not simple:
            self.url = b"/"
        super().on_headers_complete()
        if not simple:
            path, _, query = origin_form(target).partition(b"?")
            self.scope["raw_path"], self.scope["query_string"] = path, query
            self.scope["path"] = quote_from_bytes(path)
        # Headers in trailers go into a list that is never read.
        self.headers = []
        self._phase = BODY
        # Older versions of uvicorn decide this only in their own `send`.
        self.cycle.keep_alive = version != "1.0" and self.parser.should_keep_alive()
        self._pending.append(self.cycle)
        self.scope["mockserver.exchange"] = Exchange(self, self.cycle, length)  # type: ignore[typeddict-unknown-key]

    def _refuse_upgrade(self) -> None:
        """Refuse CONNECT, and upgrades with a body, which the parser takes for another protocol."""
        if self.parser.get_method() == b"CONNECT":
            raise Refusal(400, texts.NO_CONNECT)
        for name, value in self.headers:
            if name == b"transfer-encoding" or (name == b"content-length" and int(value)):
                raise Refusal(400, texts.NO_UPGRADE)

    def on_message_complete(self) -> None:
        """End the time limit of the request."""
        super().on_message_complete()
        self._phase = IDLE
        self._completed_in_read = True
        self._head_bytes = 0
        self._deadline = NEVER

    def on_response_complete(self) -> None:
        """Wait for the next request, or end the connection."""
        if self._pending:
            self._pending.popleft()
        super().on_response_complete()
        if self._ignores_input and self._refusal is None:
            return
        if not self._pending:
            if self._refusal is not None:
                self._write_refusal(self._refusal)
            elif self._phase == IDLE:
                self._set_deadline(self.limits.idle_seconds)
        if self.transport.is_closing() or self.unsent:
            self.start_write_deadline()

    # ---- refusals

    def on_request_timeout(self) -> None:
        """Refuse a request that did not arrive in time."""
        self._refuse(Refusal(408, texts.REQUEST_TIMEOUT))

    def _refuse(self, refusal: Refusal) -> None:
        """Refuse the current request after the responses that are due before it, and ignore further input."""
        self._ignores_input = True
        if self._phase == BODY and self._pending and self.cycle is self._pending[-1]:
            cycle = self._pending.pop()
            cycle.disconnected = True
            cycle.message_event.set()
            if self.pipeline and self.pipeline[0][0] is cycle:
                self.pipeline.popleft()
            if cycle.response_started:
                self.transport.close()
                return
        self._refusal = refusal
        self._deadline = NEVER
        if not self._pending:
            self._write_refusal(refusal)

    def _write_refusal(self, refusal: Refusal) -> None:
        self._refusal = None
        if self.transport.is_closing():
            return
        body = self._envelope("invalid_parameter", refusal.text)
        defaults = b"".join(b"%b: %b\r\n" % header for header in self.server_state.default_headers)
        self.transport.write(
            b"HTTP/1.1 %d %b\r\n%bcontent-type: application/json\r\ncontent-length: %d\r\n"
            b"connection: close\r\n\r\n%b"
            % (refusal.status, _REASONS[refusal.status].encode(), defaults, len(body), body)
        )
        self.linger()


def with_ascii_target(data: bytes) -> tuple[bytes, bytes | None]:
    """Percent-encode the raw bytes over 0x7f in the target of the request that `data` begins with.

    Returns the new data and the original target; None if it is ASCII already or this is not a request line.
    curl sends `?identifier=张三` as typed, and the application has to see it to say what is wrong.
    """
    line, end, rest = data.partition(b"\r\n")
    parts = line.split(b" ")
    if line.isascii() or not end or len(parts) != 3 or not parts[0].isalpha():
        return data, None
    target = parts[1]
    parts[1] = b"".join(b"%%%02X" % byte if byte > 0x7F else bytes((byte,)) for byte in target)
    return b" ".join(parts) + end + rest, target


def without_upgrade(data: bytes) -> bytes:
    """Rename the Upgrade header in a request head to `x-offered-upgrade`, so that the parser ignores it.

    Java's HttpClient offers h2c on every cleartext request, and the parser would drop the body of such a
    request.
    """
    head, end, rest = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(b"\r\nx-offered-upgrade:", head) + end + rest


def origin_form(target: bytes) -> bytes:
    """Return path and query of a request target in any form (RFC 9112 §3.2)."""
    if target[:1] in (b"/", b"*"):
        return target
    _, _, rest = target.partition(b"://")
    slash, question_mark = rest.find(b"/"), rest.find(b"?")
    if slash < 0 or 0 <= question_mark < slash:
        return b"/" + rest[question_mark:] if question_mark >= 0 else b"/"
    return rest[slash:]
