"""Parses a request body as strict JSON, or explains why it is not JSON, or how it is encoded (§1.2).

Python's own parser accepts much that is not JSON or that breaks later: NaN, repeated keys, lone surrogates,
thousand-digit numbers, endless nesting. Each of these is reported by name.

The document allows only plain JSON, so every encoding is refused, even with `strictness=lenient`: whether a backend
ignores Content-Encoding and Transfer-Encoding, decodes the body or fails is not documented, and a client must not
depend on it.
"""

from __future__ import annotations

import json
import math
import re
import sys
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mockserver.contract.envelope import parse_flat_object
from mockserver.contract.violations import Violation, make_violation, shorten
from mockserver.core.json_reader import explain_syntax
from mockserver.core.text import Text, is_utf_8
from mockserver.core.yaml_reader import read_texts

MAX_DEPTH = 64
MAX_NUMBER_LENGTH = 32
MAX_REPEATED_KEYS = 20  # At most this many repeated keys are reported.
_MAX_INTERNED = 32
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_PLACE = Text("line {line} column {column}: {reason}", "第 {line} 行第 {column} 列：{reason}")
_FORMATS = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x1f\x9d": "compress",
    b"\x04\x22\x4d\x18": "lz4",
    b"\xfd7zXZ\x00": "xz",
    b"BZh91AY&SY": "bzip2",
    b"PK\x03\x04": "zip",
}
_UTF_16_OR_32 = re.compile(
    rb"\xff\xfe|\xfe\xff|\x00\x00\xfe\xff|\x00\x00\x00[\t-~]|\x00[\t-~]|[\t-~]\x00(?:\x00\x00|[\t-~]\x00|$)"
)
_HEADERS = frozenset(("content-encoding", "transfer-encoding"))
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_BINARY = Text("binary data, possibly compressed with br", "二进制数据，可能经 br 压缩")
REASONS: dict[str, Text] = read_texts(Path(__file__).with_name("malformed_json.yaml"))


@dataclass(slots=True)
class ParsedBody:
    """The value of a body, or why there is none."""

    value: Any = None
    ok: bool = False
    exact: bool = True  # No number has a fraction or an exponent: the fast schema engine accepts 1.0 for 1.
    violations: list[Violation] = field(default_factory=list)  # Repeated keys if `ok`; otherwise why this is not JSON.


class _NotJSON(ValueError):
    def __init__(self, name: str, /, **values: object) -> None:
        self.text = REASONS[name].format(**values)
        super().__init__(self.text.en)


def parse_json(body: bytes) -> ParsedBody:
    """Parse a body. Repeated keys are violations, and the last value counts. Any other mistake leaves no value."""
    fields = parse_flat_object(body)
    return parse_json_strictly(body) if fields is None else ParsedBody(fields, True)


def parse_json_strictly(body: bytes) -> ParsedBody:
    """Parse a body without the shortcut for flat objects, which nearly all bodies are."""
    parsed = ParsedBody()
    try:
        _check_depth(body)
        if is_utf_16_or_32(body):
            raise _NotJSON("utf_16")
        if body.startswith(b"\xef\xbb\xbf"):
            raise _NotJSON("bom")
        parsed.value = _DECODER.decode(body.decode())
        _inspect(parsed.value, parsed)
        parsed.ok = True
        return parsed
    except _NotJSON as error:
        reason = error.text
    except UnicodeDecodeError as error:
        reason = REASONS["not_utf_8"].format(at=error.start + 1)
    except json.JSONDecodeError as error:
        reason = _PLACE.format(line=error.lineno, column=error.colno, reason=explain_syntax(error))
    except RecursionError:
        reason = REASONS["recursion"]
    parsed.violations = [make_violation("malformed_json", reason=reason)]
    return parsed


def _check_depth(body: bytes) -> None:
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for char in _STRINGS.sub(b"", body):
        if char in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise _NotJSON("too_deep", limit=MAX_DEPTH)
        elif char in b"]}":
            depth -= 1


class _ObjectWithRepeatedKeys(dict[str, Any]):
    def __init__(self, items: list[tuple[str, Any]]) -> None:
        super().__init__(items)
        self.repeated = [name for name, count in Counter(name for name, _ in items).items() if count > 1]


def _parse_object(items: list[tuple[str, Any]]) -> dict[str, Any]:
    # Interned names save memory: the journal keeps the fields of every request.
    result = {sys.intern(name) if len(name) <= _MAX_INTERNED else name: value for name, value in items}
    return result if len(result) == len(items) else _ObjectWithRepeatedKeys(items)


def _parse_number(text: str) -> float:
    if len(text) > MAX_NUMBER_LENGTH:
        raise _NotJSON("number_too_long", count=len(text), limit=MAX_NUMBER_LENGTH)
    if text.removeprefix("-").isdigit():
        return int(text)
    value = float(text)
    if math.isinf(value):
        raise _NotJSON("number_too_large", number=shorten(text))
    return value


def _refuse_constant(text: str) -> None:
    raise _NotJSON("not_finite", name=text)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_parse_object, parse_int=_parse_number, parse_float=_parse_number, parse_constant=_refuse_constant
)


def _inspect(value: Any, parsed: ParsedBody) -> None:
    """Find mistakes that the decoder accepts: repeated keys, numbers with a fraction, lone surrogates."""
    if isinstance(value, str):
        if not value.isascii() and _SURROGATE.search(value):
            raise _NotJSON("half_a_pair")
    elif isinstance(value, float):
        parsed.exact = False
    elif isinstance(value, dict):
        for key, item in value.items():
            _inspect(key, parsed)
            _inspect(item, parsed)
        if isinstance(value, _ObjectWithRepeatedKeys):
            free = max(MAX_REPEATED_KEYS - len(parsed.violations), 0)
            parsed.violations += [
                make_violation("duplicate_key", f"body:/{name}", name=name, got=name)
                for name in map(shorten, value.repeated[:free])
            ]
    elif isinstance(value, list):
        for item in value:
            _inspect(item, parsed)


def is_utf_16_or_32(body: bytes) -> bool:
    """Whether JSON text begins like this in UTF-16 or UTF-32: its first two characters are ASCII (RFC 4627 §3)."""
    return _UTF_16_OR_32.match(body) is not None


def find_encoding(body: bytes) -> Text | None:
    """Return a description of a body that is compressed or otherwise binary; None for text in any character set."""
    for mark, name in _FORMATS.items():
        if body.startswith(mark):
            return Text(f"{name} data", f"{name} 数据")
    if is_utf_8(body) or is_utf_16_or_32(body):
        return None
    if _inflates(body):
        return Text("deflate data", "deflate 数据")
    return _BINARY if _CONTROL.search(body) else None


def check_encoding(headers: Mapping[str, str], encoding: Text | None) -> list[Violation]:
    """Return a violation for each header that names a coding, or else for the body's own `encoding`, if it has one."""
    if encoding is None and _HEADERS.isdisjoint(headers):
        return []
    violations = []
    body = encoding or Text("not encoded", "未编码的文本")
    for header, harmless in (("Content-Encoding", "identity"), ("Transfer-Encoding", "chunked")):
        value = headers.get(header.lower())
        if value and not all(coding.strip().lower() in ("", harmless) for coding in value.split(",")):
            violations.append(make_violation(header.lower().replace("-", "_"), got=value, body=body))
    if encoding and not violations:
        violations.append(make_violation("body_encoded", got=encoding))
    return violations


def _inflates(body: bytes) -> bool:
    """Whether the body is JSON in the format zlib, which HTTP calls deflate, or in the raw one that many send."""
    for window_bits in (zlib.MAX_WBITS, -zlib.MAX_WBITS):
        try:
            text = zlib.decompressobj(window_bits).decompress(body, 64)
        except zlib.error:
            continue
        if text.lstrip()[:1] in (b"{", b"["):
            return True
    return False
