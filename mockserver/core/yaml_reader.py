"""Reads YAML by the 1.2 core rules, from libyaml's event stream, with the place of every value.

Knows nothing of what the files mean. Values are built straight from parser events: no composer that recurses
(a deep flow list would end the process), no constructor that makes objects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from mockserver.core.documents import Document, DocumentParser, Location, Position, decode, read_bytes
from mockserver.core.errors import ConfigurationError
from mockserver.core.text import Text

# YAML 1.2 core schema, §10.3.2 of its specification: what a plain scalar means. All else is text.
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOL = {
    word: value for value in (True, False) for word in (str(value).lower(), str(value), str(value).upper())
}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_NO_NUMBER = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", re.ASCII)
_TAGS: dict[str, tuple[type, ...]] = {
    "tag:yaml.org,2002:null": (type(None),),
    "tag:yaml.org,2002:bool": (bool,),
    "tag:yaml.org,2002:int": (int,),
    "tag:yaml.org,2002:float": (float,),
}
# libyaml where PyYAML was built with it (every published wheel); the same events, slower, where not.
_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path) -> Document:
    """The one YAML document in the file; ConfigurationError names file, line and column."""
    return parse_yaml(read_bytes(path), str(path))


def parse_yaml(source: str | bytes, name: str) -> Document:
    """The one YAML document in `source`; `name` stands for it in errors, which are ConfigurationError."""
    text = decode(source, name)
    try:
        return _Yaml(text, name).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if mark is not None and "nesting depth" in str(error.problem):
            # Newer parsers stop at a depth of their own before they tell of ours: ask again with what is before it.
            return parse_yaml(text[: mark.index], name)
        if "end of stream" in str(error.problem):  # of an open quote or bracket: the start tells more
            mark = error.context_mark or mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise ConfigurationError.at(name, _advice(text, error, line, column), line, column) from None
    except yaml.YAMLError as error:
        raise ConfigurationError.at(name, Text(f"not YAML: {error}", f"不是 YAML：{error}"), 1, 1) from None


def _advice(text: str, error: yaml.MarkedYAMLError, line: int, column: int) -> Text:
    lines = text.splitlines()
    rest = lines[line - 1][column - 1 :] if line <= len(lines) else ""
    if rest.startswith("\t"):
        return Text("a tab: indent with spaces", "此处是制表符：请用空格缩进")
    if rest[:1] in ("@", "`", "%") and "start any token" in str(error.problem):
        return Text(
            f"text cannot start with {rest[0]}: put it in quotes", f"文本不能以 {rest[0]} 开头：请加引号"
        )
    # What a file says is not repeated: it may be a secret whose first character means something in YAML.
    why = re.sub(r"(['\"]).{2,}\1", "…", error.problem or error.context or "syntax")
    return Text(
        f"broken YAML ({why}): check indentation, brackets and quotes; quote text with ': ' or ' #' in it",
        f"YAML 语法错误（{why}）：请检查缩进、括号和引号；含 ': ' 或 ' #' 的文本请加引号",
    )


class _Yaml(DocumentParser):
    """Builds values and their spots straight from the parser's events."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(name)
        self.events: Iterator[Any] = yaml.parse(text, Loader=_PARSER)
        self.anchors: dict[str, tuple[Any, Location]] = {}

    def document(self) -> Document:
        next(self.events)  # the start of the stream
        if isinstance(next(self.events), yaml.StreamEndEvent):
            self.refuse((1, 1), "the file is empty", "文件为空")
        value, spot = self.node(next(self.events), 1)
        next(self.events)  # the end of the document
        more = next(self.events)
        if not isinstance(more, yaml.StreamEndEvent):
            self.refuse(
                _place(more),
                "a second document: one file, one document",
                "出现第二个文档：一个文件只放一个文档",
            )
        return Document(value, self.name, spot)

    def node(self, event: Any, depth: int) -> tuple[Any, Location]:
        place = _place(event)
        self.enter(depth, place)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                self.refuse(
                    place,
                    "the name after * is no finished anchor above: quote it if it is text",
                    "* 之后的名称在前文没有对应的锚点：若是文本请加引号",
                )
            value, spot = self.anchors[event.anchor]
            return self.again(value, depth, place), spot
        if isinstance(event, yaml.ScalarEvent):
            value, spot = self.scalar(event), Location(place, word=event.value)
        elif isinstance(event, yaml.MappingStartEvent):
            value, spot = self.mapping(event, depth)
        else:
            value, spot = self.sequence(event, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = value, spot
        return value, spot

    def again(self, value: Any, depth: int, place: Position) -> Any:
        """A copy for an alias, counted as if it were written out: that is what defuses an alias bomb."""
        self.enter(depth, place)
        if isinstance(value, dict):
            return {key: self.again(part, depth + 1, place) for key, part in value.items()}
        if isinstance(value, list):
            return [self.again(part, depth + 1, place) for part in value]
        return value

    def sequence(self, event: Any, depth: int) -> tuple[list[Any], Location]:
        self.tag(event, "tag:yaml.org,2002:seq")
        values: list[Any] = []
        parts: dict[str | int, Location] = {}
        while not isinstance(item := next(self.events), yaml.SequenceEndEvent):
            value, parts[len(values)] = self.node(item, depth + 1)
            values.append(value)
        return values, Location(_place(event), parts)

    def mapping(self, event: Any, depth: int) -> tuple[dict[str, Any], Location]:
        self.tag(event, "tag:yaml.org,2002:map")
        values: dict[str, Any] = {}
        parts: dict[str | int, Location] = {}
        while not isinstance(item := next(self.events), yaml.MappingEndEvent):
            place = _place(item)
            key = self.scalar(item) if isinstance(item, yaml.ScalarEvent) else None
            if not isinstance(key, str):
                self.refuse(place, "a key must be text: put it in quotes", "键必须是文本：请加引号")
            if key == "<<" and not item.style:
                self.refuse(
                    place,
                    "no merge keys: write the keys out, or use extends",
                    "不支持合并键：请逐个写出，或用 extends",
                )
            self.once(parts, key, place)
            value, spot = self.node(next(self.events), depth + 1)
            values[key], parts[key] = value, Location(spot.value, spot.parts, place, spot.word)
        return values, Location(_place(event), parts)

    def scalar(self, event: Any) -> Any:
        word, place = event.value, _place(event)
        if event.tag in _TAGS:
            value = self.plain(word, place)
            if event.tag.endswith(":float") and type(value) is int:
                value = float(value)
            if type(value) not in _TAGS[event.tag]:
                kind = event.tag.rpartition(":")[2]
                self.refuse(place, f"this is no {kind}: drop the tag", f"此值不是 {kind}：请去掉标签")
            return value
        self.tag(event, "tag:yaml.org,2002:str", "!")
        return self.plain(word, place) if event.tag is None and not event.style else word

    def plain(self, word: str, place: Position) -> Any:
        if word in _NULL:
            return None
        if word in _BOOL:
            return _BOOL[word]
        if _INT.fullmatch(word):
            return self.number(word, place, whole=True)
        if _FLOAT.fullmatch(word):
            return self.number(word, place, whole=False)
        if _NO_NUMBER.fullmatch(word):
            self.refuse(
                place,
                "this is no JSON number: quote it if it is text",
                "此值不是 JSON 数字：若是文本请加引号",
            )
        return word

    def tag(self, event: Any, *allowed: str) -> None:
        if event.tag is not None and event.tag not in allowed:
            self.refuse(
                _place(event),
                "this tag is not allowed: drop it, or quote it if it is text",
                "不允许此标签：请去掉，若是文本请加引号",
            )


def _place(event: Any) -> Position:
    return event.start_mark.line + 1, event.start_mark.column + 1
