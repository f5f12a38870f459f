"""The signature doctor: why a checksum is wrong (§1.1.2), by finding what was hashed and how it was written.

The checksum is read back into digest bytes first; their length tells the algorithm, so that each candidate is hashed
once. A match is an exact digest, or a plain fact of shape. Knows nothing of HTTP; says no secret and no digest.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import TypeAlias

from mockserver.signing.checksum import Formula, Keys, matches
from mockserver.signing.curtime import diagnose_curtime
from mockserver.signing.encodings import ALGORITHMS, LONGEST, Written, read, shape
from mockserver.signing.materials import Candidate, Case, hmacs, likely, quick, stale, thorough
from mockserver.signing.mistakes import UNEXPLAINED, Diagnosis, tell
from mockserver.signing.recipes import FORMULAS, Names

__all__ = ["Diagnosis", "diagnose", "diagnose_curtime"]

Finding: TypeAlias = tuple[str, Names]
"""An expression and the names of the mistakes in it."""


def _hash(name: str) -> Callable[[bytes], hashlib._Hash]:
    """The hash as fast as it comes; a build that refuses MD5 for security gives it for this."""
    make: Callable[..., hashlib._Hash] = getattr(hashlib, name)
    try:
        make(b"")
    except ValueError:
        return partial(make, usedforsecurity=False)
    return make


_HASHES = {name: _hash(name) for name in ALGORITHMS.values()}
_NAME_OF = {name: () if name == "sha1" else (name,) for name in _HASHES}
_LEADING_HEX = re.compile(r"[0-9A-Fa-f]{12,}", re.ASCII)
"""Shorter pieces could match by chance."""
_SENT_ALONE = {"checksum_empty", "checksum_sample", "checksum_unset", "checksum_object"}
"""Shapes that are the whole explanation."""
_LIKELY = 24
"""So many candidates are tried against a spoilt digest."""


def diagnose(
    given: str,
    curtime: str,
    keys: Keys,
    *,
    now: float,
    others: Sequence[Keys] = (),
    identifier: str = "",
    seq: str = "",
    body: bytes = b"",
    formulas: Iterable[Formula] = ("v2",),
    deep: bool = False,
) -> Diagnosis | None:
    """Why `given` is not the checksum of `curtime` under `keys`; None when it is.

    All values are as decoded from the query; `now` is in seconds; `others` are the other apps' keys. When nothing
    matches, some 700 candidates were hashed; `deep` tries some 110,000 more, for `explain`.
    """
    case = Case(keys, curtime, now, tuple(formulas), identifier, seq, body, others)
    if matches(given, keys, curtime, case.formulas):
        return None
    formula = " + ".join((*case.accepted, "curtime"))
    written = read(given)
    found = _unhashed(given, case) or _search(written, case, deep)
    if found:
        label, names = found
        fine = {f"{name}_formula" for name in case.formulas}
        return tell([name for name in names if name not in fine], label, formula=formula)
    facts = shape(given, written)
    whole = _SENT_ALONE.intersection(facts)
    return tell(facts if whole else (UNEXPLAINED, *facts), formula=formula)


def _unhashed(given: str, case: Case) -> Finding | None:
    """A key or the text to be hashed, sent as it is."""
    texts = {symbol: case.parts[symbol] for symbol in ("appsecret", "restapikey")}
    for head in FORMULAS.values():
        texts["+".join((*head, "curtime"))] = case.join((*head, "curtime"))
    sent = given.encode(errors="replace")
    return next(((label, ("unhashed",)) for label, text in texts.items() if text and sent == text), None)


def _search(written: Written, case: Case, deep: bool) -> Finding | None:
    if written.raw is not None:
        name, target = ALGORITHMS[len(written.raw)], written.raw
        found = (
            _plain(target, name, quick(case))
            or next(
                ((label, names) for digest, label, names in layered(case, name) if digest == target), None
            )
            or _plain(target, name, stale(case))
            or (_plain(target, name, thorough(case)) if deep else None)
        )
        if found:
            label, names = found
            return written.label.format(label), (*names, *_NAME_OF[name], *written.names)
    return _partial(written, case)


def _plain(target: bytes, name: str, candidates: Iterable[Candidate]) -> Finding | None:
    make = _HASHES[name]
    for message, symbols, names in candidates:
        if make(message).digest() == target:
            return _write(name, symbols), names
    return None


def _write(function: str, symbols: Iterable[str | int]) -> str:
    """The expression of a candidate, for people."""
    parts = [f"(curtime{one:+d})" if isinstance(one, int) else one for one in symbols]
    return f"{function}({'+'.join(parts)})"


def layered(case: Case, name: str) -> Iterator[tuple[bytes, str, Names]]:
    """Digests that are no plain hash of a text: hashes of hashes, and HMACs under each key that could be meant."""
    make = _HASHES[name]
    for formula, head in FORMULAS.items():
        symbols = (*head, "curtime")
        message, label = case.join(symbols), "+".join(symbols)
        for inner in ("sha1", "md5", "sha256"):
            digest = _HASHES[inner](message).digest()
            names = (f"{formula}_formula", "double_hash" if inner == name else "hash_of_another")
            digits = digest.hex()
            for text, kind in ((digits.encode(), ""), (digest, "raw_"), (digits.upper().encode(), "upper_")):
                yield make(text).digest(), f"{name}({kind}{inner}({label}))", names
    for key, message, label in hmacs(case):
        yield hmac.digest(key, message, name), f"hmac_{name}({label})", ("hmac",)


def _partial(written: Written, case: Case) -> Finding | None:
    """What gives a digest that was cut, spoilt byte by byte, or followed by something."""
    found = _LEADING_HEX.match(written.text)
    if found is None or len(written.text) > LONGEST:
        return None
    digits, alone = found[0].lower(), found[0] == written.text
    for message, symbols, names in islice(likely(case), _LIKELY if written.raw is None else 2):
        for name in ("sha1", "md5", "sha256", "sha512"):
            digest = _HASHES[name](message).digest()
            how = _spoilt(digits, digest) if alone else ("appended" if digits == digest.hex() else "")
            if how:
                return _write(name, symbols), (*names, *_NAME_OF[name], how, *written.names)
    return None


def _spoilt(digits: str, digest: bytes) -> str:
    """The name of the mistake by which `digest` became `digits`; nothing when none did."""
    whole, size = digest.hex(), len(digits)
    if size < len(whole):
        if digits == whole.lstrip("0"):
            return "leading_zeros_lost"
        if whole.startswith(digits) or whole.endswith(digits) or digits == whole[8:24]:
            return "truncated"
        small = size * 4 > len(whole) * 3 and "".join([f"{byte:x}" for byte in digest])
        return "zeros_lost" if digits == small else ""
    if size == len(whole):
        return ""
    if digits.startswith(whole):
        return "appended"
    if "ffffff" not in digits:
        return ""
    signed = [byte if byte < 128 else byte | 0xFFFFFF00 for byte in digest]
    forms = ("".join([f"{byte:x}" for byte in signed]), "".join([f"{byte:02x}" for byte in signed]))
    return "sign_extended" if digits in forms else ""
