"""Turns a departure from a request schema into a violation that a client developer understands at once."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from mockserver.contract.schemas import Mismatch
from mockserver.contract.timestamps import DAY_FORMAT, SECONDS_FORMAT, explain_day, explain_timestamp
from mockserver.contract.violations import Violation, make_violation, shorten
from mockserver.core.text import Text

MAX_TOLD = 20
"""No more unknown fields than this are told one by one."""
_ORDER = ("required", "type", "const", "enum", "pattern", "minLength", "maxLength", "additionalProperties")
_TYPES = {
    "string": Text("a string", "字符串"),
    "integer": Text("an integer", "整数"),
    "number": Text("a number", "数字"),
    "object": Text("an object", "对象"),
    "array": Text("a list", "数组"),
    "boolean": Text("true or false", "true 或 false"),
    "null": Text("null", "null"),
}


def describe(mismatches: list[Mismatch], section: str) -> list[Violation]:
    """One violation for each field and kind of mistake: missing fields first, then wrong, then unknown ones."""
    found: dict[tuple[str, str], Violation] = {}
    for mismatch in sorted(mismatches, key=_rank):
        for one in _violations(mismatch, f"{section}.4"):
            found.setdefault((one.error, one.where), one)
    return list(found.values())


def unknown_fields(mismatch: Mismatch) -> list[str]:
    """The keys that a closed object does not know."""
    return [name for name in mismatch.value if name not in mismatch.schema.get("properties", {})]


def kind_of(value: object) -> Text:
    """The JSON type of `value` for a sentence."""
    if value is None:
        return _TYPES["null"]
    if isinstance(value, bool):
        return Text(f"the boolean {str(value).lower()}", f"布尔值 {str(value).lower()}")
    if isinstance(value, (int, float)):
        return Text(f"the number {shorten(str(value))}", f"数字 {shorten(str(value))}")
    if isinstance(value, str):
        return Text(f'the string "{shorten(value)}"', f'字符串 "{shorten(value)}"')
    return _TYPES["array" if isinstance(value, list) else "object"]


def expected_of(schema: Mapping[str, Any]) -> Text:
    """What a field wants, in a few words."""
    pattern = str(schema.get("pattern", ""))
    if "{10}" in pattern:
        return SECONDS_FORMAT
    if "{8}" in pattern:
        return DAY_FORMAT
    if "enum" in schema:
        words = ", ".join(str(value) for value in schema["enum"])
        kind = _TYPES.get(str(schema.get("type")))
        # "2" and 2.0 look like one of 1, 2, 3: the type has to be said.
        en, zh = (f"{kind.en}, ", f"{kind.zh} ") if kind else ("", "")
        return Text(f"{en}one of {words}", f"{zh}{words} 之一")
    if schema.get("type") == "string":
        least, most = schema.get("minLength", 0), schema.get("maxLength")
        size = f"{least}…{most}" if most else f"{least}…"
        return Text(f"a string of {size} characters", f"{size} 个字符的字符串")
    return _TYPES.get(str(schema.get("type")), Text("what the schema says", "符合 Schema 的值"))


def _rank(mismatch: Mismatch) -> int:
    return _ORDER.index(mismatch.keyword) if mismatch.keyword in _ORDER else len(_ORDER) - 1


def _violations(mismatch: Mismatch, section: str) -> list[Violation]:
    properties: Mapping[str, Any] = mismatch.schema.get("properties", {})
    base = "body:" + "".join(f"/{part}" for part in mismatch.pointer)
    if mismatch.keyword == "required":
        missing = [name for name in properties if name not in mismatch.value]
        # An unknown field stands for the one it looks most like.
        sent = {_nearest(name, missing): name for name in reversed(unknown_fields(mismatch)[:MAX_TOLD])}
        return [
            _missing(
                name, f"{base}/{name}", expected_of(properties.get(name, {})), section, sent.get(name, "")
            )
            for name in mismatch.limit
            if name not in mismatch.value
        ]
    if mismatch.keyword == "additionalProperties":
        missing = [name for name in properties if name not in mismatch.value]
        return [
            _unknown(name, base, missing or list(properties), section)
            for name in unknown_fields(mismatch)[:MAX_TOLD]
        ]
    name = ".".join(str(part) for part in mismatch.pointer)
    expected = expected_of(mismatch.schema)
    words: dict[str, Any] = {"name": name, "section": section, **_expecting(expected)}
    if mismatch.keyword == "type":
        got = kind_of(mismatch.value)
        return [make_violation("wrong_type", base, got=got.en, got_zh=got.zh, **words)]
    verdict, got_text = _verdict(mismatch), str(mismatch.value)
    return [
        make_violation(
            "invalid_value", base, got=got_text, verdict=verdict.en, verdict_zh=verdict.zh, **words
        )
    ]


def _expecting(expected: Text) -> dict[str, str]:
    """What is expected, for the texts of a violation: a blank parts Chinese from what is not."""
    return {"expected": expected.en, "expected_zh": f"{' ' if expected.zh[0].isascii() else ''}{expected.zh}"}


def _verdict(mismatch: Mismatch) -> Text:
    """What is said of a value that is not allowed."""
    if mismatch.value == "":
        return Text("is empty", "为空")
    shown, reason = shorten(str(mismatch.value)), _reason(mismatch)
    return Text(f"{shown} is not allowed: {reason.en}", f"{shown} 无效：{reason.zh}")


def _step(name: str) -> str:
    """`name` as one step of a JSON pointer (RFC 6901), fit for a line of text."""
    return shorten(name).replace("~", "~0").replace("/", "~1")


def _missing(name: str, where: str, expected: Text, section: str, sent: str) -> Violation:
    words: dict[str, Any] = _expecting(expected)
    if sent:
        words |= {"hint": f" (you sent {shorten(sent)})", "hint_zh": f"（发送的是 {shorten(sent)}）"}
    return make_violation("missing_field", where, name=name, section=section, **words)


def _nearest(name: str, others: list[str]) -> str:
    """The one of some names that looks most like `name`; empty when none does."""
    folded = {other.lower().replace("_", ""): other for other in others[:50] if len(other) <= 64}
    near = difflib.get_close_matches(name.lower().replace("_", "")[:64], folded, n=1, cutoff=0.6)
    return folded[near[0]] if near else ""


def _unknown(name: str, base: str, known: list[str], section: str) -> Violation:
    hint, hint_zh = "", ""
    if meant := _nearest(name, known):
        hint, hint_zh = f" (did you mean {meant}?)", f"（是否为 {meant}？）"
    return make_violation(
        "unknown_field",
        f"{base}/{_step(name)}",
        expected=meant or f"one of {', '.join(known)}",
        got=name,
        name=shorten(name),
        section=section,
        hint=hint,
        hint_zh=hint_zh,
    )


def _reason(mismatch: Mismatch) -> Text:
    value = mismatch.value
    pattern = str(mismatch.schema.get("pattern", ""))
    if isinstance(value, str) and "{10}" in pattern:
        return explain_timestamp(value)
    if isinstance(value, str) and "{8}" in pattern:
        return explain_day(value)
    if mismatch.keyword == "minLength":
        return Text("it is too short", "过短")
    if mismatch.keyword == "maxLength":
        return Text(f"it has {len(value)} characters", f"有 {len(value)} 个字符")
    if mismatch.keyword in ("enum", "const"):
        return Text("there is no such choice", "没有这个选项")
    return Text("it does not meet the schema", "不符合 Schema")
