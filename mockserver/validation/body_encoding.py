"""Detects encoded bodies by Content-Encoding, Transfer-Encoding, and the bytes themselves (§1.2).

The document allows only plain JSON, so every encoding is refused, even with `strictness=lenient`: whether a backend
ignores the header, decodes the body or fails is not documented, and a client must not depend on it.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping

from mockserver.contract.violations import Violation, make_violation
from mockserver.core.text import Text, is_utf_8

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
