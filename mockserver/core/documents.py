"""What a file says and where it says it, and the limits that every file is held to.

Knows text, lines and columns; neither YAML nor JSON.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from mockserver.core.errors import ConfigurationError, Problem
from mockserver.core.text import Text

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 64
MAX_NODES = 200_000
MAX_NUMBER = 32
"""Characters of a number: nobody means more, and Python fails at 4,300 digits with an error of its own."""

Pointer = Sequence[str | int]
Position = tuple[int, int]
"""Line and column, both from 1."""

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Location:
    """Where a value stands, where its parts do, and where its key does if it is a member of a mapping."""

    value: Position
    parts: Mapping[str | int, Location] = field(default_factory=dict)
    key: Position | None = None
    word: str | None = None
    """A YAML scalar as it is written, without quotes."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file's value, and the line and column of every part of it. Nobody changes the value."""

    value: Any
    path: str
    spot: Location = field(repr=False, compare=False)

    def locate(self, pointer: Pointer = (), *, key: bool = False) -> Position:
        """Line and column of what `pointer` names, or of its nearest ancestor that exists.

        A member of a mapping is told by its key when `key` asks for it or its value starts on a later line.
        """
        spot, whole = self._find(pointer)
        if spot.key is not None and ((key and whole) or spot.key[0] != spot.value[0]):
            return spot.key
        return spot.value

    def written(self, pointer: Pointer) -> str | None:
        """The scalar that `pointer` names as the YAML file writes it: 007 stays 007; None for all else."""
        spot, whole = self._find(pointer)
        return spot.word if whole else None

    def problem(self, pointer: Pointer, text: Text, *, key: bool = False) -> Problem:
        """The problem `text` with what `pointer` names."""
        return Problem(self.path, text, *self.locate(pointer, key=key))

    def _find(self, pointer: Pointer) -> tuple[Location, bool]:
        """The spot that `pointer` names, or its nearest ancestor's and False."""
        spot = self.spot
        for step in pointer:
            if step not in spot.parts:
                return spot, False
            spot = spot.parts[step]
        return spot, True


def read_bytes(path: Path) -> bytes:
    """The file's bytes, one more than the limit at most; ConfigurationError when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError.at(str(path), Text(f"cannot be read: {why}", f"无法读取：{why}")) from None


def decode(source: str | bytes, name: str) -> str:
    """The text of `source`: strict UTF-8, bounded, without a BOM or characters that no text file holds."""

    def refuse(before: str, en: str, zh: str) -> NoReturn:
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise ConfigurationError.at(name, Text(en, zh), line, column)

    if len(source) > MAX_BYTES:
        refuse("", f"larger than {MAX_BYTES} bytes: split it", f"超过 {MAX_BYTES} 字节：请拆分")
    text = source if isinstance(source, str) else ""
    if isinstance(source, bytes):
        try:
            text = source.decode("utf-8")
        except UnicodeDecodeError as error:
            before = source[: error.start].decode("utf-8")
            refuse(before, "not UTF-8 from here on: save it as UTF-8", "从此处起不是 UTF-8：请以 UTF-8 保存")
    if found := _UNPRINTABLE.search(text):
        before, char = text[: found.start()], f"U+{ord(found[0]):04X}"
        if found[0] == "\ufeff":
            refuse(before, "a byte order mark: save as UTF-8 without BOM", "含 BOM：请以无 BOM 的 UTF-8 保存")
        en = f"the character {char} may not stand here: remove it, or write it as an escape in double quotes"
        refuse(before, en, f"此处不允许字符 {char}：请删除，或在双引号内用转义写出")
    return text


class DocumentParser:
    """What both readers share: they count depth and values, and refuse with a place."""

    def __init__(self, name: str) -> None:
        self.name, self.count = name, 0

    def refuse(self, place: Position, en: str, zh: str) -> NoReturn:
        """Raise the ConfigurationError for `place`."""
        raise ConfigurationError.at(self.name, Text(en, zh), *place)

    def enter(self, depth: int, place: Position) -> None:
        """Count one more value at `depth`."""
        self.count += 1
        if depth > MAX_DEPTH:
            self.refuse(
                place, f"nested deeper than {MAX_DEPTH}: flatten it", f"嵌套超过 {MAX_DEPTH} 层：请展平"
            )
        if self.count > MAX_NODES:
            self.refuse(place, f"over {MAX_NODES} values: split it", f"超过 {MAX_NODES} 个值：请拆分")

    def number(self, word: str, place: Position, whole: bool) -> int | float:
        """The number that `word` writes: decimal, or whole with the prefix 0o or 0x."""
        if len(word) > MAX_NUMBER:
            self.refuse(
                place,
                f"a number of over {MAX_NUMBER} characters: quote it if it is text",
                f"数字超过 {MAX_NUMBER} 个字符：若是文本请加引号",
            )
        if whole:
            return int(word, 0) if word[:2] in ("0o", "0x") else int(word)
        value = float(word)
        if not math.isfinite(value):
            self.refuse(
                place, "this number is too large: quote it if it is text", "该数字过大：若是文本请加引号"
            )
        return value

    def once(self, parts: Mapping[str | int, Location], key: str, place: Position) -> None:
        """Refuse a key that its mapping has already."""
        if key in parts:
            line = (parts[key].key or place)[0]
            self.refuse(
                place,
                f"the key {key!r} is here twice (first on line {line}): keep one",
                f"键 {key!r} 重复（首次在第 {line} 行）：请只保留一个",
            )
