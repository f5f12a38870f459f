"""The console's control page: the settings of all apps or one app, with forms to change them by the admin API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from flask import Response

from mockserver.contract.operations import OPERATIONS
from mockserver.contract.readings import READINGS
from mockserver.core.text import Lang
from mockserver.faults.parsing import Common
from mockserver.faults.registry import rows as fault_rows
from mockserver.server.admin_apps import app_rows
from mockserver.server.admin_behavior import current_readings, get_clock, list_answers, list_faults
from mockserver.server.admin_request import AdminContext, AdminRequest, Json, Routes
from mockserver.server.console_pages import page_language, render

PAGES = Routes()


class FormField(NamedTuple):
    """A field of a fault in a form."""

    name: str  # `uniform.min_ms` is a field of the object `uniform`.
    kind: str  # `choice`, `number` or `text`.
    choices: tuple[str, ...]
    default: str
    required: bool
    meaning: str


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
        appkeys=[*engine.config.apps, *list(engine.apps)],
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


def _fields(schema: Mapping[str, Any], lang: Lang) -> Iterator[FormField]:
    """Yield the fields of a form for the properties of a JSON Schema, and for those of their objects."""
    for name, part in schema["properties"].items():
        if part.get("type") == "object":
            fields = _fields({**part, "required": ()}, lang)
            yield from (field._replace(name=f"{name}.{field.name}") for field in fields)
            continue
        numeric = part.get("type") in ("number", "integer")
        kind = "choice" if "enum" in part else "number" if numeric else "text"
        meaning = part.get("x-description-zh" if lang == "zh" else "description", "")
        choices = tuple(map(str, part.get("enum", ())))
        default = part.get("default", "")
        default = f"{default:.15g}" if isinstance(default, float) else str(default)
        yield FormField(name, kind, choices, default, name in schema.get("required", ()), meaning)
