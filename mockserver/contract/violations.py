"""Everything that can be wrong with a request, and texts about its timestamps and days.

Names, errors, sections and texts of violations are the rows of `violations.yaml`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

from mockserver.core.text import Text
from mockserver.core.yaml_reader import read_texts

SECONDS_FORMAT = Text("seconds since 1970 as a string of 10 digits", "10 位数字的 Unix 秒字符串")
DAY_FORMAT = Text("a day as a string yyyymmdd", "yyyymmdd 格式的日期字符串")

_REASONS = read_texts(Path(__file__).with_name("timestamps.yaml"))


@dataclass(frozen=True, slots=True)
class Violation:
    """One deviation of a request from the document, whether the request was accepted or not."""

    name: str  # Stable name, a key of `VIOLATIONS`.
    error: str  # Name of the error that answers it unless it is tolerated.
    where: str  # `path`, `method`, `query:NAME`, `header:NAME`, or `body:` with a JSON pointer.
    expected: str
    got: str
    section: str  # Section of the document, such as `1.1.2`.
    text: Text  # What is wrong and what to do.
    diagnosis: str = ""  # Name of the signing mistake behind it, if it was identified.
    tolerated: bool = False  # Whether it is only recorded, because a reading accepts it.


@dataclass(frozen=True, slots=True)
class ViolationKind:
    """One kind of violation; `text` is a template."""

    error: str
    section: str  # Empty: that of the operation.
    text: Text
    where: str = ""
    expected: str = ""
    own_error: str = ""  # An optional row of the catalogue that answers it in place of `error`.


_ROWS = read_texts(Path(__file__).with_name("violations.yaml"))
VIOLATIONS = {name: ViolationKind(**row) for name, row in _ROWS.items()}

OWN_ERRORS = {kind.own_error: kind.error for kind in VIOLATIONS.values() if kind.own_error}
"""The optional rows of the catalogue, each with the row that answers without it."""

NEEDED_ERRORS = {kind.error for kind in VIOLATIONS.values()} | {"room_not_found", "user_not_found", "internal_error"}
"""The rows that every catalogue has: for violations, and for what is no violation of the request."""


CHECKSUM_LENGTH = 40  # Hexadecimal digits.
_CHECKSUM = re.compile(r"(?<![0-9A-Fa-f])([0-9A-Fa-f]{6})[0-9A-Fa-f]{34,}")


def mask_checksums(text: str) -> str:
    """Return `text` with every run of 40 or more hex digits cut to its first six."""
    return _CHECKSUM.sub(r"\1…", text) if len(text) >= CHECKSUM_LENGTH and _CHECKSUM.search(text) else text


_APPSECRET = re.compile(r"(appsecret\s?=\s?)[^;]+")


def mask_fault_secret(text: str) -> str:
    """Return the text of a fault with the value of `appsecret` masked."""
    masked = _APPSECRET.sub(r"\1***", text)
    return masked if "%" not in text else _APPSECRET.sub(r"\1***", unquote(masked))


def shorten(value: object, limit: int = 48) -> str:
    """Return `value` for a message: control characters escaped, checksums masked, cut after `limit` characters."""
    shown = value if isinstance(value, str) else repr(value)
    shown = mask_checksums(shown[: 2 * limit + 40])
    shown = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in shown[: limit + 1])
    return shown if len(shown) <= limit else shown[:limit] + "…"


def make_violation(
    name: str,
    where: str = "",
    /,
    *,
    expected: str | Text = "",
    got: object = "",
    section: str = "",
    diagnosis: str = "",
    tolerated: bool = False,
    **values: object,
) -> Violation:
    """Return the violation `name`; `values` fill the placeholders of its text.

    `where`, `expected` and `section` are those of its row unless they are given.
    """
    kind = VIOLATIONS[name]
    expected = expected or kind.expected
    shown = shorten(got.en if isinstance(got, Text) else got)
    # An empty value is shown as "".
    quoted = Text(shown, got.zh) if isinstance(got, Text) else shown or '""'
    text = kind.text.format(**{"hint": "", "expected": expected, "got": quoted, **values})
    return Violation(
        name=name,
        error=kind.error,
        where=where or kind.where,
        expected=expected.en if isinstance(expected, Text) else expected,
        got=shown,
        section=section or kind.section,
        text=Text(*map(mask_checksums, text)),
        diagnosis=diagnosis,
        tolerated=tolerated,
    )


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
