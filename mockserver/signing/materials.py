"""Every text that a client may have hashed for one wrong signature; hashes nothing and reads no request.

The steps run from the likely to the far-fetched. `quick` and `stale` together stay under `QUICK_LIMIT` candidates, so
that a wrong checksum costs less than a millisecond; `thorough` is for `explain`, where nobody waits for an answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import TypeAlias

from mockserver.signing.checksum import Formula, Keys
from mockserver.signing.curtime import hashed_variants, whole_second
from mockserver.signing.recipes import (
    FORMULAS,
    LITERALS,
    RECIPES,
    SHIFTED,
    TEXT_STEPS,
    Names,
    Recipe,
    Symbols,
    changed_keys,
    spell,
)

Candidate: TypeAlias = tuple[bytes, tuple[str | int, ...], Names]
"""The bytes to hash, the symbols to write them down (an integer is curtime and so many seconds), the mistakes."""

QUICK_LIMIT = 1_000
_OTHERS = 16
"""So many other apps are tried while a request waits."""
_LONGEST_BODY = 4_096


def _bytes(text: str) -> bytes:
    """UTF-8; a lone surrogate is passed on, because the error that refuses it would carry a secret."""
    return text.encode(errors="surrogatepass")


@dataclass(frozen=True, slots=True)
class Case:
    """What is known about one wrong signature; its repr shows nothing of it."""

    keys: Keys
    curtime: str = field(repr=False)
    now: float
    formulas: tuple[Formula, ...] = ("v2",)
    identifier: str = field(default="", repr=False)
    seq: str = field(default="", repr=False)
    body: bytes = field(default=b"", repr=False)
    others: Sequence[Keys] = ()
    parts: dict[str, bytes] = field(init=False, repr=False)
    """The bytes of every symbol that means something here."""
    recipes: tuple[Recipe, ...] = field(init=False, repr=False)
    """The recipes whose symbols are all known."""

    def __post_init__(self) -> None:
        told = {
            "identifier": _bytes(self.identifier),
            "seq": _bytes(self.seq),
            "body": self.body if len(self.body) <= _LONGEST_BODY else b"",
        }
        told = {symbol: value for symbol, value in told.items() if value}
        parts, recipes = _book(self.keys, frozenset(told))
        curtime = _bytes(self.curtime)
        more = {"curtime": curtime, "quoted(curtime)": b'"' + curtime + b'"'}
        object.__setattr__(self, "parts", {**parts, **told, **more})
        object.__setattr__(self, "recipes", recipes)

    @property
    def accepted(self) -> tuple[str, ...]:
        """The symbols before curtime in the formula that this app's signatures must follow."""
        return FORMULAS[self.formulas[0]]

    def join(self, symbols: tuple[str, ...]) -> bytes:
        """The bytes of symbols, joined."""
        return b"".join([self.parts[symbol] for symbol in symbols])


@lru_cache(maxsize=256)
def _book(keys: Keys, told: frozenset[str]) -> tuple[dict[str, bytes], tuple[Recipe, ...]]:
    """What depends on the keys alone: the bytes of symbols, and the recipes that can be made with `told` beside them."""
    own = {
        "appsecret": _bytes(keys.appsecret),
        "restapikey": _bytes(keys.restapikey),
        "appkey": _bytes(keys.appkey),
    }
    parts = {**LITERALS, **own, **dict(changed_keys(own))}
    known = parts.keys() | told | {"curtime", "quoted(curtime)"}
    return parts, tuple(recipe for recipe in RECIPES if known.issuperset(recipe[0]))


def likely(case: Case) -> Iterator[Candidate]:
    """The formulas, then the likeliest recipes, each with the curtime of the URL and with those close to it."""
    for name, head in sorted(FORMULAS.items(), key=lambda row: row[0] not in case.formulas):
        symbols = (*head, "curtime")
        yield case.join(symbols), symbols, (f"{name}_formula",)
    rows = []
    for symbols, names in SHIFTED:
        at = symbols.index("curtime")
        before, after = symbols[:at], symbols[at + 1 :]
        rows.append((case.join(before), case.join(after), before, after, names))
    for text, symbol, mistakes in hashed_variants(case.curtime, case.now):
        second = text.encode()
        for head_bytes, tail_bytes, before, after, names in rows:
            yield head_bytes + second + tail_bytes, (*before, symbol, *after), (*names, *mistakes)


def _made(case: Case) -> Iterator[Candidate]:
    parts = case.parts
    for symbols, names in case.recipes:
        yield b"".join([parts[symbol] for symbol in symbols]), symbols, names


def _text_changed(case: Case) -> Iterator[Candidate]:
    texts = {"appsecret": case.keys.appsecret, "restapikey": case.keys.restapikey}
    for name, head in FORMULAS.items():
        text = "".join([texts[symbol] for symbol in head]) + case.curtime
        for mistake, label, step in TEXT_STEPS:
            try:
                changed = step(text)
            except UnicodeEncodeError:
                continue
            yield changed, _WRITTEN[name, label], (f"{name}_formula", mistake)


_WRITTEN = {
    (name, label): (label.format("+".join((*head, "curtime"))),)
    for name, head in FORMULAS.items()
    for _, label, _ in TEXT_STEPS
}


def _other_apps(case: Case, others: Sequence[Keys]) -> Iterator[Candidate]:
    second = case.parts["curtime"]
    own_secret, own_rest = case.parts["appsecret"], case.parts["restapikey"]
    for other in others:
        whose = f"[{other.appkey[:40]!a}]"
        one, two = f"appsecret{whose}", f"restapikey{whose}"
        secret, rest = _bytes(other.appsecret), _bytes(other.restapikey)
        yield secret + rest + second, (one, two, "curtime"), ("v2_formula", "other_app")
        yield secret + second, (one, "curtime"), ("v1_formula", "other_app")
        yield own_secret + rest + second, ("appsecret", two, "curtime"), ("mixed_credentials",)
        yield secret + own_rest + second, (one, "restapikey", "curtime"), ("mixed_credentials",)


def quick(case: Case) -> Iterator[Candidate]:
    """Every candidate that is tried while a request waits, likeliest first."""
    return chain(likely(case), _made(case), _text_changed(case), _other_apps(case, case.others[:_OTHERS]))


def stale(case: Case, before: int = 300, after: int = 10) -> Iterator[Candidate]:
    """The accepted formula over the seconds around the URL's curtime; ±2 are among the likely ones."""
    second = whole_second(case.curtime)
    if second is None:
        return
    symbols, head, names = case.accepted, case.join(case.accepted), ("stale_checksum",)
    for off in chain(range(-3, -before - 1, -1), range(3, after + 1)):
        yield head + str(second + off).encode(), (*symbols, off), names


def thorough(case: Case) -> Iterator[Candidate]:
    """What takes some 0.2 s: all other apps, all milliseconds around curtime, a day of stale seconds."""
    yield from _other_apps(case, case.others[_OTHERS:])
    second = whole_second(case.curtime)
    if second is None:
        return
    for name, symbols in FORMULAS.items():
        head = case.join(symbols)
        for at in range(second - 2, second + 3):
            for milli in range(1_000):
                names = f"{name}_formula", "curtime_hashed_in_milliseconds"
                yield b"%b%d%03d" % (head, at, milli), (*symbols, "milliseconds"), names
                names = f"{name}_formula", "curtime_hashed_with_fraction"
                yield b"%b%d.%03d" % (head, at, milli), (*symbols, "seconds.fraction"), names
    yield from stale(case, 86_400, 3_600)


def _hmac_rows(key: str, texts: str) -> tuple[tuple[Symbols, str], ...]:
    return tuple((symbols, f"key={key}, {'+'.join(symbols)}") for symbols in map(spell, texts.split()))


_HMACS = tuple(
    (spell(key), _hmac_rows("+".join(spell(key)), texts))
    for key, texts in (("S", "RT SRT T KT KRT TR"), ("R", "ST SRT T"), ("K", "SRT"), ("SR", "T"))
)
_HMACS_DECODED = _hmac_rows("base64_decode(appsecret)", "RT SRT T")


def hmacs(case: Case) -> Iterator[tuple[bytes, bytes, str]]:
    """Key and text of each likely HMAC, and how to write both down."""
    keys = [(case.join(key), rows) for key, rows in _HMACS]
    if "base64_decode(appsecret)" in case.parts:
        keys.append((case.parts["base64_decode(appsecret)"], _HMACS_DECODED))
    for key, rows in keys:
        for symbols, label in rows:
            yield key, case.join(symbols), label
