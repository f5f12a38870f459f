"""Holds the names that a rule's `when` and `patch` use against the fields its operations document.

A name that is none is a slip that no run would show: whatever the readings, a rule sees documented fields alone, so it
would match no request; and a patch would spoil every answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from mockserver.contract.schemas import Schemas
from mockserver.core.suggestions import suggestion
from mockserver.core.text import Text


class Unknown(NamedTuple):
    """A name that means nothing here, and what would be right; an empty name stands for all of them together."""

    name: str
    text: Text


def unknown_conditions(body: Collection[str], on: Collection[str], schemas: Schemas) -> Iterator[Unknown]:
    """What keeps the conditions of `when.body` from ever being met by a request to the operations `on`."""
    known = {name: _known(schemas.request(name).schema) for name in sorted(on)}
    if not body or any(fields is None or fields.keys() >= set(body) for fields in known.values()):
        return
    every = {field: None for fields in known.values() for field in fields or ()}
    found = [name for name in body if name not in every]
    for name in found:
        yield Unknown(name, _text(name, on, every, Text("takes", "请求")))
    if on and not found:
        names = ", ".join(body)
        yield Unknown("", Text(
            f"no operation of this rule takes all of {names}; make it a rule for each",
            f"该规则的接口中没有一个同时接受 {names}；请分成多条规则",
        ))  # fmt: skip


def unknown_changes(
    patch: Iterable[str], body: Collection[str], on: Collection[str], schemas: Schemas
) -> Iterator[Unknown]:
    """The names at the top of a `patch` that an operation does not answer with, of those that `when.body` lets through."""
    for operation in sorted(on):
        asked, told = (_known(side(operation).schema) for side in (schemas.request, schemas.response))
        if told is not None and (asked is None or asked.keys() >= set(body)):
            for name in patch:
                if name not in told:
                    text = _text(name, [operation], told, Text("answers with", "应答"))
                    yield Unknown(name, Text(
                        f"{text.en} (if you mean it, say `unchecked: true` beside the patch)",
                        f"{text.zh}（若有意为之，请在 patch 旁注明 `unchecked: true`）",
                    ))  # fmt: skip


def _known(schema: Mapping[str, Any]) -> dict[str, None] | None:
    """The fields that a closed schema names, in their order; None when it is open to others."""
    if schema.get("additionalProperties") is not False or "patternProperties" in schema:
        return None
    return dict.fromkeys(schema.get("properties", ()))


def _text(name: str, on: Collection[str], known: Iterable[str], verb: Text) -> Text:
    """Who does not know `name`, and what may have been meant."""
    one = next(iter(on)) if len(on) == 1 else ""
    hint = suggestion(name, known)
    en = (
        f"{one} {verb.en} no field {name!r}"
        if one
        else f"no operation of this rule {verb.en} a field {name!r}"
    )
    zh = f"{one or '该规则的接口'} 的{verb.zh}没有字段 {name!r}"
    return Text(f"{en}{hint.en}", f"{zh}{hint.zh}")
