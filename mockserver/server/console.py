"""The console: web pages under `/__admin/console`, in both languages, rendered on the server.

A page shows the state at the time it is loaded and can be read without scripts; scripts add updates and interaction.
Pages read state through the admin handlers, and change it only through the admin API, from the browser.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import flask
from flask import Response

from mockserver.contract.operations import OPERATIONS
from mockserver.contract.readings import READINGS
from mockserver.core.errors import AdminError, ConfigurationError
from mockserver.core.machine_time import monotonic
from mockserver.core.text import Lang, Text
from mockserver.engine.journal import JournalQuery
from mockserver.faults.parsing import Common
from mockserver.faults.registry import rows as fault_rows
from mockserver.reporting.coverage import Coverage
from mockserver.reporting.json_shapes import violation_json
from mockserver.reporting.report import FailCriteria, report_on_journal
from mockserver.reporting.view import ReportView
from mockserver.server.admin_apps import app_rows
from mockserver.server.admin_behavior import current_readings, get_clock, list_answers, list_faults
from mockserver.server.admin_catalog import ready, samples, signed_query
from mockserver.server.admin_request import AdminContext, AdminRequest, Json, Routes
from mockserver.server.console_pages import TEXTS, asset, page_language, render, schema_text, server_url
from mockserver.validation.pasted_text import as_received, read_request, relevant
from mockserver.validation.query import read_query

_FIRST_CALL = OPERATIONS["query_room_info"]
_SHOWN_VIOLATIONS = 8
_LEVELS = (1, 10, 100, 1_000)  # Minimum number of requests for each shade of the heat map.
STEPS = TEXTS["steps"]
_NO_BODY = Text("no body was given, so none was checked", "未给出包体，因此未检查包体")
_PICKERS = {"BeginTime": "stamp", "EndTime": "stamp", "QueryDate": "day"}
ROUTES, PAGES = Routes(), Routes()
PAGES.add("GET", "console/assets/<version>/<name>", "控制台的资源文件")(asset)


@PAGES.add("GET", "", "转到控制台", query=None)
@PAGES.add("GET", "console/", "转到控制台", query=None)
def to_console(context: AdminContext, request: AdminRequest) -> Response:
    """Redirect to the console with a relative URL, because a reverse proxy may add a prefix."""
    # `/__admin` and `/__admin/` lead to the same page.
    path = flask.request.path
    target = "../console" if path.endswith("/console/") else "console" if path.endswith("/") else "__admin/console"
    return redirect(target)


def redirect(target: str) -> Response:
    """Return a redirect to a relative URL."""
    return Response(status=302, headers={"Location": target, "Cache-Control": "no-store"})


@PAGES.add("GET", "console", "总览", query=None)
def overview(context: AdminContext, request: AdminRequest) -> Response:
    """Return the page with the state of the server and a first call to copy."""
    lang, engine = page_language(context, request), context.engine
    values = current_readings(context, None)
    changed = [(name, values[name]) for name, reading in READINGS.items() if values[name] != reading.default]
    last = engine.journal.news(0, 0).last
    recent = engine.journal.select(JournalQuery())
    wrong = [entry for entry in reversed(recent.entries) if entry.violations][:_SHOWN_VIOLATIONS]
    app = next(iter(engine.config.apps.values()))
    return render(
        context,
        request,
        "overview.html",
        scenario=engine.config.scenarios[engine.store.scenario],
        clock=get_clock(context, AdminRequest()),
        readings=changed,
        faults=list_faults(context, AdminRequest())["faults"],
        apps=app_rows(context, lang),
        ready=ready(context, AdminRequest()),
        uptime=int(monotonic() - engine.started),
        requests=len(recent.entries),
        last=last,
        violations=[(entry, entry.violations[0].text.to(lang)) for entry in wrong],
        app=app,
        url=f"{server_url(context)}{_FIRST_CALL.path}",
        query=signed_query(context, app.appkey),
        body=json.dumps(samples(context, AdminRequest(app.appkey))["samples"][_FIRST_CALL.name]),
    )


@PAGES.add("GET", "console/report", "报告", query=None)
def report(context: AdminContext, request: AdminRequest) -> Response:
    """Return the page with the coverage of the contract and the violations so far."""
    lang, engine = page_language(context, request), context.engine
    appkeys = None if request.appkey is None else [request.appkey]
    found = report_on_journal(engine.journal, engine.config, appkeys)
    return render(
        context,
        request,
        "report.html",
        view=ReportView(found, lang, FailCriteria()),
        heat=heat_map(found.coverage),
        groups=found.violations,
        appkey=request.appkey or "",
    )


def heat_map(coverage: Coverage) -> list[tuple[str, list[tuple[int, int] | None]]]:
    """Return a row per outcome: for each operation the requests and the shade, or None if the outcome is impossible."""
    columns = [{cell.name: cell for cell in part.outcomes} for part in coverage.operations]
    names = dict.fromkeys(name for column in columns for name in column)
    return [
        (
            name,
            [
                (column[name].times, sum(column[name].times >= least for least in _LEVELS)) if name in column else None
                for column in columns
            ],
        )
        for name in names
    ]


@PAGES.add("GET", "console/control", "控制", query=None)
def control(context: AdminContext, request: AdminRequest) -> Response:
    """Return the page with scenario, clock, faults, readings and apps, and forms to change them."""
    lang, engine = page_language(context, request), context.engine
    scope = AdminRequest(request.appkey)
    values = current_readings(context, request.appkey)
    return render(
        context,
        request,
        "control.html",
        appkey=request.appkey or "",
        scenario=context.scope(request.appkey).scenario,
        scenarios=list(engine.config.scenarios.values()),
        clock=get_clock(context, scope),
        faults=list_faults(context, scope)["faults"],
        answers=list_answers(context, scope)["answers"],
        kinds=[{**row, "fields": list(_fields(row["schema"], lang))} for row in fault_rows()],
        common=list(_fields(Common.object_schema(), lang)),
        readings=[(reading, values[name], reading.why.to(lang)) for name, reading in READINGS.items()],
        apps=app_rows(context, lang),
        errors=list(engine.config.catalogue),
    )


def _fields(schema: Mapping[str, Any], lang: Lang) -> Iterator[Json]:
    """Yield the fields of a form for the properties of a JSON Schema; `uniform.min_ms` is a field of an object."""
    for name, part in schema["properties"].items():
        if part.get("type") == "object":
            for field in _fields({**part, "required": ()}, lang):
                yield {**field, "name": f"{name}.{field['name']}"}
            continue
        numeric = part.get("type") in ("number", "integer")
        default = part.get("default", "")
        yield {
            "name": name,
            "kind": "choice" if "enum" in part else "number" if numeric else "text",
            "choices": part.get("enum", ()),
            "default": f"{default:.15g}" if isinstance(default, float) else default,
            "required": name in schema.get("required", ()),
            "meaning": schema_text(part, "description", lang),
        }


@PAGES.add("GET", "console/try", "试一试", query=None)
def try_it(context: AdminContext, request: AdminRequest) -> Response:
    """Return the page with a form for each operation, and the signature workbench."""
    lang, engine = page_language(context, request), context.engine
    name = request.query.get("operation", "")
    operation = OPERATIONS.get(name) or OPERATIONS["query_room_info"]
    appkey = request.appkey or context.appkeys[0]
    schema = engine.config.schemas[f"{operation.name}.request.json"].schema
    example = samples(context, AdminRequest(appkey))["samples"][operation.name]
    return render(
        context,
        request,
        "try.html",
        operation=operation,
        fields=list(_form_fields(schema, example, lang)),
        appkey=appkey,
    )


def _form_fields(schema: Mapping[str, Any], example: Json, lang: Lang) -> Iterable[Json]:
    for name, part in schema["properties"].items():
        integer = part.get("type") == "integer"
        choices = part.get("enum", ())
        if integer and not choices and "maximum" in part:
            choices = range(part.get("minimum", 0), part["maximum"] + 1)
        yield {
            "name": name,
            "title": schema_text(part, "title", lang) or name,
            "meaning": schema_text(part, "description", lang),
            "required": name in schema["required"],
            "kind": "choice" if choices else _PICKERS.get(name, "text"),
            "integer": integer,
            "choices": choices,
            "example": str(example.get(name, "")),
        }


@ROUTES.add("POST", "explain", '逐步检查粘贴的请求的签名：{"text"}；不留任何记录')
def explain(context: AdminContext, request: AdminRequest) -> Json:
    """Check a pasted request (`{"text"}`: URL, curl command, raw HTTP or journal entry) step by step; not recorded."""
    text = request.fields(text=(str,)).get("text", "")
    context.scope(request.appkey)
    try:
        pasted = read_request(text)
    except ConfigurationError as error:
        raise AdminError(422, "no_request", error.problems[0].text) from None
    received = as_received(pasted)
    found = relevant(pasted, context.engine.examine(received), _NO_BODY)
    values = read_query(received.query).values
    app = context.engine.app(values.get("appkey", ""))
    readings = current_readings(context, app.appkey if app else None)
    formula = ["appsecret", "curtime"] if readings["signing"] == "v1" else ["appsecret", "restapikey", "curtime"]
    credentials = app.credentials if app else None
    parts = [
        {
            "name": name,
            "length": len(values.get("curtime", "") if name == "curtime" else getattr(credentials, name, "")),
            "text": values.get("curtime", "")[:40] if name == "curtime" else None,
        }
        for name in formula
    ]
    rows = [*map(violation_json, found), *(pasted.checksum_rows or [])]
    return {
        "steps": [
            {
                "title": step["title"]._asdict(),
                "about": step["about"]._asdict(),
                "violations": [row for row in rows if row["name"] in step["violations"]],
            }
            for step in STEPS
        ],
        "parts": parts,
        "violations": rows,
        "notes": [note._asdict() for note in pasted.notes],
        "good": not any(not row["tolerated"] for row in rows),
    }
