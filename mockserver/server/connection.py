"""One connection's life and time: uvicorn's httptools protocol with bounds on how long anything may take.

It knows sockets and deadlines; it must not know what a request is made of. What it adds to uvicorn:

- an unfinished request, an idle connection and an answer that nobody takes are bounded in time;
- a connection can be ended so that the client can read the answer (`linger`), or with an RST (`reset`);
- a half-closed client gets its answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import deque
from collections.abc import Callable, Sized
from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from mockserver.server.limits import Limits

IDLE, HEAD, BODY = range(3)
NEVER = float("inf")
_RST = struct.pack("ii", 1, 0)


class _Flow(FlowControl):
    """uvicorn's flow control, which reads no further while requests are queued on the connection."""

    def __init__(self, transport: asyncio.Transport, queue: Sized) -> None:
        super().__init__(transport)
        self._queue = queue

    def resume_reading(self) -> None:
        if not self._queue:
            super().resume_reading()


class Connection(HttpToolsProtocol):
    """uvicorn's protocol for one connection, within the times of `Limits`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None,
        limits: Limits,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.limits = limits
        self.on_departure: Callable[[], None] | None = None
        self._phase = IDLE
        self._deaf = self._half = False
        self._deadline = self._write_deadline = NEVER
        self._write_mark = 0
        self._watch: asyncio.TimerHandle | None = None
        self._open: deque[RequestResponseCycle] = deque()
        """Requests not yet answered, oldest first."""

    def too_slow(self) -> None:
        """A request did not arrive in time: refuse it."""
        raise NotImplementedError

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
        if self._deaf or not self._open or self._phase == BODY or self.transport.get_extra_info("sslcontext"):
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
            self._write_deadline = NEVER
        elif self.unsent >= self._write_mark:
            self.reset()
        else:
            self.expect_progress()

    def expect_progress(self) -> None:
        """What is written has to be taken, little by little, each `write_seconds`."""
        self._write_mark = self.unsent
        self._write_deadline = self.loop.time() + self.limits.write_seconds

    def _overdue(self) -> None:
        reading = self._open[-1] if self._phase == BODY and self._open else None
        answering = self._open and self._open[0] is not reading
        self._set_deadline(self.limits.linger_seconds)
        if self._half or self._deaf:
            self.transport.close()
            self.expect_progress()
        elif answering:
            # An earlier request is still being answered: not the client's fault.
            self._set_deadline(self.limits.request_seconds)
        elif self._phase != IDLE:
            self.too_slow()
        elif not self.unsent:
            self.transport.close()

    def pause_writing(self) -> None:
        """The client reads slower than we write."""
        super().pause_writing()
        self.expect_progress()

    def resume_writing(self) -> None:
        """The client caught up."""
        super().resume_writing()
        self._write_deadline = NEVER
