"""What is tried where nobody waits for an answer: pairs of mistakes, all other apps, every millisecond.

Takes some 0.2 s. `explain` asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from mockserver.validation.changes import KEY_STEPS
from mockserver.validation.curtime import whole_second
from mockserver.validation.materials import OTHERS, Batch, Case, frame, other_apps, shifted, text_changed
from mockserver.validation.recipes import RARE, RECIPES, Recipe, spell

_ORDERS = tuple(spell(letters) for letters in ("RST", "STR", "RTS", "TSR", "TRS", "TS", "SKT", "KRT"))


def thorough(case: Case) -> Iterator[Batch]:
    """Every batch that takes too long for a request."""
    yield tuple(other_apps(case, case.others[OTHERS:])), case.second, "curtime", ()
    frames, fixed = frame(chain(_pairs(), RARE), case.book.parts)
    yield frames, case.second, "curtime", ()
    yield fixed, b"", "", ()
    for order in _ORDERS:
        yield tuple(text_changed(case, order, _ORDER_NAMES[order])), b"", "", ()
    yield from shifted(case, case.book.frames)
    yield from shifted(case, tuple(other_apps(case, case.others[:OTHERS])))
    yield from shifted(case, frames)
    yield from _finer(case)


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


def _finer(case: Case) -> Iterator[Batch]:
    """The formulas over every millisecond around curtime."""
    second = whole_second(case.curtime)
    if second is None:
        return
    for at in range(second - 2, second + 3):
        for milli in range(1_000):
            for text, written, mistake in (
                (b"%d%03d" % (at, milli), "milliseconds", "curtime_hashed_in_milliseconds"),
                (b"%d.%03d" % (at, milli), "seconds.fraction", "curtime_hashed_with_fraction"),
            ):
                yield case.book.formulas, text, written, (mistake,)
