"""The state that all connections of one run of the server share."""

from __future__ import annotations

import asyncio
import functools
import logging
import re
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mockserver.server import wsgi
from mockserver.server.api import FastPath
from mockserver.server.limits import ClientLog, Envelope, Limits
from mockserver.server.playback import Playbacks
from mockserver.server.request_parser import IncomingRequest
from mockserver.server.wsgi import HTTPResponse

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from mockserver.server.connection import Connection

log = logging.getLogger("mockserver.transport")

_HEAVY = re.compile(r"/__admin/(requests(/find|/verify)?|coverage|report|calls|console(/(data|requests|report))?)/?")
"""Paths whose requests read a whole journal or day, which may keep a processor busy for a second."""


@dataclass(kw_only=True, slots=True)
class Service:
    """How requests are answered, and the open connections and tasks."""

    loop: asyncio.AbstractEventLoop
    app: WSGIApplication
    api: FastPath | None  # Answers API requests without WSGI.
    scheme: str
    limits: Limits
    inline: Callable[[str], bool]  # Whether WSGI requests to this path are fast enough for the event loop's thread.
    threads: Executor  # Runs everything that takes longer.
    few_threads: Executor  # Runs the heavy requests. Many threads that compute would stop the event loop for seconds.
    spawn: Callable[[Callable[[], object]], None] | None = None
    """Runs a request that may wait for a shared store, without blocking others; None if none waits."""
    envelope: Envelope
    playbacks: Playbacks
    client_log: ClientLog
    on_stop: Callable[[], object]  # Called at a stop, after the last connection was accepted.
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    forced: asyncio.Event = field(default_factory=asyncio.Event)
    """`stopping` is set when the server stops, `forced` if it must not wait for requests in flight."""
    connections: set[Connection] = field(default_factory=set)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    """One task for each connection with unanswered requests."""

    async def respond(
        self, request: IncomingRequest, connection: Connection, connection_environ: dict[str, Any]
    ) -> HTTPResponse:
        """Return the response of the API or, for all other requests, of the WSGI application."""
        api, parsed = self.api, self.api.parse(request) if self.api else None
        if api is not None and parsed is not None:
            if self.spawn is not None:
                return await self._suspend(self.spawn, functools.partial(api.handle, parsed))
            call = request.call or api.accept(request)
            assert call is not None
            if api.takes_long(call):
                return await self.loop.run_in_executor(self.threads, api.answer, call)
            return api.answer(call)
        environ = wsgi.make_environ(connection_environ, request)
        answer = functools.partial(wsgi.call, self.app, environ, self.envelope)
        if not self.inline(environ["PATH_INFO"]):
            threads = self.few_threads if _HEAVY.fullmatch(environ["PATH_INFO"]) else self.threads
            response = await self.loop.run_in_executor(threads, answer)
            if wsgi.WAIT in environ:
                await self._wait(connection, *environ.pop(wsgi.WAIT))
                if connection.disconnected:
                    return response
                environ[wsgi.WAITED] = True
                response = await self.loop.run_in_executor(threads, answer)
            return response
        return await self._suspend(self.spawn, answer) if self.spawn else answer()

    async def _wait(
        self, connection: Connection, future: Future[None], seconds: float, after: Callable[[], object]
    ) -> None:
        """Wait without a thread until a request can be answered or its client has disconnected."""
        waiting = asyncio.wrap_future(future)
        connection.on_disconnect = waiting.cancel
        if connection.disconnected:
            waiting.cancel()
        try:
            await asyncio.wait({waiting}, timeout=seconds)
        finally:
            connection.on_disconnect = None
            after()

    async def _suspend(
        self, spawn: Callable[[Callable[[], object]], None], answer: Callable[[], HTTPResponse]
    ) -> HTTPResponse:
        """Return a response that may have to wait for a shared store."""
        response: asyncio.Future[HTTPResponse] = self.loop.create_future()

        def run() -> None:
            answered = answer()
            if not response.done():
                response.set_result(answered)

        spawn(run)
        return await response

    def render(self, request: IncomingRequest, response: HTTPResponse, keep: bool) -> tuple[bytes, bytes]:
        """Return head and body as sent; an internal error if the response cannot be sent."""
        try:
            return wsgi.render(response, request.method, keep=keep)
        except ValueError:
            log.exception("the response to %s cannot be sent", request.target.decode("latin-1"))
            failed = wsgi.error_response(self.envelope)
            return wsgi.render(failed._replace(delivery=response.delivery), request.method, keep=keep)
