"""A load generator: keep-alive connections that each send the next request when the last one is answered."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Load:
    """The result of a run: number of answers, seconds, the body of the first answer, and the seconds of each."""

    answers: int
    seconds: float
    first: bytes
    latencies: list[float]


class _Connection(asyncio.Protocol):
    """Sends `request` until `left` is used up; answers need a Content-Length."""

    def __init__(self, request: bytes, left: list[int], done: asyncio.Future[bytes], latencies: list[float]) -> None:
        self._request, self._left, self._done, self._latencies = request, left, done, latencies
        self._buffer = b""
        self._first = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def _next(self) -> None:
        if self._left[0] <= 0:
            self._transport.close()
            self._done.set_result(self._first)
            return
        self._left[0] -= 1
        self._sent = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return
        at = head.lower().index(b"content-length:") + 15
        length = int(head[at : at + 12].split(b"\r\n", 1)[0])
        if len(rest) < length:
            return
        self._latencies.append(time.perf_counter() - self._sent)
        assert head.startswith(b"HTTP/1.1 200"), head
        self._first = self._first or rest[:length]
        self._buffer = rest[length:]
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(ConnectionError(f"the server closed the connection: {exc}"))


def post(target: str, body: bytes) -> bytes:
    """Return a POST request as bytes."""
    head = f"POST {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


def run(url: str, request: bytes, count: int, connections: int = 16) -> Load:
    """Send `count` requests over `connections` keep-alive connections."""
    parts = urlsplit(url)

    async def main() -> Load:
        loop = asyncio.get_running_loop()
        left = [count]
        latencies: list[float] = []
        waits = [loop.create_future() for _ in range(connections)]
        started = time.perf_counter()
        for done in waits:
            await loop.create_connection(
                lambda done=done: _Connection(request, left, done, latencies), parts.hostname, parts.port
            )
        firsts = await asyncio.gather(*waits)
        return Load(count, time.perf_counter() - started, next(first for first in firsts if first), latencies)

    return asyncio.run(main())
