"""One connection: answers its requests in order, and limits how long a client can occupy it.

- An unfinished request, an idle connection and a response that the client does not read are limited in time.
- While several requests are queued, nothing more is read.
- A client that has closed its sending side still gets its responses.
- A connection is closed so that the client can still read the response (`linger`), or with a TCP reset (`reset`).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import socket
import struct
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, cast

from mockserver.core.http import PLAIN, Request
from mockserver.server import wsgi
from mockserver.server.api import FastPath, status_line
from mockserver.server.limits import Refusal
from mockserver.server.playback import PIECE, play_events
from mockserver.server.request_parser import BODY, IDLE, IncomingRequest, RequestParser
from mockserver.server.service import Service
from mockserver.server.wsgi import HTTPResponse

log = logging.getLogger("mockserver.transport")

NEVER = float("inf")
_LINGER_ZERO = struct.pack("ii", 1, 0)


class Connection(asyncio.Protocol):
    """The server's side of one connection."""

    transport: asyncio.Transport

    def __init__(self, service: Service) -> None:
        self._service = service
        self._loop, self._limits = service.loop, service.limits
        self._parser = RequestParser(service.limits)
        self._queue: deque[IncomingRequest | Refusal] = deque()
        self._task: asyncio.Task[None] | None = None
        self._suspended = False  # Whether a request without a task waits for a shared store.
        self._environ: dict[str, Any] = {}
        self._reading = True
        self._closing = self._lingering = self._half_closed = False
        self._deadline = self._write_deadline = NEVER
        self._unsent_before = 0
        self._writable = asyncio.Event()
        self._writable.set()
        self.on_disconnect: Callable[[], object] | None = None  # Called when the client disconnects.

    @property
    def busy(self) -> bool:
        """Whether a response is due, or written but not yet read by the client."""
        return self._due or self.unsent > 0

    @property
    def _due(self) -> bool:
        return self._answering or self._parser.phase == BODY

    @property
    def _answering(self) -> bool:
        return self._task is not None or self._suspended

    @property
    def unsent(self) -> int:
        """The number of written bytes that the kernel has not accepted yet."""
        try:
            return self.transport.get_write_buffer_size()
        except AttributeError:
            # asyncio's TLS transport after an abort.
            return 0

    @property
    def disconnected(self) -> bool:
        """Whether the connection is closing or closed, so that nothing more can be sent."""
        return self.transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the time limit of the first request."""
        # uvloop's transports are not subclasses of asyncio's.
        self.transport = cast("asyncio.Transport", transport)
        self._service.connections.add(self)
        server, client = (transport.get_extra_info(name) or ("", 0) for name in ("sockname", "peername"))
        self._environ = wsgi.connection_environ(self._service.scheme, server, client)
        self._set_deadline(self._limits.request_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Release everything that belongs to the connection."""
        self._service.connections.discard(self)
        self._queue.clear()
        self._parser.close()
        self._writable.set()
        if self.on_disconnect is not None:
            self.on_disconnect()

    def data_received(self, data: bytes) -> None:
        """Parse the bytes and answer the requests that they complete."""
        started = self._parser.started
        items = self._parser.feed(data)
        if len(items) != 1 or self._answering or not self._answer_now(items[0]):
            self._answer_later(items)
        if self._parser.phase != IDLE:
            # The time limit of the first request starts when the connection is opened.
            if self._parser.started > max(started, 1):
                self._set_deadline(self._limits.request_seconds)
            self._send_continue()

    def eof_received(self) -> bool:
        """Keep the connection open for responses that are due. TLS connections cannot be half-closed."""
        unfinished = self._parser.phase == BODY or not self._answering
        if self._lingering or unfinished or self.transport.get_extra_info("sslcontext"):
            return False
        self._half_closed = self._closing = True
        self._set_deadline(self._limits.linger_seconds)
        return True

    def pause_writing(self) -> None:
        """Start the write time limit: the client reads more slowly than the server writes."""
        self._writable.clear()
        self.start_write_deadline()

    def resume_writing(self) -> None:
        """Clear the write time limit: the client has caught up."""
        self._writable.set()
        self._write_deadline = NEVER

    def _answer_later(self, items: Sequence[IncomingRequest | Refusal]) -> None:
        if not items:
            return
        self._deadline = NEVER
        self._queue.extend(items)
        if not self._answering:
            self._answer_queue()
        if len(self._queue) > 1:
            self._set_reading(False)

    def _answer_queue(self) -> None:
        self._task = self._loop.create_task(self._answer_all())
        self._service.tasks.add(self._task)
        self._task.add_done_callback(self._service.tasks.discard)

    def _answer_now(self, request: IncomingRequest | Refusal) -> bool:
        """Answer an API request without a task if nothing delays its response. Return whether it has been answered."""
        api = self._service.api
        if api is None or type(request) is not IncomingRequest or request.hint or not self._writable.is_set():
            return False
        if self._service.spawn is not None:
            parsed = api.parse(request)
            if parsed is None:
                return False
            self._suspended, self._deadline = True, NEVER
            self._service.spawn(functools.partial(self._answer_suspended, api, request, parsed))
            return True
        call = request.call = api.accept(request)
        if call is None or api.takes_long(call):
            return False
        request.response = api.answer(call)
        return self._deliver_now(request, request.response)

    def _answer_suspended(self, api: FastPath, request: IncomingRequest, parsed: Request) -> None:
        """Answer a request that may have to wait for a shared store; later requests wait in the queue."""
        response = request.response = api.handle(parsed)
        self._suspended = False
        if not (self.disconnected or self._deliver_now(request, response)):
            self._queue.appendleft(request)
        if self._queue:
            self._answer_queue()

    def _deliver_now(self, request: IncomingRequest, response: HTTPResponse) -> bool:
        """Send a response unless that needs a task. Return whether it has been sent."""
        if response.delivery is not PLAIN or not request.complete or len(response.body) > PIECE:
            return False
        keep = request.keep_alive and not self._ends
        self.transport.write(b"".join(self._service.render(request, response, keep)))
        if not keep:
            self.transport.close()
        now, unsent = self._loop.time(), self.unsent
        if self._parser.phase == IDLE:
            self._deadline = now + self._limits.idle_seconds
        if unsent:
            self._unsent_before, self._write_deadline = unsent, now + self._limits.write_seconds
        return True

    async def _answer_all(self) -> None:
        """Answer the queued requests in order."""
        try:
            while self._queue and not self.disconnected:
                item = self._queue.popleft()
                if not self._queue:
                    self._set_reading(True)
                if isinstance(item, Refusal):
                    self._refuse(item)
                else:
                    await self._answer(item)
                if self._queue:
                    await asyncio.sleep(0)
        except asyncio.CancelledError:
            # Only a stop that has reached its time limit cancels; the connection is already aborted.
            self.transport.close()
        except Exception:
            log.exception("a response could not be sent")
            self.transport.close()
        finally:
            self._task = None
        if self._parser.phase == IDLE and not self._lingering:
            self._set_deadline(self._limits.idle_seconds)
        if self.disconnected or self.unsent:
            self.start_write_deadline()
        self._send_continue()

    async def _answer(self, request: IncomingRequest) -> None:
        service = self._service
        # Do not work for a client that sends requests without reading the responses.
        await self.drain()
        if request.hint:
            service.client_log.warn(self._environ["REMOTE_ADDR"], request.hint)
        response = request.response or await service.respond(request, self, self._environ)
        if self.disconnected:
            return
        plan = response.delivery
        keep = request.keep_alive and request.complete and plan.close_after is None and not self._ends
        keep = keep and response.stream is None
        head, body = service.render(request, response, keep)
        if response.stream is not None:
            await play_events(self, head, response.stream, service.stopping, service.threads if service.spawn else None)
        elif plan == PLAIN and len(body) <= PIECE:
            self.transport.write(head + body)
        else:
            keep = await service.playbacks.play(self, head, body, plan, response.appkey) and keep
        if not request.complete:
            self.linger()
        elif not keep or self._ends:
            self.transport.close()

    @property
    def _ends(self) -> bool:
        """Whether the current response is the last one."""
        return self._closing and not self._queue

    def refuse(self, refusal: Refusal) -> None:
        """Refuse the request that is being read, after those before it are answered, and ignore what follows."""
        if not self._parser.done:
            self._answer_later(self._parser.refuse(refusal))

    def _refuse(self, refusal: Refusal) -> None:
        self._service.client_log.warn(self._environ["REMOTE_ADDR"], refusal.text)
        body = self._service.envelope("invalid_parameter", refusal.text)
        response = HTTPResponse(status_line(refusal.status), [("content-type", "application/json")], body)
        self.transport.write(b"".join(wsgi.render(response, "GET", keep=False)))
        self.linger()

    def _send_continue(self) -> None:
        """Send `100 Continue` if the client waits for it and no earlier request is being answered."""
        if self._parser.expects_100 and not self._answering and not self.disconnected:
            self._parser.expects_100 = False
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _set_reading(self, reading: bool) -> None:
        if reading is not self._reading and not self.transport.is_closing():
            self._reading = reading
            if reading:
                self.transport.resume_reading()
            else:
                self.transport.pause_reading()

    async def drain(self, *, completely: bool = False) -> None:
        """Wait until the client has read enough (or all) of what was written, or has disconnected."""
        if not self._writable.is_set():
            await self._writable.wait()
        if completely:
            self.start_write_deadline()
        while completely and not self.disconnected and self.unsent:
            await asyncio.sleep(0.01)

    def shutdown(self) -> None:
        """Close the connection when the server stops: at once if idle, otherwise after the due responses."""
        if self._due:
            self._closing = True
        else:
            self.transport.close()

    def linger(self) -> None:
        """Ignore further input, close the sending side, and close the connection after `linger_seconds`.

        Closing a socket with unread bytes sends an RST, which may destroy the response before the client
        reads it.
        """
        self._lingering = True
        if self.transport.is_closing():
            return
        # OSError: the client has reset the connection.
        with contextlib.suppress(OSError):
            if self.transport.can_write_eof():
                self.transport.write_eof()
        self._set_reading(True)
        self._set_deadline(self._limits.linger_seconds)

    def reset(self) -> None:
        """End the connection with an RST: with SO_LINGER 0 the kernel sends one and drops unsent data."""
        sock = self.transport.get_extra_info("socket")
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self.transport.abort()

    def _set_deadline(self, seconds: float) -> None:
        self._deadline = self._loop.time() + seconds

    def start_write_deadline(self) -> None:
        """Require the client to read some of what was written within `write_seconds`."""
        self._unsent_before = self.unsent
        self._write_deadline = self._loop.time() + self._limits.write_seconds

    def check_deadlines(self, now: float) -> None:
        """End the connection if a time limit is exceeded. Called every `check_seconds`."""
        if self._write_deadline <= now:
            self._check_writing()
        if self._deadline <= now:
            self._check_reading()

    def _check_writing(self) -> None:
        """Reset the connection if the client has read nothing for `write_seconds`."""
        if not self.unsent and not self.disconnected:
            self._write_deadline = NEVER
        elif self.unsent >= self._unsent_before:
            self.reset()
        else:
            self.start_write_deadline()

    def _check_reading(self) -> None:
        self._set_deadline(self._limits.linger_seconds)
        if self._half_closed or self._lingering:
            self.transport.close()
            self.start_write_deadline()
        elif self._answering:
            # The response to an earlier request is still due, so the delay is not the client's.
            self._set_deadline(self._limits.request_seconds)
        elif self._parser.phase != IDLE:
            self.refuse(Refusal(408, "request_timeout"))
        elif not self.unsent:
            self.transport.close()
