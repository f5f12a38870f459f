"""Reads one fault as a person wrote it: in a scenario, the admin API, an option, a header or test code.

All of them say the same mapping: `fault`, the kind's own fields, and the fields that every fault has. `on`
and `when` choose requests, the others when among them it strikes. Who compiles a `when` comes from outside.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mockserver.contract.catalogue import Catalogue
from mockserver.contract.matching import Matcher, compile_when
from mockserver.contract.operations import OPERATIONS
from mockserver.core.suggestions import unknown
from mockserver.core.text import Text
from mockserver.faults.base import Kind
from mockserver.faults.fields import (
    FaultError,
    Pointer,
    integer,
    number,
    object_schema,
    read_fields,
    specs,
    string,
    told,
    unknown_field,
)
from mockserver.faults.registry import FAMILY_TEXTS, KINDS

_MOST = 1_000_000_000
_PARTS = ("body", "query")
_PIECE = re.compile(r'(?:[^;"]|"(?:[^"\\]|\\.)*"?)+')
ON = Text(
    "Operation, list of operations, or * for every request of the app.",
    "接口、接口列表，或 * 表示该应用的所有请求。",
)
WHEN = Text("Matcher for body and query, as in answers.", "对请求体与查询串的匹配条件，与 answers 相同。")


@dataclass(frozen=True, kw_only=True)
class Common:
    """The fields that every fault has, beside `on` and `when`."""

    probability: float = number(
        "Share of the matching requests, the same ones again with the same seed.",
        "匹配请求中发生的比例；种子相同则请求相同。",
        0,
        1,
        1,
    )
    after: int = integer(
        "Leave the first so many matching requests alone.", "放过前若干次匹配的请求。", 0, _MOST, 0
    )
    times: int | None = integer("Strike so often at most.", "最多发生若干次。", 1, _MOST, None)
    every: int = integer(
        "Strike every nth matching request after those.", "此后每第 n 次匹配的请求发生一次。", 1, _MOST, 1
    )
    ttl_seconds: float | None = number(
        "Be gone after so many seconds of the app's clock.",
        "应用时钟走过若干秒后消失。",
        None,
        _MOST,
        None,
        above=0,
    )
    id: str | None = string(
        "Name to list and remove it by; made up when left out.",
        "用于查看和删除的名称；省略时自动生成。",
        r"[A-Za-z0-9][A-Za-z0-9._#-]*",
        64,
        None,
    )


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault as it was chosen: what it does, to which requests, and when."""

    kind: Kind
    common: Common
    on: tuple[str, ...] | None = None
    """None: every request, those to unknown paths too."""
    when: Mapping[str, Any] | None = None
    matcher: Matcher | None = field(default=None, repr=False, compare=False)

    def wants(self, operation: str, body: Mapping[str, Any], query: Mapping[str, str]) -> bool:
        """Whether a request is one of those it is for."""
        return (self.on is None or operation in self.on) and (
            self.matcher is None or self.matcher.matches(body, query)
        )

    def told(self) -> dict[str, Any]:
        """The mapping that `parse_fault` makes it from, without what says nothing."""
        plain = read_fields(Common, dict(self.kind.common))
        common = {name: value for name, value in told(self.common).items() if value != getattr(plain, name)}
        found: dict[str, Any] = {"fault": self.kind.kind, **told(self.kind)}
        if self.on is not None:
            found["on"] = list(self.on)
        if self.when is not None:
            found["when"] = dict(self.when)
        return found | common

    def shown(self) -> dict[str, Any]:
        """The same without what nobody may read."""
        return {name: "***" if value in self.kind.secrets else value for name, value in self.told().items()}


def parse_fault(given: Any, catalogue: Catalogue, *, once: bool = False) -> Fault:
    """The fault that the mapping `given` describes; FaultError with the place and what would be right.

    `once`: it is for one request alone, so a kind that compares requests is refused too.
    """
    if not isinstance(given, Mapping):
        raise FaultError(
            (), Text(f"{given!r} is not a mapping with a fault", f"{given!r} 不是含有 fault 的映射")
        )
    kind = kind_of(given.get("fault"))
    own, common = specs(kind), specs(Common)
    if kind.word_of_when and isinstance(given.get("when"), str):
        given = {kind.word_of_when if name == "when" else name: value for name, value in given.items()}
    for name in given:
        if name not in (*own, *common, "fault", "on", "when"):
            raise unknown_field((str(name),), (*own, "on", "when", *common))
    made = read_fields(kind, {name: value for name, value in given.items() if name in own})
    made.check(catalogue)
    if once and kind.remembers:
        raise FaultError(
            ("fault",),
            Text(
                f"{kind.kind} compares requests and does nothing to one: use a scenario or the admin API",
                f"{kind.kind} 需比较多个请求，对单个请求无效：请用场景或管理接口设置",
            ),
        )
    chosen = read_fields(Common, {**kind.common, **{name: given[name] for name in common if name in given}})
    matcher = _matcher(given["when"]) if "when" in given else None
    return Fault(made, chosen, _on(given.get("on", "*")), given.get("when"), matcher)


def kind_of(name: Any) -> type[Kind]:
    """The kind called `name`; FaultError suggests the nearest."""
    if name is None:
        words = ", ".join(KINDS)
        raise FaultError(("fault",), Text(f"missing fault: one of {words}", f"缺少 fault：可用 {words}"))
    if not isinstance(name, str) or name not in KINDS:
        raise FaultError(("fault",), unknown("fault", name, KINDS))
    return KINDS[name]


def parse_text(line: str) -> dict[str, Any]:
    """The mapping behind `KIND;field=value;…`: dots nest, commas list operations.

    A field that holds text takes the word as it is; elsewhere `800`, `0.5`, `true` and `"quoted text"` are
    JSON. In `when` digits need quotes, as in a file: `when.body.RoomId="77"`.
    """
    pieces = [piece.strip() for piece in _PIECE.findall(line)]
    kind = kind_of(pieces[0] if pieces else None)
    found: dict[str, Any] = {"fault": kind.kind}
    for piece in pieces[1:]:
        if not piece:
            continue
        name, equals, word = (part.strip() for part in piece.partition("="))
        if not equals or not name:
            raise FaultError((), Text(f"{piece[:60]!r} is not field=value", f"{piece[:60]!r} 不是 字段=值"))
        *outer, last = name.split(".")
        inner = found
        for step in outer:
            inner = inner.setdefault(step, {})
            if not isinstance(inner, dict):
                raise FaultError((*outer,), Text(f"{step} has a value already", f"{step} 已有取值"))
        if last in inner:
            raise FaultError((*outer, last), Text(f"{name} is given twice", f"{name} 重复"))
        inner[last] = _value(kind, name, word)
    return found


def _value(kind: type[Kind], name: str, word: str) -> Any:
    spec = {**specs(Common), **specs(kind)}.get(name)
    if name == "on":
        names = [one.strip() for one in word.split(",")]
        return names if len(names) > 1 else names[0]
    if spec is not None and spec.shape == "string" and not word.startswith('"'):
        return word
    try:
        return json.loads(word, parse_constant=lambda constant: constant)
    except (ValueError, RecursionError):
        return word


def _on(given: Any) -> tuple[str, ...] | None:
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        wrong = Text(
            f"{given!r} is no operation, list of operations or *", f"{given!r} 不是接口、接口列表或 *"
        )
        raise FaultError(("on",), wrong)
    for name in names:
        if name != "*" and name not in OPERATIONS:
            raise FaultError(("on",), unknown("operation", name, OPERATIONS))
    return None if "*" in names else tuple(dict.fromkeys(names))


def _matcher(when: Any) -> Matcher:
    at: Pointer = ("when",)
    if not isinstance(when, Mapping) or not when:
        raise FaultError(at, Text("write body: or query: with fields", "请写 body: 或 query: 及其字段"))
    for name, fields in when.items():
        if name not in _PARTS:
            raise unknown_field((*at, str(name)), _PARTS)
        if not isinstance(fields, Mapping) or not fields:
            raise FaultError((*at, name), Text("write fields and what they must be", "请写字段及其应有的值"))
        for key, wanted in fields.items():
            form = {"matches": str, "schema": dict}
            if isinstance(wanted, list) or (
                isinstance(wanted, Mapping)
                and (
                    len(wanted) != 1 or not all(isinstance(wanted[one], form.get(one, ())) for one in wanted)
                )
            ):
                wrong = Text(
                    "write a plain value, {matches: regex} or {schema: …}",
                    "请写普通值、{matches: 正则} 或 {schema: …}",
                )
                raise FaultError((*at, name, str(key)), wrong)
    try:
        return compile_when(when)
    except ValueError as error:
        raise FaultError(
            (*at, *getattr(error, "pointer", ())),
            Text(f"this matcher cannot be read: {error}", f"无法解析该匹配条件：{error}"),
        ) from None


def fault_schema(
    on: Mapping[str, Any] | None = None, when: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """JSON Schema of a fault's mapping, made from the kinds; `on` and `when` are the schemas of those two."""
    shared = {
        "on": {"description": ON.en, "x-description-zh": ON.zh, **(on or {})},
        "when": {"description": WHEN.en, "x-description-zh": WHEN.zh, **(when or {})},
        **object_schema(Common)["properties"],
    }
    branches = []
    for name, kind in KINDS.items():
        own = object_schema(kind)
        own["properties"] = {"fault": {"const": name}, **own["properties"], **shared}
        if kind.word_of_when:
            word = {"enum": list(specs(kind)[kind.word_of_when].choices)}
            own["properties"]["when"] = {"if": {"type": "string"}, "then": word, "else": shared["when"]}
        # What the kind says of itself stands before what its fields look like.
        own = {"description": kind.text.en, "x-description-zh": kind.text.zh, **own}
        named = {"properties": {"fault": {"const": name}}, "required": ["fault"]}
        branches.append({"if": named, "then": own})
    return {
        "type": "object",
        "properties": {"fault": {"enum": list(KINDS)}},
        "required": ["fault"],
        "allOf": branches,
    }


def rows() -> list[dict[str, Any]]:
    """Every kind as tables show it: name, family, texts, and its fields with schema and texts."""
    return [
        {
            "fault": name,
            "family": kind.family,
            "family_text": FAMILY_TEXTS[kind.family]._asdict(),
            "text": kind.text._asdict(),
            "schema": object_schema(kind),
        }
        for name, kind in KINDS.items()
    ]
