"""Plays one answer onto one connection as its `Delivery` says; it knows bytes and time, not requests.

The order in which the fields act, each skipped when unset:

1. `delay`: nothing is sent.
2. `hang`: nothing is sent either, and the answer is dropped: close, or what `instead` says.
3. `instead`: an RST, a close without a byte, or garbage and a close.
4. The head, in pieces over `header_seconds`: the first byte at once, the body after that time.
5. The body, in `body_chunks` pieces over `body_seconds`, a pause before each; only the share `cut` of it;
   `malformed_chunk` puts half into a good chunk, the rest into a broken one. `bytes_per_second` slows 4, 5.
6. `cut_end` after a cut; a close after a malformed chunk.
7. `close_after`: the connection stays open and silent for so long, then it is closed.

No pause costs a thread. `Deliveries.release` ends pauses from any thread: what is left is then played at
once, and a hang closes. A client that goes away ends its pauses too.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from mockserver.core.http import DeliveryPlan

Environ = Mapping[str, Any]
Predicate = Callable[[Environ], bool]

GARBAGE = b"\x16\x03\x01\x00\xff\x00HTTP? \x80\x81\xfe\xff no such protocol\r\n\r\n"
_SETTLE = 0.05
"""Seconds a cut answer gets to leave the kernel before an RST throws away what is still there."""

_LONGEST = 86_400.0
"""Seconds of the longest pause; event loops refuse much longer ones."""


class Cancellable(Protocol):
    """What a timer returns."""

    def cancel(self) -> object:
        """Forget the timer."""
        ...


Timer = Callable[[float, Callable[[], None]], Cancellable]
"""`loop.call_later`, or a test's own."""


class Line(Protocol):
    """The connection as a delivery sees it."""

    @property
    def gone(self) -> bool:
        """Whether nothing written would arrive any more."""
        ...

    def write(self, data: bytes) -> None:
        """Queue bytes."""
        ...

    async def drained(self, *, wholly: bool = False) -> None:
        """Wait until the client has taken enough (or all) of what was written."""
        ...

    def watch_departure(self, callback: Callable[[], None] | None) -> None:
        """Call `callback` when the client goes away."""
        ...

    def close(self) -> None:
        """End in good order, after what was written."""
        ...

    def reset(self) -> None:
        """End with an RST."""
        ...


class Playback:
    """One delivery under way: it can pause, and it can be hurried from another thread."""

    def __init__(self, environ: Environ, timer: Timer, loop: asyncio.AbstractEventLoop) -> None:
        self.environ = environ
        self.hurried = False
        self._timer, self._loop = timer, loop
        self._waiter: asyncio.Future[None] | None = None

    async def pause(self, seconds: float) -> None:
        """Sleep `seconds`, less when hurried."""
        if self.hurried or not seconds > 0:
            return
        self._waiter = self._loop.create_future()
        timer = self._timer(min(seconds, _LONGEST), self._wake)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None

    def hurry(self) -> None:
        """End this pause and skip all later ones (in the loop's thread)."""
        self.hurried = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Deliveries:
    """All deliveries under way on one server."""

    def __init__(self, loop: asyncio.AbstractEventLoop, timer: Timer | None = None) -> None:
        self._loop = loop
        self._timer: Timer = timer or loop.call_later
        self._pending: set[Playback] = set()
        self._lock = threading.Lock()
        self._over = False

    @property
    def pending(self) -> int:
        """How many are under way."""
        return len(self._pending)

    def release(self, wanted: Predicate | None = None) -> int:
        """End the pauses of all deliveries whose environ is `wanted` (of all, without one); from any thread.

        Returns how many it met.
        """
        with self._lock:
            met = [each for each in self._pending if wanted is None or wanted(each.environ)]
            if met and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(_hurry, met)
        return len(met)

    def finish(self) -> None:
        """Release everything, now and from now on: the server stops."""
        self._over = True
        self.release()

    async def perform(
        self, line: Line, head: bytes, body: bytes, how: DeliveryPlan, environ: Environ
    ) -> bool:
        """Play head and body onto `line`; returns whether the connection may be kept."""
        show = Playback(environ, self._timer, self._loop)
        show.hurried = self._over
        with self._lock:
            self._pending.add(show)
        line.watch_departure(show.hurry)
        try:
            return await _play(line, show, head, body, how)
        finally:
            line.watch_departure(None)
            with self._lock:
                self._pending.discard(show)


def _hurry(shows: list[Playback]) -> None:
    for show in shows:
        show.hurry()


async def _play(line: Line, show: Playback, head: bytes, body: bytes, how: DeliveryPlan) -> bool:
    await show.pause(how.delay)
    if how.hang is not None:
        await show.pause(how.hang)
    if how.hang is not None or how.instead is not None:
        if how.instead == "reset":
            line.reset()
        elif how.instead == "garbage":
            line.write(GARBAGE)
        return False
    for wait, data in score(head, body, how):
        await show.pause(wait)
        if line.gone:
            return False
        line.write(data)
        await line.drained()
    if how.cut is not None and how.cut_end == "reset":
        await line.drained(wholly=True)
        await show.pause(_SETTLE)
        line.reset()
    if how.close_after is not None:
        await show.pause(how.close_after)
    return how.cut is None and not how.malformed_chunk and how.close_after is None


def score(head: bytes, body: bytes, how: DeliveryPlan) -> Iterator[tuple[float, bytes]]:
    """The pieces of an answer in order, each with the seconds to wait before it."""
    owed = 0.0
    for before, data, after in _pieces(head, body, how):
        owed += before
        step = max(1, how.bytes_per_second // 10) if how.bytes_per_second else max(1, len(data))
        for start in range(0, len(data), step):
            piece = data[start : start + step]
            yield owed, piece
            owed = len(piece) / how.bytes_per_second if how.bytes_per_second else 0.0
        owed += after
    if owed:
        yield owed, b""


def _pieces(head: bytes, body: bytes, how: DeliveryPlan) -> Iterator[tuple[float, bytes, float]]:
    """(seconds before, bytes, seconds after), before any throttling."""
    count = (
        min(len(head), max(2, min(64, math.ceil(how.header_seconds * 20)))) if how.header_seconds > 0 else 1
    )
    for piece in _split(head, count):
        yield 0.0, piece, how.header_seconds / count
    if how.malformed_chunk:
        half = body[: (len(body) + 1) // 2]
        body = (b"%x\r\n%b\r\n" % (len(half), half) if half else b"") + b"zz;\r\n" + body[len(half) :]
    if how.cut is not None:
        body = body[: int(len(body) * min(max(how.cut, 0.0), 1.0))]
    count = max(1, min(how.body_chunks, len(body)))
    for piece in _split(body, count):
        yield how.body_seconds / count, piece, 0.0


def _split(data: bytes, count: int) -> Iterator[bytes]:
    """`data` in `count` pieces of nearly one size, first to last."""
    for index in range(count):
        yield data[len(data) * index // count : len(data) * (index + 1) // count]
