"""Reads JSON strictly by RFC 8259, with the place of every value; strings are left to the standard library.

Knows nothing of what the files mean.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from pathlib import Path
from typing import Any

from mockserver.core.documents import Document, DocumentParser, Location, Position, decode, read_bytes

_BLANK = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?(?![0-9A-Za-z.+-])", re.ASCII)
_WORDS = {"true": True, "false": False, "null": None}
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_json(path: Path) -> Document:
    """The JSON text in the file; ConfigurationError names file, line and column."""
    return parse_json(read_bytes(path), str(path))


def parse_json(source: str | bytes, name: str) -> Document:
    """The JSON text in `source`; `name` stands for it in errors, which are ConfigurationError."""
    return _Json(decode(source, name), name).document()


class _Json(DocumentParser):
    """A JSON reader that knows where it is; strings are left to the standard library."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(name)
        self.text = text
        self.breaks = [found.end() for found in re.finditer("\n", text)]
        self.strings = json.JSONDecoder()

    def document(self) -> Document:
        value, spot, at = self.value(self.skip(0), 1)
        if (at := self.skip(at)) < len(self.text):
            self.refuse(
                self.place(at),
                "text after the end of the JSON value: remove it",
                "JSON 值之后还有内容：请删除",
            )
        return Document(value, self.name, spot)

    def place(self, at: int) -> Position:
        line = bisect_right(self.breaks, at)
        return line + 1, at - (self.breaks[line - 1] if line else 0) + 1

    def skip(self, at: int) -> int:
        found = _BLANK.match(self.text, at)
        return found.end() if found else at

    def value(self, at: int, depth: int) -> tuple[Any, Location, int]:
        place = self.place(at)
        self.enter(depth, place)
        char = self.text[at : at + 1]
        if char in ("{", "["):
            return self.members(at, depth) if char == "{" else self.items(at, depth)
        if char == '"':
            text, end = self.string(at)
            return text, Location(place), end
        if found := _NUMBER.match(self.text, at):
            whole = not any(mark in found[0] for mark in ".eE")
            return self.number(found[0], place, whole), Location(place), found.end()
        for word, value in _WORDS.items():
            if self.text.startswith(word, at):
                return value, Location(place), at + len(word)
        self.refuse(
            place,
            "a JSON value is due here: object, list, string in double quotes, number, true, false or null",
            "此处应为 JSON 值：对象、列表、双引号字符串、数字、true、false 或 null",
        )

    def string(self, at: int) -> tuple[str, int]:
        try:
            text, end = self.strings.raw_decode(self.text, at)
        except json.JSONDecodeError as error:
            why = error.msg
            self.refuse(self.place(error.pos), f"a broken string ({why})", f"字符串有误（{why}）")
        if _SURROGATE.search(text):
            self.refuse(self.place(at), "half of a surrogate pair in the string", "字符串含不成对的代理项")
        return text, end

    def items(self, at: int, depth: int) -> tuple[list[Any], Location, int]:
        place = self.place(at)
        values: list[Any] = []
        parts: dict[str | int, Location] = {}
        at = self.skip(at + 1)
        while self.text[at : at + 1] != "]" or values:
            value, parts[len(values)], at = self.value(at, depth + 1)
            values.append(value)
            if (at := self.next(at, "]")) < 0:
                return values, Location(place, parts), -at
        return values, Location(place, parts), at + 1

    def members(self, at: int, depth: int) -> tuple[dict[str, Any], Location, int]:
        place = self.place(at)
        values: dict[str, Any] = {}
        parts: dict[str | int, Location] = {}
        at = self.skip(at + 1)
        while self.text[at : at + 1] != "}" or values:
            spot = self.place(at)
            if self.text[at : at + 1] != '"':
                self.refuse(spot, "a key in double quotes is due here", "此处应为双引号括起的键")
            key, at = self.string(at)
            self.once(parts, key, spot)
            if self.text[(at := self.skip(at)) : at + 1] != ":":
                self.refuse(
                    self.place(at), f"a colon is due after the key {key!r}", f"键 {key!r} 之后应有冒号"
                )
            values[key], inner, at = self.value(self.skip(at + 1), depth + 1)
            parts[key] = Location(inner.value, inner.parts, spot)
            if (at := self.next(at, "}")) < 0:
                return values, Location(place, parts), -at
        return values, Location(place, parts), at + 1

    def next(self, at: int, close: str) -> int:
        """Where the next member starts after a comma; minus the place after `close` when it is the end."""
        at = self.skip(at)
        char = self.text[at : at + 1]
        if char == close:
            return -(at + 1)
        if char != ",":
            self.refuse(self.place(at), f"a comma or {close} is due here", f"此处应为逗号或 {close}")
        return self.skip(at + 1)
