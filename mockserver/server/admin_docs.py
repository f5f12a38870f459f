"""Admin resources about the API itself: the OpenAPI document, signed query strings, and the docs page.

The page uses the Swagger UI files of the package `flask-swagger-ui` (extra `docs`). It contains no secret and no inline
script; it gets signed query strings from `sign`, which the guard protects like every admin route.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import flask
from flask import Response

from mockserver.contract import checksum
from mockserver.server.admin_behavior import current_readings
from mockserver.server.admin_request import NO_STORE, AdminContext, AdminRequest, Json, Routes
from mockserver.server.guard import admin_error
from mockserver.server.openapi import openapi_document

ROUTES = Routes()
_PAGES = Path(__file__).parent / "pages"
_OWN_FILES = ("docs.js", "docs.css")
_SWAGGER_FILES = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png")
_MEDIA_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".png": "image/png"}
PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    **NO_STORE,
}


@ROUTES.add("GET", "openapi.json", "OpenAPI 3.1 文档；`?lang=zh`", query=("lang",))
def openapi(context: AdminContext, request: AdminRequest) -> Json:
    """The API as an OpenAPI 3.1 document; `?lang=zh`.

    It follows the current readings, and is in the server's language by default.
    """
    lang = request.query.get("lang", context.lang)
    if lang not in ("en", "zh"):
        raise admin_error("unknown_language")
    return openapi_document(
        context.engine.config,
        current_readings(context, request.appkey),
        lang="zh" if lang == "zh" else "en",
        # The root path is the prefix below which a WSGI server mounts the app.
        server=context.public_url or quote(flask.request.root_path) or "/",
        app=context.engine.app(request.appkey or ""),
    )


@ROUTES.add("GET", "docs", "可在线调用的接口文档", query=None)
def docs_page(context: AdminContext, request: AdminRequest) -> Response:
    """Interactive API documentation.

    501 if Swagger UI is not installed.
    """
    _swagger_folder()
    return _file(_PAGES / "docs.html")


@ROUTES.add("GET", "docs/<name>", "接口文档页面的资源文件")
def docs_file(context: AdminContext, request: AdminRequest) -> Response:
    """Files of the docs page."""
    name = request.path["name"]
    if name in _OWN_FILES:
        return _file(_PAGES / name)
    if name in _SWAGGER_FILES:
        return _file(_swagger_folder() / name)
    raise admin_error("unknown_resource", path=f"docs/{name}")


@ROUTES.add("GET", "sign", "返回签名后的查询串", query=("identifier", "seq"))
def sign(context: AdminContext, request: AdminRequest) -> Json:
    """Return a signed query string.

    It is for the app, by default the first one, and contains no secret.
    """
    return {"query": signed_query(context, request.appkey, **request.query)}


def signed_query(context: AdminContext, appkey: str | None, **values: str) -> str:
    """Return a query string signed by the clock of an app, or of the first one for None. AdminError 404 if unknown."""
    engine = context.engine
    appkey = appkey or context.appkeys[0]
    app = engine.app(appkey)
    if app is None:
        raise context.unknown_app(appkey)
    formula: checksum.Formula = "v1" if current_readings(context, appkey)["signing"] == "v1" else "v2"
    return checksum.sign(app.credentials, engine.store.app(appkey).clock.now(), formula=formula, **values)


def _swagger_folder() -> Path:
    """Return the folder of Swagger UI's files. Only the path is needed, so the package is not imported."""
    package = find_spec("flask_swagger_ui")
    if package is None or package.origin is None:
        raise admin_error("docs_not_installed")
    return Path(package.origin).parent / "dist"


def _file(path: Path) -> Response:
    return Response(path.read_bytes(), mimetype=_MEDIA_TYPES[path.suffix], headers=PAGE_HEADERS)
