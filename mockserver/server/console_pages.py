"""Rendering of console pages: templates, language, relative links, and the files that pages load.

A page works below any prefix, so all links are relative. Scripts and styles are files. Templates contain each text in
both languages: `t("Rooms", "房间")`.
"""

from __future__ import annotations

import functools
import hashlib
import threading
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import flask
import jinja2
from flask import Response

from mockserver import __version__
from mockserver.contract.operations import OPERATIONS
from mockserver.core.clock import UTC8_OFFSET
from mockserver.core.text import Lang, Text
from mockserver.core.yaml_reader import read_texts
from mockserver.server.admin_catalog import PAGE_HEADERS as DOCS_HEADERS
from mockserver.server.admin_request import AdminContext, AdminRequest
from mockserver.server.guard import admin_error

_PAGES = Path(__file__).parent / "pages"
_FOLDERS = (_PAGES / "console", _PAGES / "vendor")
_MEDIA_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
# Without scripts, a form submits to its own page.
_POLICY = DOCS_HEADERS["Content-Security-Policy"].replace("form-action 'none'", "form-action 'self'")
_HEADERS = {**DOCS_HEADERS, "Content-Security-Policy": _POLICY}
TEXTS = read_texts(Path(__file__).with_name("console_texts.yaml"))
_COOKIE = "mockserver_lang"
_IDLE_SECONDS = 1.0  # Seconds after the first page before the templates of the other pages are compiled.
NAVIGATION = [(page["path"], page["text"]) for page in TEXTS["navigation"]]
"""The pages: their path below the admin prefix, and their title."""


def render(
    context: AdminContext, request: AdminRequest, template: str, *, status: int = 200, **values: Any
) -> Response:
    """Return a page in the user's language. `values` are the variables of its template."""
    lang = page_language(context, request)
    path = flask.request.path.partition("/__admin/")[2]
    admin = "../" * path.count("/") or "./"  # From this page to the admin prefix.
    html = (
        _templates()
        .get_template(template)
        .render(
            t=lambda en, zh: Text(en, zh).to(lang),
            lang=lang,
            admin=admin,
            assets=f"{admin}console/assets/{_assets()[0]}/",
            path=path,
            section="/".join(path.split("/")[:2]),
            navigation=[(target, text.to(lang)) for target, text in NAVIGATION],
            other_lang="?" + urlencode({**flask.request.args, "lang": "en" if lang == "zh" else "zh"}),
            version=__version__,
            appkeys=context.appkeys,
            operations=[(operation, operation.title.to(lang)) for operation in OPERATIONS.values()],
            **values,
        )
    )
    response = Response(html, status, mimetype="text/html", headers=_HEADERS)
    if "lang" in request.query:
        response.set_cookie(_COOKIE, lang, max_age=365 * 86_400, samesite="Strict", httponly=True)
    return response


def asset(context: AdminContext, request: AdminRequest) -> Response:
    """Return a script, style sheet or icon of the pages. Browsers cache a file under its version permanently."""
    name, (version, files) = request.path["name"], _assets()
    if name not in files:
        raise admin_error("unknown_resource.console", name=name)
    response = Response(files[name], mimetype=_MEDIA_TYPES[Path(name).suffix], headers=_HEADERS)
    if request.path["version"] == version:
        response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    return response


@functools.cache
def _assets() -> tuple[str, dict[str, bytes]]:
    """Return the version of the files, which is part of their URLs, and the files."""
    paths = sorted(path for folder in _FOLDERS for path in folder.iterdir() if path.suffix in _MEDIA_TYPES)
    files = {path.name: path.read_bytes() for path in paths}
    return hashlib.sha256(b"".join(files.values())).hexdigest()[:12], files


def server_url(context: AdminContext) -> str:
    """Return the URL of the API as the user's client reaches it, without a trailing slash."""
    return (context.public_url or flask.request.url_root).rstrip("/")


def page_language(context: AdminContext, request: AdminRequest) -> Lang:
    """Return the user's language: from `?lang=`, the cookie, the browser, or the server, in this order."""
    chosen = request.query.get("lang") or flask.request.cookies.get(_COOKIE)
    best = chosen if chosen in ("en", "zh") else flask.request.accept_languages.best_match(["en", "zh"], context.lang)
    return "zh" if best == "zh" else "en"


@functools.cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_PAGES / "console"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["time"] = format_time
    environment.filters["count"] = lambda number: f"{number:,}"
    pages = environment.list_templates(extensions=["html"])
    compiling = threading.Timer(_IDLE_SECONDS, lambda: [environment.get_template(page) for page in pages])
    compiling.daemon = True
    compiling.start()
    return environment


def format_time(second: float, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """Return a time in UTC+8; empty outside the calendar."""
    try:
        return datetime.fromtimestamp(second + UTC8_OFFSET, timezone.utc).strftime(form)
    except (OverflowError, ValueError, OSError):
        return ""


def schema_text(schema: Mapping[str, Any], key: str, lang: Lang) -> str:
    """Return the `title` or `description` of a schema in one language; empty if it has none."""
    return str((lang == "zh" and schema.get(f"x-{key}-zh")) or schema.get(key, ""))
