"""Two ways to the engine: every WSGI request outside of the admin API, and those of the operations from our own server.

Both give the same response and the same journal entry.
"""

from __future__ import annotations

import functools
import http
import logging
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import flask

from mockserver.contract.operations import OPERATIONS, PREFIX, VARIANTS
from mockserver.core.http import PLAIN, Request, Response, read_header
from mockserver.core.text import Text
from mockserver.engine.context import RequestContext
from mockserver.engine.pipeline import Engine
from mockserver.engine.response_headers import CONTENT_TYPE
from mockserver.server import wsgi
from mockserver.server.request_parser import IncomingRequest
from mockserver.server.wsgi import APPKEY, DELIVERY, LENGTH, OVERLONG, TRANSPORT, HTTPResponse
from mockserver.validation.body import MAX_BODY

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logging.getLogger("mockserver")
_FAILED = Text("the request could not be handled; see the server's log", "无法处理该请求，详见服务器日志")
_NEEDS_SOCKET = Text(
    "this fault acts on the connection; start the server with `mockserver serve`",
    "该故障作用于连接；请用 `mockserver serve` 启动服务器",
)

_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in http.HTTPStatus}


class RawResponse(flask.Response):
    """A response that sends the engine's headers and body unchanged, without Flask's processing."""

    def __init__(self, response: Response) -> None:
        self._response = response

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> tuple[bytes, ...]:
        """Send the response."""
        status, body = self._response.status, self._response.body
        headers = [*self._response.headers]
        if status != 204:
            headers.append(("Content-Length", str(len(body))))
        start_response(_STATUS_LINES.get(status, f"{status} Unknown"), headers)
        return () if environ["REQUEST_METHOD"] == "HEAD" else (body,)


def api_response(engine: Engine) -> flask.Response:
    """Return the engine's response to the current request; an internal error is an envelope, too (§1.3)."""
    incoming = flask.request._get_current_object()  # type: ignore[attr-defined]
    try:
        response = engine.handle(_engine_request(incoming))
    except Exception:
        response = _failed(engine)
    if response.delivery is not PLAIN:
        response = _deliver(engine, response, incoming.environ)
    return RawResponse(response)


ApiCall: TypeAlias = "RequestContext | Response"
"""A request that the engine has accepted, or the response when it failed to."""
_PATHS = {
    f"{prefix}{name}".encode(): f"{prefix}{name}" for prefix in (PREFIX, *VARIANTS) for name in OPERATIONS
}  # The paths that name an operation, as they are sent.


class FastPath:
    """Answers POST requests to the six operations without WSGI."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def parse(self, incoming: IncomingRequest) -> Request | None:
        """Return a request for the engine; None if it is not for an operation."""
        path, _, query = incoming.target.partition(b"?")
        name = _PATHS.get(path)
        if name is None or incoming.method != "POST":
            return None
        body, headers = incoming.body, _parse_headers(incoming.headers)
        return Request(
            "POST",
            name,
            query.decode("latin-1"),
            headers,
            body[0] if len(body) == 1 else b"".join(body),
            incoming.overlong,
            incoming.declared_length if incoming.overlong else 0,
        )

    def accept(self, incoming: IncomingRequest) -> ApiCall | None:
        """Begin to answer a request; None if it is not for an operation. Never takes long."""
        request = self.parse(incoming)
        if request is None:
            return None
        try:
            return self._engine.accept(request)
        except Exception:
            return _failed(self._engine)

    def handle(self, request: Request) -> HTTPResponse:
        """Return the response to a request, which may have to wait for a shared store."""
        try:
            response = self._engine.handle(request)
        except Exception:
            response = _failed(self._engine)
        return self.answer(response)

    def takes_long(self, call: ApiCall) -> bool:
        """Return whether `answer` may take so long that the event loop should not wait for it."""
        return isinstance(call, RequestContext) and self._engine.takes_long(call)

    def answer(self, call: ApiCall) -> HTTPResponse:
        """Return the response to a request; call it once."""
        if isinstance(call, RequestContext):
            try:
                call = self._engine.answer(call)
            except Exception:
                call = _failed(self._engine)
        status = _STATUS_LINES.get(call.status) or f"{call.status} Unknown"
        return HTTPResponse(status, call.headers, call.body, call.delivery, call.appkey)


@functools.lru_cache(maxsize=256)
def _parse_headers(headers: Sequence[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """Return headers as the WSGI environ has them: see `wsgi.make_environ` and `_headers`."""
    environ: dict[str, Any] = {}
    wsgi.add_headers(environ, headers)
    return _headers(environ)


def _engine_request(incoming: flask.Request) -> Request:
    environ = incoming.environ
    return Request(
        method=environ["REQUEST_METHOD"],
        path=environ.get("PATH_INFO", "").encode("latin-1", "replace").decode("utf-8", "replace"),
        query=environ.get("QUERY_STRING", ""),
        headers=_headers(environ),
        # Our transport has already limited the body; other servers' streams are read up to the limit.
        body=environ["wsgi.input"].read() if TRANSPORT in environ else incoming.stream.read(MAX_BODY + 1),
        overlong=bool(environ.get(OVERLONG)),
        length=environ.get(LENGTH, 0),
    )


def _headers(environ: Mapping[str, Any]) -> Mapping[str, str]:
    variables = [item for item in environ.items() if item[0].startswith("HTTP_")]
    if "CONTENT_TYPE" in environ:
        variables.append(("HTTP_CONTENT_TYPE", environ["CONTENT_TYPE"]))
    return _header_names(tuple(variables))


@functools.lru_cache(maxsize=256)
def _header_names(variables: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    """Return headers by lower-case name. Clients repeat their headers; the journal then shares one mapping."""
    return {name[5:].replace("_", "-").lower(): read_header(value) for name, value in variables}


def _deliver(engine: Engine, response: Response, environ: dict[str, Any]) -> Response:
    """Hand the delivery plan to our transport. On another server only delays are possible."""
    if environ.get(TRANSPORT):
        environ[DELIVERY], environ[APPKEY] = response.delivery, response.appkey
    elif response.delivery.needs_socket:
        return _internal_error(engine, _NEEDS_SOCKET)
    else:
        time.sleep(response.delivery.delay)
    return response


def _failed(engine: Engine) -> Response:
    """Log the current exception and return the response to its request."""
    log.exception("internal error while handling a request")
    return _internal_error(engine, _FAILED)


def _internal_error(engine: Engine, detail: Text) -> Response:
    return Response(200, CONTENT_TYPE, engine.error_body("internal_error", detail))
