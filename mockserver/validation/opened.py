"""Keys that travelled openly in a checksum: as they are, in hex or base64, or before the hash of nothing."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from mockserver.validation.layers import HASHES
from mockserver.validation.materials import Case, quick, texts
from mockserver.validation.recipes import FORMULAS, Names

LEAST = 8
"""Characters of a key that stands in a text by no chance."""
_EMPTY = tuple((name, HASHES[name](b"").digest()) for name in ("sha1", "md5", "sha256", "sha512"))
"""What `h.Sum(text)` appends in Go."""
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+", re.ASCII)


def find(given: str, case: Case) -> tuple[str, Names] | None:
    """The expression and the mistakes, when a key or the text to be hashed was sent, or nearly."""
    for raw, label, names in _readings(given):
        if found := _unhashed(raw, case) or _summed(raw, case):
            return label.format(found[0]) if found[0] else "", (*found[1], *names)
    return None


def _readings(given: str) -> Iterator[tuple[bytes, str, Names]]:
    yield given.encode(errors="replace"), "{}", ()
    if len(given) < LEAST:
        return
    if _HEX.fullmatch(given):
        yield bytes.fromhex(given), "hex({})", ("uppercase_hex",) if given != given.lower() else ()
    digits = given.rstrip("=").replace(" ", "+").replace("-", "+").replace("_", "/")
    try:
        yield base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True), "base64({})", ("base64",)
    except (binascii.Error, ValueError):
        return


def _unhashed(raw: bytes, case: Case) -> tuple[str, Names] | None:
    texts = {symbol: case.book.parts[symbol] for symbol in ("appsecret", "restapikey")}
    for head in FORMULAS.values():
        texts["+".join((*head, "curtime"))] = case.join((*head, "curtime"))
    for label, text in texts.items():
        if text and raw == text:
            return label, ("unhashed",)
    if any(raw.endswith(empty) for _, empty in _EMPTY):
        return None
    secrets = (texts["appsecret"], texts["restapikey"])
    return ("", ("unhashed",)) if any(len(one) >= LEAST and one in raw for one in secrets) else None


def _summed(raw: bytes, case: Case) -> tuple[str, Names] | None:
    for name, empty in _EMPTY:
        if raw.endswith(empty) and len(raw) > len(empty):
            text, more = raw[: -len(empty)], () if name == "sha1" else (name,)
            for message, symbols, names, _, mistakes in texts(quick(case)):
                if message == text:
                    return f'{"+".join(map(str, symbols))}+{name}("")', (
                        *names,
                        *mistakes,
                        *more,
                        "sum_appended",
                    )
            return "", (*more, "sum_appended")
    return None
