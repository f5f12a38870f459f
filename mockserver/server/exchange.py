"""One request's hold on its connection: the only way an answer reaches the socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from mockserver.server.protocol import GuardedProtocol


class Exchange:
    """Writes one answer and ends it; uvicorn's cycle only learns that it is over."""

    __slots__ = ("_cycle", "_protocol", "declared_length", "expects_100")

    def __init__(self, protocol: GuardedProtocol, cycle: RequestResponseCycle, declared_length: int) -> None:
        self._protocol, self._cycle = protocol, cycle
        self.declared_length = declared_length
        """Content-Length as announced, 0 without one."""
        self.expects_100 = cycle.waiting_for_100_continue
        """The client waits for leave to send the body."""

    @property
    def keep_alive(self) -> bool:
        """Whether the connection may serve another request."""
        return self._cycle.keep_alive

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        """Headers that every answer carries."""
        return self._cycle.default_headers

    @property
    def gone(self) -> bool:
        """Whether nothing written would arrive any more."""
        return self._cycle.disconnected or self._protocol.transport.is_closing()

    @property
    def congested(self) -> bool:
        """Whether earlier answers on this connection still wait to be taken."""
        return self._protocol.flow.write_paused

    def write(self, data: bytes) -> None:
        """Queue bytes."""
        self._cycle.response_started = True
        self._protocol.transport.write(data)

    async def drained(self, *, wholly: bool = False) -> None:
        """Wait until the client has taken enough (or all) of what was written, or is gone."""
        if self._protocol.flow.write_paused:
            await self._protocol.flow.drain()
        if wholly:
            self._protocol.expect_progress()
        while wholly and not self.gone and self._protocol.unsent:
            await asyncio.sleep(0.01)

    def watch_departure(self, callback: Callable[[], None] | None) -> None:
        """Call `callback` when the client goes away."""
        self._protocol.on_departure = callback

    def close(self) -> None:
        """End in good order, after what was written."""
        self._protocol.transport.close()

    def reset(self) -> None:
        """End with an RST."""
        self._protocol.reset()

    def end(self, *, keep: bool) -> None:
        """The answer is complete, or as complete as it will be; keep or close the connection."""
        self._complete()
        if not keep:
            self._protocol.transport.close()
        self._cycle.on_response()

    def end_lingering(self) -> None:
        """The answer is complete while the client still sends: close so that it can read the answer."""
        self._complete()
        self._protocol.linger()
        self._cycle.on_response()

    def _complete(self) -> None:
        self._cycle.response_started = self._cycle.response_complete = True
        self._cycle.message_event.set()
