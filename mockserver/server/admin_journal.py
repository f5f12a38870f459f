"""Admin resources about received requests: `requests`, `coverage` and `report`."""

from __future__ import annotations

from mockserver.core.text import Text
from mockserver.server.admin_request import AdminContext, AdminRequest, Json, Route
from mockserver.server.observing import Observer


def list_requests(context: AdminContext, request: AdminRequest) -> Json:
    """Return the matching journal entries, oldest first; `wait_for=N&timeout=S` waits until there are N of them."""
    return Observer(context.engine).requests(request.appkey, request.query)


def count_requests(context: AdminContext, request: AdminRequest) -> Json:
    """Return the number of matching entries, and how many possibly matching entries have been evicted."""
    return Observer(context.engine).count(request.appkey, request.query)


def get_request(context: AdminContext, request: AdminRequest) -> Json:
    """Return the journal entry with the `id` of the path."""
    return Observer(context.engine).request(request.appkey, request.path["id"])


def find_requests(context: AdminContext, request: AdminRequest) -> Json:
    """Return the entries that match the filters and the `when` of the body."""
    return Observer(context.engine).find(request.appkey, request.body)


def verify_requests(context: AdminContext, request: AdminRequest) -> Json:
    """Return whether the expected number of requests was received, with similar requests when it was not."""
    return Observer(context.engine).verify(request.appkey, request.body)


def clear_requests(context: AdminContext, request: AdminRequest) -> Json:
    """Clear the journal."""
    return Observer(context.engine).clear(request.appkey)


def coverage(context: AdminContext, request: AdminRequest) -> Json:
    """Return which parts of the contract were covered."""
    return Observer(context.engine).coverage(request.appkey)


def get_report(context: AdminContext, request: AdminRequest) -> Json:
    """Return the whole report as data."""
    return Observer(context.engine).report_json(request.appkey)


def render_report(context: AdminContext, request: AdminRequest) -> Json:
    """Return the report in one format, with the complaints that fail a run."""
    fields = request.fields(
        appkeys=(list,),
        form=(str,),
        fail_on_violations=(bool,),
        min_coverage=(int, float),
        after=(str,),
        tests=(dict,),
        option=(str,),
    )
    return Observer(context.engine).rendered(request.appkey, fields)


ROUTES = (
    Route(
        "GET",
        "requests",
        list_requests,
        Text(
            "The journal; filters operation, accepted, error, violation, since, limit; wait_for=N&timeout=S waits",
            "请求日志；可按 operation、accepted、error、violation、since、limit 过滤；wait_for=N&timeout=S 等待",
        ),
        query=None,
    ),
    Route(
        "GET",
        "requests/count",
        count_requests,
        Text("Count requests; the same filters", "统计请求数；过滤条件同上"),
        query=None,
    ),
    Route(
        "POST",
        "requests/find",
        find_requests,
        Text("Find requests by filters and a `when`", "按过滤条件与 `when` 查找请求"),
    ),
    Route(
        "POST",
        "requests/verify",
        verify_requests,
        Text(
            'Check the number of requests: {"operation", "when", "count" | "at_least" | "at_most"};'
            " lists similar requests on failure",
            '校验请求次数：{"operation", "when", "count" | "at_least" | "at_most"}；不符时列出相近的请求',
        ),
    ),
    Route("GET", "requests/<id>", get_request, Text("Show one request", "查看一条请求")),
    Route("DELETE", "requests", clear_requests, Text("Clear the journal", "清空请求日志")),
    Route("GET", "coverage", coverage, Text("Contract coverage", "契约覆盖率")),
    Route(
        "GET",
        "report",
        get_report,
        Text("Coverage, violations and error handling", "覆盖率、违规与错误处理"),
    ),
    Route(
        "POST",
        "report",
        render_report,
        Text(
            'The report in one format: {"form": "text" | "json" | "junit" | "html"}, with the reasons to fail a run',
            '按格式输出报告：{"form": "text" | "json" | "junit" | "html"}，并给出不通过的原因',
        ),
    ),
)
