"""The rules between and behind the fields that no schema can say: spans, calendar days, choices a reading closes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mockserver.contract.readings import Readings
from mockserver.contract.timestamps import format_duration
from mockserver.contract.violations import Violation, make_violation
from mockserver.core.clock import DAY_SECONDS, parse_day

Rule = Callable[[Mapping[str, Any], Readings, str], list[Violation]]


def span(body: Mapping[str, Any], readings: Readings, section: str) -> list[Violation]:
    """BeginTime is not after EndTime (§2.1.4, §2.2.4, §2.3.4), and a list's span is not too long."""
    begin, end = body.get("BeginTime"), body.get("EndTime")
    if not begin or not end:
        return []
    seconds = int(end) - int(begin)
    if seconds < 0:
        return [
            make_violation(
                "begin_after_end",
                "body:/BeginTime",
                expected=f"≤ {end}",
                got=begin,
                end=end,
                section=f"{section}.4",
            )
        ]
    most = readings["max_range_days"]
    if most and section != "2.2" and seconds > most * DAY_SECONDS:
        told = format_duration(seconds)
        return [
            make_violation(
                "range_too_large",
                "body:/EndTime",
                expected=str(most),
                got=seconds,
                span=told.en,
                span_zh=told.zh,
                section=f"{section}.4",
            )
        ]
    return []


def day(body: Mapping[str, Any], readings: Readings, section: str) -> list[Violation]:
    """QueryDate is a day of the calendar (§3.1.4)."""
    if "QueryDate" not in body:
        return []
    try:
        parse_day(body["QueryDate"])
    except ValueError:
        return [
            make_violation(
                "no_such_day",
                "body:/QueryDate",
                expected="yyyymmdd",
                got=body["QueryDate"],
                name="QueryDate",
                section=f"{section}.4",
            )
        ]
    return []


def everything(body: Mapping[str, Any], readings: Readings, section: str) -> list[Violation]:
    """CountBy 0 is closed under reading `count_by_zero=error` (§3.1.4)."""
    if body.get("CountBy") == 0 and readings["count_by_zero"] == "error":
        return [make_violation("count_by_zero", "body:/CountBy", expected="1…4", got=0)]
    return []


RULES: tuple[Rule, ...] = (span, day, everything)
