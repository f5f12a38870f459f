"""Faults with many clients at once: delayed ones get responses, hanging ones are released, counts are exact.

The limits are those that are promised, with a margin for a machine that others use, too.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers.event_loops import run_async
from helpers.http_client import Client, Connection

from mockserver.testing.mock_server import MockServer

BUSY = 1402


@pytest.fixture
def mock(caplog):
    """A server that logs no warning and no error of its own."""
    caplog.set_level(logging.WARNING)
    with MockServer(scenario="document") as running:
        yield running
    records = caplog.get_records("call")
    assert [record.getMessage() for record in records if record.name != "mockserver.requests"] == []


async def _send(port: int, raw: bytes, answers: list[bytes], gate: asyncio.Event, ready: asyncio.Semaphore) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    ready.release()
    await gate.wait()
    writer.write(raw)
    try:
        answers.append(await reader.read())
    except ConnectionError as error:
        answers.append(repr(error).encode())
    writer.close()


async def _many(port: int, raw: list[bytes]) -> tuple[list[bytes], float]:
    """All responses to requests sent at once over open connections, and the seconds it took."""
    answers: list[bytes] = []
    gate, ready = asyncio.Event(), asyncio.Semaphore(0)
    clients = [asyncio.create_task(_send(port, request, answers, gate, ready)) for request in raw]
    for _ in clients:
        await ready.acquire()
    started = time.monotonic()
    gate.set()
    await asyncio.gather(*clients)
    return answers, time.monotonic() - started


@pytest.mark.alone
def test_2000_clients_delayed_by_a_second_are_answered_together(mock) -> None:
    """A delay takes no thread: all clients wait at the same time, and none fails."""
    with Client.fresh(mock.port) as client:
        raw = [client.raw(Connection="close") for _ in range(2_000)]
        client.send("POST", "faults", {"fault": "latency", "fixed_ms": 1000})
        answers, seconds = run_async(_many(mock.port, raw))
        assert Counter(answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"}") for answer in answers) == {
            True: 2_000
        }
        assert 1.0 <= seconds < 60.0, f"{seconds:.2f} s"
        assert client.get("requests/count")["count"] == 2_000
        assert client.get("faults")["faults"][0]["struck"] == 2_000


def test_a_reset_releases_500_hanging_requests_at_once(mock) -> None:
    """It responds while 500 clients hang, and releases those of its app only."""

    async def hang() -> tuple[int, list[bytes]]:
        waiting = [asyncio.create_task(_whole(mock.port, hanging.raw())) for _ in range(500)]
        other = asyncio.create_task(_whole(mock.port, neighbour.raw()))
        while mock.engine.store.app(hanging.appkey).faults.active[0].counts.fired < 500:
            await asyncio.sleep(0.01)
        while neighbour_state.faults.active[0].counts.fired < 1:
            await asyncio.sleep(0.01)
        loop = asyncio.get_running_loop()
        released = (await loop.run_in_executor(None, lambda: hanging.send("POST", "reset")))["released"]
        answers = await asyncio.gather(*waiting)
        assert not other.done()
        assert (await loop.run_in_executor(None, lambda: neighbour.send("DELETE", "faults")))["released"] == 1
        await other
        return released, answers

    with Client.fresh(mock.port) as hanging, Client.fresh(mock.port) as neighbour:
        neighbour_state = mock.engine.store.app(neighbour.appkey)
        for client in (hanging, neighbour):
            client.send("POST", "faults", {"fault": "hang", "max_seconds": 600})
        released, answers = run_async(hang())
        assert released == 500
        assert answers == [b""] * 500
        assert hanging.code() == 0


async def _whole(port: int, raw: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    answer = await reader.read()
    writer.close()
    return answer


def test_a_reset_of_all_apps_releases_every_app(mock) -> None:
    """A reset without an appkey leaves no request hanging."""

    async def hang() -> list[bytes]:
        waiting = [asyncio.create_task(_whole(mock.port, client.raw())) for client in clients for _ in range(20)]
        while sum(mock.engine.store.app(client.appkey).faults.active[0].counts.fired for client in clients) < 60:
            await asyncio.sleep(0.01)
        loop = asyncio.get_running_loop()
        with Connection(mock.port) as wire:
            assert (await loop.run_in_executor(None, lambda: wire.send("POST", "reset")))["released"] == 60
        return await asyncio.gather(*waiting)

    clients = [Client.fresh(mock.port) for _ in range(3)]
    for client in clients:
        client.send("POST", "faults", {"fault": "hang"})
    assert run_async(hang()) == [b""] * 60
    for client in clients:
        client.close()


def test_times_100_under_64_clients_gives_exactly_100_faults(mock) -> None:
    """The count is exact however many clients ask at once, and so are `every` and `after` beside it."""
    with Client.fresh(mock.port) as client:
        client.send("POST", "faults", {"fault": "error", "name": "server_busy", "times": 100})
        client.send("POST", "faults", {"fault": "http_status", "status": 503, "after": 200, "every": 4, "times": 50})

        def calls(_: int) -> list[tuple[int, int]]:
            with client.twin() as twin:
                results = [twin.call() for _ in range(10)]
                return [(answer.status, 0 if answer.status == 503 else answer.json["ErrorCode"]) for answer in results]

        with ThreadPoolExecutor(64) as threads:
            results = Counter(result for batch in threads.map(calls, range(64)) for result in batch)
        assert results == {(200, BUSY): 100, (503, 0): 50, (200, 0): 490}
        assert [(fault["struck"], fault["matched"]) for fault in client.get("faults")["faults"]] == [
            (100, 640),
            (50, 640),
        ]


def statuses_and_faults(client: Client) -> list[tuple[int, str]]:
    """Status and fault header of 120 requests in a row in the scenario `dice`."""
    client.send("PUT", "scenario", {"name": "dice"})
    results = []
    for _ in range(120):
        try:
            answer = client.call()
            results.append((answer.status, answer.headers.get("x-mock-fault", "")))
        except ConnectionError as error:
            results.append((0, type(error).__name__))
    return results


def test_the_same_seed_hits_the_same_requests(tmp_path) -> None:
    """After a reset, for another app, and in another server; another seed hits others."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "dice.yaml").write_text(
        "title: Dice\nextends: document\nfaults:\n"
        "  - {fault: error, name: server_busy, probability: 0.3}\n"
        "  - {fault: malformed_json, how: cut, probability: 0.3}\n"
        "  - {fault: http_status, status: 503, probability: 0.2}\n"
        "  - {fault: connection_reset, probability: 0.1}\n",
        encoding="utf-8",
    )
    runs = []
    for seed in (7, 7, 8):
        with (
            MockServer(scenario="document", fixtures=str(tmp_path), seed=seed) as mock,
            Client.fresh(mock.port) as first,
            Client.fresh(mock.port) as second,
        ):
            runs.append(statuses_and_faults(first))
            if seed == 7:
                assert statuses_and_faults(second) == runs[-1]
                first.send("POST", "reset")
                assert statuses_and_faults(first) == runs[-1]
    assert runs[0] == runs[1] != runs[2]
    share = sum("error" in fault for _, fault in runs[0]) / 120
    assert 0.15 < share < 0.45


def test_a_fault_for_all_apps_draws_the_same_after_a_reset() -> None:
    """A fault of `--fault` keeps its id, and so its draws."""
    faults = ["error;name=server_busy;probability=0.5"]
    with MockServer(scenario="document", seed=3, fault=faults) as mock, Client(mock.port) as client:
        first = [client.code() for _ in range(60)]
        client.wire.send("POST", "reset")
        assert [client.code() for _ in range(60)] == first
        client.send("POST", "reset")
        assert [client.code() for _ in range(60)] == first
        assert 10 < first.count(BUSY) < 50
