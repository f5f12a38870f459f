"""Summaries of new requests in the journal: for the console, and for `mockserver requests --follow`.

A reader passes the position up to which it has read. Our own transport also streams new requests (server-sent events):
it polls four times a second, so that streams do not slow down requests.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import flask
from flask import Response

from mockserver.engine.journal import Journal
from mockserver.engine.journal_entry import JournalEntry
from mockserver.engine.masking import redact_fields
from mockserver.reporting.queries import invalid_parameter
from mockserver.server import wsgi
from mockserver.server.admin_request import AdminContext, AdminRequest, Json, Routes

ROUTES, PAGES = Routes(), Routes()
MAX_FEED = 10_000  # Maximum number of requests in one answer.
MAX_EVENT = 25  # Maximum number of requests in one event; the others are counted.
_SILENT_EVENTS = 60  # After this many polls without new requests, a comment detects a disconnected client.
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@ROUTES.add("GET", "requests/feed", "某位置之后到达的请求摘要，至多 `limit` 条", query=("after", "limit"))
def feed(context: AdminContext, request: AdminRequest) -> Json:
    """Summaries of at most `limit` requests after the position `after`, and the position to continue from.

    `skipped` is the number of omitted requests; `cleared` changes when the journal is cleared or the server restarts.
    """
    after, limit = _number(request, "after", 0), min(_number(request, "limit", 1_000), MAX_FEED)
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
        return Response(status=204, headers=_HEADERS)
    resumed = flask.request.headers.get("Last-Event-ID", "")
    after = int(resumed) if resumed.isdecimal() else _number(request, "after", 0)
    environ[wsgi.STREAM] = _events(context.engine.journal, after)
    return Response(headers=_HEADERS, mimetype="text/event-stream")


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


def _number(request: AdminRequest, name: str, default: int) -> int:
    value = request.query.get(name, str(default))
    if not value.isdecimal() or len(value) > 18:
        raise invalid_parameter(name, "must be a number", "应为数字")
    return int(value)
