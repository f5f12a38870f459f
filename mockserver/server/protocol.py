"""Guards the requests of one connection: HTTP framing within bounds, and our own refusals.

It knows HTTP framing; it must not know what a request asks for. What it adds to uvicorn:

- a head over `header_bytes`, a missing or doubled Host, CONNECT, and whatever the parser rejects are answered
  with a JSON envelope (400, 408, 431), and the connection ends in such a way that the client can read it;
- targets that the parser refuses (raw bytes over 0x7f, absolute without a path) reach the application;
- trailers cannot add headers, an offered protocol upgrade is ignored;
- the `Exchange` put into each ASGI scope lets the answer be written, cut, or replaced by an RST.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote_from_bytes

import httptools
from uvicorn import Config
from uvicorn.server import ServerState

from mockserver.server import limits as words
from mockserver.server.connection import BODY, HEAD, IDLE, NEVER, Connection
from mockserver.server.exchange import Exchange
from mockserver.server.heads import origin_form, with_ascii_target, without_upgrade
from mockserver.server.limits import Envelope, Limits, Refusal

_REASONS = {400: "Bad Request", 408: "Request Timeout", 431: "Request Header Fields Too Large"}


class GuardedProtocol(Connection):
    """uvicorn's protocol for one connection, within `Limits`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        limits: Limits | None = None,
        envelope: Envelope = words.plain_envelope,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop, limits or Limits())
        self._envelope = envelope
        self._exact = False
        """This read may hold more head than allowed: count exactly."""
        self._fresh = True
        """No request has begun on this connection."""
        self._head_bytes = self._request_bytes = 0
        self._completed_in_read = False
        self._refusal: Refusal | None = None
        self._raw_target: bytes | None = None
        """Target of the request line just rewritten for the parser."""

    # ---- bytes in

    def data_received(self, data: bytes) -> None:
        """Feed the parser, within bounds."""
        if self._deaf:
            return
        self._unset_keepalive_if_required()
        size = len(data)
        self._exact = self._head_bytes + size > self.limits.header_bytes
        self._completed_in_read = False
        if self._phase == IDLE and not data.isascii():
            data, self._raw_target = with_ascii_target(data)
        if self._phase != BODY and (b"pgrade:" in data or b"PGRADE:" in data):
            data = without_upgrade(data)
        try:
            self._feed(data)
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause if isinstance(cause, Refusal) else Refusal(400, words.BROKEN))
            return
        if self._phase == IDLE:
            return
        if self._phase == HEAD and not self._completed_in_read:
            self._head_bytes += size
            if self._head_bytes > self.limits.header_bytes:
                self._refuse(Refusal(431, words.headers_too_large(self.limits.header_bytes)))
                return
        self._request_bytes += size
        if self._request_bytes > self.limits.raw_bytes:
            self._refuse(Refusal(400, words.framing_too_large(self.limits.raw_bytes)))

    def _feed(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as offer:
                # An offer that `without_upgrade` did not see, without a body: the next request follows.
                data = data[offer.args[0] :]

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._phase = HEAD
        self._head_bytes = self._request_bytes = 0
        if self._fresh:
            self._fresh = False
        else:
            self._set_deadline(self.limits.request_seconds)

    def on_headers_complete(self) -> None:
        """The head is whole: refuse it or hand it to the application."""
        if self.parser.should_upgrade():
            self._refuse_tunnel()
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
                raise Refusal(400, words.TWO_HOSTS)
            if version != "1.0":
                raise Refusal(400, words.NO_HOST)
        if self._exact:
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > self.limits.header_bytes:
                raise Refusal(431, words.headers_too_large(self.limits.header_bytes))
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
        # What a trailer adds goes into a list that nobody reads.
        self.headers = []
        self._phase = BODY
        # Older versions of uvicorn decide this only in their own `send`.
        self.cycle.keep_alive = version != "1.0" and self.parser.should_keep_alive()
        self._open.append(self.cycle)
        self.scope["mockserver.exchange"] = Exchange(self, self.cycle, length)  # type: ignore[typeddict-unknown-key]

    def _refuse_tunnel(self) -> None:
        """The parser takes what follows the head for another protocol: only right when nothing follows."""
        if self.parser.get_method() == b"CONNECT":
            raise Refusal(400, words.NO_TUNNEL)
        for name, value in self.headers:
            if name == b"transfer-encoding" or (name == b"content-length" and int(value)):
                raise Refusal(400, words.NO_UPGRADE)

    def on_message_complete(self) -> None:
        """The request is whole: its clock stops."""
        super().on_message_complete()
        self._phase = IDLE
        self._completed_in_read = True
        self._head_bytes = 0
        self._deadline = NEVER

    def on_response_complete(self) -> None:
        """An answer is written: the next request may take its time, or the connection ends."""
        if self._open:
            self._open.popleft()
        super().on_response_complete()
        if self._deaf and self._refusal is None:
            return
        if not self._open:
            if self._refusal is not None:
                self._write_refusal(self._refusal)
            elif self._phase == IDLE:
                self._set_deadline(self.limits.idle_seconds)
        if self.transport.is_closing() or self.unsent:
            self.expect_progress()

    # ---- refusals

    def too_slow(self) -> None:
        """A request that did not arrive in time is refused like any other that is none."""
        self._refuse(Refusal(408, words.TOO_SLOW))

    def _refuse(self, refusal: Refusal) -> None:
        """Answer what is no request, after the answers that are due before it, and listen no more."""
        self._deaf = True
        if self._phase == BODY and self._open and self.cycle is self._open[-1]:
            cycle = self._open.pop()
            cycle.disconnected = True
            cycle.message_event.set()
            if self.pipeline and self.pipeline[0][0] is cycle:
                self.pipeline.popleft()
            if cycle.response_started:
                self.transport.close()
                return
        self._refusal = refusal
        self._deadline = NEVER
        if not self._open:
            self._write_refusal(refusal)

    def _write_refusal(self, refusal: Refusal) -> None:
        self._refusal = None
        if self.transport.is_closing():
            return
        body = self._envelope("invalid_parameter", refusal.text)
        defaults = b"".join(b"%b: %b\r\n" % pair for pair in self.server_state.default_headers)
        self.transport.write(
            b"HTTP/1.1 %d %b\r\n%bcontent-type: application/json\r\ncontent-length: %d\r\n"
            b"connection: close\r\n\r\n%b"
            % (refusal.status, _REASONS[refusal.status].encode(), defaults, len(body), body)
        )
        self.linger()
