"""The console's page to try an operation, and the signature workbench, which checks a pasted request step by step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import Response

from mockserver.contract.operations import OPERATIONS
from mockserver.core.errors import AdminError, ConfigurationError
from mockserver.core.text import Lang, Text
from mockserver.reporting.json_shapes import violation_json
from mockserver.server.admin_behavior import current_readings
from mockserver.server.admin_request import AdminContext, AdminRequest, Json, Routes
from mockserver.server.console_pages import TEXTS, page_language, render, schema_text
from mockserver.validation.pasted_text import as_received, read_request, relevant
from mockserver.validation.query import read_query

ROUTES, PAGES = Routes(), Routes()
_NO_BODY = Text("no body was given, so none was checked", "未给出包体，因此未检查包体")
_PICKERS = {"BeginTime": "stamp", "EndTime": "stamp", "QueryDate": "day"}
STEPS = TEXTS["steps"]


@PAGES.add("GET", "console/try", "试一试", query=None)
def try_it(context: AdminContext, request: AdminRequest) -> Response:
    """Return the page with a form for each operation, and the signature workbench."""
    lang, engine = page_language(context, request), context.engine
    name = request.query.get("operation", "")
    operation = OPERATIONS.get(name) or OPERATIONS["query_room_info"]
    schema = engine.config.schemas[f"{operation.name}.request.json"].schema
    return render(
        context,
        request,
        "try.html",
        operations=[(each, each.title.to(lang)) for each in OPERATIONS.values()],
        operation=operation,
        title=operation.title.to(lang),
        fields=list(_form_fields(schema, lang)),
        apps=context.appkeys,
        appkey=request.appkey or context.appkeys[0],
    )


def _form_fields(schema: Mapping[str, Any], lang: Lang) -> Iterable[Json]:
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
            "example": str(schema["examples"][0].get(name, "")),
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
