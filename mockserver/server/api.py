"""The direct way to the engine, for POST requests to the operations on our own server. All others go through Flask.

Both ways (see `app`) return the same response and write the same journal entry.
"""

from __future__ import annotations

import functools
import http
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from mockserver.contract.operations import PATHS
from mockserver.core.http import Request, Response, read_header
from mockserver.core.text import Text
from mockserver.engine.context import CONTENT_TYPE, RequestContext
from mockserver.engine.pipeline import Engine
from mockserver.server import wsgi
from mockserver.server.limits import TEXTS
from mockserver.server.request_parser import IncomingRequest
from mockserver.server.wsgi import HTTPResponse

log = logging.getLogger("mockserver")
_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in http.HTTPStatus}
ApiCall: TypeAlias = "RequestContext | Response"
"""A request that the engine has accepted, or the response if that failed."""
_MAX_REPEATED = 2_048  # Bytes of the target and the body of a request that is cached.
_PATHS = {path.encode(): path for path in PATHS}  # The paths of the operations, as sent and decoded.


class FastPath:
    """Answers POST requests to the six operations without WSGI."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def parse(self, incoming: IncomingRequest) -> Request | None:
        """Return the request for the engine; None if it is not for an operation."""
        if incoming.method != "POST":
            return None
        parts = incoming.body
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        if incoming.overlong:
            request = _new_request(incoming.target, incoming.headers, body)
            return request and replace(request, overlong=True, length=incoming.declared_length)
        repeated = len(body) + len(incoming.target) <= _MAX_REPEATED
        return (_repeated_request if repeated else _new_request)(incoming.target, incoming.headers, body)

    def accept(self, incoming: IncomingRequest) -> ApiCall | None:
        """Begin to answer a request. Return None if it is not for an operation. Never takes long."""
        request = self.parse(incoming)
        if request is None:
            return None
        try:
            return self._engine.accept(request)
        except Exception:
            return failed(self._engine)

    def handle(self, request: Request) -> HTTPResponse:
        """Return the response to a request. May wait for a shared store."""
        try:
            response = self._engine.handle(request)
        except Exception:
            response = failed(self._engine)
        return self.answer(response)

    def takes_long(self, call: ApiCall) -> bool:
        """Return whether `answer` may block for so long that the event loop should call it in a thread."""
        return isinstance(call, RequestContext) and self._engine.takes_long(call)

    def answer(self, call: ApiCall) -> HTTPResponse:
        """Return the response to a request. Call it once per request."""
        if isinstance(call, RequestContext):
            try:
                call = self._engine.answer(call)
            except Exception:
                call = failed(self._engine)
        return HTTPResponse(status_line(call.status), call.headers, call.body, call.delivery, call.appkey)


def _new_request(target: bytes, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> Request | None:
    path, _, query = target.partition(b"?")
    name = _PATHS.get(path)
    return Request("POST", name, query.decode("latin-1"), _parse_headers(headers), body) if name else None


_repeated_request = functools.lru_cache(maxsize=256)(_new_request)


@functools.lru_cache(maxsize=256)
def _parse_headers(headers: Sequence[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """Return headers as they would be in a WSGI environ; see `wsgi.make_environ` and `request_headers`."""
    environ: dict[str, Any] = {}
    wsgi.add_headers(environ, headers)
    return request_headers(environ)


def request_headers(environ: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the headers of a WSGI environ by lower-case name."""
    variables = [item for item in environ.items() if item[0].startswith("HTTP_")]
    if "CONTENT_TYPE" in environ:
        variables.append(("HTTP_CONTENT_TYPE", environ["CONTENT_TYPE"]))
    return _header_names(tuple(variables))


@functools.lru_cache(maxsize=256)
def _header_names(variables: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    # Clients repeat their headers, so entries of the journal share the mapping.
    return {name[5:].replace("_", "-").lower(): read_header(value) for name, value in variables}


def status_line(status: int) -> str:
    """Return the code and reason of a response, e.g. `200 OK`."""
    return _STATUS_LINES.get(status) or f"{status} Unknown"


def failed(engine: Engine) -> Response:
    """Log the current exception and return the response to its request."""
    log.exception("internal error while handling a request")
    return internal_error(engine, TEXTS["not_handled"])


def internal_error(engine: Engine, detail: Text) -> Response:
    """Return the envelope of an internal error (§1.3)."""
    return Response(200, CONTENT_TYPE, engine.error_body("internal_error", detail))
