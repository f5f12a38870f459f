"""A reload by one process applies to all processes."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
from pathlib import Path

import psutil
import pytest
from helpers.http_client import Client, Connection
from helpers.redis_process import RedisProcess, wait_until
from helpers.server_process import serving

from mockserver.testing.mock_server import MockServer

BUSY, LIMITED = 1402, 1401
SCENARIO = "title: {0}\nextends: document\nanswers:\n  - on: query_room_info\n    reply: {{error: {0}}}\n"


def write(folder: Path, name: str, error: str) -> None:
    """Write a scenario that answers with an error."""
    path = folder / "scenarios" / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(SCENARIO.format(error))


def test_a_reload_at_one_server_reaches_the_other(redis: RedisProcess, tmp_path: Path) -> None:
    """Before its next request, whether the changed scenario is in use, new, or gone."""
    write(tmp_path, "first", "server_busy")
    settings = {"fixtures": str(tmp_path), "store": redis.url, "store_prefix": "files:"}
    with (
        MockServer(**settings) as mock,
        MockServer(**settings) as other,
        Connection(mock.port) as admin,
        Client(other.port) as client,
    ):
        admin.send("PUT", "scenario", {"name": "first"})
        assert client.code() == BUSY
        write(tmp_path, "first", "rate_limited")
        assert client.code() == BUSY
        assert admin.send("POST", "reload")["problems"] == []
        assert client.code() == LIMITED
        write(tmp_path, "second", "server_busy")
        admin.send("POST", "reload")
        admin.send("PUT", "scenario", {"name": "second"})
        (tmp_path / "scenarios" / "first.yaml").unlink()
        admin.send("POST", "reload")
        assert (client.code(), client.get("scenario"), other.engine.problems) == (BUSY, {"name": "second"}, ())


def test_a_scenario_that_is_new_at_one_server_is_looked_for_at_the_other(redis: RedisProcess, tmp_path: Path) -> None:
    """A process that has not read the files since then does it when the scenario is chosen."""
    write(tmp_path, "first", "server_busy")
    settings = {"scenario": "first", "fixtures": str(tmp_path), "store": redis.url, "store_prefix": "new:"}
    with MockServer(**settings) as mock, MockServer(**settings) as other, Client(other.port) as client:
        write(tmp_path, "second", "rate_limited")
        mock.engine.reload()
        mock.use("second")
        assert client.code() == LIMITED


def test_files_that_are_wrong_at_another_host_are_reported_there(
    redis: RedisProcess, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It answers from its last valid files, and is not ready."""
    good, bad = tmp_path / "good", tmp_path / "bad"
    for folder in (good, bad):
        folder.mkdir()
        write(folder, "first", "server_busy")
    settings = {"scenario": "first", "store": redis.url, "store_prefix": "wrong:"}
    with (
        MockServer(fixtures=str(good), **settings) as mock,
        MockServer(fixtures=str(bad), **settings) as other,
        Connection(mock.port) as admin,
        Client(other.port) as client,
    ):
        (bad / "scenarios" / "first.yaml").write_text("title: [")
        with caplog.at_level(logging.ERROR, "mockserver"):
            admin.send("POST", "reload")
            assert client.code() == BUSY
        assert "first.yaml" in caplog.text
        assert (admin.admin("GET", "ready").status, client.wire.admin("GET", "ready").status) == (200, 503)


def test_workers_are_restarted_with_the_reloaded_files(redis: RedisProcess, tmp_path: Path) -> None:
    """Within two seconds of a kill; the ready file has the supervisor's pid."""
    write(tmp_path, "first", "server_busy")
    ready = tmp_path / "ready.json"
    options = ("--store", redis.url, "--store-prefix", "workers:", "--fixtures", str(tmp_path), "--scenario", "first")
    with serving("--workers", "2", "--no-reload", "--ready-file", str(ready), *options) as server:
        assert json.loads(ready.read_text())["pid"] == server.process.pid
        supervisor = psutil.Process(server.process.pid)

        def workers() -> set[int]:
            return {child.pid for child in supervisor.children()}

        def processes(error: int) -> set[str]:
            """Ask over new connections until both workers have answered, always with the same error."""
            seen: set[str] = set()
            while len(seen) < 2:
                with Client(server.port) as client:
                    answer = client.call()
                    assert answer.json["ErrorCode"] == error
                    seen.add(answer.headers["x-mock-request-id"].partition("-")[0])
            return seen

        before = processes(BUSY)
        write(tmp_path, "first", "rate_limited")
        with Connection(server.port) as admin:
            admin.send("POST", "reload")
        assert processes(LIMITED) == before
        killed = workers()
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: len(workers() - killed) == 2, 2.0)
        assert not processes(LIMITED) & before
        assert server.stop()[0] == 0
        assert not ready.exists()


def test_workers_stop_with_their_supervisor(redis: RedisProcess) -> None:
    """Also when it is killed, so that nothing keeps the port."""
    with serving("--workers", "2", "--store", redis.url, "--store-prefix", "orphans:") as server:
        workers = psutil.Process(server.process.pid).children()
        assert len(workers) == 2
        server.process.kill()
        assert psutil.wait_procs(workers, timeout=20)[1] == []
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port), timeout=5)


@pytest.mark.parametrize("number", [0, -1])
def test_the_number_of_workers_is_positive(number: int) -> None:
    """One is the smallest."""
    with serving("--workers", str(number), "--store", "redis://127.0.0.1:1/0") as server:
        server.process.communicate(timeout=20)
        assert server.process.returncode == 2
        assert f"--workers: {number} is less than 1" in server.log
