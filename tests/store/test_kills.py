"""Workers and Redis are killed under load: what was acknowledged is never lost, doubled or decided twice."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter
from http.client import HTTPException

import psutil
from helpers.http_client import Client, Connection
from helpers.length import length
from helpers.redis_process import RedisProcess, wait_until
from helpers.server_process import serving

THREADS = 48
LIMIT = 100  # How often the fault fires.


class Load:
    """Threads that send requests to several servers until they are stopped, and remember every answer."""

    def __init__(self, ports: list[int], threads: int = THREADS) -> None:
        self.answered: list[tuple[str, str, int]] = []
        """Request id, seq and ErrorCode of every complete answer that has an id."""
        self.unrecorded = self.broken = 0  # Answers without an id, and connections that broke.
        self.slowest = 0.0
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._send, args=(ports[n % len(ports)],)) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    def _send(self, port: int) -> None:
        client = Client(port)
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                target = client.target()
                answer = client.wire.ask("POST", target, b'{"RoomId":"123456789"}', Content_Type="application/json")
            except (OSError, HTTPException):
                with self._lock:
                    self.broken += 1
                continue
            with self._lock:
                self.slowest = max(self.slowest, time.monotonic() - started)
                if request_id := answer.headers.get("x-mock-request-id"):
                    seq = target.partition("seq=")[2]
                    self.answered.append((request_id, seq, json.loads(answer.body)["ErrorCode"]))
                else:
                    self.unrecorded += 1
        client.close()

    def finish(self) -> None:
        """Stop all threads."""
        self._stop.set()
        for thread in self._threads:
            thread.join()


def test_kills_of_workers_and_redis_lose_nothing(measured) -> None:
    """Three workers and a second host; every recorded answer is found by its id from the other host, once."""
    kills = length(4, 40)
    redis = RedisProcess()
    options = ("--store", redis.url, "--log-requests", "none", "--scenario", "document", "--journal-size", "1000000")
    try:
        with serving("--workers", "3", *options) as first, serving(*options) as second:
            with Connection(first.port) as wire, Connection(second.port) as other:
                wire.send("POST", "faults", {"fault": "error", "name": "server_busy", "times": LIMIT, "after": 200})
                load = Load([first.port, second.port])
                for number in range(kills):
                    before = len(load.answered)
                    wait_until(lambda before=before: len(load.answered) > before + 300)
                    if number == kills // 2:
                        redis.kill()
                        redis.start()
                    workers = psutil.Process(first.process.pid).children()
                    os.kill(workers[number % len(workers)].pid, signal.SIGKILL)
                    wait_until(lambda: len(psutil.Process(first.process.pid).children()) == 3, 2.0)
                before = len(load.answered)
                wait_until(lambda: len(load.answered) > before + 300)
                load.finish()
                rows = other.get("requests", appkey="123456789")["requests"]
        journal = Counter(row["id"] for row in rows)
        answered = Counter(request_id for request_id, _, _ in load.answered)
        assert [key for key, count in answered.items() if count > 1] == []
        assert [key for key, count in journal.items() if count > 1] == []
        assert [key for key in answered if key not in journal] == []
        assert max(Counter(row["request"]["query"]["seq"] for row in rows).values()) == 1
        # Killed workers may have fired without an answer; the journal has each.
        fired = sum(row["faults"] == ["error"] for row in rows)
        busy = sum(code == 1402 for _, _, code in load.answered)
        assert busy <= fired <= LIMIT
        assert load.slowest < 5
        measured(
            f"store: {kills} workers and 1 Redis killed under {THREADS} threads: {len(answered):,} answers, 0 lost, 0 doubled;"
            f" {load.broken} connections broken, {load.unrecorded} answered server_busy, slowest {load.slowest:.1f} s"
        )
    finally:
        redis.close()
