"""The ASGI application that passes each request to the WSGI application and sends its response.

The WSGI environ is built and the response is rendered here, because both are on the hot path: a general
adapter costs several times as much. Does not know what paths or responses mean.
"""

from __future__ import annotations

import asyncio
import http
import logging
import sys
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import Executor
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote_to_bytes

from mockserver.core.http import PLAIN, DeliveryPlan
from mockserver.server.connection import Exchange
from mockserver.server.limits import APPLICATION_ERROR, Envelope, Limits
from mockserver.server.playback import Playbacks

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Inline = Callable[[str], bool]
"""Whether requests to this path are fast enough for the event loop's own thread."""

log = logging.getLogger("mockserver.transport")

_ENVIRON_KEYS: dict[bytes, str] = {b"content-type": "CONTENT_TYPE", b"x-offered-upgrade": "HTTP_UPGRADE"}
_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in http.HTTPStatus}


class WSGIResponse(NamedTuple):
    """The response of a WSGI application, in one piece."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes


class Body(NamedTuple):
    """The body of a request, empty if it exceeds the limit."""

    data: bytes
    overlong: bool = False
    complete: bool = True
    """Whether it was read to its end."""


class WSGIBridge:
    """The ASGI application that uvicorn calls for every request."""

    def __init__(
        self,
        app: WSGIApplication,
        *,
        playbacks: Playbacks,
        threads: Executor,
        inline: Inline,
        limits: Limits,
        envelope: Envelope,
    ) -> None:
        self._app, self._playbacks, self._threads, self._inline = app, playbacks, threads, inline
        self._limits, self._envelope = limits, envelope
        self._environ_base: dict[str, Any] = {
            "SCRIPT_NAME": "",
            "wsgi.version": (1, 0),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "wsgi.input_terminated": True,
            "mockserver.transport": True,
            "mockserver.release": playbacks.release,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. The exchange in the scope, not `send`, writes the response."""
        exchange: Exchange = scope["mockserver.exchange"]
        try:
            await self._serve(scope, receive, exchange)
        except asyncio.CancelledError:
            # Only a stop whose time limit is over cancels; the connection is aborted already.
            exchange.end(keep=False)
        except Exception:
            log.exception("the response to %s could not be sent", scope["raw_path"])
            exchange.end(keep=False)

    async def _serve(self, scope: Scope, receive: Receive, exchange: Exchange) -> None:
        body = await self._read_body(exchange, receive)
        if body is None:
            return
        if exchange.write_paused:
            # A client that sends requests without reading responses gets no more work done.
            await exchange.drain()
        environ = self._environ(scope, body.data)
        if body.overlong:
            environ["mockserver.overlong"] = True
            environ["mockserver.length"] = max(exchange.declared_length, 0)
        if self._inline(environ["PATH_INFO"]):
            response = self._call(environ)
        else:
            loop = asyncio.get_running_loop()
            response = await loop.run_in_executor(self._threads, self._call, environ)
        if exchange.disconnected:
            exchange.end(keep=False)
            return
        plan: DeliveryPlan = environ.get("mockserver.delivery") or PLAIN
        keep = exchange.keep_alive and body.complete and plan.close_after is None
        try:
            head, payload = render(
                response, scope["method"], exchange.default_headers, keep, plan.malformed_chunk
            )
        except ValueError:
            log.exception("the application's response to %s cannot be sent", environ["PATH_INFO"])
            head, payload = render(self._error_response(), scope["method"], exchange.default_headers, keep)
        if plan is PLAIN or plan == PLAIN:
            exchange.write(head + payload)
        else:
            keep = await self._playbacks.play(exchange, head, payload, plan, environ) and keep
        if body.complete:
            # A stop during the playback has cleared keep_alive.
            exchange.end(keep=keep and exchange.keep_alive)
        else:
            exchange.end_lingering()

    async def _read_body(self, exchange: Exchange, receive: Receive) -> Body | None:
        """Read the body within the limits; None if the client has disconnected."""
        limit, maximum = self._limits.body_bytes, self._limits.body_bytes + self._limits.drain_bytes
        declared = exchange.declared_length
        if declared > limit and (exchange.expects_100 or declared > maximum):
            # The client should not send it, or it is too long to drain.
            return Body(b"", overlong=True, complete=False)
        parts, size, more = [], 0, True
        while more:
            if size > maximum:
                return Body(b"", overlong=True, complete=False)
            message = await receive()
            if message["type"] != "http.request":
                return None
            more = message["more_body"]
            size += len(message["body"])
            if size <= limit:
                parts.append(message["body"])
        if size > limit:
            return Body(b"", overlong=True)
        return Body(parts[0] if len(parts) == 1 else b"".join(parts))

    def _environ(self, scope: Scope, body: bytes) -> dict[str, Any]:
        """Return the WSGI environ (PEP 3333). Headers with an underscore in their name are omitted."""
        raw_path: bytes = scope["raw_path"]
        query: bytes = scope["query_string"]
        environ = self._environ_base.copy()
        environ["REQUEST_METHOD"] = scope["method"]
        environ["PATH_INFO"] = (unquote_to_bytes(raw_path) if b"%" in raw_path else raw_path).decode(
            "latin-1"
        )
        environ["QUERY_STRING"] = query.decode("latin-1")
        environ["REQUEST_URI"] = (raw_path + b"?" + query if query else raw_path).decode("latin-1")
        environ["SERVER_PROTOCOL"] = "HTTP/" + scope["http_version"]
        environ["wsgi.url_scheme"] = scope["scheme"]
        environ["CONTENT_LENGTH"] = str(len(body))
        environ["wsgi.input"] = BytesIO(body)
        host, port = scope["server"] or ("", 0)
        environ["SERVER_NAME"], environ["SERVER_PORT"] = host, str(port)
        host, port = scope["client"] or ("", 0)
        environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = host, str(port)
        for name, value in scope["headers"]:
            key = _ENVIRON_KEYS.get(name) or _environ_key(name)
            if key == "CONTENT_LENGTH":
                continue
            if key in environ:
                environ[key] += ("; " if key == "HTTP_COOKIE" else ",") + value.decode("latin-1")
            elif key:
                environ[key] = value.decode("latin-1")
        return environ

    def _call(self, environ: dict[str, Any]) -> WSGIResponse:
        """Call the application; an exception is logged and becomes a 500 response with the envelope."""
        try:
            return _collect(self._app, environ)
        except Exception:
            log.exception("the application failed on %s %s", environ["REQUEST_METHOD"], environ["PATH_INFO"])
            environ.pop("mockserver.delivery", None)
            return self._error_response()

    def _error_response(self) -> WSGIResponse:
        body = self._envelope("internal_error", APPLICATION_ERROR)
        return WSGIResponse("500 Internal Server Error", [("Content-Type", "application/json")], body)


def _environ_key(name: bytes) -> str:
    """Return the environ key of a header; empty if the header is to be omitted.

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


def _collect(app: WSGIApplication, environ: dict[str, Any]) -> WSGIResponse:
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
    return WSGIResponse(status, headers, written[0] if len(written) == 1 else b"".join(written))


def render(
    response: WSGIResponse,
    method: str,
    defaults: list[tuple[bytes, bytes]],
    keep: bool,
    chunked: bool = False,
) -> tuple[bytes, bytes]:
    """Return head and body as sent; `chunked` declares chunked encoding instead of a length.

    Raise ValueError if a header contains a line break, which would split the response.
    """
    status, headers, body = response
    bodiless = status[:3] in ("204", "304") or status[0] == "1"
    lines = ["HTTP/1.1 " + (status if len(status) > 3 else _STATUS_LINES.get(int(status), status + " "))]
    length = str(len(body))
    for name, value in headers:
        if name.lower() != "content-length":
            lines.append(name + ": " + value)
        elif method == "HEAD":
            # The length of the body that GET would return; otherwise the actual length is used.
            length = value
    if chunked:
        lines.append("transfer-encoding: chunked")
    elif not bodiless:
        lines.append("content-length: " + length)
    if not keep:
        lines.append("connection: close")
    for key, default in defaults:
        lines.append(key.decode() + ": " + default.decode())
    text = "\r\n".join(lines)
    if text.count("\n") != len(lines) - 1 or text.count("\r") != len(lines) - 1:
        raise ValueError("a response header contains a line break")
    return text.encode("latin-1") + b"\r\n\r\n", b"" if bodiless or method == "HEAD" else body
