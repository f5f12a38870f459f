"""Slow and silent clients of the whole server, with the limits it comes with: nobody else notices, and all of them end."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time

import pytest
from helpers.http_client import Client
from helpers.server_process import serving

CROWD = 200
"""Connections of each kind."""
REQUEST_SECONDS, LINGER_SECONDS = 15, 2
"""How long a request may take, and how long a connection lives on after its refusal."""
HEAD = b"POST /v2/video/query_room_info?appkey=1 HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"


def crowd(port: int, starts: list[bytes]) -> list[socket.socket]:
    """Connections, each with the beginning of a request, in turn."""
    made = []
    for number in range(CROWD):
        made.append(socket.create_connection(("127.0.0.1", port), timeout=5))
        made[-1].sendall(starts[number % len(starts)])
        made[-1].setblocking(False)
    return made


def drip(socks: list[socket.socket], stopping: threading.Event) -> None:
    """One byte a second on each connection, whatever comes back."""
    while not stopping.wait(1.0):
        for sock in socks:
            with contextlib.suppress(OSError):
                sock.send(b"a")


def endings(
    socks: list[socket.socket], start: float, patience: float
) -> tuple[dict[int, float], dict[int, bytes]]:
    """When each connection was ended by the server, and what it was told before."""
    ended: dict[int, float] = {}
    told = {sock.fileno(): b"" for sock in socks}
    watch = {sock.fileno(): sock for sock in socks}
    while watch and time.monotonic() - start < patience:
        for number in select.select(list(watch), [], [], 0.1)[0]:
            try:
                piece = watch[number].recv(65_536)
            except ConnectionError:
                piece = b""
            told[number] += piece
            if not piece:
                ended[number] = time.monotonic() - start
                del watch[number]
    return ended, told


@pytest.mark.alone
def test_a_crowd_of_slow_clients_disturbs_nobody_and_is_gone_in_time(tally, measured):
    """200 half-open and 200 one-byte-a-second connections: good requests under 250 ms at the 99th percentile."""
    with serving("--scenario", "default") as server, Client(server.port) as good:
        good.code()
        start = time.monotonic()
        half = crowd(server.port, [b"", HEAD[:20], HEAD, HEAD + b"Content-Length: 9\r\n\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"])  # fmt: skip
        slow = crowd(server.port, [HEAD[:20], HEAD + b"X-Slow: ", HEAD + b"Content-Length: 900\r\n\r\n{"])
        stopping, took = threading.Event(), []

        def ask() -> None:
            while not stopping.is_set():
                before = time.monotonic()
                assert good.code() == 0
                took.append(time.monotonic() - before)

        threads = [threading.Thread(target=ask), threading.Thread(target=drip, args=(slow, stopping))]
        for one in threads:
            one.start()
        ended, told = endings(half + slow, start, REQUEST_SECONDS + LINGER_SECONDS + 3)
        stopping.set()
        for one in threads:
            one.join()
        for one in half + slow:
            one.close()
        assert len(ended) == 2 * CROWD, f"{2 * CROWD - len(ended)} connections are still open"
        # Half a second for whatever else this machine does.
        assert REQUEST_SECONDS - 0.5 < min(ended.values())
        assert max(ended.values()) < REQUEST_SECONDS + LINGER_SECONDS + 0.5, max(ended.values())
        refused = sum(b" 408 " in text.partition(b"\r\n")[0] for text in told.values())
        silent = sum(not text for text in told.values())
        assert (refused, silent) == (2 * CROWD - CROWD // 5, CROWD // 5)
        took.sort()
        assert took[len(took) * 99 // 100] < 0.25, took[-10:]
        assert (server.process.poll(), server.log) == (None, "")
    tally("slow clients", "refused in time", refused)
    tally("slow clients", "closed in time", silent)
    measured(
        f"slow clients: {len(took)} good requests meanwhile, 99 % within {took[len(took) * 99 // 100] * 1000:.0f} ms"
    )
