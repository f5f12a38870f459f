"""Read-only admin resources: server status, and the operations, scenarios, errors, settings and fault kinds."""

from __future__ import annotations

from mockserver import __version__
from mockserver.contract.operations import OPERATIONS
from mockserver.core.machine_time import monotonic
from mockserver.core.settings import SETTINGS
from mockserver.engine.config import Config
from mockserver.faults.parsing import fault_schema
from mockserver.faults.registry import rows as fault_rows
from mockserver.server.admin_request import AdminContext, AdminRequest, Json, Route


def health(context: AdminContext, request: AdminRequest) -> Json:
    """Return the status, version and uptime of the process."""
    uptime = round(monotonic() - context.started, 3)
    return {"status": "ok", "version": __version__, "uptime_seconds": uptime}


def ready(context: AdminContext, request: AdminRequest) -> Json:
    """Return whether the files were valid when they were last read, their problems, and what makes results unreliable."""
    problems = [
        {"place": problem.place, "line": problem.line, "column": problem.column, "text": problem.text.to(context.lang)}
        for problem in context.engine.problems
    ]
    warnings = [text.to(context.lang) for text in context.warnings]
    return {"ready": not problems, "problems": problems, "warnings": warnings}


def operations(context: AdminContext, request: AdminRequest) -> Json:
    """Return the six operations."""
    return {
        "operations": [
            {
                "name": operation.name,
                "section": operation.section,
                "path": operation.path,
                "title": operation.title.to(context.lang),
            }
            for operation in OPERATIONS.values()
        ]
    }


def scenarios(context: AdminContext, request: AdminRequest) -> Json:
    """Return the scenarios that can be selected."""
    return {
        "scenarios": [
            {
                "name": scenario.name,
                "extends": scenario.extends,
                "title": scenario.title.to(context.lang),
                "description": scenario.description.to(context.lang),
            }
            for scenario in context.engine.config.scenarios.values()
        ]
    }


def scenario_schema(context: AdminContext, request: AdminRequest) -> Json:
    """Return the JSON Schema of scenario files, for editors."""
    return full_scenario_schema(context.engine.config)


def full_scenario_schema(config: Config) -> Json:
    """Return `schemas/scenario.json` completed with the fault kinds."""
    schema = dict(config.schemas["scenario.json"].schema)
    on, when = {"$ref": "#/$defs/on"}, {"$ref": "#/$defs/when"}
    schema["$defs"] = {**schema["$defs"], "fault": fault_schema(on, when)}
    return schema


def errors(context: AdminContext, request: AdminRequest) -> Json:
    """Return the error catalogue."""
    return {
        "errors": [
            {"name": row.name, "code": row.code, "source": row.source, "text": row.text.to(context.lang)}
            for row in context.engine.config.catalogue.values()
        ]
    }


def settings(context: AdminContext, request: AdminRequest) -> Json:
    """Return every setting with its option and environment variable, but not its value: some are secret."""
    return {
        "settings": [
            {
                "name": setting.name,
                "option": setting.option,
                "environment": setting.variable,
                "meaning": setting.text.to(context.lang),
            }
            for setting in SETTINGS.values()
        ]
    }


def fault_kinds(context: AdminContext, request: AdminRequest) -> Json:
    """Return the fault kinds with their fields."""
    return {"faults": fault_rows()}


ROUTES = (
    Route(
        "GET",
        "health",
        health,
        "Status, version and uptime of the process; without the token the status alone",
        "进程状态、版本与运行时间；不带令牌时仅返回状态",
        probe="status",
    ),
    Route(
        "GET",
        "ready",
        ready,
        "200, or 503 with the problems in the files; without the token the status alone",
        "200；文件有误时为 503 并列出问题；不带令牌时仅返回状态",
        probe="ready",
    ),
    Route("GET", "operations", operations, "List the six operations", "列出六个接口"),
    Route("GET", "scenarios", scenarios, "List the scenarios", "列出场景"),
    Route(
        "GET",
        "scenario-schema",
        scenario_schema,
        "JSON Schema of scenario files, fault kinds included, for editors",
        "场景文件的 JSON Schema，含全部故障种类，供编辑器使用",
    ),
    Route("GET", "errors", errors, "List the error catalogue", "列出错误码表"),
    Route("GET", "settings", settings, "List the settings", "列出设置"),
    Route("GET", "fault-kinds", fault_kinds, "List the fault kinds with their fields", "列出故障种类及其字段"),
)
