"""The Flask app: the API's operations, the admin API, and an API error for every other path or method."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

import flask
from flask import Flask, request
from werkzeug.exceptions import HTTPException

from mockserver.contract.operations import PREFIX
from mockserver.core.http import PLAIN, Request, Response
from mockserver.core.settings import environment_warnings, from_environment
from mockserver.engine.build import make_engine, resolve_settings
from mockserver.engine.pipeline import Engine
from mockserver.server.admin import PREFIX as ADMIN_PREFIX
from mockserver.server.admin import admin_blueprint, unmatched_response
from mockserver.server.admin_request import AdminContext
from mockserver.server.api import failed, internal_error, request_headers, status_line
from mockserver.server.console import redirect
from mockserver.server.guard import Guard
from mockserver.server.limits import TEXTS
from mockserver.server.wsgi import APPKEY, DELIVERY, LENGTH, OVERLONG, TRANSPORT
from mockserver.validation.body import MAX_BODY

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logging.getLogger("mockserver")


def create_app(**settings: Any) -> Flask:
    """Create the Flask app for any WSGI server.

    Takes the settings listed by `mockserver settings`; they take precedence over the environment. Without
    `admin_token` the admin API answers only requests from this machine. Raises ConfigurationError with every problem
    of the settings and files.
    """
    settings = {**from_environment(), **settings}
    for warning in environment_warnings():
        log.warning("%s", warning.to(settings.get("lang", "en")))
    resolved = resolve_settings(settings)
    token = resolved["admin_token"]
    # The address of the WSGI server is unknown here, so a token allows every host name.
    guard = Guard(None, token) if token else None
    return build_app(make_engine(**settings), guard=guard, public_url=resolved["public_url"])


def build_app(engine: Engine, *, guard: Guard | None = None, public_url: str | None = None) -> Flask:
    """Return the Flask app of an engine.

    The default guard allows only this machine to use the admin API. `public_url` is the URL under which clients reach
    the app, if that differs from the URL of their requests.
    """
    app = Flask("mockserver", static_folder=None)
    app.url_map.merge_slashes = False
    context = AdminContext(engine, engine.store.release, public_url)
    guard = (guard or Guard.for_host("localhost", None)).behind(public_url)

    @app.before_request
    def check_processes() -> None:
        text = TEXTS["several_processes"]
        if engine.store.kind == "memory" and request.environ.get("wsgi.multiprocess") and context.warn(text):
            log.warning("%s", text.to(context.lang))

    @app.route(f"{PREFIX}<command>", methods=["POST"], provide_automatic_options=False)
    def operation(command: str) -> flask.Response:
        return api_response(engine)

    @app.route("/", methods=["GET"], provide_automatic_options=False)
    def root() -> flask.Response:
        # Send browsers to the console; other clients get the API's answer to an unknown path.
        browser = (
            request.method == "GET" and not request.query_string and "text/html" in request.headers.get("Accept", "")
        )
        return redirect("__admin/console") if browser else api_response(engine)

    @app.errorhandler(HTTPException)
    def unmatched(error: HTTPException) -> flask.Response:
        if f"{request.path}/".startswith(f"{ADMIN_PREFIX}/"):
            return unmatched_response(context, guard)
        # The API reports an unknown path or method with HTTP 200 and an error envelope (§1.3).
        return api_response(engine)

    app.register_blueprint(admin_blueprint(context, guard))
    return app


class RawResponse(flask.Response):
    """A response with the engine's headers and body, unchanged by Flask."""

    def __init__(self, response: Response) -> None:
        self._response = response

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> tuple[bytes, ...]:
        """Send the response."""
        status, body = self._response.status, self._response.body
        headers = [*self._response.headers]
        if status != 204:
            headers.append(("Content-Length", str(len(body))))
        start_response(status_line(status), headers)
        return () if environ["REQUEST_METHOD"] == "HEAD" else (body,)


def api_response(engine: Engine) -> flask.Response:
    """Return the engine's response to the current request. An internal error is an envelope, too (§1.3)."""
    incoming = flask.request._get_current_object()  # type: ignore[attr-defined]
    try:
        response = engine.handle(_engine_request(incoming))
    except Exception:
        response = failed(engine)
    if response.delivery is not PLAIN:
        response = _deliver(engine, response, incoming.environ)
    return RawResponse(response)


def _engine_request(incoming: flask.Request) -> Request:
    environ = incoming.environ
    return Request(
        method=environ["REQUEST_METHOD"],
        path=environ.get("PATH_INFO", "").encode("latin-1", "replace").decode("utf-8", "replace"),
        query=environ.get("QUERY_STRING", ""),
        headers=request_headers(environ),
        # Our transport has already limited the body; read streams of other servers up to the limit.
        body=environ["wsgi.input"].read() if TRANSPORT in environ else incoming.stream.read(MAX_BODY + 1),
        overlong=bool(environ.get(OVERLONG)),
        length=environ.get(LENGTH, 0),
    )


def _deliver(engine: Engine, response: Response, environ: dict[str, Any]) -> Response:
    """Pass the delivery plan to our transport. On other servers only delays are possible."""
    if environ.get(TRANSPORT):
        environ[DELIVERY], environ[APPKEY] = response.delivery, response.appkey
    elif response.delivery.needs_socket:
        return internal_error(engine, TEXTS["needs_socket"])
    else:
        time.sleep(response.delivery.delay)
    return response
