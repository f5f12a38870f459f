"""The console's data page and its admin resources: answers of the API that are not recorded, and sums for tables.

The page shows the API's own answers. Only the names of §3.2 have another source, because those answers have no names.
"""

from __future__ import annotations

import json
from pathlib import Path

from flask import Response

from mockserver.contract.operations import OPERATIONS, PREFIX
from mockserver.core import http
from mockserver.core.clock import parse_day, start_of_day
from mockserver.core.errors import AdminError
from mockserver.core.text import Lang
from mockserver.core.yaml_reader import read_yaml
from mockserver.server.admin_behavior import current_readings
from mockserver.server.admin_catalog import signed_query
from mockserver.server.admin_request import NO_STORE, AdminContext, AdminRequest, Json, Routes
from mockserver.server.console_pages import format_time, page_language, render
from mockserver.server.console_requests import number
from mockserver.server.guard import admin_error
from mockserver.world.recorded import RecordedWorld
from mockserver.world.sources import World
from mockserver.world.views import VIEWS

ROUTES, PAGES = Routes(), Routes()
_PLACES: dict[str, str] = read_yaml(Path(__file__).with_name("place_names.yaml")).value
MAX_ROWS = 500  # Maximum number of rooms, and of users, in one answer.
_MANY = 30_000  # Users of a day; above, the tables of rooms and users show only the busiest hour.
_DISTRIBUTION = "count_business_distribute_volume_by_day"


@PAGES.add("GET", "console/data", "数据", query=None)
def data(context: AdminContext, request: AdminRequest) -> Response:
    """Return the page of one day of the world: statistics as charts, rooms and users as tables."""
    engine = context.engine
    appkey = request.appkey or context.appkeys[0]
    state = context.state(appkey)
    now = state.clock.second()
    day = request.query.get("day", "").replace("-", "")  # From a link (20191210) or a date field (2019-12-10).
    world = engine.config.scenarios[state.scenario].world.at(appkey, now)
    last = _last_day(world, now)
    try:
        start = parse_day(day)
    except ValueError:
        start = start_of_day(now) if last is None else last
    return render(
        context,
        request,
        "data.html",
        appkey=appkey,
        scenario=state.scenario,
        start=start,
        now=now,
        today=start_of_day(now),
        last=last,
        without_calls=isinstance(world, RecordedWorld) and not len(world.sessions_between(start, start + 86_399)),
        trend=current_readings(context, appkey)["trend"],
        room=request.query.get("room", ""),
        user=request.query.get("user", ""),
        tables=_tables(context, appkey, start, page_language(context, request)) if "tables" in request.query else None,
    )


def _tables(context: AdminContext, appkey: str, start: int, lang: Lang) -> Json:
    """Return the day as the rows of tables, for browsers without scripts."""
    day = format_time(start, "%Y%m%d")
    cumulative = current_readings(context, appkey)["trend"] == "cumulative"
    volumes: dict[int, dict[int, list[int]]] = {}  # By hour and kind.
    for by in (1, 2, 3, 4):
        answer = _answer(context, appkey, "count_business_total_volume_by_day", {"QueryDate": day, "CountBy": by})
        before = 0  # With the reading `trend=cumulative`, the amount of a tick is its distance from the one before.
        for row in answer["TrendData"]:
            hour = (int(row["TickTime"]) - start) // 3_600
            volumes.setdefault(hour, {}).setdefault(by, []).append(row["Volume"] - before)
            before = row["Volume"] if cumulative and by != 3 else 0
    distributions = {}
    for by in (1, 2, 3, 4):
        rows = _answer(context, appkey, _DISTRIBUTION, {"QueryDate": day, "CountBy": by})["DistributeData"]
        scope = AdminRequest(appkey, query={"day": day, "by": str(by)})
        names = distribution_names(context, scope)["names"] or [{lang: number} for number in range(1, len(rows) + 1)]
        measures = ("CommunicateDuration", "RoomCnt", "PeakOnlineNum", "CommunicateNum")
        named = [(name[lang], *(row[each] for each in measures)) for name, row in zip(names, rows, strict=True)]
        distributions[by] = sorted(named, key=lambda row: -row[1])
    callers = {hour: sum(kinds.get(4, ())) for hour, kinds in volumes.items()}
    busiest = max(callers, key=callers.__getitem__) if sum(callers.values()) > _MANY else None
    first, last = (
        (start, start + 86_399) if busiest is None else (start + busiest * 3_600, start + busiest * 3_600 + 3_599)
    )
    sums = calls(context, AdminRequest(appkey, query={"from": str(first), "to": str(last)}))
    return {
        "time": "" if busiest is None else format_time(first, "%H:00"),
        "hours": [
            (f"{hour:02}:00", *((max if by == 3 else sum)(kinds.get(by, [0])) for by in (1, 2, 3, 4)))
            for hour, kinds in sorted(volumes.items())
        ],
        "distributions": distributions,
        "rooms": [(row["RoomId"], row["people"], row["sessions"], row["seconds"]) for row in sums["rooms"]],
        "people": [(row["UserId"], row["rooms"], row["sessions"], row["seconds"]) for row in sums["people"]],
    }


def _last_day(world: World, now: int) -> int | None:
    """Return the first second of the last day with calls (recorded worlds), or with an evening (generated worlds)."""
    if isinstance(world, RecordedWorld):
        recorded = world.sessions_between(0, now)
        return start_of_day(int(recorded.enter.max())) if len(recorded) else None
    # Most of the calls of a generated day are in the evening.
    return start_of_day(now - 20 * 3_600)


@ROUTES.add(
    "GET",
    "preview",
    "查看接口对某请求的响应：由服务器签名，不经过故障，不留任何记录",
    query=("operation", "body", "identifier"),
)
def preview(context: AdminContext, request: AdminRequest) -> Response:
    """Return the API's answer to `operation` with `body`: signed by the server, without faults, and not recorded."""
    signing = {"identifier": request.query["identifier"]} if "identifier" in request.query else {}
    body = request.query.get("body", "").encode("utf-8", "surrogatepass")
    answer = _preview(context, request.appkey, PREFIX + request.query.get("operation", ""), body, **signing)
    response = Response(answer.body, answer.status, headers=NO_STORE, mimetype="application/json")
    response.headers.extend(header for header in answer.headers if header[0].startswith("X-Mock-"))
    return response


@ROUTES.add("GET", "calls", "按房间与用户汇总一段时间内的通话；默认为今天", query=("from", "to"))
def calls(context: AdminContext, request: AdminRequest) -> Json:
    """Sums per room and per user of the calls between `from` and `to` (Unix seconds; default: today)."""
    appkey = request.appkey or context.appkeys[0]
    now = context.state(appkey).clock.second()
    begin, end = number(request, "from", start_of_day(now)), number(request, "to", now)
    body = {"BeginTime": str(begin), "EndTime": str(end)}
    rows = _answer(context, appkey, "query_all_instance_by_time", body)["UsersList"]
    return {"operation": "query_all_instance_by_time", "body": body, **_sums(rows, now)}


@ROUTES.add("GET", "distribution-names", "3.2 响应各行的名称（中英文）；响应本身不含名称", query=("day", "by"))
def distribution_names(context: AdminContext, request: AdminRequest) -> Json:
    """Names of the rows of a §3.2 answer in both languages, in its order; null if a rule of a scenario answers."""
    appkey = request.appkey or context.appkeys[0]
    state = context.state(appkey)
    now = state.clock.second()
    by = request.query.get("by", "1")
    body = {
        "QueryDate": request.query.get("day", format_time(now, "%Y%m%d")),
        "CountBy": int(by) if by.isdecimal() else 0,
    }
    try:
        answered = _answer(context, appkey, _DISTRIBUTION, body)["DistributeData"]
    except AdminError:  # The page shows the error of the answer itself.
        return {"names": None}
    world = context.engine.config.scenarios[state.scenario].world.at(appkey, now)
    readings = {**current_readings(context, appkey), "labels": "on"}
    named = VIEWS[_DISTRIBUTION](world, body, now, readings).fields["DistributeData"]
    unnamed = [{name: row[name] for name in row if name != "Name"} for row in named]
    if unnamed != [{name: row[name] for name in row if name != "Name"} for row in answered]:
        return {"names": None}
    return {"names": [{"en": english_name(row["Name"]), "zh": row["Name"]} for row in named]}


def english_name(name: str) -> str:
    """Return the English name of a place; unknown names, such as those of the user's own world, are unchanged."""
    return _PLACES.get(name, name)


def _preview(context: AdminContext, appkey: str | None, path: str, body: bytes, **signing: str) -> http.Response:
    query = signed_query(context, appkey, **signing)
    return context.engine.preview(http.Request("POST", path, query, {"content-type": "application/json"}, body))


def _answer(context: AdminContext, appkey: str, operation: str, body: Json) -> Json:
    """Return a successful answer of the API. Raise AdminError 422 with the ErrorInfo of a failure."""
    answer: Json = json.loads(_preview(context, appkey, OPERATIONS[operation].path, json.dumps(body).encode()).body)
    if answer.get("ErrorCode") != 0:
        info = str(answer.get("ErrorInfo"))
        raise admin_error("not_answered", operation=operation, info=info)
    return answer


def _sums(rows: list[Json], now: int) -> Json:
    """Return the sums of the rows of a §2.3 answer by room and by user, those with the longest calls first."""
    rooms: dict[str, Json] = {}
    people: dict[str, Json] = {}
    members: set[tuple[str, str]] = set()
    zeros = dict.fromkeys(("sessions", "seconds", "audio", "video"), 0)
    for row in rows:
        room_id, user_id = row["RoomId"], row["UserId"]
        leave = int(row["LeaveTime"] or 0) or now  # Empty or 0 for a call in progress, by the reading `ongoing`.
        if room_id not in rooms:
            created = int(row["CreateTime"])
            rooms[room_id] = {"RoomId": room_id, "created": created, "ended": leave, "people": 0, **zeros}
        if user_id not in people:
            people[user_id] = {"UserId": user_id, "rooms": 0, **zeros}
        room, person = rooms[room_id], people[user_id]
        room["ended"] = max(room["ended"], leave)
        for sums in (room, person):
            sums["sessions"] += 1
            sums["seconds"] += leave - int(row["EnterTime"])
            sums["audio"] += row["AudioDuration"]
            sums["video"] += row["VideoDuration"]
        if (room_id, user_id) not in members:
            members.add((room_id, user_id))
            room["people"] += 1
            person["rooms"] += 1
    return {
        "total": {"rooms": len(rooms), "people": len(people), "sessions": len(rows)},
        "rooms": _longest(rooms),
        "people": _longest(people),
    }


def _longest(sums: dict[str, Json]) -> list[Json]:
    return sorted(sums.values(), key=lambda row: -row["seconds"])[:MAX_ROWS]
