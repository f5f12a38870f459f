"""`mockserver open`, `serve --open`, `mockserver requests`, and the lines of blocks above the tables of `call`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.http_client import Client
from helpers.server_process import CLEAN, MOCKSERVER, ServerProcess, serving
from helpers.shell import run

from mockserver.cli.sparkline import sparkline, sparklines


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    """A server with two requests in its journal."""
    with serving("--scenario", "document") as server, Client(server.port) as client:
        assert client.code() == 0
        run("call", "2.2", "RoomId=nowhere", "Extra=1", "--url", server.url)
        yield server


@pytest.fixture
def browser(tmp_path: Path) -> tuple[str, Path]:
    """A "browser" that writes the URL to a named pipe: its command line for $BROWSER, and the pipe."""
    script, opened = tmp_path / "browser", tmp_path / "opened"
    script.write_text(f'#!/bin/sh\necho "$1" > {opened}\n', encoding="utf-8")
    script.chmod(0o755)
    subprocess.run(["mkfifo", str(opened)], check=True)
    return f"{script} %s", opened


def test_open_shows_the_console_in_the_browser(server: ServerProcess, browser: tuple[str, Path]) -> None:
    """And prints its URL; without a server there it exits with 2."""
    command, opened = browser
    words = [*MOCKSERVER, "open", "--url", server.url]
    with subprocess.Popen(words, env={**CLEAN, "BROWSER": command}, stdout=subprocess.PIPE, text=True) as process:
        assert opened.read_text(encoding="utf-8") == f"{server.url}/__admin/console\n"
        assert process.communicate(timeout=20)[0] == f"{server.url}/__admin/console\n"
    assert process.returncode == 0
    assert run("open", "--url", "http://127.0.0.1:1").returncode == 2


def test_serve_opens_the_console(browser: tuple[str, Path]) -> None:
    """Once it is ready; only with --open."""
    command, opened = browser
    with serving("--scenario", "document", "--open", BROWSER=command) as server:
        assert opened.read_text(encoding="utf-8") == f"{server.url}/__admin/console\n"


def test_requests_prints_a_line_each(server: ServerProcess) -> None:
    """Time, operation, fields, outcome, violations and id; as JSON, the summaries."""
    done = run("requests", "--url", server.url)
    first, second = done.stdout.splitlines()
    assert first.endswith("OK  00000001")
    assert "query_room_info  RoomId=nowhere Extra=1  " in second
    assert second.endswith("  unknown_field  unknown_field  00000002")
    rows = [
        json.loads(line) for line in run("requests", "--json", "--limit", "1", "--url", server.url).stdout.splitlines()
    ]
    assert [(row["id"], row["violations"]) for row in rows] == [("00000002", ["unknown_field"])]
    assert run("requests", "--appkey", "987654321", "--url", server.url).stdout == ""
    assert run("requests", "--appkey", "nobody", "--url", server.url).returncode == 2


def test_requests_follows_the_journal() -> None:
    """New requests are printed as they arrive."""
    with serving("--scenario", "document") as server, Client(server.port) as client:
        words = [*MOCKSERVER, "requests", "--follow", "--url", server.url]
        with subprocess.Popen(
            words, env={**CLEAN, "PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for number in (1, 2):
                client.code()
                assert process.stdout.readline().endswith(f"{number:08d}\n")
            process.terminate()


def test_call_shows_ticks_as_blocks(server: ServerProcess) -> None:
    """Above the table, one line for each number, with the least and the most."""
    done = run("call", "3.3", "QueryDate=20191211", "--table", "--url", server.url)
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[1:6]] == [
        *("JoinRoomSuccRate", "AudioPackLossRate", "VideoPackLossRate", "AudioDelayRate", "VideoDelayRate")
    ]
    assert lines[6].startswith("QosData (")
    done = run("call", "3.1", "QueryDate=20191211", "CountBy=0", "--table", "--url", server.url)
    assert [line[:8] for line in done.stdout.splitlines()[1:5]] == [f"Volume {number}" for number in (1, 2, 3, 4)]


def test_blocks_stand_for_means() -> None:
    """From the least or 0 to the most; a constant is full, zeros are low, and few ticks have no line."""
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8) == "▁▂▃▄▅▆▇█"
    assert sparkline([0, 0, 7, 7], 2) == "▁█"
    assert sparkline([5, 5, 5], 3) == "███"
    assert sparkline([0, 0, 0], 3) == "▁▁▁"
    assert list(sparklines([{"TickTime": "1", "Volume": 1}] * 3)) == list(sparklines([{"RoomId": "1"}])) == []
    assert list(sparklines([])) == []
