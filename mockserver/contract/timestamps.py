"""The document's timestamps and days as strings: their formats, and what is wrong with a string that is neither."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mockserver.core.text import Text

SECONDS_FORMAT = Text("seconds since 1970 as a string of 10 digits", "10 位数字的 Unix 秒字符串")
DAY_FORMAT = Text("a day as a string yyyymmdd", "yyyymmdd 格式的日期字符串")

_NOT_A_TIMESTAMP = (
    (r"", Text("it is empty", "为空")),
    (r"(?s:\s.*|.*\s)", Text("it has leading or trailing whitespace", "前后有空白或换行")),
    (r"[0-9]{13}", Text("13 digits are milliseconds; divide by 1000", "13 位是毫秒；请除以 1000")),
    (r"[0-9]{16}", Text("16 digits are microseconds; divide by 1000000", "16 位是微秒；请除以 1000000")),
    (r"[0-9]+", Text("expected 10 digits, received {count}", "应为 10 位，收到 {count} 位")),
    (r"\d+", Text("its digits are not ASCII", "不是 ASCII 数字")),
    (r"-[0-9]+(\.[0-9]*)?", Text("it is negative", "为负数")),
    (r"\+[0-9]+", Text("it has a sign", "带有符号")),
    (r"[0-9.]+[eE][+-]?[0-9]+", Text("it is written with an exponent", "使用了科学计数法")),
    (r"[0-9]+\.[0-9]*", Text("it has a fraction", "带有小数")),
    (
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?s:.*)",
        Text("it is a calendar date; convert it to seconds (UTC)", "是日历时间；请换算为秒（UTC）"),
    ),
    (r"(?s:.*)", Text("it is not a number", "不是数字")),
)
_NOT_A_DAY = (
    (r"[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}", Text("remove the separators", "请去掉分隔符")),
    (r"[0-9]{10}", Text("it is a timestamp in seconds", "这是以秒计的时间戳")),
    (r"(?s:.*)", Text("it is not eight digits", "不是 8 位数字")),
)


def format_duration(seconds: int) -> Text:
    """Return the duration for a message, with hours or days added from two hours on: `7201 s (over 2 h)`."""
    for size, unit, unit_zh in ((86_400, "days", "天"), (3_600, "h", "小时")):
        count, rest = divmod(seconds, size)
        if count >= 2:
            over, over_zh = ("over ", "多") if rest else ("", "")
            return Text(f"{seconds} s ({over}{count} {unit})", f"{seconds} 秒（{count} {unit_zh}{over_zh}）")
    return Text(f"{seconds} s", f"{seconds} 秒")


def explain_timestamp(text: str) -> Text:
    """Return why `text` is not a timestamp, exactly ten ASCII digits (§2.1.4)."""
    return _first_match(_NOT_A_TIMESTAMP, text)


def explain_day(text: str) -> Text:
    """Return why `text` is not a day in the form yyyymmdd (§3.1.4)."""
    return _first_match(_NOT_A_DAY, text)


def _first_match(reasons: Iterable[tuple[str, Text]], text: str) -> Text:
    reason = next(reason for pattern, reason in reasons if re.fullmatch(pattern, text))
    return reason.format(count=len(text))
