"""One key of one object is repeated at the object's end, with another value."""

import json
from collections.abc import Iterator
from typing import Any

from mockserver.faults.base import Draw, FaultContext, PayloadKind, Response, Text
from mockserver.faults.payloads import decode, with_body

_PLACEHOLDER = "\x00again"


class DuplicateKeys(PayloadKind):
    text = Text(
        "a key that occurs twice in one object, with two values; parsers may take either",
        "同一对象中某个键出现两次且值不同；不同解析器取值可能不同",
    )

    def apply(self, response: Response, context: FaultContext, draw: Draw) -> tuple[Response, str] | None:
        document = decode(response)
        if document is None:
            return None
        objects = list(_objects(document, ""))
        pointer, chosen = objects[draw.below(len(objects), "object")]
        key = list(chosen)[draw.below(len(chosen), "key")]
        chosen[_PLACEHOLDER] = _other_value(chosen[key])
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        body = body.replace(json.dumps(_PLACEHOLDER), json.dumps(key, ensure_ascii=False), 1)
        return with_body(response, body.encode()), f"{pointer}/{key} twice"


def _objects(value: Any, pointer: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict) and value:
        yield pointer, value
    for key, child in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(child, (dict, list)):
            yield from _objects(child, f"{pointer}/{key}")


def _other_value(value: Any) -> Any:
    if isinstance(value, (bool, type(None))):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    if isinstance(value, str):
        return f"{value}0"
    return None
