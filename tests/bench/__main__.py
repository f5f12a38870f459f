"""Print what a request and a start cost, side by side in one run; what waits for a cold question; and the world's table."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
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
        process.wait(10)


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


def head_of_line() -> None:
    """Print how long other requests take while cold days of `busy-day` are computed."""
    room, latencies, stop = signed("query_room_info", ROOM), list[float](), threading.Event()
    with serving("mockserver", "serve", "--port", "0", "--scenario", "busy-day") as (url, process):
        load.run(url, room, 100)

        def others() -> None:
            while not stop.is_set():
                latencies.extend(load.run(url, room, 20, connections=1).latencies)

        thread = threading.Thread(target=others)
        thread.start()
        started = time.perf_counter()
        for day in range(1, COLD_DAYS + 1):
            body: dict[str, object] = {"QueryDate": f"202503{day:02d}", "CountBy": 1}
            answer = load.run(url, signed("count_business_total_volume_by_day", body), 1, connections=1).first
            assert json.loads(answer)["Status"] == "OK", answer
        seconds = (time.perf_counter() - started) / COLD_DAYS
        stop.set()
        thread.join()
        cuts = statistics.quantiles(latencies, n=100)
        resident = process.memory_info().rss / 2**20
    print(f"\na cold day of busy-day: {1e3 * seconds:.0f} ms; other requests meanwhile: p50 {1e3 * cuts[49]:.1f} ms, "
          f"p99 {1e3 * cuts[98]:.1f} ms ({len(latencies)} requests); {resident:.0f} MB")  # fmt: skip


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
