"""While Redis is silent or unavailable, requests do not hang and errors have a reason; then the server recovers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator

import psutil
import pytest
from helpers import shell
from helpers.event_loops import run_async
from helpers.http_client import Client, Connection
from helpers.redis_process import Proxy, RedisProcess, wait_until
from helpers.server_process import CLEAN, serving

from mockserver.core.addresses import parse_store
from mockserver.core.errors import ConfigurationError
from mockserver.engine.journal import JournalQuery
from mockserver.engine.redis_connection import AnsweredCalls, Call
from mockserver.engine.redis_lane import Lane
from mockserver.testing.mock_server import MockServer


@pytest.fixture
def redis() -> Iterator[RedisProcess]:
    """A server of the test's own, which it may kill and empty."""
    with contextlib.closing(RedisProcess()) as server:
        yield server


@pytest.fixture
def proxy(redis: RedisProcess) -> Iterator[Proxy]:
    """A proxy in front of it."""
    with contextlib.closing(Proxy(redis.port)) as proxy:
        yield proxy


def test_without_redis_requests_are_busy_and_the_server_is_not_ready(redis: RedisProcess) -> None:
    """With a diagnosis and without an id; once Redis is back, all works with the state from before."""
    with MockServer("document", store=redis.url) as mock, Client(mock.port) as client:
        before = client.call().headers["x-mock-request-id"]
        client.send("PUT", "readings", {"unknown_room": "empty"})
        redis.kill()
        busy = client.call()
        assert (busy.status, busy.json["ErrorCode"]) == (200, 1402)
        assert busy.headers["x-mock-diagnosis"].startswith(f"store_unavailable: the store {redis.url} is unavailable")
        assert "x-mock-request-id" not in busy.headers
        ready = client.wire.admin("GET", "ready")
        assert (ready.status, ready.json["problems"][0]["place"]) == (503, "--store")
        assert client.wire.admin("GET", "health").status == 200
        assert b"mockserver_store_up 0\n" in client.wire.admin("GET", "metrics").body
        for refused in (client.admin("GET", "requests"), client.admin("PUT", "scenario", {"name": "empty"})):
            assert (refused.status, refused.json["error"]) == (503, "store_unavailable")
        redis.start()
        wait_until(lambda: client.code("query_room_info", {"RoomId": "nobody"}) == 0, 3.0)
        wait_until(lambda: client.wire.admin("GET", "ready").status == 200, 3.0)
        assert client.get(f"requests/{before}")["id"] == before
        assert client.get("scenario") == {"name": "document"}


def test_a_silent_network_loses_and_doubles_nothing(redis: RedisProcess, proxy: Proxy) -> None:
    """For three seconds no data passes in either direction; commands that are sent again count once."""
    url = f"redis://127.0.0.1:{proxy.port}/0"
    with MockServer("document", store=url) as mock, MockServer("document", store=redis.url) as other:
        with Client(other.port) as direct:
            direct.send("POST", "answers", {"on": "*", "reply": {"error": "rate_limited"}, "times": 40})
        answers: list[tuple[str, int]] = []
        slowest = [0.0]

        def send() -> None:
            with Client(mock.port) as client:
                for _ in range(30):
                    started = time.monotonic()
                    answer = client.call()
                    slowest[0] = max(slowest[0], time.monotonic() - started)
                    answers.append((answer.headers.get("x-mock-request-id", ""), answer.json["ErrorCode"]))

        threads = [threading.Thread(target=send) for _ in range(8)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(answers) > 20, 10)
        proxy.freeze()
        thaw = threading.Timer(3.0, proxy.thaw)
        thaw.start()
        for thread in threads:
            thread.join()
        thaw.join()
        with Client(other.port) as direct:
            wait_until(lambda: mock.engine.store.problem is None, 3.0)
            rows = direct.get("requests")["requests"]
    found = Counter(row["id"] for row in rows)
    recorded = [request_id for request_id, _ in answers if request_id]
    assert max(found.values()) == 1
    assert set(recorded) <= found.keys()
    assert len(set(recorded)) == len(recorded)
    assert sum(row["error"] == "rate_limited" for row in rows) <= 40
    assert slowest[0] < 5


@pytest.mark.parametrize(
    "url", ["http://user:pw1@host/0", "redis://:pw1@/0", "redis://:pw1@host/x", "rediss://:pw1@h?ssl_ca_certs=/no/pw1"]
)
def test_a_wrong_store_url_is_refused_without_its_password(url: str) -> None:
    """The message names the option and the form."""
    with pytest.raises(ConfigurationError) as raised:
        parse_store(url)
    assert "--store" in str(raised.value)
    assert "pw1@" not in str(raised.value)


def test_workers_are_replaced_one_by_one_without_refusing_a_connection(redis: RedisProcess) -> None:
    """SIGHUP under load, each request over a new connection; the supervisor's only children are the workers."""
    with serving("--workers", "2", "--store", redis.url, "--log-requests", "none") as server:
        supervisor = psutil.Process(server.process.pid)
        before = {child.pid for child in supervisor.children()}
        failures: list[BaseException] = []
        stop = threading.Event()

        def send() -> None:
            while not stop.is_set():
                try:
                    with Client(server.port) as client:
                        client.call()
                except Exception as error:
                    failures.append(error)

        threads = [threading.Thread(target=send) for _ in range(6)]
        for thread in threads:
            thread.start()
        for _ in range(2):
            server.process.send_signal(1)
            wait_until(lambda before=before: not before & {child.pid for child in supervisor.children()}, 20)
            wait_until(lambda: len(supervisor.children()) == 2, 20)
            before = {child.pid for child in supervisor.children()}
        stop.set()
        for thread in threads:
            thread.join()
        assert failures == []
        children = supervisor.children()
        assert server.stop()[0] == 0
        psutil.wait_procs(children, timeout=5)
        assert not any(child.is_running() for child in children)


def test_workers_without_a_store_are_refused_with_advice() -> None:
    """Exit status 2."""
    refused = shell.run("serve", "--port", "0", "--workers", "2")
    assert (refused.returncode, refused.stderr.startswith("--workers: ")) == (2, True)
    assert "add --store redis://" in refused.stderr


def test_a_second_host_joins_what_is_there_and_says_what_it_does_not_apply(redis: RedisProcess) -> None:
    """Until a reset, which restores the options of the server that it reaches."""
    with (
        MockServer("empty", store=redis.url),
        serving("--store", redis.url, "--scenario", "document", "--now", "1575963000") as second,
    ):
        with Connection(second.port) as wire:
            assert wire.get("scenario") == {"name": "empty"}
            assert "(scenario empty, " in second.line
            assert not wire.get("clock")["frozen"]
            # A thread of the server writes the log.
            wait_until(lambda: "--scenario, --now: not applied" in second.log)
            assert shell.run("reset", "--url", second.url).returncode == 0
            assert (wire.get("scenario"), wire.get("clock")["now"]) == ({"name": "document"}, 1575963000)


def test_gunicorn_shares_the_state(redis: RedisProcess) -> None:
    """The processes of another server count like one, and there is no warning."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    words = [sys.executable, "-m", "gunicorn", "-w", "2", "-b", f"127.0.0.1:{port}", "mockserver:create_app()"]
    server = subprocess.Popen(
        words,
        env={**CLEAN, "MOCKSERVER_STORE": redis.url, "MOCKSERVER_SCENARIO": "document"},
        stderr=subprocess.DEVNULL,
    )
    try:

        def answers() -> bool:
            try:
                with Connection(port) as wire:
                    return wire.admin("GET", "health").status == 200
            except OSError:
                return False

        wait_until(answers, 30)
        with Connection(port) as wire:
            wire.send("POST", "faults", {"fault": "error", "name": "server_busy", "times": 10})
        codes: Counter[int] = Counter()
        processes: set[str] = set()
        # On a busy machine the first process may answer many requests before the others have started, and a process may
        # not have connected in time to answer its first requests.
        deadline = time.monotonic() + 30
        while codes.total() < 30 or (len(processes) < 2 and time.monotonic() < deadline):
            with Client(port) as client:
                answer = client.call()
                if request_id := answer.headers.get("x-mock-request-id"):
                    codes[answer.json["ErrorCode"]] += 1
                    processes.add(request_id.partition("-")[0])
        assert len(processes) > 1
        assert codes == {1402: 10, 0: codes.total() - 10}
        with Connection(port) as wire:
            assert wire.get("requests/count") == {"count": codes.total(), "evicted": 0}
            assert wire.get("ready")["warnings"] == []
    finally:
        server.terminate()
        server.wait(20)


def test_a_request_without_a_claim_is_answered_after_one_round_trip(
    redis: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the journal entry is sent first: nothing is to be decided for plain rules and the world."""
    with MockServer("document", store=redis.url) as mock, Client(mock.port) as client:
        calls: list[tuple[object, ...]] = []
        store = mock.engine.store
        monkeypatch.setattr(store, "claim", lambda *call: calls.append(call))
        assert [client.code(), client.code("query_room_info", {"RoomId": "nobody"})] == [0, 1301]
        assert calls == []
        assert client.get("requests/count")["count"] == 2


def test_a_caller_that_stops_waiting_does_not_wait_for_redis(proxy: Proxy) -> None:
    """The event loop ends the waiting of a client that has disconnected, and must not stop."""
    with MockServer("document", store=f"redis://127.0.0.1:{proxy.port}/0") as mock:
        cancel = mock.engine.journal.notify(1, JournalQuery(), lambda: None)
        assert cancel is not None
        proxy.freeze()
        wait_until(proxy.holds_back)
        started = time.monotonic()
        cancel()
        assert time.monotonic() - started < 4
        proxy.thaw()


def test_after_redis_has_lost_everything_only_new_requests_are_listed(redis: RedisProcess) -> None:
    """A server remembers what it has read, but not beyond the state that it belongs to."""
    with MockServer("document", store=redis.url) as mock, Client(mock.port) as client:
        for _ in range(5):
            client.code()
        assert client.get("requests/count")["count"] == 5
        redis.command("FLUSHALL")
        client.code()
        (entry,) = client.get("requests")["requests"]
        assert entry["id"] == client.get("requests/feed")["requests"][-1]["id"]


def test_requests_sent_in_advance_are_answered_after_the_client_has_finished_sending(proxy: Proxy) -> None:
    """The first response comes after the end of input, and the second one follows."""
    store = f"redis://127.0.0.1:{proxy.port}/0"
    with MockServer("document", store=store) as mock, Client(mock.port) as client:
        assert client.code() == 0
        request = b"POST /v2/video/query_room_info HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
        with socket.create_connection(("127.0.0.1", mock.port), 20) as wire:
            proxy.freeze()
            for _ in range(2):
                wire.sendall(request)
                wait_until(proxy.holds_back)
            wire.shutdown(socket.SHUT_WR)
            connections = mock._server._service.connections
            # On a machine that stalls, the answers may have been sent in the meantime.
            wait_until(lambda: len(connections) < 2 or any(connection._half_closed for connection in connections))
            proxy.thaw()
            data = b"".join(iter(lambda: wire.recv(65_536), b""))
        assert data.count(b"HTTP/1.1 200 OK") == 2


def test_a_request_that_fails_leaves_the_connection_to_others(
    redis: RedisProcess, caplog: pytest.LogCaptureFixture
) -> None:
    """The failure is logged; the connection to Redis stays open."""
    answers: list[bytes] = []

    async def main() -> None:
        lane = Lane(parse_store(redis.url), [])
        lane.open(asyncio.get_running_loop())

        def fail() -> None:
            answers.append(lane.call("PING"))
            raise RuntimeError("some bug")

        for request in (fail, lambda: answers.append(lane.call("CLIENT", "ID")), fail):
            lane.spawn(request)
        lane.spawn(lambda: answers.append(lane.call("CLIENT", "ID")))
        while len(answers) < 4:
            await asyncio.sleep(0.01)
        lane.close()

    run_async(asyncio.wait_for(main(), 20))
    assert answers[0] == answers[2] == b"PONG"
    assert answers[1] == answers[3]
    assert [record.getMessage() for record in caplog.records] == ["a request failed"] * 2


def test_what_is_sent_again_is_limited_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """And in seconds."""
    monkeypatch.setattr("mockserver.engine.redis_connection.MAX_UNSAVED_BYTES", 100)
    answered = AnsweredCalls()
    for number in range(10):
        answered.add(Call(b"%040d" % number, 0, id, sent=float(number)))
    assert [int(call.command) for call in answered.take()] == [8, 9]
    for number in range(10):
        answered.add(Call(b"%d" % number, 0, id, sent=float(number)))
    assert [int(call.command) for call in answered.take()] == [5, 6, 7, 8, 9]
    answered.add(Call(b"0" * 101, 0, id))
    assert answered.take() == []
