"""Every text that a client may have hashed for one wrong signature; hashes nothing and reads no request.

The steps run from the likely to the far-fetched. `quick` and `stale` together stay under `QUICK_LIMIT` candidates, so
that a wrong checksum costs less than a millisecond; what takes longer is in `thorough`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import NamedTuple, TypeAlias

from mockserver.signing.changes import TEXT_STEPS
from mockserver.signing.checksum import Formula, Keys
from mockserver.signing.curtime import hashed_variants, whole_second
from mockserver.signing.recipes import FORMULAS, LITERALS, RECIPES, Names, Recipe, Symbols, changed_keys, spell

Candidate: TypeAlias = tuple[bytes, Symbols, Names, "str | int", Names]
"""The bytes to hash, the symbols to write them down, the mistakes in them, and which curtime: how it is written (a number
is so many seconds after the URL's) and the mistakes in that."""

QUICK_LIMIT = 1_700
OTHERS = 16
"""So many other apps are tried while a request waits."""
_LONGEST_BODY = 4_096
_TOLD = ("identifier", "seq", "body")
"""What a request tells beside the keys and curtime."""
_ORDERS = {spell(letters) for letters in ("SRT", "ST", "RST", "TSR", "TRS", "STR", "RTS", "TS", "SKT", "KRT")}
_SHIFTED = tuple(recipe for recipe in RECIPES if recipe[0] in _ORDERS)
"""What is tried with other curtimes, too."""


def as_bytes(text: str) -> bytes:
    """UTF-8; a lone surrogate is passed on, because the error that refuses it would carry a secret."""
    return text.encode(errors="surrogatepass")


class Frame(NamedTuple):
    """What stands before and after curtime in a hashed text."""

    head: bytes
    tail: bytes
    symbols: Symbols
    names: Names


@dataclass(frozen=True, slots=True)
class Book:
    """What depends on an app's keys alone; its repr shows none of it."""

    parts: dict[str, bytes] = field(repr=False)
    """The bytes of every key, as it is and changed, and of every literal."""
    frames: tuple[Frame, ...] = field(repr=False)
    """The recipes of keys and curtime, each text once: where two make the same, the likelier."""
    fixed: tuple[Candidate, ...] = field(repr=False)
    """Those without curtime."""
    shifted: tuple[Frame, ...] = field(repr=False)
    """Those that are tried with other curtimes, too."""


@lru_cache(maxsize=64)
def book_of(keys: Keys) -> Book:
    """The book of an app's keys."""
    own = {
        "appsecret": as_bytes(keys.appsecret),
        "restapikey": as_bytes(keys.restapikey),
        "appkey": as_bytes(keys.appkey),
    }
    parts = {**LITERALS, **own, **dict(changed_keys(own))}
    frames, fixed = frame(RECIPES, parts)
    shifted, _ = frame(_SHIFTED, parts)
    return Book(parts, frames, fixed, shifted)


def frame(
    recipes: Iterable[Recipe], parts: dict[str, bytes]
) -> tuple[tuple[Frame, ...], tuple[Candidate, ...]]:
    """Recipes as texts around curtime, and as texts without it; left out is what has an unknown part or comes twice."""
    known = parts.keys() | {"curtime"}
    frames: dict[tuple[bytes, bytes], Frame] = {}
    fixed: dict[bytes, Candidate] = {}
    for symbols, names in recipes:
        if not known.issuperset(symbols) or symbols.count("curtime") > 1:
            continue
        if "curtime" in symbols:
            at = symbols.index("curtime")
            head = b"".join([parts[one] for one in symbols[:at]])
            tail = b"".join([parts[one] for one in symbols[at + 1 :]])
            frames.setdefault((head, tail), Frame(head, tail, symbols, names))
        else:
            message = b"".join([parts[one] for one in symbols])
            fixed.setdefault(message, (message, symbols, names, "", ()))
    return tuple(frames.values()), tuple(fixed.values())


@lru_cache(maxsize=8)
def _loose(told: frozenset[str]) -> tuple[Recipe, ...]:
    """The recipes with `told` parts in them, or with curtime twice."""
    return tuple(
        (symbols, names)
        for symbols, names in RECIPES
        if told.issuperset(set(symbols).intersection(_TOLD))
        and (told.intersection(symbols) or symbols.count("curtime") > 1)
    )


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
    told: dict[str, bytes] = field(init=False, repr=False)
    """The bytes of what the request tells."""
    book: Book = field(init=False)
    second: bytes = field(init=False, repr=False)
    """The bytes of curtime."""

    def __post_init__(self) -> None:
        told = {
            "identifier": as_bytes(self.identifier),
            "seq": as_bytes(self.seq),
            "body": self.body if len(self.body) <= _LONGEST_BODY else b"",
        }
        object.__setattr__(self, "told", {name: value for name, value in told.items() if value})
        object.__setattr__(self, "book", book_of(self.keys))
        object.__setattr__(self, "second", as_bytes(self.curtime))

    @property
    def accepted(self) -> tuple[str, ...]:
        """The symbols before curtime in the formula that this app's signatures must follow."""
        return FORMULAS[self.formulas[0]]

    def join(self, symbols: Symbols) -> bytes:
        """The bytes of symbols, joined; KeyError for one that is not known here."""
        parts, told = self.book.parts, self.told
        return b"".join(
            [self.second if one == "curtime" else parts[one] if one in parts else told[one] for one in symbols]
        )


def likely(case: Case) -> Iterator[Candidate]:
    """The formulas, then the likeliest orders, each with the curtime of the URL and with those close to it."""
    for name, head in sorted(FORMULAS.items(), key=lambda row: row[0] not in case.formulas):
        symbols = (*head, "curtime")
        yield case.join(symbols), symbols, (f"{name}_formula",), "curtime", ()
    yield from shifted(case, case.book.shifted)


def shifted(case: Case, frames: Sequence[Frame]) -> Iterator[Candidate]:
    """Texts around every other curtime that may have been hashed than the URL's."""
    for text, symbol, mistakes in hashed_variants(case.curtime, case.now):
        second = text.encode()
        for head, tail, symbols, names in frames:
            yield head + second + tail, symbols, names, symbol, mistakes


def _made(case: Case) -> Iterator[Candidate]:
    second = case.second
    for head, tail, symbols, names in case.book.frames:
        yield head + second + tail, symbols, names, "curtime", ()
    yield from case.book.fixed
    for symbols, names in _loose(frozenset(case.told)):
        yield case.join(symbols), symbols, names, "curtime", ()


def text_changed(case: Case, symbols: Symbols, names: Names) -> Iterator[Candidate]:
    """A joined text after each step that changes it."""
    try:
        text = case.join(symbols).decode()
    except UnicodeDecodeError:
        return
    written = "+".join(symbols)
    for mistake, label, step in TEXT_STEPS:
        try:
            changed = step(text)
        except UnicodeEncodeError:
            continue
        yield changed, (label.format(written),), (*names, mistake), "", ()


def other_apps(case: Case, others: Sequence[Keys]) -> Iterator[Candidate]:
    """The formulas with the keys of other apps, and with one key of theirs."""
    second = case.second
    own_secret, own_rest = case.book.parts["appsecret"], case.book.parts["restapikey"]
    for other in others:
        whose = f"[{other.appkey[:40]!a}]"
        one, two = f"appsecret{whose}", f"restapikey{whose}"
        secret, rest = as_bytes(other.appsecret), as_bytes(other.restapikey)
        yield secret + rest + second, (one, two, "curtime"), ("v2_formula", "other_app"), "curtime", ()
        yield secret + second, (one, "curtime"), ("v1_formula", "other_app"), "curtime", ()
        yield own_secret + rest + second, ("appsecret", two, "curtime"), ("mixed_credentials",), "curtime", ()
        yield secret + own_rest + second, (one, "restapikey", "curtime"), ("mixed_credentials",), "curtime", ()


def _other_seconds(case: Case, others: Sequence[Keys]) -> Iterator[Candidate]:
    """The formula with the keys of other apps over the seconds beside curtime."""
    second = whole_second(case.curtime)
    if second is None:
        return
    for other in others:
        whose, head = f"[{other.appkey[:40]!a}]", as_bytes(other.appsecret + other.restapikey)
        symbols, names = (f"appsecret{whose}", f"restapikey{whose}", "curtime"), ("v2_formula", "other_app")
        for off, mistake in ((-1, "curtime_off_by_one"), (1, "curtime_off_by_one")):
            yield head + b"%d" % (second + off), symbols, names, off, (mistake,)


def quick(case: Case) -> Iterator[Candidate]:
    """Every candidate that is tried while a request waits, likeliest first."""
    texts = (
        text_changed(case, (*head, "curtime"), (f"{name}_formula",)) for name, head in FORMULAS.items()
    )
    others = case.others[:OTHERS]
    return chain(likely(case), _made(case), *texts, other_apps(case, others), _other_seconds(case, others[:4]))


def stale(case: Case, before: int = 300, after: int = 10) -> Iterator[Candidate]:
    """The accepted formula over the seconds around the URL's curtime; ±2 are among the likely ones."""
    second = whole_second(case.curtime)
    if second is None:
        return
    symbols, head, names = (*case.accepted, "curtime"), case.join(case.accepted), ("stale_checksum",)
    for off in chain(range(-3, -before - 1, -1), range(3, after + 1)):
        yield head + b"%d" % (second + off), symbols, names, off, ()
