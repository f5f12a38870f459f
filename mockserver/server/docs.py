"""The contract for tools and the page that tries it out: `openapi.json`, `sign`, `docs` and its assets.

Swagger UI comes from the package `flask-swagger-ui` (the extra `docs`), of which only the files are used. The page holds
no secret and runs no inline script: it asks `sign`, behind the same guard as every admin route, for a query string.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from flask import Response

from mockserver.contract.checksum import Formula
from mockserver.contract.checksum import sign as sign_query
from mockserver.core.errors import ControlError
from mockserver.core.suggestions import unknown
from mockserver.core.text import Lang, Text
from mockserver.server.control import Control, Json
from mockserver.server.openapi import openapi as document

if TYPE_CHECKING:
    from mockserver.server.admin_request import Asked

_PAGES = Path(__file__).parent / "pages"
_OURS = ("docs.js", "docs.css")
_SWAGGER = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png")
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".png": "image/png"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def openapi(control: Control, asked: Asked) -> Json:
    """The OpenAPI document as the app's readings have it; `?lang=` chooses the language."""
    readings, lang = _readings(control, asked), _lang(control, asked)
    app = control.engine.app(asked.appkey or "")
    return document(control.engine.config, readings, lang=lang, app=app)


def sign(control: Control, asked: Asked) -> Json:
    """A signed query string for one app, the first unless `?appkey=` names one; never what it was signed with."""
    engine = control.engine
    appkey = asked.appkey or next(iter(engine.config.apps))
    app = engine.app(appkey)
    if app is None:
        raise ControlError(404, "unknown_appkey", unknown("app", appkey, (*engine.config.apps, *engine.apps)))
    formula: Formula = "v1" if _readings(control, asked)["signing"] == "v1" else "v2"
    words = {name: asked.query[name] for name in ("identifier", "seq") if name in asked.query}
    return {"query": sign_query(app.keys, engine.store.app(appkey).clock.now(), formula=formula, **words)}


def page(control: Control, asked: Asked) -> Response:
    """The page; 501 when Swagger UI is not installed."""
    _swagger_ui()
    return _file(_PAGES / "docs.html")


def asset(control: Control, asked: Asked) -> Response:
    """One of the files that the page asks for."""
    name = asked.path["name"]
    if name in _OURS:
        return _file(_PAGES / name)
    if name in _SWAGGER:
        return _file(_swagger_ui() / name)
    raise ControlError(404, "unknown_resource", Text(f"docs/{name} is no resource", f"没有资源 docs/{name}"))


def _readings(control: Control, asked: Asked) -> dict[str, Any]:
    return {row["name"]: row["value"] for row in control.readings(asked.appkey)["readings"]}


def _lang(control: Control, asked: Asked) -> Lang:
    word = asked.query.get("lang", control.engine.lang)
    if word not in get_args(Lang):
        raise ControlError(422, "unknown_language", Text("lang is en or zh", "lang 须为 en 或 zh"))
    return "zh" if word == "zh" else "en"


def _swagger_ui() -> Path:
    """The folder of Swagger UI's files; the package is looked for, not imported."""
    found = find_spec("flask_swagger_ui")
    if found is None or found.origin is None:
        text = Text(
            "this page needs Swagger UI: pip install 'mockserver[docs]'; the document is at openapi.json",
            "此页面需要 Swagger UI：pip install 'mockserver[docs]'；文档见 openapi.json",
        )
        raise ControlError(501, "docs_not_installed", text)
    return Path(found.origin).parent / "dist"


def _file(path: Path) -> Response:
    return Response(path.read_bytes(), mimetype=_TYPES[path.suffix], headers=_HEADERS)
