"""Owns the sockets, the loop and the threads of one server: start, serve, stop, nothing left behind.

It knows uvicorn's parts and the operating system; the application is a WSGI callable handed to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import math
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from uvicorn import Config
from uvicorn.server import ServerState

from mockserver.transport.asgi import Bridge, Inline
from mockserver.transport.delivery import Deliveries, Predicate, Timer
from mockserver.transport.limits import Envelope, Limits, plain_envelope
from mockserver.transport.listening import Listener, bind
from mockserver.transport.protocol import GuardedProtocol
from mockserver.transport.tls import TLS

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = logging.getLogger("mockserver.transport")

_COURTESY = 0.25
"""Seconds that a client gets at the stop to answer a goodbye (TLS has one), once nothing is due any more."""
_TURN = 0.0002
"""Seconds after which a thread that waits gets its turn: beside a busy loop, a reload or an admin call waits often."""
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def quick_path(path: str) -> bool:
    """Whether a call to `path` may run in the loop's thread: API calls may, the admin's pages may not."""
    return not path.startswith("/__admin")


def fast_loop() -> asyncio.AbstractEventLoop:
    """A new event loop: uvloop's where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


class _Run(NamedTuple):
    """What exists between one start and its stop."""

    loop: asyncio.AbstractEventLoop
    deliveries: Deliveries
    stopping: asyncio.Event
    forced: asyncio.Event
    state: ServerState


class Server:
    """One WSGI application on one port: in a background thread (`start`, `stop`, `with`) or in this (`run`).

    `port` 0 takes a free one. `inline` tells which paths are quick enough for the loop's thread; the
    others run in at most `threads` threads. `on_stop` ends what they wait for, once no new connection is accepted.
    A server may be started again after a stop.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        limits: Limits | None = None,
        tls: TLS | None = None,
        inline: Inline = quick_path,
        threads: int = 160,
        envelope: Envelope = plain_envelope,
        on_stop: Callable[[], object] = lambda: None,
        timer: Timer | None = None,
        new_loop: Callable[[], asyncio.AbstractEventLoop] = fast_loop,
    ) -> None:
        self._app, self._host, self._wanted_port, self._tls = app, host, port, tls
        self._limits = limits or Limits()
        self._inline, self._max_threads, self._envelope = inline, threads, envelope
        self._on_stop, self._timer, self._new_loop = on_stop, timer, new_loop
        self._port = 0
        self._thread: threading.Thread | None = None
        self._run: _Run | None = None

    # ---- what others see

    @property
    def port(self) -> int:
        """The port that is served; the wanted one before the start."""
        return self._port or self._wanted_port

    @property
    def url(self) -> str:
        """Where a client on this machine reaches the server, without a final slash."""
        # Called, not bound.
        here = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # nosec B104
        host = here.get(self._host, self._host)
        return f"{'https' if self._tls else 'http'}://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def connections(self) -> int:
        """How many connections are open."""
        run = self._run
        return len(run.state.connections) if run else 0

    @property
    def pending(self) -> int:
        """How many answers are being delayed, dripped or withheld."""
        run = self._run
        return run.deliveries.pending if run else 0

    def release(self, wanted: Predicate | None = None) -> int:
        """End pending delays and hangs at once, those whose environ is `wanted` or all; from any thread.

        A delayed answer is then sent, a hanging connection closed. Returns how many it met.
        """
        run = self._run
        return run.deliveries.release(wanted) if run else 0

    def start(self) -> Server:
        """Serve in a background thread; returns when a client can connect.

        ConfigurationError when the port is taken or the host is none of this machine.
        """
        if self._thread is not None:
            raise RuntimeError("the server is running")
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
        """Finish requests in flight, release delayed ones, close the rest (`force`: at once). Idempotent."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._ask_to_stop(force)
        thread.join()

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def run(self, on_ready: Callable[[str], object] | None = None) -> None:
        """Serve in this, the main thread, until SIGTERM or SIGINT; a second signal ends at once.

        `on_ready` gets the url when a client can connect. ConfigurationError as `start` does.
        """
        sock = self._bind()
        with self._signals() as seen:

            def ready() -> None:
                if seen:
                    # The signal came before there was anything to stop.
                    self._ask_to_stop()
                elif on_ready is not None:
                    on_ready(self.url)

            _raise_file_limit()
            sys.setswitchinterval(_TURN)
            self._serve(sock, ready)

    # ---- the serving thread

    def _serve_in_thread(
        self, sock: socket.socket, ready: threading.Event, failure: list[BaseException]
    ) -> None:
        try:
            self._serve(sock, ready.set)
        except BaseException as error:
            if ready.is_set():
                log.exception("the server died")
            failure.append(error)
        finally:
            ready.set()

    def _serve(self, sock: socket.socket, on_ready: Callable[[], object]) -> None:
        loop = self._new_loop()
        loop.set_exception_handler(_on_loop_error)
        try:
            self._run = _Run(
                loop, Deliveries(loop, self._timer), asyncio.Event(), asyncio.Event(), ServerState()
            )
            loop.run_until_complete(self._main(self._run, sock, on_ready))
        finally:
            self._run = None
            self._port = 0
            sock.close()
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    async def _main(self, run: _Run, sock: socket.socket, on_ready: Callable[[], object]) -> None:
        loop, state = run.loop, run.state
        threads = ThreadPoolExecutor(self._max_threads, thread_name_prefix="mockserver-admin")
        bridge = Bridge(
            self._app,
            deliveries=run.deliveries,
            threads=threads,
            inline=self._inline,
            limits=self._limits,
            envelope=self._envelope,
        )
        config = Config(
            bridge,
            http=GuardedProtocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            workers=1,
            # The protocol's own watch is the exact one.
            timeout_keep_alive=math.ceil(self._limits.idle_seconds),
        )
        config.load()

        def protocol() -> GuardedProtocol:
            return GuardedProtocol(config, state, {}, loop, limits=self._limits, envelope=self._envelope)

        listener = Listener(
            loop,
            sock,
            protocol,
            self._tls.context if self._tls else None,
            handshake_seconds=self._limits.request_seconds,
            goodbye_seconds=self._limits.linger_seconds,
        )
        await listener.open()
        dating = loop.create_task(_keep_date(state))
        try:
            await asyncio.sleep(0)
            on_ready()
            await run.stopping.wait()
        finally:
            await self._wind_down(run, listener, threads)
            dating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await dating

    async def _wind_down(self, run: _Run, listener: Listener, threads: ThreadPoolExecutor) -> None:
        await listener.close()
        # What has already arrived in the kernel counts as in flight: let the loop read it first.
        await asyncio.sleep(0.01)
        run.deliveries.finish()
        self._on_stop()
        connections, tasks, now = (
            cast("set[GuardedProtocol]", run.state.connections),
            run.state.tasks,
            run.loop.time,
        )
        for connection in list(connections):
            connection.shutdown()
        patience, courtesy = now() + self._limits.stop_seconds, now() + _COURTESY
        while (connections or tasks) and not run.forced.is_set() and now() < patience:
            if now() > courtesy and not tasks and not any(each.busy for each in connections):
                break
            await asyncio.sleep(0.005)
        unfinished = sum(each.busy for each in connections)
        if unfinished:
            log.warning("stopped with %d requests unfinished", unfinished)
        for connection in list(connections):
            connection.reset()
        await asyncio.sleep(0)
        late = list(tasks)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=0.5)
        # A thread that is still busy cannot be ended; it must not hold up the stop either.
        threads.shutdown(wait=not late, cancel_futures=True)

    # ---- signals

    def _bind(self) -> socket.socket:
        sock = bind(self._host, self._wanted_port)
        self._port = sock.getsockname()[1]
        return sock

    def _ask_to_stop(self, force: bool = False) -> None:
        run = self._run
        if run is None:
            return
        with contextlib.suppress(RuntimeError):
            # RuntimeError: the loop was closed in between.
            run.loop.call_soon_threadsafe(run.stopping.set)
            if force:
                run.loop.call_soon_threadsafe(run.forced.set)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[list[int]]:
        """SIGTERM and SIGINT stop: gracefully, then at once, then as the system does. Yields those seen."""
        seen: list[int] = []

        def on_signal(number: int, frame: FrameType | None) -> None:
            seen.append(number)
            self._ask_to_stop(force=len(seen) > 1)
            if len(seen) > 1:
                signal.signal(number, signal.SIG_DFL)

        before = {number: signal.signal(number, on_signal) for number in _STOP_SIGNALS}
        try:
            yield seen
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _raise_file_limit() -> None:
    """Allow this process as many connections as the system lets it have, up to 65,536."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _keep_date(state: ServerState) -> None:
    """Renew the Date header that every answer carries, each second."""
    while True:
        state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
        await asyncio.sleep(1)


def _on_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A client's broken connection or handshake is no error of the server; everything else is."""
    error = context.get("exception")
    if isinstance(error, (ConnectionError, TimeoutError, asyncio.TimeoutError)) or (
        isinstance(error, OSError)
        and (error.errno in (errno.EPIPE, errno.ENOTCONN) or "SSL" in type(error).__name__)
    ):
        log.debug("a connection ended: %r", error)
        return
    log.error("%s", context.get("message", "error in the loop"), exc_info=error)
