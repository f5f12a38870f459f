"""The admin API under `/__admin`: a Flask blueprint with the routes of the `admin_*` and `console_*` modules.

Requests and responses are JSON, and failures have real HTTP status codes. The guard checks every request below the
prefix, including those to unknown paths.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import partial

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from mockserver.core.errors import AdminError
from mockserver.core.text import Lang, Text
from mockserver.engine.state import StoreUnavailable
from mockserver.server import (
    admin_apps,
    admin_behavior,
    admin_catalog,
    admin_journal,
    console,
    console_data,
    console_requests,
)
from mockserver.server.admin_request import NO_STORE, AdminContext, AdminRequest, Json, Route, parse_request
from mockserver.server.guard import CHALLENGES, Guard, admin_error

log = logging.getLogger("mockserver")

PREFIX = "/__admin"
_CONSOLE = (console_data, console_requests, console)
ROUTES: tuple[Route, ...] = tuple(
    route for module in (admin_catalog, admin_behavior, admin_journal, admin_apps, *_CONSOLE) for route in module.ROUTES
)
PAGES = tuple(page for module in _CONSOLE for page in module.PAGES)
"""The pages of the console. They are below the prefix, so that the guard protects them."""
_PROBED = {f"{PREFIX}/{route.path}": route for route in ROUTES if route.probe}
_CHANGES = [route for route in (*admin_behavior.ROUTES, *admin_apps.ROUTES) if route.method != "GET"]


def admin_blueprint(context: AdminContext, guard: Guard) -> Blueprint:
    """Return the blueprint of the admin API."""
    admin = Blueprint("admin", __name__, url_prefix=PREFIX)

    @admin.before_request
    def check_guard() -> Response | None:
        try:
            guard.check(request)
        except AdminError:
            route = _PROBED.get(request.path)
            if route is None or not guard.allows_probe(request):
                raise
            answer = route.handler(context, AdminRequest())
            assert isinstance(answer, dict)
            return _json_response({route.probe: answer[route.probe]}, _status(route, answer))
        return None

    @admin.errorhandler(AdminError)
    def refused(error: AdminError) -> Response:
        return _error_response(error, context.lang)

    @admin.errorhandler(Exception)
    def other_error(error: Exception) -> Response:
        if isinstance(error, HTTPException):
            text = Text(error.description or error.name, error.name)
            return _error_response(AdminError(error.code or 500, "http_error", text), context.lang)
        log.error("the admin API failed", exc_info=error)
        return _error_response(admin_error("internal_error"), context.lang)

    for route in (*ROUTES, *PAGES):
        admin.add_url_rule(
            f"/{route.path}",
            f"{route.method} {route.path}".replace(".", " "),
            _view(context, route),
            methods=[route.method],
            strict_slashes=route.path != "",
            provide_automatic_options=False,
        )
    return admin


def unmatched_response(context: AdminContext, guard: Guard) -> Response:
    """Return the response to a request below the prefix that matches no route: 404, or 405 for another method."""
    try:
        guard.check(request)
        path = request.path[len(PREFIX) + 1 :]
        if allowed := ", ".join(_allowed_methods()):
            raise admin_error("method_not_allowed", path=path, allowed=allowed)
        raise admin_error("unknown_resource", path=f"{PREFIX}/{path}")
    except AdminError as error:
        return _error_response(error, context.lang)


def _view(context: AdminContext, route: Route) -> Callable[..., Response]:
    store = context.engine.store
    perform = store.change if route in _CHANGES else store.read

    def view(**path: str) -> Response:
        parsed = parse_request(request, route, path)
        act = partial(route.handler, context, parsed)
        try:
            result = act() if route in admin_catalog.ROUTES else perform(act)
        except StoreUnavailable as error:
            raise AdminError(503, "store_unavailable", error.text) from None
        if isinstance(result, Response):
            return result
        return _json_response(result, _status(route, result))

    return view


def _status(route: Route, answer: Json | bytes) -> int:
    return 503 if route.path == "ready" and isinstance(answer, dict) and not answer["ready"] else route.status


def _allowed_methods() -> list[str]:
    """Return the methods of the resource that the request names; empty if there is none."""
    error = request.routing_exception
    methods = error.valid_methods if isinstance(error, MethodNotAllowed) else ()
    return sorted({*(methods or ())} - {"HEAD"})


def _error_response(error: AdminError, lang: Lang) -> Response:
    # The console sends the language of its page.
    languages: dict[str, Lang] = {"en": "en", "zh": "zh"}
    lang = languages.get(request.headers.get("X-Mock-Lang", ""), lang)
    response = _json_response({"error": error.name, "message": error.text.to(lang)}, error.status)
    if error.status == 401:
        for challenge in CHALLENGES:
            response.headers.add("WWW-Authenticate", challenge)
    if error.status == 405:
        response.headers["Allow"] = ", ".join(_allowed_methods())
    return response


def _json_response(value: Json | bytes, status: int) -> Response:
    content = value
    if not isinstance(content, bytes):
        # A lone surrogate has no UTF-8 encoding; backslashreplace writes it as its JSON escape.
        content = (json.dumps(value, ensure_ascii=False) + "\n").encode(errors="backslashreplace")
    return Response(content, status, headers=NO_STORE, mimetype="application/json")
