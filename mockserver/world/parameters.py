"""The parameters of a generated world, one documented row each, and the check of a `world:` block against them.

The rows feed the JSON schema of scenario files, the table in the documentation and the check. The check finds what is
unknown, of the wrong type or out of range; `model.py` finds contradictions. It needs no schema library, so that worlds
can be generated with NumPy alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from mockserver.core.suggestions import unknown
from mockserver.core.text import Text
from mockserver.world.demographics import HOUR_WEIGHTS, NETWORK_SHARES, NETWORKS, PROFILES, ROOM_KINDS
from mockserver.world.pinned import DOCUMENT_PINS, PINNED_ROOM
from mockserver.world.sessions import WorldError

Pointer = tuple[str | int, ...]
Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of `world: {source: generated, …}`."""

    name: str
    default: Any
    schema: Schema  # Type and range as JSON Schema 2020-12.
    form: Text  # Type and range for the documentation.
    help: Text


_SHARE = {"type": "number", "minimum": 0, "maximum": 1_000_000_000}
_SECONDS = {"type": "integer", "minimum": 1, "maximum": 14_400}
_NAME = {"type": "string", "minLength": 1, "maxLength": 64}
_KIND = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "share", "median", "seats"],
    "properties": {
        "name": _NAME,
        "share": _SHARE,
        "median": _SECONDS,
        "sigma": {"type": "number", "minimum": 0, "maximum": 3},
        "seats": {
            "type": "array",
            "minItems": 2,
            "maxItems": 2,
            "items": {"type": "integer", "minimum": 1, "maximum": 500},
        },
    },
}
_PLACE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["province", "city", "weight"],
    "properties": {"country": _NAME, "province": _NAME, "city": _NAME, "weight": _SHARE},
}
_YEAR = {
    "type": "object",
    "additionalProperties": False,
    "minProperties": 1,
    "properties": dict.fromkeys(NETWORKS, _SHARE),
}

PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        "seed",
        20191210,
        {"type": "integer", "minimum": 0, "maximum": 2**64 - 1},
        Text("integer, 0 … 2^64-1", "整数，0 … 2^64-1"),
        Text(
            "The same seed gives the same world on every machine. `--seed` overrides it.",
            "相同种子在任何机器上生成相同的世界；`--seed` 优先。",
        ),
    ),
    Parameter(
        "users",
        None,
        {"type": ["integer", "null"], "minimum": 16, "maximum": 4_194_304},
        Text("integer, 16 … 4194304, or null", "整数，16 … 4194304，或 null"),
        Text(
            "Number of users. null: 4,096, or four for each place in a room in the busiest hour if that is more.",
            "用户总数。null：4096，或最忙一小时总人数上限的 4 倍，取较大者。",
        ),
    ),
    Parameter(
        "rooms_per_day",
        2000,
        {"type": "integer", "minimum": 0, "maximum": 200_000},
        Text("integer, 0 … 200000", "整数，0 … 200000"),
        Text(
            "Rooms that start on a weekday (1-2 % fewer exist, because no user is in two rooms at once).",
            "工作日开始的房间数（实际少 1-2 %：同一用户不会同时在两个房间）。",
        ),
    ),
    Parameter(
        "room_kinds",
        ROOM_KINDS,
        {"type": "array", "minItems": 1, "maxItems": 8, "items": _KIND},
        Text(
            "1 … 8 × {name, share, median, sigma, seats: [min, max]}",
            "1 … 8 项 {name, share, median, sigma, seats: [最少, 最多]}",
        ),
        Text(
            "Kinds of rooms: relative share, lognormal call length (median in seconds; sigma, default 0.8) and "
            "number of users.",
            "房间类型：占比（相对值）、通话时长的对数正态分布（中位数，秒；sigma 默认 0.8）、人数。",
        ),
    ),
    Parameter(
        "call_lengths",
        {"floor": 5, "cap": 14_400},
        {"type": "object", "additionalProperties": False, "properties": {"floor": _SECONDS, "cap": _SECONDS}},
        Text("{floor, cap}: seconds, 1 … 14400", "{floor, cap}：秒，1 … 14400"),
        Text("Minimum and maximum duration of a room in seconds.", "房间时长的下限与上限，单位秒。"),
    ),
    Parameter(
        "hour_weights",
        HOUR_WEIGHTS,
        {"type": "array", "minItems": 24, "maxItems": 24, "items": {"type": "number", "minimum": 0, "maximum": 1_000}},
        Text("24 numbers, 0 … 1000", "24 个数字，0 … 1000"),
        Text(
            "Relative number of rooms that start in each local hour (UTC+8).", "每小时（UTC+8）开始的房间数的相对值。"
        ),
    ),
    Parameter(
        "weekend_factor",
        1.12,
        {"type": "number", "minimum": 0, "maximum": 10},
        Text("number, 0 … 10", "数字，0 … 10"),
        Text("Rooms on Saturdays and Sundays relative to weekdays.", "周末房间数相对工作日的倍数。"),
    ),
    Parameter(
        "networks",
        NETWORK_SHARES,
        {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": False,
            "patternProperties": {"^[0-9]{4}([0-9]{4})?$": _YEAR},
        },
        Text("{year or yyyymmdd: {" + ", ".join(NETWORKS) + "}}", "{年份或 yyyymmdd: {" + ", ".join(NETWORKS) + "}}"),
        Text(
            "Shares of the network types by date: a year means 1 January; shares between dates are interpolated.",
            "各网络类型占比（按日期）：年份表示当年 1 月 1 日，日期之间线性插值。",
        ),
    ),
    Parameter(
        "places",
        None,
        {"type": ["array", "null"], "minItems": 1, "maxItems": 2_000, "items": _PLACE},
        Text("list of {country, province, city, weight}, or null", "{country, province, city, weight} 的列表，或 null"),
        Text(
            "Where users live (country defaults to 中国). null: some 100 cities by residents, 3 % abroad.",
            "用户所在地（country 默认中国）。null：约 100 个城市按人口，3 % 在境外。",
        ),
    ),
    Parameter(
        "quality",
        "realistic",
        {"enum": list(PROFILES)},
        Text(*2 * (" | ".join(PROFILES),)),
        Text(
            "Loss, delay and failed joins: realistic, degraded networks, or the magnitudes of the document's sample.",
            "丢包、时延与加入失败：真实水平、弱网，或文档样例的数量级。",
        ),
    ),
    Parameter(
        "failed_joins",
        None,
        {"type": ["number", "null"], "minimum": 0, "maximum": 50},
        Text("number, 0 … 50, or null", "数字，0 … 50，或 null"),
        Text(
            "Percentage of joins that fail on every network. null: depends on network and `quality`.",
            "加入房间失败的百分比，与网络无关。null：由网络和 `quality` 决定。",
        ),
    ),
    Parameter(
        "pins",
        DOCUMENT_PINS,
        {"type": "array", "maxItems": 10_000, "items": PINNED_ROOM},
        Text("list of rooms as in a recorded world, with absolute times", "房间列表，写法同录制的世界，须用绝对时间"),
        Text(
            "Additional fixed rooms. Default: the ids of the document's samples.",
            "额外的固定房间。默认：文档样例中的 ID。",
        ),
    ),
    Parameter(
        "per_app",
        False,
        {"type": "boolean"},
        Text("true | false", "true | false"),
        Text(
            "Add the appkey to the seed, so that each app has its own world.",
            "将 appkey 加入种子，使每个应用有各自的世界。",
        ),
    ),
)


def world_schema() -> dict[str, Any]:
    """Return the JSON Schema 2020-12 of a generated `world:` block."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "source": {"const": "generated"},
            **{row.name: {**row.schema, "description": row.help.en} for row in PARAMETERS},
        },
    }


def parameter_table() -> Sequence[tuple[str, str, Text, Text]]:
    """Return (name, default, form, help) of each parameter, for the documentation."""
    return [
        (row.name, "see below" if isinstance(row.default, (list, dict)) else str(row.default), row.form, row.help)
        for row in PARAMETERS
    ]


def check_parameters(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of every parameter, with defaults; WorldError for one that is unknown or invalid."""
    rows = {row.name: row for row in PARAMETERS}
    values = {name: row.default for name, row in rows.items()}
    for name, value in spec.items():
        if name == "source":
            continue
        if name not in rows:
            raise WorldError((name,), unknown("parameter", name, rows))
        for pointer, text in _schema_errors(value, rows[name].schema, (name,)):
            raise WorldError(pointer, text)
        values[name] = value
    return values


_TYPES: dict[str, tuple[tuple[type, ...], Text]] = {
    "integer": ((int,), Text("an integer", "整数")),
    "number": ((int, float), Text("a number", "数字")),
    "string": ((str,), Text("a string", "字符串")),
    "boolean": ((bool,), Text("true or false", "true 或 false")),
    "array": ((list, tuple), Text("a list", "列表")),
    "object": ((Mapping,), Text("a mapping", "映射")),
    "null": ((type(None),), Text("null", "null")),
}


def _schema_errors(value: Any, schema: Schema, at: Pointer) -> Iterator[tuple[Pointer, Text]]:
    """Yield the place and message of everything that does not match, for the JSON Schema keywords used above."""
    types = schema.get("type", ())
    types = (types,) if isinstance(types, str) else tuple(types)
    if "enum" in schema:
        if value not in schema["enum"]:
            names = ", ".join(schema["enum"])
            yield at, Text(f"must be one of {names}, not {value!r}", f"须为 {names} 之一，不能是 {value!r}")
    elif types and not any(_has_type(value, name) for name in types):
        en = " or ".join(_TYPES[name][1].en for name in types)
        zh = "或".join(_TYPES[name][1].zh for name in types)
        yield at, Text(f"must be {en}, not {value!r}", f"须为{zh}，不能是 {value!r}")
    elif isinstance(value, Mapping):
        yield from _mapping_errors(value, schema, at)
    elif isinstance(value, (list, tuple)):
        low, high = schema.get("minItems", 0), schema["maxItems"]
        if not low <= len(value) <= high:
            count = _range(low, high)
            yield (at, Text(f"must have {count} entries, not {len(value)}", f"须有 {count} 项，现有 {len(value)} 项"))
        for index, item in enumerate(value):
            yield from _schema_errors(item, schema["items"], (*at, index))
    elif isinstance(value, str):
        low, high = schema.get("minLength", 0), schema.get("maxLength", len(value))
        if not low <= len(value) <= high:
            yield at, Text(f"must have {low} to {high} characters", f"长度须为 {low} 到 {high}")
    elif "minimum" in schema and value is not None and not schema["minimum"] <= value <= schema["maximum"]:
        bounds = _range(schema["minimum"], schema["maximum"])
        yield at, Text(f"must be {bounds}, not {value}", f"须为 {bounds}，不能是 {value}")


def _has_type(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if isinstance(value, float) and not isfinite(value):
        return False
    return isinstance(value, _TYPES[name][0])


def _mapping_errors(value: Mapping[Any, Any], schema: Schema, at: Pointer) -> Iterator[tuple[Pointer, Text]]:
    properties: Mapping[str, Schema] = schema.get("properties", {})
    by_date: Schema | None = next(iter(schema.get("patternProperties", {}).values()), None)
    for name in schema.get("required", ()):
        if name not in value:
            yield at, Text(f"{name} is missing", f"缺少 {name}")
    if len(value) < schema.get("minProperties", 0):
        yield at, Text("must not be empty", "不能为空")
    for name, item in value.items():
        if by_date is not None:
            if isinstance(name, bool) or not (str(name).isascii() and str(name).isdigit()):
                en = 'must be a year or a day, such as "2019" or "20191101"'
                yield (*at, name), Text(en, "须为年份或日期，例如 2019 或 20191101")
            else:
                yield from _schema_errors(item, by_date, (*at, name))
        elif name in properties:
            yield from _schema_errors(item, properties[name], (*at, name))
        elif schema.get("additionalProperties") is False:
            known = ", ".join(properties)
            yield (*at, name), Text(f"unknown: must be one of {known}", f"未知：须为 {known} 之一")


def _range(low: Any, high: Any) -> str:
    return f"{low:,}" if low == high else f"{low:,} … {high:,}"
