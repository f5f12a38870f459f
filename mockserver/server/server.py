"""The server: binds a port, serves one WSGI application on it, and stops without leaving anything behind."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import logging
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from mockserver.core.text import Lang
from mockserver.engine.pipeline import Engine
from mockserver.server.api import FastPath
from mockserver.server.limits import ClientLog, Limits, plain_envelope
from mockserver.server.listener import TLS, Listener, bind, raise_process_limits, stop_signals
from mockserver.server.playback import Playbacks, Timer
from mockserver.server.processes import RUNNING, fast_loop, give_up, on_loop_error, require_threads
from mockserver.server.service import Service

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = logging.getLogger("mockserver.transport")

_MAX_HEAVY = 4  # Heavy requests that are answered at the same time.
_GRACE_SECONDS = 0.25  # How long a stop waits for idle clients to complete the close (TLS has a closing handshake).


def is_no_admin_path(path: str) -> bool:
    """Whether requests to `path` run in the event loop's thread: admin requests do not."""
    return not path.startswith("/__admin")


class Server:
    """Serves one WSGI application: in a background thread (`start`, `stop`, `with`) or in the current thread (`run`).

    Port 0 picks a free port. With an `engine`, API requests go directly to it and not to the application. WSGI requests
    run in the event loop's thread if `inline` is true for their path, and in at most `threads` threads otherwise.
    `on_stop` is called at a stop, after the last connection was accepted, to end what requests wait for. A stopped
    server can be started again.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        engine: Engine | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        limits: Limits | None = None,
        tls: TLS | None = None,
        inline: Callable[[str], bool] = is_no_admin_path,
        threads: int = 160,
        on_stop: Callable[[], object] = lambda: None,
        timer: Timer | None = None,
        new_loop: Callable[[], asyncio.AbstractEventLoop] = fast_loop,
        lang: Lang = "en",
    ) -> None:
        self.port = self._configured_port = port
        """The port in use; while the server does not run, the configured port."""
        self._host, self._new_loop = host, new_loop
        self._tls, self._max_threads, self._timer = tls, threads, timer
        self._store = engine.store if engine else None
        self._new_service = functools.partial(
            Service,
            app=app,
            api=FastPath(engine) if engine else None,
            scheme="https" if tls else "http",
            limits=limits or Limits(),
            inline=inline,
            envelope=engine.error_body if engine else plain_envelope,
            on_stop=on_stop,
            client_log=ClientLog(lang),
        )
        self._shared = False  # Whether other processes accept from the socket, too.
        self._thread: threading.Thread | None = None
        self._service: Service | None = None
        self._listener: Listener | None = None  # Both exist while the server runs.

    @property
    def url(self) -> str:
        """The URL for clients on this machine, without a trailing slash."""
        # Addresses to connect to, not to bind.
        local = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # nosec B104
        host = local.get(self._host, self._host)
        scheme = "https" if self._tls else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def connections(self) -> int:
        """The number of open connections."""
        return len(self._service.connections) if self._service else 0

    @property
    def pending(self) -> int:
        """The number of responses that are delayed, withheld, or being sent slowly."""
        return len(self._service.playbacks) if self._service else 0

    def release(self, appkey: str | None = None) -> int:
        """End all delays and hangs, or those of one app. Thread-safe.

        A delayed response is sent, a hanging connection is closed. Returns the number of released responses.
        """
        service = self._service
        return service.playbacks.release(appkey) if service else 0

    def start(self) -> Server:
        """Serve in a background thread; return when clients can connect.

        Raises ConfigurationError if the port is in use, if the host is not an address of this machine, or if gevent or
        eventlet has replaced the threads of this process.
        """
        if self._thread is not None:
            raise RuntimeError("the server is running")
        require_threads()
        sock = bind(self._host, self._configured_port)
        ready: Future[None] = Future()
        name = f"mockserver:{sock.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve_in_thread, args=(sock, ready), name=name, daemon=True)
        self._thread.start()
        try:
            ready.result()
        except BaseException:
            self._thread.join()
            self._thread = None
            raise
        return self

    def stop(self, *, force: bool = False) -> None:
        """Finish requests in flight, release delayed responses, and close all connections; with `force`, at once."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._request_stop(force)
        thread.join()

    def forget_parent(self) -> None:
        """Become a server that is not started, in a forked child. The URL stays that of the parent's server."""
        listener, self._listener, self._service, self._thread = self._listener, None, None, None
        if listener is not None:
            give_up(listener.descriptors())

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def run(self, on_ready: Callable[[str], object] | None = None, sock: socket.socket | None = None) -> None:
        """Serve in this thread, the main thread, until SIGTERM or SIGINT; a second signal stops without waiting.

        `on_ready` is called with the URL once clients can connect. A listening socket `sock` stays open for other
        processes that share it. Raises ConfigurationError as `start` does.
        """
        require_threads()
        self._shared = sock is not None
        sock = sock or bind(self._host, self._configured_port)
        with stop_signals(self._request_stop) as received:

            def ready() -> None:
                if received:
                    # The signal arrived before there was a service to stop.
                    self._request_stop()
                elif on_ready is not None:
                    on_ready(self.url)
                # Loaded data stays in memory, so exclude it from garbage collection.
                gc.freeze()

            raise_process_limits()
            self._serve(sock, ready)

    def _serve_in_thread(self, sock: socket.socket, ready: Future[None]) -> None:
        try:
            self._serve(sock, lambda: ready.set_result(None))
        except BaseException as error:
            if ready.done():
                log.exception("the server failed")
            else:
                ready.set_exception(error)

    def _serve(self, sock: socket.socket, on_ready: Callable[[], object]) -> None:
        self.port = sock.getsockname()[1]
        loop = self._new_loop()
        loop.set_exception_handler(on_loop_error)
        threads = ThreadPoolExecutor(self._max_threads, thread_name_prefix="mockserver-admin")
        few_threads = ThreadPoolExecutor(_MAX_HEAVY, thread_name_prefix="mockserver-heavy")
        loop.set_default_executor(threads)
        spawn = self._store.open(loop) if self._store else None
        self._service = self._new_service(
            loop=loop, threads=threads, few_threads=few_threads, playbacks=Playbacks(loop, self._timer), spawn=spawn
        )
        self._listener = Listener(self._service, sock, self._tls, shared=self._shared)
        try:
            RUNNING.add(self)
            loop.run_until_complete(_serve(self._service, self._listener, on_ready))
        finally:
            self._service = self._listener = None
            self.port = self._configured_port
            sock.close()
            if self._store is not None:
                self._store.close()
            if ending := asyncio.all_tasks(loop):
                loop.run_until_complete(asyncio.wait(ending, timeout=0.5))
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    def _request_stop(self, force: bool = False) -> None:
        if service := self._service:
            # RuntimeError: the loop was closed in the meantime.
            with contextlib.suppress(RuntimeError):
                service.loop.call_soon_threadsafe(service.stopping.set)
                if force:
                    service.loop.call_soon_threadsafe(service.forced.set)


async def _serve(service: Service, listener: Listener, on_ready: Callable[[], object]) -> None:
    """Serve until the service is stopping. Calls `on_ready` once clients can connect."""
    await listener.open()
    checks = service.loop.create_task(_check_deadlines(service))
    try:
        await asyncio.sleep(0)
        on_ready()
        await service.stopping.wait()
    finally:
        await listener.close()
        # Requests that the kernel has already received count as in flight: let the event loop read them first.
        await asyncio.sleep(0.01)
        service.playbacks.finish()
        service.on_stop()
        await _finish_requests(service)
        checks.cancel()


async def _check_deadlines(service: Service) -> None:
    while True:
        await asyncio.sleep(service.limits.check_seconds)
        now = service.loop.time()
        for connection in list(service.connections):
            connection.check_deadlines(now)


async def _finish_requests(service: Service) -> None:
    """Wait for the requests in flight, within the limits, and close all connections."""
    connections, tasks, now = service.connections, service.tasks, service.loop.time
    for connection in list(connections):
        connection.shutdown()
    deadline, grace_end = now() + service.limits.stop_seconds, now() + _GRACE_SECONDS
    while (connections or tasks) and not service.forced.is_set() and now() < deadline:
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
    # A busy thread cannot be stopped, and must not delay the stop.
    for threads in (service.threads, service.few_threads):
        threads.shutdown(wait=not unfinished_tasks, cancel_futures=True)
