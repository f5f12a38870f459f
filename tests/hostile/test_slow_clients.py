"""Slow and silent clients: other clients are not affected, and all slow connections are closed in time."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time

import pytest
from helpers.http_client import Client
from helpers.length import FULL
from helpers.server_process import serving

from mockserver.server.limits import Limits

CONNECTIONS = 200
"""Connections of each kind."""
LIMITS = Limits() if FULL else Limits(request_seconds=2, linger_seconds=0.5)
"""How long a request may take, and how long a connection stays open after a 408."""
HEAD = b"POST /v2/video/query_room_info?appkey=1 HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"


def open_connections(port: int, starts: list[bytes]) -> list[socket.socket]:
    """Open connections and send the start of a request on each, in turn."""
    connections = []
    for number in range(CONNECTIONS):
        connections.append(socket.create_connection(("127.0.0.1", port), timeout=5))
        connections[-1].sendall(starts[number % len(starts)])
        connections[-1].setblocking(False)
    return connections


def send_slowly(socks: list[socket.socket], stopping: threading.Event) -> None:
    """Send one byte per second on each connection, whatever is received."""
    while not stopping.wait(1.0):
        for sock in socks:
            with contextlib.suppress(OSError):
                sock.send(b"a")


def wait_for_ends(
    socks: list[socket.socket], start: float, timeout: float
) -> tuple[dict[int, float], dict[int, bytes]]:
    """Return when the server closed each connection, and what it had sent before."""
    ended: dict[int, float] = {}
    received = {sock.fileno(): b"" for sock in socks}
    watch = {sock.fileno(): sock for sock in socks}
    while watch and time.monotonic() - start < timeout:
        for number in select.select(list(watch), [], [], 0.1)[0]:
            try:
                piece = watch[number].recv(65_536)
            except ConnectionError:
                piece = b""
            received[number] += piece
            if not piece:
                ended[number] = time.monotonic() - start
                del watch[number]
    return ended, received


@pytest.mark.alone
def test_slow_clients_do_not_affect_others_and_are_closed_in_time(tally, measured):
    """200 half-open and 200 one-byte-per-second connections: other requests are answered meanwhile."""
    with serving("--scenario", "default", limits=LIMITS) as server, Client(server.port) as good:
        good.code()
        longest = LIMITS.request_seconds + LIMITS.linger_seconds
        start = time.monotonic()
        half = open_connections(server.port, [b"", HEAD[:20], HEAD, HEAD + b"Content-Length: 9\r\n\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"])  # fmt: skip
        slow = open_connections(server.port, [HEAD[:20], HEAD + b"X-Slow: ", HEAD + b"Content-Length: 900\r\n\r\n{"])
        stopping, seconds = threading.Event(), []

        def send_requests() -> None:
            while not stopping.is_set():
                before = time.monotonic()
                assert good.code() == 0
                seconds.append(time.monotonic() - before)

        threads = [threading.Thread(target=send_requests), threading.Thread(target=send_slowly, args=(slow, stopping))]
        for thread in threads:
            thread.start()
        ended, received = wait_for_ends(half + slow, start, longest + 10)
        stopping.set()
        for thread in threads:
            thread.join()
        for connection in half + slow:
            connection.close()
        assert len(ended) == 2 * CONNECTIONS, f"{2 * CONNECTIONS - len(ended)} connections are still open"
        # A tolerance for other load on the machine.
        assert LIMITS.request_seconds - 0.5 < min(ended.values())
        assert max(ended.values()) < longest + 5, max(ended.values())
        refused = sum(b" 408 " in text.partition(b"\r\n")[0] for text in received.values())
        silent = sum(not text for text in received.values())
        assert (refused, silent) == (2 * CONNECTIONS - CONNECTIONS // 5, CONNECTIONS // 5)
        seconds.sort()
        assert server.process.poll() is None
        # One line a minute says so, not one for each client.
        assert all("in time" in line for line in server.log.splitlines()), server.log
        assert len(server.log.splitlines()) <= 2
    tally("slow clients", "refused in time", refused)
    tally("slow clients", "closed in time", silent)
    measured(
        f"slow clients: {len(seconds)} other requests meanwhile, 99 % within {seconds[len(seconds) * 99 // 100] * 1000:.0f} ms"
    )
