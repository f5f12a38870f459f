"""The signature doctor: why a checksum is wrong (§1.1.2), by finding what was hashed and how it was written.

The checksum is read back into digest bytes first; their length tells the algorithm, so that each candidate is hashed
once. A match is an exact digest, or a plain fact of shape. Knows nothing of HTTP; says no secret and no digest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TypeAlias

from mockserver.contract.checksum import Credentials, Formula, checksum_matches
from mockserver.core.text import Text
from mockserver.validation import opened, spoilt
from mockserver.validation.curtime import diagnose_curtime, whole_second
from mockserver.validation.encodings import Written, read, shape
from mockserver.validation.layers import HASHES, layered
from mockserver.validation.materials import Batch, Case, likely, quick, texts
from mockserver.validation.mistakes import UNEXPLAINED, Diagnosis, tell
from mockserver.validation.numerals import ALGORITHMS
from mockserver.validation.recipes import Names
from mockserver.validation.thorough import thorough

__all__ = ["Diagnosis", "diagnose", "diagnose_curtime"]

Finding: TypeAlias = tuple[str, Names]
"""An expression and the names of the mistakes in it."""
_NAME_OF: dict[str, Names] = {name: () if name == "sha1" else (name,) for name in HASHES}
_SENT_ALONE = {"checksum_empty", "checksum_sample", "checksum_unset", "checksum_object"}
"""Shapes that are the whole explanation."""
_DEEPER = Text("; `mockserver explain URL` tries far more", "；mockserver explain URL 会尝试更多可能")


def diagnose(
    given: str,
    curtime: str,
    keys: Credentials,
    *,
    now: float,
    others: Sequence[Credentials] = (),
    identifier: str = "",
    seq: str = "",
    body: bytes = b"",
    formulas: Iterable[Formula] = ("v2",),
    earlier: str | None = None,
    deep: bool = False,
    explainable: bool = True,
) -> Diagnosis | None:
    """Why `given` is not the checksum of `curtime` under `keys`; None when it is.

    All values are as decoded from the query; `now` is in seconds; `others` are the other apps' keys; `earlier` is the
    curtime of a request whose right checksum was `given`, if there was one. When nothing matches, some 1,100 candidates
    were hashed; `deep` tries some 170,000 more, for `explain`, which is advised where it is `explainable`.
    """
    case = Case(keys, curtime, now, tuple(formulas), identifier, seq, body, others)
    if checksum_matches(given, keys, curtime, case.formulas):
        return None
    formula = " + ".join((*case.accepted, "curtime"))
    written = read(given)
    found = (
        _search(written, case, deep)
        or _remembered(case, given, earlier)
        or opened.find(given, case)
        or _spoilt(given, written, case)
    )
    if found:
        label, names = found
        fine = {f"{name}_formula" for name in case.formulas}
        return tell([name for name in names if name not in fine], label, formula=formula)
    facts = shape(given, written)
    if _SENT_ALONE.intersection(facts):
        return tell(facts, formula=formula)
    deeper = _DEEPER if explainable and not deep else Text("", "")
    return tell((UNEXPLAINED, *facts), formula=formula, deeper=deeper.en, deeper_zh=deeper.zh)


def _remembered(case: Case, given: str, earlier: str | None) -> Finding | None:
    """The checksum of another request that was right."""
    if earlier is None or not checksum_matches(given, case.keys, earlier, case.formulas):
        return None
    then, sent = whole_second(earlier), whole_second(case.curtime)
    plain = then is not None and sent is not None and earlier == str(then)
    when = then - sent if plain and then is not None and sent is not None else "earlier curtime"
    return _write("sha1", (*case.accepted, "curtime"), when), ("stale_checksum",)


def _search(written: Written, case: Case, deep: bool) -> Finding | None:
    """What gives a digest that came whole."""
    if written.raw is None:
        return None
    name, target = ALGORITHMS[len(written.raw)], written.raw
    found = _plain(target, name, quick(case)) or _layered(target, layered(case, name))
    if not found and not written.guessed:
        found = _stale(target, name, case, 300, 10)
    if not found and deep:
        found = (
            _plain(target, name, thorough(case))
            or _layered(target, layered(case, name, deep=True))
            or _stale(target, name, case, 86_400, 3_600)
        )
    if not found:
        return None
    label, names = found
    return written.label.format(label), (*names, *_NAME_OF[name], *written.names)


def _plain(target: bytes, name: str, batches: Iterable[Batch]) -> Finding | None:
    make = HASHES[name]
    for frames, second, when, mistakes in batches:
        for head, tail, symbols, names in frames:
            if make(head + second + tail).digest() == target:
                return _write(name, symbols, when), (*names, *mistakes)
    return None


def _stale(target: bytes, name: str, case: Case, before: int, after: int) -> Finding | None:
    """The accepted formula over the seconds around the URL's curtime; ±2 are among the likely ones."""
    second = whole_second(case.curtime)
    if second is None:
        return None
    make, head = HASHES[name], case.join(case.accepted)
    for off in chain(range(-3, -before - 1, -1), range(3, after + 1)):
        if make(head + b"%d" % (second + off)).digest() == target:
            return _write(name, (*case.accepted, off), ""), ("stale_checksum",)
    return None


def _layered(target: bytes, layers: Iterable[tuple[bytes, str, Names]]) -> Finding | None:
    return next(((label, names) for digest, label, names in layers if digest == target), None)


def _write(function: str, symbols: Iterable[str | int], when: str | int) -> str:
    """The expression of a candidate, for people; numbers are so many seconds after curtime."""
    parts = [when if one == "curtime" else one for one in symbols]
    return f"{function}({'+'.join([f'(curtime{one:+d})' if isinstance(one, int) else one for one in parts])})"


def _spoilt(given: str, written: Written, case: Case) -> Finding | None:
    found = spoilt.find(given, written, texts(likely(case)))
    if found is None:
        return None
    (_, symbols, names, when, mistakes), name, how = found
    facts = () if how == "raw_digest_as_text" else written.facts
    return _write(name, symbols, when), (*names, *mistakes, *_NAME_OF[name], how, *facts)
