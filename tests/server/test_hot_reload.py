"""Files that change while the server runs: valid saves are live within two seconds, invalid ones change nothing."""

from __future__ import annotations

import json
import os
import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.http_client import Client
from helpers.length import length
from helpers.request_builder import NOW
from helpers.server_process import serving
from watched_files import MISTAKES, SCENARIO, files_of, generation, world_generation, write

from mockserver.testing.mock_server import MockServer

EDITS = length(12, 300)
"""Random edits under load."""

pytestmark = pytest.mark.alone


@pytest.fixture
def folder(tmp_path) -> Path:
    """A user's folder in its first generation."""
    return write(tmp_path / "mine", files_of(1))


@pytest.fixture
def client(folder) -> Iterator[Client]:
    """A client of a server that watches the folder."""
    with MockServer("watched", fixtures=str(folder), now=str(NOW), reload=True) as mock, Client(mock.port) as client:
        yield client


def wait_until(condition: Callable[[], object], seconds: float = 20.0) -> float:
    """Wait for a condition; return the seconds it took, or fail after `seconds`."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds, "timed out"
        time.sleep(0.01)
    return time.monotonic() - start


def test_a_valid_save_is_live_soon(folder):
    """Scenario, catalogue, schema and credentials."""
    with MockServer("watched", fixtures=str(folder), now=str(NOW), reload=True) as mock, Client(mock.port) as client:
        assert (generation(client), world_generation(client)) == (1, 1)
        write(folder, files_of(2))
        wait_until(lambda: generation(client) == 2 and world_generation(client) == 2)
        apps = folder / "apps.yaml"
        apps.write_text(
            apps.read_text(encoding="utf-8").replace('appkey: "987654321"', 'appkey: "555"'), encoding="utf-8"
        )
        wait_until(lambda: mock.engine.app("555"))
        path = folder / "schemas/query_room_info.request.json"
        schema = {**json.loads(path.read_text(encoding="utf-8")), "required": []}
        path.write_text(json.dumps(schema), encoding="utf-8")
        empty = ("query_room_info", {})
        wait_until(lambda: client.call(*empty, at=NOW).json["ErrorInfo"] == "generation 2")
        write(folder, {"scenarios/fresh.yaml": "title: A new one\nextends: watched\n"})
        wait_until(lambda: "fresh" in mock.engine.config.scenarios)


def test_a_folder_that_appears_later_is_watched(tmp_path):
    """A user's folder with only apps.yaml gets its scenarios/ while the server runs."""
    folder = write(tmp_path / "mine", {"apps.yaml": files_of(1)["apps.yaml"]})
    with MockServer("document", fixtures=str(folder), now=str(NOW), reload=True) as mock:
        write(folder, {"scenarios/fresh.yaml": "title: A new one\n"})
        wait_until(lambda: "fresh" in mock.engine.config.scenarios)
        write(folder, {"scenarios/fresh.yaml": "title: Another\n"})
        wait_until(lambda: mock.engine.config.scenarios["fresh"].title.en == "Another")


def test_an_invalid_save_is_reported_by_ready_and_in_a_header(client, folder):
    """503 with file, line and column; X-Mock-Problems has their count and the first; a valid save clears both."""

    def problems_header() -> str | None:
        response = client.call("query_room_info", {"RoomId": "any"}, at=NOW)
        assert response.json["ErrorInfo"] == "generation 1"
        return response.headers.get("x-mock-problems")

    assert problems_header() is None
    path = folder / "scenarios/watched.yaml"
    path.write_text(SCENARIO.format(number=2).replace("room_not_found", "room_not_fond"), encoding="utf-8")
    wait_until(lambda: client.wire.admin("GET", "ready").status == 503)
    (problem,) = client.wire.admin("GET", "ready").json["problems"]
    assert (problem["place"], problem["line"]) == (str(path), 9)
    assert problems_header().startswith(f"1; {path}:9:{problem['column']}: ")
    path.write_text(SCENARIO.format(number=1), encoding="utf-8")
    wait_until(lambda: client.wire.admin("GET", "ready").status == 200)
    assert client.wire.get("ready") == {"ready": True, "problems": [], "warnings": []}
    assert problems_header() is None


def test_files_are_not_watched_by_default(folder):
    """An in-process server reads its files once and starts no watcher thread."""
    with MockServer("watched", fixtures=str(folder), now=str(NOW)):
        assert not [thread for thread in threading.enumerate() if thread.name == "mockserver:watcher"]


def test_the_watcher_stops_with_the_server(folder):
    """After many starts and stops no thread, file or event handle is left; a stop does not wait for a check."""
    before = None
    mock = MockServer("watched", fixtures=str(folder), now=str(NOW), reload=True)
    for cycle in range(10):
        with mock:
            pass
        start = time.monotonic()
        mock.stop()
        assert time.monotonic() - start < 5
        if cycle == 1:
            before = (threading.active_count(), len(os.listdir("/proc/self/fd")))
    # The event handle of the operating system is closed shortly after the thread has ended.
    wait_until(lambda: (threading.active_count(), len(os.listdir("/proc/self/fd"))) <= before)


def test_random_edits_under_load_never_give_a_mixed_answer(tmp_path, measured):
    """Half of the edits are invalid; each answer is of the last valid generation or the one just saved, never older."""
    seed = random.randrange(1 << 32)
    rng = random.Random(seed)
    link = tmp_path / "current"
    link.symlink_to(write(tmp_path / "1", files_of(1)))

    def save(number: int, files: dict[str, str]) -> None:
        """Replace all files at once by switching a link, as mounted configurations do."""
        (tmp_path / "next").symlink_to(write(tmp_path / str(number), files))
        (tmp_path / "next").rename(link)

    allowed, stopping, wrong, counts = [frozenset((1,))], threading.Event(), [], []

    def load() -> None:
        newest = 0
        with Client(server.port) as client:
            while not stopping.is_set():
                before = allowed[0]
                try:
                    seen = {generation(client), world_generation(client)}
                except Exception as error:  # reported by the main thread, which can fail the test
                    wrong.append(repr(error))
                    return
                if not seen <= before | allowed[0] or min(seen) < newest:
                    wrong.append(f"{seen}, allowed {before}, after {newest}")
                newest = max(seen)
                counts.append(2)

    def problems() -> str:
        return json.dumps(client.wire.admin("GET", "ready").json["problems"])

    seconds, valid = [0.0], 1
    options = ("--scenario", "watched", "--fixtures", str(link), "--now", str(NOW), "--log-format", "json")
    with serving(*options) as server, Client(server.port) as client:
        threads = [threading.Thread(target=load) for _ in range(2)]
        for thread in threads:
            thread.start()
        for number in range(2, EDITS + 2):
            files = files_of(number)
            if rng.random() < 0.5:
                name = rng.choice(sorted(MISTAKES))
                text, mistake, _ = rng.choice(MISTAKES[name])
                files[name] = files[name].replace(text, mistake, 1)
                save(number, files)
                wait_until(lambda place=f"{link}/{name}": place in problems())
            else:
                allowed[0] = frozenset((valid, number))
                save(number, files)
                seconds.append(wait_until(lambda number=number: generation(client) == number))
                assert problems() == "[]"
                valid, allowed[0] = number, frozenset((number,))
            shutil.rmtree(tmp_path / str(number - 1))
        stopping.set()
        for thread in threads:
            thread.join()
    measured(
        f"edits: seed {seed}: {EDITS} edits, {sum(counts)} answers, slowest valid save live after {max(seconds):.2f} s"
    )
    assert not wrong, (seed, wrong[:3])
    assert sum(counts) > EDITS
