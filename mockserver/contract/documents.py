"""Holds a file of ours or of a user's against its schema and says, with line and column, what would be right."""

from __future__ import annotations

import difflib
import json
from typing import Any

from mockserver.contract.schemas import Mismatch, Validator
from mockserver.data import Document
from mockserver.errors import Problem
from mockserver.messages import Text

_ENGLISH = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "object": "a mapping",
    "array": "a list",
    "boolean": "true or false",
    "null": "null",
}
_CHINESE = {
    "string": "文本",
    "integer": "整数",
    "number": "数字",
    "object": "映射",
    "array": "列表",
    "boolean": "true 或 false",
    "null": "null",
}


def check_document(document: Document, validator: Validator) -> list[Problem]:
    """Every departure of a document from its schema, each at its place; empty when there is none."""
    if validator.accepts(document.value):
        return []
    return [
        problem
        for mismatch in validator.mismatches(document.value)
        for problem in _problems(document, mismatch)
    ]


def nearest(word: str, known: Any) -> Text:
    """A hint at what somebody who wrote `word` may have meant, or nothing."""
    near = difflib.get_close_matches(str(word)[:64], [str(one) for one in known], n=1, cutoff=0.6)
    return Text(f"; did you mean {near[0]}?", f"；是否为 {near[0]}？") if near else Text("", "")


def _problems(document: Document, mismatch: Mismatch) -> list[Problem]:
    pointer = mismatch.pointer
    if mismatch.keyword == "additionalProperties" and isinstance(mismatch.value, dict):
        known = mismatch.schema.get("properties", {})
        problems = []
        for name in mismatch.value:
            if name not in known:
                hint = nearest(name, known)
                words = ", ".join(known)
                text = Text(f"unknown key {name!r}{hint.en or f'; known here: {words}'}",
                            f"未知的键 {name!r}{hint.zh or f'；此处可用：{words}'}")  # fmt: skip
                problems.append(document.problem((*pointer, name), text, key=True))
        return problems
    return [document.problem(pointer, _text(mismatch))]


def _text(mismatch: Mismatch) -> Text:
    value, limit = mismatch.value, mismatch.limit
    if mismatch.keyword == "required":
        missing = ", ".join(name for name in limit if name not in value)
        return Text(f"missing {missing}; add it", f"缺少 {missing}；请补上")
    if mismatch.keyword in ("oneOf", "anyOf") and all("required" in branch for branch in limit):
        names = ", ".join(branch["required"][0] for branch in limit)
        return Text(f"exactly one of {names} must stand here", f"{names} 须且只能有一项")
    if mismatch.keyword == "type":
        kinds = [limit] if isinstance(limit, str) else list(limit)
        if "string" in kinds and not isinstance(value, (str, dict, list)):
            quoted = json.dumps(str(value) if not isinstance(value, bool) else str(value).lower())
            return Text(
                f"{value!r} is no text here: quote it, {quoted}",
                f"此处 {value!r} 不是文本：请加引号 {quoted}",
            )
        return Text(
            f"{_short(value)} is not {' or '.join(_ENGLISH.get(kind, kind) for kind in kinds)}",
            f"{_short(value)} 不是{'或'.join(_CHINESE.get(kind, kind) for kind in kinds)}",
        )
    if mismatch.keyword == "enum":
        words = ", ".join(str(one) for one in limit)
        hint = nearest(str(value), limit)
        return Text(
            f"{_short(value)} is none of {words}{hint.en}", f"{_short(value)} 不在可选值中：{words}{hint.zh}"
        )
    if mismatch.keyword in ("minItems", "minProperties"):
        return Text(f"at least {limit} must stand here", f"此处至少需要 {limit} 项")
    if mismatch.keyword == "maxProperties":
        names = ", ".join(value)
        return Text(
            f"at most {limit} of {names} may stand here; choose", f"{names} 中最多只能有 {limit} 项；请选择"
        )
    if mismatch.keyword in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"):
        side, side_zh = ("least", "最小") if "inimum" in mismatch.keyword else ("most", "最大")
        return Text(
            f"{_short(value)} is out of range: at {side} {limit}",
            f"{_short(value)} 超出范围：{side_zh} {limit}",
        )
    if mismatch.keyword == "pattern":
        return Text(f"{_short(value)} must match {limit}", f"{_short(value)} 须匹配 {limit}")
    return Text(mismatch.message, mismatch.message)


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "…"
