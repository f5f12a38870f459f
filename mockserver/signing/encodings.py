"""Reads what was sent as a checksum back into digest bytes, whatever it was written in; knows no keys."""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

ALGORITHMS = {16: "md5", 20: "sha1", 28: "sha224", 32: "sha256", 48: "sha384", 64: "sha512"}
"""Digest length in bytes: algorithm."""
LONGEST = 600
"""Nothing longer is looked into."""
_HEX = re.compile(r"[0-9A-Fa-f]+", re.ASCII)
_BYTES = re.compile(r"[0-9A-Fa-f]{2}(?:([-: ,])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2})+", re.ASCII)
_BASE64 = re.compile(r"[A-Za-z0-9+/ ]+={0,2}|[A-Za-z0-9_-]+={0,2}", re.ASCII)
_UNSET = re.compile(
    r"(?i:undefined|null|none|nil|nan|true|false|checksum|\(null\))|\$\{?\w+\}?|\{+\s*\w+\s*\}+|<\w+>|%\w",
    re.ASCII,
)
_OBJECT = re.compile(
    r"\[object \w+\]|<.* at 0x[0-9A-Fa-f]+>|<.*(?:method|function).*>|\[[BC]@[0-9a-f]+|Array|Promise\b.*"
)
_WRAPPINGS = (
    ("bytes_repr", re.compile(r"b(['\"])(.*)\1", re.DOTALL)),
    ("quoted", re.compile(r"([\"'`“”‘’])(.*)[\"'`“”‘’]", re.DOTALL)),
    ("tool_output", re.compile(r"(?i:(?:[a-z0-9-]+)?\s?\((?:stdin)?\)\s?=\s?)()(.+)", re.DOTALL)),
    ("tool_output", re.compile(r"()([0-9A-Fa-f]{32,128}) [ *].*", re.DOTALL)),
    ("labelled", re.compile(r"(?i:checksum|sha-?1|sha-?256|md5|\{sha\})()[=: ]?\s?(.+)", re.DOTALL)),
    ("hex_prefix", re.compile(r"()0[xX](.+)", re.DOTALL)),
    ("brackets", re.compile(r"([<\[({])(.*)[>\])}]", re.DOTALL)),
)


@dataclass(frozen=True, slots=True)
class Written:
    """A checksum as it was written: what is left of the text, its digest bytes, and the mistakes of writing."""

    text: str
    raw: bytes | None
    """None: no digest of a known length."""
    names: tuple[str, ...] = ()
    label: str = "{}"
    """How the writing looks around the hash in an expression."""


def read(given: str) -> Written:
    """Take wrappings off until a digest shows, at most four deep."""
    names: tuple[str, ...] = ()
    for _ in range(5):
        if len(given) > LONGEST:
            break
        if found := _decode(given):
            return Written(given, found[0], names + found[1], found[2])
        name, inner = _unwrap(given)
        if not name:
            break
        names, given = (*names, name), inner
    case = _case(given) if _HEX.fullmatch(given) else ()
    return Written(given, None, names + case, "upper({})" if case else "{}")


def shape(given: str, written: Written) -> tuple[str, ...]:
    """What can be told about a checksum that no candidate explains, as names of mistakes."""
    if written.raw is not None and not _by_chance(written):
        algorithm = ALGORITHMS[len(written.raw)]
        return (*written.names, *(() if algorithm == "sha1" else (f"{algorithm}_length",)))
    if not given.strip():
        return ("checksum_empty",)
    if given == "123456789abcdefg":
        return ("checksum_sample",)
    if len(given) > LONGEST:
        return ("wrong_length",)
    if _UNSET.fullmatch(given):
        return ("checksum_unset",)
    if _OBJECT.fullmatch(given):
        return ("checksum_object",)
    if "\ufffd" in given:
        return ("raw_digest_as_text",)
    if not _HEX.fullmatch(written.text):
        named = () if written.raw is not None else written.names
        return (*named, "not_hex", *(("wrong_length",) if len(written.text) != 40 else ()))
    return (*written.names, "wrong_length")


def _by_chance(written: Written) -> bool:
    """Whether any word of this length could be read so: raw characters, or base64 without its padding."""
    bare = {"base64", "base64url", "base64_of_hex"}.intersection(written.names) and not written.text.endswith(
        "="
    )
    return bool(bare) or "raw_bytes" in written.names


def _decode(text: str) -> tuple[bytes, tuple[str, ...], str] | None:
    """Digest bytes, mistakes and label when `text` is a whole digest in hex, base64 or raw characters."""
    if _HEX.fullmatch(text):
        if len(text) % 2:
            return None
        raw, case = bytes.fromhex(text), _case(text)
        label = "upper({})" if case else "{}"
        if inner := _hex_text(raw):
            return inner, (*case, "hex_twice"), "hex({})"
        return (raw, case, label) if len(raw) in ALGORITHMS else None
    if found := _BYTES.fullmatch(text):
        raw, case = bytes.fromhex(text.replace(found[1], "")), _case(text)
        dashes = found[1] == "-"
        name, label = ("dashes", "dashes({})") if dashes else ("hex_separated", "separated({})")
        return (
            (raw, (*case, name), label.format("upper({})" if case else "{}"))
            if len(raw) in ALGORITHMS
            else None
        )
    if _BASE64.fullmatch(text) and (found64 := _from_base64(text)):
        return found64
    if len(text) in ALGORITHMS and not (text.isascii() and text.isprintable()):
        try:
            return text.encode("latin-1"), ("raw_bytes",), "raw({})"
        except UnicodeEncodeError:
            return None
    return None


def _from_base64(text: str) -> tuple[bytes, tuple[str, ...], str] | None:
    digits = text.rstrip("=")
    if " " in digits and len(text) % 4:
        return None
    standard = digits.replace(" ", "+").replace("-", "+").replace("_", "/")
    try:
        raw = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    lost = ("base64_plus_to_blank",) if " " in digits else ()
    if inner := _hex_text(raw):
        return inner, ("base64_of_hex", *lost), "base64(hex({}))"
    if len(raw) not in ALGORITHMS:
        return None
    name = "base64url" if re.search(r"[-_]", digits) else "base64"
    return raw, (name, *lost), f"{name}({{}})"


def _hex_text(raw: bytes) -> bytes | None:
    """The digest whose hex text `raw` is."""
    if len(raw) in {2 * size for size in ALGORITHMS} and re.fullmatch(rb"[0-9A-Fa-f]+", raw):
        return bytes.fromhex(raw.decode("ascii"))
    return None


def _case(digits: str) -> tuple[str, ...]:
    """The mistake in the case of hex digits."""
    if digits == digits.lower():
        return ()
    return ("uppercase_hex",) if digits == digits.upper() else ("mixed_case_hex",)


def _unwrap(text: str) -> tuple[str, str]:
    """One wrapping taken off: its name and what was inside; an empty name when there is none."""
    if text != text.strip():
        return "blanks_around", text.strip()
    if re.search(r"%[0-9A-Fa-f]{2}", text):
        raw = unquote_to_bytes(text.encode(errors="surrogatepass"))
        try:
            return "percent_encoded_twice", raw.decode("utf-8")
        except UnicodeDecodeError:
            return "percent_encoded_twice", raw.decode("latin-1")
    plain = unicodedata.normalize("NFKC", text)
    if plain != text and plain.isascii():
        return "full_width", plain
    for name, pattern in _WRAPPINGS:
        if found := pattern.fullmatch(text):
            return name, found[2]
    return "", text
