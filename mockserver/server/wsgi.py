"""Converts a request to a call of the WSGI application (PEP 3333), and its response to bytes.

Knows nothing of the meaning of paths or responses.
"""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Callable, Iterable, Sequence
from email.utils import formatdate
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote_to_bytes

from mockserver.core.http import PLAIN, DeliveryPlan
from mockserver.core.machine_time import machine_time
from mockserver.server.limits import TEXTS, Envelope
from mockserver.server.request_parser import IncomingRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = logging.getLogger("mockserver.transport")

_ENVIRON_KEYS: dict[bytes, str] = {b"content-type": "CONTENT_TYPE", b"x-offered-upgrade": "HTTP_UPGRADE"}

# Keys of the environ by which our transport and the application communicate.
TRANSPORT = "mockserver.transport"
"""Set by a transport that can perform every DeliveryPlan and has already read the body."""
OVERLONG = "mockserver.overlong"  # Set by the transport: the body was longer than its limit and was discarded.
LENGTH = "mockserver.length"
"""Set by the transport with OVERLONG: the announced length of the body in bytes, 0 if none was announced."""
DELIVERY = "mockserver.delivery"  # Set by the application: the response's DeliveryPlan.
STREAM = "mockserver.stream"  # Set by the application: the response's `stream`.
WAIT = "mockserver.wait"
"""Set by the application, so that the transport waits and calls it again: a future, the seconds to wait for it, and a
function to call afterwards."""
WAITED = "mockserver.waited"  # Set by the transport when it calls the application again.
APPKEY = "mockserver.appkey"  # Set by the application with DELIVERY: the app whose reset ends the delay.


class HTTPResponse(NamedTuple):
    """A complete response, and how to deliver it."""

    status: str  # Code and reason.
    headers: Sequence[tuple[str, str]]  # Without Content-Length.
    body: bytes
    delivery: DeliveryPlan = PLAIN
    appkey: str = ""  # The app whose reset ends the delay.
    stream: Callable[[], bytes] | None = None
    """Returns the next part of an endless body, or empty bytes if there is none yet; replaces `body`."""
    length: str = ""  # The Content-Length that the application gave, which answers HEAD: that of the body for GET.


def connection_environ(scheme: str, server: tuple[Any, ...], client: tuple[Any, ...]) -> dict[str, Any]:
    """Return the part of the WSGI environ that all requests of a connection share."""
    return {
        "SCRIPT_NAME": "",
        "SERVER_NAME": str(server[0]),
        "SERVER_PORT": str(server[1]),
        "REMOTE_ADDR": str(client[0]),
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
        TRANSPORT: True,
    }


def make_environ(base: dict[str, Any], request: IncomingRequest) -> dict[str, Any]:
    """Return the WSGI environ of a request, based on that of its connection."""
    path, _, query = request.target.partition(b"?")
    body = b"".join(request.body)
    environ = base.copy()
    environ["REQUEST_METHOD"] = request.method
    environ["PATH_INFO"] = (unquote_to_bytes(path) if b"%" in path else path).decode("latin-1")
    environ["QUERY_STRING"] = query.decode("latin-1")
    environ["REQUEST_URI"] = (path + b"?" + query if query else path).decode("latin-1")
    environ["SERVER_PROTOCOL"] = "HTTP/" + request.version
    environ["CONTENT_LENGTH"] = str(len(body))
    environ["wsgi.input"] = BytesIO(body)
    if request.overlong:
        environ[OVERLONG], environ[LENGTH] = True, request.declared_length
    add_headers(environ, request.headers)
    return environ


def add_headers(environ: dict[str, Any], headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Add headers to an environ, except Content-Length and names with an underscore."""
    for name, value in headers:
        key = _ENVIRON_KEYS.get(name) or _environ_key(name)
        if key == "CONTENT_LENGTH":
            continue
        if key in environ:
            environ[key] += ("; " if key == "HTTP_COOKIE" else ",") + value.decode("latin-1")
        elif key:
            environ[key] = value.decode("latin-1")


def _environ_key(name: bytes) -> str:
    """Return the environ key of a header; empty to omit the header.

    `X_Mock_Admin` and `X-Mock-Admin` would share a key, so the former is omitted, as in nginx and Django.
    """
    if b"_" in name:
        return ""
    if name == b"content-length":
        return "CONTENT_LENGTH"
    key = "HTTP_" + name.decode("latin-1").upper().replace("-", "_")
    if len(_ENVIRON_KEYS) < 512 and len(name) < 64:
        _ENVIRON_KEYS[name] = key
    return key


def call(app: WSGIApplication, environ: dict[str, Any], envelope: Envelope) -> HTTPResponse:
    """Call the application. An exception is logged and becomes a 500 response with the envelope."""
    try:
        return _collect(app, environ)
    except Exception:
        log.exception("the application failed on %s %s", environ["REQUEST_METHOD"], environ["PATH_INFO"])
        return error_response(envelope)


def error_response(envelope: Envelope) -> HTTPResponse:
    """Return the response to a request that the application could not answer."""
    headers = [("Content-Type", "application/json")]
    return HTTPResponse("500 Internal Server Error", headers, envelope("internal_error", TEXTS["internal_error"]))


def _collect(app: WSGIApplication, environ: dict[str, Any]) -> HTTPResponse:
    """Call a WSGI application, and consume and close its iterable."""
    started: list[tuple[str, list[tuple[str, str]]]] = []
    written: list[bytes] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], exc_info: object = None, /
    ) -> Callable[[bytes], object]:
        started.append((status, headers))
        return written.append

    result: Iterable[bytes] = app(environ, start_response)
    try:
        written.extend(result)
    finally:
        close = getattr(result, "close", None)
        if close is not None:
            close()
    status, headers = started[-1]
    body = written[0] if len(written) == 1 else b"".join(written)
    lengths = [item for item in headers if item[0].lower() == "content-length"]
    return HTTPResponse(
        status,
        [item for item in headers if item not in lengths],
        body,
        environ.get(DELIVERY) or PLAIN,
        environ.get(APPKEY, ""),
        environ.get(STREAM),
        lengths[-1][1] if lengths else "",
    )


def render(response: HTTPResponse, method: str, *, keep: bool) -> tuple[bytes, bytes]:
    """Return head and body as sent. Raises ValueError if a header has a line break, which would split the response."""
    status, headers, body, delivery, _, stream, length = response
    bodiless = status[:3] in ("204", "304") or status[0] == "1"
    lines = ["HTTP/1.1 " + status, *map(": ".join, headers)]
    if delivery.malformed_chunk or stream is not None:
        lines.append("transfer-encoding: chunked")
    elif not bodiless:
        lines.append("content-length: " + (length if length and method == "HEAD" else str(len(body))))
    if not keep:
        lines.append("connection: close")
    lines.append(_date_header(int(machine_time())))
    text = "\r\n".join(lines)
    if text.count("\n") != len(lines) - 1 or text.count("\r") != len(lines) - 1:
        raise ValueError("a response header contains a line break")
    return text.encode("latin-1") + b"\r\n\r\n", b"" if bodiless or method == "HEAD" else body


@functools.lru_cache(maxsize=1)
def _date_header(second: int) -> str:
    return "date: " + formatdate(second, usegmt=True)
