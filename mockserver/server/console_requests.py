"""The console's request pages: the live list, and one exchange in full, optionally compared with another.

Also the feed that the list and `mockserver requests --follow` read: summaries of the requests after a position. Our own
transport streams them (server-sent events): it polls four times a second, so that streams do not slow down requests.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import flask
from flask import Response

from mockserver.contract.operations import OPERATIONS
from mockserver.core.text import Lang
from mockserver.engine.config import Config
from mockserver.engine.journal import Journal
from mockserver.engine.journal_entry import JournalEntry, redact_fields
from mockserver.reporting.json_shapes import entry_json
from mockserver.reporting.queries import invalid_parameter
from mockserver.server import wsgi
from mockserver.server.admin_request import NO_STORE, AdminContext, AdminRequest, Json, Routes
from mockserver.server.console_pages import TEXTS, page_language, render, schema_text

ROUTES, PAGES = Routes(), Routes()
MAX_FEED = 10_000  # Maximum number of requests in one answer.
MAX_EVENT = 25  # Maximum number of requests in one event; the others are counted.
_SILENT_EVENTS = 60  # After this many polls without new requests, a comment detects a disconnected client.
_LATEST = 50  # Maximum number of requests in the table for browsers without scripts.


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
    return render(context, request, "requests.html", chosen={**query, "appkey": request.appkey or ""}, latest=latest)


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


def _field(name: str, schema: Mapping[str, Any], lang: Lang, value: str = "") -> Json:
    comment = str(schema.get("$comment", ""))
    section = comment.partition(";")[0] if comment.startswith("§") else ""
    return {"name": name, "value": value, "section": section, "meaning": schema_text(schema, "description", lang)}


def _request_fields(entry: Json, config: Config, lang: Lang) -> Iterator[Json]:
    known: Mapping[str, Any] = _schema(config, entry["operation"], "request").get("properties", {})
    sent = entry["request"]["json"]
    for name in (*sent, *(name for name in known if name not in sent)):
        value = json.dumps(sent[name], ensure_ascii=False) if name in sent else ""
        yield _field(name, known.get(name, {}), lang, value)


def _answer_fields(entry: Json, config: Config, lang: Lang) -> Iterator[Json]:
    """Yield the documented fields of the answer below its envelope."""

    def walk(schema: Mapping[str, Any], path: str) -> Iterator[Json]:
        for name, part in schema.get("properties", {}).items():
            if "$ref" in part:
                continue
            items = part.get("items")
            yield _field(path + name + ("[]" if items else ""), part, lang)
            if items:
                yield from walk(items, f"{path}{name}[].")

    if entry["accepted"]:
        yield from walk(_schema(config, entry["operation"], "response"), "")


def _differences(entry: Json, other: Json, lang: Lang) -> Iterator[Json]:
    """Yield the differences between two exchanges, in the order of the first; an empty text for a value that is absent."""
    left, right = dict(_flat(entry)), dict(_flat(other))
    for key in dict.fromkeys((*left, *right)):
        if left.get(key) != right.get(key):
            title, name = TEXTS["differences"][key[0]].to(lang), key[1]
            yield {"title": title, "name": name, "left": left.get(key, ""), "right": right.get(key, "")}


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


@ROUTES.add("GET", "requests/feed", "某位置之后到达的请求摘要，至多 `limit` 条", query=("after", "limit"))
def feed(context: AdminContext, request: AdminRequest) -> Json:
    """Summaries of at most `limit` requests after the position `after`, and the position to continue from.

    `skipped` is the number of omitted requests; `cleared` changes when the journal is cleared or the server restarts.
    """
    after, limit = number(request, "after", 0), min(number(request, "limit", 1_000), MAX_FEED)
    answer = _news(context.engine.journal, after, limit)
    if request.appkey is not None:
        context.state(request.appkey)
        answer["requests"] = [row for row in answer["requests"] if row["appkey"] == request.appkey]
    return answer


@PAGES.add("GET", "console/stream", "请求摘要的实时事件流", query=("after",))
def stream(context: AdminContext, request: AdminRequest) -> Response:
    """Return the feed as server-sent events, or 204, which ends an EventSource, on a server without streams."""
    environ = flask.request.environ
    if wsgi.TRANSPORT not in environ or flask.request.method != "GET":
        return Response(status=204, headers=NO_STORE)
    resumed = flask.request.headers.get("Last-Event-ID", "")
    after = int(resumed) if resumed.isdecimal() else number(request, "after", 0)
    environ[wsgi.STREAM] = _events(context.engine.journal, after)
    return Response(headers=NO_STORE, mimetype="text/event-stream")


def _events(journal: Journal, after: int) -> Callable[[], bytes]:
    """Return a function that returns the next event, or b"" while there is no new request.

    The first event comes at once: a browser that connects again learns from `cleared` whether the server restarted.
    """
    position, cleared, silent = after, -1, 0

    def next_event() -> bytes:
        nonlocal position, cleared, silent
        news = _news(journal, position, MAX_EVENT)
        silent += 1
        if not (news["requests"] or news["skipped"]) and news["cleared"] == cleared:
            if silent < _SILENT_EVENTS:
                return b""
            silent = 0
            return b":\n\n"
        position, cleared, silent = news["last"], news["cleared"], 0
        return f"id: {position}\ndata: {json.dumps(news)}\n\n".encode()

    return next_event


def _news(journal: Journal, after: int, limit: int) -> Json:
    news = journal.news(after, limit)
    rows = [_summary(number, entry) for number, entry in zip(news.numbers, news.entries, strict=True)]
    return {"requests": rows, "last": news.last, "skipped": news.skipped, "cleared": news.cleared}


def _summary(number: int, entry: JournalEntry) -> Json:
    """Return the values of a row in the list."""
    return {
        "number": number,
        "id": entry.id,
        "at": entry.at,
        "appkey": entry.appkey,
        "operation": entry.operation,
        "path": "" if entry.operation else f"{entry.method} {entry.path}",
        "fields": redact_fields(entry.fields),
        "error": entry.error,
        "status": entry.status,
        "empty": entry.empty,
        "violations": list(dict.fromkeys(violation.name for violation in entry.violations)),
        "faults": list(entry.faults),
        "ms": round(1_000 * (entry.seconds + entry.delivery), 2),
    }


def number(request: AdminRequest, name: str, default: int) -> int:
    """Return a parameter that is a whole number; raise AdminError for any other."""
    value = request.query.get(name, str(default))
    if not value.isdecimal() or len(value) > 18:
        raise invalid_parameter(name, "must be a number", "应为数字")
    return int(value)
