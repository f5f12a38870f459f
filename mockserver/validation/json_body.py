"""Reads a request body as strict JSON and says where and why it is none.

Python's own parser takes much that is not JSON or that breaks later: NaN, repeated keys, a BOM, lone
surrogates, thousand-digit numbers, endless nesting. Each is told here by name.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from mockserver.contract.envelope import parse_flat_object
from mockserver.contract.violations import Violation, make_violation, shorten
from mockserver.core.text import Text

MAX_DEPTH = 64
MAX_NUMBER = 32
MAX_TOLD = 20
"""No more repeated keys than this are told one by one."""
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_LOOKALIKES = {"“": '"', "”": '"', "：": ":", "，": ",", "｛": "{", "｝": "}", "‘": "'", "’": "'"}


@dataclass(slots=True)
class Parsed:
    """A body that was read: its value, or why there is none."""

    value: Any = None
    ok: bool = False
    exact: bool = True
    """No number was written with a fraction or an exponent (the fast schema engine takes 1.0 for 1)."""
    violations: list[Violation] = field(default_factory=list)


class _Refused(ValueError):
    def __init__(self, text: Text) -> None:
        self.text = text
        super().__init__(text.en)


def parse(body: bytes) -> Parsed:
    """The JSON value of `body` (§1.2); every repeated key is a violation, any other fault leaves no value."""
    plain = parse_flat_object(body)
    return parse_closely(body) if plain is None else Parsed(plain, ok=True)


def parse_closely(body: bytes) -> Parsed:
    """The same, for a body that is not as plain as nearly every one is."""
    parsed = Parsed()
    try:
        if _too_deep(body):
            raise _Refused(
                Text(
                    f"nested deeper than {MAX_DEPTH} levels; send a flat object",
                    f"嵌套超过 {MAX_DEPTH} 层；请发送扁平对象",
                )
            )
        parsed.value = _DECODER.decode(_text(body))
        _inspect(parsed.value, parsed)
        parsed.ok = True
    except _Refused as refused:
        parsed.violations.append(_malformed(refused.text))
    except json.JSONDecodeError as error:
        parsed.violations.append(_malformed(_explain(error)))
    except RecursionError:
        parsed.violations.append(_malformed(Text("nested too deeply", "嵌套过深")))
    return parsed


def _malformed(text: Text) -> Violation:
    return make_violation(
        "malformed_json", "body:", expected="a JSON object", reason=text.en, reason_zh=text.zh
    )


def _text(body: bytes) -> str:
    if body.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in body[:4]:
        raise _Refused(
            Text("it is UTF-16 or UTF-32; encode it as UTF-8", "编码为 UTF-16 或 UTF-32；请使用 UTF-8")
        )
    if body.startswith(b"\xef\xbb\xbf"):
        raise _Refused(
            Text(
                "it begins with a byte order mark; send UTF-8 without BOM",
                "以 BOM 开头；请发送无 BOM 的 UTF-8",
            )
        )
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        at = error.start + 1
        raise _Refused(
            Text(f"byte {at} is not UTF-8; encode it as UTF-8", f"第 {at} 个字节不是 UTF-8；请使用 UTF-8")
        ) from None


def _too_deep(body: bytes) -> bool:
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return False
    depth = 0
    for char in _STRINGS.sub(b"", body):
        if char in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif char in b"]}":
            depth -= 1
    return False


class _Repeating(dict[str, Any]):
    """An object in which a key was written twice; the last value stands, as Python reads it."""

    def __init__(self, items: list[tuple[str, Any]]) -> None:
        super().__init__(items)
        counts = Counter(name for name, _ in items)
        self.repeated = [name for name, count in counts.items() if count > 1]


def _object(items: list[tuple[str, Any]]) -> dict[str, Any]:
    # A name that is kept with every request is kept once.
    made = {sys.intern(name) if len(name) <= 32 else name: value for name, value in items}
    return made if len(made) == len(items) else _Repeating(items)


def _whole(text: str) -> int:
    return int(_bounded(text))


def _real(text: str) -> float:
    value = float(_bounded(text))
    if value in (float("inf"), float("-inf")):
        raise _Refused(Text(f"the number {shorten(text)} is too large", f"数字 {shorten(text)} 过大"))
    return value


def _constant(text: str) -> None:
    raise _Refused(Text(f"{text} is not JSON; send a finite number", f"{text} 不是 JSON；请发送有限数字"))


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_whole, parse_float=_real, parse_constant=_constant
)


def _bounded(text: str) -> str:
    if len(text) > MAX_NUMBER:
        raise _Refused(
            Text(
                f"a number has {len(text)} characters, at most {MAX_NUMBER}",
                f"数字有 {len(text)} 个字符，最多 {MAX_NUMBER}",
            )
        )
    return text


def _inspect(value: Any, parsed: Parsed) -> None:
    """Find what the decoder lets through: repeated keys, numbers with a fraction, halves of characters."""
    if isinstance(value, str):
        if not value.isascii() and _SURROGATE.search(value):
            raise _Refused(
                Text(
                    "a string holds half of a surrogate pair (\\ud800…); send whole characters",
                    "字符串含半个代理对（\\ud800…）；请发送完整字符",
                )
            )
    elif isinstance(value, float):
        parsed.exact = False
    elif isinstance(value, dict):
        for key, item in value.items():
            _inspect(key, parsed)
            _inspect(item, parsed)
        if isinstance(value, _Repeating):
            left = MAX_TOLD - len(parsed.violations)
            parsed.violations += [
                make_violation(
                    "duplicate_key", f"body:/{shorten(name)}", name=shorten(name), expected="once", got=name
                )
                for name in value.repeated[: max(left, 0)]
            ]
    elif isinstance(value, list):
        for item in value:
            _inspect(item, parsed)


def _before_closing(last: str) -> Text:
    """Why a closing bracket cannot follow the character `last`."""
    if last == ",":
        return Text("a comma stands before the closing bracket", "右括号前多了逗号")
    if last == ":":
        return Text("a value is missing before the closing bracket", "右括号前缺少值")
    return Text("the closing bracket does not fit the opening one", "右括号与左括号不匹配")


def _explain(error: json.JSONDecodeError) -> Text:
    """Where the JSON breaks and what would mend it, counting lines and columns from 1."""
    text, at = error.doc, error.pos
    place = Text(f"line {error.lineno} column {error.colno}", f"第 {error.lineno} 行第 {error.colno} 列")
    found = text[at : at + 1]
    hint = Text("", "")
    if found in _LOOKALIKES:
        right = _LOOKALIKES[found]
        hint = Text(f"write {right} instead of the full-width {found}", f"请用半角 {right} 代替全角 {found}")
    elif found in ("}", "]") and not error.msg.startswith("Extra data"):
        hint = _before_closing(text[:at].rstrip()[-1:])
    elif "delimiter" in error.msg and "," in error.msg and found:
        line = text.count("\n", 0, len(text[:at].rstrip())) + 1
        hint = Text(f"a comma is missing at the end of line {line}", f"第 {line} 行末尾缺少逗号")
    elif found == "'":
        hint = Text("strings take double quotes", "字符串须用双引号")
    elif "trailing comma" in error.msg:
        hint = _before_closing(",")
    elif at == 0 and re.match(r"[A-Za-z_][\w.-]*=", text):
        hint = Text("this is a form; send JSON", "这是表单；请发送 JSON")
    elif at >= len(text.rstrip()):
        hint = Text("it ends too early", "内容不完整")
    elif error.msg.startswith("Extra data"):
        hint = Text("something follows the closing bracket", "右括号之后还有内容")
    elif error.msg.startswith("Invalid control character"):
        hint = Text(
            "write line breaks and tabs in strings as \\n and \\t", "字符串中的换行和制表符须写成 \\n、\\t"
        )
    reason = error.msg[0].lower() + error.msg[1:]
    return Text(
        f"{place.en}: {reason}" + (f"; {hint.en}" if hint.en else ""),
        f"{place.zh}：{hint.zh or reason}",
    )
