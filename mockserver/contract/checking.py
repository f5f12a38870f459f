"""Validates a file against its schema; every problem has a position and says what would be valid."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mockserver.contract.schemas import Mismatch, Validator
from mockserver.core.documents import Document, Pointer
from mockserver.core.errors import Problem
from mockserver.core.suggestions import nearest, unknown
from mockserver.core.text import Text

_ENGLISH = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "object": "a mapping",
    "array": "a list",
    "boolean": "true or false",
    "null": "null",
}
_CHINESE = {
    "string": "字符串",
    "integer": "整数",
    "number": "数字",
    "object": "映射",
    "array": "列表",
    "boolean": "true 或 false",
    "null": "null",
}


def check_document(document: Document, validator: Validator) -> list[Problem]:
    """Return every problem of the document, with its position; empty if it is valid."""
    if validator.accepts(document.value):
        return []
    return describe_mismatches(document, validator.mismatches(document.value))


def describe_mismatches(
    document: Document, mismatches: Sequence[Mismatch], at: Pointer = ()
) -> list[Problem]:
    """Return the mismatches of the value at `at` as problems of the document, without duplicates."""
    typed = {mismatch.pointer for mismatch in mismatches if mismatch.keyword == "type"}
    problems = [
        problem
        for mismatch in mismatches
        # With a wrong type, the other mismatches of the value mean nothing.
        if mismatch.keyword == "type" or mismatch.pointer not in typed
        for problem in _problems(document, mismatch, (*at, *mismatch.pointer))
    ]
    return list(dict.fromkeys(problems))


def _problems(document: Document, mismatch: Mismatch, pointer: Pointer) -> list[Problem]:
    if mismatch.keyword == "additionalProperties" and isinstance(mismatch.value, dict):
        known = mismatch.schema.get("properties", {})
        return [
            document.problem((*pointer, name), unknown("key", name, known), key=True)
            for name in mismatch.value
            if name not in known
        ]
    return [document.problem(pointer, _text(mismatch, document.scalar_at(pointer)))]


def _text(mismatch: Mismatch, scalar: str | None) -> Text:
    """Return what is wrong and what would be valid; `scalar` is the value as written in the file. Secrets are not shown."""
    value, limit = mismatch.value, mismatch.limit
    secret = bool(mismatch.schema.get("writeOnly"))
    shown = Text("this value", "该值") if secret else Text(_short(value), _short(value))
    if mismatch.keyword == "required":
        missing = ", ".join(name for name in limit if name not in value)
        return Text(f"missing {missing}; add it", f"缺少 {missing}；请补上")
    if mismatch.keyword in ("oneOf", "anyOf") and all("required" in branch for branch in limit):
        names = ", ".join(branch["required"][0] for branch in limit)
        return Text(f"expected exactly one of {names}", f"{names} 须且只能有一项")
    if mismatch.keyword == "type":
        kinds = [limit] if isinstance(limit, str) else list(limit)
        if "string" in kinds and not isinstance(value, (str, dict, list)):
            return _quote_it(value, None if secret else scalar, secret=secret)
        wanted = " or ".join(_ENGLISH.get(kind, kind) for kind in kinds)
        wanted_zh = "或".join(_CHINESE.get(kind, kind) for kind in kinds)
        if value is None:
            return Text(f"there is no value: write {wanted}", f"此处为空：请填写{wanted_zh}")
        return Text(f"{shown.en} is not {wanted}", f"{shown.zh} 不是{wanted_zh}")
    if mismatch.keyword == "enum":
        choices = ", ".join(map(str, limit))
        hint = nearest(str(value), limit)
        return Text(
            f"{shown.en} is not one of {choices}{hint.en}", f"{shown.zh} 不在可选值中：{choices}{hint.zh}"
        )
    if mismatch.keyword in ("minItems", "minProperties"):
        return Text(f"expected at least {limit}", f"此处至少需要 {limit} 项")
    if mismatch.keyword == "maxProperties":
        names = ", ".join(value)
        return Text(f"expected at most {limit} of {names}", f"{names} 中最多只能有 {limit} 项；请选择")
    if mismatch.keyword in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"):
        side, side_zh = ("least", "最小") if "inimum" in mismatch.keyword else ("most", "最大")
        return Text(
            f"{shown.en} is out of range: at {side} {limit}",
            f"{shown.zh} 超出范围：{side_zh} {limit}",
        )
    if mismatch.keyword == "pattern":
        return Text(f"{shown.en} must match {limit}", f"{shown.zh} 须匹配 {limit}")
    if mismatch.keyword in ("minLength", "maxLength"):
        side, side_zh = ("least", "至少") if mismatch.keyword == "minLength" else ("most", "至多")
        return Text(
            f"{shown.en} has {len(value)} characters: at {side} {limit}",
            f"{shown.zh} 有 {len(value)} 个字符：{side_zh} {limit} 个",
        )
    if secret:
        return Text("this value is not allowed", "该值不符合要求")
    return Text(mismatch.message, f"不符合要求：{mismatch.message}")


def _quote_it(value: Any, scalar: str | None, *, secret: bool) -> Text:
    if value is None:
        return Text(
            "there is no value: write the text, or remove the key", "此处为空：请填写文本，或去掉该键"
        )
    if secret:
        return Text("this value must be a string: quote it", "该值须为字符串：请加引号")
    # As written in the file: 007 would come back from the parsed number as 7.
    shown = scalar if scalar is not None else json.dumps(value)
    quoted = json.dumps(shown, ensure_ascii=False)
    return Text(f"{shown} must be a string: quote it, {quoted}", f"{shown} 须为字符串：请加引号 {quoted}")


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "…"
