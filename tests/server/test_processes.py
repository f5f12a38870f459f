"""Several processes of a WSGI server share no state: that is reported, because it cannot work."""

from __future__ import annotations

import logging
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from helpers.http_client import Connection
from helpers.server_process import CLEAN

from mockserver import create_app


@contextmanager
def gunicorn(*words: str) -> Iterator[tuple[int, list[str]]]:
    """Run the app under gunicorn; the port, and the log lines until it listened, which grow when it has stopped."""
    command = [sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", *words, "mockserver:create_app(scenario='document')"]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=CLEAN)
    assert process.stderr is not None
    lines: list[str] = []
    try:
        for line in process.stderr:
            lines.append(line)
            if found := re.search(r"Listening at: http://127.0.0.1:([0-9]+)", line):
                yield int(found[1]), lines
                break
        else:
            pytest.fail("".join(lines))
        process.send_signal(signal.SIGTERM)
        lines += process.communicate(timeout=20)[1].splitlines()
    finally:
        process.kill()
        process.wait()


def test_several_gunicorn_processes_are_reported() -> None:
    """`ready` stays 200 and has a warning, and each process logs it once."""
    with gunicorn("--workers", "2") as (port, lines):
        for _ in range(8):
            with Connection(port) as wire:
                answer = wire.ask("GET", "/__admin/ready")
                assert (answer.status, answer.json["ready"], answer.json["problems"]) == (200, True, [])
                (warning,) = answer.json["warnings"]
                assert "several processes" in warning
    assert 1 <= sum(warning in line for line in lines) <= 2


def test_one_gunicorn_process_with_threads_is_fine() -> None:
    """What the warning advises brings no warning."""
    with gunicorn("--workers", "1", "--threads", "4") as (port, lines):
        with Connection(port) as wire:
            assert wire.get("ready")["warnings"] == []
    assert "processes" not in "".join(lines)


@pytest.mark.parametrize(("lang", "words"), [("en", "several processes"), ("zh", "多个进程")])
@pytest.mark.parametrize("first", ["/__admin/ready", "/v2/video/query_room_info", "/", "/__admin/nothing"])
def test_any_request_may_be_the_first(first: str, lang: str, words: str, caplog: pytest.LogCaptureFixture) -> None:
    """uWSGI, mod_wsgi and others set `wsgi.multiprocess` as gunicorn does; the log has the warning once."""
    client = create_app(scenario="document", lang=lang).test_client()
    with caplog.at_level(logging.WARNING, logger="mockserver"):
        client.get(first, environ_overrides={"wsgi.multiprocess": True})
        client.get(first, environ_overrides={"wsgi.multiprocess": True})
    (warning,) = client.get("/__admin/ready").json["warnings"]
    assert words in warning
    assert [record.getMessage() for record in caplog.records if record.name == "mockserver"] == [warning]
