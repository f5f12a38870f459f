"""Owns one server: start, serve, stop, nothing left behind.

It knows threads and addresses; what happens in between is a `Run`, and the application a WSGI callable handed to it.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from mockserver.server.asgi import Inline
from mockserver.server.limits import Envelope, Limits, plain_envelope
from mockserver.server.listening import bind
from mockserver.server.playback import Predicate, Timer
from mockserver.server.process import make_room, stop_signals
from mockserver.server.running import Plan, Run
from mockserver.server.tls import TLS

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = logging.getLogger("mockserver.transport")


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
        self._host, self._wanted_port, self._new_loop = host, port, new_loop
        self._plan = Plan(app, tls, limits or Limits(), inline, threads, envelope, on_stop, timer)
        self._port = 0
        self._thread: threading.Thread | None = None
        self._run: Run | None = None

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
        return f"{'https' if self._plan.tls else 'http'}://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def connections(self) -> int:
        """How many connections are open."""
        run = self._run
        return len(run.connections) if run else 0

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
        with stop_signals(self._ask_to_stop) as seen:

            def ready() -> None:
                if seen:
                    # The signal came before there was anything to stop.
                    self._ask_to_stop()
                elif on_ready is not None:
                    on_ready(self.url)

            make_room()
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
            self._run = Run(loop, self._plan)
            loop.run_until_complete(self._run.serve(sock, on_ready))
        finally:
            self._run = None
            self._port = 0
            sock.close()
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    def _ask_to_stop(self, force: bool = False) -> None:
        run = self._run
        if run is not None:
            run.stop(force)

    def _bind(self) -> socket.socket:
        sock = bind(self._host, self._wanted_port)
        self._port = sock.getsockname()[1]
        return sock


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
