"""Every field of `DeliveryPlan` on a raw socket, and the timed pieces of a response without one."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import struct
import threading
import time
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from raw_http import BODY, GET, ask, connect, echo, parse, parse_head, read_all, read_response

from mockserver.core.http import DeliveryPlan
from mockserver.server.playback import GARBAGE, PIECE, timed_pieces
from mockserver.server.server import Server


def request(close: bool = True, method: str = "GET", **fields) -> bytes:
    """A raw request for a response with a delivery plan."""
    query = urlencode({name: json.dumps(value) for name, value in fields.items()})
    last = "Connection: close\r\n" if close else ""
    return f"{method} /deliver?{query} HTTP/1.1\r\nHost: h\r\n{last}\r\n".encode()


class FakeTimer:
    """Records each pause and ends it at once."""

    def __init__(self):
        self.pauses = []

    def __call__(self, seconds, callback):
        self.pauses.append(seconds)
        return asyncio.get_running_loop().call_soon(callback)


@pytest.fixture
def timed():
    """A server whose pauses are recorded and take no time."""
    timer = FakeTimer()
    with Server(echo, timer=timer) as running:
        running.pauses = timer.pauses
        yield running


def arrivals(server, raw: bytes) -> tuple[list[tuple[float, bytes]], float]:
    """What arrived when, in seconds since the request, and when the connection ended."""
    with connect(server) as sock:
        sock.sendall(raw)
        start = time.monotonic()
        got = []
        while part := sock.recv(65_536):
            got.append((time.monotonic() - start, part))
        return got, time.monotonic() - start


def read_into(got: bytearray, sock) -> None:
    """Like `read_all`, but keeps what arrived before an RST."""
    while part := sock.recv(65_536):
        got += part


def wait_for_pending(server, count: int) -> None:
    """Wait until a number of responses is pending."""
    deadline = time.monotonic() + 5
    while server.pending != count:
        assert time.monotonic() < deadline, server.pending
        time.sleep(0.005)


def test_a_huge_response_is_written_as_its_client_reads(server):
    """The server holds little of it for the socket, answers others meanwhile, and every byte arrives."""
    with connect(server) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        sock.sendall(b"GET /big?12000000 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        wait_for_pending(server, 1)
        (connection,) = server._service.connections
        deadline = time.monotonic() + 5
        while not connection.unsent:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        assert ask(server, request())[:15] == b"HTTP/1.1 200 OK"
        assert 0 < connection.unsent <= 2 * PIECE
        status, headers, body = parse(read_all(sock))
    assert (status, headers["content-length"], body) == (200, "12000000", b"x" * 12_000_000)


# ---- instead of the answer


@pytest.mark.parametrize("extra", [{}, {"delay": 0.02}, {"hang": 0.02}])
def test_a_reset_is_an_rst(server, extra):
    """The client gets ECONNRESET and not one byte."""
    with connect(server) as sock:
        sock.sendall(request(instead="reset", **extra))
        with pytest.raises(ConnectionResetError):
            sock.recv(1)


def test_an_empty_response_is_zero_bytes_and_a_fin(server):
    """An orderly close without a byte, on a keep-alive connection."""
    assert ask(server, request(close=False, instead="empty")) == b""


def test_garbage_is_not_http(server):
    """A client's parser rejects the first line."""
    assert ask(server, request(close=False, instead="garbage")) == GARBAGE
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        client.request("GET", "/deliver?instead=%22garbage%22")
        with pytest.raises(http.client.BadStatusLine):
            client.getresponse()
    finally:
        client.close()


def test_a_hang_sends_nothing_and_closes(server):
    """Not a byte for the whole time, then the end."""
    got, ended = arrivals(server, request(close=False, hang=0.15))
    assert got == []
    assert 0.14 <= ended < 1.0


# ---- broken answers


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99, 1.0])
def test_a_cut_body_is_shorter_than_its_length(server, share):
    """The full Content-Length, the fraction of the body, then a close."""
    status, headers, body = parse(ask(server, request(close=False, cut=share)))
    assert (status, headers["content-length"]) == (200, str(len(BODY)))
    assert body == BODY[: int(len(BODY) * share)]
    assert "connection" not in headers


def test_a_cut_can_end_in_an_rst(server):
    """The bytes before it arrive, then ECONNRESET."""
    with connect(server) as sock:
        sock.sendall(request(close=False, cut=0.5, cut_end="reset"))
        got = bytearray()
        with pytest.raises(ConnectionResetError):
            read_into(got, sock)
    assert parse(got)[2] == BODY[: len(BODY) // 2]


def test_a_malformed_chunk_breaks_the_client_s_parser(server):
    """A valid chunk, then a size that is not hexadecimal, then a close."""
    _, headers, body = parse(ask(server, request(close=False, malformed_chunk=True)))
    assert headers["transfer-encoding"] == "chunked"
    assert "content-length" not in headers
    half = (len(BODY) + 1) // 2
    assert body == b"%x\r\n%b\r\nzz;\r\n%b" % (half, BODY[:half], BODY[half:])
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        client.request("GET", "/deliver?malformed_chunk=true")
        with pytest.raises(http.client.IncompleteRead):
            client.getresponse().read()
    finally:
        client.close()


def test_head_under_faults_has_no_body(server):
    """A cut or malformed response to HEAD has no body."""
    for fields in ({"cut": 0.5}, {"body_chunks": 3, "body_seconds": 0.01}, {"bytes_per_second": 100_000}):
        assert parse(ask(server, request(method="HEAD", **fields)))[2] == b""


# ---- slow answers


@pytest.mark.parametrize(
    "fields",
    [
        {"delay": 0.1},
        {"header_seconds": 0.1},
        {"body_chunks": 5, "body_seconds": 0.1},
        {"body_seconds": 0.1},
        {"bytes_per_second": 1_000},
        {"delay": 0.05, "header_seconds": 0.03, "body_chunks": 3, "body_seconds": 0.02},
    ],
    ids=lambda fields: "+".join(fields),
)
def test_a_slow_response_takes_its_time_and_keeps_the_connection(server, fields):
    """It is complete, not early, and the next request uses the same connection."""
    with connect(server) as sock:
        for _ in range(2):
            start = time.monotonic()
            sock.sendall(request(close=False, **fields))
            assert read_response(sock)[2] == BODY
            assert 0.085 <= time.monotonic() - start < 10
        sock.sendall(GET)
        assert read_response(sock)[0] == 200


def test_slow_headers_arrive_in_pieces(timed):
    """The first byte comes at once, and the pauses add up to the configured time."""
    status, _, body = parse(ask(timed, request(header_seconds=2.0)))
    assert (status, body) == (200, BODY)
    assert len(timed.pauses) == 40
    assert sum(timed.pauses) == pytest.approx(2.0)


def test_a_body_in_pieces_pauses_before_each(timed):
    """Three pieces over three seconds: a pause of one second before each."""
    ask(timed, request(body_chunks=3, body_seconds=3.0))
    assert timed.pauses == pytest.approx([1.0] * 3)


def test_bandwidth_counts_head_and_body(timed):
    """The pauses add up to size divided by rate."""
    raw = ask(timed, request(bytes_per_second=100))
    assert sum(timed.pauses) == pytest.approx(len(raw) / 100)
    assert max(timed.pauses) <= 0.1001


def test_close_after_keeps_the_connection_silent_and_closes(server):
    """The response is complete with Connection: close; the FIN comes later."""
    got, ended = arrivals(server, request(close=False, close_after=0.15))
    status, headers, body = parse(b"".join(part for _, part in got))
    assert (status, headers["connection"], body) == (200, "close", BODY)
    assert got[-1][0] < 0.1
    assert 0.14 <= ended < 1.0


def test_fields_act_in_the_documented_order(timed):
    """Delay, headers, body, cut, then the end: the pauses are the sum of the parts."""
    raw = ask(timed, request(delay=1, header_seconds=2, body_chunks=2, body_seconds=4, cut=0.5, close_after=8))
    assert parse(raw)[2] == BODY[: len(BODY) // 2]
    assert timed.pauses[0] == 1
    assert timed.pauses[-1] == 8
    assert sum(timed.pauses) == pytest.approx(15)


def test_a_large_throttled_body_is_complete(timed):
    """Nothing is lost or repeated between the pieces."""
    assert parse(ask(timed, request(body_chunks=1_000_000, body_seconds=1, bytes_per_second=7)))[2] == BODY


@given(
    head=st.binary(min_size=1, max_size=200),
    body=st.binary(max_size=300),
    how=st.builds(
        DeliveryPlan,
        header_seconds=st.sampled_from([0.0, 0.3, 5.0]),
        body_chunks=st.integers(1, 400),
        body_seconds=st.sampled_from([0.0, 0.7]),
        bytes_per_second=st.sampled_from([0, 1, 10, 1_000]),
    ),
)
def test_the_pieces_are_the_response_in_the_planned_time(head, body, how):
    """Whatever the plan, the bytes are those of the response, and the pauses add up to its times."""
    notes = list(timed_pieces(head, body, how))
    assert b"".join(data for _, data in notes) == head + body
    throttle = (len(head) + len(body)) / how.bytes_per_second if how.bytes_per_second else 0
    assert sum(wait for wait, _ in notes) == pytest.approx(how.header_seconds + how.body_seconds + throttle)


# ---- release


def test_release_ends_every_pending_response_from_another_thread(server):
    """Delayed responses are sent, hanging connections closed, slow ones finished, all at once."""
    requests = [
        request(delay=60),
        request(hang=60),
        request(header_seconds=60),
        request(body_chunks=4, body_seconds=60),
        request(close_after=60),
        request(bytes_per_second=1),
        request(hang=60, instead="reset"),
    ]
    socks = [connect(server) for _ in requests]
    for sock, raw in zip(socks, requests, strict=True):
        sock.sendall(raw)
    wait_for_pending(server, len(requests))
    start = time.monotonic()
    assert server.release() == len(requests)
    answers = []
    for sock in socks:
        with sock:
            try:
                answers.append(read_all(sock))
            except ConnectionResetError:
                answers.append(None)
    assert time.monotonic() - start < 5
    assert answers.pop() is None
    assert answers.pop(1) == b""
    assert [parse(raw)[2] for raw in answers] == [BODY] * 5


def test_release_of_some_leaves_the_others(server):
    """The reset of one app does not end the delays of another."""
    with connect(server) as mine, connect(server) as other:
        mine.sendall(request(delay=60).replace(b"Host: h", b"Host: mine"))
        other.sendall(request(delay=60).replace(b"Host: h", b"Host: other"))
        wait_for_pending(server, 2)
        assert server.release("mine") == 1
        assert parse(read_all(mine))[2] == BODY
        other.settimeout(0.1)
        with pytest.raises(TimeoutError):
            other.recv(1)
        assert server.release() == 1
        other.settimeout(5)
        assert parse(read_all(other))[2] == BODY


@pytest.mark.alone
def test_500_hanging_requests_are_released_at_once(server):
    """While they hang, other requests are served; a release from another thread ends them all."""
    socks = [connect(server) for _ in range(500)]
    for sock in socks:
        sock.sendall(request(hang=600))
    wait_for_pending(server, 500)
    with connect(server) as sock:
        sock.sendall(GET)
        assert read_response(sock)[0] == 200
    start = time.monotonic()
    assert server.release() == 500
    for sock in socks:
        with sock:
            assert read_all(sock) == b""
    assert time.monotonic() - start < 60


def test_a_client_that_disconnects_during_a_delay_leaves_nothing(server):
    """After a FIN or an RST nothing is pending, and nothing is logged (every test here checks that)."""
    for fields in ({"delay": 60}, {"hang": 60}, {"header_seconds": 60}, {"bytes_per_second": 1}, {"close_after": 60}):
        for linger in (True, False):
            with connect(server) as sock:
                sock.sendall(request(**fields))
                wait_for_pending(server, server.pending or 1)
                if linger:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wait_for_pending(server, 0)


@pytest.mark.alone
def test_2000_clients_delayed_by_a_second_all_get_a_response(server):
    """All at the same time, without threads of their own."""
    threads = threading.active_count()

    start = time.monotonic()
    socks = [connect(server) for _ in range(2_000)]
    for sock in socks:
        sock.sendall(request(delay=1.0))
    answers = []
    for sock in socks:
        with sock:
            answers.append(read_all(sock))
    took = time.monotonic() - start
    assert threading.active_count() <= threads
    assert {parse(raw)[2] for raw in answers} == {BODY}
    assert took <= 60, took


def test_a_default_plan_adds_no_header(server):
    """`DeliveryPlan()` is the same as none."""
    raw = ask(server, request())
    assert parse_head(raw.partition(b"\r\n\r\n")[0])[0] == 200
    assert set(parse(raw)[1]) == {"content-type", "content-length", "connection", "date"}
