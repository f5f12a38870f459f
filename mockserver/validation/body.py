"""Holds a request body against the contract: size, content type, JSON, schema, rules. Gives violations, never an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mockserver.contract.readings import Readings
from mockserver.contract.schemas import Mismatch, Validator
from mockserver.contract.violations import Violation, make_violation, shorten
from mockserver.core.http import Request
from mockserver.validation.body_rules import RULES
from mockserver.validation.json_body import parse
from mockserver.validation.schema_messages import describe, kind_of, unknown_fields

MAX_BODY = 1_048_576
_BEGINNING = 200
_JSON_TYPE = re.compile(
    r'application/json(?:\s*;\s*charset\s*=\s*"?utf-?8"?)?\s*;?', re.ASCII | re.IGNORECASE
)


def check_body(
    request: Request, validator: Validator, readings: Readings, section: str
) -> tuple[dict[str, Any], list[Violation]]:
    """The body as the operation reads it, and all its violations in the order of the checks (contract §2).

    The body is complete and well typed when every violation is tolerated; otherwise it is what could be read.
    """
    lenient = readings["strictness"] == "lenient"
    found = _content_type(request, lenient)
    if request.overlong or len(request.body) > MAX_BODY:
        return {}, [
            *found,
            make_violation("body_too_large", "body:", expected=str(MAX_BODY), got=_size(request)),
        ]
    if not request.body.strip(b" \t\r\n"):
        return {}, [*found, make_violation("body_empty", "body:", expected="{}")]
    parsed = parse(request.body)
    found += [replace(one, tolerated=lenient and one.name == "duplicate_key") for one in parsed.violations]
    if not parsed.ok:
        got = shorten(request.body[:_BEGINNING].decode("utf-8", "replace"))
        return {}, [replace(one, got=got) if one.name == "malformed_json" else one for one in found]
    if not isinstance(parsed.value, dict):
        kind = kind_of(parsed.value)
        return {}, [
            *found,
            make_violation("not_an_object", "body:", expected="{…}", got=kind.en, got_zh=kind.zh),
        ]
    body: dict[str, Any] = parsed.value
    if not (parsed.exact and validator.accepts(body)):
        body, broken = _schema(body, validator, lenient, section)
        found += broken
    # A rule speaks only of fields that are sound themselves, so that all that can be told is told.
    wrong = {one.where for one in found if not one.tolerated}
    sound = {name: value for name, value in body.items() if f"body:/{name}" not in wrong} if wrong else body
    for rule in RULES:
        found += rule(sound, readings, section)
    return body, found


def _size(request: Request) -> str:
    return f"{request.length or len(request.body)} bytes" if request.length or request.body else "more"


def _content_type(request: Request, lenient: bool) -> list[Violation]:
    given = request.headers.get("content-type", "").strip()
    if given == "application/json" or _JSON_TYPE.fullmatch(given):
        return []
    where, expected = "header:Content-Type", "application/json"
    if not given:
        return [make_violation("content_type_missing", where, expected=expected, tolerated=lenient)]
    return [make_violation("content_type_wrong", where, expected=expected, got=given)]


def _schema(
    body: dict[str, Any], validator: Validator, lenient: bool, section: str
) -> tuple[dict[str, Any], list[Violation]]:
    mismatches = validator.mismatches(body)
    found = describe(mismatches, section)
    if not lenient:
        return body, found
    body = _forgive(body, mismatches)
    left = describe(validator.mismatches(body), section)
    return body, [replace(one, tolerated=True) for one in found if one not in left] + left


def _forgive(body: Mapping[str, Any], mismatches: list[Mismatch]) -> dict[str, Any]:
    """The body as a forgiving backend reads it: known keys only, integers and their digits taken for each other."""
    mended = dict(body)
    for mismatch in mismatches:
        value, wanted = mismatch.value, mismatch.limit
        if mismatch.keyword == "additionalProperties":
            for name in unknown_fields(mismatch):
                del mended[name]
        elif mismatch.keyword == "type" and len(mismatch.pointer) == 1:
            name = str(mismatch.pointer[0])
            if wanted == "string" and isinstance(value, int) and not isinstance(value, bool):
                mended[name] = str(value)
            elif (wanted == "integer" and isinstance(value, float) and value.is_integer()) or (
                wanted == "integer"
                and isinstance(value, str)
                and re.fullmatch(r"[0-9]{1,9}", value, re.ASCII)
            ):
                mended[name] = int(value)
    return mended
