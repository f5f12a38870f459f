"""Admin resource `clock`: the time by which signatures, time ranges and durations of faults are checked."""

from __future__ import annotations

from mockserver.core.clock import InvalidTime, parse_time
from mockserver.core.errors import AdminError
from mockserver.core.machine_time import machine_time
from mockserver.core.text import Text
from mockserver.server.admin_request import AdminContext, AdminRequest, Json, Routes

ROUTES = Routes()
MAX_SHIFT_SECONDS = 366 * 86_400 * 100
_MIN_TIME, _MAX_TIME = 1_000_000_000, 9_999_999_999  # A curtime has ten digits (§1.1.2).


@ROUTES.add("GET", "clock", "查看时钟")
def get_clock(context: AdminContext, request: AdminRequest) -> Json:
    """Show the clock's time and the machine's time, in Unix seconds."""
    clock = context.scope(request.appkey).clock
    return {"now": clock.now(), "machine": machine_time(), "frozen": clock.frozen, "offset_seconds": clock.offset}


@ROUTES.add("PUT", "clock", '{"now"} 冻结时钟，{"offset_seconds"} 设置偏移，{"advance_seconds"} 前进')
def set_clock(context: AdminContext, request: AdminRequest) -> Json:
    """{"now"} freezes the clock, {"offset_seconds"} shifts it, {"advance_seconds"} moves it forward."""
    fields = request.fields(now=(str, int, float), offset_seconds=(int, float), advance_seconds=(int, float))
    if len(fields) != 1:
        names = "now, offset_seconds, advance_seconds"
        raise _invalid_clock(f"give exactly one of {names}", f"{names} 须且只能有一项")
    clock = context.scope(request.appkey).clock
    [(name, value)] = fields.items()
    if name == "now":
        clock.freeze(_check_time(_parse_time(value)))
        return get_clock(context, request)
    if not abs(value) <= MAX_SHIFT_SECONDS:
        raise _invalid_clock(f"{name} is out of range", f"{name} 超出范围")
    if name == "offset_seconds":
        _check_time(clock.now() - clock.offset + value)
        clock.set_offset(float(value))
    else:
        _check_time(clock.now() + value)
        clock.advance(float(value))
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


def _check_time(now: float) -> float:
    if not _MIN_TIME <= now <= _MAX_TIME:
        raise _invalid_clock(
            "the clock must stay between 2001 and 2286: ten digits of Unix seconds",
            "时钟须在 2001 至 2286 年之间：十位 Unix 秒数",
        )
    return float(now)


def _invalid_clock(en: str, zh: str) -> AdminError:
    return AdminError(422, "invalid_clock", Text(en, zh))
