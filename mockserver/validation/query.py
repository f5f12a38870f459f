"""Checks the target of a request: path and method (§1.1, §1.2), and the signed query string (§1.1.1).

The query has each documented parameter exactly once, percent-encoded UTF-8, and no others.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from urllib.parse import unquote_to_bytes

from mockserver.contract.operations import PATHS, PREFIX, Operation, nearest_operation
from mockserver.contract.readings import Readings
from mockserver.contract.violations import Violation, make_violation, shorten
from mockserver.core.http import Request
from mockserver.core.suggestions import did_you_mean, similar_name
from mockserver.core.text import Text
from mockserver.validation.mistakes import Diagnosis, make_diagnosis

PARAMETERS = ("appkey", "identifier", "curtime", "checksum", "seq")
MAX_UNKNOWN = 20  # At most this many unknown parameters are reported.
_NAMES = frozenset(PARAMETERS)
_EACH_ONCE = dict.fromkeys(PARAMETERS, 1)
_BROKEN_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SIGNATURE_NAMES = frozenset(("checksum", "curtime", "appkey"))  # Parameters whose names are used for nothing else.
_MAX_SCANNED = 65_536
_IN_BODY = re.compile(r"(?:^|[\"'&{,\s])(checksum|curtime|appkey)[\"']?\s*[=:]", re.IGNORECASE)


@dataclass(slots=True)
class Query:
    """A parsed query string. Treat it as read-only: requests with the same query string share it."""

    values: dict[str, str] = field(default_factory=dict)
    """Decoded values by name; the first one of a repeated parameter."""
    counts: dict[str, int] = field(default_factory=dict)  # How often each parameter is given.
    broken: dict[str, str] = field(default_factory=dict)
    """Raw values that are not percent-encoded UTF-8. These have no entry in `values`."""


def read_query(raw: str) -> Query:
    """Parse a raw query string. Never fails: what cannot be decoded is listed in `broken`."""
    plain = "%" not in raw and "+" not in raw and raw.isascii()
    pieces = raw.split("&")
    if plain and len(pieces) == len(PARAMETERS):
        # Nearly every request: each parameter once.
        try:
            values = dict([piece.split("=", 1) for piece in pieces])  # Faster than a comprehension.
        except ValueError:
            values = {}  # A parameter has no `=`.
        if values.keys() == _NAMES:
            return Query(values, _EACH_ONCE, {})
    query = Query()
    for piece in pieces:
        if not piece:
            continue
        raw_name, _, raw_value = piece.partition("=")
        name, value = (raw_name, raw_value) if plain else (_decode(raw_name), _decode(raw_value))
        key = shorten(raw_name) if name is None else name
        query.counts[key] = query.counts.get(key, 0) + 1
        if name is None or value is None:
            query.broken[key] = raw_value
        else:
            query.values.setdefault(key, value)
    return query


def check_target(request: Request, readings: Readings) -> tuple[Operation | None, list[Violation]]:
    """Return the operation that the path names, if any, and the violations of path and method."""
    violations = []
    operation, exact = PATHS.get(request.path, (None, False))
    if operation is None:
        nearest = nearest_operation(request.path)
        hint = Text(f"; the six operations are under {PREFIX}", f"；六个接口均在 {PREFIX} 下")
        if nearest:
            hint = Text(f"; did you mean {nearest.path}?", f"；是否为 {nearest.path}？")
        violations.append(make_violation("unknown_path", got=request.path, hint=hint))
    elif not exact:
        tolerated = readings["paths"] == "document"
        wrong = make_violation("path_variant", expected=operation.path, got=request.path, tolerated=tolerated)
        violations.append(wrong)
    if request.method != "POST":
        violations.append(make_violation("wrong_method", got=request.method))
    return operation, violations


def check_query(query: Query, readings: Readings, request: Request | None = None) -> list[Violation]:
    """Return the violations of §1.1.1: missing, repeated, undecodable and unknown parameters.

    If the signature is missing and `request` is given, its headers and body are searched for it.
    """
    if query.counts is _EACH_ONCE or (query.counts == _EACH_ONCE and not query.broken):
        return []
    violations = list(_check_missing(query, readings, request))
    documented = [name for name in query.counts if name in _EACH_ONCE]
    for name in (*documented, *_unknown_names(query)):
        count = query.counts[name]
        where, shown = f"query:{shorten(name)}", shorten(name)
        if count > 1:
            violations.append(make_violation("repeated_parameter", where, got=count, name=shown))
        if name in query.broken:
            got = query.broken[name].encode("ascii", "backslashreplace").decode()
            violations.append(make_violation("undecodable_parameter", where, got=got, name=shown))
        if name not in _EACH_ONCE:
            near = similar_name(name, [other for other in PARAMETERS if other not in query.counts])
            violations.append(
                make_violation(
                    "unknown_parameter",
                    where,
                    expected=near or f"one of {', '.join(PARAMETERS)}",
                    got=name,
                    name=shown,
                    tolerated=readings["strictness"] == "lenient",
                    hint=did_you_mean(near),
                )
            )
    return violations


def find_signature(request: Request, given: Collection[str]) -> Diagnosis | None:
    """Return where the signature parameters missing in `given`, the names in the query, are; None if not found."""
    missing = _SIGNATURE_NAMES.difference(given)
    if not missing:
        return None
    headers = {re.sub(r"[-_.]", "", name).removeprefix("x") for name in request.headers}
    if missing & headers:
        return make_diagnosis(["signature_in_headers"])
    body = request.body[:_MAX_SCANNED].decode("latin-1")
    if any(found[1].lower() in missing for found in _IN_BODY.finditer(body)):
        return make_diagnosis(["signature_in_body"])
    return None


def misspelling_hints(missing: Collection[str], unknown: Sequence[str]) -> dict[str, Text]:
    """Return the hint ` (you sent NAME)` for each missing name that an unknown one resembles."""
    # An unknown name counts as a misspelling of one missing name only; the first one wins.
    sent = {similar_name(name, missing): shorten(name) for name in reversed(unknown)}
    return {name: Text(f" (you sent {shown})", f"（发送的是 {shown}）") for name, shown in sent.items()}


def _check_missing(query: Query, readings: Readings, request: Request | None) -> Iterator[Violation]:
    missing = [name for name in PARAMETERS if name not in query.counts]
    if readings["seq"] == "optional":
        missing = [name for name in missing if name != "seq"]
    if not missing:
        return
    elsewhere = find_signature(request, query.counts) if request else None
    misspelled = misspelling_hints(missing, _unknown_names(query))
    for name in missing:
        hint = misspelled.get(name, Text("; add it to the URL", "；请加到 URL 中"))
        if elsewhere:
            hint = Text(f": {elsewhere.text.en}", f"：{elsewhere.text.zh}")
        where, diagnosis = f"query:{name}", elsewhere.name if elsewhere else ""
        yield make_violation("missing_parameter", where, expected=name, diagnosis=diagnosis, name=name, hint=hint)


def _unknown_names(query: Query) -> list[str]:
    return list(islice((name for name in query.counts if name not in _EACH_ONCE), MAX_UNKNOWN))


def _decode(raw: str) -> str | None:
    """Return a name or value without its percent-encoding, or None if it is not UTF-8."""
    if _BROKEN_PERCENT.search(raw):
        return None
    try:
        return unquote_to_bytes(raw.replace("+", " ").encode("latin-1")).decode("utf-8")
    except UnicodeError:
        return None
