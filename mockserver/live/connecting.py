"""Finds how the target accepts requests at all: the formula of the checksum, its clock, and unused curtimes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from mockserver.contract.checksum import Formula
from mockserver.core.clock import DAY_SECONDS, format_day
from mockserver.core.text import Text
from mockserver.live.answers import is_envelope
from mockserver.live.call_log import seconds_of
from mockserver.live.probing import ALL, DATE_TOLERANCE, QUALITY, TREND, UNUSED_STEP, Prober, date_offset
from mockserver.live.replies import Reply
from mockserver.live.target import TargetError

NO_CHECKSUM = "0" * 40
MAX_SKEW = 60  # Seconds by which the clock of a target may be wrong, unless its Date header or its data show more.
_FORMULAS: tuple[Formula, ...] = ("v2", "v1")
_AHEAD = (5, 20, 60, 120, 250)  # Seconds. Earlier examinations may have used the curtimes before.
_MAX_USED = 4
LONG_AGO = 2 * DAY_SECONDS  # The age of a curtime that no reading accepts.
_MAX_AHEAD = 60  # Seconds.
_AGES_OF_RECORDINGS = [60 * 2**number for number in range(12)]  # Seconds, up to 34 hours.
_SHORT_TICKS = 10  # Ticks of which so many are as long as the difference of the clocks show that difference.


def valid_body(prober: Prober, span: int = 60) -> dict[str, Any]:
    """Return a valid body of 2.3 whose answer is short."""
    now = int(prober.now() - prober.recorded_before)
    return {"BeginTime": str(now - span), "EndTime": str(now)}


def connect(prober: Prober) -> None:
    """Find the formula and the clock with which the target accepts a request. Raise TargetError if it accepts none."""
    replies: list[Reply] = []
    for attempt in range(3):
        for operation in (ALL, QUALITY) if not attempt else (ALL,):
            for formula in _FORMULAS:
                body = valid_body(prober) if operation == ALL else {"QueryDate": format_day(prober.now())}
                reply = prober.ask(operation, body, formula=formula, expected=False)
                replies.append(reply)
                if reply.ok or reply.unrecorded:
                    prober.target.formula = formula
                if reply.ok:
                    return
        if any(reply.unrecorded for reply in replies):
            _find_recorded(prober)
            return
        # The target's clock may differ, or the checksum may have been used before and be accepted only once.
        ahead = date_offset(prober.date, prober.target.clock())
        prober.skew = ahead if ahead and abs(ahead) > DATE_TOLERANCE else 0.0
        prober.target.pause(1.0)
    if _find_unused(prober, _AHEAD):
        return
    codes = {reply.code for reply in replies}
    wrong, old = (send_valid(prober, offset=0, sign={"checksum": NO_CHECKSUM}), send_valid(prober, offset=-LONG_AGO))
    if wrong.code is not None and (codes != {wrong.code} or wrong.code != old.code):
        # Perhaps an earlier examination used all curtimes within a short limit.
        prober.target.pause(UNUSED_STEP)
        if _find_unused(prober, range(0, _MAX_AHEAD + 1, UNUSED_STEP)):
            return
    envelope = next((reply for reply in replies if is_envelope(reply.value)), None)
    if envelope is None:
        status = replies[0].status
        raise prober.target.error("other_api", Text(
            f"this is not the API: HTTP {status} without a JSON answer that has Status and ErrorCode",
            f"这不是该 API：HTTP {status}，响应不是含 Status 与 ErrorCode 的 JSON",
        ))  # fmt: skip
    raise refusal(prober, envelope)


def refusal(prober: Prober, reply: Reply) -> TargetError:
    """Return the error for a target that accepts no signature."""
    said = f"{reply.code} {prober.redact(reply.info)}"
    return prober.target.error("refused", Text(
        f"the target refuses the credentials: {said}; check keys, identifier and this machine's clock",
        f"目标拒绝了凭证：{said}；请检查密钥、identifier 与本机时钟",
    ))  # fmt: skip


def _find_recorded(prober: Prober) -> None:
    """Find a time that a recording contains. Raise TargetError if there is none within a day."""
    for age in _AGES_OF_RECORDINGS:
        prober.recorded_before = age
        if send_valid(prober, offset=0).ok:
            return
    raise prober.target.error("refused", Text(
        "this server replays a recording without data of the last day; serve it with --now TIME or replay: {shift: days}",
        "该服务器回放的录制不含最近一天的数据；请用 --now TIME 或 replay: {shift: days} 提供服务",
    ))  # fmt: skip


def _find_unused(prober: Prober, offsets: Iterable[int]) -> bool:
    """Look for a curtime in the future that is accepted, and wait until then; return whether there is one."""
    for ahead, formula in itertools.product(offsets, _FORMULAS):
        if prober.ask(ALL, valid_body(prober), offset=ahead, formula=formula, expected=False).ok:
            prober.target.formula = formula
            prober.target.pause(ahead)
            return True
    return False


def send_valid(prober: Prober, **options: Any) -> Reply:
    """Send a valid request in a variant that a target may refuse."""
    return prober.ask(ALL, valid_body(prober), expected=False, **options)


def send_unused(prober: Prober) -> Reply:
    """Send a valid request, and again in other seconds if its checksum may have been used by an earlier examination."""
    replies = (send_valid(prober, offset=0) for _ in range(_MAX_USED))
    first = next(replies)
    accepted = first if first.ok else next((reply for reply in replies if reply.ok), None)
    if accepted is None and not (is_found := _find_unused(prober, _AHEAD)):
        prober.target.pause(UNUSED_STEP)
        is_found = _find_unused(prober, range(0, _MAX_AHEAD + 1, UNUSED_STEP))
    return accepted or (send_valid(prober, offset=0) if is_found else first)


def shows_clock(prober: Prober, ahead: float) -> bool:
    """Return whether the newest records or ticks are from a clock that is so many seconds ahead (or behind)."""
    now = prober.now()
    begin, end = int(now + min(ahead, 0)) - 3_600, int(now + max(ahead, 0))
    records = prober.ask(ALL, {"BeginTime": str(begin), "EndTime": str(end)}, expected=False)
    trend = prober.ask(TREND, {"QueryDate": format_day(now + ahead), "CountBy": 3}, expected=False)
    limit = now + ahead + DATE_TOLERANCE
    stamps = [row.get(name) for row in records.rows("UsersList") for name in ("EnterTime", "LeaveTime")]
    times = [time for stamp in stamps if (time := seconds_of(stamp)) is not None]
    ticks = [time for row in trend.rows("TrendData") if (time := seconds_of(row.get("TickTime"))) is not None]
    newest, last = max(times, default=0), max(ticks, default=0)
    if max(newest, last) > limit:
        return False
    if ahead > 0:
        return max(newest, last) > now + MAX_SKEW
    step = min((later - earlier for earlier, later in itertools.pairwise(ticks)), default=0)
    return newest >= limit - 2 * DATE_TOLERANCE or (step * _SHORT_TICKS <= -ahead and last + step > now + ahead)
