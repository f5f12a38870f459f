"""Limits of a running server: memory, threads, sockets and files, and the duration of a stop."""

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
from helpers.length import FULL, length
from helpers.request_builder import NOW
from helpers.server_process import serving

from mockserver.server.limits import Limits
from mockserver.testing.mock_server import MockServer

SOAK = length(4_000, 100_000)
"""Requests of the soak."""
FOUR_KB = length(4_000, 100_000)
"""Requests of 4 KB."""
CYCLES = length(10, 100)
"""Starts and stops of the leak test."""
MAX_GROWTH = 12 * 1024 * 1024
"""Bytes of growth that an allocator causes; a leak causes more."""

HEADERS = {"Content-Type": "application/json"}
SAMPLES = [
    ("query_room_info", {"RoomId": "123456789", "BeginTime": "1575962150", "EndTime": "1575962850"}),
    ("query_room_info", {"RoomId": "nobody"}),
    ("query_room_info", {"RoomId": 7}),
    ("query_instance_all_records_by_time", {"UserId": "123456789", "BeginTime": "1575962150", "EndTime": "1575962850"}),
    ("query_all_instance_by_time", {"BeginTime": "1575962150", "EndTime": "1575962160"}),
    ("count_business_distribute_volume_by_day", {"CountBy": 2, "QueryDate": "20191210"}),
    ("count_qos_by_day", {"QueryDate": "20291210"}),
    ("count_qos_by_day", {"Frob": 1}),
]


class Client:
    """Sends mixed requests over one connection."""

    def __init__(self, mock: MockServer, seed: int) -> None:
        self._mock, self._rng, self._app = mock, random.Random(seed), mock.app()
        self._connection = http.client.HTTPConnection("127.0.0.1", mock.port, timeout=10)
        self.count = 0

    def send_request(self) -> None:
        """Send one valid or invalid request and check that the answer is an envelope."""
        self.count += 1
        operation, body = self._rng.choice(SAMPLES)
        text = json.dumps({**body, "RoomId": f"r{self.count}"} if body.get("RoomId") == "nobody" else body)
        target = f"/v2/video/{operation}?{self._app.sign(seq=str(self.count))}"
        headers = dict(HEADERS)
        kind = self._rng.randrange(12)
        if kind == 0:
            target = target.replace("checksum=", "checksum=0")
        elif kind == 1:
            text = text[:-1]
        elif kind == 2:
            target = f"/frob/{self.count}"
        elif kind == 3:
            headers[f"X-Made-Up-{self.count}"] = "1"
        elif kind == 4:
            headers["X-Mock-Scenario"] = self._rng.choice(("empty", "frob", "default"))
        elif kind == 5:
            target = target.replace("appkey=123456789", f"appkey={self.count}")
        elif kind == 6:
            text = json.dumps({**body, f"k{self.count}": 1})
        self._connection.request("POST", target, text, headers)
        answer = json.loads(self._connection.getresponse().read())
        assert answer["Status"] in ("OK", "FAIL")
        assert answer["ErrorCode"] != 1500, answer

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def open_resources() -> tuple[int, int]:
    """Return the number of threads and of open files of this process."""
    return threading.active_count(), psutil.Process().num_fds()


@pytest.mark.alone
def test_memory_does_not_grow_under_load(measured):
    """Mixed requests with occasional reloads and scenario changes use no more memory in the second half."""
    seed = random.randrange(1 << 32)
    process, sizes = psutil.Process(), []
    # The test runner captures each log line, which would count as growth.
    with MockServer("document", now=str(NOW), journal_size=200, log_requests="none") as mock:
        client = Client(mock, seed)
        step = SOAK // 40
        start = time.monotonic()
        for number in range(SOAK):
            client.send_request()
            if number % step == 0:
                sizes.append(process.memory_info().rss)
                mock.use("document" if number // step % 2 else "default")
                if number // step % 4 == 3:
                    mock.admin.send("POST", "reload")
        seconds = time.monotonic() - start
        client.close()
    # The first quarter fills the caches, the journal and the allocator.
    rest = sizes[len(sizes) // 4 :]
    first, second = (sorted(part)[len(part) // 2] for part in (rest[: len(rest) // 2], rest[len(rest) // 2 :]))
    growth = second - first
    measured(f"soak: seed {seed}: {SOAK} requests in {seconds:.0f} s, {growth / 1024:+.0f} KiB between the halves")
    assert growth < MAX_GROWTH, [size // 1024 for size in sizes]


def test_memory_does_not_grow_once_the_journal_is_full(measured):
    """Different requests of 4 KB: a full journal does not grow, and every evicted request is counted."""
    full = length(1_000, 10_000)
    with (
        serving("--scenario", "document", "--journal-size", str(full)) as server,
        http_client.Client(server.port) as client,
    ):
        process, sizes = psutil.Process(server.process.pid), []
        for number in range(FOUR_KB):
            body = {"RoomId": f"{number}", "Padding": "x" * 4_040}
            assert client.code("query_room_info", body) == 1205
            if number >= full + 1_000 and number % 500 == 0:
                sizes.append(process.memory_info().rss)
        count = client.get("requests/count")
    assert count["count"] + count["evicted"] == FOUR_KB
    assert full * 6 // 10 < count["count"] <= full
    measured(
        f"{FOUR_KB} requests of 4 KB: {sizes[0] / 2**20:.0f} MB when the journal was full, then {(max(sizes) - sizes[0]) / 1024:+.0f} KiB"
    )
    assert max(sizes) - sizes[0] < MAX_GROWTH // 2, sizes


@pytest.mark.parametrize("settings", [{}, {"tls": True}, {"reload": True}], ids=["plain", "tls", "reload"])
def test_nothing_is_left_after_many_servers(settings, measured):
    """No thread, socket or file of a stopped server is left."""
    before = None
    for cycle in range(CYCLES):
        with MockServer("document", now=str(NOW), **settings) as mock:
            clients = [socket.create_connection(("127.0.0.1", mock.port), timeout=5) for _ in range(3)]
            clients[0].sendall(b"GET / HTTP/1.1\r\nHost: h\r\n")
            if not settings.get("tls"):
                client = Client(mock, cycle)
                client.send_request()
                client.close()
        for connection in clients:
            connection.close()
        if cycle == 2:
            before = open_resources()
    # The watcher's event handle is closed shortly after its thread has ended.
    deadline = time.monotonic() + 10
    while open_resources() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert open_resources() <= before
    measured(f"cycles: {CYCLES} starts and stops ({', '.join(settings) or 'plain'}), no thread, socket or file left")


@pytest.mark.alone
def test_a_stop_is_fast_whatever_the_clients_do(measured, monkeypatch):
    """Idle, half-open, delayed and hanging clients: a stop takes less than a second longer than the limit."""
    limits = Limits() if FULL else Limits(stop_seconds=1)
    monkeypatch.setattr("mockserver.server.server.Limits", lambda: limits)
    with MockServer("document", now=str(NOW)) as mock:
        target = mock.app().signed_url("count_qos_by_day").removeprefix(mock.url)
        connections = []
        for fault in (None, "latency;fixed_ms=60000", "hang"):
            for _ in range(20):
                connection = socket.create_connection(("127.0.0.1", mock.port), timeout=5)
                connections.append(connection)
                header = f"X-Mock-Fault: {fault}\r\n" if fault else ""
                head = f"POST {target} HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n{header}"
                connection.sendall(f"{head}Content-Length: 25\r\n\r\n".encode())
                if fault:
                    connection.sendall(b'{"QueryDate": "20191210"}')
        deadline = time.monotonic() + 5
        while mock._server.pending < 40:
            assert time.monotonic() < deadline, mock._server.pending
            time.sleep(0.005)
        start = time.monotonic()
        mock.stop()
        seconds = time.monotonic() - start
    for connection in connections:
        connection.close()
    measured(f"stop: {seconds:.2f} s with {len(connections)} clients")
    assert seconds < limits.stop_seconds + 1
