"""Validates a file against its schema; every problem has a position and says what would be valid."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mockserver.contract.schemas import Mismatch, Validator
from mockserver.core.documents import Document, Pointer
from mockserver.core.errors import Mistake, Mistakes, Problem
from mockserver.core.suggestions import closest, full_width_hint, nearest, unknown
from mockserver.core.text import Text
from mockserver.core.yaml_reader import read_texts

_FILE = read_texts(Path(__file__).with_name("mismatches.yaml"))
TYPES: dict[str, Text] = _FILE["types"]
LIMITS: dict[str, Text] = _FILE["limits"]
TEXTS: dict[str, Text] = _FILE["mismatches"]
_INCOMPLETE = ("required", "oneOf", "anyOf", "minItems")
"""Keywords about what a value must contain, not about what it may contain."""
_IDS = ("RoomId", "UserId")
_QUOTES = "“”＂‘’＇"
_COMPARED = {
    *("RoomId", "UserId", "BeginTime", "EndTime", "QueryDate", "network", "country", "province", "city"),
    *("appkey", "appsecret", "restapikey", "identifiers", "identifier", "curtime", "checksum", "seq"),
    "matches",
}  # The keys of texts that are compared rather than displayed.


def check_document(document: Document, validator: Validator, problems: list[Problem]) -> Document:
    """Add every mistake of the document to `problems`; return it without the parts that are wrong.

    The rest can be checked further, so that one mistake does not hide the others. Parts may be incomplete only in
    `answers`, because most keys of a rule are independent of each other. A room or user keeps its parts under a
    placeholder id.
    """
    mismatches = [] if validator.accepts(document.value) else validator.mismatches(document.value)
    described = describe_mismatches(document, mismatches)
    places = {(problem.line, problem.column) for problem in described}
    quoted = (document.problem(at, TEXTS["quotes"]) for at in _in_full_width_quotes(document.value))
    problems += [*described, *(problem for problem in quoted if (problem.line, problem.column) not in places)]
    tried: set[Pointer] = set()  # A user's schema may refuse a placeholder id, too.
    while wrong := {pointer for mismatch in mismatches for pointer in _wrong(mismatch)}:
        ids = {pointer: mismatch for mismatch in mismatches for pointer in _ids(mismatch) if pointer not in tried}
        tried |= ids.keys()
        if ids:
            document = document.with_values({pointer: _placeholder_id(document, pointer) for pointer in ids})
        document = document.without(wrong - {mismatch.pointer for mismatch in ids.values()})
        mismatches = validator.mismatches(document.value)
    return document


def _ids(mismatch: Mismatch) -> list[Pointer]:
    """The ids of rooms and users that are missing or not texts."""
    if mismatch.keyword == "required":
        return [(*mismatch.pointer, name) for name in _IDS if name in mismatch.limit and name not in mismatch.value]
    is_id = mismatch.pointer[-1:] in [(name,) for name in _IDS]
    return [mismatch.pointer] if is_id and (mismatch.keyword == "type" or mismatch.value == "") else []


def _placeholder_id(document: Document, pointer: Pointer) -> str:
    """Return a number as it was probably meant, and its unique position for any other value."""
    scalar = document.scalar_at(pointer) or ""
    return scalar if scalar.isdecimal() else "{}:{}".format(*document.locate(pointer))


def _wrong(mismatch: Mismatch) -> list[Pointer]:
    """The smallest parts of the value that must be removed."""
    if mismatch.keyword == "additionalProperties":
        return [mistake.pointer for mistake in _mistakes(mismatch)]
    if mismatch.keyword in _INCOMPLETE and mismatch.pointer[:1] in ((), ("answers",)):
        return []
    return [mismatch.pointer]


def describe_mismatches(document: Document, mismatches: Sequence[Mismatch], at: Pointer = ()) -> list[Problem]:
    """Return the mismatches of the value at `at` as problems of the document, without duplicates."""
    found = find_mistakes(mismatches, lambda pointer: document.scalar_at((*at, *pointer)))
    problems = [document.problem((*at, *pointer), text, key=key) for pointer, text, key in found]
    return list(dict.fromkeys(problems))


def find_mistakes(
    mismatches: Sequence[Mismatch], scalar_at: Callable[[Pointer], str | None] = lambda _: None
) -> Mistakes:
    """Return what is wrong and what would be valid; `scalar_at` returns a value as it is written in the file."""
    typed = {mismatch.pointer for mismatch in mismatches if mismatch.keyword == "type"}
    return Mistakes(
        mistake
        for mismatch in mismatches
        # If the type is wrong, the other mismatches of the value are meaningless.
        if mismatch.keyword == "type" or mismatch.pointer not in typed
        for mistake in _mistakes(mismatch, scalar_at(mismatch.pointer))
    )


def _mistakes(mismatch: Mismatch, scalar: str | None = None) -> list[Mistake]:
    if mismatch.keyword == "additionalProperties" and isinstance(mismatch.value, dict):
        known = mismatch.schema.get("properties", {})
        patterns = mismatch.schema.get("patternProperties", {})
        limit = " or ".join(patterns)
        return [
            Mistake(
                (*mismatch.pointer, name),
                TEXTS["key"].format(shown=repr(name), limit=limit) if limit else unknown("key", name, known),
                key=True,
            )
            for name in mismatch.value
            if name not in known and not any(re.search(pattern, name) for pattern in patterns)
        ]
    if mismatch.keyword == "required" and not _missing(mismatch):
        return []
    text, hint = _text(mismatch, scalar), _colon_hint(mismatch)
    return [Mistake(mismatch.pointer, Text(f"{text.en}; {hint.en}", f"{text.zh}；{hint.zh}") if hint else text)]


def _colon_hint(mismatch: Mismatch) -> Text | None:
    """Return what to write for `{name：value}`, which YAML reads as a name without a value."""
    value = mismatch.value
    if value is None:
        names: Iterable[object] = mismatch.pointer[-1:]
    else:  # Where other names are not allowed, the name itself is reported, with the hint.
        names = value if mismatch.keyword == "required" and "additionalProperties" not in mismatch.schema else ()
    return next((hint for name in names if "：" in str(name) and (hint := full_width_hint(str(name)))), None)


def describe_range(schema: Mapping[str, Any]) -> Text:
    """Return the range of a number in plain language; an empty text if it has none."""
    limits = [
        (text, f"{schema[name]:.15g}" if isinstance(schema[name], float) else schema[name])
        for name, text in LIMITS.items()
        if name in schema
    ]
    return Text(
        ", ".join(f"{text.en} {limit}" for text, limit in limits),
        "，".join(f"{text.zh} {limit}" for text, limit in limits),
    )


def _in_full_width_quotes(value: Any, location: Pointer = ()) -> Iterator[Pointer]:
    """Yield the ids, credentials and patterns in full-width quotes, which would be part of the text."""
    items = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    for step, item in items:
        at = (*location, step)
        if not isinstance(item, str):
            yield from _in_full_width_quotes(item, at)
        elif len(item) > 1 and item[0] in _QUOTES and item[-1] in _QUOTES and _COMPARED.intersection(at[-2:]):
            yield at


def _text(mismatch: Mismatch, scalar: str | None) -> Text:
    """Return what is wrong and what would be valid, without showing secrets; `scalar` is the value as in the file."""
    keyword, value, limit = mismatch.keyword, mismatch.value, mismatch.limit
    secret = bool(mismatch.schema.get("writeOnly"))
    if keyword == "type" and "string" in limit and not isinstance(value, (str, dict, list)):
        return _quote_it(value, scalar, secret=secret)
    if keyword == "type" and value is None:
        keyword = "empty"
    elif keyword == "minProperties" and not mismatch.schema.get("properties"):
        keyword = "minItems"
    elif keyword not in TEXTS or (keyword in ("oneOf", "anyOf") and not all("required" in branch for branch in limit)):
        keyword = "secret" if secret else "other"
    return TEXTS[keyword].format(
        shown=Text("this value", "该值") if secret else _short(value),
        limit=limit,
        names=", ".join(_names(keyword, mismatch)),
        count=len(value) if isinstance(value, (str, list)) else 0,
        wanted=_wanted(mismatch) if mismatch.keyword == "type" else "",
        range=describe_range(mismatch.schema),
        hint=nearest(value, limit if keyword == "enum" else ()) if isinstance(value, str) else "",
        message=mismatch.message,
    )


def _names(keyword: str, mismatch: Mismatch) -> Iterable[str]:
    """Return the names that the text of the keyword lists."""
    value, limit = mismatch.value, mismatch.limit
    if keyword == "required":
        return _missing(mismatch)
    if keyword in ("oneOf", "anyOf"):
        return (branch["required"][0] for branch in limit)
    members = mismatch.schema.get("properties", ())
    return map(str, {"enum": limit, "maxProperties": value, "minProperties": members}.get(keyword, ()))


def _missing(mismatch: Mismatch) -> list[str]:
    """Return the required keys that are absent, except those that an unknown key is reported to be a misspelling of."""
    given, known = mismatch.value, mismatch.schema.get("properties", {})
    is_closed = mismatch.schema.get("additionalProperties") is False
    misspelt = {closest(str(name), known) for name in given if name not in known} if is_closed else ()
    return [name for name in mismatch.limit if name not in given and name not in misspelt]


def _wanted(mismatch: Mismatch) -> Text:
    kinds = [mismatch.limit] if isinstance(mismatch.limit, str) else mismatch.limit
    wanted = Text(" or ".join(TYPES[kind].en for kind in kinds), "或".join(TYPES[kind].zh for kind in kinds))
    members = ", ".join(mismatch.schema.get("properties", ()))
    return TEXTS["members"].format(wanted=wanted, names=members) if members and "object" in kinds else wanted


def _quote_it(value: Any, scalar: str | None, *, secret: bool) -> Text:
    if value is None or secret:
        return TEXTS["empty text" if value is None else "unquoted secret"]
    # As written in the file: 007 would come back from the parsed number as 7.
    shown = scalar if scalar is not None else json.dumps(value)
    return TEXTS["unquoted"].format(shown=shown, quoted=json.dumps(shown, ensure_ascii=False))


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "…"
