"""Diagnosis of `curtime` (§1.1.2): its format, its unit, its offset, and other values that may have been hashed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import floor

from mockserver.contract.violations import explain, format_duration
from mockserver.core.clock import UTC8_OFFSET, show_time
from mockserver.core.machine_time import replaced_time
from mockserver.validation.mistakes import Diagnosis, make_diagnosis

MAX_LENGTH = 100  # Longer values are not examined.
_NUMBER = re.compile(r"([0-9]{10}|[0-9]{13}|[0-9]{16}|[0-9]{19})(?:[.,]([0-9]*))?", re.ASCII)
_DATE = re.compile(r"[0-9]{4}[-/年][0-9]{1,2}[-/月][0-9]{1,2}.*|20[0-9]{6}(?:[0-9]{6})?", re.ASCII | re.DOTALL)
_UNITS = {13: "curtime_milliseconds", 16: "curtime_microseconds", 19: "curtime_nanoseconds"}
_OFFSETS = {1: "curtime_off_by_one", 2: "curtime_off_by_two", UTC8_OFFSET: "curtime_eight_hours_off"}


def diagnose_curtime(text: str, now: float, freshness: int = 300) -> Diagnosis | None:
    """Return what is wrong with `curtime` at `now`, or None if it is well-formed and fresh (§1.1.2)."""
    if not text.strip():
        return make_diagnosis(["curtime_empty"])
    if text == "123456789":
        return make_diagnosis(["curtime_sample"])
    if len(text) <= MAX_LENGTH and (found := _NUMBER.fullmatch(text)):
        names = [_UNITS[len(found[1])]] if len(found[1]) > 10 else []
        names += ["curtime_fraction"] if found[2] is not None else []
        moment = int(found[1][:10])
        if abs(moment - floor(now)) > freshness:
            return diagnose_offset(moment, now, freshness, names)
        return make_diagnosis(names) if names else None
    if _DATE.fullmatch(text[:MAX_LENGTH]):
        return make_diagnosis(["curtime_date"])
    if text.isascii() and text.isdigit():
        return make_diagnosis(["curtime_digits"], digits=len(text))
    return make_diagnosis(["curtime_no_number"], reason=explain("timestamp", text[: MAX_LENGTH + 1]))


def diagnose_offset(moment: float, now: float, freshness: int, names: Sequence[str] = ()) -> Diagnosis:
    """Return the diagnosis of a curtime of `moment` at `now` of the server's clock; `names` are further mistakes."""
    replaced = replaced_time()
    if replaced is not None and abs(moment - replaced) <= freshness:
        return make_diagnosis([*names, "process_time_replaced"], moment=show_time(moment))
    offset = round(moment - floor(now))
    side = "ahead" if offset > 0 else "behind"
    if abs(abs(offset) - UTC8_OFFSET) <= freshness:
        return make_diagnosis([*names, f"curtime_eight_hours_{side}"])
    return make_diagnosis([*names, f"clock_{side}"], span=format_duration(abs(offset)))


def whole_second(text: str) -> int | None:
    """Return the second of a curtime in any known unit, or None. Spaces and quotes around it are ignored."""
    found = _NUMBER.fullmatch(text.strip(" \t\r\n\"'")) if len(text) <= MAX_LENGTH else None
    return int(found[1][:10]) if found else None


def hashed_variants(text: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield other values that may have been hashed instead of `text`: value, how it is computed, mistakes."""
    second = whole_second(text)
    if second is None or not _NUMBER.fullmatch(text):
        return
    in_seconds: tuple[str, ...] = ()
    if len(text) > 10:
        in_seconds = ("curtime_hashed_truncated" if text[10:11] in ".," else "curtime_hashed_in_seconds",)
        yield str(second), "seconds(curtime)", in_seconds
    if in_seconds != ("curtime_hashed_in_seconds",):
        milliseconds = f"{second}{text[11:14]:0<3}"
        yield milliseconds, "milliseconds(curtime)", ("curtime_hashed_in_milliseconds",)
    for seconds, name in _OFFSETS.items():
        for offset in (-seconds, seconds):
            yield str(second + offset), f"(curtime{offset:+d})", (*in_seconds, name)
