"""Carries one request through the WSGI application: ASGI scope in, environ, application, rendered answer out.

It knows WSGI and the keys that the application shares with it; it must not know what paths or answers mean.
The environ is written by hand and the answer is rendered here, in one piece, because both are on the path of
every call: a general adapter costs several times as much.
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
from mockserver.server.limits import CRASHED, Envelope, Limits
from mockserver.server.playback import Deliveries

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from mockserver.server.exchange import Exchange

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Inline = Callable[[str], bool]
"""Whether calls to this path are quick enough for the loop's own thread."""

log = logging.getLogger("mockserver.transport")

_KEYS: dict[bytes, str] = {b"content-type": "CONTENT_TYPE", b"x-offered-upgrade": "HTTP_UPGRADE"}
_PHRASES = {status.value: f"{status.value} {status.phrase}" for status in http.HTTPStatus}


class Answer(NamedTuple):
    """What a WSGI application said, in one piece."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes


class Bridge:
    """The ASGI application that uvicorn calls for every request."""

    def __init__(
        self,
        app: WSGIApplication,
        *,
        deliveries: Deliveries,
        threads: Executor,
        inline: Inline,
        limits: Limits,
        envelope: Envelope,
    ) -> None:
        self._app, self._deliveries, self._threads, self._inline = app, deliveries, threads, inline
        self._limits, self._envelope = limits, envelope
        self._base: dict[str, Any] = {
            "SCRIPT_NAME": "",
            "wsgi.version": (1, 0),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "wsgi.input_terminated": True,
            "mockserver.transport": True,
            "mockserver.release": deliveries.release,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; the exchange in the scope, not `send`, takes the answer to the socket."""
        exchange: Exchange = scope["mockserver.exchange"]
        try:
            await self._serve(scope, receive, exchange)
        except asyncio.CancelledError:
            # Only a stop whose patience is over cancels; the connection is aborted already.
            exchange.end(keep=False)
        except Exception:
            log.exception("the answer to %s could not be delivered", scope["raw_path"])
            exchange.end(keep=False)

    async def _serve(self, scope: Scope, receive: Receive, exchange: Exchange) -> None:
        body, overlong, whole = b"", False, True
        if exchange.declared_length > self._limits.body_bytes and self._unwanted(exchange):
            overlong, whole = True, False
        else:
            message = await receive()
            if message["type"] != "http.request":
                return
            body = message["body"]
            if message["more_body"] or len(body) > self._limits.body_bytes:
                read = await self._read(body, message["more_body"], receive)
                if read is None:
                    return
                body, overlong, whole = read
        if exchange.congested:
            # A client that sends requests and takes no answers gets no more work done.
            await exchange.drained()
        environ = self._environ(scope, body)
        if overlong:
            environ["mockserver.overlong"] = True
            environ["mockserver.length"] = max(exchange.declared_length, 0)
        if self._inline(environ["PATH_INFO"]):
            answer = self._call(environ)
        else:
            loop = asyncio.get_running_loop()
            answer = await loop.run_in_executor(self._threads, self._call, environ)
        if exchange.gone:
            exchange.end(keep=False)
            return
        delivery: DeliveryPlan = environ.get("mockserver.delivery") or PLAIN
        keep = exchange.keep_alive and whole and delivery.close_after is None
        try:
            head, payload = render(
                answer, scope["method"], exchange.default_headers, keep, delivery.malformed_chunk
            )
        except ValueError:
            log.exception("the application's answer to %s cannot be sent", environ["PATH_INFO"])
            head, payload = render(self._crashed(), scope["method"], exchange.default_headers, keep)
        if delivery is PLAIN or delivery == PLAIN:
            exchange.write(head + payload)
        else:
            keep = await self._deliveries.perform(exchange, head, payload, delivery, environ) and keep
        if whole:
            # A stop that came during the delivery has withdrawn the promise to keep the connection.
            exchange.end(keep=keep and exchange.keep_alive)
        else:
            exchange.end_lingering()

    def _unwanted(self, exchange: Exchange) -> bool:
        """Whether a body announced as overlong is better not sent, or too long to be drained."""
        return (
            exchange.expects_100
            or exchange.declared_length > self._limits.body_bytes + self._limits.drain_bytes
        )

    async def _read(self, first: bytes, more: bool, receive: Receive) -> tuple[bytes, bool, bool] | None:
        """The body, whether it was over the limit, and whether it was read to its end; None: client gone."""
        limit, bound = self._limits.body_bytes, self._limits.body_bytes + self._limits.drain_bytes
        parts, size = [first], len(first)
        while more:
            if size > bound:
                return b"", True, False
            message = await receive()
            if message["type"] != "http.request":
                return None
            more = message["more_body"]
            size += len(message["body"])
            if size <= limit:
                parts.append(message["body"])
        return (b"", True, True) if size > limit else (b"".join(parts), False, True)

    def _environ(self, scope: Scope, body: bytes) -> dict[str, Any]:
        """The WSGI environ (PEP 3333) of a request; header names with an underscore are left out."""
        raw_path: bytes = scope["raw_path"]
        query: bytes = scope["query_string"]
        environ = self._base.copy()
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
            key = _KEYS.get(name) or _key(name)
            if key == "CONTENT_LENGTH":
                continue
            if key in environ:
                environ[key] += ("; " if key == "HTTP_COOKIE" else ",") + value.decode("latin-1")
            elif key:
                environ[key] = value.decode("latin-1")
        return environ

    def _call(self, environ: dict[str, Any]) -> Answer:
        """What the application answers; its crash is logged and answered 500 with the envelope."""
        try:
            return _collect(self._app, environ)
        except Exception:
            log.exception("the application failed on %s %s", environ["REQUEST_METHOD"], environ["PATH_INFO"])
            environ.pop("mockserver.delivery", None)
            return self._crashed()

    def _crashed(self) -> Answer:
        body = self._envelope("internal_error", CRASHED)
        return Answer("500 Internal Server Error", [("Content-Type", "application/json")], body)


def _key(name: bytes) -> str:
    """The environ's name of a header; empty when the header must not be told.

    `X_Mock_Admin` and `X-Mock-Admin` would share a key, so the former is dropped, as nginx and Django do.
    """
    if b"_" in name:
        return ""
    if name == b"content-length":
        return "CONTENT_LENGTH"
    key = "HTTP_" + name.decode("latin-1").upper().replace("-", "_")
    if len(_KEYS) < 512 and len(name) < 64:
        _KEYS[name] = key
    return key


def _collect(app: WSGIApplication, environ: dict[str, Any]) -> Answer:
    """Run a WSGI application to its end and close its iterable."""
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
    return Answer(status, headers, written[0] if len(written) == 1 else b"".join(written))


def render(
    answer: Answer, method: str, defaults: list[tuple[bytes, bytes]], keep: bool, chunked: bool = False
) -> tuple[bytes, bytes]:
    """Head and body as they go over the wire; `chunked` announces chunks instead of a length.

    ValueError when a header holds a line break: an answer must not be split.
    """
    status, headers, body = answer
    bodiless = status[:3] in ("204", "304") or status[0] == "1"
    lines = ["HTTP/1.1 " + (status if len(status) > 3 else _PHRASES.get(int(status), status + " "))]
    length = str(len(body))
    for name, value in headers:
        if name.lower() != "content-length":
            lines.append(name + ": " + value)
        elif method == "HEAD":
            # The length of the body that GET would have brought; otherwise what is sent decides.
            length = value
    if chunked:
        lines.append("transfer-encoding: chunked")
    elif not bodiless:
        lines.append("content-length: " + length)
    if not keep:
        lines.append("connection: close")
    for key, setting in defaults:
        lines.append(key.decode() + ": " + setting.decode())
    text = "\r\n".join(lines)
    if text.count("\n") != len(lines) - 1 or text.count("\r") != len(lines) - 1:
        raise ValueError("a header of the answer holds a line break")
    return text.encode("latin-1") + b"\r\n\r\n", b"" if bodiless or method == "HEAD" else body
