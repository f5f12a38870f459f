"""Clients that speak another protocol get an answer with advice, which is logged once."""

from __future__ import annotations

import socket
import ssl

import pytest
from raw_http import GET, LOOPS, ask, connect, echoed, parse, read_all, refused

from mockserver.server.listener import TLS
from mockserver.server.server import Server

GET_CLOSE = GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
OTHER_PROTOCOLS = {
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 32, "use http:// in its URL"),
    "the first byte of TLS": (b"\x16", "speaks https (TLS)"),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", "set it to HTTP/1.1"),
    "CONNECT": (b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n", "HTTPS_PROXY"),
    "SOCKS 5": (b"\x05\x01\x00", "ALL_PROXY"),
    "SOCKS 4": (b"\x04\x01\x00\x50\x7f\x00\x00\x01\x00", "ALL_PROXY"),
    "PROXY 1": (b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n" + GET, "send-proxy"),
    "PROXY 2": (b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + b"\x00" * 12 + GET, "send-proxy"),
    "SSH": (b"SSH-2.0-OpenSSH_9.6\r\n", "SSH"),
    "a transfer coding": (
        b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n",
        "Transfer-Encoding must be chunked",
    ),
    "anything else": (b"EHLO example.com\r\n", "not a valid HTTP request: Invalid method"),
}


def echo_never(environ, start_response):
    """An application that is never called."""
    raise AssertionError(environ["PATH_INFO"])


def echo_path(environ, start_response):
    """Return the path as JSON."""
    start_response("200 OK", [("Content-Type", "application/json")])
    return [f'"{environ["PATH_INFO"]}"'.encode()]


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines about clients."""
    return [record.getMessage() for record in caplog.records if record.name == "mockserver.clients"]


@pytest.fixture(scope="module")
def certificate():
    """A certificate for localhost with its CA."""
    return TLS.throwaway()


@pytest.mark.parametrize("name", OTHER_PROTOCOLS)
def test_another_protocol_is_refused_and_logged_once(name, caplog):
    """Five tries of one client give five refusals and one line, with the client's address and what to do."""
    raw, advice = OTHER_PROTOCOLS[name]
    with Server(echo_never) as server:
        for _ in range(5):
            assert advice in refused(ask(server, raw), 400)
    (line,) = logged(caplog)
    assert line.startswith("127.0.0.1: ")
    assert advice in line


def test_the_log_is_in_the_server_s_language(caplog):
    """With `lang` zh."""
    with Server(echo_never, lang="zh") as server:
        ask(server, OTHER_PROTOCOLS["TLS"][0])
    assert "改用 http://" in logged(caplog)[0]


def test_different_causes_have_a_line_each(caplog):
    """A cause does not hide another one."""
    with Server(echo_never) as server:
        for raw, _ in OTHER_PROTOCOLS.values():
            ask(server, raw)
    assert len(logged(caplog)) == len({advice for _, advice in OTHER_PROTOCOLS.values()}) - 1


@pytest.mark.parametrize(
    ("request_line", "headers", "advice"),
    [
        (b"GET http://example.com/x HTTP/1.1", b"", "HTTP_PROXY"),
        (b"GET /x HTTP/1.1", b"Connection: Upgrade\r\nUpgrade: WebSocket\r\n", "WebSocket"),
    ],
    ids=["a proxy", "a WebSocket"],
)
def test_a_mistaken_request_is_answered_and_logged_once(request_line, headers, advice, caplog):
    """It is valid HTTP, so the application answers it."""
    with Server(echo_path) as fresh:
        for _ in range(3):
            raw = request_line + b"\r\nHost: h\r\n" + headers + b"\r\n"
            with connect(fresh) as sock:
                sock.sendall(raw)
                sock.shutdown(socket.SHUT_WR)
                assert echoed(read_all(sock)) == "/x"
    (line,) = logged(caplog)
    assert advice in line


def test_h2c_is_offered_by_clients_that_speak_http_1_too(server, caplog):
    """Java's HttpClient offers it with every request, so it is no mistake."""
    upgrade = b"Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n"
    assert echoed(ask(server, b"GET /x HTTP/1.1\r\nHost: h\r\n" + upgrade + b"\r\n"))
    assert logged(caplog) == []


@pytest.mark.parametrize("new_loop", LOOPS)
@pytest.mark.parametrize(
    ("raw", "advice"),
    [
        (GET, "use https:// in its URL"),
        (b"{", "use https:// in its URL"),
        (b"\r\n" + GET, "use https:// in its URL"),
        (OTHER_PROTOCOLS["CONNECT"][0], "use https:// in its URL"),
        (OTHER_PROTOCOLS["HTTP/2"][0], "HTTP/1.1"),
        (OTHER_PROTOCOLS["PROXY 1"][0], "send-proxy"),
    ],
    ids=["GET", "a brace", "a blank line first", "CONNECT", "HTTP/2", "PROXY"],
)
def test_plain_http_on_the_https_port_is_told_so(raw, advice, new_loop, certificate, caplog):
    """A 400 in plain HTTP, which such a client can read, and one line."""
    with Server(echo_never, tls=certificate, new_loop=new_loop) as server:
        for _ in range(3):
            assert advice in refused(ask(server, raw), 400)
    (line,) = logged(caplog)
    assert advice in line


@pytest.mark.parametrize("new_loop", LOOPS)
def test_a_client_that_does_not_trust_the_certificate_is_logged_once(new_loop, certificate, caplog):
    """With the CA file and the names of the certificate."""
    context = ssl.create_default_context()
    with Server(echo_never, tls=certificate, new_loop=new_loop) as server:
        for _ in range(3):
            with connect(server) as sock, pytest.raises(ssl.SSLCertVerificationError):
                context.wrap_socket(sock, server_hostname="localhost")
    (line,) = logged(caplog)
    assert f"it must trust {certificate.ca_file}" in line
    assert "localhost, 127.0.0.1, ::1" in line


@pytest.mark.parametrize("new_loop", LOOPS)
def test_a_client_with_an_old_tls_is_logged(new_loop, certificate, caplog):
    """The log has the reason of OpenSSL."""
    hello = b"\x16\x03\x01\x00\x2d\x01\x00\x00\x29\x03\x01" + b"\x00" * 33 + b"\x00\x02\x00\x2f\x01\x00"
    with Server(echo_never, tls=certificate, new_loop=new_loop) as server, connect(server) as sock:
        sock.sendall(hello)
        assert read_all(sock)[:1] in (b"\x15", b"")
    (line,) = logged(caplog)
    assert "TLS handshake failed" in line


@pytest.mark.parametrize("new_loop", LOOPS)
def test_a_probe_of_the_https_port_is_not_logged(new_loop, certificate, caplog):
    """Connecting and disconnecting, as load balancers do, is no mistake."""
    with Server(echo_never, tls=certificate, new_loop=new_loop) as server:
        for raw in (b"", b"\x16\x03\x01"):
            with connect(server) as sock:
                sock.sendall(raw)
                sock.shutdown(socket.SHUT_WR)
                assert read_all(sock) == b""
    assert logged(caplog) == []
    assert caplog.get_records("call") == []


def test_http_2_over_tls_is_told_to_use_http_1(certificate, caplog):
    """A gRPC client does not negotiate; it is refused like over plain HTTP."""
    context = ssl.create_default_context(cafile=certificate.ca_file)
    with Server(echo_never, tls=certificate) as server, connect(server, context=context) as sock:
        sock.sendall(OTHER_PROTOCOLS["HTTP/2"][0])
        assert "HTTP/1.1" in refused(read_all(sock), 400)
    assert len(logged(caplog)) == 1


def test_a_refusal_after_a_response_comes_last(server):
    """The first request is answered before the client learns that the second is not HTTP."""
    raw = ask(server, GET + OTHER_PROTOCOLS["SSH"][0])
    assert parse(raw)[0] == 200
    assert raw.count(b"HTTP/1.1 ") == 2
