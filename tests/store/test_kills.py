"""Workers and Redis are killed under load: acknowledged requests are never lost, duplicated or decided twice."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter
from http.client import HTTPException

import psutil
import pytest
from helpers.http_client import Client, Connection
from helpers.length import FULL, length
from helpers.redis_process import RedisProcess, wait_until
from helpers.server_process import serving

THREADS = 48
BUSY, LIMITED = 1402, 1401
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


def send_again(seq: str, port: int) -> str:
    """Send a newly signed request with a seq that was accepted before; return the name of its violation."""
    client = Client(port)
    target = client.target().rpartition("seq=")[0] + f"seq={seq}"
    answer = client.wire.ask("POST", target, b'{"RoomId":"123456789"}', Content_Type="application/json")
    client.close()
    return answer.headers.get("x-mock-diagnosis", "").partition(":")[0]


def test_times_100_is_100_over_all_processes(redis: RedisProcess) -> None:
    """A fault and an answer, asked for by 48 threads at three workers and a second host."""
    options = ("--store", redis.url, "--store-prefix", "exact:", "--log-requests", "none", "--scenario", "document")
    with serving("--workers", "3", *options) as first, serving(*options) as second, Connection(first.port) as wire:
        wire.send("POST", "faults", {"fault": "error", "name": "server_busy", "times": LIMIT})
        wire.send("POST", "answers", {"on": "query_room_info", "reply": {"error": "rate_limited"}, "times": LIMIT})
        load = Load([first.port, second.port])
        wait_until(lambda: len(load.answered) > 6 * LIMIT, 60)
        load.finish()
        assert (load.broken, load.unrecorded) == (0, 0)
        codes = Counter(code for _, _, code in load.answered)
        assert (codes[BUSY], codes[LIMITED], codes[0]) == (LIMIT, LIMIT, codes.total() - 2 * LIMIT)
        assert wire.get("requests/count") == {"count": codes.total(), "evicted": 0}


@pytest.mark.parametrize("fsync", ["always", *(["everysec"] if FULL else [])])
def test_kills_of_workers_and_redis_lose_nothing(measured, fsync: str) -> None:
    """Three workers and a second host; every recorded answer is found by its id from the other host, once."""
    kills = length(4, 11)
    redis = RedisProcess("--appendfsync", fsync)
    options = ("--store", redis.url, "--log-requests", "none", "--scenario", "document", "--journal-size", "1000000")
    try:
        with serving("--workers", "3", *options) as first, serving(*options) as second:
            with Connection(first.port) as wire, Connection(second.port) as other:
                wire.send("PUT", "readings", {"seq": "unique"})
                wire.send("POST", "faults", {"fault": "error", "name": "server_busy", "times": LIMIT, "after": 200})
                load = Load(ports := [first.port, second.port])
                for number in range(kills):
                    before = len(load.answered)
                    wait_until(lambda before=before: len(load.answered) > before + 300)
                    if number == kills // 2:
                        redis.kill()
                        if FULL:
                            wait_until(lambda: load.unrecorded > 0, 5)
                        redis.start()
                        continue
                    workers = psutil.Process(first.process.pid).children()
                    os.kill(workers[number % len(workers)].pid, signal.SIGKILL)
                    wait_until(lambda: len(psutil.Process(first.process.pid).children()) == 3, 2.0)
                before = len(load.answered)
                wait_until(lambda: len(load.answered) > before + 300)
                load.finish()
                rows = other.get("requests", appkey="123456789")["requests"]
                counted = other.get("requests/count", appkey="123456789")
                (fault,) = other.get("faults", appkey="123456789")["faults"]
                repeated = Counter(send_again(seq, port) for _, seq, _ in load.answered[::97] for port in ports)
        journal = Counter(row["id"] for row in rows)
        answered = Counter(request_id for request_id, _, _ in load.answered)
        assert [key for key, count in answered.items() if count > 1] == []
        assert [key for key, count in journal.items() if count > 1] == []
        assert [key for key in answered if key not in journal] == []
        assert max(Counter(row["request"]["query"]["seq"] for row in rows).values()) == 1
        assert counted == {"count": len(rows), "evicted": 0}
        assert len(rows) - len(answered) <= load.broken + load.unrecorded
        # A worker that was killed may have counted its request and not recorded it.
        fired = sum(row["faults"] == ["error"] for row in rows)
        busy = sum(code == BUSY for _, _, code in load.answered)
        assert busy <= fired <= fault["struck"] == LIMIT
        assert {code for _, _, code in load.answered} == {0, BUSY}
        assert repeated.keys() == {"seq_repeated"}
        assert load.slowest < 5
        measured(
            f"store ({fsync}): {kills - 1} workers and 1 Redis killed under {THREADS} threads: {len(answered):,} answers, 0 lost, 0 doubled;"
            f" {load.broken} connections broken, {load.unrecorded} answered server_busy, slowest {load.slowest:.1f} s"
        )
    finally:
        redis.close()
