"""The readings: where the document is silent or contradicts itself, a named switch with its choices and evidence.

One row a reading. A room that acts on a reading looks it up by name; settings and scenarios only choose.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from mockserver.core.suggestions import unknown
from mockserver.core.text import Text

Value: TypeAlias = str | int
Readings: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Choices:
    """A reading that is one of some words; the first is the default."""

    words: tuple[str, ...]

    @property
    def default(self) -> Value:
        """The first word."""
        return self.words[0]

    def show(self) -> str:
        """The choices for people."""
        return ", ".join(self.words)

    def parse(self, value: object) -> Value | None:
        """The choice that `value` names, or None."""
        return value if isinstance(value, str) and value in self.words else None


@dataclass(frozen=True, slots=True)
class Number:
    """A reading that is a whole number from `least` to `most`."""

    default: Value
    least: int
    most: int
    rule: str = ""
    holds: Callable[[int], bool] = lambda _: True

    def show(self) -> str:
        """The range for people."""
        return f"{self.least}…{self.most}{self.rule}"

    def parse(self, value: object) -> Value | None:
        """The number that `value` (an integer or its decimal digits) means, or None."""
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value, re.ASCII):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            return None
        return value if self.least <= value <= self.most and self.holds(value) else None


@dataclass(frozen=True, slots=True)
class Reading:
    """One switch: its values, the section it reads, and why there is a choice."""

    name: str
    values: Choices | Number
    section: str
    why: Text


def _one_of(*words: str) -> Choices:
    return Choices(words)


_TABLE = (
    Reading("strictness", _one_of("strict", "lenient"), "1.2", Text(
        "strict takes only what is documented; lenient also what a forgiving backend would take: integers for stamps"
        " and dates, \"2\" for CountBy, a missing content type, unknown and repeated keys. Both record each deviation",
        "strict 只接受文档写明的内容；lenient 还接受宽松后端会接受的：整数时间戳和日期、字符串 CountBy、"
        "缺少 Content-Type、未知或重复的键。两者都会记录每处偏差")),
    Reading("signing", _one_of("v2", "v1", "either"), "1.1.2", Text(
        "the formula shows three parts and the sentence says two; v1 leaves the restapikey out",
        "公式写三个参数，文字却说两个；v1 不含 restapikey")),
    Reading("paths", _one_of("v2/video", "document"), "1.1.2", Text(
        "the text says ver is fixed to v1 and servicename is test, all six URLs say v2/video; `document` takes all of them",
        "文字称 ver 固定为 v1、servicename 为 test，而六个 URL 均为 v2/video；document 全部接受")),
    Reading("curtime", _one_of("integer", "fraction"), "1.1.2", Text(
        "\"seconds until now (string)\"; a public v2 client sends an unrounded fraction. Milliseconds are always refused",
        "“到现在的秒数（string类型）”；有公开的 v2 客户端发送未取整的小数。毫秒一律拒绝")),
    Reading("freshness_seconds", Number(300, 0, 86_400), "1.1.2", Text(
        "a checksum is valid for 5 minutes; read in both directions, edges included",
        "checksum 有效期 5 分钟；前后两个方向均适用，含端点")),
    Reading("checksum_reuse", _one_of("allowed", "once"), "1.1.2", Text(
        "a new checksum for every request is advice, not a rule; `once` makes it one",
        "“建议每次请求都生成新的checksum”只是建议；once 将其变为规定")),
    Reading("seq", _one_of("required", "optional", "unique"), "1.1.2", Text(
        "in the URL format and in every sample; \"globally unique is enough\"",
        "出现在 URL 格式和所有示例中；“保证全局唯一就行”")),
    Reading("identifier", _one_of("any", "admin"), "1.1.2", Text(
        "\"usually the app's administrator account\"; `admin` takes only the app's listed identifiers",
        "“一般为app管理员账号”；admin 只接受应用列出的账号")),
    Reading("http_status", _one_of("always_200", "rest"), "1.3", Text(
        "API errors ride on HTTP 200; `rest` uses the status of the catalogue row, as other vendors do",
        "API 错误也返回 HTTP 200；rest 使用错误表中的状态码")),
    Reading("window", _one_of("overlap", "enter", "leave", "contained"), "2.1.4, 2.3.4", Text(
        "which stays a time span selects; in the sample of 2.3 somebody leaves 20 s after EndTime. Closed bounds, no clipping",
        "时间段选取哪些通话；2.3 的示例中有人在 EndTime 之后 20 秒才离开。闭区间，不截断")),
    Reading("room_window", _one_of("stays", "room"), "2.2.4", Text(
        "stays: users with a stay in the window, sums over those; room: the window only selects the room, as in the sample",
        "stays：窗口内有通话的用户及其合计；room：窗口只选房间，示例即如此")),
    Reading("ongoing", _one_of("now", "zero", "empty", "exclude"), "2.1.6", Text(
        "how a call that still runs tells its end: the server's now, \"0\", \"\", or not at all",
        "仍在进行的通话如何表示结束：服务器当前时间、\"0\"、\"\"，或不返回")),
    Reading("unknown_room", _one_of("error", "empty"), "2.2", Text(
        "a single object is read: an unknown room is an error, or an empty room",
        "读取单个对象：未知房间返回错误，或空房间")),
    Reading("unknown_user", _one_of("empty", "error"), "2.1", Text(
        "a list is read: an unknown user has an empty list, or is an error",
        "读取列表：未知用户返回空列表，或错误")),
    Reading("tick_seconds", Number(60, 10, 3_600, ", dividing the day", lambda step: 86_400 % step == 0), "3.1.6, 3.3.6",
        Text("the samples step by 60 s and by 10 s", "示例的间隔为 60 秒和 10 秒")),
    Reading("trend", _one_of("tick", "cumulative"), "3.1.6", Text(
        "the amount inside the tick, or since the start of the day; people on line is the maximum",
        "刻度内的量，或当天累计；在线人数取最大值")),
    Reading("count_by_zero", _one_of("rows", "labelled", "error"), "3.1.4", Text(
        "\"all\" has a single Volume field: four rows a tick in CountBy order; labelled adds CountBy",
        "“所有”只有一个 Volume 字段：每刻度四行，按 CountBy 1-4；labelled 附加 CountBy")),
    Reading("labels", _one_of("off", "on"), "3.2.6", Text(
        "the document's rows carry no country, province, city or network; on adds Name",
        "文档的行没有国家、省、市或网络名称；on 附加 Name")),
    Reading("distribution_tick", _one_of("day_start", "run_time"), "3.2.1", Text(
        "\"counted once a day\": 00:00 of the day, or when a nightly job would run, the next day 01:30",
        "“每天统计一次”：当天 00:00，或夜间任务的运行时间，次日 01:30")),
    Reading("today", _one_of("partial", "empty"), "3.1", Text(
        "a day that still runs: the ticks up to now, or nothing. A future day is always empty",
        "尚未结束的一天：到当前为止的刻度，或为空。未来日期始终为空")),
    Reading("fill", _one_of("zero", "omit"), "3.1.6, 3.3.6", Text(
        "a tick without data: 3.1 tells zero or leaves it out; 3.3 has no value to tell and leaves it out",
        "没有数据的刻度：3.1 返回 0 或省略；3.3 无值可报，始终省略")),
    Reading("delay_unit", _one_of("ms"), "3.3.6", Text(
        "named Rate and described as delay data: milliseconds",
        "字段名为 Rate，说明为时延数据：毫秒")),
    Reading("max_range_days", Number(31, 0, 3_660), "2.1.4, 2.3.4", Text(
        "no longest span is stated; more is range_too_large, 0 is no limit",
        "未说明最大时间跨度；超出为 range_too_large，0 表示不限")),
)  # fmt: skip

READINGS: dict[str, Reading] = {reading.name: reading for reading in _TABLE}
DEFAULTS: dict[str, Value] = {reading.name: reading.values.default for reading in _TABLE}


class InvalidReading(ValueError):
    """A reading that does not exist or a value it does not have; `text` says what would be right."""

    def __init__(self, text: Text) -> None:
        self.text = text
        super().__init__(text.en)


def parse_reading(name: str, value: object) -> Value:
    """The value of reading `name` that `value` means; InvalidReading when there is none."""
    reading = READINGS.get(name)
    if reading is None:
        raise InvalidReading(unknown("reading", name, READINGS))
    parsed = reading.values.parse(value)
    if parsed is None:
        choices = reading.values.show()
        raise InvalidReading(
            Text(
                f"reading {name} cannot be {value!r}; choose {choices}",
                f"读法 {name} 不能为 {value!r}；可选：{choices}",
            )
        )
    return parsed


def resolve(*layers: Mapping[str, Value]) -> dict[str, Value]:
    """All readings: the defaults, overridden by each layer in turn."""
    resolved = dict(DEFAULTS)
    for layer in layers:
        resolved.update(layer)
    return resolved
