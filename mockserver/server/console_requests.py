"""The console's request pages: the live list, and one exchange in full, optionally compared with another."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from flask import Response

from mockserver.contract.operations import OPERATIONS
from mockserver.core.text import Lang, Text
from mockserver.engine.config import Config
from mockserver.reporting.json_shapes import entry_json
from mockserver.server.admin_request import AdminContext, AdminRequest, Json, Routes
from mockserver.server.console_pages import page_language, render

PAGES = Routes()
_LATEST = 50  # Maximum number of requests in the table for browsers without scripts.


class FieldRow(NamedTuple):
    """A field of a body, with its description from the schema."""

    name: str
    value: str
    section: str
    meaning: str


class Difference(NamedTuple):
    """A value that differs between two exchanges; an empty text if an exchange does not have it."""

    title: str  # Such as `Outcome`, or `Header` for one of several.
    name: str  # The name of the header, or empty.
    left: str
    right: str


_TITLES = {
    "time": Text("Received", "收到时间"),
    "appkey": Text("App", "应用"),
    "operation": Text("Operation", "接口"),
    "error": Text("Outcome", "结果"),
    "scenario": Text("Scenario", "场景"),
    "by": Text("Answered by", "响应方"),
    "near": Text("Closest rule", "最接近的规则"),
    "method": Text("Method", "方法"),
    "path": Text("Path", "路径"),
    "query": Text("Query", "查询串"),
    "headers": Text("Header", "请求头"),
    "json": Text("Field", "字段"),
    "violations": Text("Violations", "违规"),
    "faults": Text("Faults", "故障"),
    "status": Text("HTTP status", "HTTP 状态"),
    "answer": Text("Answer", "响应"),
    "readings": Text("Reading", "读法"),
}
"""What is compared between two exchanges."""


@PAGES.add("GET", "console/requests", "请求", query=None)
def requests(context: AdminContext, request: AdminRequest) -> Response:
    """Return the live list of requests; without scripts, the latest ones that match app and operation."""
    engine, query = context.engine, request.query
    operation = query.get("operation")
    latest = [
        entry
        for entry in reversed(engine.journal.news(0, _LATEST).entries)
        if request.appkey in (None, "", entry.appkey) and operation in (None, "", entry.operation)
    ]
    return render(
        context,
        request,
        "requests.html",
        apps=[*engine.config.apps, *list(engine.apps)],
        operations=list(OPERATIONS.values()),
        chosen={**query, "appkey": request.appkey or ""},
        latest=latest,
    )


@PAGES.add("GET", "console/requests/<id>", "一次请求与响应", query=None)
def exchange(context: AdminContext, request: AdminRequest) -> Response:
    """Return the page of a request with its answer and diagnosis, and its differences from the request `with`."""
    lang, config = page_language(context, request), context.engine.config
    entry, other = (_shape(context, entry_id, lang) for entry_id in (request.path["id"], request.query.get("with")))
    if entry is None or (other is None and request.query.get("with")):
        absent = request.path["id"] if entry is None else request.query["with"]
        return render(context, request, "gone.html", status=404, id=absent)
    return render(
        context,
        request,
        "exchange.html",
        entry=entry,
        other=other,
        fields=list(_request_fields(entry, config, lang)),
        meanings=list(_answer_fields(entry, config, lang)),
        pretty={"request": _pretty(entry["request"]["body"]), "answer": _pretty(entry["answer"]["body"])},
        differences=[] if other is None else list(_differences(entry, other, lang)),
    )


def _shape(context: AdminContext, entry_id: str | None, lang: Lang) -> Json | None:
    entry = context.engine.journal.get(entry_id) if entry_id else None
    return None if entry is None else entry_json(entry, lang)


def _pretty(body: str | None) -> str | None:
    """Return JSON with indentation, and other text unchanged."""
    try:
        return json.dumps(json.loads(body or ""), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return body


def _schema(config: Config, operation: str, kind: str) -> Mapping[str, Any]:
    return config.schemas[f"{operation}.{kind}.json"].schema if operation in OPERATIONS else {}


def _meaning(schema: Mapping[str, Any], lang: Lang) -> tuple[str, str]:
    """Return the section and the description of a field."""
    comment = str(schema.get("$comment", ""))
    section = comment.partition(";")[0] if comment.startswith("§") else ""
    text = schema.get("x-description-zh") if lang == "zh" else None
    return section, str(text or schema.get("description", ""))


def _request_fields(entry: Json, config: Config, lang: Lang) -> Iterator[FieldRow]:
    known: Mapping[str, Any] = _schema(config, entry["operation"], "request").get("properties", {})
    sent = entry["request"]["json"]
    for name in (*sent, *(name for name in known if name not in sent)):
        value = json.dumps(sent[name], ensure_ascii=False) if name in sent else ""
        yield FieldRow(name, value, *_meaning(known.get(name, {}), lang))


def _answer_fields(entry: Json, config: Config, lang: Lang) -> Iterator[FieldRow]:
    """Yield the documented fields of the answer below its envelope."""

    def walk(schema: Mapping[str, Any], path: str) -> Iterator[FieldRow]:
        for name, part in schema.get("properties", {}).items():
            if "$ref" in part:
                continue
            items = part.get("items")
            yield FieldRow(path + name + ("[]" if items else ""), "", *_meaning(part, lang))
            if items:
                yield from walk(items, f"{path}{name}[].")

    if entry["accepted"]:
        yield from walk(_schema(config, entry["operation"], "response"), "")


def _differences(entry: Json, other: Json, lang: Lang) -> Iterator[Difference]:
    """Yield the differences between two exchanges, in the order of the first."""
    left, right = dict(_flat(entry)), dict(_flat(other))
    for key in dict.fromkeys((*left, *right)):
        if left.get(key) != right.get(key):
            title, name = key
            yield Difference(_TITLES[title].to(lang), name, left.get(key, ""), right.get(key, ""))


def _flat(entry: Json) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield key (what is compared, and the name of one of several) and value of everything that is compared."""
    sent, answer = entry["request"], entry["answer"]
    values = {**entry, **sent, "error": entry["error"] or "OK"}
    for title in ("time", "appkey", "operation", "error", "scenario", "by", "near", "method", "path"):
        yield (title, ""), str(values[title])
    for title in ("query", "headers", "json"):
        for name, value in sent[title].items():
            yield (title, name), value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    yield ("violations", ""), ", ".join(violation["name"] for violation in entry["violations"])
    yield ("faults", ""), ", ".join(entry["faults"])
    yield ("status", ""), str(answer["status"])
    yield ("answer", ""), _pretty(answer["body"]) or ""
    for name, value in entry["readings"].items():
        yield ("readings", name), str(value)
