"""The API's door: whatever arrives outside our own prefix is a call to the engine, whatever its path or method."""

from __future__ import annotations

import functools
import http
import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flask import Request, Response, request

from mockserver.bodies.checks import MAX_BODY
from mockserver.contract.envelope import encode, failure
from mockserver.engine import Engine
from mockserver.messages import PLAIN, Call, Reply

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


class Sent(Response):
    """An answer whose headers and bytes are known to the last: they are sent without a second look at each."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> tuple[bytes, ...]:
        """The answer as WSGI sends it."""
        status, headers, body = self._reply.status, self._reply.headers, self._reply.body
        start_response(
            _STATUS.get(status, f"{status} Unknown"), [*headers, ("Content-Length", str(len(body)))]
        )
        return () if environ["REQUEST_METHOD"] == "HEAD" else (body,)


def answer(engine: Engine) -> Response:
    """The response to the current request: HTTP 200 and an envelope, whatever happens (§1.3)."""
    incoming = request._get_current_object()  # type: ignore[attr-defined]
    try:
        reply = engine.answer(read_call(incoming))
    except Exception:
        log.exception("the request could not be answered")
        reply = _plain(engine, "the mock server failed; its log tells why")
    if reply.delivery is not PLAIN:
        reply = _delivered(engine, reply, incoming.environ)
    return Sent(reply)


def read_call(incoming: Request) -> Call:
    """The request as the engine takes it."""
    environ = incoming.environ
    return Call(
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


def _delivered(engine: Engine, reply: Reply, environ: dict[str, Any]) -> Reply:
    """The reply, its delivery handed to the transport, or what can be done of it without ours."""
    if environ.get(TRANSPORT):
        environ[DELIVERY], environ[APPKEY] = reply.delivery, reply.appkey
    elif reply.delivery.touches_connection:
        return _plain(engine, "this fault needs the connection: start the server with `mockserver serve`")
    else:
        time.sleep(reply.delivery.delay)
    return reply


def _plain(engine: Engine, info: str) -> Reply:
    code = engine.library.catalogue["internal_error"].code
    return Reply(200, (("Content-Type", "application/json"),), encode(failure(code, info)))
