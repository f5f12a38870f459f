"""Parses one fault from a scenario, the admin API, an option, a header, a magic value or test code.

All sources give the same mapping: `fault` (the kind), the kind's own fields, and the fields common to all
faults. `on` and `when` select requests; the other common fields decide on which of those the fault fires.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from mockserver.contract.catalogue import Catalogue
from mockserver.contract.checking import find_mistakes
from mockserver.contract.matching import Matcher, compile_when
from mockserver.contract.operations import OPERATIONS
from mockserver.contract.schemas import Validator, compile_inline
from mockserver.core.errors import Mistake, Mistakes
from mockserver.core.suggestions import unknown
from mockserver.faults.base import FaultError, Fields, Kind, integer, message, number, string
from mockserver.faults.registry import KINDS, kind_of

_MAX_COUNT = 1_000_000_000
_PIECE = re.compile(r'(?:[^;"]|"(?:[^"\\]|\\.)*"?)+')
ON, WHEN = message("on"), message("when")


@dataclass(frozen=True, kw_only=True)
class Common(Fields):
    """The fields common to all faults, besides `on` and `when`."""

    probability: float = number(*message("probability"), 0, 1, 1)
    after: int = integer(*message("after"), 0, _MAX_COUNT, 0)
    times: int | None = integer(*message("times"), 1, _MAX_COUNT, None)
    every: int = integer(*message("every"), 1, _MAX_COUNT, 1)
    ttl_seconds: float | None = number(*message("ttl_seconds"), None, _MAX_COUNT, None, above=0)
    id: str | None = string(*message("id"), r"[A-Za-z0-9][A-Za-z0-9._#-]*", 64, None)


@dataclass(frozen=True, slots=True)
class Fault:
    """A configured fault: its kind, the requests it applies to, and when it fires."""

    kind: Kind
    common: Common
    on: tuple[str, ...] | None = None  # The operations; None for every request, including those to unknown paths.
    when: Mapping[str, Any] | None = None
    matcher: Matcher | None = field(default=None, repr=False, compare=False)

    def matches(self, operation: str, body: Mapping[str, Any], query: Mapping[str, str]) -> bool:
        """Whether `on` and `when` select a request."""
        return (self.on is None or operation in self.on) and (self.matcher is None or self.matcher.matches(body, query))

    def to_mapping(self) -> dict[str, Any]:
        """Return the mapping from which `parse_fault` creates this fault, without default values."""
        defaults = Common.make(self.kind.common_defaults).to_mapping()
        mapping: dict[str, Any] = {"fault": self.kind.kind, **self.kind.to_mapping()}
        if self.on is not None:
            mapping["on"] = list(self.on)
        if self.when is not None:
            mapping["when"] = dict(self.when)
        common = self.common.to_mapping().items()
        return mapping | {name: value for name, value in common if value != defaults.get(name)}

    def masked(self) -> dict[str, Any]:
        """Return `to_mapping()` with secrets masked."""
        secrets = self.kind.secrets
        return {name: "***" if value in secrets else value for name, value in self.to_mapping().items()}


def parse_fault(given: Any, catalogue: Catalogue, *, once: bool = False) -> Fault:
    """Return the fault that the mapping `given` describes. Raise FaultError if it is invalid.

    With `once`, the fault is for a single request, and a kind that compares requests is refused.
    """
    if not isinstance(given, Mapping):
        raise FaultError((), message("no_mapping", given=given))
    kind = kind_of(given.get("fault"))
    if kind.when_field and isinstance(given.get("when"), str):
        given = {kind.when_field if name == "when" else name: value for name, value in given.items()}
    mistakes = find_mistakes(_validator(kind).check(dict(given)))
    with mistakes.collect():
        on = _operations(given.get("on", "*"))
    with mistakes.collect("when"):
        matcher = compile_when(given["when"] or {}) if "when" in given else None
    mistakes.check(FaultError)
    configured = kind.make(given)
    configured.check(catalogue)
    if once and kind.compares_requests:
        raise FaultError(("fault",), message("compares_requests", kind=kind.kind))
    common = Common.make({**kind.common_defaults, **given})
    return Fault(configured, common, on, given.get("when"), matcher)


@functools.cache
def _validator(kind: type[Kind]) -> Validator:
    """Return the validator of a kind's own and common fields; `on` and `when` are checked by their compilers."""
    return compile_inline(_kind_schema(kind, {}, {}))


def unescape(text: str) -> str:
    """Return a text with its percent-encoding decoded. Raise FaultError if the bytes are not UTF-8."""
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise FaultError((), message("not_utf_8")) from None


def parse_text(line: str, *, escaped: bool = False) -> dict[str, Any]:
    """Return the mapping that `KIND;field=value;…` describes: dots nest, commas separate operations.

    A text field takes its value literally; elsewhere `800`, `0.5`, `true` and `"quoted text"` are JSON.
    In `when`, text made of digits needs quotes, as in YAML: `when.body.RoomId="77"`. With `escaped` the values, or the
    whole line, may be percent-encoded.
    """
    if escaped and ";" not in line:
        line, escaped = unescape(line), False
    pieces = [piece.strip() for piece in _PIECE.findall(line)]
    kind = kind_of(pieces[0] if pieces else None)
    mapping: dict[str, Any] = {"fault": kind.kind}
    for piece in pieces[1:]:
        if not piece:
            continue
        name, equals, text = (part.strip() for part in piece.partition("="))
        if not equals or not name:
            raise FaultError((), message("no_field", piece=piece[:60]))
        *parents, last = name.split(".")
        inner = mapping
        for parent in parents:
            inner = inner.setdefault(parent, {})
            if not isinstance(inner, dict):
                raise FaultError((*parents,), message("has_value", name=parent))
        if last in inner:
            raise FaultError((*parents, last), message("repeated", name=name))
        inner[last] = _text_value(kind, name, unescape(text) if escaped else text)
    return mapping


def _text_value(kind: type[Kind], name: str, text: str) -> Any:
    if name == "on":
        names = [operation.strip() for operation in text.split(",")]
        return names if len(names) > 1 else names[0]
    schema = {**Common.field_schemas(), **kind.field_schemas()}.get(name, {})
    if ("enum" in schema or schema.get("type") == "string") and not text.startswith('"'):
        return text
    try:
        return json.loads(text, parse_constant=lambda constant: constant)
    except (ValueError, RecursionError):
        return text


def _operations(on: Any) -> tuple[str, ...] | None:
    names = [on] if isinstance(on, str) else on
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise FaultError(("on",), message("no_operation", on=on))
    Mistakes(
        Mistake(("on",), unknown("operation", name, OPERATIONS))
        for name in names
        if name != "*" and name not in OPERATIONS
    ).check(FaultError)
    return None if "*" in names else tuple(dict.fromkeys(names))


def fault_schema(on: Mapping[str, Any] | None = None, when: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the JSON Schema of a fault's mapping. `on` and `when` are the schemas of those two fields."""
    branches = []
    for name, kind in KINDS.items():
        own = _kind_schema(kind, on or {}, when or {})
        if kind.when_field:
            fields = own["properties"]
            choices = {"enum": fields[kind.when_field]["enum"]}
            fields["when"] = {"if": {"type": "string"}, "then": choices, "else": fields["when"]}
        branches.append(
            {
                "if": {"properties": {"fault": {"const": name}}, "required": ["fault"]},
                "then": {"description": kind.text.en, "x-description-zh": kind.text.zh, **own},
            }
        )
    return {"type": "object", "properties": {"fault": {"enum": list(KINDS)}}, "required": ["fault"], "allOf": branches}


def _kind_schema(kind: type[Kind], on: Mapping[str, Any], when: Mapping[str, Any]) -> dict[str, Any]:
    schema = kind.object_schema()
    schema["properties"] = {
        "fault": {"const": kind.kind},
        **schema["properties"],
        "on": {"description": ON.en, "x-description-zh": ON.zh, **on},
        "when": {"description": WHEN.en, "x-description-zh": WHEN.zh, **when},
        **Common.field_schemas(),
    }
    return schema
