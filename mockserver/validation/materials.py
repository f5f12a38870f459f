"""Every text that a client may have hashed for one wrong signature; hashes nothing and reads no request.

The steps run from the likely to the far-fetched. Together with hashes of hashes and stale seconds they stay under
`QUICK_LIMIT` candidates, so that a wrong checksum costs about a millisecond; what takes longer is in `thorough`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

from mockserver.contract.checksum import Credentials, Formula
from mockserver.validation.changes import TEXT_STEPS
from mockserver.validation.curtime import hashed_variants, whole_second
from mockserver.validation.recipes import (
    FORMULAS,
    LITERALS,
    RECIPES,
    Names,
    Recipe,
    Symbols,
    changed_keys,
    spell,
)

Frame: TypeAlias = "tuple[bytes, bytes, tuple[str | int, ...], Names]"
"""What stands before and after curtime in a hashed text; the symbols to write it down, where a number is curtime and so
many seconds; and the mistakes in it."""
Batch: TypeAlias = "tuple[Sequence[Frame], bytes, str | int, Names]"
"""Texts around one curtime: its bytes, its symbol or how many seconds it is off, and the mistakes in it."""
Candidate: TypeAlias = "tuple[bytes, tuple[str | int, ...], Names, str | int, Names]"
"""One text of a batch: the bytes to hash, symbols and mistakes, and those of its curtime."""

QUICK_LIMIT = 1_200
OTHERS = 16
"""So many other apps are tried while a request waits."""
_LONGEST_BODY = 4_096
_TOLD = {"identifier", "seq", "body"}
"""What a request tells beside the keys and curtime."""
_ORDERS = {spell(letters) for letters in ("SRT", "ST", "RST", "TSR", "TRS", "STR", "RTS", "TS", "SKT", "KRT")}
_FORMULAS = tuple(((*head, "curtime"), (f"{name}_formula",)) for name, head in FORMULAS.items())
_SHIFTED = tuple(recipe for recipe in RECIPES if recipe[0] in _ORDERS)
"""What is tried with other curtimes, too."""


def as_bytes(text: str) -> bytes:
    """UTF-8; a lone surrogate is passed on, because the error that refuses it would carry a secret."""
    return text.encode(errors="surrogatepass")


@dataclass(frozen=True, slots=True)
class Book:
    """What depends on an app's keys alone; its repr shows none of it."""

    parts: dict[str, bytes] = field(repr=False)
    """The bytes of every key, as it is and changed, and of every literal."""
    frames: tuple[Frame, ...] = field(repr=False)
    """The recipes of keys and curtime, each text once: where two make the same, the likelier."""
    fixed: tuple[Frame, ...] = field(repr=False)
    """Those without curtime."""
    formulas: tuple[Frame, ...] = field(repr=False)
    shifted: tuple[Frame, ...] = field(repr=False)
    """Those that are tried with other curtimes, too."""


@lru_cache(maxsize=64)
def book_of(keys: Credentials) -> Book:
    """The book of an app's keys."""
    own = {
        "appsecret": as_bytes(keys.appsecret),
        "restapikey": as_bytes(keys.restapikey),
        "appkey": as_bytes(keys.appkey),
    }
    parts = {**LITERALS, **own, **dict(changed_keys(own))}
    frames, fixed = frame(RECIPES, parts)
    formulas, _ = frame(_FORMULAS, parts)
    shifted, _ = frame(_SHIFTED, parts)
    return Book(parts, frames, fixed, formulas, shifted)


def frame(recipes: Iterable[Recipe], parts: dict[str, bytes]) -> tuple[tuple[Frame, ...], tuple[Frame, ...]]:
    """Recipes with curtime in them and without; left out is what has an unknown part or comes twice."""
    known = parts.keys() | {"curtime"}
    frames: dict[tuple[bytes, bytes], Frame] = {}
    fixed: dict[bytes, Frame] = {}
    for symbols, names in recipes:
        if not known.issuperset(symbols) or symbols.count("curtime") > 1:
            continue
        at = symbols.index("curtime") if "curtime" in symbols else len(symbols)
        head = b"".join([parts[one] for one in symbols[:at]])
        tail = b"".join([parts[one] for one in symbols[at + 1 :]])
        if "curtime" in symbols:
            frames.setdefault((head, tail), (head, tail, symbols, names))
        else:
            fixed.setdefault(head, (head, b"", symbols, names))
    return tuple(frames.values()), tuple(fixed.values())


@lru_cache(maxsize=8)
def _loose(told: frozenset[str]) -> tuple[Recipe, ...]:
    """The recipes with `told` parts in them, or with curtime twice."""
    return tuple(
        (symbols, names)
        for symbols, names in RECIPES
        if (_TOLD.intersection(symbols) or symbols.count("curtime") > 1)
        and told.issuperset(_TOLD.intersection(symbols))
    )


@dataclass(frozen=True, slots=True)
class Case:
    """What is known about one wrong signature; its repr shows nothing of it."""

    keys: Credentials
    curtime: str = field(repr=False)
    now: float
    formulas: tuple[Formula, ...] = ("v2",)
    identifier: str = field(default="", repr=False)
    seq: str = field(default="", repr=False)
    body: bytes = field(default=b"", repr=False)
    others: Sequence[Credentials] = ()
    told: dict[str, bytes] = field(init=False, repr=False)
    """The bytes of what the request tells, curtime among it."""
    book: Book = field(init=False)
    second: bytes = field(init=False, repr=False)
    """The bytes of curtime."""

    def __post_init__(self) -> None:
        told = {
            "identifier": as_bytes(self.identifier),
            "seq": as_bytes(self.seq),
            "body": self.body if len(self.body) <= _LONGEST_BODY else b"",
        }
        told = {name: value for name, value in told.items() if value}
        second = as_bytes(self.curtime)
        object.__setattr__(self, "told", {**told, "curtime": second})
        object.__setattr__(self, "second", second)
        object.__setattr__(self, "book", book_of(self.keys))

    @property
    def accepted(self) -> tuple[str, ...]:
        """The symbols before curtime in the formula that this app's signatures must follow."""
        return FORMULAS[self.formulas[0]]

    def join(self, symbols: Symbols) -> bytes:
        """The bytes of symbols, joined; KeyError for one that is not known here."""
        told, parts = self.told, self.book.parts
        return b"".join([told[one] if one in told else parts[one] for one in symbols])


def likely(case: Case) -> Iterator[Batch]:
    """The formulas, then the likeliest orders with curtimes close to the URL's."""
    yield case.book.formulas, case.second, "curtime", ()
    yield from shifted(case, case.book.shifted)


def shifted(case: Case, frames: Sequence[Frame]) -> Iterator[Batch]:
    """Texts around every other curtime that may have been hashed than the URL's."""
    for text, symbol, mistakes in hashed_variants(case.curtime, case.now):
        yield frames, text.encode(), symbol, mistakes


def _told(case: Case) -> Iterator[Frame]:
    """The recipes with parts that only the request tells."""
    for symbols, names in _loose(frozenset(case.told)):
        yield case.join(symbols), b"", symbols, names


def text_changed(case: Case, symbols: Symbols, names: Names) -> Iterator[Frame]:
    """A joined text after each step that changes it."""
    try:
        text = case.join(symbols).decode()
    except UnicodeDecodeError:
        return
    for step, written, mistakes in _text_steps(symbols, names):
        try:
            yield step(text), b"", written, mistakes
        except UnicodeEncodeError:
            continue


@lru_cache(maxsize=16)
def _text_steps(symbols: Symbols, names: Names) -> tuple[tuple[Callable[[str], bytes], Symbols, Names], ...]:
    """The changes of a joined text, how each is written, and the mistakes in it."""
    joined = "+".join(symbols)
    return tuple((step, (label.format(joined),), (*names, mistake)) for mistake, label, step in TEXT_STEPS)


def other_apps(case: Case, others: Sequence[Credentials]) -> Iterator[Frame]:
    """The formulas with the keys of other apps, and with one key of theirs."""
    own_secret, own_rest = case.book.parts["appsecret"], case.book.parts["restapikey"]
    for other in others:
        one, two = _whose(other)
        secret, rest = as_bytes(other.appsecret), as_bytes(other.restapikey)
        yield secret + rest, b"", (one, two, "curtime"), ("v2_formula", "other_app")
        yield secret, b"", (one, "curtime"), ("v1_formula", "other_app")
        yield own_secret + rest, b"", ("appsecret", two, "curtime"), ("mixed_credentials",)
        yield secret + own_rest, b"", (one, "restapikey", "curtime"), ("mixed_credentials",)


def _whose(other: Credentials) -> tuple[str, str]:
    """The symbols of another app's keys."""
    return f"appsecret[{other.appkey[:40]!a}]", f"restapikey[{other.appkey[:40]!a}]"


def quick(case: Case) -> Iterator[Batch]:
    """Everything that is tried while a request waits, likeliest first."""
    yield from likely(case)
    yield case.book.frames, case.second, "curtime", ()
    yield case.book.fixed, b"", "curtime", ()
    yield tuple(_told(case)), b"", "curtime", ()
    for name, head in FORMULAS.items():
        yield tuple(text_changed(case, (*head, "curtime"), (f"{name}_formula",))), b"", "", ()
    frames = tuple(other_apps(case, case.others[:OTHERS]))
    yield frames, case.second, "curtime", ()
    second = whole_second(case.curtime)
    if second is not None:
        for off in (-1, 1):
            yield frames[::4][:4], b"%d" % (second + off), off, ("curtime_off_by_one",)


def texts(batches: Iterable[Batch]) -> Iterator[Candidate]:
    """The candidates of batches, one by one."""
    for frames, second, when, mistakes in batches:
        for head, tail, symbols, names in frames:
            yield head + second + tail, symbols, names, when, mistakes
