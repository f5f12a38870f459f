"""The Flask app: everything outside our own prefix belongs to the API, and is never answered with HTML."""

from __future__ import annotations

from flask import Flask, Response

from mockserver.engine import Engine
from mockserver.web import api


def make_app(engine: Engine) -> Flask:
    """The Flask app around an engine."""
    app = Flask("mockserver", static_folder=None)
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @app.before_request
    def serve() -> Response:
        # Before routing decides: unknown paths and methods are answered by the envelope, too (§1.3).
        return api.answer(engine)

    return app
