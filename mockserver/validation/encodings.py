"""Reads what was sent as a checksum back into digest bytes, whatever it was written in; knows no keys."""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from mockserver.validation.numerals import ALGORITHMS, Decoded, from_integer, from_list, without_zeros
from mockserver.validation.words import is_object, is_unset

LONGEST = 600
"""Nothing longer is looked into."""
_HEX = re.compile(r"[0-9A-Fa-f]+", re.ASCII)
_BASE64 = re.compile(r"[A-Za-z0-9+/ ]+={0,2}|[A-Za-z0-9_-]+={0,2}", re.ASCII)
_BASE32 = re.compile(r"(?:[A-Z2-7]{26}|[A-Z2-7]{32}|[A-Z2-7]{52})=*", re.ASCII)
_GUESSED = frozenset(
    ("base64", "base64url", "base64_of_hex", "base32", "raw_bytes", "leading_zeros_lost", "decimal")
)
"""Readings that fit any text of their length."""
ELIDED = re.compile(r"\{ ?length ?= ?[0-9]+, bytes ?= ?0x([0-9a-f ]+)(?:\.\.\.|…)([0-9a-f ]+)\}", re.ASCII)
"""How an NSData shows its first and its last bytes."""
_WRAPPINGS = (
    ("nsdata", re.compile(r"<()([0-9A-Fa-f]{8}(?: [0-9A-Fa-f]{1,8}){2,})>")),
    ("nsdata", re.compile(r"()\{ ?length ?= ?[0-9]+, bytes ?= ?0x([0-9A-Fa-f ]+?) ?\}")),
    ("object_shown", re.compile(r"()(?:<Buffer |#<Digest::\w+: ?|SHA-?1 digest: )([^>]+)>*")),
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
    guessed: bool = False
    """Whether any text of this length could be read so: without a match, nothing of it is a fact."""

    @property
    def facts(self) -> tuple[str, ...]:
        """The mistakes of writing that are seen, not guessed."""
        return tuple(one for one in self.names if one not in _GUESSED) if self.guessed else self.names


def read(given: str) -> Written:
    """Take wrappings off until a digest shows, at most four deep."""
    names: tuple[str, ...] = ()
    for _ in range(5):
        if len(given) > LONGEST:
            break
        if found := _decode(given):
            raw, more, label = found
            padded = given.endswith("=") and "raw_bytes" not in more
            return Written(given, raw, names + more, label, not padded and not _GUESSED.isdisjoint(more))
        name, inner = _unwrap(given)
        if not name:
            break
        names, given = (*names, name), inner
    case = case_of(given) if _HEX.fullmatch(given) else ()
    return Written(given, None, names + case, "upper({})" if case else "{}")


def shape(given: str, written: Written) -> tuple[str, ...]:
    """What can be told about a checksum that no candidate explains, as names of mistakes."""
    if written.raw is not None and not written.guessed:
        algorithm = ALGORITHMS[len(written.raw)]
        return (*written.names, *(() if algorithm == "sha1" else (f"{algorithm}_length",)))
    if not given.strip():
        return ("checksum_empty",)
    if given == "123456789abcdefg":
        return ("checksum_sample",)
    if len(given) > LONGEST:
        return ("wrong_length",)
    if is_unset(given):
        return ("checksum_unset",)
    if is_object(given):
        return ("checksum_object",)
    if "\ufffd" in given:
        return ("bytes_lost",)
    named = tuple(one for one in written.facts if one != "base64_plus_to_blank")
    if _HEX.fullmatch(written.text):
        return (*named, "wrong_length")
    return (*named, "not_hex", *(("wrong_length",) if len(written.text) != 40 else ()))


def _decode(text: str) -> Decoded | None:
    """Digest bytes, mistakes and label when `text` is a whole digest in hex, base64, numbers or raw characters."""
    if _HEX.fullmatch(text):
        return _from_hex(text) or from_integer(text) or _from_short_hex(text)
    if found := from_integer(text) or from_list(text):
        return found
    if _BASE32.fullmatch(text) and (found32 := _from_base32(text)):
        return found32
    if _BASE64.fullmatch(text) and (found64 := _from_base64(text)):
        return found64
    if len(text) in ALGORITHMS and not (text.isascii() and text.isprintable()):
        try:
            return text.encode("latin-1"), ("raw_bytes",), "raw({})"
        except UnicodeEncodeError:
            return None
    return None


def _from_hex(text: str) -> Decoded | None:
    if len(text) % 2:
        return None
    raw, case = bytes.fromhex(text), case_of(text)
    if inner := _hex_text(raw):
        return inner, (*case, "hex_twice"), "hex({})"
    return (raw, case, "upper({})" if case else "{}") if len(raw) in ALGORITHMS else None


def _from_short_hex(text: str) -> Decoded | None:
    raw, case = without_zeros(text), case_of(text)
    return (raw, (*case, "leading_zeros_lost"), "upper({})" if case else "{}") if raw else None


def _from_base32(text: str) -> Decoded | None:
    digits = text.rstrip("=")
    try:
        raw = base64.b32decode(digits + "=" * (-len(digits) % 8))
    except binascii.Error:
        return None
    return (raw, ("base32",), "base32({})") if len(raw) in ALGORITHMS else None


def _from_base64(text: str) -> Decoded | None:
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


def case_of(digits: str) -> tuple[str, ...]:
    """The mistake in the case of hex digits."""
    if digits == digits.lower():
        return ()
    return ("uppercase_hex",) if digits == digits.upper() else ("mixed_case_hex",)


def _unwrap(text: str) -> tuple[str, str]:
    """One wrapping taken off: its name and what was inside; an empty name when there is none."""
    if ELIDED.fullmatch(text):
        return "", text
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
