"""The document's timestamps and days as strings: their formats, and what is wrong with a string that is neither."""

from __future__ import annotations

import re

from mockserver.core.text import Text

SECONDS_FORMAT = Text("seconds since 1970 as a string of 10 digits", "10 位数字的 Unix 秒字符串")
DAY_FORMAT = Text("a day as a string yyyymmdd", "yyyymmdd 格式的日期字符串")

_MISTAKES: tuple[tuple[str, Text], ...] = (
    (r"-[0-9]+(\.[0-9]*)?", Text("it is negative", "为负数")),
    (r"\+[0-9]+", Text("it has a sign", "带有符号")),
    (r"[0-9.]+[eE][+-]?[0-9]+", Text("it is written with an exponent", "使用了科学计数法")),
    (r"[0-9]+\.[0-9]*", Text("it has a fraction", "带有小数")),
    (
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?s:.*)",
        Text("it is a calendar date; convert it to seconds (UTC)", "是日历时间；请换算为秒（UTC）"),
    ),
)


def is_timestamp(text: str) -> bool:
    """Whether `text` is a timestamp: exactly ten ASCII digits."""
    return len(text) == 10 and text.isascii() and text.isdigit()


def format_duration(seconds: int) -> Text:
    """Return the duration for a message, with hours or days added from two hours on: `7201 s (over 2 h)`."""
    for size, unit, unit_zh in ((86_400, "days", "天"), (3_600, "h", "小时")):
        count, rest = divmod(seconds, size)
        if count >= 2:
            over, over_zh = ("over ", "多") if rest else ("", "")
            return Text(f"{seconds} s ({over}{count} {unit})", f"{seconds} 秒（{count} {unit_zh}{over_zh}）")
    return Text(f"{seconds} s", f"{seconds} 秒")


def explain_timestamp(text: str) -> Text:
    """Return why `text` is not a timestamp (§2.1.4)."""
    if not text:
        return Text("it is empty", "为空")
    if text != text.strip():
        return Text("it has leading or trailing whitespace", "前后有空白或换行")
    if text.isdigit() and not text.isascii():
        return Text("its digits are not ASCII", "不是 ASCII 数字")
    if text.isdigit() and len(text) == 13:
        return Text("13 digits are milliseconds; divide by 1000", "13 位是毫秒；请除以 1000")
    if text.isdigit() and len(text) == 16:
        return Text("16 digits are microseconds; divide by 1000000", "16 位是微秒；请除以 1000000")
    if text.isdigit():
        return Text(f"expected 10 digits, received {len(text)}", f"应为 10 位，收到 {len(text)} 位")
    for pattern, mistake in _MISTAKES:
        if re.fullmatch(pattern, text, re.ASCII):
            return mistake
    return Text("it is not a number", "不是数字")


def explain_day(text: str) -> Text:
    """Return why `text` is not a day in the form yyyymmdd (§3.1.4)."""
    if re.fullmatch(r"[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}", text, re.ASCII):
        return Text("remove the separators", "请去掉分隔符")
    if is_timestamp(text):
        return Text("it is a timestamp in seconds", "这是以秒计的时间戳")
    return Text("it is not eight digits", "不是 8 位数字")
