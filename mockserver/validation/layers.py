"""Digests that are no plain hash of a joined text: hashes of hashes, and HMACs under each key that could be meant."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from itertools import chain
from typing import TypeAlias

from mockserver.validation.materials import Case
from mockserver.validation.numerals import ALGORITHMS
from mockserver.validation.recipes import FORMULAS, Names, spell

Layer: TypeAlias = tuple[bytes, str, Names]
"""A digest, the expression that gives it, and the mistakes in it."""

# key: messages, in letters
_HMACS = (
    ("S", "RT T SRT TR R KT KRT ST STR"),
    ("R", "ST T SRT TS S"),
    ("SR", "T"),
    ("RS", "T"),
    ("T", "SR S RS R"),
    ("SRT", "T"),
    ("K", "SRT"),
)
_DECODED = "RT T SRT"
"""Messages under the base64-decoded appsecret."""
_DEEP = "T R S K RT TR ST TS KT TK SR RS SK KS RK KR SRT STR RST RTS TSR TRS KRT KST SKT KTR KSRT KTSR IT KIT KITQ B SB BT TB"


def _hash(name: str) -> Callable[[bytes], hashlib._Hash]:
    """The hash as fast as it comes; a build that refuses MD5 for security gives it for this."""
    make: Callable[..., hashlib._Hash] = getattr(hashlib, name)
    try:
        make(b"")
    except ValueError:
        return partial(make, usedforsecurity=False)
    return make


HASHES = {name: _hash(name) for name in ALGORITHMS.values()}
"""Every hash whose digest can be read back."""
_INNER = ("sha1", "md5", "sha256")


def layered(case: Case, name: str, *, deep: bool = False) -> Iterator[Layer]:
    """The digests of algorithm `name`; `deep` tries an HMAC of every pair of texts that can be thought of."""
    yield from _twice(case, name)
    yield from _hmacs(case, name, _pairs(case, deep))


def _twice(case: Case, name: str) -> Iterator[Layer]:
    make = HASHES[name]
    for formula, head in FORMULAS.items():
        symbols = (*head, "curtime")
        message, label = case.join(symbols), "+".join(symbols)
        for inner in _INNER:
            names = (f"{formula}_formula", "double_hash" if inner == name else "hash_of_another")
            for kind, text in _written(HASHES[inner](message).digest()):
                yield make(text).digest(), f"{name}({kind}{inner}({label}))", names
    parts = case.book.parts
    secret, tail = parts["appsecret"], parts["restapikey"] + case.second
    for inner in _INNER:
        for rest, label in ((tail, "restapikey+curtime"), (case.second, "curtime")):
            text = secret + HASHES[inner](rest).hexdigest().encode()
            yield make(text).digest(), f"{name}(appsecret+{inner}({label}))", ("part_hashed",)


def _written(digest: bytes) -> Iterator[tuple[str, bytes]]:
    """A digest in each form in which it is hashed again."""
    digits = digest.hex()
    yield "", digits.encode()
    yield "raw_", digest
    yield "upper_", digits.upper().encode()
    yield "base64_", base64.b64encode(digest)


def _pairs(case: Case, deep: bool) -> Iterator[tuple[bytes, bytes, str, str]]:
    """Key, message, and how to write them."""
    rows = [(key, tuple(messages.split())) for key, messages in _HMACS]
    if deep:
        texts = tuple(_DEEP.split())
        rows += [(key, texts) for key in texts]
    spelled: dict[str, bytes | None] = {}
    for letters in chain.from_iterable((key, *messages) for key, messages in rows):
        if letters not in spelled:
            spelled[letters] = _spelled(case, letters)
    for letters, messages in rows:
        key = spelled[letters]
        for message in messages:
            text = spelled[message]
            if key is not None and text is not None:
                yield key, text, letters, message
    try:
        key = base64.b64decode(case.keys.appsecret, validate=True)
    except (binascii.Error, ValueError):
        return
    for message in _DECODED.split():
        yield key, case.join(spell(message)), "", message


def _spelled(case: Case, letters: str) -> bytes | None:
    """The bytes of letters; None when one of them is not told."""
    try:
        return case.join(spell(letters))
    except KeyError:
        return None


def _hmacs(case: Case, name: str, pairs: Iterable[tuple[bytes, bytes, str, str]]) -> Iterator[Layer]:
    for key, message, letters, texts in pairs:
        yield hmac.digest(key, message, name), _hmac_label(name, letters, texts), ("hmac",)


@lru_cache(maxsize=8_192)
def _hmac_label(name: str, key: str, message: str) -> str:
    under = "+".join(spell(key)) or "base64_decode(appsecret)"
    return f"hmac_{name}({under}, {'+'.join(spell(message))})"
