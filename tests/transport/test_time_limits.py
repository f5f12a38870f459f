"""Slow and silent clients: every connection ends in time, and other clients are not affected."""

from __future__ import annotations

import contextlib
import select
import socket
import time

import pytest
from raw_http import GET, LOOPS, ask, connect, echo, read_all, read_response, refused

from mockserver.server.limits import Limits
from mockserver.server.server import Server

POST = b"POST /x HTTP/1.1\r\nHost: h\r\n"


def seconds_until_end(sock, start) -> float:
    """Seconds from `start` to the end of the connection, whatever arrives."""
    with contextlib.suppress(ConnectionError):
        read_all(sock)
    return time.monotonic() - start


def test_a_silent_connection_is_closed_without_a_response(short_limits_server):
    """A connection without a request gets no response."""
    start = time.monotonic()
    assert ask(short_limits_server, b"") == b""
    assert 0.35 <= time.monotonic() - start < 5


@pytest.mark.parametrize(
    "part",
    [
        b"G",
        b"GET / HTTP/1.1\r\nHost: h\r\n",
        POST + b"Content-Length: 5\r\n\r\n{",
        POST + b"Transfer-Encoding: chunked\r\n\r\n2",
    ],
    ids=["a letter", "half a head", "half a body", "half a chunk"],
)
def test_an_unfinished_request_is_refused_in_time(short_limits_server, part):
    """408 with the envelope, then a close."""
    start = time.monotonic()
    assert "in time" in refused(ask(short_limits_server, part), 408)
    assert 0.35 <= time.monotonic() - start < 5


def test_a_later_request_has_its_own_time_limit(short_limits_server):
    """The time of the second request starts with its first byte, and it is refused like the first."""
    with connect(short_limits_server) as sock:
        sock.sendall(GET)
        assert read_response(sock)[0] == 200
        start = time.monotonic()
        sock.sendall(b"GET /")
        refused(read_all(sock), 408)
        assert 0.35 <= time.monotonic() - start < 5


def test_an_idle_connection_is_closed(short_limits_server):
    """After a response it may wait for `idle_seconds`."""
    with connect(short_limits_server) as sock:
        sock.sendall(GET)
        assert read_response(sock)[0] == 200
        assert 0.3 <= seconds_until_end(sock, time.monotonic()) < 5


@pytest.mark.parametrize("drop", [b"\r\n", b"a"], ids=["blank lines", "letters"])
@pytest.mark.parametrize("first", [b"", GET], ids=["fresh", "kept"])
def test_single_bytes_do_not_extend_a_time_limit(short_limits_server, first, drop):
    """Blank lines before a request, or one byte at a time: the end comes as for a silent client."""
    with connect(short_limits_server) as sock:
        if first:
            sock.sendall(first)
            read_response(sock)
        start = time.monotonic()
        while time.monotonic() - start < 8:
            try:
                sock.sendall(drop)
            except ConnectionError:
                break
            readable, _, _ = select.select([sock], [], [], 0.03)
            if readable:
                break
        assert time.monotonic() - start < 5


@pytest.mark.alone
def test_200_half_open_and_200_dripping_connections_are_closed_in_time(short_limits_server):
    """The server ends all 400 connections; meanwhile valid requests are answered."""
    half = [connect(short_limits_server) for _ in range(200)]
    drips = [connect(short_limits_server) for _ in range(200)]
    start = time.monotonic()
    for index in range(100):
        for sock in drips[index % 2 :: 2]:
            with contextlib.suppress(ConnectionError):
                sock.send(b"G")
        with connect(short_limits_server) as sock:
            sock.sendall(GET)
            assert read_response(sock)[0] == 200
    for sock in half + drips:
        with sock:
            assert seconds_until_end(sock, start) < 20


def test_a_client_that_never_reads_its_response_is_disconnected(short_limits_server):
    """16 MB that a client does not read do not stay in memory."""
    with connect(short_limits_server) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        sock.sendall(b"GET /big?16000000 HTTP/1.1\r\nHost: h\r\n\r\n")
        deadline = time.monotonic() + 5
        while short_limits_server.connections:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        with pytest.raises(ConnectionResetError):
            read_all(sock)


@pytest.mark.parametrize("new_loop", LOOPS)
def test_a_client_that_reads_slowly_but_steadily_gets_everything(new_loop):
    """Reading takes longer than `write_seconds` in total, but never without progress."""
    limits = Limits(write_seconds=1.5)  # Longer than a busy machine may stop the client.
    with Server(echo, limits=limits, new_loop=new_loop) as running, connect(running) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        sock.sendall(b"GET /big?12000000 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        got, start = 0, time.monotonic()
        while part := sock.recv(1_000_000):
            got += len(part)
            if time.monotonic() - start < 2.2:
                time.sleep(0.02)
        assert got > 12_000_000


def test_a_delay_of_the_server_does_not_count_against_the_client(short_limits_server):
    """A pipelined half request after a response delayed beyond the limits is not refused."""
    with connect(short_limits_server) as sock:
        sock.sendall(b"GET /deliver?delay=0.9 HTTP/1.1\r\nHost: h\r\n\r\n" + GET + GET[:10])
        assert read_response(sock)[0] == 200
        assert read_response(sock)[0] == 200
        sock.sendall(GET[10:])
        assert read_response(sock)[0] == 200
