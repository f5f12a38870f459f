"""Turns mismatches with a request schema into violations with texts for client developers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mockserver.contract.checking import TYPES
from mockserver.contract.schemas import Mismatch
from mockserver.contract.timestamps import DAY_FORMAT, SECONDS_FORMAT, explain
from mockserver.contract.violations import Violation, make_violation, shorten
from mockserver.core.suggestions import did_you_mean, similar_name
from mockserver.core.text import Text
from mockserver.validation.query import misspelling_hints

MAX_UNKNOWN = 20  # At most this many unknown fields are reported.
_RANKS = {"required": 0, "type": 1, "additionalProperties": 3}  # Missing fields, wrong ones (2), unknown ones.
_TYPES = {
    **TYPES,
    "integer": Text("an integer", "整数"),
    "object": Text("an object", "对象"),
    "array": Text("a list", "数组"),
    "null": Text("null", "空值 null"),
}


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
        return Text(f"the boolean {str(value).lower()}", f"布尔值 {str(value).lower()}")
    if isinstance(value, (int, float)):
        return Text(f"the number {shorten(str(value))}", f"数字 {shorten(str(value))}")
    if isinstance(value, str):
        return Text(f'the string "{shorten(value)}"', f'字符串 "{shorten(value)}"')
    return _TYPES["array" if isinstance(value, list) else "object"]


def describe_schema(schema: Mapping[str, Any]) -> Text:
    """Return what a field must be, for use in a sentence."""
    pattern = str(schema.get("pattern", ""))
    if "{10}" in pattern:
        return SECONDS_FORMAT
    if "{8}" in pattern:
        return DAY_FORMAT
    if "enum" in schema:
        choices = ", ".join(str(value) for value in schema["enum"])
        kind = _TYPES.get(str(schema.get("type")))
        # "2" and 2.0 look like one of 1, 2, 3, so name the type.
        en, zh = (f"{kind.en}, ", f"{kind.zh} ") if kind else ("", "")
        return Text(f"{en}one of {choices}", f"{zh}{choices} 之一")
    if schema.get("type") == "string":
        size = f"{schema.get('minLength', 0)}…{schema.get('maxLength') or ''}"
        return Text(f"a string of {size} characters", f"{size} 个字符的字符串")
    return _TYPES.get(str(schema.get("type")), Text("what the schema says", "符合 Schema 的值"))


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
    verdict, value = Text("is empty", "为空"), str(mismatch.value)
    if value:
        reason = _reason(mismatch)
        verdict = Text(f"{shorten(value)} is not allowed: {reason.en}", f"{shorten(value)} 无效：{reason.zh}")
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
        nearest = similar_name(name, known)
        yield make_violation(
            "unknown_field",
            f"{where}/{_pointer_step(name)}",
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


def _pointer_step(name: str) -> str:
    """Return `name` as one step of a JSON pointer (RFC 6901), shortened to fit a line of text."""
    return shorten(name).replace("~", "~0").replace("/", "~1")


def _reason(mismatch: Mismatch) -> Text:
    value, pattern = mismatch.value, str(mismatch.schema.get("pattern", ""))
    if isinstance(value, str) and "{10}" in pattern:
        return explain("timestamp", value)
    if isinstance(value, str) and "{8}" in pattern:
        return explain("day", value)
    if mismatch.keyword == "minLength":
        return Text("it is too short", "过短")
    if mismatch.keyword == "maxLength":
        return Text(f"it has {len(value)} characters", f"有 {len(value)} 个字符")
    if mismatch.keyword in ("enum", "const"):
        return Text("it is not one of the allowed values", "不在可选值之内")
    return Text("it does not meet the schema", "不符合 Schema")
