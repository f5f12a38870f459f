"""Admin resources that decide how requests are answered: `scenario`, `readings`, `answers` and `faults`."""

from __future__ import annotations

from mockserver.contract.readings import READINGS, InvalidReading, Value, parse_reading
from mockserver.core.errors import AdminError, ConfigurationError
from mockserver.core.suggestions import unknown
from mockserver.core.text import Text
from mockserver.engine.state import ALL_APPS
from mockserver.faults.fields import FaultError
from mockserver.faults.parsing import parse_fault
from mockserver.scenarios.loading import load_rule
from mockserver.server.admin_request import AdminContext, AdminRequest, Json, Route


def get_scenario(context: AdminContext, request: AdminRequest) -> Json:
    """Return the name of the active scenario."""
    return {"name": context.scope(request.appkey).scenario}


def set_scenario(context: AdminContext, request: AdminRequest) -> Json:
    """Switch to another scenario; its sequences start from the beginning."""
    fields = request.fields(name=(str,))
    if "name" not in fields:
        raise AdminError(422, "missing_field", Text("missing name", "缺少 name"))
    name = fields["name"]
    with context.engine.changing:
        scenarios = context.engine.config.scenarios
        if name not in scenarios:
            raise AdminError(422, "unknown_scenario", unknown("scenario", name, scenarios))
        context.scope(request.appkey).use_scenario(name)
    return get_scenario(context, request)


def current_readings(context: AdminContext, appkey: str | None) -> dict[str, Value]:
    """Return every reading with its value: those of the scenario, overridden by those set over the admin API."""
    scope = context.scope(appkey)
    return {**context.engine.config.readings(scope.scenario), **scope.readings}


def list_readings(context: AdminContext, request: AdminRequest) -> Json:
    """Return every reading with its current value, default, choices and reason."""
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


def set_readings(context: AdminContext, request: AdminRequest) -> Json:
    """Set readings in addition to those set before; an empty object unsets them all."""
    try:
        readings = {name: parse_reading(name, value) for name, value in request.body.items()}
    except InvalidReading as error:
        raise AdminError(422, "invalid_reading", error.text) from None
    context.scope(request.appkey).set_readings(readings)
    return list_readings(context, request)


def list_answers(context: AdminContext, request: AdminRequest) -> Json:
    """Return the answers added over the admin API, in order of precedence; `appkey` marks those of a single app."""
    shared = context.engine.store.rules
    rows: dict[tuple[str, str], Json] = {}
    for state in context.states(request.appkey):
        for answer_id, rule in state.rules:
            row: Json = {"id": answer_id, "on": sorted(rule.on), "times": rule.times}
            owner = state.appkey if request.appkey is None and answer_id not in shared else ""
            rows[owner, answer_id] = {**row, "appkey": owner} if owner else row
    return {"answers": list(rows.values())}


def add_answer(context: AdminContext, request: AdminRequest) -> Json:
    """Add an answer that takes precedence over the scenario's: one entry of `answers` as in a scenario file."""
    scope, config = context.scope(request.appkey), context.engine.config
    answer_id = f"given-{next(context.answer_numbers)}"
    try:
        rule = load_rule(request.body, answer_id, config.schemas, config.catalogue)
    except ConfigurationError as error:
        # The problems have no place in a file that could be shown.
        en, zh = zip(*(problem.text for problem in error.problems), strict=True)
        raise AdminError(422, "invalid_field", Text("; ".join(en), "；".join(zh))) from None
    # Before the rule can match.
    context.engine.templates_added |= any(reply.templated for reply in rule.replies)
    scope.add_rule(answer_id, rule)
    return {"id": answer_id, "on": sorted(rule.on), "times": rule.times}


def remove_answers(context: AdminContext, request: AdminRequest) -> Json:
    """Remove the answer with the `id` of the path, or all answers."""
    answer_id = request.path.get("id")
    removed = context.scope(request.appkey).remove_rules(answer_id)
    if answer_id is not None and not removed:
        text = Text(f"there is no answer {answer_id!r}", f"没有应答 {answer_id!r}")
        raise AdminError(404, "unknown_answer", text)
    return {"removed": removed}


def list_faults(context: AdminContext, request: AdminRequest) -> Json:
    """Return the active faults in the order in which they are applied, with the counts of all apps summed up."""
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


def add_fault(context: AdminContext, request: AdminRequest) -> Json:
    """Activate a fault: `{"fault": KIND, "on": …, …}` as in a scenario file."""
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


def remove_fault(context: AdminContext, request: AdminRequest) -> Json:
    """Remove the fault with the `id` of the path."""
    fault_id, states = request.path["id"], context.states(request.appkey)
    if request.appkey is None:
        removed = context.engine.store.remove_fault(fault_id)
    else:
        removed = states[0].faults.remove(fault_id)
    if not removed:
        text = Text(f"there is no fault {fault_id!r}", f"没有故障 {fault_id!r}")
        raise AdminError(404, "unknown_fault", text)
    return {"removed": 1}


def clear_faults(context: AdminContext, request: AdminRequest) -> Json:
    """Remove all faults and release the responses that they delay."""
    count = len(list_faults(context, request)["faults"])
    if request.appkey is None:
        context.engine.store.clear_faults()
    else:
        context.state(request.appkey).faults.clear()
    return {"removed": count, "released": context.release(request.appkey)}


ROUTES = (
    Route("GET", "scenario", get_scenario, "Show the active scenario", "查看当前场景"),
    Route("PUT", "scenario", set_scenario, 'Switch the scenario: {"name"}', '切换场景：{"name"}'),
    Route("GET", "readings", list_readings, "List the readings with their values", "列出读法及当前值"),
    Route(
        "PUT",
        "readings",
        set_readings,
        'Set readings: {"window": "enter"}; {} unsets all',
        '设置读法：{"window": "enter"}；{} 清除全部',
    ),
    Route("GET", "answers", list_answers, "List the added answers", "列出新增的应答"),
    Route(
        "POST",
        "answers",
        add_answer,
        "Answer some requests differently: one entry of a scenario's `answers`",
        "改变部分请求的应答：格式同场景 `answers` 的一项",
        201,
    ),
    Route("DELETE", "answers", remove_answers, "Remove all added answers", "删除全部新增的应答"),
    Route("DELETE", "answers/<id>", remove_answers, "Remove one added answer", "删除一条新增的应答"),
    Route("GET", "faults", list_faults, "List the active faults", "列出生效中的故障"),
    Route(
        "POST",
        "faults",
        add_fault,
        'Inject a fault: {"fault": KIND, "on", …}',
        '注入故障：{"fault": 种类, "on", …}',
        201,
    ),
    Route(
        "DELETE",
        "faults",
        clear_faults,
        "Remove all faults and release delayed responses",
        "删除全部故障，并立即发出被延迟的响应",
    ),
    Route("DELETE", "faults/<id>", remove_fault, "Remove one fault", "删除一个故障"),
)
