"""One run of a server, from its first connection to its last: what exists in between, and how it ends.

It lives in the loop's thread, but for `stop` and `release`, which any thread may call.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, cast

from uvicorn import Config
from uvicorn.server import ServerState

from mockserver.server.asgi import Bridge, Inline
from mockserver.server.limits import Envelope, Limits
from mockserver.server.listening import Listener
from mockserver.server.playback import Deliveries, Timer
from mockserver.server.protocol import GuardedProtocol
from mockserver.server.tls import TLS

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = logging.getLogger("mockserver.transport")

_COURTESY = 0.25
"""Seconds that a client gets at the stop to answer a goodbye (TLS has one), once nothing is due any more."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a server serves, and how; the same for each of its runs."""

    app: WSGIApplication
    tls: TLS | None
    limits: Limits
    inline: Inline
    threads: int
    envelope: Envelope
    on_stop: Callable[[], object]
    timer: Timer | None


class Run:
    """What exists between one start and its stop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, plan: Plan) -> None:
        self.loop, self._plan = loop, plan
        self.deliveries = Deliveries(loop, plan.timer)
        self.state = ServerState()
        self._stopping, self._forced = asyncio.Event(), asyncio.Event()

    @property
    def connections(self) -> set[GuardedProtocol]:
        """Those that are open."""
        return cast("set[GuardedProtocol]", self.state.connections)

    def stop(self, force: bool = False) -> None:
        """Ask for the end, from any thread; `force`: without waiting for anybody."""
        with contextlib.suppress(RuntimeError):
            # RuntimeError: the loop was closed in between.
            self.loop.call_soon_threadsafe(self._stopping.set)
            if force:
                self.loop.call_soon_threadsafe(self._forced.set)

    async def serve(self, sock: socket.socket, on_ready: Callable[[], object]) -> None:
        """Serve until `stop`; `on_ready` is called when a client can connect."""
        loop, state, plan = self.loop, self.state, self._plan
        threads = ThreadPoolExecutor(plan.threads, thread_name_prefix="mockserver-admin")
        bridge = Bridge(
            plan.app,
            deliveries=self.deliveries,
            threads=threads,
            inline=plan.inline,
            limits=plan.limits,
            envelope=plan.envelope,
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
            timeout_keep_alive=math.ceil(plan.limits.idle_seconds),
        )
        config.load()

        def protocol() -> GuardedProtocol:
            return GuardedProtocol(config, state, {}, loop, limits=plan.limits, envelope=plan.envelope)

        listener = Listener(
            loop,
            sock,
            protocol,
            plan.tls.context if plan.tls else None,
            handshake_seconds=plan.limits.request_seconds,
            goodbye_seconds=plan.limits.linger_seconds,
        )
        await listener.open()
        dating = loop.create_task(_keep_date(state))
        try:
            await asyncio.sleep(0)
            on_ready()
            await self._stopping.wait()
        finally:
            await self._wind_down(listener, threads)
            dating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await dating

    async def _wind_down(self, listener: Listener, threads: ThreadPoolExecutor) -> None:
        await listener.close()
        # What has already arrived in the kernel counts as in flight: let the loop read it first.
        await asyncio.sleep(0.01)
        self.deliveries.finish()
        self._plan.on_stop()
        connections, tasks, now = self.connections, self.state.tasks, self.loop.time
        for connection in list(connections):
            connection.shutdown()
        patience, courtesy = now() + self._plan.limits.stop_seconds, now() + _COURTESY
        while (connections or tasks) and not self._forced.is_set() and now() < patience:
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


async def _keep_date(state: ServerState) -> None:
    """Renew the Date header that every answer carries, each second."""
    while True:
        state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
        await asyncio.sleep(1)
