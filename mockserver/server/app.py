"""The Flask app: the documented operations, and the envelope for whatever else arrives. Never a page of HTML."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from mockserver.contract.operations import PREFIX
from mockserver.core.settings import from_environment
from mockserver.engine.build import make_engine, resolve_settings
from mockserver.engine.pipeline import Engine
from mockserver.server import api
from mockserver.server.admin import PREFIX as ADMIN
from mockserver.server.admin import make_admin, refuse
from mockserver.server.control import Control
from mockserver.server.guard import Guard


def make_app(engine: Engine, *, control: Control | None = None, guard: Guard | None = None) -> Flask:
    """The Flask app around an engine; the admin API is for this machine alone unless a guard says otherwise."""
    app = Flask("mockserver", static_folder=None)
    app.url_map.merge_slashes = False
    reins, watch = control or Control(engine), guard or Guard.for_host("localhost", None)

    @app.route(f"{PREFIX}<command>", methods=["POST"], provide_automatic_options=False)
    def operation(command: str) -> Response:
        return api.answer(engine)

    @app.errorhandler(HTTPException)
    def anything_else(error: HTTPException) -> Response:
        if f"{request.path}/".startswith(f"{ADMIN}/"):
            return refuse(reins, watch)
        # An unknown path or a wrong method is the API's to refuse, with HTTP 200 and its envelope (§1.3).
        return api.answer(engine)

    app.register_blueprint(make_admin(reins, watch))
    return app


def create_app(**settings: Any) -> Flask:
    """A Flask app of the mock server; `settings` are those of `mockserver settings`, over the environment's."""
    given = {**from_environment(), **settings}
    token = resolve_settings(given)["admin_token"]
    # Another server decides where it listens: with a token from anywhere, else for this machine alone.
    return make_app(make_engine(**given), guard=Guard(None, token) if token else None)
