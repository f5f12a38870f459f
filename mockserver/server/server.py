"""The server: binds a port, serves one WSGI application on it, and stops without leaving anything behind.

`Server` owns threads and addresses; a `_Run` is everything that exists between one start and its stop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import formatdate
from types import TracebackType
from typing import TYPE_CHECKING, cast

from uvicorn import Config
from uvicorn.server import ServerState

from mockserver.core.machine_time import machine_time
from mockserver.server.asgi import Inline, WSGIBridge
from mockserver.server.event_loop import fast_loop, on_loop_error
from mockserver.server.limits import Envelope, Limits, plain_envelope
from mockserver.server.listener import Listener, bind, raise_process_limits, stop_signals
from mockserver.server.playback import Playbacks, Predicate, Timer
from mockserver.server.processes import give_up, register, require_threads
from mockserver.server.protocol import HttpProtocol
from mockserver.server.tls import TLS

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = logging.getLogger("mockserver.transport")

_GRACE_SECONDS = 0.25
"""How long idle clients may take at a stop to answer the close (TLS has a closing handshake)."""


def is_fast_path(path: str) -> bool:
    """Whether requests to `path` run in the event loop's thread: API requests do, admin requests do not."""
    return not path.startswith("/__admin")


@dataclass(frozen=True, slots=True)
class _Options:
    app: WSGIApplication
    tls: TLS | None
    limits: Limits
    inline: Inline
    threads: int
    envelope: Envelope
    on_stop: Callable[[], object]
    timer: Timer | None


class Server:
    """Serves one WSGI application: in a background thread (`start`, `stop`, `with`) or in this one (`run`).

    Port 0 picks a free one. Requests whose path meets `inline` run in the event loop's thread, all others in
    at most `threads` threads. `on_stop` is called at a stop, after the last connection was accepted, to end
    what requests wait for. A stopped server can be started again.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        limits: Limits | None = None,
        tls: TLS | None = None,
        inline: Inline = is_fast_path,
        threads: int = 160,
        envelope: Envelope = plain_envelope,
        on_stop: Callable[[], object] = lambda: None,
        timer: Timer | None = None,
        new_loop: Callable[[], asyncio.AbstractEventLoop] = fast_loop,
    ) -> None:
        self._host, self._configured_port, self._new_loop = host, port, new_loop
        self._options = _Options(app, tls, limits or Limits(), inline, threads, envelope, on_stop, timer)
        self._port = 0
        self._thread: threading.Thread | None = None
        self._run: _Run | None = None

    @property
    def port(self) -> int:
        """The port in use; before the start, the configured one."""
        return self._port or self._configured_port

    @property
    def url(self) -> str:
        """The URL for clients on this machine, without a trailing slash."""
        # Addresses to connect to, not to bind.
        local = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # nosec B104
        host = local.get(self._host, self._host)
        scheme = "https" if self._options.tls else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def connections(self) -> int:
        """The number of open connections."""
        run = self._run
        return len(run.connections) if run else 0

    @property
    def pending(self) -> int:
        """The number of responses that are being delayed, sent slowly, or withheld."""
        run = self._run
        return len(run.playbacks) if run else 0

    def release(self, predicate: Predicate | None = None) -> int:
        """End delays and hangs at once, all or those whose environ meets `predicate`; from any thread.

        A delayed response is sent, a hanging connection is closed. Returns how many responses were released.
        """
        run = self._run
        return run.playbacks.release(predicate) if run else 0

    def start(self) -> Server:
        """Serve in a background thread; return when clients can connect.

        Raise ConfigurationError if the port is in use, the host is not an address of this machine, or gevent or
        eventlet has replaced the threads of this process.
        """
        if self._thread is not None:
            raise RuntimeError("the server is running")
        require_threads()
        sock = self._bind()
        ready = threading.Event()
        failure: list[BaseException] = []
        self._thread = threading.Thread(
            target=self._serve_in_thread,
            args=(sock, ready, failure),
            name=f"mockserver:{self._port}",
            daemon=True,
        )
        self._thread.start()
        ready.wait()
        if failure:
            self._thread.join()
            self._thread = None
            raise failure[0]
        return self

    def stop(self, *, force: bool = False) -> None:
        """Finish requests in flight, release delayed responses, close the rest; `force`: without waiting."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._request_stop(force)
        thread.join()

    def forget_parent(self) -> None:
        """In a forked child: be a server that was not started. Its URL stays that of the parent's."""
        run, self._run, self._thread = self._run, None, None
        if run is not None:
            give_up(run.descriptors())

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def run(self, on_ready: Callable[[str], object] | None = None) -> None:
        """Serve in this, the main thread, until SIGTERM or SIGINT; a second signal stops without waiting.

        `on_ready` is called with the URL when clients can connect. Raises ConfigurationError as `start` does.
        """
        require_threads()
        sock = self._bind()
        with stop_signals(self._request_stop) as received:

            def ready() -> None:
                if received:
                    # The signal came before there was anything to stop.
                    self._request_stop()
                elif on_ready is not None:
                    on_ready(self.url)

            raise_process_limits()
            self._serve(sock, ready)

    def _serve_in_thread(
        self, sock: socket.socket, ready: threading.Event, failure: list[BaseException]
    ) -> None:
        try:
            self._serve(sock, ready.set)
        except BaseException as error:
            if ready.is_set():
                log.exception("the server failed")
            failure.append(error)
        finally:
            ready.set()

    def _serve(self, sock: socket.socket, on_ready: Callable[[], object]) -> None:
        loop = self._new_loop()
        loop.set_exception_handler(on_loop_error)
        try:
            self._run = _Run(loop, self._options)
            register(self)
            loop.run_until_complete(self._run.serve(sock, on_ready))
        finally:
            self._run = None
            self._port = 0
            sock.close()
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    def _request_stop(self, force: bool = False) -> None:
        run = self._run
        if run is not None:
            run.stop(force)

    def _bind(self) -> socket.socket:
        sock = bind(self._host, self._configured_port)
        self._port = sock.getsockname()[1]
        return sock


class _Run:
    """One run of a server. Lives in the event loop's thread, except `stop` and `playbacks.release`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, options: _Options) -> None:
        self.loop, self._options = loop, options
        self.playbacks = Playbacks(loop, options.timer)
        self._state = ServerState()
        self._stopping, self._forced = asyncio.Event(), asyncio.Event()
        self._listener: Listener | None = None

    @property
    def connections(self) -> set[HttpProtocol]:
        """The open connections."""
        return cast("set[HttpProtocol]", self._state.connections)

    def descriptors(self) -> list[int]:
        """Return the descriptors of all sockets, those that listen and those of clients."""
        sockets = [] if self._listener is None else self._listener.sockets()
        sockets += [connection.transport.get_extra_info("socket") for connection in self.connections]
        return [sock.fileno() for sock in sockets if sock is not None]

    def stop(self, force: bool = False) -> None:
        """Request the end, from any thread. `force`: without waiting for requests in flight."""
        with contextlib.suppress(RuntimeError):
            # RuntimeError: the loop was closed in the meantime.
            self.loop.call_soon_threadsafe(self._stopping.set)
            if force:
                self.loop.call_soon_threadsafe(self._forced.set)

    async def serve(self, sock: socket.socket, on_ready: Callable[[], object]) -> None:
        """Serve until `stop`; call `on_ready` when clients can connect."""
        loop, state, options = self.loop, self._state, self._options
        threads = ThreadPoolExecutor(options.threads, thread_name_prefix="mockserver-admin")
        bridge = WSGIBridge(
            options.app,
            playbacks=self.playbacks,
            threads=threads,
            inline=options.inline,
            limits=options.limits,
            envelope=options.envelope,
        )
        config = Config(
            bridge,
            http=HttpProtocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            workers=1,
            # Only a fallback: the protocol has its own idle limit.
            timeout_keep_alive=math.ceil(options.limits.idle_seconds),
        )
        config.load()

        def protocol() -> HttpProtocol:
            return HttpProtocol(config, state, {}, loop, limits=options.limits, envelope=options.envelope)

        self._listener = listener = Listener(
            loop,
            sock,
            protocol,
            options.tls.context if options.tls else None,
            handshake_seconds=options.limits.request_seconds,
            shutdown_seconds=options.limits.linger_seconds,
        )
        await listener.open()
        date_task = loop.create_task(_update_date(state))
        try:
            await asyncio.sleep(0)
            on_ready()
            await self._stopping.wait()
        finally:
            await self._shut_down(listener, threads)
            date_task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await date_task

    async def _shut_down(self, listener: Listener, threads: ThreadPoolExecutor) -> None:
        await listener.close()
        # Requests that the kernel has already received count as in flight: let the loop read them first.
        await asyncio.sleep(0.01)
        self.playbacks.finish()
        self._options.on_stop()
        connections, tasks, now = self.connections, self._state.tasks, self.loop.time
        for connection in list(connections):
            connection.shutdown()
        deadline, grace_end = now() + self._options.limits.stop_seconds, now() + _GRACE_SECONDS
        while (connections or tasks) and not self._forced.is_set() and now() < deadline:
            if now() > grace_end and not tasks and not any(connection.busy for connection in connections):
                break
            await asyncio.sleep(0.005)
        unfinished = sum(connection.busy for connection in connections)
        if unfinished:
            log.warning("stopped with %d requests unfinished", unfinished)
        for connection in list(connections):
            connection.reset()
        await asyncio.sleep(0)
        unfinished_tasks = list(tasks)
        for task in unfinished_tasks:
            task.cancel()
        if unfinished_tasks:
            await asyncio.wait(unfinished_tasks, timeout=0.5)
        # A busy thread cannot be ended; it must not delay the stop.
        threads.shutdown(wait=not unfinished_tasks, cancel_futures=True)


async def _update_date(state: ServerState) -> None:
    """Update the Date header of all responses every second."""
    while True:
        state.default_headers = [(b"date", formatdate(machine_time(), usegmt=True).encode())]
        await asyncio.sleep(1)
