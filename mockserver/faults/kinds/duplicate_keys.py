"""A key of the answer stands twice, with two values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mockserver.core.http import Response
from mockserver.core.text import Text
from mockserver.faults.base import Draw, FaultContext, PayloadKind
from mockserver.faults.payloads import decoded, with_body

_MARK = "\x00again"


@dataclass(frozen=True, kw_only=True)
class DuplicateKeys(PayloadKind):
    """One object says one of its keys again, at its end and with another value."""

    text = Text(
        "a key twice in one object, with two values: parsers take either",
        "同一对象中某键出现两次且取值不同：解析器取舍不一",
    )

    def corrupt(self, response: Response, context: FaultContext, draw: Draw) -> tuple[Response, str] | None:
        """The same answer with a key twice; None when it is no JSON object any more."""
        answer = decoded(response)
        if answer is None:
            return None
        objects = list(_objects(answer, ""))
        pointer, chosen = objects[draw.below(len(objects), "object")]
        key = list(chosen)[draw.below(len(chosen), "key")]
        chosen[_MARK] = _other(chosen[key])
        body = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
        body = body.replace(json.dumps(_MARK), json.dumps(key, ensure_ascii=False), 1)
        return with_body(response, body.encode()), f"{pointer}/{key} twice"


def _objects(value: Any, pointer: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict) and value:
        yield pointer, value
    for key, one in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(one, (dict, list)):
            yield from _objects(one, f"{pointer}/{key}")


def _other(value: Any) -> Any:
    if isinstance(value, (bool, type(None))):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    if isinstance(value, str):
        return f"{value}0"
    return None
