"""Bounds that hold for as long as the server runs: memory, threads, sockets and files, the time of a stop."""

from __future__ import annotations

import http.client
import json
import random
import socket
import threading
import time

import psutil
import pytest
from helpers import http_client
from helpers.length import length
from helpers.request_builder import NOW
from helpers.server_process import serving

from mockserver.testing.mock_server import MockServer

SOAK = length(4_000, 100_000)
"""Requests of the soak."""
FOUR_KB = length(14_000, 100_000)
"""Requests of 4 KB."""
CYCLES = length(10, 100)
"""Starts and stops of the leak test."""
MOST_GROWTH = 12 * 1024 * 1024
"""Bytes by which the second half of a soak may be above the first: what an allocator keeps, not what a leak takes."""

pytestmark = pytest.mark.alone
HEADERS = {"Content-Type": "application/json"}
SAMPLES = [
    ("query_room_info", {"RoomId": "123456789", "BeginTime": "1575962150", "EndTime": "1575962850"}),
    ("query_room_info", {"RoomId": "nobody"}),
    ("query_room_info", {"RoomId": 7}),
    (
        "query_instance_all_records_by_time",
        {"UserId": "123456789", "BeginTime": "1575962150", "EndTime": "1575962850"},
    ),
    ("query_all_instance_by_time", {"BeginTime": "1575962150", "EndTime": "1575962160"}),
    ("count_business_distribute_volume_by_day", {"CountBy": 2, "QueryDate": "20191210"}),
    ("count_qos_by_day", {"QueryDate": "20291210"}),
    ("count_qos_by_day", {"Frob": 1}),
]


class Client:
    """Mixed requests over one kept connection."""

    def __init__(self, mock: MockServer, seed: int) -> None:
        self._mock, self._draw, self._app = mock, random.Random(seed), mock.app()
        self._wire = http.client.HTTPConnection("127.0.0.1", mock.port, timeout=10)
        self.count = 0

    def ask(self) -> None:
        """One request, right or wrong in one of many ways; always an envelope."""
        self.count += 1
        operation, body = self._draw.choice(SAMPLES)
        text = json.dumps({**body, "RoomId": f"r{self.count}"} if body.get("RoomId") == "nobody" else body)
        target = f"/v2/video/{operation}?{self._app.sign(seq=str(self.count))}"
        headers = dict(HEADERS)
        kind = self._draw.randrange(12)
        if kind == 0:
            target = target.replace("checksum=", "checksum=0")
        elif kind == 1:
            text = text[:-1]
        elif kind == 2:
            target = f"/frob/{self.count}"
        elif kind == 3:
            headers[f"X-Made-Up-{self.count}"] = "1"
        elif kind == 4:
            headers["X-Mock-Scenario"] = self._draw.choice(("empty", "frob", "default"))
        elif kind == 5:
            target = target.replace("appkey=123456789", f"appkey={self.count}")
        elif kind == 6:
            text = json.dumps({**body, f"k{self.count}": 1})
        self._wire.request("POST", target, text, headers)
        told = json.loads(self._wire.getresponse().read())
        assert told["Status"] in ("OK", "FAIL")
        assert told["ErrorCode"] != 1500, told

    def close(self) -> None:
        """End the connection."""
        self._wire.close()


def holding() -> tuple[int, int]:
    """Threads and open files of this process."""
    return threading.active_count(), psutil.Process().num_fds()


def test_memory_has_no_slope_under_a_soak(measured):
    """Mixed requests, with a reload or a flip of the scenario now and then: what the process holds stays where it was."""
    seed = random.randrange(1 << 32)
    me, taken = psutil.Process(), []
    # Whoever runs the test keeps each line that is logged: that is not the server's memory.
    with MockServer("document", now=str(NOW), journal_size=200, log_requests="none") as mock:
        client = Client(mock, seed)
        step = SOAK // 40
        start = time.monotonic()
        for number in range(SOAK):
            client.ask()
            if number % step == 0:
                taken.append(me.memory_info().rss)
                mock.use("document" if number // step % 2 else "default")
                if number // step % 4 == 3:
                    mock.admin.send("POST", "reload")
        seconds = time.monotonic() - start
        client.close()
    # The first quarter warms up: caches, the journal, the allocator.
    rest = taken[len(taken) // 4 :]
    first, second = (
        sorted(part)[len(part) // 2] for part in (rest[: len(rest) // 2], rest[len(rest) // 2 :])
    )
    growth = second - first
    measured(
        f"soak: seed {seed}: {SOAK} requests in {seconds:.0f} s, {growth / 1024:+.0f} KiB between the halves"
    )
    assert growth < MOST_GROWTH, [one // 1024 for one in taken]


def test_memory_stops_growing_once_the_journal_is_full(measured):
    """Requests of 4 KB, each another one: once 64 MB are full nothing grows, and no request is lost uncounted."""
    full = 10_000
    with serving("--scenario", "document") as server, http_client.Client(server.port) as client:
        me, taken = psutil.Process(server.process.pid), []
        for number in range(FOUR_KB):
            body = {"RoomId": f"{number}", "Padding": "x" * 4_040}
            assert client.code("query_room_info", body) == 1205
            if number >= full + 1_000 and number % 500 == 0:
                taken.append(me.memory_info().rss)
        count = client.get("requests/count")
    assert count["count"] + count["evicted"] == FOUR_KB
    assert 6_000 < count["count"] <= full
    measured(
        f"{FOUR_KB} requests of 4 KB: {taken[0] / 2**20:.0f} MB when the journal was full, then {(max(taken) - taken[0]) / 1024:+.0f} KiB"
    )
    assert max(taken) - taken[0] < MOST_GROWTH // 2, taken


@pytest.mark.parametrize("settings", [{}, {"tls": True}, {"reload": True}], ids=["plain", "tls", "reload"])
def test_nothing_is_left_after_many_servers(settings, measured):
    """No thread, socket or file of a server that was made, used and stopped; each one is a new server."""
    held = None
    for cycle in range(CYCLES):
        with MockServer("document", now=str(NOW), **settings) as mock:
            clients = [socket.create_connection(("127.0.0.1", mock.port), timeout=5) for _ in range(3)]
            clients[0].sendall(b"GET / HTTP/1.1\r\nHost: h\r\n")
            if not settings.get("tls"):
                client = Client(mock, cycle)
                client.ask()
                client.close()
        for one in clients:
            one.close()
        if cycle == 2:
            held = holding()
    # What watched the files closes its handle a moment after its thread has ended.
    patience = time.monotonic() + 2
    while holding() > held and time.monotonic() < patience:
        time.sleep(0.01)
    assert holding() <= held
    measured(
        f"cycles: {CYCLES} starts and stops ({', '.join(settings) or 'plain'}), no thread, socket or file left"
    )


def test_a_stop_is_quick_whatever_the_clients_do(measured):
    """Idle, half-open, delayed, hanging and dripping clients: over in much less than five seconds."""
    with MockServer("document", now=str(NOW)) as mock:
        target = mock.app().signed_url("count_qos_by_day").removeprefix(mock.url)
        crowd = []
        for fault in (None, "latency;fixed_ms=60000", "hang"):
            for _ in range(20):
                one = socket.create_connection(("127.0.0.1", mock.port), timeout=5)
                crowd.append(one)
                wish = f"X-Mock-Fault: {fault}\r\n" if fault else ""
                head = f"POST {target} HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n{wish}"
                one.sendall(f"{head}Content-Length: 25\r\n\r\n".encode())
                if fault:
                    one.sendall(b'{"QueryDate": "20191210"}')
        waiting = time.monotonic() + 5
        while mock._server.pending < 40:
            assert time.monotonic() < waiting, mock._server.pending
            time.sleep(0.005)
        start = time.monotonic()
        mock.stop()
        took = time.monotonic() - start
    for one in crowd:
        one.close()
    measured(f"stop: {took:.2f} s with {len(crowd)} clients")
    assert took < 5.0
