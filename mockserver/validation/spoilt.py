"""Digests that arrived cut, spoilt byte by byte, or with something behind them: which text and which spoiling gives them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import islice

from mockserver.validation.encodings import ELIDED, LONGEST, Written
from mockserver.validation.layers import HASHES
from mockserver.validation.materials import Candidate

_LEADING_HEX = re.compile(r"[0-9A-Fa-f]{12,}", re.ASCII)
"""Shorter pieces could match by chance."""
_ALGORITHMS = ("sha1", "md5", "sha256", "sha512")
_LOST = "\ufffd"
Spoiling = Callable[[bytes], str]
"""The name of the mistake by which a digest became what was sent; nothing when none did."""


def find(given: str, written: Written, candidates: Iterable[Candidate]) -> tuple[Candidate, str, str] | None:
    """The candidate, the algorithm and the mistake; candidates are tried against every algorithm."""
    spoiling = _spoiling(given, written.text)
    if spoiling is None:
        return None
    for candidate in islice(candidates, 24 if written.raw is None or written.guessed else 2):
        for name in _ALGORITHMS:
            if how := spoiling(HASHES[name](candidate[0]).digest()):
                return candidate, name, how
    return None


def _spoiling(given: str, text: str) -> Spoiling | None:
    if len(given) > LONGEST:
        return None
    if _LOST in given:
        return lambda digest: "raw_digest_as_text" if digest.decode(errors="replace") == given else ""
    if found := ELIDED.fullmatch(text):
        start, end = (piece.replace(" ", "") for piece in found.groups())
        if len(start) + len(end) >= 12:
            return lambda digest: (
                "nsdata" if digest.hex().startswith(start) and digest.hex().endswith(end) else ""
            )
    found = _LEADING_HEX.match(text)
    if found is None:
        return None
    digits = found[0].lower()
    if found[0] != text:
        return lambda digest: "appended" if digits == digest.hex() else ""
    return lambda digest: _of_hex(digits, digest)


def _of_hex(digits: str, digest: bytes) -> str:
    whole, size = digest.hex(), len(digits)
    if size < len(whole):
        if digits == whole.lstrip("0"):
            return "leading_zeros_lost"
        if whole.startswith(digits) or whole.endswith(digits) or digits == whole[8:24]:
            return "truncated"
        short = size * 4 > len(whole) * 3 and digits == "".join([f"{byte:x}" for byte in digest])
        return "zeros_lost" if short else ""
    if size == len(whole):
        return ""
    if digits.startswith(whole):
        return "appended"
    if digits.isdecimal() and digits == "".join(map(str, digest)):
        return "byte_list"
    if "ffffff" not in digits:
        return ""
    signed = [byte if byte < 128 else byte | 0xFFFFFF00 for byte in digest]
    forms = ("".join([f"{byte:x}" for byte in signed]), "".join([f"{byte:02x}" for byte in signed]))
    return "sign_extended" if digits in forms else ""
