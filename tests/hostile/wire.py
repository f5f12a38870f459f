"""Raw requests to the admin API, as a web page or a program would send them."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Mapping

from mockserver.testing.mock_server import MockServer

WRITE = {"Content-Type": "application/json", "X-Mock-Admin": "1"}


def send(
    mock: MockServer, method: str, target: str, headers: Mapping[str, str], body: bytes = b""
) -> tuple[int, dict[str, str], bytes]:
    """Send a request with exactly this target and these headers; return status, headers (lower case) and body."""
    fields = {"Host": f"127.0.0.1:{mock.port}", "Content-Length": str(len(body)), **headers}
    head = f"{method} {target} HTTP/1.1\r\nConnection: close\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    with socket.create_connection(("127.0.0.1", mock.port), timeout=5) as wire:
        wire.sendall(head.encode("latin-1") + b"\r\n" + body)
        response = http.client.HTTPResponse(wire, method=method)
        response.begin()
        return (response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
