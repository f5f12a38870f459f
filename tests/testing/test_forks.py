"""Forked children: they inherit a running server's sockets, but neither keep it alive nor stop it."""

from __future__ import annotations

import gc
import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mockserver import MockServer


@contextmanager
def forked(act: Callable[[], object] = lambda: None) -> Iterator[None]:
    """A child that acts, and then sleeps until it is killed; its failure fails the test."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 warns of forks in a process with threads, which this is about.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            act()
            os.write(writer, b"done")
            threading.Event().wait(60)
        except BaseException:
            os.write(writer, traceback.format_exc().encode())
        finally:
            os._exit(0)
    try:
        os.close(writer)
        with os.fdopen(reader) as answer:
            assert answer.read(4) == "done", answer.read()
            yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@pytest.fixture(params=["uvloop", "uvloop-tls", "asyncio", "asyncio-tls"])
def mock_server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> MockServer:
    """A server that is not started, on each event loop, with and without TLS."""
    loop, _, tls = request.param.partition("-")
    if loop == "asyncio":
        monkeypatch.setitem(sys.modules, "uvloop", None)
    return MockServer("document", tls=bool(tls))


def connect(mock: MockServer) -> http.client.HTTPConnection:
    """Return a connection that has had one answer and is kept alive."""
    if mock.ca_file:
        context = ssl.create_default_context(cafile=str(mock.ca_file))
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            "127.0.0.1", mock.port, timeout=20, context=context
        )
    else:
        connection = http.client.HTTPConnection("127.0.0.1", mock.port, timeout=20)
    assert asks_health(connection)
    return connection


def asks_health(connection: http.client.HTTPConnection) -> bool:
    """Whether the server answers on this connection."""
    connection.request("GET", "/__admin/health")
    answer = connection.getresponse()
    return answer.status == 200 and bool(answer.read())


def test_a_stopped_server_refuses_clients_while_a_forked_child_lives(mock_server: MockServer) -> None:
    """The port is free again at once, and the connections of clients end."""
    mock = mock_server.start()
    port, connection = mock.port, connect(mock)
    with forked():
        mock.stop()
        assert connection.sock.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=20)
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
            listener.listen()
    connection.close()


def test_a_forked_child_does_not_stop_the_server(mock_server: MockServer) -> None:
    """Neither by `stop`, nor by leaving the `with` block, nor when its copy of the server is collected."""
    mock = mock_server
    with mock:
        connection = connect(mock)

        def stop() -> None:
            mock.stop()
            mock.__exit__(None, None, None)
            gc.collect()

        with forked(stop):
            assert asks_health(connection)
        assert asks_health(connection)
        connection.close()


def test_a_handle_in_a_forked_child_acts_on_the_server_of_the_parent(mock_server: MockServer) -> None:
    """Over HTTP, with the token and the certificate of the server."""
    with mock_server as mock:
        app = mock.app()

        def act() -> None:
            app.use("empty")
            assert app.requests == []
            mock.inject("error", name="server_busy", appkey=app.appkey)

        with forked(act):
            assert mock.admin.get("scenario", appkey=app.appkey) == {"name": "empty"}
            assert [each["fault"] for each in mock.admin.get("faults", appkey=app.appkey)["faults"]] == ["error"]


def test_a_forked_child_can_run_a_server_of_its_own(mock_server: MockServer) -> None:
    """On another port; the parent's goes on."""
    with mock_server as mock:
        url = mock.url

        def act() -> None:
            with MockServer("document") as own:
                assert own.url != url
                assert own.app().requests == []
            mock.start()
            assert mock.url != url
            mock.use("empty")
            mock.stop()

        with forked(act):
            assert mock.admin.get("scenario", appkey=mock.app().appkey) == {"name": "document"}


def test_a_forked_child_that_exits_leaves_the_certificate(tmp_path: Path) -> None:
    """Its exit handlers run, but the folder belongs to the parent, which removes it."""
    script = """
import os, sys
from mockserver import MockServer
mock = MockServer(tls=True).start()
child = os.fork()
if child == 0:
    sys.exit(0)
os.waitpid(child, 0)
print(mock.ca_file, mock.ca_file.exists())
mock.stop()
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    path, _, there = done.stdout.strip().rpartition(" ")
    assert there == "True", done.stderr
    assert not Path(path).exists()
