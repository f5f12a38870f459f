"""The admin API under `/__admin`: one table of routes over `Control`, JSON in and out, real status codes.

This is our API, not the customer's. Every route, and every path below the prefix that is none, passes the guard.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Request, Response, request
from werkzeug.exceptions import HTTPException

from mockserver.core.errors import ControlError
from mockserver.core.suggestions import unknown
from mockserver.core.text import Lang, Text
from mockserver.server import docs
from mockserver.server.admin_request import Asked, arguments
from mockserver.server.api import OVERLONG
from mockserver.server.control import Control, Json
from mockserver.server.guard import CHALLENGES, Guard

log = logging.getLogger("mockserver")

PREFIX = "/__admin"
MAX_BYTES = 1_048_576
Handler = Callable[[Control, "Asked"], "Json | Response"]


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the admin API."""

    method: str
    path: str
    handler: Handler
    text: Text
    status: int = 200
    query: tuple[str, ...] | None = ()
    """Words of the query beside appkey; None: the handler looks after them."""


ROUTES: tuple[Route, ...] = (
    Route("GET", "health", lambda c, _: c.listing.health(), Text("is the process alive", "进程是否存活")),
    Route("GET", "ready", lambda c, _: c.listing.ready(), Text("200, or 503 with what is wrong in the files", "200，或 503 并说明文件错误")),
    Route("GET", "operations", lambda c, _: c.listing.operations(), Text("the six operations", "六个接口")),
    Route("GET", "scenarios", lambda c, _: c.listing.scenarios(), Text("the scenarios", "全部场景")),
    Route("GET", "scenario-schema", lambda c, _: c.listing.scenario_schema(), Text(
        "JSON Schema of scenario files, fault kinds included, for editors", "场景文件的 JSON Schema，含全部故障种类，供编辑器使用")),
    Route("GET", "errors", lambda c, _: c.listing.errors(), Text("the error catalogue", "错误码表")),
    Route("GET", "readings", lambda c, a: c.readings(a.appkey), Text("the readings in force", "当前读法")),
    Route("PUT", "readings", lambda c, a: c.set_readings(a.appkey, a.body), Text(
        'choose some: {"window": "enter"}; {} forgets them', '指定：{"window": "enter"}；{} 清除')),
    Route("GET", "settings", lambda c, _: c.listing.settings(), Text("the settings", "全部设置")),
    Route("GET", "scenario", lambda c, a: c.scenario(a.appkey), Text("the scenario that answers", "当前场景")),
    Route("PUT", "scenario", lambda c, a: c.use(a.appkey, **_all(a, name=(str,))), Text('change it: {"name"}', '切换：{"name"}')),
    Route("GET", "fault-kinds", lambda c, _: c.listing.fault_kinds(), Text("the kinds of faults and their fields", "故障种类及其字段")),
    Route("GET", "faults", lambda c, a: c.faults(a.appkey), Text("the faults at work", "当前故障")),
    Route("POST", "faults", lambda c, a: c.add_fault(a.appkey, a.body), Text('put one to work: {"fault": KIND, "on", …}', '启用：{"fault": 种类, "on", …}'), 201),
    Route("DELETE", "faults", lambda c, a: c.clear_faults(a.appkey), Text("end them all, let go what is held back", "全部结束，并放行被拖住的应答")),
    Route("DELETE", "faults/<id>", lambda c, a: c.remove_fault(a.appkey, a.path["id"]), Text("end one", "结束一个")),
    Route("GET", "answers", lambda c, a: c.answers(a.appkey), Text("answers given beside the scenario's", "场景之外的应答")),
    Route("POST", "answers", lambda c, a: c.add_answer(a.appkey, a.body), Text(
        "answer some requests otherwise: an entry of a scenario's `answers`", "改变部分应答：同场景 `answers` 的一项"), 201),
    Route("DELETE", "answers", lambda c, a: c.remove_answers(a.appkey, None), Text("take them all back", "全部撤回")),
    Route("DELETE", "answers/<id>", lambda c, a: c.remove_answers(a.appkey, a.path["id"]), Text("take one back", "撤回一项")),
    Route("GET", "clock", lambda c, a: c.clock(a.appkey), Text("what the clock shows", "时钟")),
    Route("PUT", "clock", lambda c, a: c.set_clock(a.appkey, **arguments(
        a.body, now=(str, int, float), offset_seconds=(int, float), advance_seconds=(int, float))),
        Text('{"now"} freezes, {"offset_seconds"} shifts, {"advance_seconds"} jumps',
             '{"now"} 冻结，{"offset_seconds"} 偏移，{"advance_seconds"} 前进')),
    Route("DELETE", "clock", lambda c, a: c.reset_clock(a.appkey), Text("let it run again", "恢复时钟")),
    Route("GET", "requests", lambda c, a: c.observer.requests(a.appkey, a.query), Text(
        "the journal; filters operation, accepted, error, violation, since, limit; wait_for=N&timeout=S waits",
        "日志；可按 operation、accepted、error、violation、since、limit 过滤；wait_for=N&timeout=S 等待"), query=None),
    Route("GET", "requests/count", lambda c, a: c.observer.count(a.appkey, a.query), Text("how many", "数量"), query=None),
    Route("POST", "requests/find", lambda c, a: c.observer.find(a.appkey, a.body), Text("those that a filter and a `when` describe", "按过滤条件与 `when` 查找")),
    Route("POST", "requests/verify", lambda c, a: c.observer.verify(a.appkey, a.body), Text(
        'did so many come: {"operation", "when", "count" | "at_least" | "at_most"}; similar ones when not',
        '次数是否符合：{"operation", "when", "count" | "at_least" | "at_most"}；否则列出相近请求')),
    Route("GET", "requests/<id>", lambda c, a: c.observer.request(a.appkey, a.path["id"]), Text("one of them", "其中一条")),
    Route("DELETE", "requests", lambda c, a: c.observer.clear(a.appkey), Text("forget them", "清空日志")),
    Route("GET", "coverage", lambda c, a: c.observer.coverage(a.appkey), Text("how much of the contract was met", "契约覆盖率")),
    Route("GET", "report", lambda c, a: c.observer.report_json(a.appkey), Text("coverage, violations and error handling", "覆盖率、违规与错误处理")),
    Route("POST", "report", lambda c, a: c.observer.rendered(a.appkey, arguments(
        a.body, appkeys=(list,), form=(str,), fail_on_violations=(bool,), min_coverage=(int, float), after=(str,),
        tests=(dict,), option=(str,))),
        Text('the same as {"form": "text" | "json" | "junit" | "html"}, with what fails a run',
             '同上，{"form": "text" | "json" | "junit" | "html"}，附不通过的原因')),
    Route("GET", "apps", lambda c, _: c.apps(), Text("the apps", "全部应用")),
    Route("POST", "apps", lambda c, a: c.add_app(**arguments(a.body)), Text("make a fresh app; tells its keys", "新建应用，返回其密钥"), 201),
    Route("DELETE", "apps/<appkey>", lambda c, a: c.remove_app(a.path["appkey"]), Text("forget it", "删除应用")),
    Route("GET", "openapi.json", docs.openapi, Text("the API as an OpenAPI 3.1 document; `?lang=zh`", "OpenAPI 3.1 文档；`?lang=zh`"), query=("lang",)),
    Route("GET", "docs", docs.page, Text("the same as a page that tries it out", "可在线调用的接口页面"), query=None),
    Route("GET", "docs/<name>", docs.asset, Text("what the page is made of", "该页面的资源")),
    Route("GET", "sign", docs.sign, Text("a signed query string", "签名后的查询串"), query=("identifier", "seq")),
    Route("POST", "reload", lambda c, a: c.reload(**arguments(a.body)), Text("read every file anew", "重新读取全部文件")),
    Route("POST", "reset", lambda c, a: c.reset(a.appkey, **arguments(a.body)), Text("everything as at the start", "恢复初始状态")),
)  # fmt: skip


def make_admin(control: Control, guard: Guard) -> Blueprint:
    """The blueprint of the admin API."""
    admin = Blueprint("admin", __name__, url_prefix=PREFIX)

    @admin.before_request
    def guarded() -> None:
        guard.check(request)

    @admin.errorhandler(ControlError)
    def refused(error: ControlError) -> Response:
        return _error(error, control.engine.lang)

    @admin.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        if isinstance(error, HTTPException):
            text = Text(error.description or error.name, error.name)
            return _error(ControlError(error.code or 500, "http_error", text), control.engine.lang)
        log.error("the admin API failed", exc_info=error)
        text = Text("the mock server failed; its log tells why", "模拟服务器出错；原因见日志")
        return _error(ControlError(500, "internal_error", text), control.engine.lang)

    for route in ROUTES:
        admin.add_url_rule(
            f"/{route.path}",
            f"{route.method} {route.path}".replace(".", " "),
            _view(control, route),
            methods=[route.method],
            provide_automatic_options=False,
        )

    @admin.route(
        "/", defaults={"rest": ""}, methods=_METHODS, provide_automatic_options=False, strict_slashes=False
    )
    @admin.route("/<path:rest>", methods=_METHODS, provide_automatic_options=False)
    def unknown(rest: str) -> Response:
        raise _unknown(request.method, rest)

    return admin


def refuse(control: Control, guard: Guard) -> Response:
    """The answer to a request under the prefix that no rule takes, whatever its method: the guard's, or that nothing is here."""
    try:
        guard.check(request)
        raise _unknown(request.method, request.path[len(PREFIX) + 1 :])
    except ControlError as error:
        return _error(error, control.engine.lang)


_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


def _view(control: Control, route: Route) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        answer = route.handler(control, _asked(request, route, path))
        if isinstance(answer, Response):
            return answer
        status = 503 if route.path == "ready" and not answer["ready"] else route.status
        return _json(answer, status)

    return view


def _asked(incoming: Request, route: Route, path: dict[str, str]) -> Asked:
    """What is asked for. A word that nobody reads is refused: a misspelt appkey would act on every app."""
    for name, values in incoming.args.lists():
        if len(values) > 1:
            raise _wrong_query(Text(f"{name} is given {len(values)} times", f"{name} 出现 {len(values)} 次"))
        known = None if route.query is None else ("appkey", *route.query)
        if known is not None and name not in known:
            raise _wrong_query(unknown("parameter", name, known))
    query = incoming.args.to_dict()
    appkey = query.pop("appkey", None)
    return Asked(appkey, path, query, _body(incoming))


def _wrong_query(text: Text) -> ControlError:
    return ControlError(422, "invalid_parameter", text)


def _body(incoming: Request) -> dict[str, Any]:
    if incoming.method in ("GET", "HEAD", "DELETE"):
        return {}
    raw = incoming.stream.read(MAX_BYTES + 1)
    # Our transport gives no byte of a body that is over its own limit.
    if len(raw) > MAX_BYTES or incoming.environ.get(OVERLONG):
        raise ControlError(413, "body_too_large", Text("the body is too large", "请求体过大"))
    try:
        body = json.loads(
            raw or b"{}", parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_no_key_twice
        )
    except (ValueError, RecursionError):
        raise ControlError(400, "malformed_json", Text("the body is not JSON", "请求体不是 JSON")) from None
    if not isinstance(body, dict):
        raise ControlError(
            400, "malformed_json", Text("the body is not a JSON object", "请求体不是 JSON 对象")
        )
    return body


def _no_constant(word: str) -> None:
    raise ValueError(word)


def _finite(word: str) -> float:
    number = float(word)
    if not math.isfinite(number):
        raise ValueError(word)
    return number


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _all(asked: Asked, **kinds: tuple[type, ...]) -> Json:
    """The body's fields, every one of which must be there."""
    given = arguments(asked.body, **kinds)
    if missing := [name for name in kinds if name not in given]:
        names = ", ".join(missing)
        raise ControlError(422, "missing_field", Text(f"missing {names}", f"缺少 {names}"))
    return given


def _unknown(method: str, rest: str) -> ControlError:
    if known := _methods_of(rest):
        words = ", ".join(known)
        return ControlError(405, "method_not_allowed", Text(f"{rest} takes {words}", f"{rest} 支持 {words}"))
    return ControlError(
        404, "unknown_resource", Text(f"{PREFIX}/{rest} is no resource", f"没有资源 {PREFIX}/{rest}")
    )


def _methods_of(rest: str) -> list[str]:
    """The methods that a path below the prefix takes; empty when it is no resource."""
    steps = rest.split("/")
    patterns = [(route.method, route.path.split("/")) for route in ROUTES]
    return sorted(
        {
            method
            for method, pattern in patterns
            if len(pattern) == len(steps)
            and all(one == step or (step and one[0] == "<") for one, step in zip(pattern, steps, strict=True))
        }
    )


def _error(error: ControlError, lang: Lang) -> Response:
    response = _json({"error": error.name, "message": error.text.to(lang)}, error.status)
    if error.status == 401:
        for challenge in CHALLENGES:
            response.headers.add("WWW-Authenticate", challenge)
    if error.status == 405:
        response.headers["Allow"] = ", ".join(_methods_of(request.path[len(PREFIX) + 1 :]))
    return response


def _json(value: Json, status: int) -> Response:
    # Half a surrogate pair has no UTF-8; its JSON escape is what backslashreplace writes.
    told = (json.dumps(value, ensure_ascii=False) + "\n").encode(errors="backslashreplace")
    response = Response(told, status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
