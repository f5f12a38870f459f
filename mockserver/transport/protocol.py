"""Guards one connection: uvicorn's httptools protocol, with bounds on bytes and time and our own refusals.

It knows HTTP framing and sockets; it must not know what a request asks for. What it adds to uvicorn:

- a head over `header_bytes`, a missing or doubled Host, CONNECT, and whatever the parser rejects are answered
  with a JSON envelope (400, 408, 431), and the connection ends in such a way that the client can read it;
- an unfinished request, an idle connection and an answer that nobody takes are bounded in time;
- targets that the parser refuses (raw bytes over 0x7f, absolute without a path) reach the application;
- trailers cannot add headers, an offered protocol upgrade is ignored, a half-closed client gets its answer;
- the `Exchange` put into each ASGI scope lets the answer be written, cut, or replaced by an RST.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import deque
from collections.abc import Callable, Sized
from typing import Any
from urllib.parse import quote_from_bytes

import httptools
from uvicorn import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from mockserver.transport import limits as words
from mockserver.transport.exchange import Exchange
from mockserver.transport.heads import origin_form, with_ascii_target, without_upgrade
from mockserver.transport.limits import Envelope, Limits, Refusal

_IDLE, _HEAD, _BODY = range(3)
_NEVER = float("inf")
_RST = struct.pack("ii", 1, 0)
_REASONS = {400: "Bad Request", 408: "Request Timeout", 431: "Request Header Fields Too Large"}


class _Flow(FlowControl):
    """uvicorn's flow control, which reads no further while requests are queued on the connection."""

    def __init__(self, transport: asyncio.Transport, queue: Sized) -> None:
        super().__init__(transport)
        self._queue = queue

    def resume_reading(self) -> None:
        if not self._queue:
            super().resume_reading()


class GuardedProtocol(HttpToolsProtocol):
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
        super().__init__(config, server_state, app_state, _loop)
        self.limits = limits or Limits()
        self.on_departure: Callable[[], None] | None = None
        self._envelope = envelope
        self._phase = _IDLE
        self._exact = False
        """This read may hold more head than allowed: count exactly."""
        self._fresh = True
        """No request has begun on this connection."""
        self._head_bytes = self._request_bytes = 0
        self._completed_in_read = False
        self._deaf = self._half = False
        self._deadline = self._write_deadline = _NEVER
        self._write_mark = 0
        self._watch: asyncio.TimerHandle | None = None
        self._open: deque[RequestResponseCycle] = deque()
        """Requests not yet answered, oldest first."""
        self._refusal: Refusal | None = None
        self._raw_target: bytes | None = None
        """Target of the request line just rewritten for the parser."""

    @property
    def busy(self) -> bool:
        """Whether an answer is due, or written and not yet taken."""
        return bool(self._open or self.unsent)

    @property
    def unsent(self) -> int:
        """Bytes written that the kernel has not taken yet."""
        try:
            return self.transport.get_write_buffer_size()
        except AttributeError:
            # asyncio's TLS transport after an abort.
            return 0

    # ---- the connection's life

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client came: its first request is due."""
        super().connection_made(transport)
        self.flow = _Flow(transport, self.pipeline)
        self._set_deadline(self.limits.request_seconds)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection ended: nothing of it may stay behind."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        for cycle in self._open:
            cycle.disconnected = True
            cycle.message_event.set()
        self.pipeline.clear()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)
        if self.on_departure is not None:
            self.on_departure()

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client sends no more: it may still read what it asked for (not over TLS, which has no half)."""
        if (
            self._deaf
            or not self._open
            or self._phase == _BODY
            or self.transport.get_extra_info("sslcontext")
        ):
            return False
        self._half = True
        self._open[-1].keep_alive = False
        self._set_deadline(self.limits.linger_seconds)
        return True

    def shutdown(self) -> None:
        """The server stops: close when idle, else after the answers that are due."""
        if self._open:
            self._open[-1].keep_alive = False
        else:
            self.transport.close()

    def linger(self) -> None:
        """Stop listening, tell the client so, and close a little later.

        A close with unread bytes would be an RST, which may destroy the answer before the client has read it.
        """
        self._deaf = True
        if self.transport.is_closing():
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self._set_deadline(self.limits.linger_seconds)
        self._arm()

    def reset(self) -> None:
        """End with an RST: SO_LINGER 0 makes the kernel send one, and forget what it still holds."""
        sock = self.transport.get_extra_info("socket")
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST)
        self.transport.abort()

    # ---- time

    def _set_deadline(self, seconds: float) -> None:
        self._deadline = self.loop.time() + seconds

    def _arm(self) -> None:
        """Look again when something may be due: one timer a connection, not one a request."""
        if self._watch is not None:
            self._watch.cancel()
        due = min(self._deadline, self._write_deadline) - self.loop.time()
        self._watch = self.loop.call_later(max(0.0, min(due, self.limits.watch_seconds)), self._look)

    def _look(self) -> None:
        now = self.loop.time()
        if self._write_deadline <= now:
            self._stalled()
        if self._deadline <= now:
            self._overdue()
        self._arm()

    def _stalled(self) -> None:
        """A client that took nothing of its answer for `write_seconds` gets no more of it."""
        if not self.unsent and not self.transport.is_closing():
            self._write_deadline = _NEVER
        elif self.unsent >= self._write_mark:
            self.reset()
        else:
            self.expect_progress()

    def expect_progress(self) -> None:
        """What is written has to be taken, little by little, each `write_seconds`."""
        self._write_mark = self.unsent
        self._write_deadline = self.loop.time() + self.limits.write_seconds

    def _overdue(self) -> None:
        reading = self._open[-1] if self._phase == _BODY and self._open else None
        answering = self._open and self._open[0] is not reading
        self._set_deadline(self.limits.linger_seconds)
        if self._half or self._deaf:
            self.transport.close()
            self.expect_progress()
        elif answering:
            # An earlier request is still being answered: not the client's fault.
            self._set_deadline(self.limits.request_seconds)
        elif self._phase != _IDLE:
            self._refuse(Refusal(408, words.TOO_SLOW))
        elif not self.unsent:
            self.transport.close()

    def pause_writing(self) -> None:
        """The client reads slower than we write."""
        super().pause_writing()
        self.expect_progress()

    def resume_writing(self) -> None:
        """The client caught up."""
        super().resume_writing()
        self._write_deadline = _NEVER

    # ---- bytes in

    def data_received(self, data: bytes) -> None:
        """Feed the parser, within bounds."""
        if self._deaf:
            return
        self._unset_keepalive_if_required()
        size = len(data)
        self._exact = self._head_bytes + size > self.limits.header_bytes
        self._completed_in_read = False
        if self._phase == _IDLE and not data.isascii():
            data, self._raw_target = with_ascii_target(data)
        if self._phase != _BODY and (b"pgrade:" in data or b"PGRADE:" in data):
            data = without_upgrade(data)
        try:
            self._feed(data)
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause if isinstance(cause, Refusal) else Refusal(400, words.BROKEN))
            return
        if self._phase == _IDLE:
            return
        if self._phase == _HEAD and not self._completed_in_read:
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
        self._phase = _HEAD
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
        self._phase = _BODY
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
        self._phase = _IDLE
        self._completed_in_read = True
        self._head_bytes = 0
        self._deadline = _NEVER

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
            elif self._phase == _IDLE:
                self._set_deadline(self.limits.idle_seconds)
        if self.transport.is_closing() or self.unsent:
            self.expect_progress()

    # ---- refusals

    def _refuse(self, refusal: Refusal) -> None:
        """Answer what is no request, after the answers that are due before it, and listen no more."""
        self._deaf = True
        if self._phase == _BODY and self._open and self.cycle is self._open[-1]:
            cycle = self._open.pop()
            cycle.disconnected = True
            cycle.message_event.set()
            if self.pipeline and self.pipeline[0][0] is cycle:
                self.pipeline.popleft()
            if cycle.response_started:
                self.transport.close()
                return
        self._refusal = refusal
        self._deadline = _NEVER
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
