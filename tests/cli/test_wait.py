"""`mockserver wait`: 0 once the server is ready, 1 with the reason on timeout, 2 for errors that waiting cannot fix."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from helpers.shell import run

from mockserver import MockServer


class _Answers(BaseHTTPRequestHandler):
    """Answers with the statuses of the server, one after the other; the last one repeats."""

    statuses: list[int]
    bodies = {
        200: b'{"ready": true}',
        401: b'{"error": "unauthorized", "message": "token wanted"}',
        503: b'{"ready": false, "problems": [{"place": "a.yaml", "line": 3, "column": null, "text": "wrong"}]}',
    }

    def do_GET(self) -> None:
        """Answer."""
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        self.send_response(status if self.path == "/__admin/ready" else 404)
        body = self.bodies.get(status, b"what?")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Print nothing."""


@pytest.fixture
def other() -> Iterator[tuple[str, list[int]]]:
    """The URL of a server, and the list of its statuses."""
    statuses = [200]
    handler = type("Handler", (_Answers,), {"statuses": statuses})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", statuses
        server.shutdown()
        thread.join(10)


@pytest.mark.parametrize("token", [None, "made-up-token"])
def test_a_ready_server_is_0(token: str | None) -> None:
    """With and without its admin token, and with HOST:PORT alone."""
    with MockServer("document", admin_token=token) as mock:
        done = run("wait", "--url", mock.url.removeprefix("http://"), "--timeout", "0")
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{mock.url} is ready\n", "")
        assert run("wait", MOCKSERVER_URL=mock.url, MOCKSERVER_ADMIN_TOKEN=token or "").returncode == 0


def test_it_waits_until_the_server_is_ready(other: tuple[str, list[int]]) -> None:
    """Through other answers."""
    url, statuses = other
    statuses[:] = [503, 404, 401, 200]
    assert run("wait", "--url", url).returncode == 0
    assert statuses == [200]


@pytest.mark.parametrize(
    ("status", "lang", "says"),
    [
        (503, "en", "not ready after 0.2 s: a.yaml:3: wrong"),
        (503, "zh", "0.2 秒后仍未就绪: a.yaml:3: wrong"),
        (401, "en", "not ready after 0.2 s: the server requires its admin token: set MOCKSERVER_ADMIN_TOKEN to it"),
        (404, "en", "not ready after 0.2 s: this is not a mock server (HTTP 404)"),
    ],
)
def test_the_problems_of_a_server_are_printed(other: tuple[str, list[int]], status: int, lang: str, says: str) -> None:
    """After the timeout, with exit code 1."""
    url, statuses = other
    statuses[:] = [status]
    done = run("wait", "--url", url, "--timeout", "0.2", "--lang", lang)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{url}: {says}\n")


def test_the_reason_is_printed() -> None:
    """No server listens, or it does not answer."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        done = run("wait", "--url", url, "--timeout", "0.1")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(f"{url}: not ready after 0.1 s: no answer ")
    done = run("wait", "--url", url, "--timeout", "nan")
    assert done.returncode == 1
    assert "refused" in done.stderr


def test_what_waiting_cannot_cure_is_2(tmp_path: Path) -> None:
    """At once: a wrong URL, timeout or CA file."""
    for words in (("--url", "ftp://h"), ("--timeout", "-1"), ("--url", "https://h:1", "--ca", str(tmp_path / "no"))):
        done = run("wait", *words)
        assert (done.returncode, done.stdout) == (2, "")
