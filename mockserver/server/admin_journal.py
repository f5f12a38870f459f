"""Admin resources about received requests: `requests`, `coverage` and `report`."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterable
from concurrent.futures import Future, InvalidStateError

import flask

from mockserver.contract.envelope import encode_json
from mockserver.core.errors import AdminError
from mockserver.core.text import Lang, Text
from mockserver.engine.journal import MAX_WAITERS, Journal, JournalQuery, Selection, TooManyWaiters
from mockserver.engine.journal_entry import JournalEntry
from mockserver.reporting import verification
from mockserver.reporting.json_shapes import coverage_json, entry_json, report_json, verification_json
from mockserver.reporting.lints import LINTS, with_lints
from mockserver.reporting.queries import check_names, invalid_parameter, parse_requests_query
from mockserver.reporting.render import FORMATS, render_in_format
from mockserver.reporting.report import FailCriteria, Report, parse_tests, report_on_journal
from mockserver.reporting.view import ReportView
from mockserver.server.admin_request import AdminContext, AdminRequest, Json, Routes

ROUTES = Routes()
_MAX_READABLE = 100  # Longer lists of requests are written as compact JSON.


@ROUTES.add(
    "GET",
    "requests",
    "请求日志；可按 operation、accepted、error、violation、since、kind、limit 过滤；wait_for=N&timeout=S 等待",
    query=None,
)
def list_requests(context: AdminContext, request: AdminRequest) -> Json | bytes:
    """The journal; filters operation, accepted, error, violation, since, kind, limit; wait_for=N&timeout=S waits."""
    _check_appkey(context, request.appkey)
    journal, catalogue = context.engine.journal, context.engine.config.catalogue
    query, limit, least, timeout = parse_requests_query(request.appkey, request.query, catalogue)
    if query.violation in LINTS:
        if least is not None:
            raise invalid_parameter(
                "wait_for",
                "this violation concerns several requests and cannot be waited for",
                "该违规涉及多个请求，不能等待",
            )
        selection = _select_with_lints(context, query)
    elif least is None:
        return _listing(context, *journal.scan(query, limit))
    else:
        try:
            if request.can_suspend and timeout > 0 and _suspend(journal, request, least, query, timeout):
                return {}
            if request.can_suspend or request.waited:
                return _listing(context, *journal.scan(query, limit))
            selection = journal.wait_for(least, query, timeout)
        except TooManyWaiters:
            text = Text(
                f"{MAX_WAITERS} callers are already waiting; retry without wait_for",
                f"已有 {MAX_WAITERS} 个调用在等待；请不带 wait_for 重试",
            )
            raise AdminError(429, "too_many_waiting", text) from None
    first = 0 if limit is None else max(len(selection.entries) - limit, 0)
    return _listing(context, selection.entries[first:], selection.evicted)


@ROUTES.add("GET", "requests/count", "统计请求数；过滤条件同上", query=None)
def count_requests(context: AdminContext, request: AdminRequest) -> Json:
    """Count requests, with the same filters.

    `evicted` counts evicted requests that may have matched.
    """
    _check_appkey(context, request.appkey)
    query, *_ = parse_requests_query(request.appkey, request.query, context.engine.config.catalogue, paging=False)
    if query.violation in LINTS:
        selection = _select_with_lints(context, query)
        return {"count": len(selection.entries), "evicted": selection.evicted}
    count, evicted = context.engine.journal.count(query)
    return {"count": count, "evicted": evicted}


@ROUTES.add("GET", "requests/<id>", "查看一条请求")
def get_request(context: AdminContext, request: AdminRequest) -> Json:
    """Show one request."""
    _check_appkey(context, request.appkey)
    entry_id = request.path["id"]
    entry = context.engine.journal.get(entry_id)
    if entry is None or request.appkey not in (None, entry.appkey):
        text = Text(f"there is no request {entry_id!r}, or it has been evicted", f"没有请求 {entry_id!r}，或已被淘汰")
        raise AdminError(404, "unknown_request", text)
    return entry_json(entry, context.lang)


@ROUTES.add("POST", "requests/find", "按过滤条件与 `when` 查找请求")
def find_requests(context: AdminContext, request: AdminRequest) -> Json | bytes:
    """Find requests by filters and a `when`."""
    expectation = _parse_expectation(context, request)
    return _listing(context, *verification.find(_candidates(context, expectation), expectation))


@ROUTES.add(
    "POST",
    "requests/verify",
    '校验请求次数：{"operation", "when", "count" | "at_least" | "at_most"}；不符时列出相近的请求',
)
def verify_requests(context: AdminContext, request: AdminRequest) -> Json:
    """Check the number of requests: {"operation", "when", "count" | "at_least" | "at_most"}; lists similar
    requests on failure."""
    expectation = _parse_expectation(context, request)
    result = verification.verify(_candidates(context, expectation), expectation)
    return verification_json(result, context.lang)


@ROUTES.add("DELETE", "requests", "清空请求日志")
def clear_requests(context: AdminContext, request: AdminRequest) -> Json:
    """Clear the journal."""
    _check_appkey(context, request.appkey)
    return {"removed": context.engine.journal.clear(request.appkey)}


@ROUTES.add("GET", "coverage", "契约覆盖率")
def get_coverage(context: AdminContext, request: AdminRequest) -> Json:
    """Contract coverage."""
    report = _report(context, request)
    return {**coverage_json(report.coverage), "evicted": report.evicted}


@ROUTES.add(
    "GET",
    "report",
    "覆盖率、违规与错误处理；`?form=html` 为网页，另有 text、markdown、junit；`?lang=zh`",
    query=("form", "lang"),
)
def get_report(context: AdminContext, request: AdminRequest) -> Json | flask.Response:
    """Coverage, violations and error handling; `?form=html` or text, markdown, junit; `?lang=zh`."""
    form, lang = request.query.get("form", "json"), request.query.get("lang", context.lang)
    if form not in FORMATS or lang not in ("en", "zh"):
        names = ", ".join(FORMATS)
        raise invalid_parameter("form, lang", f"must be one of {names}; en or zh", f"可选 {names}；en 或 zh")
    chosen: Lang = "zh" if lang == "zh" else "en"
    report = _report(context, request)
    if form == "json":
        return report_json(report, chosen)
    rendered = FORMATS[form](ReportView(report, chosen, FailCriteria()))
    media_type = {"html": "text/html", "junit": "application/xml"}.get(form, "text/plain")
    # The page itself has a content security policy that allows only its style.
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
    return flask.Response(rendered, mimetype=media_type, headers=headers)


@ROUTES.add("POST", "report", '按格式输出报告：{"form": "text" | "json" | "junit" | "html"}，并给出不通过的原因')
def render_report(context: AdminContext, request: AdminRequest) -> Json:
    """The report in one format: {"form": "text" | "json" | "junit" | "html"}, with the reasons to fail a run.

    Further keys: `appkeys`; `after`, the id of a request before those that count; `fail_on_violations`, `min_coverage`;
    `option`, which the report suggests where violations do not fail the run; `tests`, by appkey
    `{"test": "tests/test_a.py::test_b", "expects": ["unknown_field"]}`.
    """
    fields = request.fields(
        appkeys=(list,),
        form=(str,),
        fail_on_violations=(bool,),
        min_coverage=(int, float),
        after=(str,),
        tests=(dict,),
        option=(str,),
    )
    _check_appkey(context, request.appkey)
    if request.appkey is not None and "appkeys" in fields:
        raise invalid_parameter("appkeys", "give it, or appkey, not both", "不能与 appkey 同时使用")
    appkeys = fields.get("appkeys") if request.appkey is None else [request.appkey]
    if not all(isinstance(each, str) for each in appkeys or ()):
        raise invalid_parameter("appkeys", "must be a list of strings", "应为字符串列表")
    form, after = fields.get("form", "text"), fields.get("after", "")
    if form not in FORMATS:
        names = ", ".join(FORMATS)
        raise invalid_parameter("form", f"must be one of {names}", f"可选 {names}")
    if after and not after.isdecimal():
        raise invalid_parameter("after", "must be the id of a request", "应为请求编号")
    criteria = FailCriteria(**{name: fields[name] for name in FailCriteria._fields if name in fields})
    if criteria.min_coverage is not None and not 0 <= criteria.min_coverage <= 100:
        raise invalid_parameter("min_coverage", "must be a percentage from 0 to 100", "应为 0 至 100 的百分数")
    tests, engine = parse_tests(fields.get("tests", {})), context.engine
    report = report_on_journal(engine.journal, engine.config, appkeys, after=after, tests=tests)
    return render_in_format(report, form, criteria, context.lang)


def _report(context: AdminContext, request: AdminRequest) -> Report:
    _check_appkey(context, request.appkey)
    appkeys = None if request.appkey is None else [request.appkey]
    return report_on_journal(context.engine.journal, context.engine.config, appkeys)


def _suspend(journal: Journal, request: AdminRequest, least: int, query: JournalQuery, seconds: float) -> bool:
    """Suspend the request until there are `least` entries. Return whether it has to wait."""
    future: Future[None] = Future()

    def done() -> None:
        # InvalidStateError: the client has disconnected, or the journal is closed after the last entry.
        with contextlib.suppress(InvalidStateError):
            future.set_result(None)

    cancel = journal.notify(least, query, done)
    if cancel is not None:
        request.suspend(future, seconds, cancel)
    return cancel is not None


def _check_appkey(context: AdminContext, appkey: str | None) -> None:
    """Raise AdminError 404 for an app that neither exists nor has entries: an empty result would be misleading.

    The empty appkey stands for requests without a registered app.
    """
    engine = context.engine
    if appkey and engine.app(appkey) is None and not any(engine.journal.count(JournalQuery(appkey=appkey))):
        raise context.unknown_app(appkey)


def _parse_expectation(context: AdminContext, request: AdminRequest) -> verification.VerificationRequest:
    body = request.body
    if request.appkey is not None:
        if body.get("appkey") not in (None, request.appkey):
            raise invalid_parameter(
                "appkey", "give it in the URL or in the body, not both", "在 URL 与请求体中只能给出一处"
            )
        body = {**body, "appkey": request.appkey}
    expectation = verification.parse_verification(body)
    query = expectation.query
    check_names(context.engine.config.catalogue, error=query.error, violation=query.violation)
    _check_appkey(context, query.appkey)
    return expectation


def _candidates(context: AdminContext, expectation: verification.VerificationRequest) -> Selection:
    """Return the entries in which to search for matches and near misses."""
    if expectation.query.violation in LINTS:
        return _all_with_lints(context, expectation.query.appkey)
    return context.engine.journal.select(expectation.range)


def _select_with_lints(context: AdminContext, query: JournalQuery) -> Selection:
    selection = _all_with_lints(context, query.appkey)
    return Selection([entry for entry in selection.entries if query.matches(entry)], selection.evicted)


def _all_with_lints(context: AdminContext, appkey: str | None) -> Selection:
    """Return all entries, including violations that only a comparison of requests reveals."""
    selection = context.engine.journal.select(JournalQuery(appkey=appkey))
    return Selection(with_lints(selection.entries, context.engine.config.rules), selection.evicted)


def _listing(context: AdminContext, entries: Iterable[JournalEntry], evicted: int) -> Json | bytes:
    """Return a list of requests, easy to read if it is short; a long one as bytes, made an entry at a time."""
    rows = (entry_json(entry, context.lang) for entry in entries)
    first = list(itertools.islice(rows, _MAX_READABLE + 1))
    if len(first) <= _MAX_READABLE:
        return {"requests": first, "evicted": evicted}
    encoded = b",".join(map(_encode_row, itertools.chain(first, rows)))
    return b'{"requests":[%b],"evicted":%d}\n' % (encoded, evicted)


def _encode_row(row: Json) -> bytes:
    try:
        return encode_json(row)
    except TypeError:
        # A lone surrogate has no UTF-8 encoding; backslashreplace writes it as its JSON escape.
        return json.dumps(row, ensure_ascii=False).encode(errors="backslashreplace")
