"""The API's door: whatever arrives outside our own prefix is a call to the engine, whatever its path or method."""

from __future__ import annotations

import functools
import http
import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import flask

from mockserver.contract.envelope import encode, failure
from mockserver.core.http import PLAIN, Request, Response
from mockserver.engine.pipeline import Engine
from mockserver.validation.body import MAX_BODY

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logging.getLogger("mockserver")

DELIVERY = "mockserver.delivery"
"""WSGI environ key under which a response's Delivery travels to the transport."""
APPKEY = "mockserver.appkey"
"""Beside it: the app whose delays a reset of that app ends."""
TRANSPORT = "mockserver.transport"
"""Set in the environ by a transport that can perform every Delivery."""
OVERLONG = "mockserver.overlong"
"""Set in the environ when the body was larger than the transport reads."""
LENGTH = "mockserver.length"
"""Beside it: the bytes that were announced of it, 0 when none were."""


_STATUS = {one.value: f"{one.value} {one.phrase}" for one in http.HTTPStatus}


class Sent(flask.Response):
    """An answer whose headers and bytes are known to the last: they are sent without a second look at each."""

    def __init__(self, response: Response) -> None:
        self._response = response

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> tuple[bytes, ...]:
        """The answer as WSGI sends it."""
        status, headers, body = self._response.status, self._response.headers, self._response.body
        start_response(
            _STATUS.get(status, f"{status} Unknown"), [*headers, ("Content-Length", str(len(body)))]
        )
        return () if environ["REQUEST_METHOD"] == "HEAD" else (body,)


def answer(engine: Engine) -> flask.Response:
    """The response to the current request: HTTP 200 and an envelope, whatever happens (§1.3)."""
    incoming = flask.request._get_current_object()  # type: ignore[attr-defined]
    try:
        response = engine.handle(read_call(incoming))
    except Exception:
        log.exception("the request could not be answered")
        response = _plain(engine, "the mock server failed; its log tells why")
    if response.delivery is not PLAIN:
        response = _delivered(engine, response, incoming.environ)
    return Sent(response)


def read_call(incoming: flask.Request) -> Request:
    """The request as the engine takes it."""
    environ = incoming.environ
    return Request(
        method=environ["REQUEST_METHOD"],
        path=environ.get("PATH_INFO", "").encode("latin-1", "replace").decode("utf-8", "replace"),
        query=environ.get("QUERY_STRING", ""),
        headers=_headers(environ),
        # Our transport has read the body within its limit; any other server's stream is read only so far.
        body=environ["wsgi.input"].read() if TRANSPORT in environ else incoming.stream.read(MAX_BODY + 1),
        overlong=bool(environ.get(OVERLONG)),
        length=environ.get(LENGTH, 0),
    )


def _headers(environ: Mapping[str, Any]) -> Mapping[str, str]:
    sent = [pair for pair in environ.items() if pair[0].startswith("HTTP_")]
    if "CONTENT_TYPE" in environ:
        sent.append(("HTTP_CONTENT_TYPE", environ["CONTENT_TYPE"]))
    return _named(tuple(sent))


@functools.lru_cache(maxsize=256)
def _named(sent: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    """Headers by name. A client sends the same ones every time: the journal keeps them once."""
    return {name[5:].replace("_", "-").lower(): value for name, value in sent}


def _delivered(engine: Engine, response: Response, environ: dict[str, Any]) -> Response:
    """The response, its delivery handed to the transport, or what can be done of it without ours."""
    if environ.get(TRANSPORT):
        environ[DELIVERY], environ[APPKEY] = response.delivery, response.appkey
    elif response.delivery.touches_connection:
        return _plain(engine, "this fault needs the connection: start the server with `mockserver serve`")
    else:
        time.sleep(response.delivery.delay)
    return response


def _plain(engine: Engine, info: str) -> Response:
    code = engine.config.catalogue["internal_error"].code
    return Response(200, (("Content-Type", "application/json"),), encode(failure(code, info)))
