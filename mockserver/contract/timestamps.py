"""The document's timestamps and days as strings: their formats, and what is wrong with a string that is neither."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from mockserver.core.text import Text
from mockserver.core.yaml_reader import read_texts

SECONDS_FORMAT = Text("seconds since 1970 as a string of 10 digits", "10 位数字的 Unix 秒字符串")
DAY_FORMAT = Text("a day as a string yyyymmdd", "yyyymmdd 格式的日期字符串")

_REASONS = read_texts(Path(__file__).with_name("timestamps.yaml"))


def format_duration(seconds: int) -> Text:
    """Return the duration for a message, with hours or days added from two hours on: `7201 s (over 2 h)`."""
    for size, unit, unit_zh in ((86_400, "days", "天"), (3_600, "h", "小时")):
        count, rest = divmod(seconds, size)
        if count >= 2:
            over, over_zh = ("over ", "多") if rest else ("", "")
            return Text(f"{seconds} s ({over}{count} {unit})", f"{seconds} 秒（{count} {unit_zh}{over_zh}）")
    return Text(f"{seconds} s", f"{seconds} 秒")


def explain(kind: Literal["timestamp", "day"], text: str) -> Text:
    """Return why `text` is not ten ASCII digits (§2.1.4) or not a day in the form yyyymmdd (§3.1.4)."""
    reason: Text = next(row["text"] for row in _REASONS[kind] if re.fullmatch(row["pattern"], text))
    return reason.format(count=len(text))
