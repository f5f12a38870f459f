"""What is wrong with a curtime, and which other curtime a client may have hashed; knows no keys and no checksum."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from math import floor

from mockserver.contract.timestamps import format_duration
from mockserver.core.clock import UTC8_OFFSET
from mockserver.validation.mistakes import Diagnosis, tell
from mockserver.validation.words import is_unset

_SINCE_2001 = 978_307_200
_NEAR = 900
"""A clock this close to a time zone's shift is taken for the shift, not for a wrong clock."""
_DATE = re.compile(
    r"[0-9]{4}[-/年][0-9]{1,2}[-/月][0-9]{1,2}.*|20[0-9]{6}(?:[0-9]{6}|[0-9]{4}|T[0-9]{4,6}.*)?"
    r"|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun).*[0-9]{2}:[0-9]{2}.*|[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}.*"
    r"|[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?: ?[AP]M)?",
    re.ASCII | re.IGNORECASE | re.DOTALL,
)
_NUMBER = re.compile(r"([0-9]{10}|[0-9]{13}|[0-9]{16}|[0-9]{19})(?:[.,]([0-9]*))?", re.ASCII)
_EXPONENT = re.compile(r"[0-9](?:\.[0-9]{1,20})?[eE]\+?(?:0?9|1[0-8])", re.ASCII)
_UNITS = {13: "curtime_milliseconds", 16: "curtime_microseconds", 19: "curtime_nanoseconds"}
_LONGEST = 100


def diagnose_curtime(text: str, now: float, freshness: int = 300) -> Diagnosis | None:
    """What is wrong with `curtime` as text or as a moment, seen at `now`; None when it is fine and fresh (§1.1.2)."""
    if len(text) > _LONGEST:
        return tell(["curtime_no_number"])
    names, plain = _stripped(text)
    if not plain.strip():
        return tell(["curtime_empty"])
    if plain == "123456789":
        return tell([*names, "curtime_sample"])
    if found := _NUMBER.fullmatch(plain):
        digits, fraction = found[1], found[2]
        seconds = _seconds(digits)
        names += (_UNITS[len(digits)],) if len(digits) > 10 else ()
        names += ("curtime_fraction",) if fraction is not None else ()
        return _moment(names, seconds, now, freshness)
    return tell([*names, *_form(plain, now)], digits=len(plain))


def whole_second(text: str) -> int | None:
    """The whole second that a curtime means, in whatever unit or decoration it came; None when it means none."""
    exact = _exact(text)
    return None if exact is None else floor(exact)


def hashed_variants(text: str, now: float) -> Iterator[tuple[str, str | int, tuple[str, ...]]]:
    """Other curtimes that may have been hashed than `text`: value, how to write it down, names of the mistakes."""
    exact = _exact(text)
    if exact is None:
        return
    second = floor(exact)
    fine: tuple[str, ...] = ()
    if text != str(second):
        fine = (_finer(text),)
        yield str(second), "seconds(curtime)", fine
        if round(exact) != second:
            yield str(round(exact)), "round(curtime)", ("curtime_hashed_rounded",)
        if "." in text:
            yield str(round(exact * 1_000)), "milliseconds(curtime)", ("curtime_hashed_in_milliseconds",)
    for off in (-1, 1, -2, 2):
        name = "curtime_off_by_one" if abs(off) == 1 else "curtime_off_by_two"
        yield str(second + off), off, (*fine, name)
    for off in (-UTC8_OFFSET, UTC8_OFFSET):
        yield str(second + off), off, (*fine, "curtime_eight_hours_off")
    if len(text) != 13:
        yield f"{second}000", "(curtime*1000)", ("curtime_hashed_in_milliseconds",)
    if len(text) == 10:
        yield f"{second}000000", "(curtime*1000000)", ("curtime_hashed_in_milliseconds",)
    yield f"{second}.0", '(curtime+".0")', ("curtime_hashed_with_fraction",)
    if abs(now - second) > 30:
        for at in (floor(now), floor(now) - 1):
            yield str(at), "now", ("curtime_stale_in_url",)


def _exact(text: str) -> float | None:
    if len(text) > _LONGEST:
        return None
    _, plain = _stripped(text)
    if found := _NUMBER.fullmatch(plain):
        return _seconds(found[1]) + (float(f"0.{found[2]}") if found[2] and len(found[1]) == 10 else 0.0)
    return float(plain) if _EXPONENT.fullmatch(plain) else None


def _seconds(digits: str) -> float:
    """Seconds from 10, 13, 16 or 19 digits."""
    return int(digits) / float(10 ** (len(digits) - 10))


def _finer(text: str) -> str:
    """The name for `text` when its whole second was hashed."""
    if re.fullmatch(r"[0-9]{10}\.[0-9]*", text, re.ASCII):
        return "curtime_hashed_truncated"
    return (
        "curtime_hashed_in_seconds"
        if re.fullmatch(r"[0-9]{11,}(\.[0-9]*)?", text, re.ASCII)
        else "curtime_hashed_plain"
    )


def _stripped(text: str) -> tuple[tuple[str, ...], str]:
    """The text without decoration, and the names of what was taken off."""
    steps: tuple[tuple[str, Callable[[str], str]], ...] = (
        ("curtime_blanks", str.strip),
        ("curtime_quotes", lambda word: re.sub(r"\A[\"'`“”‘’](.*)[\"'`“”‘’]\Z", r"\1", word)),
        ("curtime_full_width", _ascii_digits),
        ("curtime_signed", lambda word: word[1:] if re.match(r"\+[0-9]", word, re.ASCII) else word),
        ("curtime_grouped", lambda word: re.sub(r"[ ,_']", "", word) if _GROUPED.fullmatch(word) else word),
        ("curtime_suffixed", lambda word: re.sub(r"\A([0-9]{9,})(?:[lLuUnfFdD]{1,2}| ?m?s)\Z", r"\1", word)),
        ("curtime_leading_zeros", lambda word: re.sub(r"\A0+(?=[1-9][0-9]{9}(?:\.|\Z))", "", word)),
    )
    names: tuple[str, ...] = ()
    for name, step in steps:
        after = step(text)
        if after != text:
            names, text = (*names, name), after
    return names, text


_GROUPED = re.compile(r"[0-9]{1,3}(?:[ ,_'][0-9]{3})+", re.ASCII)


def _ascii_digits(word: str) -> str:
    """Digits of any script as 0-9."""
    if word.isascii():
        return word
    folded = (
        str(unicodedata.decimal(one)) if unicodedata.decimal(one, None) is not None else one for one in word
    )
    return unicodedata.normalize("NFKC", "".join(folded))


def _form(plain: str, now: float) -> tuple[str, ...]:
    """What a text is that is no count of seconds, milliseconds, micro- or nanoseconds."""
    if is_unset(plain):
        return ("curtime_never_set",)
    if re.fullmatch(r"-[0-9.]+", plain, re.ASCII):
        return ("curtime_negative",)
    if _EXPONENT.fullmatch(plain):
        return ("curtime_exponent",)
    if _DATE.fullmatch(plain):
        return ("curtime_date",)
    if re.fullmatch(r"0[xX][0-9A-Fa-f]{1,16}|(?=.*[A-Fa-f])[0-9A-Fa-f]{8}", plain, re.ASCII):
        return ("curtime_hex",)
    if not re.fullmatch(r"[0-9]+", plain, re.ASCII):
        return ("curtime_no_number",)
    if len(plain) <= 9 and abs(int(plain) + _SINCE_2001 - now) < 86_400 * 366:
        return ("curtime_since_2001",)
    return ("curtime_ticks",) if len(plain) == 18 and plain[0] in "16" else ("curtime_digits",)


def _moment(names: tuple[str, ...], seconds: float, now: float, freshness: int) -> Diagnosis | None:
    """The diagnosis of a readable moment: its form when that is wrong, and how far it is off."""
    off = round(seconds - floor(now))
    if abs(off) <= freshness:
        return tell(names) if names else None
    for ahead, name in (
        (UTC8_OFFSET, "curtime_eight_hours_ahead"),
        (-UTC8_OFFSET, "curtime_eight_hours_behind"),
    ):
        if abs(off - ahead) <= freshness:
            return tell([*names, name])
    half_hours = round(off / 1_800)
    if 2 <= abs(half_hours) <= 28 and abs(off - half_hours * 1_800) <= min(freshness, _NEAR // 30):
        return tell([*names, "curtime_time_zone"], hours=half_hours / 2)
    told = format_duration(abs(off))
    return tell([*names, "clock_ahead" if off > 0 else "clock_behind"], span=told.en, span_zh=told.zh)
