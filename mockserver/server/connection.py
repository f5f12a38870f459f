"""One connection: uvicorn's protocol with time limits, and the `Exchange` that writes one response to it.

What it adds to uvicorn:

- an unfinished request, an idle connection and a response that the client does not read are limited in time;
- a connection can be ended so that the client can still read the response (`linger`), or with a TCP reset
  (`reset`);
- a client that has closed its sending side still gets its response.
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
"""What of a request the connection is reading: nothing, its head, or its body."""
NEVER = float("inf")
_LINGER_ZERO = struct.pack("ii", 1, 0)


class _Flow(FlowControl):
    """uvicorn's flow control, except that it does not resume reading while requests are queued."""

    def __init__(self, transport: asyncio.Transport, queue: Sized) -> None:
        super().__init__(transport)
        self._queue = queue

    def resume_reading(self) -> None:
        if not self._queue:
            super().resume_reading()


class Connection(HttpToolsProtocol):
    """uvicorn's protocol for one connection, with the time limits of `Limits`."""

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
        self.on_disconnect: Callable[[], None] | None = None
        self._phase = IDLE
        self._ignores_input = self._half_closed = False
        self._deadline = self._write_deadline = NEVER
        self._unsent_before = 0
        self._timer: asyncio.TimerHandle | None = None
        self._pending: deque[RequestResponseCycle] = deque()
        """Requests without a complete response, oldest first."""

    def on_request_timeout(self) -> None:
        """Refuse a request that did not arrive in time."""
        raise NotImplementedError

    @property
    def busy(self) -> bool:
        """Whether a response is due, or written and not yet read."""
        return bool(self._pending or self.unsent)

    @property
    def unsent(self) -> int:
        """The number of written bytes that the kernel has not taken yet."""
        try:
            return self.transport.get_write_buffer_size()
        except AttributeError:
            # asyncio's TLS transport after an abort.
            return 0

    # ---- opening and closing

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the time limit of the first request."""
        super().connection_made(transport)
        self.flow = _Flow(transport, self.pipeline)
        self._set_deadline(self.limits.request_seconds)
        self._schedule_check()

    def connection_lost(self, exc: Exception | None) -> None:
        """Release everything that belongs to the connection."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for cycle in self._pending:
            cycle.disconnected = True
            cycle.message_event.set()
        self.pipeline.clear()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)
        if self.on_disconnect is not None:
            self.on_disconnect()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the connection open for responses that are due. TLS connections cannot be half-closed."""
        if (
            self._ignores_input
            or not self._pending
            or self._phase == BODY
            or self.transport.get_extra_info("sslcontext")
        ):
            return False
        self._half_closed = True
        self._pending[-1].keep_alive = False
        self._set_deadline(self.limits.linger_seconds)
        return True

    def shutdown(self) -> None:
        """Close the connection at a stop: at once if idle, otherwise after the responses that are due."""
        if self._pending:
            self._pending[-1].keep_alive = False
        else:
            self.transport.close()

    def linger(self) -> None:
        """Ignore further input, close the sending side, and close the connection after `linger_seconds`.

        Closing a socket with unread bytes sends an RST, which may destroy the response before the client
        reads it.
        """
        self._ignores_input = True
        if self.transport.is_closing():
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self._set_deadline(self.limits.linger_seconds)
        self._schedule_check()

    def reset(self) -> None:
        """End the connection with an RST: with SO_LINGER 0 the kernel sends one and drops unsent data."""
        sock = self.transport.get_extra_info("socket")
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self.transport.abort()

    # ---- time limits

    def _set_deadline(self, seconds: float) -> None:
        self._deadline = self.loop.time() + seconds

    def _schedule_check(self) -> None:
        """Schedule the next check of the deadlines: one timer per connection, not one per request."""
        if self._timer is not None:
            self._timer.cancel()
        due = min(self._deadline, self._write_deadline) - self.loop.time()
        delay = max(0.0, min(due, self.limits.check_seconds))
        self._timer = self.loop.call_later(delay, self._check_deadlines)

    def _check_deadlines(self) -> None:
        now = self.loop.time()
        if self._write_deadline <= now:
            self._on_write_deadline()
        if self._deadline <= now:
            self._on_read_deadline()
        self._schedule_check()

    def _on_write_deadline(self) -> None:
        """Reset the connection if the client has read nothing for `write_seconds`."""
        if not self.unsent and not self.transport.is_closing():
            self._write_deadline = NEVER
        elif self.unsent >= self._unsent_before:
            self.reset()
        else:
            self.start_write_deadline()

    def start_write_deadline(self) -> None:
        """Require the client to read some of what is written within `write_seconds`."""
        self._unsent_before = self.unsent
        self._write_deadline = self.loop.time() + self.limits.write_seconds

    def _on_read_deadline(self) -> None:
        reading = self._pending[-1] if self._phase == BODY and self._pending else None
        responding = self._pending and self._pending[0] is not reading
        self._set_deadline(self.limits.linger_seconds)
        if self._half_closed or self._ignores_input:
            self.transport.close()
            self.start_write_deadline()
        elif responding:
            # The response to an earlier request is still due: the client is not to blame.
            self._set_deadline(self.limits.request_seconds)
        elif self._phase != IDLE:
            self.on_request_timeout()
        elif not self.unsent:
            self.transport.close()

    def pause_writing(self) -> None:
        """Start the write time limit: the client reads slower than the server writes."""
        super().pause_writing()
        self.start_write_deadline()

    def resume_writing(self) -> None:
        """Clear the write time limit: the client has caught up."""
        super().resume_writing()
        self._write_deadline = NEVER


class Exchange:
    """One request and its response, written through this object and not through uvicorn's cycle."""

    __slots__ = ("_connection", "_cycle", "declared_length", "expects_100")

    def __init__(self, connection: Connection, cycle: RequestResponseCycle, declared_length: int) -> None:
        self._connection, self._cycle = connection, cycle
        self.declared_length = declared_length
        """Content-Length of the request, 0 without one."""
        self.expects_100 = cycle.waiting_for_100_continue
        """Whether the client waits for `100 Continue` before it sends the body."""

    @property
    def keep_alive(self) -> bool:
        """Whether the connection may serve another request."""
        return self._cycle.keep_alive

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        """The headers of every response."""
        return self._cycle.default_headers

    @property
    def disconnected(self) -> bool:
        """Whether nothing written would arrive any more."""
        return self._cycle.disconnected or self._connection.transport.is_closing()

    @property
    def write_paused(self) -> bool:
        """Whether earlier responses on this connection are still unread."""
        return self._connection.flow.write_paused

    def write(self, data: bytes) -> None:
        """Queue bytes for sending."""
        self._cycle.response_started = True
        self._connection.transport.write(data)

    async def drain(self, *, completely: bool = False) -> None:
        """Wait until the client has read enough (or all) of what was written, or is disconnected."""
        if self._connection.flow.write_paused:
            await self._connection.flow.drain()
        if completely:
            self._connection.start_write_deadline()
        while completely and not self.disconnected and self._connection.unsent:
            await asyncio.sleep(0.01)

    def on_disconnect(self, callback: Callable[[], None] | None) -> None:
        """Call `callback` when the client disconnects."""
        self._connection.on_disconnect = callback

    def reset(self) -> None:
        """End the connection with an RST."""
        self._connection.reset()

    def end(self, *, keep: bool) -> None:
        """End the response, complete or not; keep or close the connection."""
        self._complete()
        if not keep:
            self._connection.transport.close()
        self._cycle.on_response()

    def end_lingering(self) -> None:
        """End the response while the client is still sending, and close so that it can read the response."""
        self._complete()
        self._connection.linger()
        self._cycle.on_response()

    def _complete(self) -> None:
        self._cycle.response_started = self._cycle.response_complete = True
        self._cycle.message_event.set()
