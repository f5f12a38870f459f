"""A strict JSON reader (RFC 8259) that records the position of every value. The standard library decodes strings."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from pathlib import Path
from typing import Any, NoReturn

from mockserver.core.documents import Document, DocumentCache, DocumentParser, Location, Position, decode
from mockserver.core.suggestions import full_width_hint

_BLANK = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?(?![0-9A-Za-z.+-])", re.ASCII)
_LITERALS = {"true": True, "false": False, "null": None}
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_json(path: Path) -> Document:
    """Return the JSON document in the file; raise ConfigurationError with file, line and column."""
    return _DOCUMENTS.read(path)


def parse_json(source: str | bytes, name: str) -> Document:
    """Return the JSON document in `source`; raise ConfigurationError, which calls it `name`."""
    return _JsonParser(decode(source, name), name).document()


_DOCUMENTS = DocumentCache(parse_json)


class _JsonParser(DocumentParser):
    """A recursive-descent parser; every method takes the offset where it starts."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(name)
        self.text = text
        self.line_starts = [match.end() for match in re.finditer("\n", text)]
        self.decoder = json.JSONDecoder()

    def document(self) -> Document:
        value, location, at = self.value(self.skip(0), 1)
        if (at := self.skip(at)) < len(self.text):
            self.fail(
                self.position(at), "text after the end of the JSON value: remove it", "JSON 值之后还有内容：请删除"
            )
        return Document(value, self.name, location)

    def position(self, at: int) -> Position:
        line = bisect_right(self.line_starts, at)
        return line + 1, at - (self.line_starts[line - 1] if line else 0) + 1

    def unexpected(self, at: int, en: str, zh: str) -> NoReturn:
        if hint := full_width_hint(self.text[at : at + 1]):
            en, zh = f"{en}; {hint.en}", f"{zh}；{hint.zh}"
        self.fail(self.position(at), en, zh)

    def skip(self, at: int) -> int:
        match = _BLANK.match(self.text, at)
        return match.end() if match else at

    def value(self, at: int, depth: int) -> tuple[Any, Location, int]:
        position = self.position(at)
        self.count_value(depth, position)
        char = self.text[at : at + 1]
        if char in ("{", "["):
            return self.members(at, depth) if char == "{" else self.items(at, depth)
        if char == '"':
            text, end = self.string(at)
            return text, Location(position), end
        if match := _NUMBER.match(self.text, at):
            integer = not any(mark in match[0] for mark in ".eE")
            return self.number(match[0], position, integer), Location(position), match.end()
        for literal, value in _LITERALS.items():
            if self.text.startswith(literal, at):
                return value, Location(position), at + len(literal)
        self.unexpected(
            at,
            "expected a JSON value: object, list, string in double quotes, number, true, false or null",
            "此处应为 JSON 值：对象、列表、双引号字符串、数字、true、false 或 null",
        )

    def string(self, at: int) -> tuple[str, int]:
        try:
            text, end = self.decoder.raw_decode(self.text, at)
        except json.JSONDecodeError as error:
            self.fail(self.position(error.pos), f"invalid string ({error.msg})", f"字符串有误（{error.msg}）")
        if _SURROGATE.search(text):
            self.fail(self.position(at), "unpaired surrogate in the string", "字符串含不成对的代理项")
        return text, end

    def items(self, at: int, depth: int) -> tuple[list[Any], Location, int]:
        position = self.position(at)
        values: list[Any] = []
        parts: dict[str | int, Location] = {}
        at = self.skip(at + 1)
        while self.text[at : at + 1] != "]" or values:
            value, parts[len(values)], at = self.value(at, depth + 1)
            values.append(value)
            if (at := self.next(at, "]")) < 0:
                return values, Location(position, parts), -at
        return values, Location(position, parts), at + 1

    def members(self, at: int, depth: int) -> tuple[dict[str, Any], Location, int]:
        position = self.position(at)
        values: dict[str, Any] = {}
        parts: dict[str | int, Location] = {}
        at = self.skip(at + 1)
        while self.text[at : at + 1] != "}" or values:
            key_position = self.position(at)
            if self.text[at : at + 1] != '"':
                self.unexpected(at, "expected a key in double quotes", "此处应为双引号括起的键")
            key, at = self.string(at)
            self.check_duplicate(parts, key, key_position)
            if self.text[(at := self.skip(at)) : at + 1] != ":":
                self.unexpected(at, f"expected a colon after the key {key!r}", f"键 {key!r} 之后应有冒号")
            values[key], inner, at = self.value(self.skip(at + 1), depth + 1)
            parts[key] = inner._replace(key=key_position)
            if (at := self.next(at, "}")) < 0:
                return values, Location(position, parts), -at
        return values, Location(position, parts), at + 1

    def next(self, at: int, close: str) -> int:
        """Return where the next member starts after a comma; the negated offset after `close` at the end."""
        at = self.skip(at)
        char = self.text[at : at + 1]
        if char == close:
            return -(at + 1)
        if char != ",":
            self.unexpected(at, f"expected a comma or {close}", f"此处应为逗号或 {close}")
        return self.skip(at + 1)
