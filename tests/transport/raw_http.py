"""Raw requests and responses, and a small WSGI application that echoes requests."""

from __future__ import annotations

import json
import socket
import ssl
import time
from urllib.parse import parse_qs

import pytest

from mockserver.core.http import DeliveryPlan
from mockserver.server.processes import asyncio_loop, fast_loop
from mockserver.server.wsgi import APPKEY, DELIVERY

LOOPS = [pytest.param(fast_loop, id="fast"), pytest.param(asyncio_loop, id="asyncio")]
"""Every kind of event loop that a server can meet."""

BODY = b'{"Status":"OK","ErrorCode":0,"ErrorInfo":"","UserId":"aaaaa"}'
GET = b"GET /v2/video/x HTTP/1.1\r\nHost: h\r\n\r\n"


def echo(environ, start_response):
    """Return what arrived; deliver it as `/deliver?field=value` says, for the app named by the Host header."""
    path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
    if path == "/deliver":
        fields = {name: json.loads(values[0]) for name, values in parse_qs(query).items()}
        environ[DELIVERY], environ[APPKEY] = DeliveryPlan(**fields), environ["HTTP_HOST"]
        start_response("200 OK", [("Content-Type", "application/json")])
        return [BODY]
    if path == "/crash":
        raise RuntimeError("on purpose")
    if path == "/big":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"x" * int(query)]
    if path == "/slow" or path.startswith("/__admin/slow"):
        time.sleep(float(query))
    fields = {name: value for name, value in environ.items() if isinstance(value, (str, bool))}
    fields["body"] = environ["wsgi.input"].read().decode("latin-1")
    body = json.dumps(fields).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def connect(server, timeout=5.0, context: ssl.SSLContext | None = None):
    """A socket to the server with a timeout in seconds."""
    family = socket.AF_INET6 if "[" in getattr(server, "url", "") else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.settimeout(timeout)
    sock.connect(("::1" if family == socket.AF_INET6 else "127.0.0.1", server.port))
    return context.wrap_socket(sock, server_hostname="localhost") if context else sock


def read_all(sock) -> bytes:
    """Read until the server closes; an RST raises ConnectionResetError."""
    parts = []
    while part := sock.recv(65_536):
        parts.append(part)
    return b"".join(parts)


def ask(server, raw: bytes, timeout=5.0) -> bytes:
    """Send raw bytes and read until the server closes."""
    with connect(server, timeout) as sock:
        sock.sendall(raw)
        return read_all(sock)


def read_response(sock) -> tuple[int, dict[str, str], bytes]:
    """Read one response with a Content-Length from a connection that stays open."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = sock.recv(1)
        if not part:
            raise EOFError(data)
        data += part
    head, _, _ = data.partition(b"\r\n\r\n")
    status, headers = parse_head(head)
    body = b""
    length = int(headers.get("content-length", 0))
    while len(body) < length:
        part = sock.recv(length - len(body))
        if not part:
            raise EOFError(body)
        body += part
    return status, headers, body


def parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    """Status and headers (lower-case names) of a response head."""
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.split(": ", 1) for line in lines)
    return int(first.split(" ")[1]), {name.lower(): value for name, value in pairs}


def parse(raw: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of one raw response."""
    head, _, body = raw.partition(b"\r\n\r\n")
    return (*parse_head(head), body)


def echoed(raw: bytes) -> dict:
    """What the echo application received."""
    status, _, body = parse(raw)
    assert status == 200, raw
    return json.loads(body)


def refused(raw: bytes, status: int) -> str:
    """Assert that this is a refusal of the transport, and return its text."""
    got, headers, body = parse(raw)
    assert got == status, raw
    assert headers["content-type"] == "application/json"
    assert headers["connection"] == "close"
    envelope = json.loads(body)
    assert (envelope["Status"], envelope["ErrorCode"]) == ("FAIL", 1108)
    return envelope["ErrorInfo"]
