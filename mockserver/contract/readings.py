"""The readings: named switches for passages where the document is silent or contradicts itself.

One row per reading: its values, the section, and why there is a choice. The code that depends on a reading looks it up by name.
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


class Choices:
    """The values of a reading that is one of several names; the first is the default."""

    def __init__(self, *names: str) -> None:
        self.names = names

    @property
    def default(self) -> Value:
        """The first name."""
        return self.names[0]

    def show(self) -> str:
        """Return the choices for a message."""
        return ", ".join(self.names)

    def parse(self, value: object) -> Value | None:
        """Return the choice, or None if `value` is not one."""
        return value if isinstance(value, str) and value in self.names else None


@dataclass(frozen=True, slots=True)
class Number:
    """The values of a reading that is an integer from `minimum` to `maximum`."""

    default: Value
    minimum: int
    maximum: int
    condition: str = ""
    """What `allowed` requires, for messages."""
    allowed: Callable[[int], bool] = lambda _: True

    def show(self) -> str:
        """Return the range for a message."""
        return f"{self.minimum}…{self.maximum}{self.condition}"

    def parse(self, value: object) -> Value | None:
        """Return the number in `value`, an integer or decimal digits; None if it is not a valid one."""
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value, re.ASCII):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            return None
        return value if self.minimum <= value <= self.maximum and self.allowed(value) else None


@dataclass(frozen=True, slots=True)
class Reading:
    """One switch: its values, the section that it interprets, and why there is a choice."""

    name: str
    values: Choices | Number
    section: str
    why: Text


_TABLE = (
    Reading("strictness", Choices("strict", "lenient"), "1.2", Text(
        "strict accepts only what is documented; lenient also accepts what a tolerant backend would: integers for"
        " timestamps and dates, \"2\" for CountBy, a missing Content-Type, unknown and duplicate keys. Both record every deviation",
        "strict 只接受文档写明的内容；lenient 还接受宽松后端会接受的：整数时间戳和日期、字符串 CountBy、"
        "缺少 Content-Type、未知或重复的键。两者都会记录每处偏差")),
    Reading("signing", Choices("v2", "v1", "either"), "1.1.2", Text(
        "the formula has three parts, the sentence beside it names two; v1 leaves out the restapikey",
        "公式有三个参数，文字只提到两个；v1 不含 restapikey")),
    Reading("paths", Choices("v2/video", "document"), "1.1.2", Text(
        "the text fixes ver to v1 and servicename to test, but all six URLs say v2/video; document accepts both",
        "文字称 ver 固定为 v1、servicename 为 test，而六个 URL 均为 v2/video；document 两者都接受")),
    Reading("curtime", Choices("integer", "fraction"), "1.1.2", Text(
        "\"seconds until now (string)\"; a public v2 client sends a fraction. Milliseconds are always rejected",
        "“到现在的秒数（string类型）”；有公开的 v2 客户端发送小数。毫秒一律拒绝")),
    Reading("freshness_seconds", Number(300, 0, 86_400), "1.1.2", Text(
        "a checksum is valid for 5 minutes: applied in both directions, limits included",
        "checksum 有效期 5 分钟：前后两个方向均适用，含边界")),
    Reading("checksum_reuse", Choices("allowed", "once"), "1.1.2", Text(
        "a new checksum for every request is recommended; once makes it mandatory",
        "“建议每次请求都生成新的checksum”只是建议；once 将其变为强制")),
    Reading("seq", Choices("required", "optional", "unique"), "1.1.2", Text(
        "seq is in the URL format and in every sample, \"globally unique is enough\"; unique enforces that",
        "seq 出现在 URL 格式和所有示例中，“保证全局唯一就行”；unique 强制唯一")),
    Reading("identifier", Choices("any", "admin"), "1.1.2", Text(
        "\"usually the app's administrator account\"; admin accepts only the identifiers of the app",
        "“一般为app管理员账号”；admin 只接受应用列出的账号")),
    Reading("http_status", Choices("always_200", "rest"), "1.3", Text(
        "API errors are returned with HTTP 200; rest uses the status in errors.yaml",
        "API 错误也返回 HTTP 200；rest 使用 errors.yaml 中的状态码")),
    Reading("window", Choices("overlap", "enter", "leave", "contained"), "2.1.4, 2.3.4", Text(
        "which calls a time range selects: in the sample of 2.3 a user leaves 20 s after EndTime. Bounds are inclusive,"
        " times are not clipped",
        "时间段选取哪些通话：2.3 的示例中有用户在 EndTime 之后 20 秒才离开。含端点，时间不截断")),
    Reading("room_window", Choices("stays", "room"), "2.2.4", Text(
        "stays: only the users present in the range, and their totals; room: the range only selects the room, as in the sample",
        "stays：仅时间段内在场的用户及其合计；room：时间段只用于选取房间，与示例一致")),
    Reading("ongoing", Choices("now", "zero", "empty", "exclude"), "2.1.6", Text(
        "the end of a call in progress: the server's current time, \"0\", \"\", or the call is left out",
        "进行中的通话的结束时间：服务器当前时间、\"0\"、\"\"，或不返回该通话")),
    Reading("unknown_room", Choices("error", "empty"), "2.2", Text(
        "a query for a single object: an unknown room is an error, or an empty room",
        "查询单个对象：未知房间返回错误，或空房间")),
    Reading("unknown_user", Choices("empty", "error"), "2.1", Text(
        "a query for a list: an unknown user has an empty list, or is an error",
        "查询列表：未知用户返回空列表，或错误")),
    Reading("tick_seconds", Number(60, 10, 3_600, ", dividing the day", lambda step: 86_400 % step == 0), "3.1.6, 3.3.6",
        Text("the interval is 60 s in some samples and 10 s in others", "示例的间隔有 60 秒和 10 秒")),
    Reading("trend", Choices("tick", "cumulative"), "3.1.6", Text(
        "the amount in each interval, or since the start of the day; users online is always the maximum",
        "每个间隔内的量，或当天累计；在线人数始终取最大值")),
    Reading("count_by_zero", Choices("rows", "labelled", "error"), "3.1.4", Text(
        "\"all\" has only one Volume field: rows returns four rows per interval in CountBy order, labelled adds CountBy to them",
        "“所有”只有一个 Volume 字段：rows 为每个间隔按 CountBy 1-4 返回四行，labelled 附加 CountBy")),
    Reading("labels", Choices("off", "on"), "3.2.6", Text(
        "the documented rows have no country, province, city or network; on adds Name",
        "文档的行没有国家、省、市或网络名称；on 附加 Name")),
    Reading("distribution_tick", Choices("day_start", "run_time"), "3.2.1", Text(
        "\"counted once a day\": at 00:00 of the day, or when a nightly job would run, at 01:30 of the next day",
        "“每天统计一次”：当天 00:00，或夜间任务的运行时间，即次日 01:30")),
    Reading("today", Choices("partial", "empty"), "3.1", Text(
        "the current day: the intervals up to now, or nothing. A future day is always empty",
        "当天：到当前为止的间隔，或为空。未来日期始终为空")),
    Reading("fill", Choices("zero", "omit"), "3.1.6, 3.3.6", Text(
        "an interval without data: 3.1 returns zero or omits it; 3.3 has no value to return and always omits it",
        "没有数据的间隔：3.1 返回 0 或省略；3.3 没有值可返回，始终省略")),
    Reading("delay_unit", Choices("ms"), "3.3.6", Text(
        "the field is named Rate and described as a delay: milliseconds",
        "字段名为 Rate，说明为时延：毫秒")),
    Reading("max_range_days", Number(31, 0, 3_660), "2.1.4, 2.3.4", Text(
        "the document states no maximum range: a longer one is range_too_large, 0 is unlimited",
        "文档未说明最大时间跨度：超出为 range_too_large，0 表示不限")),
)  # fmt: skip

READINGS: dict[str, Reading] = {reading.name: reading for reading in _TABLE}
DEFAULTS: dict[str, Value] = {reading.name: reading.values.default for reading in _TABLE}


class InvalidReading(ValueError):
    """The reading does not exist or has no such value; `text` says what is valid."""

    def __init__(self, text: Text) -> None:
        self.text = text
        super().__init__(text.en)


def parse_reading(name: str, value: object) -> Value:
    """Return the value of reading `name` given as `value`; raise InvalidReading if either does not exist."""
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
    """Return all readings: the defaults, overridden by each layer in turn."""
    resolved = dict(DEFAULTS)
    for layer in layers:
        resolved.update(layer)
    return resolved
