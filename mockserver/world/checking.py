"""What is wrong with a value of a scenario file, in both languages, for the JSON Schema words that we use.

A few words of JSON Schema (type, enum, bounds, properties, items), so that a row of the parameter table
states a range once. Knows nothing of worlds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

from mockserver.core.suggestions import unknown
from mockserver.core.text import Text

Pointer = tuple[str | int, ...]
Schema = Mapping[str, Any]

_TYPES: dict[str, tuple[tuple[type, ...], Text]] = {
    "integer": ((int,), Text("an integer", "整数")),
    "number": ((int, float), Text("a number", "数字")),
    "string": ((str,), Text("a text", "字符串")),
    "boolean": ((bool,), Text("true or false", "true 或 false")),
    "array": ((list, tuple), Text("a list", "列表")),
    "object": ((Mapping,), Text("a mapping", "映射")),
    "null": ((type(None),), Text("null", "null")),
}


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if isinstance(value, float) and not isfinite(value):
        return False
    return isinstance(value, _TYPES[kind][0])


def mistakes(value: Any, schema: Schema, at: Pointer) -> Iterator[tuple[Pointer, Text]]:
    """What is wrong with a value, place by place, for the JSON Schema words that the rows use."""
    if "enum" in schema and value not in schema["enum"]:
        choices = ", ".join(schema["enum"])
        yield at, Text(f"must be one of {choices}, not {value!r}", f"须为 {choices} 之一，不能是 {value!r}")
        return
    kinds = schema.get("type", ())
    kinds = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    if kinds and not any(_is(value, kind) for kind in kinds):
        en = " or ".join(_TYPES[kind][1].en for kind in kinds)
        zh = "或".join(_TYPES[kind][1].zh for kind in kinds)
        yield at, Text(f"must be {en}, not {value!r}", f"须为{zh}，不能是 {value!r}")
    elif isinstance(value, Mapping):
        yield from _in_mapping(value, schema, at)
    elif isinstance(value, (list, tuple)):
        least, most = schema.get("minItems", 0), schema["maxItems"]
        if not least <= len(value) <= most:
            yield (
                at,
                Text(
                    f"must have {_range(least, most)} entries, not {len(value)}",
                    f"须有 {_range(least, most)} 项，现有 {len(value)} 项",
                ),
            )
        for index, item in enumerate(value):
            yield from mistakes(item, schema["items"], (*at, index))
    elif isinstance(value, str):
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            yield (
                at,
                Text(
                    f"must have 1 to {schema['maxLength']} characters", f"长度须为 1 到 {schema['maxLength']}"
                ),
            )
    elif "minimum" in schema and value is not None and not schema["minimum"] <= value <= schema["maximum"]:
        bounds = _range(schema["minimum"], schema["maximum"])
        yield at, Text(f"must be {bounds}, not {value}", f"须为 {bounds}，不能是 {value}")


def _in_mapping(value: Mapping[Any, Any], schema: Schema, at: Pointer) -> Iterator[tuple[Pointer, Text]]:
    rows: Mapping[str, Schema] = schema.get("properties", {})
    dated: Schema | None = next(iter(schema.get("patternProperties", {}).values()), None)
    for name in schema.get("required", ()):
        if name not in value:
            yield at, Text(f"{name} is missing", f"缺少 {name}")
    if len(value) < schema.get("minProperties", 0):
        yield at, Text("must not be empty", "不能为空")
    for name, item in value.items():
        if dated is not None:
            if isinstance(name, bool) or not (str(name).isascii() and str(name).isdigit()):
                yield (
                    (*at, name),
                    Text(
                        'must be a year or a day, such as "2019" or "20191101"',
                        "须为年份或日期，例如 2019 或 20191101",
                    ),
                )
            else:
                yield from mistakes(item, dated, (*at, name))
        elif name in rows:
            yield from mistakes(item, rows[name], (*at, name))
        elif schema.get("additionalProperties") is False:
            yield (*at, name), unknown("key", name, rows)


def _range(low: Any, high: Any) -> str:
    return f"{low:,}" if low == high else f"{low:,} … {high:,}"
