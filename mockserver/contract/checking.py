"""Validates a file against its schema; every problem has a position and says what would be valid."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mockserver.contract.schemas import Mismatch, Validator
from mockserver.core.documents import Document, Pointer
from mockserver.core.errors import Problem
from mockserver.core.suggestions import nearest, unknown
from mockserver.core.text import Text
from mockserver.core.yaml_reader import read_yaml

TEXTS = {name: Text(**row) for name, row in read_yaml(Path(__file__).with_name("mismatches.yaml")).value.items()}
_TYPES = {
    "string": Text("a string", "字符串"),
    "integer": Text("a whole number", "整数"),
    "number": Text("a number", "数字"),
    "object": Text("a mapping", "映射"),
    "array": Text("a list", "列表"),
    "boolean": Text("true or false", "true 或 false"),
    "null": Text("null", "null"),
}


def check_document(document: Document, validator: Validator) -> list[Problem]:
    """Return every problem of the document, with its position; empty if it is valid."""
    if validator.accepts(document.value):
        return []
    return describe_mismatches(document, validator.mismatches(document.value))


def describe_mismatches(document: Document, mismatches: Sequence[Mismatch], at: Pointer = ()) -> list[Problem]:
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
    keyword, value, limit = mismatch.keyword, mismatch.value, mismatch.limit
    secret = bool(mismatch.schema.get("writeOnly"))
    if keyword == "type" and "string" in limit and not isinstance(value, (str, dict, list)):
        return _quote_it(value, scalar, secret=secret)
    if keyword == "type" and value is None:
        keyword = "empty"
    elif keyword not in TEXTS or (keyword in ("oneOf", "anyOf") and not all("required" in branch for branch in limit)):
        keyword = "secret" if secret else "other"
    return TEXTS[keyword].format(
        shown=Text("this value", "该值") if secret else _short(value),
        limit=limit,
        names=", ".join(_names(keyword, value, limit)),
        count=len(value) if isinstance(value, str) else 0,
        wanted=_wanted(limit) if mismatch.keyword == "type" else "",
        hint=nearest(str(value), limit) if keyword == "enum" else "",
        message=mismatch.message,
    )


def _names(keyword: str, value: Any, limit: Any) -> Iterable[str]:
    """Return the names that the text of the keyword lists."""
    if keyword == "required":
        return (name for name in limit if name not in value)
    if keyword in ("oneOf", "anyOf"):
        return (branch["required"][0] for branch in limit)
    return map(str, {"enum": limit, "maxProperties": value}.get(keyword, ()))


def _wanted(limit: str | Sequence[str]) -> Text:
    kinds = [_TYPES[kind] for kind in ([limit] if isinstance(limit, str) else limit)]
    return Text(" or ".join(kind.en for kind in kinds), "或".join(kind.zh for kind in kinds))


def _quote_it(value: Any, scalar: str | None, *, secret: bool) -> Text:
    if value is None or secret:
        return TEXTS["empty text" if value is None else "unquoted secret"]
    # As written in the file: 007 would come back from the parsed number as 7.
    shown = scalar if scalar is not None else json.dumps(value)
    return TEXTS["unquoted"].format(shown=shown, quoted=json.dumps(shown, ensure_ascii=False))


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "…"
