"""Reads the signed query string strictly (§1.1): each parameter once, percent-encoded UTF-8, none unknown."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from itertools import islice
from urllib.parse import unquote_to_bytes

from mockserver.contract.readings import Readings
from mockserver.contract.violations import Violation, make_violation, shorten
from mockserver.core.http import Request
from mockserver.core.text import Text
from mockserver.validation.misplaced import find_signature
from mockserver.validation.mistakes import Diagnosis

PARAMETERS = ("appkey", "identifier", "curtime", "checksum", "seq")
MAX_TOLD = 20
"""No more unknown parameters than this are told one by one."""
_NAMES = {name: name for name in PARAMETERS}
"""A name that is kept with every request is kept once."""
_EACH_ONCE = dict.fromkeys(PARAMETERS, 1)
_NO_CALL = Request("POST", "")
_BROKEN_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(slots=True)
class Query:
    """A query string, read: values by name (the first of repeated ones), and what stood there."""

    values: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    """What is no percent-encoded UTF-8, as it came; such a name has no value."""


def read_query(raw: str) -> Query:
    """The parameters of a raw query string; nothing is refused, nothing is guessed."""
    query = Query()
    plain = "%" not in raw and "+" not in raw and raw.isascii()
    for piece in raw.split("&"):
        if not piece:
            continue
        raw_name, _, raw_value = piece.partition("=")
        name, value = (raw_name, raw_value) if plain else (_decode(raw_name), _decode(raw_value))
        key = shorten(raw_name) if name is None else _NAMES.get(name, name)
        query.counts[key] = query.counts.get(key, 0) + 1
        if name is None or value is None:
            query.broken[key] = raw_value
        else:
            query.values.setdefault(key, value)
    return query


def check_query(query: Query, readings: Readings, request: Request = _NO_CALL) -> list[Violation]:
    """Every documented parameter is there exactly once and can be decoded, and there is no other (§1.1.1).

    For a signature that is not there, `call` is looked into: it may be somewhere else.
    """
    if query.counts == _EACH_ONCE and not query.broken:
        return []
    found = _missing(query, readings, request)
    known = [name for name in query.counts if name in _EACH_ONCE]
    for name in (*known, *islice((name for name in query.counts if name not in _EACH_ONCE), MAX_TOLD)):
        count = query.counts[name]
        where, shown = f"query:{shorten(name)}", shorten(name)
        if count > 1:
            found.append(
                make_violation(
                    "repeated_parameter", where, expected="once", got=count, name=shown, count=count
                )
            )
        if name in query.broken:
            got = query.broken[name].encode("ascii", "backslashreplace").decode()
            found.append(
                make_violation(
                    "undecodable_parameter", where, expected="percent-encoded UTF-8", got=got, name=shown
                )
            )
        if name not in _EACH_ONCE:
            found.append(_unknown(name, where, query, readings))
    return found


def _missing(query: Query, readings: Readings, request: Request) -> list[Violation]:
    names = [name for name in PARAMETERS if name not in query.counts]
    if readings["seq"] == "optional":
        names = [name for name in names if name != "seq"]
    said = find_signature(request, query.counts, query.values.values()) if names else None
    # An undocumented parameter stands for the one it looks most like.
    unknown = islice((name for name in query.counts if name not in _EACH_ONCE), MAX_TOLD)
    sent = {_nearest(name, query): name for name in reversed(list(unknown))}
    return [
        make_violation(
            "missing_parameter",
            f"query:{name}",
            expected=name,
            diagnosis=said.name if said else "",
            name=name,
            hint=hint.en,
            hint_zh=hint.zh,
        )
        for name in names
        for hint in [_hint(said, sent.get(name, ""))]
    ]


def _hint(said: Diagnosis | None, sent: str) -> Text:
    """Where a parameter that is missing may be."""
    if said:
        return Text(f": {said.text.en}", f"：{said.text.zh}")
    if sent:
        return Text(f" (you sent {shorten(sent)})", f"（发送的是 {shorten(sent)}）")
    return Text("; add it to the URL", "；请加到 URL 中")


def _nearest(name: str, query: Query) -> str:
    """The missing parameter that looks most like `name`; empty when none does."""
    missing = [other for other in PARAMETERS if other not in query.counts]
    near = difflib.get_close_matches(name.lower()[:32].replace("_", ""), missing, n=1, cutoff=0.6)
    return near[0] if near else ""


def _unknown(name: str, where: str, query: Query, readings: Readings) -> Violation:
    near = _nearest(name, query)
    return make_violation(
        "unknown_parameter",
        where,
        expected=near or f"one of {', '.join(PARAMETERS)}",
        got=name,
        name=shorten(name),
        tolerated=readings["strictness"] == "lenient",
        hint=f" (did you mean {near}?)" if near else "",
        hint_zh=f"（是否为 {near}？）" if near else "",
    )


def _decode(raw: str) -> str | None:
    """One name or value without its percent-encoding; None when it is no UTF-8."""
    if _BROKEN_PERCENT.search(raw):
        return None
    try:
        return unquote_to_bytes(raw.replace("+", " ").encode("latin-1")).decode("utf-8")
    except UnicodeError:
        return None
