"""Start, serve and stop with nothing left behind; ports in use, signals, HTTPS."""

from __future__ import annotations

import errno
import gc
import http.client
import json
import os
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import pytest
from helpers.length import length
from raw_http import BODY, GET, LOOPS, ask, connect, echo, echoed, read_all, read_response

from mockserver.core.errors import ConfigurationError
from mockserver.server.limits import Limits
from mockserver.server.listener import TLS
from mockserver.server.request_parser import RequestParser
from mockserver.server.server import Server

CYCLES = length(20, 100)
"""Start-stop cycles of the leak test; the long suite sets 100."""

CLOSE = GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


def open_files() -> set[str]:
    """What this process holds open: sockets, pipes and files."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            found.add(f"{number} {os.readlink(f'/proc/self/fd/{number}')}")
        except OSError:
            continue
    return found


def test_port_0_picks_a_free_port():
    """`url` is correct as soon as `start` returns, and a client can connect at once."""
    with Server(echo) as server:
        assert server.port > 0
        assert server.url == f"http://127.0.0.1:{server.port}"
        assert echoed(ask(server, CLOSE))["PATH_INFO"] == "/v2/video/x"


def test_a_port_in_use_is_a_clear_error_in_both_languages():
    """ConfigurationError with the port, from `start` and from `run`."""
    with Server(echo) as first:
        second = Server(echo, port=first.port)
        for begin in (second.start, second.run):
            with pytest.raises(ConfigurationError) as caught:
                begin()
            assert f"port {first.port}" in caught.value.show("en")
            assert f"端口 {first.port} 已被占用" in caught.value.show("zh")
        assert echoed(ask(first, CLOSE))


@pytest.mark.parametrize(
    ("host", "port", "place"),
    [("192.0.2.1", 0, "--host"), ("no.such.invalid", 0, "--host"), ("127.0.0.1", 70_000, "--port")],
)
def test_an_invalid_address_is_a_clear_error(host, port, place):
    """A host of another machine, an unknown name, a port out of range."""
    with pytest.raises(ConfigurationError) as caught:
        Server(echo, host=host, port=port).start()
    assert caught.value.problems[0].place == place
    assert str(port) in caught.value.show("en")


def test_ipv6_works():
    """The URL has brackets."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    with Server(echo, host="::1") as server:
        assert server.url == f"http://[::1]:{server.port}"
        assert echoed(ask(server, CLOSE))["REMOTE_ADDR"] == "::1"


def test_a_wildcard_host_has_a_url_to_connect_to():
    """`0.0.0.0` is an address to listen on, not to connect to."""
    with Server(echo, host="0.0.0.0") as server:
        assert server.url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("new_loop", LOOPS)
def test_nothing_is_left_after_many_starts_and_stops(no_threads_left, new_loop):
    """No thread, socket or file remains after many cycles with idle, delayed and threaded requests."""
    sockets = []
    before = None
    for cycle in range(CYCLES):
        server = Server(echo, new_loop=new_loop)
        with server:
            assert echoed(ask(server, CLOSE))
            assert echoed(ask(server, CLOSE.replace(b"/v2/video/x", b"/__admin/x")))
            idle, delayed, hanging = (connect(server) for _ in range(3))
            idle.sendall(GET)
            read_response(idle)
            delayed.sendall(b"GET /deliver?delay=60 HTTP/1.1\r\nHost: h\r\n\r\n")
            hanging.sendall(b"GET /deliver?hang=60 HTTP/1.1\r\nHost: h\r\n\r\n")
            while server.pending < 2:
                time.sleep(0.001)
            sockets += [idle, delayed, hanging]
        start = time.monotonic()
        server.stop()
        assert time.monotonic() - start < 3
        for sock in sockets:
            sock.close()
        sockets.clear()
        if cycle == 1:
            before = open_files()
    assert open_files() == before


def test_stop_is_quick_with_idle_delayed_and_silent_clients():
    """With hundreds of connections in every state a stop takes much less than five seconds."""
    server = Server(echo).start()
    socks = [connect(server) for _ in range(300)]
    for index, sock in enumerate(socks):
        sock.sendall((b"", GET, b"GET /", b"GET /deliver?delay=60 HTTP/1.1\r\nHost: h\r\n\r\n")[index % 4])
    while server.pending < 75:
        time.sleep(0.005)
    start = time.monotonic()
    server.stop()
    assert time.monotonic() - start < 3
    for index, sock in enumerate(socks):
        with sock:
            try:
                raw = read_all(sock)
            except ConnectionResetError:
                raw = b""
            if index % 4 in (1, 3):
                assert raw.startswith(b"HTTP/1.1 200 OK"), index


@pytest.mark.parametrize("path", [b"/slow?0.3", b"/__admin/slow?0.3"])
def test_a_request_in_flight_is_finished(path):
    """`stop` waits for it, in the event loop's thread and in a worker thread."""
    server = Server(echo).start()
    with connect(server) as sock:
        sock.sendall(GET.replace(b"/v2/video/x", path))
        time.sleep(0.05)
        stopper = threading.Thread(target=server.stop)
        stopper.start()
        assert b'"PATH_INFO"' in read_all(sock)
        stopper.join(5)
        assert not stopper.is_alive()


def test_a_request_that_does_not_end_does_not_delay_the_stop(caplog, logs_errors):
    """After `stop_seconds` its connection is reset, and the log says so."""
    server = Server(echo, limits=Limits(stop_seconds=0.2)).start()
    with connect(server) as sock:
        sock.sendall(GET.replace(b"/v2/video/x", b"/__admin/slow?4"))
        time.sleep(0.05)
        start = time.monotonic()
        server.stop()
        assert time.monotonic() - start < 3
        with pytest.raises(ConnectionResetError):
            read_all(sock)
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_stop_is_idempotent_and_a_server_starts_again():
    """Two stops are one, a second start serves, and a double start is an error."""
    server = Server(echo)
    server.stop()
    for _ in range(2):
        server.start()
        with pytest.raises(RuntimeError):
            server.start()
        assert echoed(ask(server, CLOSE))
        server.stop()
        server.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port or 1), timeout=1)


def test_a_port_can_be_reused_at_once():
    """The port of a stopped server is not blocked by old connections."""
    with Server(echo) as server:
        port = server.port
        ask(server, CLOSE)
    with Server(echo, port=port) as server:
        assert server.port == port
        assert echoed(ask(server, CLOSE))


def test_a_waiting_admin_request_does_not_block_the_api(no_threads_left):
    """Slow paths run in threads: API requests are served meanwhile, even when all threads are busy."""
    finish = threading.Event()

    def app(environ, start_response):
        if environ["PATH_INFO"] == "/__admin/slow":
            assert finish.wait(20)
        return echo(environ, start_response)

    with Server(app, threads=2) as server:
        slow = [connect(server) for _ in range(4)]
        for sock in slow:
            sock.sendall(CLOSE.replace(b"/v2/video/x", b"/%5f_admin/slow?0"))
        for _ in range(20):
            assert echoed(ask(server, CLOSE))
        finish.set()
        for sock in slow:
            with sock:
                assert echoed(read_all(sock))["PATH_INFO"] == "/__admin/slow"


def test_the_application_can_release_pending_responses():
    """An admin reset calls `release` from its own thread."""

    def app(environ, start_response):
        if environ["PATH_INFO"] == "/__admin/reset":
            start_response("200 OK", [])
            return [str(server.release()).encode()]
        return echo(environ, start_response)

    with Server(app) as server, connect(server) as hanging:
        hanging.sendall(b"GET /deliver?hang=60 HTTP/1.1\r\nHost: h\r\n\r\n")
        while not server.pending:
            time.sleep(0.001)
        assert ask(server, CLOSE.replace(b"/v2/video/x", b"/__admin/reset")).endswith(b"\r\n\r\n1")
        assert read_all(hanging) == b""


def test_wsgi_iterables_are_closed_and_joined():
    """Several pieces, a late start_response, `write`, and the close of the iterable, also after an error."""
    closed = []

    class Pieces:
        def __init__(self, start_response, fail):
            self._start, self._fail = start_response, fail

        def __iter__(self):
            self._start("404 Not Found", [("X-A", "1")])(b"a")
            yield b"b"
            if self._fail:
                raise RuntimeError("on purpose")
            yield b"c"

        def close(self):
            closed.append(self._fail)

    def app(environ, start_response):
        return Pieces(start_response, environ["PATH_INFO"] == "/__admin/fail")

    with Server(app) as server:
        raw = ask(server, CLOSE)
        assert raw.startswith(b"HTTP/1.1 404 Not Found\r\nX-A: 1\r\n")
        assert raw.endswith(b"\r\n\r\nabc")
    assert closed == [False]


@pytest.mark.parametrize("value", ["a\r\nX-B: 1", "a\nb", "名"])
def test_a_header_that_would_split_the_response_is_not_sent(value, caplog, logs_errors):
    """A line break or a character outside Latin-1 from the application gives 500 and one log line."""

    def app(environ, start_response):
        start_response("200 OK", [("X-A", value)])
        return [b"x"]

    with Server(app) as server:
        assert ask(server, CLOSE).startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert len(caplog.records) == 1


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_responses_without_a_body_have_none(status):
    """No length, no byte, and the connection is kept."""

    def app(environ, start_response):
        start_response(status, [])
        return [b"x"]

    with Server(app) as server, connect(server) as sock:
        for _ in range(2):
            sock.sendall(GET)
            code, headers, _ = read_response(sock)
            assert code == int(status[:3])
            assert "content-length" not in headers


# ---- run, in a process of its own

SERVE = """
import sys, time
from mockserver.server.server import Server
def app(environ, start_response):
    start_response("200 OK", [])
    time.sleep(float(environ["QUERY_STRING"] or 0))
    return [b"done"]
Server(app, inline=lambda path: False).run(lambda url: print(url, flush=True))
print("stopped", flush=True)
"""


@pytest.fixture
def process():
    """A process that serves and prints its URL."""
    with subprocess.Popen([sys.executable, "-c", SERVE], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        child.port = int(child.stdout.readline().decode().rsplit(":", 1)[1])
        yield child
        child.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_gracefully(process, number):
    """The request in flight gets its response, and the process exits with 0 and without a traceback."""
    with connect(process) as idle, connect(process) as sock:
        idle.sendall(b"")
        sock.sendall(b"GET /?0.3 HTTP/1.1\r\nHost: h\r\n\r\n")
        time.sleep(0.1)
        process.send_signal(number)
        assert read_all(sock).endswith(b"done")
        assert process.wait(5) == 0
    assert process.stdout.read() == b"stopped\n"
    assert process.stderr.read() == b""


def test_a_second_signal_stops_at_once(process):
    """The request in flight is aborted."""
    with connect(process) as sock:
        sock.sendall(b"GET /?6 HTTP/1.1\r\nHost: h\r\n\r\n")
        time.sleep(0.1)
        start = time.monotonic()
        process.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        with pytest.raises(ConnectionResetError):
            read_all(sock)
        assert time.monotonic() - start < 3


# ---- https


@pytest.fixture(scope="module")
def throwaway():
    """A certificate for localhost with its CA."""
    pytest.importorskip("trustme")
    return TLS.throwaway()


@pytest.mark.parametrize("new_loop", LOOPS)
def test_https_with_a_throwaway_certificate(throwaway, no_threads_left, new_loop):
    """A client that trusts the CA file can send requests; another one refuses the certificate."""
    with Server(echo, tls=throwaway, new_loop=new_loop) as server:
        assert server.url == f"https://127.0.0.1:{server.port}"
        context = ssl.create_default_context(cafile=throwaway.ca_file)
        for host in ("localhost", "127.0.0.1"):
            client = http.client.HTTPSConnection(host, server.port, timeout=5, context=context)
            for _ in range(3):
                client.request("POST", "/x", body=b"{}")
                seen = json.loads(client.getresponse().read())
                assert (seen["wsgi.url_scheme"], seen["body"]) == ("https", "{}")
            client.close()
        stranger = http.client.HTTPSConnection("localhost", server.port, timeout=5)
        with pytest.raises(ssl.SSLCertVerificationError):
            stranger.request("GET", "/")
        stranger.close()


@pytest.mark.parametrize("new_loop", LOOPS)
def test_connection_faults_work_over_https(throwaway, new_loop):
    """An RST, a cut body and a released delay work over TLS."""
    context = ssl.create_default_context(cafile=throwaway.ca_file)
    with Server(echo, tls=throwaway, new_loop=new_loop) as server:
        with connect(server, context=context) as sock:
            sock.sendall(b"GET /deliver?instead=%22reset%22 HTTP/1.1\r\nHost: h\r\n\r\n")
            deadline = time.monotonic() + 5
            # Python's ssl would report the RST as an end of file; the socket itself knows better.
            while not (error := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)):
                assert time.monotonic() < deadline
                time.sleep(0.001)
            assert error == errno.ECONNRESET
        with connect(server, context=context) as sock:
            sock.sendall(b"GET /deliver?cut=0.5 HTTP/1.1\r\nHost: h\r\n\r\n")
            assert read_all(sock).endswith(BODY[: len(BODY) // 2])
        with connect(server, context=context) as sock:
            sock.sendall(b"GET /deliver?delay=60 HTTP/1.1\r\nHost: h\r\n\r\n")
            while not server.pending:
                time.sleep(0.001)
            server.release()
            assert read_response(sock)[0] == 200


@pytest.mark.parametrize("new_loop", LOOPS)
def test_half_a_handshake_and_plain_http_on_the_https_port_end_quietly(throwaway, no_threads_left, new_loop):
    """No error is logged, no connection stays open, and the stop is not delayed."""
    limits = Limits(request_seconds=0.3)
    with Server(echo, tls=throwaway, limits=limits, new_loop=new_loop) as server:
        for raw in (b"", b"\x16\x03\x01", GET):
            with connect(server) as sock:
                sock.sendall(raw)
                try:
                    read_all(sock)
                except ConnectionResetError:
                    continue
        waiting = connect(server)
    waiting.close()


def test_a_bad_certificate_is_a_clear_error(tmp_path, throwaway):
    """A missing file, no PEM, no key: the error names it in both languages, before the port is bound."""
    (tmp_path / "no.pem").write_text("no certificate")
    for cert, key in ((tmp_path / "none.pem", None), (tmp_path / "no.pem", None), (throwaway.ca_file, None)):
        with pytest.raises(ConfigurationError) as caught:
            TLS.from_files(cert, key)
        assert str(cert) in caught.value.show("en")
        assert str(cert) in caught.value.show("zh")


def test_https_with_certificate_files(tmp_path):
    """Certificate and key are read from files."""
    trustme = pytest.importorskip("trustme")
    authority = trustme.CA()
    pair = authority.issue_cert("localhost")
    pair.private_key_pem.write_to_path(tmp_path / "key.pem")
    pair.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.create_default_context(cafile=tmp_path / "ca.pem")
    with (
        Server(echo, tls=TLS.from_files(tmp_path / "cert.pem", tmp_path / "key.pem")) as server,
        connect(server, context=context) as sock,
    ):
        sock.sendall(CLOSE)
        assert echoed(read_all(sock))["wsgi.url_scheme"] == "https"


def test_without_the_extra_the_error_says_what_to_install(monkeypatch):
    """The message contains the pip command."""
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(ConfigurationError) as caught:
        TLS.throwaway()
    project = Path(__file__).parents[2]
    assert caught.value.show("en").endswith(shlex.join([sys.executable, "-m", "pip", "install", f"{project}[tls]"]))


def test_a_closed_connection_leaves_nothing_to_the_garbage_collector(server) -> None:
    """A reload excludes everything that exists at that moment from garbage collection."""
    parsers: list[weakref.ref[RequestParser]] = []
    gc.disable()
    try:
        with connect(server) as sock:
            sock.sendall(GET)
            read_response(sock)
            parsers += [weakref.ref(connection._parser) for connection in server._service.connections]
            assert parsers
        deadline = time.monotonic() + 5
        while any(parser() is not None for parser in parsers) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert [parser() for parser in parsers] == [None] * len(parsers)
    finally:
        gc.enable()
