"""Print requests per second, CPU per request and start-up time, relative to a minimal Flask app in the same run."""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from mockserver.contract.checksum import sign
from mockserver.contract.operations import OPERATIONS
from mockserver.core.folders import Folders
from mockserver.engine.config import load_apps_only
from tests.bench import load

ROUNDS = 15
REQUESTS = 3_000
STARTS = 5
ROOM = {"RoomId": "123456789", "BeginTime": "1575962150", "EndTime": "1575962850"}
RECORDS = {"UserId": "123456789", "BeginTime": "1575962150", "EndTime": "1575962850"}


@contextlib.contextmanager
def serving(*command: str) -> Iterator[tuple[str, psutil.Process]]:
    """Run a server in a separate process; yield its URL, once it is ready, and its process."""
    process = subprocess.Popen([sys.executable, "-m", *command], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield next(word for word in line.split() if word.startswith("http")), psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(10)


def signed(operation: str, body: dict[str, object]) -> bytes:
    """Return a signed request of the first app."""
    keys = next(iter(load_apps_only(Folders()).values())).credentials
    target = f"{OPERATIONS[operation].path}?{sign(keys, time.time())}"
    return load.post(target, json.dumps(body).encode())


def measure(url: str, process: psutil.Process, request: bytes) -> tuple[float, float]:
    """Return requests per second, and CPU microseconds of the server per request."""
    before = process.cpu_times()
    done = load.run(url, request, REQUESTS)
    after = process.cpu_times()
    spent = after.user + after.system - before.user - before.system
    return done.answers / done.seconds, spent / done.answers * 1e6


def requests() -> None:
    """Print CPU and throughput of the three servers: medians over rounds in which each server takes its turn."""
    with (
        serving("tests.bench.hello") as hello,
        serving("mockserver", "serve", "--port", "0", "--scenario", "document") as document,
        serving("mockserver", "serve", "--port", "0", "--scenario", "recorded-day") as recorded,
    ):
        cases = {
            "bare Flask hello": (hello, signed("query_room_info", ROOM)),
            "document answer": (document, signed("query_room_info", ROOM)),
            "recorded world": (recorded, signed("query_instance_all_records_by_time", RECORDS)),
        }
        figures: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
        for name, ((url, _), request) in cases.items():
            # Fill the journal, so that each measured request evicts another.
            answer = load.run(url, request, 12_000).first
            assert name == "bare Flask hello" or json.loads(answer)["Status"] == "OK", answer
        for _ in range(ROUNDS):
            for name, ((url, process), request) in cases.items():
                figures[name].append(measure(url, process, request))
    hello = [cpu for _, cpu in figures["bare Flask hello"]]
    print(f"{'':22}{'requests/s':>12}{'CPU µs/request':>16}{'× hello':>10}")
    for name, runs in figures.items():
        rate, cpu = statistics.median(rate for rate, _ in runs), statistics.median(cpu for _, cpu in runs)
        ratio = statistics.median(cpu / base for (_, cpu), base in zip(runs, hello, strict=True))
        print(f"{name:22}{rate:12.0f}{cpu:16.0f}{ratio:10.2f}")


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
