"""Valid requests in unusual forms are served, invalid ones are refused."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import subprocess

import pytest
from raw_http import GET, ask, connect, echoed, parse, read_all, read_response, refused

POST = b"POST /v2/video/x?a=1&b=%41 HTTP/1.1\r\nHost: h\r\n"
CLOSE = b"Connection: close\r\n"

REFUSED = {
    "length and chunked": POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "doubled length": POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "negative length": POST + b"Content-Length: -2\r\n\r\n{}",
    "length in words": POST + b"Content-Length: two\r\n\r\n{}",
    "huge length": POST + b"Content-Length: 99999999999999999999999999\r\n\r\n{}",
    "folded header": POST + b"X-A: 1\r\n 2\r\nContent-Length: 2\r\n\r\n{}",
    "bare line feeds": b"GET / HTTP/1.1\nHost: h\n\n",
    "blank before colon": POST + b"X-A : 1\r\n\r\n",
    "header without name": POST + b": 1\r\n\r\n",
    "nul in header": POST + b"X-A: a\x00b\r\n\r\n",
    "unknown method": b"FROB / HTTP/1.1\r\nHost: h\r\n\r\n",
    "unknown version": b"GET / HTTP/9.9\r\nHost: h\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "blank in target": b"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
    "bad chunk size": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "chunked not last": POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "tls hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 32,
    "http/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "noise": bytes(range(256)),
    "missing host": b"GET / HTTP/1.1\r\n\r\n",
    "doubled host": b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "doubled host in 1.0": b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
    "connect": b"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n",
}


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED.keys())
def test_an_invalid_request_is_refused_with_the_envelope(server, raw):
    """400 with the envelope, not HTML or plain text, then a close that does not destroy the response."""
    assert refused(ask(server, raw), 400)


def test_a_refusal_says_what_is_wrong_with_the_host(server):
    """A missing and a repeated Host have different texts."""
    assert "missing" in refused(ask(server, REFUSED["missing host"]), 400)
    assert "more than once" in refused(ask(server, REFUSED["doubled host"]), 400)


@pytest.mark.parametrize("tail", [b"\r\n\r\n", b""], ids=["whole", "unfinished"])
@pytest.mark.parametrize("pieces", [1, 5])
def test_a_head_over_16_kib_is_refused(server, tail, pieces):
    """431, whether the headers arrive in one read or several, complete or not."""
    raw = POST + b"X-A: " + b"a" * 17 * 1024 + tail
    with connect(server) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for index in range(pieces):
            sock.sendall(raw[len(raw) * index // pieces : len(raw) * (index + 1) // pieces])
        assert "16384" in refused(read_all(sock), 431)


def test_a_long_target_counts_as_head(server):
    """A query string of 17 KiB exceeds the limit, too."""
    refused(ask(server, b"GET /?" + b"a" * 17 * 1024 + b" HTTP/1.1\r\nHost: h\r\n\r\n"), 431)


def test_headers_just_under_the_limit_are_accepted(server):
    """A header of 16,000 bytes is accepted."""
    assert echoed(ask(server, POST + CLOSE + b"X-A: " + b"a" * 16_000 + b"\r\n\r\n"))["HTTP_X_A"] == "a" * 16_000


def test_a_long_body_before_a_pipelined_head_does_not_count_as_head(server):
    """The header limit does not count the body that arrived in the same read."""
    first = POST + b"Content-Length: 40000\r\n\r\n" + b"x" * 40_000
    second = b"GET /second HTTP/1.1\r\nHost: h\r\nX-Part: "
    with connect(server) as sock:
        sock.sendall(first + second)
        assert read_response(sock)[0] == 200
        sock.sendall(b"1\r\n\r\n")
        assert json.loads(read_response(sock)[2])["PATH_INFO"] == "/second"


def test_the_environ_holds_what_arrived(server):
    """Raw query, decoded path, joined headers, the actual length; names with an underscore are omitted."""
    seen = echoed(
        ask(
            server,
            b"POST /a%20b/%e4%bd?q=%41&q=\xe4\xbd&r=+ HTTP/1.1\r\nHost: h:1\r\n"
            b"Content-Type: application/json\r\nX-Mock-Fault: a\r\nX-Mock-Fault: b\r\n"
            b"X_Mock_Admin: 1\r\nContent-Length: 2\r\n" + CLOSE + b"\r\n{}",
        )
    )
    assert seen["REQUEST_METHOD"] == "POST"
    assert seen["PATH_INFO"] == "/a b/\xe4\xbd"
    assert seen["QUERY_STRING"] == "q=%41&q=\xe4\xbd&r=+"
    assert seen["REQUEST_URI"] == "/a%20b/%e4%bd?q=%41&q=\xe4\xbd&r=+"
    assert seen["CONTENT_TYPE"] == "application/json"
    assert seen["CONTENT_LENGTH"] == "2"
    assert seen["HTTP_HOST"] == "h:1"
    assert seen["HTTP_X_MOCK_FAULT"] == "a,b"
    assert "HTTP_X_MOCK_ADMIN" not in seen
    assert seen["body"] == "{}"
    assert seen["SERVER_NAME"] == "127.0.0.1"
    assert seen["SERVER_PORT"] == str(server.port)
    assert seen["REMOTE_ADDR"] == "127.0.0.1"
    assert seen["wsgi.url_scheme"] == "http"
    assert seen["mockserver.transport"] is True
    assert "mockserver.overlong" not in seen


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"http://h:80/x?a=1", "/x", "a=1"),
        (b"http://h", "/", ""),
        (b"http://h?a=1", "/", "a=1"),
        (b"*", "*", ""),
        (b"/\xe4\xbd\xa0?checksum=\xc3\xa9", "/\xe4\xbd\xa0", "checksum=\xc3\xa9"),
        (b"/x?a=1#b", "/x", "a=1#b"),
        (b"//x", "//x", ""),
        (b"/?", "/", ""),
        (b"/%", "/%", ""),
    ],
)
def test_unusual_targets_reach_the_application(server, target, path, query):
    """Whatever the target is, the application responds."""
    seen = echoed(ask(server, b"OPTIONS " + target + b" HTTP/1.1\r\nHost: h\r\n" + CLOSE + b"\r\n"))
    assert (seen["PATH_INFO"], seen["QUERY_STRING"]) == (path, query)


def test_pipelined_requests_are_answered_in_order(server):
    """20 requests in one write, delayed ones first: the responses keep the order."""
    raw = b"".join(
        b"GET /deliver?delay=0.05 HTTP/1.1\r\nHost: h\r\n\r\n"
        if index == 0
        else b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % index
        for index in range(20)
    )
    with connect(server) as sock:
        sock.sendall(raw)
        assert b"UserId" in read_response(sock)[2]
        assert [json.loads(read_response(sock)[2])["PATH_INFO"] for _ in range(19)] == [f"/{i}" for i in range(1, 20)]


def test_a_refusal_waits_for_earlier_responses(server):
    """An invalid request after a delayed one does not replace its response."""
    raw = ask(server, b"GET /deliver?delay=0.1 HTTP/1.1\r\nHost: h\r\n\r\n" + GET + b"\x00\x01broken\r\n\r\n")
    statuses = [line for line in raw.split(b"\r\n") if b"HTTP/1.1 " in line]
    assert len(statuses) == 3
    assert statuses[0] == b"HTTP/1.1 200 OK"
    assert statuses[2].endswith(b"HTTP/1.1 400 Bad Request")


def test_an_invalid_body_after_a_delayed_request_is_refused_in_turn(server):
    """The request whose own body is invalid is the one that is refused."""
    broken = POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"
    raw = ask(server, b"GET /deliver?delay=0.1 HTTP/1.1\r\nHost: h\r\n\r\n" + broken)
    assert raw.count(b"HTTP/1.1 200 OK") == 1
    assert raw.count(b"HTTP/1.1 400 Bad Request") == 1
    assert raw.index(b"200 OK") < raw.index(b"400 Bad")


def test_a_chunked_body_arrives_complete(server):
    """Chunks, extensions and trailers give the body, and a trailer adds no header."""
    raw = POST + CLOSE + b"Transfer-Encoding: chunked\r\n\r\n"
    raw += b"1;x=y\r\n{\r\n1\r\n}\r\n0\r\nX-Mock-Admin: 1\r\n\r\n"
    seen = echoed(ask(server, raw))
    assert (seen["body"], seen["CONTENT_LENGTH"]) == ("{}", "2")
    assert "HTTP_X_MOCK_ADMIN" not in seen


@pytest.mark.parametrize("extra", [0, 1])
def test_the_body_limit_is_exact(server, extra):
    """1 MiB is accepted; one byte more is overlong and withheld, and the connection stays usable."""
    size = 1024 * 1024 + extra
    with connect(server) as sock:
        sock.sendall(POST + b"Content-Length: %d\r\n\r\n" % size + b"x" * size)
        seen = json.loads(read_response(sock)[2])
        assert seen.get("mockserver.overlong", False) is bool(extra)
        assert len(seen["body"]) == (0 if extra else size)
        sock.sendall(GET)
        assert read_response(sock)[0] == 200


def test_a_chunked_body_over_the_limit_is_overlong(server):
    """1 MiB and a byte in chunks is marked as overlong, not silently truncated."""
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    raw = POST + CLOSE + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 16 + b"1\r\nx\r\n0\r\n\r\n"
    seen = echoed(ask(server, raw))
    assert seen["mockserver.overlong"] is True
    assert (seen["body"], seen["CONTENT_LENGTH"]) == ("", "0")


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_client_that_sends_far_too_much_can_read_its_response(server, chunked):
    """24 MiB with a limit of 1 MiB: the response arrives complete, with Connection: close."""
    framing = b"Transfer-Encoding: chunked\r\n\r\n" if chunked else b"Content-Length: %d\r\n\r\n" % (24 * 1024 * 1024)
    part = b"100000\r\n" + b"x" * 1_048_576 + b"\r\n" if chunked else b"x" * 1_048_576
    with connect(server) as sock:
        sock.sendall(POST + framing)
        for _ in range(24):
            sock.sendall(part)
        status, headers, body = parse(read_all(sock))
    assert (status, headers["connection"]) == (200, "close")
    assert json.loads(body)["mockserver.overlong"] is True


def test_expect_100_continue_is_granted_for_a_small_body(server):
    """100 Continue comes first, then the response."""
    with connect(server) as sock:
        sock.sendall(POST + CLOSE + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"{}")
        assert echoed(read_all(sock))["body"] == "{}"


def test_expect_100_continue_is_not_granted_for_an_overlong_body(server):
    """The response comes at once, before the client sends two megabytes for nothing."""
    raw = ask(server, POST + b"Expect: 100-continue\r\nContent-Length: 2000000\r\n\r\n")
    assert echoed(raw)["mockserver.overlong"] is True


def test_http_1_0_is_answered_and_closed(server):
    """HTTP/1.0 works, without Host as such clients send it."""
    raw = ask(server, b"GET /x HTTP/1.0\r\n\r\n")
    assert echoed(raw)["SERVER_PROTOCOL"] == "HTTP/1.0"
    assert parse(raw)[1]["connection"] == "close"


def test_head_has_the_length_and_no_body(server):
    """The length is the one that GET would return."""
    status, headers, body = parse(ask(server, b"HEAD /x HTTP/1.1\r\nHost: h\r\n" + CLOSE + b"\r\n"))
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) > 100


@pytest.mark.parametrize("body", [b"", b"{}"], ids=["empty", "full"])
def test_an_offered_upgrade_is_ignored(server, body):
    """Java's HttpClient offers h2c on every cleartext request: it gets HTTP/1.1 on a kept connection."""
    raw = POST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n"
    raw += b"Content-Length: %d\r\n\r\n" % len(body) + body
    with connect(server) as sock:
        for _ in range(3):
            sock.sendall(raw)
            assert json.loads(read_response(sock)[2])["body"] == body.decode()
        sock.sendall(GET + raw)
        assert read_response(sock)[0] == 200
        assert read_response(sock)[0] == (400 if body else 200)


def test_a_half_closed_client_gets_its_response(server):
    """`printf … | nc -N` works, also with a delay."""
    for raw in (GET, b"GET /deliver?delay=0.1 HTTP/1.1\r\nHost: h\r\n\r\n", GET * 3):
        with connect(server) as sock:
            sock.sendall(raw)
            sock.shutdown(socket.SHUT_WR)
            assert read_all(sock).count(b"HTTP/1.1 200 OK") == raw.count(b"GET ")


def test_a_keep_alive_connection_serves_many_requests(server):
    """http.client sends 200 requests over one connection."""
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        for index in range(200):
            client.request("POST", f"/{index}", body=b"{}")
            answer = client.getresponse()
            assert json.loads(answer.read())["PATH_INFO"] == f"/{index}"
    finally:
        client.close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
def test_curl_is_served(server):
    """curl sends two megabytes with Expect, then a small request, over one connection."""
    done = subprocess.run(
        ["curl", "-sS", "-m", "5", "--data-binary", "@-", f"{server.url}/a", "--next", "-sS", f"{server.url}/b"],
        input=b"x" * 2_000_000,
        capture_output=True,
        timeout=10,
        check=True,
    )
    assert b'"mockserver.overlong": true' in done.stdout
    assert b'"PATH_INFO": "/b"' in done.stdout


def test_a_crash_of_the_application_is_an_envelope(server, logs_errors, caplog):
    """An exception gives 500 with JSON and one logged traceback, and the server keeps running."""
    status, headers, body = parse(ask(server, b"GET /crash HTTP/1.1\r\nHost: h\r\n" + CLOSE + b"\r\n"))
    assert (status, headers["content-type"]) == (500, "application/json")
    assert json.loads(body)["ErrorCode"] == 1500
    assert b"on purpose" not in body
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [RuntimeError]
    assert parse(ask(server, GET.replace(b"\r\n\r\n", b"\r\n" + CLOSE + b"\r\n")))[0] == 200
