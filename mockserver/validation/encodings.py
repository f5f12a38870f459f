"""Reads a checksum back into digest bytes, however it is written: hex in any case, with dashes, base64."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

ALGORITHMS = {16: "md5", 20: "sha1", 32: "sha256"}  # Algorithm by digest length in bytes.
MAX_LENGTH = 200  # Longer values are not examined.
_HEX = re.compile(r"[0-9A-Fa-f]+", re.ASCII)
_DASHED = re.compile(r"(?:[0-9A-Fa-f]{2}-)+[0-9A-Fa-f]{2}", re.ASCII)
_BASE64 = re.compile(r"[A-Za-z0-9+/ ]+={0,2}|[A-Za-z0-9_-]+={0,2}", re.ASCII)
_MAX_LOST_ZEROS = 6  # A SHA-1 starts with more zero digits only once in 270 million times: a shorter text was cut.


@dataclass(frozen=True, slots=True)
class Digest:
    """A checksum read back into bytes."""

    raw: bytes
    mistakes: tuple[str, ...] = ()  # What is wrong with how it is written.
    form: str = "{}"  # How it is written, as a format string around the expression of the hash.
    certain: bool = True  # False if any text of this length can be decoded, so that only a match proves anything.

    @property
    def algorithm(self) -> str:
        """The algorithm that gives digests of this length."""
        return ALGORITHMS[len(self.raw)]


def read_digest(checksum: str) -> Digest | None:
    """Return the digest that a checksum holds, or None if it holds none of a known length."""
    if len(checksum) > MAX_LENGTH:
        return None
    text = checksum.strip()
    around = ("blanks_around",) if text != checksum else ()
    if _HEX.fullmatch(text):
        case, form = _hex_case(text)
        if len(text) in (2 * size for size in ALGORITHMS):
            return Digest(bytes.fromhex(text), (*around, *case), form)
        if 40 - _MAX_LOST_ZEROS <= len(text) < 40 and text[0] != "0":
            raw = bytes.fromhex(text.zfill(40))
            return Digest(raw, (*around, *case, "leading_zeros_lost"), form, certain=False)
        return None
    if _DASHED.fullmatch(text) and len(text) + 1 in (3 * size for size in ALGORITHMS):
        case, form = _hex_case(text)
        return Digest(bytes.fromhex(text.replace("-", "")), (*around, *case, "dashes"), f"dashes({form})")
    # A space at either end of a base64 text may be a lost +.
    return _from_base64(checksum, ()) or _from_base64(text, around)


def decode_base64(text: str) -> bytes:
    """Return the bytes of base64 in either alphabet, padded or not, + or space; raise ValueError if it is neither."""
    digits = text.rstrip("=").replace(" ", "+").replace("-", "+").replace("_", "/")
    return base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)


def describe_shape(checksum: str, digest: Digest | None) -> tuple[str, ...]:
    """Return what can be said about a checksum that no candidate explains, as names of mistakes."""
    if digest and digest.certain:
        length = () if digest.algorithm == "sha1" else (f"{digest.algorithm}_length",)
        return (*digest.mistakes, *length)
    text = checksum.strip()
    if not text:
        return ("checksum_empty",)
    if checksum == "123456789abcdefg":
        return ("checksum_sample",)
    around = ("blanks_around",) if text != checksum else ()
    if _HEX.fullmatch(text):
        return (*around, *_hex_case(text)[0], "wrong_length")
    return (*around, "not_hex", *(("wrong_length",) if len(text) != 40 else ()))


def _hex_case(text: str) -> tuple[tuple[str, ...], str]:
    """Return the mistake in the case of hex digits, and how to write it in an expression."""
    return ((), "{}") if text == text.lower() else (("uppercase_hex",), "upper({})")


def _from_base64(text: str, around: tuple[str, ...]) -> Digest | None:
    digits = text.rstrip("=")
    if not _BASE64.fullmatch(text) or (" " in digits and len(text) % 4):
        return None
    try:
        raw = decode_base64(text)
    except ValueError:
        return None
    if len(raw) not in ALGORITHMS:
        return None
    lost = ("base64_plus_to_blank",) if " " in digits else ()
    return Digest(raw, (*around, "base64", *lost), "base64({})", certain=text.endswith("="))
