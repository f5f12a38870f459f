"""Sends one response over one connection according to its `DeliveryPlan`. Knows bytes and time, not requests.

The fields of the plan act in this order; those that are unset are skipped:

1. `delay`: nothing is sent for this time.
2. `hang`: nothing is sent for this time, and the response is dropped: the connection is closed, or `instead` applies.
3. `instead`: an RST, a close without a byte, or garbage and a close.
4. Status line and headers, in pieces over `header_seconds`: the first byte at once, the body after that time.
5. The body, in `body_chunks` pieces over `body_seconds`, with a pause before each; only the fraction `cut` of
   it. `malformed_chunk` puts half of the body into a valid chunk and the rest into a malformed one.
   `bytes_per_second` throttles 4 and 5.
6. `cut_end` after a cut; a close after a malformed chunk.
7. `close_after`: the connection stays open and silent for this time, then it is closed.

Pauses do not occupy a thread. `Playbacks.release` ends them from any thread: the rest of the response is then
sent at once, and a hang closes the connection. They also end when the client disconnects.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import TYPE_CHECKING

from mockserver.core.http import DeliveryPlan

if TYPE_CHECKING:
    from mockserver.server.connection import Connection

GARBAGE = b"\x16\x03\x01\x00\xff\x00HTTP? \x80\x81\xfe\xff no such protocol\r\n\r\n"
_SETTLE_SECONDS = 0.05  # Time for the kernel to send a cut response before an RST drops what is left.
PIECE = 256 * 1024  # Bytes that are written at once; the next ones follow when the client has read enough.
EVENT_SECONDS = 0.25  # The time between two events of a stream.
_MAX_PAUSE_SECONDS = 86_400.0  # The longest pause; event loops reject much longer ones.


Timer = Callable[[float, Callable[[], None]], asyncio.TimerHandle]  # `loop.call_later`, or a replacement in tests.


class Playback:
    """One response that is being sent. Its pauses can be ended early."""

    def __init__(self, appkey: str, timer: Timer, loop: asyncio.AbstractEventLoop) -> None:
        self.appkey = appkey
        self.released = False
        self._timer, self._loop = timer, loop
        self._waiter: asyncio.Future[None] | None = None

    async def play(self, connection: Connection, head: bytes, body: bytes, plan: DeliveryPlan) -> bool:
        """Send a response as planned. Return whether the connection may be kept."""
        await self._pause(plan.delay)
        if plan.hang is not None:
            await self._pause(plan.hang)
        if plan.hang is not None or plan.instead is not None:
            if plan.instead == "reset":
                connection.reset()
            elif plan.instead == "garbage":
                connection.transport.write(GARBAGE)
            return False
        for wait, data in timed_pieces(head, body, plan):
            await self._pause(wait)
            if connection.disconnected:
                return False
            connection.transport.write(data)
            await connection.drain()
            if len(data) == PIECE:
                # A huge body must not keep other requests waiting.
                await asyncio.sleep(0)
        if plan.cut is not None and plan.cut_end == "reset":
            await connection.drain(completely=True)
            await self._pause(_SETTLE_SECONDS)
            connection.reset()
        if plan.close_after is not None:
            await self._pause(plan.close_after)
        return plan.cut is None and not plan.malformed_chunk and plan.close_after is None

    def release(self) -> None:
        """End the current pause and skip all later ones. Call this in the event loop's thread."""
        self.released = True
        self._wake()

    async def _pause(self, seconds: float) -> None:
        if self.released or not seconds > 0:
            return
        self._waiter = self._loop.create_future()
        timer = self._timer(min(seconds, _MAX_PAUSE_SECONDS), self._wake)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Playbacks:
    """All responses that one server is sending."""

    def __init__(self, loop: asyncio.AbstractEventLoop, timer: Timer | None = None) -> None:
        self._loop = loop
        self._timer: Timer = timer or loop.call_later
        self._active: set[Playback] = set()
        self._lock = threading.Lock()
        self._finished = False

    def __len__(self) -> int:
        return len(self._active)

    def release(self, appkey: str | None = None) -> int:
        """End the pauses of all responses, or of those to one app. Thread-safe. Return the number of responses."""
        with self._lock:
            released = [playback for playback in self._active if appkey in (None, playback.appkey)]
            if not self._loop.is_closed():
                for playback in released:
                    self._loop.call_soon_threadsafe(playback.release)
        return len(released)

    def finish(self) -> None:
        """Release all current and future responses, because the server is stopping."""
        self._finished = True
        self.release()

    async def play(self, connection: Connection, head: bytes, body: bytes, plan: DeliveryPlan, appkey: str) -> bool:
        """Send a response as planned. Return whether the connection may be kept."""
        playback = Playback(appkey, self._timer, self._loop)
        playback.released = self._finished
        with self._lock:
            self._active.add(playback)
        connection.on_disconnect = playback.release
        try:
            return await playback.play(connection, head, body, plan)
        finally:
            connection.on_disconnect = None
            with self._lock:
                self._active.discard(playback)


async def play_events(
    connection: Connection,
    head: bytes,
    next_event: Callable[[], bytes],
    stopping: asyncio.Event,
    threads: Executor | None = None,
) -> None:
    """Send `head`, then each result of `next_event` as a chunk, until the client disconnects or the server stops.

    `next_event` is called in `threads` if given, otherwise in the event loop.
    """
    loop = asyncio.get_running_loop()
    connection.transport.write(head)
    while not (connection.disconnected or stopping.is_set()):
        if event := (await loop.run_in_executor(threads, next_event) if threads else next_event()):
            connection.transport.write(b"%x\r\n%b\r\n" % (len(event), event))
            await connection.drain()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(stopping.wait(), EVENT_SECONDS)
    if not connection.disconnected:
        connection.transport.write(b"0\r\n\r\n")


def timed_pieces(head: bytes, body: bytes, plan: DeliveryPlan) -> Iterator[tuple[float, bytes]]:
    """Yield the pieces of a response in order, each with the seconds to wait before it."""
    wait = 0.0
    for before, data, after in _pieces(head, body, plan):
        wait += before
        step = max(1, plan.bytes_per_second // 10) if plan.bytes_per_second else PIECE
        for start in range(0, len(data), step):
            piece = data[start : start + step]
            yield wait, piece
            wait = len(piece) / plan.bytes_per_second if plan.bytes_per_second else 0.0
        wait += after
    if wait:
        yield wait, b""


def _pieces(head: bytes, body: bytes, plan: DeliveryPlan) -> Iterator[tuple[float, bytes, float]]:
    """Yield (seconds before, bytes, seconds after) without throttling."""
    count = min(len(head), max(2, min(64, math.ceil(plan.header_seconds * 20)))) if plan.header_seconds > 0 else 1
    for piece in _split(head, count):
        yield 0.0, piece, plan.header_seconds / count
    if plan.malformed_chunk:
        half = body[: (len(body) + 1) // 2]
        body = (b"%x\r\n%b\r\n" % (len(half), half) if half else b"") + b"zz;\r\n" + body[len(half) :]
    if plan.cut is not None:
        body = body[: int(len(body) * min(max(plan.cut, 0.0), 1.0))]
    count = max(1, min(plan.body_chunks, len(body)))
    for piece in _split(body, count):
        yield plan.body_seconds / count, piece, 0.0


def _split(data: bytes, count: int) -> Iterator[bytes]:
    """Yield `data` in `count` pieces of nearly equal size."""
    for index in range(count):
        yield data[len(data) * index // count : len(data) * (index + 1) // count]
