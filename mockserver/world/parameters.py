"""The parameters of a generated world: a documented row each, and the check of a block against them.

The rows feed the JSON schema of scenario files, the README's table and this check alike. `checked` finds
what is unknown, of the wrong type or out of range; `shape` finds what contradicts itself. Knows nothing
of YAML: it points into the block, and the loader names file, line and column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mockserver.core.suggestions import unknown
from mockserver.core.text import Text
from mockserver.world.checking import Schema, mistakes
from mockserver.world.pins import DOCUMENT_PINS, PIN
from mockserver.world.quality import NETWORKS, PROFILES
from mockserver.world.stays import SpecError


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of `world: {source: generated, …}`."""

    name: str
    default: Any
    schema: Schema
    """Type and range as JSON Schema 2020-12."""
    form: Text
    """Type and range as the README tells them."""
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

ROOM_KINDS: list[dict[str, Any]] = [
    {"name": "one-to-one", "share": 62, "median": 110, "sigma": 1.1, "seats": [2, 2]},
    {"name": "small team", "share": 23, "median": 720, "sigma": 0.8, "seats": [3, 5]},
    {"name": "meeting", "share": 12, "median": 1_800, "sigma": 0.6, "seats": [4, 10]},
    {"name": "full", "share": 3, "median": 2_700, "sigma": 0.5, "seats": [8, 20]},
]
HOUR_WEIGHTS = [
    *(0.30, 0.17, 0.10, 0.07, 0.06, 0.08, 0.17, 0.36, 0.58, 0.74, 0.80, 0.83),
    *(0.88, 0.78, 0.76, 0.79, 0.80, 0.82, 0.90, 1.05, 1.22, 1.25, 1.02, 0.62),
]
NETWORK_SHARES: dict[str, dict[str, float]] = {
    "2019": {"WiFi": 64, "4G": 33, "3G": 1.5, "Ethernet": 1, "2G": 0.5},
    "20191101": {"WiFi": 64, "4G": 33, "3G": 1.5, "Ethernet": 1, "2G": 0.5},
    "2021": {"WiFi": 63, "5G": 8, "4G": 27, "3G": 0.8, "Ethernet": 1, "2G": 0.2},
    "2023": {"WiFi": 61, "5G": 20, "4G": 17.6, "3G": 0.3, "Ethernet": 1, "2G": 0.1},
    "2025": {"WiFi": 59, "5G": 31, "4G": 8.85, "3G": 0.1, "Ethernet": 1, "2G": 0.05},
}

PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        "seed",
        20191210,
        {"type": "integer", "minimum": 0, "maximum": 2**64 - 1},
        Text("integer, 0 … 2^64-1", "整数，0 … 2^64-1"),
        Text(
            "Decides everything: the same seed is the same world on every machine. `--seed` overrides it.",
            "决定一切：同一种子在任何机器上得到同一个世界；`--seed` 优先。",
        ),
    ),
    Parameter(
        "users",
        None,
        {"type": ["integer", "null"], "minimum": 16, "maximum": 4_194_304},
        Text("integer, 16 … 4194304, or null", "整数，16 … 4194304，或 null"),
        Text(
            "Size of the population. null: 4,096, or four for each seat of the busiest hour if that is more.",
            "用户总数。null：4096，若最忙一小时的座位数乘 4 更大则取后者。",
        ),
    ),
    Parameter(
        "rooms_per_day",
        2000,
        {"type": "integer", "minimum": 0, "maximum": 200_000},
        Text("integer, 0 … 200000", "整数，0 … 200000"),
        Text(
            "Rooms that start on an ordinary weekday (1-2 % fewer exist: nobody is in two rooms at once).",
            "普通工作日开始的房间数（实际少 1-2 %：同一用户不会同时在两个房间）。",
        ),
    ),
    Parameter(
        "room_kinds",
        ROOM_KINDS,
        {"type": "array", "minItems": 1, "maxItems": 8, "items": _KIND},
        Text(
            "1 … 8 × {name, share, median, sigma, seats: [least, most]}",
            "1 … 8 项 {name, share, median, sigma, seats: [最少, 最多]}",
        ),
        Text(
            "Kinds of rooms: share (relative), call length as a lognormal (median in seconds; sigma, "
            "default 0.8), and how many people join.",
            "房间种类：占比（相对值）、通话时长的对数正态分布（中位数秒数；sigma 默认 0.8）、参与人数。",
        ),
    ),
    Parameter(
        "call_lengths",
        {"floor": 5, "cap": 14_400},
        {
            "type": "object",
            "additionalProperties": False,
            "properties": {"floor": _SECONDS, "cap": _SECONDS},
        },
        Text("{floor, cap}: seconds, 1 … 14400", "{floor, cap}：秒，1 … 14400"),
        Text(
            "The shortest and the longest a room may last, in seconds.",
            "房间时长的下限与上限，单位秒。",
        ),
    ),
    Parameter(
        "hour_weights",
        HOUR_WEIGHTS,
        {
            "type": "array",
            "minItems": 24,
            "maxItems": 24,
            "items": {"type": "number", "minimum": 0, "maximum": 1_000},
        },
        Text("24 numbers, 0 … 1000", "24 个数字，0 … 1000"),
        Text(
            "How many rooms start in each local hour (UTC+8), relative to the others.",
            "东八区每小时开始的房间数之比。",
        ),
    ),
    Parameter(
        "weekend_factor",
        1.12,
        {"type": "number", "minimum": 0, "maximum": 10},
        Text("number, 0 … 10", "数字，0 … 10"),
        Text(
            "Rooms on a Saturday or Sunday, relative to a weekday.",
            "周末房间数相对工作日的倍数。",
        ),
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
        Text(
            "{year or yyyymmdd: {" + ", ".join(NETWORKS) + "}}",
            "{年份或 yyyymmdd: {" + ", ".join(NETWORKS) + "}}",
        ),
        Text(
            "Shares of the network types by date: a year stands for its 1 January, shares between dates are "
            "interpolated.",
            "各网络类型占比（按日期）：年份表示当年 1 月 1 日，日期之间线性插值。",
        ),
    ),
    Parameter(
        "places",
        None,
        {"type": ["array", "null"], "minItems": 1, "maxItems": 2_000, "items": _PLACE},
        Text(
            "list of {country, province, city, weight}, or null",
            "{country, province, city, weight} 的列表，或 null",
        ),
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
            "Loss, delay and failed joins: as measured, on bad networks, or with the magnitudes of the "
            "document's sample.",
            "丢包、时延与加入失败：真实水平、弱网，或文档样例的数量级。",
        ),
    ),
    Parameter(
        "failed_joins",
        None,
        {"type": ["number", "null"], "minimum": 0, "maximum": 50},
        Text("number, 0 … 50, or null", "数字，0 … 50，或 null"),
        Text(
            "Percent of tries to join that fail, whatever the network. null: by network and `quality`.",
            "加入房间失败的百分比，与网络无关。null：由网络和 `quality` 决定。",
        ),
    ),
    Parameter(
        "pins",
        DOCUMENT_PINS,
        {"type": "array", "maxItems": 10_000, "items": PIN},
        Text(
            "list of rooms as in a recorded world, with absolute moments",
            "房间列表，写法同录制的世界，时刻须为绝对时刻",
        ),
        Text(
            "Rooms that exist beside the generated ones. Default: the literal ids of the document's samples.",
            "与生成数据并存的固定房间。默认：文档样例中的 ID。",
        ),
    ),
    Parameter(
        "per_app",
        False,
        {"type": "boolean"},
        Text("true | false", "true | false"),
        Text(
            "Mix the appkey into the seed, so that every app has a world of its own.",
            "把 appkey 混入种子，使每个应用拥有各自的世界。",
        ),
    ),
)


def world_schema() -> dict[str, Any]:
    """The JSON Schema 2020-12 of a generated `world:` block."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "source": {"const": "generated"},
            **{row.name: {**row.schema, "description": row.help.en} for row in PARAMETERS},
        },
    }


def checked(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Every parameter's value, defaults filled in; SpecError for what is unknown or out of range."""
    rows = {row.name: row for row in PARAMETERS}
    values = {name: row.default for name, row in rows.items()}
    for name, value in spec.items():
        if name == "source":
            continue
        if name not in rows:
            raise SpecError((name,), unknown("parameter", name, rows))
        for pointer, text in mistakes(value, rows[name].schema, (name,)):
            raise SpecError(pointer, text)
        values[name] = value
    return values


def rows_as_table() -> Sequence[tuple[str, str, Text, Text]]:
    """(name, default, form, help) of each parameter, for the README and `--help`."""
    long = (list, dict)
    return [
        (row.name, "see below" if isinstance(row.default, long) else str(row.default), row.form, row.help)
        for row in PARAMETERS
    ]
