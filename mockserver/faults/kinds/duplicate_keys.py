"""One key of one object is repeated at the object's end, with another value."""

import json
from typing import Any

from mockserver.faults.base import Draw, FaultContext, PayloadKind, Response, Text
from mockserver.faults.payloads import decode, nodes, with_body

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
        objects = [node for node in nodes(document) if isinstance(node.value, dict) and node.value]
        node = objects[draw.below(len(objects), "object")]
        chosen = node.value
        key = list(chosen)[draw.below(len(chosen), "key")]
        chosen[_PLACEHOLDER] = _other_value(chosen[key])
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        body = body.replace(json.dumps(_PLACEHOLDER), json.dumps(key, ensure_ascii=False), 1)
        return with_body(response, body.encode()), f"{node.pointer}/{key} twice"


def _other_value(value: Any) -> Any:
    if isinstance(value, (bool, type(None))):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    if isinstance(value, str):
        return f"{value}0"
    return None
