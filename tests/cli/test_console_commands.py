"""`mockserver open` and `serve --open`."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.server_process import CLEAN, MOCKSERVER, ServerProcess, serving
from helpers.shell import run


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    """A running server."""
    with serving("--scenario", "document") as server:
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
