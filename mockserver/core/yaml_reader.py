"""A YAML reader by the 1.2 core schema that records the position of every value.

It builds values directly from libyaml's events: PyYAML's composer recurses, so that a deep flow list would end the
process, and its constructors follow YAML 1.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from mockserver.core.documents import Document, DocumentCache, DocumentParser, Location, Position, decode
from mockserver.core.errors import ConfigurationError, Problem
from mockserver.core.suggestions import full_width_hint
from mockserver.core.text import Text

# Plain scalars by the YAML 1.2 core schema (§10.3.2 of its specification); all others are text.
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOL = {word: value for value in (True, False) for word in (str(value).lower(), str(value), str(value).upper())}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", re.ASCII)
_TAGS: dict[str, tuple[type, ...]] = {
    "tag:yaml.org,2002:null": (type(None),),
    "tag:yaml.org,2002:bool": (bool,),
    "tag:yaml.org,2002:int": (int,),
    "tag:yaml.org,2002:float": (float,),
}
_FULL_WIDTH = re.compile(
    r"""(?:^|[{,，])[\s-]*["'“‘]?[A-Za-z_][\w.-]*["'”’]?\s*(?P<colon>：)"""  # after a key
    r"""|(?:[:：,，\[{]|^\s*-)\s*(?P<opening>[“‘＂｛［])"""  # where a value begins
    r"""|"[^"]*(?P<closing>[”＂])""",  # where a quoted text should end
    re.ASCII,
)  # Full-width characters in places where YAML syntax is expected.
# Use libyaml if PyYAML was built with it, as in every published wheel. The pure Python parser is slower.
_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path) -> Document:
    """Return the YAML document in the file; raise ConfigurationError with file, line and column."""
    return _DOCUMENTS.read(path)


def read_texts(path: Path) -> Any:
    """Return a YAML file of our own: `{en, zh}` as a `Text`, or as the `text` of a mapping with other keys."""
    return _with_texts(read_yaml(path).value)


def _with_texts(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_with_texts, value))
    if not isinstance(value, dict):
        return value
    row = {name: _with_texts(each) for name, each in value.items()}
    if "zh" not in row:
        return row
    text = Text(row.pop("en"), row.pop("zh"))
    return {**row, "text": text} if row else text


def parse_yaml(source: str | bytes, name: str) -> Document:
    """Return the YAML document in `source`; raise ConfigurationError, which calls it `name`."""
    text = decode(source, name)
    try:
        return _YamlParser(text, name).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if mark is not None and "nesting depth" in str(error.problem):
            # Newer versions of libyaml have a depth limit of their own: parse up to there to report ours.
            return parse_yaml(text[: mark.index], name)
        if "end of stream" in str(error.problem):  # an unclosed quote or bracket: report where it opens
            mark = error.context_mark or mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        first = min((mark.line for mark in (mark, error.context_mark) if mark), default=0)
        if found := list(_full_width_syntax(text, name, first, line)):
            raise ConfigurationError(found) from None
        raise ConfigurationError.at(name, _advice(text, error, line, column), line, column) from None
    except yaml.YAMLError as error:
        raise ConfigurationError.at(name, Text(f"not YAML: {error}", f"不是 YAML：{error}"), 1, 1) from None


def _full_width_syntax(text: str, name: str, first: int, last: int) -> Iterator[Problem]:
    """Yield the full-width characters that were typed as syntax, if lines `first` to `last` of a syntax error have any.

    The parser reports the error on their line or on the next one.
    """
    lines = text.splitlines()
    wrong = [(line, match) for line, content in enumerate(lines, 1) for match in _FULL_WIDTH.finditer(content)]
    if any(first <= line <= last for line, _ in wrong):
        for line, match in wrong:
            at = match.start(match.lastgroup or 0)
            hint = full_width_hint(match[match.lastgroup or 0])
            if hint and (match.lastgroup == "colon" or first <= line <= last):
                yield Problem(name, hint, line, at + 1)


def _advice(text: str, error: yaml.MarkedYAMLError, line: int, column: int) -> Text:
    lines = text.splitlines()
    rest = lines[line - 1][column - 1 :] if line <= len(lines) else ""
    if rest.startswith("\t"):
        return _message("tab")
    if rest[:1] in ("@", "`", "%") and "start any token" in str(error.problem):
        return _message("first_character", char=rest[0])
    # The quoted part of the file is not repeated: it may be a secret that starts with a YAML indicator.
    return _message("syntax", reason=re.sub(r"(['\"]).{2,}\1", "…", error.problem or error.context or "syntax"))


def _message(name: str, **values: object) -> Text:
    text: Text = read_texts(Path(__file__).with_name("yaml_errors.yaml"))[name]
    return text.format(**values)


_DOCUMENTS = DocumentCache(parse_yaml)


class _YamlParser(DocumentParser):
    """Builds values and their locations from the parser's events."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(name)
        self.next: Callable[[], Any] = _PARSER(text).get_event
        self.anchors: dict[str, tuple[Any, Location]] = {}

    def document(self) -> Document:
        self.next()  # the start of the stream
        if isinstance(self.next(), yaml.StreamEndEvent):
            self.fail((1, 1), *_message("empty"))
        value, location = self.node(self.next(), 1)
        self.next()  # the end of the document
        more = self.next()
        if not isinstance(more, yaml.StreamEndEvent):
            self.fail(_position(more), *_message("second_document"))
        return Document(value, self.name, location)

    def node(self, event: Any, depth: int) -> tuple[Any, Location]:
        position = _position(event)
        self.count_value(depth, position)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                self.fail(position, *_message("unknown_anchor"))
            value, location = self.anchors[event.anchor]
            return self.copy(value, depth, position), location
        if isinstance(event, yaml.ScalarEvent):
            value, location = self.scalar(event), Location(position, scalar=event.value)
        elif isinstance(event, yaml.MappingStartEvent):
            value, location = self.mapping(event, depth)
        else:
            value, location = self.sequence(event, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = value, location
        return value, location

    def copy(self, value: Any, depth: int, position: Position) -> Any:
        """Return a copy for an alias, counting its values as if written out, which stops alias bombs."""
        self.count_value(depth, position)
        if isinstance(value, dict):
            return {key: self.copy(part, depth + 1, position) for key, part in value.items()}
        if isinstance(value, list):
            return [self.copy(part, depth + 1, position) for part in value]
        return value

    def sequence(self, event: Any, depth: int) -> tuple[list[Any], Location]:
        self.check_tag(event, "tag:yaml.org,2002:seq")
        values: list[Any] = []
        parts: dict[str | int, Location] = {}
        while not isinstance(item := self.next(), yaml.SequenceEndEvent):
            value, parts[len(values)] = self.node(item, depth + 1)
            values.append(value)
        return values, Location(_position(event), parts)

    def mapping(self, event: Any, depth: int) -> tuple[dict[str, Any], Location]:
        self.check_tag(event, "tag:yaml.org,2002:map")
        values: dict[str, Any] = {}
        parts: dict[str | int, Location] = {}
        while not isinstance(item := self.next(), yaml.MappingEndEvent):
            position = _position(item)
            key = self.scalar(item) if isinstance(item, yaml.ScalarEvent) else None
            if not isinstance(key, str):
                self.fail(position, *_message("key"))
            if key == "<<" and not item.style:
                self.fail(position, *_message("merge_key"))
            self.check_duplicate(parts, key, position)
            value, location = self.node(self.next(), depth + 1)
            values[key], parts[key] = value, location._replace(key=position)
        return values, Location(_position(event), parts)

    def scalar(self, event: Any) -> Any:
        text, position = event.value, _position(event)
        if event.tag in _TAGS:
            value = self.plain(text, position)
            if event.tag.endswith(":float") and type(value) is int:
                value = float(value)
            if type(value) not in _TAGS[event.tag]:
                self.fail(position, *_message("wrong_type", kind=event.tag.rpartition(":")[2]))
            return value
        self.check_tag(event, "tag:yaml.org,2002:str", "!")
        return self.plain(text, position) if event.tag is None and not event.style else text

    def plain(self, text: str, position: Position) -> Any:
        if text in _NULL:
            return None
        if text in _BOOL:
            return _BOOL[text]
        if text[0].isalpha():
            return text
        if _INT.fullmatch(text):
            return self.number(text, position, integer=True)
        if _FLOAT.fullmatch(text):
            return self.number(text, position, integer=False)
        if _NOT_FINITE.fullmatch(text):
            self.fail(position, *_message("not_finite"))
        return text

    def check_tag(self, event: Any, *allowed: str) -> None:
        if event.tag is not None and event.tag not in allowed:
            self.fail(_position(event), *_message("tag"))


def _position(event: Any) -> Position:
    return event.start_mark.line + 1, event.start_mark.column + 1
