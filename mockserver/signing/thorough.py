"""What is tried where nobody waits for an answer: pairs of mistakes, all other apps, every millisecond, a day of seconds.

Takes some 0.2 s. `explain` asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from mockserver.signing.changes import KEY_STEPS
from mockserver.signing.layers import Layer, layered
from mockserver.signing.materials import (
    OTHERS,
    Candidate,
    Case,
    frame,
    other_apps,
    shifted,
    stale,
    text_changed,
)
from mockserver.signing.curtime import whole_second
from mockserver.signing.recipes import FORMULAS, RARE, RECIPES, Recipe, spell

_ORDERS = tuple(spell(letters) for letters in ("RST", "STR", "RTS", "TSR", "TRS", "TS", "SKT", "KRT"))


def thorough(case: Case) -> Iterator[Candidate]:
    """Every candidate that takes too long for a request."""
    yield from other_apps(case, case.others[OTHERS:])
    frames, fixed = frame(chain(RARE, _pairs()), case.book.parts)
    for head, tail, symbols, names in frames:
        yield head + case.second + tail, symbols, names, "curtime", ()
    yield from fixed
    yield from _texts(case)
    yield from shifted(case, case.book.frames)
    yield from shifted(case, frames)
    yield from _finer(case)
    yield from stale(case, 86_400, 3_600)


def layered_thoroughly(case: Case, name: str) -> Iterator[Layer]:
    """HMACs of every pair of texts."""
    return layered(case, name, deep=True)


def _pairs() -> Iterator[Recipe]:
    """Two changes at once: of both keys, of a key and the order."""
    for name, label, _ in KEY_STEPS:
        secret, rest = label.format("appsecret"), label.format("restapikey")
        for order in _ORDERS:
            names = _ORDER_NAMES[order]
            for one, two in ((secret, "restapikey"), ("appsecret", rest), (secret, rest)):
                changed = tuple({"appsecret": one, "restapikey": two}.get(symbol, symbol) for symbol in order)
                if changed != order:
                    yield changed, (*names, name)
        for other_name, other_label, _ in KEY_STEPS:
            if other_label != label:
                other = other_label.format("restapikey")
                yield (secret, other, "curtime"), ("v2_formula", name, other_name)


_ORDER_NAMES = {symbols: names for symbols, names in RECIPES if symbols in _ORDERS}


def _texts(case: Case) -> Iterator[Candidate]:
    """Orders whose text was changed before it was hashed."""
    for order in _ORDERS:
        yield from text_changed(case, order, _ORDER_NAMES[order])


def _finer(case: Case) -> Iterator[Candidate]:
    """The formulas over every millisecond around curtime."""
    second = whole_second(case.curtime)
    if second is None:
        return
    forms = ((b"%b%d%03d", "milliseconds", "curtime_hashed_in_milliseconds"),
             (b"%b%d.%03d", "seconds.fraction", "curtime_hashed_with_fraction"))  # fmt: skip
    for name, keys in FORMULAS.items():
        head, symbols = case.join(keys), (*keys, "curtime")
        for at in range(second - 2, second + 3):
            for milli in range(1_000):
                for form, written, mistake in forms:
                    yield form % (head, at, milli), symbols, (f"{name}_formula",), written, (mistake,)
