"""Print what a request and a start cost, side by side in one run; what waits for long work; and the world's table."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from mockserver.contract.checksum import sign
from mockserver.contract.operations import OPERATIONS
from mockserver.core.folders import Folders
from mockserver.engine.config import load_apps_only
from tests.bench import load, world
from tests.bench.servers import BODY

COLD_DAYS = 6
ROUNDS = 7
REQUESTS = 3_000
STARTS = 5
ROOM = {"RoomId": "123456789", "BeginTime": "1575962150", "EndTime": "1575962850"}


@contextlib.contextmanager
def serving(*command: str) -> Iterator[tuple[str, psutil.Process]]:
    """Run a server in a separate process; yield its URL, once it is ready, and its process."""
    # With the bytecode that every installed package has.
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    process = subprocess.Popen([sys.executable, "-m", *command], stdout=subprocess.PIPE, text=True, env=env)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield next(word for word in line.split() if word.startswith("http")), psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def wiremock(jar: str) -> Iterator[tuple[str, psutil.Process]]:
    """Run WireMock without its request journal; it answers every POST to the API with a success."""
    command = ["java", "-jar", jar, "--port", "0", "--no-request-journal", "--use-chunked-encoding", "never"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = next(line.split()[-1] for line in process.stdout if line.startswith("port:"))
        stub = {
            "request": {"method": "POST", "urlPathPattern": "/v2/video/.*"},
            "response": {"jsonBody": json.loads(BODY), "headers": {"Content-Type": "application/json"}},
        }
        url, headers = f"http://127.0.0.1:{port}", {"Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(f"{url}/__admin/mappings", json.dumps(stub).encode(), headers))
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(10)


def signed(operation: str, body: dict[str, object]) -> bytes:
    """Return a signed request of the first app."""
    keys = next(iter(load_apps_only(Folders()).values())).credentials
    target = f"{OPERATIONS[operation].path}?{sign(keys, time.time())}"
    return load.post(target, json.dumps(body).encode())


@dataclass
class Case:
    """A server and what was measured."""

    url: str
    process: psutil.Process
    request: bytes
    rates: list[float] = field(default_factory=list)
    microseconds: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)

    def measure(self) -> None:
        """Send one round of requests."""
        before = self.process.cpu_times()
        done = load.run(self.url, self.request, REQUESTS)
        after = self.process.cpu_times()
        spent = after.user + after.system - before.user - before.system
        self.rates.append(done.answers / done.seconds)
        self.microseconds.append(spent / done.answers * 1e6)
        self.latencies += done.latencies


def requests() -> None:
    """Print all servers: medians over rounds in which each server takes its turn."""
    room = signed("query_room_info", ROOM)
    commands = {
        "raw ASGI (uvicorn)": ("tests.bench.servers", "asgi"),
        "Flask hello": ("tests.bench.servers", "hello"),
        "default": ("mockserver", "serve", "--port", "0"),
        "document": ("mockserver", "serve", "--port", "0", "--scenario", "document"),
        "default through Flask": ("tests.bench.servers", "flask", "default"),
        "document through Flask": ("tests.bench.servers", "flask", "document"),
    }
    with contextlib.ExitStack() as stack:
        cases = {name: Case(*stack.enter_context(serving(*command)), room) for name, command in commands.items()}
        if jar := os.environ.get("WIREMOCK_JAR"):
            cases["WireMock, no journal"] = Case(*stack.enter_context(wiremock(jar)), room)
        # Java compiles what runs often; a full journal means that each measured request evicts another.
        warm_up = {"default": 11_000, "document": 11_000, "WireMock, no journal": 100_000}
        for name, case in cases.items():
            answer = load.run(case.url, room, warm_up.get(name, 1_000)).first
            assert json.loads(answer)["Status"] == "OK", answer
        for _ in range(ROUNDS):
            for case in cases.values():
                case.measure()
        base = cases["raw ASGI (uvicorn)"]
        print("| server | requests/s | CPU µs | × raw ASGI | p50 ms | p99 ms | RSS MB |\n|-|-|-|-|-|-|-|")
        for name, case in cases.items():
            ratio = statistics.median(own / raw for own, raw in zip(case.microseconds, base.microseconds, strict=True))
            cuts = statistics.quantiles(case.latencies, n=100)
            print(
                f"| {name} | {statistics.median(case.rates):.0f} | {statistics.median(case.microseconds):.0f} | {ratio:.2f} "
                f"| {1e3 * cuts[49]:.1f} | {1e3 * cuts[98]:.1f} | {case.process.memory_info().rss / 2**20:.0f} |"
            )


def others_meanwhile(name: str, url: str, process: psutil.Process, work: Callable[[], object]) -> None:
    """Print how long `work` takes, what memory the server needs for it, and how long other requests take meanwhile."""
    room, latencies, stop, peak = signed("query_room_info", ROOM), list[float](), threading.Event(), [0]

    def others() -> None:
        while not stop.is_set():
            latencies.extend(load.run(url, room, 20, connections=1).latencies)
            peak[0] = max(peak[0], process.memory_info().rss)

    load.run(url, room, 100)
    before = process.memory_info().rss
    thread = threading.Thread(target=others)
    thread.start()
    started, used = time.perf_counter(), sum(process.cpu_times()[:2])
    result = work()
    seconds, used = time.perf_counter() - started, sum(process.cpu_times()[:2]) - used
    stop.set()
    thread.join()
    p50, p99 = (1e3 * statistics.quantiles(latencies, n=100)[cut] for cut in (49, 98))
    print(
        f"| {name} | {seconds:.2f} | {used:.2f} | {p50:.1f} | {p99:.1f} | {1e3 * max(latencies):.0f} "
        f"| {before / 2**20:.0f} | {peak[0] / 2**20:.0f} | {result or ''} |"
    )


def head_of_line() -> None:
    """Print what other requests notice of long questions, long lists, reloads and waiting callers."""
    print("\n| meanwhile | s | CPU s | p50 ms | p99 ms | max ms | MB before | MB peak | |\n|-|-|-|-|-|-|-|-|-|")
    for days, setting in ((6, ()), (12, ("--reading", "max_rows=0")), (31, ())):
        with serving("mockserver", "serve", "--port", "0", "--scenario", "busy-day", *setting) as (url, process):

            def ask(operation: str, body: dict[str, object], url: str = url) -> bytes:
                return load.run(url, signed(operation, body), 1, connections=1).first

            def cold_days(ask: Callable[..., bytes] = ask) -> None:
                for day in range(1, COLD_DAYS + 1):
                    answer = ask("count_business_total_volume_by_day", {"QueryDate": f"202501{day:02d}", "CountBy": 1})
                    assert json.loads(answer)["Status"] == "OK", answer

            def sessions(url: str = url, days: int = days) -> str:
                window = {"BeginTime": "1740758400", "EndTime": str(1740758399 + days * 86_400)}
                host, port = url.removeprefix("http://").split(":")
                with socket.create_connection((host, int(port))) as sock:
                    sock.sendall(signed("query_all_instance_by_time", window))
                    answer = http.client.HTTPResponse(sock)
                    answer.begin()
                    return f"{len(answer.read()) / 2**20:.0f} MB"

            others_meanwhile(f"{COLD_DAYS} cold days of busy-day", url, process, cold_days)
            others_meanwhile(f"{days} days of sessions there", url, process, sessions)
    with tempfile.TemporaryDirectory() as folder:
        write_sessions(Path(folder), 0)
        with serving("mockserver", "serve", "--port", "0", "--fixtures", folder, "--no-reload") as (url, process):
            load.run(url, signed("query_room_info", ROOM), 11_000)

            def reload() -> None:
                write_sessions(Path(folder), 1)
                assert admin(url, "POST", "reload")[0] == 200

            others_meanwhile("a reload of 20,000 sessions in YAML", url, process, reload)
            others_meanwhile("a list of 10,000 requests", url, process, lambda: len(admin(url, "GET", "requests")[1]))
            waiting = wait_for_requests(url)
            others_meanwhile("a call while 500 callers wait", url, process, lambda: admin(url, "GET", "scenario")[0])
            for sock in waiting:
                sock.close()


def write_sessions(folder: Path, generation: int) -> None:
    """Write a scenario of 20,000 recorded sessions."""
    lines = [f"title: Generation {generation}", "world:", "  source: recorded", "  rooms:"]
    for room in range(2_000):
        lines += [f"    - RoomId: room-{room}", "      stays:"]
        lines += [
            f"        - {{UserId: u{room}-{user}, enter: {1575900000 + user}, leave: {1575900600 + generation}}}"
            for user in range(10)
        ]
    (folder / "scenarios").mkdir(exist_ok=True)
    (folder / "scenarios/recorded.yaml").write_text("\n".join(lines) + "\n")


def admin(url: str, method: str, path: str) -> tuple[int, bytes]:
    """Return the status and body of an admin call."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"))
    headers = {"Content-Type": "application/json", "X-Mock-Admin": "1"}
    connection.request(method, f"/__admin/{path}", b"{}" if method == "POST" else None, headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def wait_for_requests(url: str) -> list[socket.socket]:
    """Return the connections of 500 callers that wait for requests."""
    host, port = url.removeprefix("http://").split(":")
    sockets = [socket.create_connection((host, int(port))) for _ in range(500)]
    for sock in sockets:
        sock.sendall(f"GET /__admin/requests?wait_for=1000000&timeout=60 HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    return sockets


def start_up() -> None:
    """Print the seconds from the start of the process to the first successful answer."""
    request = signed("query_room_info", ROOM)
    taken = []
    for _ in range(STARTS):
        with tempfile.TemporaryDirectory() as folder:
            ready = Path(folder, "ready.json")
            started = time.perf_counter()
            with serving("mockserver", "serve", "--port", "0", "--ready-file", str(ready)) as (url, _):
                answer = load.run(url, request, 1, connections=1).first
                taken.append(time.perf_counter() - started)
                assert json.loads(answer)["Status"] == "OK", answer
    print(f"\nstart to first successful answer: {statistics.median(taken):.2f} s (median of {STARTS})")


if __name__ == "__main__":
    requests()
    start_up()
    head_of_line()
    print()
    world.main()
