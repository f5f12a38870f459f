"""The console's control page: the settings of all apps or one app, with forms to change them by the admin API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask import Response

from mockserver.contract.operations import OPERATIONS
from mockserver.contract.readings import READINGS
from mockserver.core.text import Lang
from mockserver.faults.parsing import Common
from mockserver.faults.registry import rows as fault_rows
from mockserver.server.admin_apps import app_rows
from mockserver.server.admin_behavior import current_readings, get_clock, list_answers, list_faults
from mockserver.server.admin_request import AdminContext, AdminRequest, Json, Routes
from mockserver.server.console_pages import page_language, render, schema_text

PAGES = Routes()


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
        appkeys=context.appkeys,
        scenario=context.scope(request.appkey).scenario,
        scenarios=[
            {"name": each.name, "title": each.title.to(lang), "text": each.description.to(lang)}
            for each in engine.config.scenarios.values()
        ],
        clock=get_clock(context, scope),
        faults=list_faults(context, scope)["faults"],
        answers=list_answers(context, scope)["answers"],
        kinds=list(_kinds(lang)),
        common=list(_fields(Common.object_schema(), lang)),
        readings=[(reading, values[name], reading.why.to(lang)) for name, reading in READINGS.items()],
        apps=app_rows(context, lang),
        operations=list(OPERATIONS),
        errors=list(engine.config.catalogue),
    )


def _kinds(lang: Lang) -> Iterator[Json]:
    for row in fault_rows():
        yield {
            "name": row["fault"],
            "family": row["family_text"][lang],
            "text": row["text"][lang],
            "fields": list(_fields(row["schema"], lang)),
        }


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
