"""Admin resources that decide how requests are answered: `scenario`, `readings`, `answers`, `faults` and `clock`."""

from __future__ import annotations

from mockserver.contract.readings import READINGS, InvalidReading, Value, parse_reading
from mockserver.core.clock import InvalidTime, parse_time
from mockserver.core.errors import AdminError, ConfigurationError
from mockserver.core.machine_time import machine_time
from mockserver.core.suggestions import unknown
from mockserver.core.text import Text
from mockserver.engine.state import ALL_APPS
from mockserver.faults.base import FaultError
from mockserver.faults.parsing import parse_fault
from mockserver.scenarios.loading import load_rule
from mockserver.server.admin_request import AdminContext, AdminRequest, Json, Routes
from mockserver.server.guard import admin_error

ROUTES = Routes()
MAX_SHIFT_SECONDS = 366 * 86_400 * 100
_MIN_TIME, _MAX_TIME = 1_000_000_000, 9_999_999_999  # A curtime has ten digits (§1.1.2).


@ROUTES.add("GET", "scenario", "查看当前场景")
def get_scenario(context: AdminContext, request: AdminRequest) -> Json:
    """Show the active scenario."""
    return {"name": context.scope(request.appkey).scenario}


@ROUTES.add("PUT", "scenario", '切换场景：{"name"}')
def set_scenario(context: AdminContext, request: AdminRequest) -> Json:
    """Switch the scenario: {"name"}; its sequences restart."""
    fields = request.fields(name=(str,))
    if "name" not in fields:
        raise admin_error("missing_field", name="name")
    name = fields["name"]
    with context.engine.changing:
        scenarios = context.engine.config.scenarios
        if name not in scenarios:
            raise AdminError(422, "unknown_scenario", unknown("scenario", name, scenarios))
        context.scope(request.appkey).use_scenario(name)
    return get_scenario(context, request)


def current_readings(context: AdminContext, appkey: str | None) -> dict[str, Value]:
    """Return every reading with its value: that of the scenario, unless set over the admin API."""
    scope = context.scope(appkey)
    return {**context.engine.config.readings[scope.scenario], **scope.readings}


@ROUTES.add("GET", "readings", "列出读法及当前值")
def list_readings(context: AdminContext, request: AdminRequest) -> Json:
    """List the readings with their values."""
    values = current_readings(context, request.appkey)
    return {
        "readings": [
            {
                "name": reading.name,
                "value": values[reading.name],
                "default": reading.default,
                "choices": reading.choices(),
                "section": reading.section,
                "why": reading.why.to(context.lang),
            }
            for reading in READINGS.values()
        ]
    }


@ROUTES.add("PUT", "readings", '设置读法：{"window": "enter"}；{} 清除全部')
def set_readings(context: AdminContext, request: AdminRequest) -> Json:
    """Set readings in addition to those set before: {"window": "enter"}; {} removes all."""
    try:
        readings = {name: parse_reading(name, value) for name, value in request.body.items()}
    except InvalidReading as error:
        raise AdminError(422, "invalid_reading", error.text) from None
    context.scope(request.appkey).set_readings(readings)
    return list_readings(context, request)


@ROUTES.add("GET", "answers", "列出新增的应答")
def list_answers(context: AdminContext, request: AdminRequest) -> Json:
    """List the added answers in order of precedence.

    In the list for all apps, an answer of a single app has its `appkey`.
    """
    shared = context.engine.store.rules
    rows: dict[tuple[str, str], Json] = {}
    for state in context.states(request.appkey):
        for answer_id, rule in state.rules:
            row: Json = {"id": answer_id, "on": sorted(rule.on), "times": rule.times}
            owner = state.appkey if request.appkey is None and answer_id not in shared else ""
            rows[owner, answer_id] = {**row, "appkey": owner} if owner else row
    return {"answers": list(rows.values())}


@ROUTES.add("POST", "answers", "改变部分请求的应答：格式同场景 `answers` 的一项", status=201)
def add_answer(context: AdminContext, request: AdminRequest) -> Json:
    """Answer some requests differently: one entry of a scenario's `answers`."""
    scope, config = context.scope(request.appkey), context.engine.config
    answer_id = context.engine.store.answer_id()
    try:
        rule = load_rule(request.body, answer_id, config.schemas, config.catalogue)
    except ConfigurationError as error:
        # The problems have no place in a file to show.
        en, zh = zip(*(problem.text for problem in error.problems), strict=True)
        raise AdminError(422, "invalid_field", Text("; ".join(en), "；".join(zh))) from None
    # Choose the id before the rule can match.
    scope.add_rule(answer_id, rule)
    return {"id": answer_id, "on": sorted(rule.on), "times": rule.times}


@ROUTES.add("DELETE", "answers", "删除全部新增的应答")
def clear_answers(context: AdminContext, request: AdminRequest) -> Json:
    """Remove all added answers."""
    return {"removed": context.scope(request.appkey).remove_rules()}


@ROUTES.add("DELETE", "answers/<id>", "删除一条新增的应答")
def remove_answer(context: AdminContext, request: AdminRequest) -> Json:
    """Remove one added answer."""
    answer_id = request.path["id"]
    if not context.scope(request.appkey).remove_rules(answer_id):
        raise admin_error("unknown_answer", id=answer_id)
    return {"removed": 1}


@ROUTES.add("GET", "faults", "列出生效中的故障")
def list_faults(context: AdminContext, request: AdminRequest) -> Json:
    """List the active faults in the order in which they apply.

    The list for all apps has the sums of their counts.
    """
    rows: dict[tuple[str, str], Json] = {}
    for state in context.states(request.appkey):
        for fault in state.faults.list(state.clock.now()):
            shared = request.appkey is None and fault["origin"] == ALL_APPS
            owner = "" if shared else state.appkey
            row = rows.setdefault((owner, fault["id"]), fault)
            if row is not fault:
                row["matched"] += fault["matched"]
                row["struck"] += fault["struck"]
                row["ended"] = row["ended"] and fault["ended"]
            elif request.appkey is None and not shared:
                fault["appkey"] = owner
    return {"faults": list(rows.values())}


@ROUTES.add("POST", "faults", '注入故障：{"fault": 种类, "on", …}', status=201)
def add_fault(context: AdminContext, request: AdminRequest) -> Json:
    """Inject a fault: {"fault": KIND, "on", …}."""
    engine, states = context.engine, context.states(request.appkey)
    try:
        fault = parse_fault(request.body, engine.config.catalogue)
        engine.redact_secrets_of([fault])
        if request.appkey is None:
            fault_id = engine.store.add_fault(fault)
        else:
            (state,) = states
            fault_id = state.faults.add(fault, state.clock.now(), origin="admin").id
    except FaultError as error:
        field = ".".join(str(step) for step in error.pointer)
        text = Text(f"{field}: {error.text.en}", f"{field}：{error.text.zh}") if field else error.text
        raise AdminError(422, "invalid_fault", text) from None
    return {**fault.masked(), "id": fault_id}


@ROUTES.add("DELETE", "faults/<id>", "删除一个故障")
def remove_fault(context: AdminContext, request: AdminRequest) -> Json:
    """Remove one fault."""
    fault_id, states = request.path["id"], context.states(request.appkey)
    if request.appkey is None:
        removed = context.engine.store.remove_fault(fault_id)
    else:
        removed = states[0].faults.remove(fault_id)
    if not removed:
        raise admin_error("unknown_fault", id=fault_id)
    return {"removed": 1}


@ROUTES.add("DELETE", "faults", "删除全部故障，并立即发出被延迟的响应")
def clear_faults(context: AdminContext, request: AdminRequest) -> Json:
    """Remove all faults and release delayed responses."""
    count = len(list_faults(context, request)["faults"])
    if request.appkey is None:
        context.engine.store.clear_faults()
    else:
        context.state(request.appkey).faults.clear()
    return {"removed": count, "released": context.release(request.appkey)}


@ROUTES.add("GET", "clock", "查看时钟")
def get_clock(context: AdminContext, request: AdminRequest) -> Json:
    """Show the clock's time and the machine's time, in Unix seconds."""
    clock = context.scope(request.appkey).clock
    frozen, offset = clock.position
    return {"now": clock.now(), "machine": machine_time(), "frozen": frozen is not None, "offset_seconds": offset}


@ROUTES.add("PUT", "clock", '{"now"} 冻结时钟，{"offset_seconds"} 设置偏移，{"advance_seconds"} 前进')
def set_clock(context: AdminContext, request: AdminRequest) -> Json:
    """{"now"} freezes the clock, {"offset_seconds"} shifts it, {"advance_seconds"} moves it forward."""
    fields = request.fields(now=(str, int, float), offset_seconds=(int, float), advance_seconds=(int, float))
    if len(fields) != 1:
        raise admin_error("invalid_clock.count", names="now, offset_seconds, advance_seconds")
    clock = context.scope(request.appkey).clock
    [(name, value)] = fields.items()
    if name == "now":
        value = now = _parse_time(value)
    elif abs(value) <= MAX_SHIFT_SECONDS:
        now = clock.now() + value - (clock.position[1] if name == "offset_seconds" else 0)
    else:
        raise admin_error("invalid_clock.shift", name=name)
    if not _MIN_TIME <= now <= _MAX_TIME:
        raise admin_error("invalid_clock.time")
    {"now": clock.freeze, "offset_seconds": clock.set_offset, "advance_seconds": clock.advance}[name](float(value))
    return get_clock(context, request)


@ROUTES.add("DELETE", "clock", "恢复初始时钟")
def reset_clock(context: AdminContext, request: AdminRequest) -> Json:
    """Restore the initial clock."""
    context.scope(request.appkey).clock.reset()
    return get_clock(context, request)


def _parse_time(now: str | float) -> float:
    if not isinstance(now, str):
        return now
    try:
        return parse_time(now, int(machine_time()))
    except InvalidTime as error:
        raise AdminError(422, "invalid_clock", error.text) from None
