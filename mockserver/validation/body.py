"""Checks a request body (§1.2, §2, §3): size, content type, JSON, schema, and rules that a schema cannot express."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from mockserver.contract.envelope import parse_flat_object
from mockserver.contract.readings import Readings
from mockserver.contract.schemas import Mismatch, Validator
from mockserver.contract.violations import Violation, format_duration, make_violation, shorten
from mockserver.core.clock import DAY_SECONDS, parse_day
from mockserver.core.http import Request
from mockserver.validation.json_body import ParsedBody, check_encoding, find_encoding, parse_json
from mockserver.validation.schema_messages import describe_mismatches, describe_value, unknown_fields

MAX_BODY = 1_048_576  # Bytes.
_MAX_SHOWN = 200
_MAX_CACHED = 1_024  # Bytes of a body whose fields are cached.
_JSON_TYPE = re.compile(r'application/json(?:\s*;\s*charset\s*=\s*"?utf-?8"?)?\s*;?', re.ASCII | re.IGNORECASE)


def check_body(
    request: Request, validator: Validator, readings: Readings, section: str
) -> tuple[dict[str, Any], list[Violation]]:
    """Return the body's fields and all its violations, in the order of the checks.

    If every violation is tolerated, the fields are complete and of the documented types; otherwise some may be missing.
    Treat them as read-only: requests with the same body share them.
    """
    lenient = readings["strictness"] == "lenient"
    violations = _check_content_type(request, lenient)
    if request.overlong or len(request.body) > MAX_BODY:
        size = request.length or len(request.body)
        got = f"{size} bytes" if size else "more"
        return {}, [*violations, make_violation("body_too_large", expected=str(MAX_BODY), got=got)]
    rules = section, readings["max_range_days"], readings["count_by_zero"]
    ordinary = _check_ordinary(request.body, validator, *rules) if len(request.body) <= _MAX_CACHED else None
    if ordinary is not None:
        fields, found = ordinary
        return fields, [*violations, *check_encoding(request.headers, None), *found]
    read, found = _read_body(request, validator, lenient, section)
    violations += found
    if read is None:
        return {}, violations
    # The rules look only at fields that are valid themselves.
    invalid = {each.where for each in violations if not each.tolerated}
    valid = {name: value for name, value in read.items() if f"body:/{name}" not in invalid}
    return read, [*violations, *_check_rules(valid, *rules)]


@functools.lru_cache(maxsize=256)
def _check_ordinary(
    body: bytes, validator: Validator, section: str, max_days: int, count_by_zero: str
) -> tuple[dict[str, Any], list[Violation]] | None:
    """Return the result for a body that is valid against the schema; None if it needs `_read_body`."""
    # Clients repeat their bodies.
    fields = parse_flat_object(body)
    if fields is None or not validator.accepts(fields):
        return None
    return fields, list(_check_rules(fields, section, max_days, count_by_zero))


def _read_body(
    request: Request, validator: Validator, lenient: bool, section: str
) -> tuple[dict[str, Any] | None, list[Violation]]:
    """Return the fields of a body and the violations of JSON and schema; None if it is not a JSON object."""
    parsed = parse_json(request.body)
    if not parsed.ok:
        return None, _explain_unreadable(request, parsed)
    violations = check_encoding(request.headers, None)
    violations += [replace(repeated, tolerated=lenient) for repeated in parsed.violations]
    if not isinstance(parsed.value, dict):
        return None, [*violations, make_violation("not_an_object", got=describe_value(parsed.value))]
    if parsed.exact and validator.accepts(parsed.value):
        return parsed.value, violations
    fields, mismatched = _check_schema(parsed.value, validator, lenient, section)
    return fields, violations + mismatched


def _explain_unreadable(request: Request, parsed: ParsedBody) -> list[Violation]:
    """Return the violations of a body that is not JSON: it is empty, encoded or malformed."""
    if not request.body.strip(b" \t\r\n"):
        return [make_violation("body_empty")]
    encoding = find_encoding(request.body)
    violations = check_encoding(request.headers, encoding)
    if encoding:
        return violations
    got = shorten(request.body[:_MAX_SHOWN].decode("utf-8", "replace"))
    return [*violations, *(replace(malformed, got=got) for malformed in parsed.violations)]


def _check_rules(fields: Mapping[str, Any], section: str, max_days: int, count_by_zero: str) -> Iterator[Violation]:
    """Yield the violations of the rules on and between valid fields: time range, calendar day, CountBy 0."""
    begin, end = fields.get("BeginTime"), fields.get("EndTime")
    if begin and end:
        seconds = int(end) - int(begin)
        if seconds < 0:
            yield make_violation("begin_after_end", expected=f"≤ {end}", got=begin, end=end, section=f"{section}.4")
        elif max_days and section != "2.2" and seconds > max_days * DAY_SECONDS:
            expected, span = str(max_days), format_duration(seconds)
            yield make_violation("range_too_large", expected=expected, got=seconds, span=span, section=f"{section}.4")
    if "QueryDate" in fields:
        try:
            parse_day(fields["QueryDate"])
        except ValueError:
            yield make_violation("no_such_day", got=fields["QueryDate"], section=f"{section}.4")
    if fields.get("CountBy") == 0 and count_by_zero == "error":
        yield make_violation("count_by_zero", got=0)


def _check_content_type(request: Request, lenient: bool) -> list[Violation]:
    given = request.headers.get("content-type", "").strip()
    if given == "application/json" or _JSON_TYPE.fullmatch(given):
        return []
    if not given:
        return [make_violation("content_type_missing", tolerated=lenient)]
    return [make_violation("content_type_wrong", got=given)]


def _check_schema(
    fields: dict[str, Any], validator: Validator, lenient: bool, section: str
) -> tuple[dict[str, Any], list[Violation]]:
    mismatches = validator.mismatches(fields)
    violations = describe_mismatches(mismatches, section)
    if not lenient:
        return fields, violations
    fields = _convert(fields, mismatches)
    remaining = describe_mismatches(validator.mismatches(fields), section)
    tolerated = [replace(each, tolerated=True) for each in violations if each not in remaining]
    return fields, tolerated + remaining


def _convert(fields: Mapping[str, Any], mismatches: list[Mismatch]) -> dict[str, Any]:
    """Return the fields as a forgiving backend reads them: without unknown ones, integers and digits converted."""
    converted = dict(fields)
    for mismatch in mismatches:
        value = mismatch.value
        if mismatch.keyword == "additionalProperties":
            for name in unknown_fields(mismatch):
                del converted[name]
        elif mismatch.keyword == "type" and len(mismatch.pointer) == 1:
            name = str(mismatch.pointer[0])
            # Timestamps and dates have a pattern; an id is text.
            if mismatch.limit == "string" and type(value) is int and "pattern" in mismatch.schema:
                converted[name] = str(value)
            elif mismatch.limit == "integer" and _is_integral(value):
                converted[name] = int(value)
    return converted


def _is_integral(value: object) -> bool:
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value, re.ASCII) is not None
