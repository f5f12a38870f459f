"""Read-only admin resources: the server's status, its catalogues, the OpenAPI document, and the docs page.

The page uses the Swagger UI files of the package `flask-swagger-ui` (extra `docs`). It contains no secret and no inline
script; it gets signed query strings from `sign`, which the guard protects like every admin route.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import flask
from flask import Response

from mockserver import __version__
from mockserver.contract import checksum
from mockserver.contract.operations import OPERATIONS
from mockserver.core.errors import Problem
from mockserver.core.machine_time import monotonic
from mockserver.core.messages import missing_extra
from mockserver.core.settings import SETTINGS
from mockserver.engine.config import Config
from mockserver.engine.metrics import Sample, prometheus_text
from mockserver.engine.metrics import samples as metric_samples
from mockserver.engine.state import StoreUnavailable
from mockserver.faults.parsing import fault_schema
from mockserver.faults.registry import rows as fault_rows
from mockserver.reporting.json_shapes import pick
from mockserver.scenarios.samples import sample_bodies
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


@ROUTES.add("GET", "health", "进程状态、版本与运行时间；不带令牌时仅返回状态", probe="status")
def health(context: AdminContext, request: AdminRequest) -> Json:
    """Status, version and uptime of the process; without the token the status alone."""
    uptime = round(monotonic() - context.engine.started, 3)
    return {"status": "ok", "version": __version__, "uptime_seconds": uptime}


@ROUTES.add("GET", "ready", "200；文件有误时为 503 并列出问题；不带令牌时仅返回状态", probe="ready")
def ready(context: AdminContext, request: AdminRequest) -> Json:
    """200, or 503 with the problems in the files; without the token the status alone."""
    found = [*context.engine.problems]
    if text := context.engine.store.problem:
        found.append(Problem("--store", text))
    problems = [pick(each, "place", "line", "column", "text", lang=context.lang) for each in found]
    warnings = [text.to(context.lang) for text in context.warnings]
    return {"ready": not problems, "problems": problems, "warnings": warnings}


@ROUTES.add("GET", "metrics", "Prometheus 指标")
def metrics(context: AdminContext, request: AdminRequest) -> Response:
    """Metrics for Prometheus."""
    engine = context.engine
    try:
        entries, size = engine.journal.totals()
        found: list[Sample] = [
            *metric_samples(engine.metrics.numbers()),
            ("journal_entries", {}, entries),
            ("journal_bytes", {}, size),
            ("journal_evictions_total", {}, engine.journal.evictions),
            ("store_up", {}, 1),
        ]
    except StoreUnavailable:
        found = [("store_up", {}, 0)]
    found += [
        ("apps", {"made": "false"}, len(engine.config.apps)),
        ("apps", {"made": "true"}, len(engine.store.apps)),
        ("info", {"version": __version__, "store": engine.store.kind}, 1),
    ]
    return Response(prometheus_text(found), headers=NO_STORE, content_type="text/plain; version=0.0.4; charset=utf-8")


def _rows(context: AdminContext, registry: Mapping[str, object], *names: str, **renamed: str) -> list[Json]:
    return [pick(each, *names, lang=context.lang, **renamed) for each in registry.values()]


@ROUTES.add("GET", "operations", "列出六个接口")
def operations(context: AdminContext, request: AdminRequest) -> Json:
    """List the six operations."""
    return {"operations": _rows(context, OPERATIONS, "name", "section", "path", "title")}


@ROUTES.add("GET", "scenarios", "列出场景")
def scenarios(context: AdminContext, request: AdminRequest) -> Json:
    """List the scenarios."""
    return {"scenarios": _rows(context, context.engine.config.scenarios, "name", "extends", "title", "description")}


@ROUTES.add("GET", "scenario-schema", "场景文件的 JSON Schema，含全部故障种类，供编辑器使用")
def scenario_schema(context: AdminContext, request: AdminRequest) -> Json:
    """JSON Schema of scenario files, fault kinds included, for editors."""
    return full_scenario_schema(context.engine.config)


def full_scenario_schema(config: Config) -> Json:
    """Return `schemas/scenario.json` completed with the fault kinds."""
    schema = dict(config.schemas["scenario.json"].schema)
    on, when = {"$ref": "#/$defs/on"}, {"$ref": "#/$defs/when"}
    schema["$defs"] = {**schema["$defs"], "fault": fault_schema(on, when)}
    return schema


@ROUTES.add("GET", "errors", "列出错误码表")
def errors(context: AdminContext, request: AdminRequest) -> Json:
    """List the error catalogue."""
    return {"errors": _rows(context, context.engine.config.catalogue, "name", "code", "source", "text")}


@ROUTES.add("GET", "settings", "列出设置")
def settings(context: AdminContext, request: AdminRequest) -> Json:
    """List the settings.

    Values are not included, because some are secret.
    """
    return {"settings": _rows(context, SETTINGS, "name", "option", environment="variable", meaning="text")}


@ROUTES.add("GET", "fault-kinds", "列出故障种类及其字段")
def fault_kinds(context: AdminContext, request: AdminRequest) -> Json:
    """List the fault kinds with their fields."""
    return {"faults": fault_rows()}


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


@ROUTES.add("GET", "samples", "各接口的样例包体：文档的样例，或场景中存在的房间、用户与时间")
def samples(context: AdminContext, request: AdminRequest) -> Json:
    """A sample body of each operation: the document's, or one with a room, a user and times of the scenario."""
    appkey = request.appkey or context.appkeys[0]
    state, config = context.state(appkey), context.engine.config
    world = config.scenarios[state.scenario].world
    return {"samples": sample_bodies(config.schemas, world, appkey, state.clock.second())}


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
        raise admin_error("docs_not_installed", missing=missing_extra("docs"))
    return Path(package.origin).parent / "dist"


def _file(path: Path) -> Response:
    return Response(path.read_bytes(), mimetype=_MEDIA_TYPES[path.suffix], headers=PAGE_HEADERS)
