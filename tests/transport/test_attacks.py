"""Hostile input of any kind: floods, noise, mutations. The server stays up and logs nothing."""

from __future__ import annotations

import contextlib
import random
import socket
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_http import GET, LOOPS, ask, connect, echo, parse, read_all, read_response

from mockserver.server.limits import Limits
from mockserver.server.request_parser import origin_form, with_ascii_target, without_upgrade
from mockserver.server.server import Server

CLOSE = GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
SEED = (
    b"POST /v2/video/query_room_info?appkey=1&seq=%41 HTTP/1.1\r\nHost: h\r\n"
    b"Content-Type: application/json\r\n"
    b"Connection: Upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'3\r\n{"a\r\n4;x=y\r\n":1}\r\n0\r\nT: 1\r\n\r\n'
)


def wait_until_closed(server) -> None:
    """Wait until no connection is open."""
    deadline = time.monotonic() + 5
    while server.connections:
        assert time.monotonic() < deadline, server.connections
        time.sleep(0.005)


@pytest.mark.parametrize("new_loop", LOOPS)
def test_mutated_requests_end_in_responses_or_refusals(new_loop, tally):
    """2,000 seeded mutations of one request, cut anywhere: each connection ends with HTTP or nothing."""
    draw = random.Random(20191210)
    limits = Limits(request_seconds=0.2, idle_seconds=0.2, write_seconds=0.2, linger_seconds=0.1)
    seen = {"answer": 0, "refusal": 0, "nothing": 0}
    with Server(echo, limits=limits, new_loop=new_loop) as server:
        for _ in range(20):
            socks = []
            for _ in range(100):
                raw = bytearray(SEED * draw.choice((1, 1, 2)))
                for _ in range(draw.randrange(4)):
                    at = draw.randrange(len(raw))
                    raw[at : at + draw.randrange(3)] = draw.choice(
                        (
                            b"",
                            b"\r\n",
                            b"\n",
                            b"\x00",
                            b"\xff",
                            b" ",
                            b":",
                            b"Host: h\r\n",
                            bytes([draw.randrange(256)]),
                        )
                    )
                sock = connect(server)
                cut = draw.randrange(len(raw) + 1)
                sock.sendall(bytes(raw[:cut]))
                if draw.random() < 0.3:
                    sock.shutdown(socket.SHUT_WR)
                else:
                    with contextlib.suppress(ConnectionError):
                        sock.sendall(bytes(raw[cut:]))
                socks.append(sock)
            for sock in socks:
                with sock:
                    try:
                        got = read_all(sock)
                    except ConnectionResetError:
                        got = b""
                assert got == b"" or got.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 4", b"HTTP/1.1 100 ")), got
                assert b"<html" not in got.lower()
                seen["answer" if b" 200 OK" in got else "refusal" if got else "nothing"] += 1
        wait_until_closed(server)
        assert parse(ask(server, CLOSE))[0] == 200
    for kind, count in seen.items():
        tally("mutations", kind, count)
    assert seen["answer"] > 200
    assert seen["refusal"] > 200


@pytest.mark.parametrize("new_loop", LOOPS)
def test_a_pipelined_flood_that_is_not_read_is_bounded(new_loop):
    """The application works for such a client until the buffers are full; then the connection is reset."""
    calls = []

    def app(environ, start_response):
        calls.append(1)
        start_response("200 OK", [])
        return [b"x" * 100_000]

    limits = Limits(write_seconds=0.3, linger_seconds=0.1)
    with Server(app, limits=limits, new_loop=new_loop) as server, connect(server, 0.3) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        sent = 0
        with contextlib.suppress(ConnectionError, TimeoutError):
            while sent < 1_000_000:
                sock.sendall(GET * 1_000)
                sent += 1_000
        wait_until_closed(server)
    assert 0 < len(calls) < 200, (len(calls), sent)
    assert sent < 200_000


def test_a_pipelined_flood_that_is_read_is_answered_in_full(server):
    """5,000 requests in one write all get their responses, in order."""
    count = 5_000
    raw = b"".join(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % index for index in range(count))
    with connect(server, 20) as sock:
        sock.sendall(raw)
        sock.shutdown(socket.SHUT_WR)
        got = read_all(sock)
    paths = [part.partition(b'"')[0] for part in got.split(b'"PATH_INFO": "/')[1:]]
    assert paths == [b"%d" % index for index in range(count)]


def test_tiny_chunks_and_endless_extensions(server):
    """50,000 one-byte chunks are a valid body; endless chunk extensions are refused."""
    head = b"POST /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert b'"CONTENT_LENGTH": "50000"' in ask(server, head + b"1\r\nx\r\n" * 50_000 + b"0\r\n\r\n")
    limits = Limits(body_bytes=1_000, drain_bytes=1_000, header_bytes=1_000)
    with Server(echo, limits=limits) as small:
        for start in (b"1;", b"0\r\nT: "):
            with connect(small) as sock:
                with contextlib.suppress(ConnectionError):
                    for _ in range(40):
                        sock.sendall((head + start if _ == 0 else b"") + b"x" * 1_000)
                assert parse(read_all(sock))[0] == 400


def test_a_connection_outlives_a_response_that_was_read_late():
    """A large response that was read after all does not end the connection later on."""
    limits = Limits(write_seconds=0.15, linger_seconds=0.1)
    with Server(echo, limits=limits) as server, connect(server) as sock:
        sock.sendall(b"GET /big?8000000 HTTP/1.1\r\nHost: h\r\n\r\n")
        time.sleep(0.05)
        assert len(read_response(sock)[2]) == 8_000_000
        sock.sendall(b"GET /deliver?delay=0.6 HTTP/1.1\r\nHost: h\r\n\r\n")
        assert read_response(sock)[0] == 200


@pytest.mark.parametrize("value", ["Infinity", "NaN", "1e308", "-1"])
def test_absurd_pauses_do_no_harm(value):
    """A delay that no event loop accepts is limited or skipped."""
    with Server(echo) as server, connect(server) as sock:
        sock.sendall(b"GET /deliver?delay=%b HTTP/1.1\r\nHost: h\r\n\r\n" % value.encode())
        if value in ("Infinity", "1e308"):
            while not server.pending:
                time.sleep(0.001)
            server.release()
        assert read_response(sock)[0] == 200


def test_a_delivery_that_cannot_be_performed_closes_and_is_logged_once(caplog, logs_errors):
    """An invalid delivery plan affects its own connection only."""
    with Server(echo) as server:
        assert ask(server, b"GET /deliver?delay=%22x%22 HTTP/1.1\r\nHost: h\r\n\r\n") == b""
        assert parse(ask(server, CLOSE))[0] == 200
    assert len(caplog.records) == 1


FEW_FILES = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
from mockserver.server.limits import Limits
from mockserver.server.server import Server
def app(environ, start_response):
    start_response("200 OK", [])
    return [b"done"]
Server(app, limits=Limits(request_seconds=0.5)).run(lambda url: print(url, flush=True))
"""


def test_running_out_of_file_descriptors_is_survived():
    """With 100 connections and 40 descriptors, the server serves again when they are closed."""
    with subprocess.Popen(
        [sys.executable, "-c", FEW_FILES], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as child:
        try:
            child.port = int(child.stdout.readline().decode().rsplit(":", 1)[1])
            socks = [connect(child) for _ in range(100)]
            for sock in socks:
                sock.close()
            deadline = time.monotonic() + 5
            while True:
                with contextlib.suppress(OSError):
                    if ask(child, CLOSE, timeout=1).endswith(b"done"):
                        break
                assert time.monotonic() < deadline
            child.terminate()
            assert child.wait(5) == 0
        finally:
            child.kill()


@given(st.binary(max_size=60))
@settings(max_examples=300)
def test_rewriting_loses_no_byte_of_the_target(target):
    """The parser gets ASCII, and the original target is returned."""
    raw = b"GET /" + target.replace(b" ", b"").replace(b"\r", b"").replace(b"\n", b"") + b" HTTP/1.1\r\nHost: h\r\n\r\n"
    data, target = with_ascii_target(raw)
    assert data.partition(b"\r\n")[0].isascii()
    assert target is None if raw.isascii() else target == raw.split(b" ")[1]


def test_hiding_an_upgrade_touches_the_head_only():
    """A line of the body that looks like the header is not changed."""
    raw = b"POST / HTTP/1.1\r\nuPgRade: a\r\n\r\nx\r\nUpgrade: b\r\n\r\n"
    assert without_upgrade(raw) == b"POST / HTTP/1.1\r\nx-offered-upgrade: a\r\n\r\nx\r\nUpgrade: b\r\n\r\n"


@pytest.mark.parametrize(
    ("target", "form"),
    [(b"/a?b", b"/a?b"), (b"*", b"*"), (b"http://h/a?b", b"/a?b"), (b"http://h?b/c", b"/?b/c"), (b"x", b"/")],
)
def test_every_form_of_a_target_has_an_origin_form(target, form):
    """All forms of RFC 9112 §3.2 are handled, and anything else becomes the root."""
    assert origin_form(target) == form
