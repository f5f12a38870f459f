"""Checks an answer against the contract: HTTP status, JSON, envelope, schema, order of keys (§1.3, §1.4, §2, §3)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mockserver.contract.envelope import FIELDS
from mockserver.contract.schemas import Mismatch, Pointer, Schemas
from mockserver.core.text import Text
from mockserver.live.target import Answer
from mockserver.world.session_files import CONTROL, IDS

Severity = Literal["error", "warning", "info"]
_CHUNK = 200  # Rows that are checked at once when some row is wrong.
_MAX_DEPTH_ERROR = (ValueError, RecursionError)


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem or a note about an answer, and its request as a shell command."""

    severity: Severity
    kind: str  # A stable name; findings of one kind about one operation are reported once.
    text: Text
    request: str = ""


class DuplicateKey(ValueError):
    """An object with a repeated key."""


def parse_answer(body: bytes) -> tuple[Any, Text | None]:
    """Return the JSON value of a body, or None and the reason why it cannot be parsed."""
    try:
        return json.loads(body.decode(), object_pairs_hook=_object, parse_constant=_constant), None
    except UnicodeDecodeError:
        return None, Text("the answer is not UTF-8", "响应不是 UTF-8")
    except DuplicateKey as error:
        return None, Text(f"key {error} occurs twice", f"键 {error} 重复")
    except _MAX_DEPTH_ERROR:
        return None, Text("the answer is not JSON", "响应不是 JSON")


def is_envelope(value: Any) -> bool:
    """Return whether a value is an answer of this API, valid or not."""
    return isinstance(value, dict) and ("ErrorCode" in value or "Status" in value)


def is_success(value: Any) -> bool:
    """Return whether an answer reports a success."""
    return isinstance(value, dict) and (
        value.get("Status") == "OK" or (value.get("Status") != "FAIL" and value.get("ErrorCode") == 0)
    )


def check_answer(schemas: Schemas, operation: str, answer: Answer, value: Any, wrong: Text | None) -> Iterator[Finding]:
    """Yield the contract violations of an answer; `value` and `wrong` are the results of `parse_answer`."""
    if wrong:
        yield Finding("error", "json", Text(f"HTTP {answer.status}: {wrong.en}", f"HTTP {answer.status}：{wrong.zh}"))
        return
    if answer.status != 200:
        status = answer.status
        yield Finding("error", "http_status", Text(
            f"HTTP {status} instead of 200, which every answer of the API has", f"HTTP 状态码为 {status}，API 的响应应均为 200"
        ))  # fmt: skip
    if not isinstance(value, dict):
        yield Finding("error", "envelope", Text("the answer is not a JSON object", "响应不是 JSON 对象"))
        return
    kind = answer.headers.get("content-type", "")
    if "json" not in kind.lower():
        yield Finding("warning", "content_type", Text(
            f"Content-Type is {kind[:80] or 'missing'}, not application/json", f"Content-Type 为 {kind[:80] or '空'}，不是 application/json"
        ))  # fmt: skip
    failed = not is_success(value)
    validator = schemas["envelope.json"] if failed else schemas.answer(operation, value)
    first = next(_mismatches(validator, value), None)
    if first is not None:
        yield Finding("error", "envelope" if failed else "schema", _describe(first))
    schema = validator.schema
    if place := next(_disorder(value, schema, ""), ""):
        yield Finding(
            "error",
            "key_order",
            Text(f"the keys of {place} are not in the order of the document", f"{place} 的键顺序与文档不同"),
        )
    if tuple(value)[: len(FIELDS)] != FIELDS and not place:
        yield Finding("error", "key_order", Text(
            "the answer does not begin with Status, ErrorCode, ErrorInfo", "响应不以 Status、ErrorCode、ErrorInfo 开头"
        ))  # fmt: skip
    if failed and value.get("ErrorInfo") == "":
        yield Finding("warning", "error_info", Text("a failure has no ErrorInfo", "失败响应的 ErrorInfo 为空"))


def _mismatches(validator: Any, value: Mapping[str, Any]) -> Iterator[Mismatch]:
    """Yield mismatches. Long lists are checked in parts, because the engine that finds mismatches is slow."""
    if _fits(validator, value):
        return
    lists = {name: rows for name, rows in value.items() if isinstance(rows, list) and len(rows) > _CHUNK}
    yield from validator.mismatches({**value, **{name: rows[:_CHUNK] for name, rows in lists.items()}})
    for name, rows in lists.items():
        for start in range(_CHUNK, len(rows), _CHUNK):
            part = {**value, name: rows[start : start + _CHUNK]}
            if not _fits(validator, part):
                yield from validator.mismatches(part)


def _fits(validator: Any, value: Mapping[str, Any]) -> bool:
    """Return whether the value is valid. The fast engine accepts 30.0 as an integer; the contract does not."""
    return validator.accepts(value) and not _has_whole_float(value, validator.schema)


def _has_whole_float(value: Any, schema: Any) -> bool:
    schema = schema if isinstance(schema, dict) else {}
    if isinstance(value, dict):
        return any(_has_whole_float(part, schema.get("properties", {}).get(name)) for name, part in value.items())
    if isinstance(value, list):
        return any(_has_whole_float(part, schema.get("items")) for part in value)
    return isinstance(value, float) and schema.get("type") == "integer"


def _describe(mismatch: Mismatch) -> Text:
    where = _place(mismatch.pointer)
    if mismatch.keyword == "required":
        missing = ", ".join(name for name in mismatch.limit if name not in mismatch.value)
        return Text(f"{where} lacks {missing}", f"{where} 缺少 {missing}")
    if mismatch.keyword == "additionalProperties":
        extra = ", ".join(sorted(set(mismatch.value) - set(mismatch.schema.get("properties", {}))))[:100]
        return Text(f"{where} has undocumented fields: {extra}", f"{where} 有文档以外的字段：{extra}")
    if mismatch.keyword == "type":
        kind = _TYPES.get(type(mismatch.value), "?")
        return Text(f"{where} is {kind}, not {mismatch.limit}", f"{where} 类型为 {kind}，应为 {mismatch.limit}")
    shown = json.dumps(mismatch.value, ensure_ascii=False)[:60]
    return Text(f"{where} is {shown}, which the contract does not allow", f"{where} 为 {shown}，不符合契约")


_TYPES = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
    list: "array",
    dict: "object",
}


def _place(pointer: Pointer) -> str:
    return "".join(f"/{'[]' if isinstance(step, int) else step}" for step in pointer) or "/"


def _disorder(value: Any, schema: Any, place: str) -> Iterator[str]:
    """Yield the place of every object whose keys are not in the order of the schema's properties."""
    if isinstance(value, dict) and isinstance(schema, dict):
        properties = schema.get("properties", {})
        # The document does not specify the position of keys that only a reading adds.
        documented = [
            name for name, part in properties.items() if not part.get("$comment", "").startswith("our reading")
        ]
        order = {name: index for index, name in enumerate(documented)}
        known = [order[name] for name in value if name in order]
        if known != sorted(known):
            yield place or "/"
        for name, part in value.items():
            if isinstance(part, (dict, list)):
                yield from _disorder(part, properties.get(name), f"{place}/{name}")
    elif isinstance(value, list) and isinstance(schema, dict):
        items = schema.get("items", {})
        nested = any("items" in part or "properties" in part for part in items.get("properties", {}).values())
        # Of flat rows with the same keys, one is enough.
        rows = value if nested else {tuple(part): part for part in value if isinstance(part, dict)}.values()
        for part in rows:
            yield from _disorder(part, items, f"{place}/[]")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        raise DuplicateKey(next(name for name in names if names.count(name) > 1))
    return value


def _constant(name: str) -> Any:
    raise ValueError(name)


def why_not_recorded(
    schemas: Schemas, operation: str, body: Mapping[str, Any], status: int, answer: Mapping[str, Any]
) -> Text | None:
    """Return why a recording cannot contain a success; None if it can."""
    if status != 200 or not schemas.answer(operation, answer).accepts(answer):
        return Text("an answer that violates the contract was not recorded", "不符合契约的响应未录制")
    if any(answer.get(name, body.get(name)) != body.get(name) for name in IDS):
        return Text("an answer with another id than its request was not recorded", "id 与请求不一致的响应未录制")
    if _has_unfit_id(answer):
        return Text("an answer with control characters in an id was not recorded", "id 含控制字符的响应未录制")
    return None


def _has_unfit_id(answer: Any) -> bool:
    """Return whether an answer contains an id with control characters, which a file of sessions cannot contain."""
    if isinstance(answer, list):
        return any(map(_has_unfit_id, answer))
    if not isinstance(answer, dict):
        return False
    ids = (answer[name] for name in IDS if isinstance(answer.get(name), str))
    return any(map(CONTROL.search, ids)) or any(map(_has_unfit_id, answer.values()))
