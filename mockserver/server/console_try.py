"""The console's page to try an operation, and the signature workbench, which checks a pasted request step by step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from flask import Response

from mockserver.contract.operations import OPERATIONS
from mockserver.core.errors import AdminError, ConfigurationError
from mockserver.core.text import Lang, Text
from mockserver.reporting.json_shapes import violation_json
from mockserver.server.admin_behavior import current_readings
from mockserver.server.admin_request import AdminContext, AdminRequest, Json, Routes
from mockserver.server.console_pages import page_language, render
from mockserver.validation.pasted_text import as_received, read_request, relevant
from mockserver.validation.query import read_query

ROUTES, PAGES = Routes(), Routes()
_NO_BODY = Text("no body was given, so none was checked", "未给出包体，因此未检查包体")
_STAMPS = ("BeginTime", "EndTime")


class FormField(NamedTuple):
    """A field of a request in a form."""

    name: str
    title: str
    meaning: str
    required: bool
    kind: str  # `stamp`, `day`, `choice` or `text`.
    integer: bool
    choices: tuple[int, ...]
    example: str


class Step(NamedTuple):
    """A step of the check of a signature, and the violations that belong to it."""

    title: Text
    about: Text
    names: tuple[str, ...]


STEPS = (
    Step(
        Text("Path and method", "路径与方法"),
        Text("POST to one of the six operations", "以 POST 调用六个接口之一"),
        ("unknown_path", "path_variant", "wrong_method"),
    ),
    Step(
        Text("Query parameters", "查询参数"),
        Text(
            "appkey, identifier, curtime, checksum and seq, each once",
            "appkey、identifier、curtime、checksum、seq 各一次",
        ),
        (
            "missing_parameter",
            "repeated_parameter",
            "undecodable_parameter",
            "unknown_parameter",
            "seq_empty",
            "seq_repeated",
        ),
    ),
    Step(
        Text("App", "应用"),
        Text("the appkey is registered here, and the identifier is allowed", "appkey 已在此注册，identifier 允许使用"),
        ("unknown_appkey", "identifier_empty", "identifier_not_allowed"),
    ),
    Step(
        Text("curtime", "curtime"),
        Text("ten digits of Unix seconds", "十位 Unix 秒数"),
        ("curtime_format", "curtime_fraction"),
    ),
    Step(
        Text("Age", "时效"),
        Text("curtime is within the limit of the server's clock", "curtime 与服务器时钟之差在限度之内"),
        ("checksum_expired",),
    ),
    Step(
        Text("Checksum", "校验和"),
        Text("the lower-case hex SHA-1 of the text above", "以上文本的 SHA-1，小写十六进制"),
        ("checksum_mismatch", "checksum_reused"),
    ),
)
"""The steps in the order of the checks. The hashed text is shown before the last one."""


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
        apps=[*engine.config.apps, *list(engine.apps)],
        appkey=request.appkey or next(iter(engine.config.apps)),
    )


def _form_fields(schema: Mapping[str, Any], lang: Lang) -> Iterable[FormField]:
    example = schema["examples"][0]
    for name, part in schema["properties"].items():
        integer = part.get("type") == "integer"
        choices = tuple(part.get("enum", ()))
        if integer and not choices and "maximum" in part:
            choices = tuple(range(part.get("minimum", 0), part["maximum"] + 1))
        kind = "choice" if choices else "stamp" if name in _STAMPS else "day" if name == "QueryDate" else "text"
        title = part.get("x-title-zh") if lang == "zh" else part.get("title")
        meaning = part.get("x-description-zh") if lang == "zh" else part.get("description")
        value = str(example.get(name, ""))
        yield FormField(name, title or name, meaning or "", name in schema["required"], kind, integer, choices, value)


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
        "steps": _steps(rows),
        "parts": parts,
        "violations": rows,
        "notes": [note._asdict() for note in pasted.notes],
        "good": not any(not row["tolerated"] for row in rows),
    }


def _steps(rows: list[Json]) -> list[Json]:
    return [
        {
            "title": step.title._asdict(),
            "about": step.about._asdict(),
            "violations": [row for row in rows if row["name"] in step.names],
        }
        for step in STEPS
    ]
