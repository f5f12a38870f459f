"""Digests written as numbers: one large integer, hex or decimal, or a list of bytes; read back into bytes.

Each reader gives the bytes, the mistakes of writing, and how that looks around the hash in an expression; None when the
text is nothing of its kind.
"""

from __future__ import annotations

import re
from typing import TypeAlias

ALGORITHMS = {16: "md5", 20: "sha1", 28: "sha224", 32: "sha256", 48: "sha384", 64: "sha512"}
"""Digest length in bytes: algorithm."""
Decoded: TypeAlias = "tuple[bytes, tuple[str, ...], str]"

_NEGATIVE_HEX = re.compile(r"-[0-9A-Fa-f]{24,128}", re.ASCII)
_DECIMAL = re.compile(r"-?[1-9][0-9]{35,155}", re.ASCII)
_SIGNS_OF_HEX = re.compile(r"0[xX]|\\x|[\s,:;-]+")
_HEX = re.compile(r"[0-9A-Fa-f]+", re.ASCII)
_LIST = re.compile(r"[\[({<]*\s*(-?[0-9]{1,3}(?:[\s,;]+-?[0-9]{1,3})+)\s*[\])}>]*", re.ASCII)
_KEYED = re.compile(r'"?\b[0-9]{1,2}"?\s*(?::|=>)\s*(?=-?[0-9])', re.ASCII)
_LOST_ZEROS = 6
"""A digest begins with so many zero digits once in 16 million times: what lacks more was cut."""


def from_integer(text: str) -> Decoded | None:
    """A digest that was taken for a signed or unsigned number, as Java's BigInteger does."""
    if _NEGATIVE_HEX.fullmatch(text) and (raw := _signed(int(text, 16))):
        case = ("uppercase_hex",) if text != text.lower() else ()
        return raw, (*case, "negative_hex"), "BigInteger({})"
    if _DECIMAL.fullmatch(text) and (raw := _signed(int(text))):
        return raw, ("decimal",), "decimal({})"
    return None


def _signed(number: int) -> bytes | None:
    """The bytes of the digest length that a number nearly fills."""
    size = next((one for one in ALGORITHMS if abs(number) < 256**one), None)
    if size is None or abs(number) < 256 ** (size - _LOST_ZEROS // 2):
        return None
    return number.to_bytes(size, "big") if number >= 0 else (256**size + number).to_bytes(size, "big")


def without_zeros(digits: str) -> bytes | None:
    """The digest whose hex text lost the zeros at its front."""
    size = next((one for one in ALGORITHMS if len(digits) < 2 * one), 0)
    if not size or 2 * size - len(digits) > _LOST_ZEROS or digits[0] == "0":
        return None
    return bytes.fromhex(digits.rjust(2 * size, "0"))


def from_list(text: str) -> Decoded | None:
    """A digest as a list of decimal bytes, signed or not, or as groups of hex digits."""
    return _decimals(text) or _groups(text)


def _decimals(text: str) -> Decoded | None:
    body = text.partition('"data":')[2] if text.startswith('{"type":"Buffer"') else text
    found = _LIST.fullmatch(_KEYED.sub("", body).rstrip("}") if body[:1] == "{" or body is not text else body)
    if found is None:
        return None
    items = re.split(r"[\s,;]+", found[1])
    numbers = [int(item) for item in items]
    if len(numbers) not in ALGORITHMS or not all(-129 < one < 256 for one in numbers):
        return None
    if all(len(item) == 2 and item[0] != "-" for item in items):
        return None
    return bytes(one % 256 for one in numbers), ("byte_list",), "bytes({})"


def _groups(text: str) -> Decoded | None:
    digits = _SIGNS_OF_HEX.sub("", text)
    if digits == text or not _HEX.fullmatch(digits) or len(digits) // 2 not in ALGORITHMS or len(digits) % 2:
        return None
    pieces = _SIGNS_OF_HEX.sub(" ", text).split()
    size = len(pieces[0])
    if len(pieces) < 3 or size % 2 or any(len(one) != size for one in pieces[:-1]):
        return None
    upper = digits != digits.lower()
    case = () if not upper else ("uppercase_hex",) if digits == digits.upper() else ("mixed_case_hex",)
    written = "upper({})" if case else "{}"
    if size == 2 and re.fullmatch(r"[0-9A-Fa-f-]+", text):
        return bytes.fromhex(digits), (*case, "dashes"), f"dashes({written})"
    return bytes.fromhex(digits), (*case, "hex_separated"), f"separated({written})"
