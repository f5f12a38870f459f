"""Read-only admin resources: server status, and the operations, scenarios, errors, settings and fault kinds."""

from __future__ import annotations

from flask import Response

from mockserver import __version__
from mockserver.contract.operations import OPERATIONS
from mockserver.core.errors import Problem
from mockserver.core.machine_time import monotonic
from mockserver.core.settings import SETTINGS
from mockserver.engine.config import Config
from mockserver.engine.metrics import Sample, prometheus_text, samples
from mockserver.engine.state import StoreUnavailable
from mockserver.faults.parsing import fault_schema
from mockserver.faults.registry import rows as fault_rows
from mockserver.reporting.json_shapes import pick
from mockserver.server.admin_request import NO_STORE, AdminContext, AdminRequest, Json, Routes

ROUTES = Routes()


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
            *samples(engine.metrics.numbers()),
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


@ROUTES.add("GET", "operations", "列出六个接口")
def operations(context: AdminContext, request: AdminRequest) -> Json:
    """List the six operations."""
    return {
        "operations": [
            pick(each, "name", "section", "path", "title", lang=context.lang) for each in OPERATIONS.values()
        ]
    }


@ROUTES.add("GET", "scenarios", "列出场景")
def scenarios(context: AdminContext, request: AdminRequest) -> Json:
    """List the scenarios."""
    scenarios = context.engine.config.scenarios.values()
    return {
        "scenarios": [pick(each, "name", "extends", "title", "description", lang=context.lang) for each in scenarios]
    }


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
    rows = context.engine.config.catalogue.values()
    return {"errors": [pick(row, "name", "code", "source", "text", lang=context.lang) for row in rows]}


@ROUTES.add("GET", "settings", "列出设置")
def settings(context: AdminContext, request: AdminRequest) -> Json:
    """List the settings.

    Values are not included, because some are secret.
    """
    renamed = {"environment": "variable", "meaning": "text"}
    return {"settings": [pick(each, "name", "option", lang=context.lang, **renamed) for each in SETTINGS.values()]}


@ROUTES.add("GET", "fault-kinds", "列出故障种类及其字段")
def fault_kinds(context: AdminContext, request: AdminRequest) -> Json:
    """List the fault kinds with their fields."""
    return {"faults": fault_rows()}
