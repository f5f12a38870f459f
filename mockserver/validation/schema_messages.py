"""Turns mismatches with a request schema into violations with texts for client developers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mockserver.contract.checking import TYPES
from mockserver.contract.schemas import Mismatch
from mockserver.contract.violations import DAY_FORMAT, SECONDS_FORMAT, Violation, explain, make_violation, shorten
from mockserver.core.suggestions import did_you_mean, similar_name
from mockserver.core.text import Text
from mockserver.core.yaml_reader import read_texts
from mockserver.validation.query import misspelling_hints

MAX_UNKNOWN = 20  # At most this many unknown fields are reported.
_RANKS = {"required": 0, "type": 1, "additionalProperties": 3}  # Missing fields, wrong ones (2), unknown ones.
_TEXTS = read_texts(Path(__file__).with_name("schema_messages.yaml"))
_TYPES: dict[str, Text] = {**TYPES, **_TEXTS["types"]}


def describe_mismatches(mismatches: list[Mismatch], section: str) -> list[Violation]:
    """Return one violation for each field and error: missing fields first, then wrong ones, then unknown ones."""
    violations: dict[tuple[str, str], Violation] = {}
    for mismatch in sorted(mismatches, key=lambda mismatch: _RANKS.get(mismatch.keyword, 2)):
        for violation in _violations(mismatch, f"{section}.4"):
            violations.setdefault((violation.error, violation.where), violation)
    return list(violations.values())


def unknown_fields(mismatch: Mismatch) -> list[str]:
    """Return the fields that the schema of an object does not list."""
    return [name for name in mismatch.value if name not in mismatch.schema.get("properties", {})]


def describe_value(value: object) -> Text:
    """Return the JSON type of a value, with the value if it is short, for use in a sentence."""
    if value is None:
        return _TYPES["null"]
    if isinstance(value, bool):
        return _text("boolean", value=str(value).lower())
    if isinstance(value, (int, float)):
        return _text("number", value=shorten(str(value)))
    if isinstance(value, str):
        return _text("string", value=shorten(value))
    return _TYPES["array" if isinstance(value, list) else "object"]


def describe_schema(schema: Mapping[str, Any]) -> Text:
    """Return what a field must be, for use in a sentence."""
    pattern, kind = str(schema.get("pattern", "")), _TYPES.get(str(schema.get("type")))
    if "{10}" in pattern:
        return SECONDS_FORMAT
    if "{8}" in pattern:
        return DAY_FORMAT
    if "enum" in schema:
        choices = ", ".join(map(str, schema["enum"]))
        return _text("typed_choice" if kind else "choice", kind=kind, choices=choices)
    if schema.get("type") == "string":
        return _text("length", size=f"{schema.get('minLength', 0)}…{schema.get('maxLength') or ''}")
    return kind or _text("other")


def _violations(mismatch: Mismatch, section: str) -> Iterable[Violation]:
    where = "body:" + "".join(f"/{part}" for part in mismatch.pointer)
    if mismatch.keyword == "required":
        return _missing_fields(mismatch, where, section)
    if mismatch.keyword == "additionalProperties":
        return _unknown_fields(mismatch, where, section)
    name = ".".join(str(part) for part in mismatch.pointer)
    texts: dict[str, Any] = {"name": name, "section": section, "expected": _expected(mismatch.schema)}
    if mismatch.keyword == "type":
        return [make_violation("wrong_type", where, got=describe_value(mismatch.value), **texts)]
    value = str(mismatch.value)
    verdict = _text("not_allowed", value=shorten(value), reason=_reason(mismatch)) if value else _text("empty")
    return [make_violation("invalid_value", where, got=value, verdict=verdict, **texts)]


def _missing_fields(mismatch: Mismatch, where: str, section: str) -> Iterator[Violation]:
    properties: Mapping[str, Any] = mismatch.schema.get("properties", {})
    missing = [name for name in properties if name not in mismatch.value]
    hints = misspelling_hints(missing, unknown_fields(mismatch)[:MAX_UNKNOWN])
    for name in mismatch.limit:
        if name not in mismatch.value:
            at, expected, hint = f"{where}/{name}", _expected(properties.get(name, {})), hints.get(name, "")
            yield make_violation("missing_field", at, expected=expected, section=section, name=name, hint=hint)


def _unknown_fields(mismatch: Mismatch, where: str, section: str) -> Iterator[Violation]:
    properties = list(mismatch.schema.get("properties", {}))
    known = [name for name in properties if name not in mismatch.value] or properties
    for name in unknown_fields(mismatch)[:MAX_UNKNOWN]:
        nearest, step = similar_name(name, known), shorten(name).replace("~", "~0").replace("/", "~1")
        yield make_violation(
            "unknown_field",
            f"{where}/{step}",
            expected=nearest or f"one of {', '.join(known)}",
            got=name,
            name=shorten(name),
            section=section,
            hint=did_you_mean(nearest),
        )


def _expected(schema: Mapping[str, Any]) -> Text:
    expected = describe_schema(schema)
    # In Chinese texts a space separates Chinese from ASCII.
    space = " " if expected.zh[0].isascii() else ""
    return Text(expected.en, f"{space}{expected.zh}")


def _reason(mismatch: Mismatch) -> Text:
    value, pattern = mismatch.value, str(mismatch.schema.get("pattern", ""))
    if isinstance(value, str) and "{10}" in pattern:
        return explain("timestamp", value)
    if isinstance(value, str) and "{8}" in pattern:
        return explain("day", value)
    reasons: dict[str, Text] = _TEXTS["reasons"]
    length = len(value) if mismatch.keyword == "maxLength" else None
    return reasons.get(mismatch.keyword, reasons["other"]).format(length=length)


def _text(name: str, **values: object) -> Text:
    text: Text = _TEXTS[name]
    return text.format(**values)
