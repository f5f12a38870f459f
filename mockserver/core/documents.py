"""The contents of a file with the line and column of every value, and the limits that both file readers enforce."""

from __future__ import annotations

import copy
import errno
import functools
import math
import operator
import os
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

from mockserver.core.errors import ConfigurationError, Problem
from mockserver.core.text import Text

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 64
MAX_VALUES = 200_000
MAX_CACHED = 64  # Parsed files of each format that are cached; more than there are shipped files.
MAX_NUMBER_LENGTH = 32  # Python refuses only integers of more than 4,300 digits.

Pointer = Sequence[str | int]
Position = tuple[int, int]  # Line and column, both 1-based.

_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


class Location(NamedTuple):
    """Where a value is, where its members are, and where its key is if it belongs to a mapping."""

    value: Position
    parts: Mapping[str | int, Location] = MappingProxyType({})
    key: Position | None = None
    scalar: str | None = None  # A YAML scalar as written in the file, without its quotes.


@dataclass(frozen=True, slots=True)
class Document:
    """The value of a file and the location of each of its parts. Treat the value as read-only."""

    value: Any
    path: str
    location: Location = field(repr=False, compare=False)

    def locate(self, pointer: Pointer = (), *, key: bool = False) -> Position:
        """Return line and column of the value at `pointer`, or of its nearest ancestor that exists.

        For a member of a mapping this is its key, if `key` is set or its value starts on a later line.
        """
        location, exact = self._find(pointer)
        if location.key is not None and ((key and exact) or location.key[0] != location.value[0]):
            return location.key
        return location.value

    def scalar_at(self, pointer: Pointer) -> str | None:
        """Return the YAML scalar at `pointer` as written (007 stays 007); None for any other value."""
        location, exact = self._find(pointer)
        return location.scalar if exact else None

    def problem(self, pointer: Pointer, text: Text, *, key: bool = False) -> Problem:
        """Return the problem `text` with the position of `pointer`."""
        return Problem(self.path, text, *self.locate(pointer, key=key))

    def without(self, pointers: Iterable[Pointer]) -> Document:
        """Return the document without the values at `pointers`; the others keep their positions."""
        value, location = self.value, self.location
        # From the last to the first, so that removing an entry of a list does not move those that follow.
        for pointer in sorted({tuple(pointer) for pointer in pointers}, reverse=True):
            value, location = _without(value, location, pointer)
        return replace(self, value=value, location=location)

    def with_values(self, values: Mapping[Pointer, Any]) -> Document:
        """Return the document with other values at these pointers, whose parents exist."""
        whole = copy.deepcopy(self.value)
        for pointer, value in values.items():
            functools.reduce(operator.getitem, pointer[:-1], whole)[pointer[-1]] = value
        return replace(self, value=whole)

    def _find(self, pointer: Pointer) -> tuple[Location, bool]:
        """Return the location of `pointer`; that of the nearest ancestor, and False, when it does not exist."""
        location = self.location
        for step in pointer:
            if step not in location.parts:
                return location, False
            location = location.parts[step]
        return location, True


def _without(value: Any, location: Location, pointer: Pointer) -> tuple[Any, Location]:
    if not pointer:
        return {}, Location(location.value)
    step, rest = pointer[0], pointer[1:]
    items: dict[Any, Any] = dict(enumerate(value)) if isinstance(value, list) else dict(value)
    parts = dict(location.parts)
    if rest:
        items[step], parts[step] = _without(items[step], parts[step], rest)
    else:
        del items[step]
        parts.pop(step, None)
    if isinstance(value, list):
        return list(items.values()), location._replace(parts=dict(enumerate(parts.values())))
    return items, location._replace(parts=parts)


def read_bytes(path: Path) -> bytes:
    """Return the file's contents, at most one byte over the limit; raise ConfigurationError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise ConfigurationError([unreadable(path, error)]) from None


class DocumentCache:
    """Reads the files of one format; a file that has not changed is not parsed again."""

    def __init__(self, parse: Callable[[bytes, str], Document]) -> None:
        self._parse = parse
        self._lock = threading.Lock()
        self._known: dict[str, tuple[bytes, Document]] = {}  # By path, most recently read last.

    def read(self, path: Path) -> Document:
        """Return the document in a file; raise ConfigurationError with file, line and column."""
        source, name = read_bytes(path), str(path)
        with self._lock:
            known = self._known.get(name)
        if known is None or known[0] != source:
            known = source, self._parse(source, name)
        with self._lock:
            self._known.pop(name, None)
            self._known[name] = known
            if len(self._known) > MAX_CACHED:
                del self._known[next(iter(self._known))]
        return known[1]


def unreadable(path: Path, error: OSError | ValueError) -> Problem:
    """Return the problem of a file or folder that cannot be read."""
    number = getattr(error, "errno", None)
    reason = getattr(error, "strerror", None) or str(error)
    text = _REASONS.get(number or 0, Text(reason, reason))
    if number == errno.ENOENT and os.path.islink(path):
        text = Text("the link leads to nothing", "链接的目标不存在")
    return Problem(str(path), Text(f"cannot be read: {text.en}", f"无法读取：{text.zh}"))


_PERMISSION = Text("permission denied; let this user read it", "没有权限；请允许当前用户读取")
_DESCRIPTORS = Text("too many open files; raise the limit, ulimit -n", "打开的文件过多；请提高上限 ulimit -n")
_REASONS = {
    errno.EACCES: _PERMISSION,
    errno.EPERM: _PERMISSION,
    errno.EMFILE: _DESCRIPTORS,
    errno.ENFILE: _DESCRIPTORS,
    errno.ENOENT: Text("there is no such file", "没有这个文件"),
    errno.ENOTDIR: Text("a folder is expected here, not a file", "此处应为文件夹，而不是文件"),
    errno.EISDIR: Text("a file is expected here, not a folder", "此处应为文件，而不是文件夹"),
    errno.ELOOP: Text("the link leads back to itself", "链接指回自身"),
}


def decode(source: str | bytes, name: str) -> str:
    """Return the text of `source`; raise ConfigurationError unless it is valid UTF-8, printable and not too large."""

    def fail(before: str, en: str, zh: str) -> NoReturn:
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise ConfigurationError.at(name, Text(en, zh), line, column)

    if len(source) > MAX_BYTES:
        fail("", f"larger than {MAX_BYTES} bytes: split it", f"超过 {MAX_BYTES} 字节：请拆分")
    text = source if isinstance(source, str) else ""
    if isinstance(source, bytes):
        try:
            text = source.decode("utf-8")
        except UnicodeDecodeError as error:
            before = source[: error.start].decode("utf-8")
            fail(before, "not UTF-8 from here on: save it as UTF-8", "从此处起不是 UTF-8：请以 UTF-8 保存")
    if match := _FORBIDDEN.search(text):
        before, char = text[: match.start()], f"U+{ord(match[0]):04X}"
        if match[0] == "\ufeff":
            fail(before, "a byte order mark: save as UTF-8 without BOM", "含 BOM：请以无 BOM 的 UTF-8 保存")
        en = f"the character {char} is not allowed here: remove it, or write it as an escape in double quotes"
        fail(before, en, f"此处不允许字符 {char}：请删除，或在双引号内用转义写出")
    return text


class DocumentParser:
    """Base of both file readers: enforces the limits and raises errors with a position."""

    def __init__(self, name: str) -> None:
        self.name, self.count = name, 0

    def fail(self, position: Position, en: str, zh: str) -> NoReturn:
        """Raise ConfigurationError at `position`."""
        raise ConfigurationError.at(self.name, Text(en, zh), *position)

    def count_value(self, depth: int, position: Position) -> None:
        """Count one more value; fail if it is nested too deeply or exceeds the limit."""
        self.count += 1
        if depth > MAX_DEPTH:
            self.fail(position, f"nested deeper than {MAX_DEPTH}: flatten it", f"嵌套超过 {MAX_DEPTH} 层：请展平")
        if self.count > MAX_VALUES:
            self.fail(position, f"over {MAX_VALUES} values: split it", f"超过 {MAX_VALUES} 个值：请拆分")

    def number(self, text: str, position: Position, integer: bool) -> int | float:
        """Return the number in `text`: decimal, or an integer with the prefix 0o or 0x."""
        if len(text) > MAX_NUMBER_LENGTH:
            self.fail(
                position,
                f"a number of over {MAX_NUMBER_LENGTH} characters: quote it if it is text",
                f"数字超过 {MAX_NUMBER_LENGTH} 个字符：若是文本请加引号",
            )
        if integer:
            return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
        value = float(text)
        if not math.isfinite(value):
            self.fail(position, "this number is too large: quote it if it is text", "该数字过大：若是文本请加引号")
        return value

    def check_duplicate(self, parts: Mapping[str | int, Location], key: str, position: Position) -> None:
        """Fail if the mapping already has the key."""
        if key in parts:
            line = (parts[key].key or position)[0]
            self.fail(
                position,
                f"duplicate key {key!r} (first on line {line}): keep one",
                f"键 {key!r} 重复（首次在第 {line} 行）：请只保留一个",
            )
