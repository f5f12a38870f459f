"""The recipes: what a client may have joined and hashed, as symbols; knows no request, no keys and no hash.

A recipe is a tuple of symbols and the names of the mistakes in it. A symbol names a part (`appsecret`), a changed part
(`upper(appsecret)`) or a literal (`"&"`), so that a recipe joined by `+` is also the expression that people read.
Where two recipes make the same bytes, the first is told: they run from the likely to the far-fetched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import chain

from mockserver.validation.changes import KEY_STEPS, digest
from mockserver.validation.patterns import (
    DERIVED,
    FORMULAS,
    JOINED,
    LETTERS,
    PATTERNS,
    RARE_SEPARATORS,
    RARELY_JOINED,
    SEPARATORS,
    TEMPLATES,
    Names,
    Recipe,
    Symbols,
)
from mockserver.validation.words import RARELY_UNSET, UNSET, UNSET_CURTIME, placeholders, unformatted

__all__ = ["FORMULAS", "LITERALS", "RARE", "RECIPES", "Names", "Recipe", "Symbols", "changed_keys", "spell"]
LITERALS: dict[str, bytes] = {}
"""The bytes of each symbol in quotes."""
HASHED: dict[str, tuple[str, Symbols]] = {}
"""Keys that were hashed together: symbol, algorithm, and what was joined."""


def spell(letters: str) -> Symbols:
    """The symbols of letters."""
    return tuple(LETTERS[letter] for letter in letters)


def literal(text: str) -> str:
    """The symbol of a literal text."""
    shown = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    symbol = f"'{shown}'" if '"' in shown else f'"{shown}"'
    LITERALS[symbol] = text.encode()
    return symbol


def _template(text: str) -> Symbols:
    """The symbols of a text with letters in braces."""
    pieces = re.split(r"\{([A-Z])\}", text)
    return tuple(LETTERS[one] if at % 2 else literal(one) for at, one in enumerate(pieces) if one)


def _patterns(table: tuple[tuple[Names, str], ...]) -> Iterator[Recipe]:
    return ((spell(letters), names) for names, row in table for letters in row.split())


def in_place_of_keys(secret: str, rest: str, name: str) -> Iterator[Recipe]:
    """The formulas with one key, the other or both replaced by other symbols."""
    yield (secret, "restapikey", "curtime"), ("v2_formula", name)
    yield ("appsecret", rest, "curtime"), ("v2_formula", name)
    yield (secret, rest, "curtime"), ("v2_formula", name)
    yield (secret, "curtime"), ("v1_formula", name)


def _key_recipes() -> Iterator[Recipe]:
    for name, label, _ in KEY_STEPS:
        yield from in_place_of_keys(label.format("appsecret"), label.format("restapikey"), name)
    secret, rest = "b'appsecret'", "b'restapikey'"
    second = (literal("b'"), "curtime", literal("'"))
    yield (secret, rest, *second), ("v2_formula", "key_bytes_repr", "curtime_quoted")
    yield (secret, *second), ("v1_formula", "key_bytes_repr", "curtime_quoted")
    for shown, end in ((r"\n", "\n"), (r"\r\n", "\r\n")):
        secret, rest = (f'({key}+"{shown}")' for key in ("appsecret", "restapikey"))
        last = literal(end)
        yield (secret, rest, "curtime", last), ("v2_formula", "key_newline", "message_newline")
        yield (secret, "curtime", last), ("v1_formula", "key_newline", "message_newline")
    for algorithm in ("sha1", "md5", "sha256"):
        yield (hashed(algorithm, "SR"), "curtime"), ("key_hashed",)


def _unset(words: tuple[str, ...]) -> Iterator[Recipe]:
    """Words for nothing in place of keys, of all parts, and of curtime."""
    for word in words:
        symbol = literal(word)
        yield from in_place_of_keys(symbol, symbol, "key_unset")
        yield (symbol,) * 3, ("key_unset", "curtime_unset")
        yield (symbol,) * 2, ("v1_formula", "key_unset", "curtime_unset")
    for word in (*words, *UNSET_CURTIME):
        yield ("appsecret", "restapikey", literal(word)), ("curtime_unset",)
        yield ("appsecret", literal(word)), ("v1_formula", "curtime_unset")


def _unfilled(*, rare: bool = False) -> Iterator[Recipe]:
    """Placeholders in place of keys."""
    rows = (placeholders(key, rare=rare) for key in ("appsecret", "restapikey"))
    for secret, rest in zip(*rows, strict=True):
        yield from in_place_of_keys(literal(secret), literal(rest), "key_placeholder")


def _joined(separators: tuple[str, ...], table: tuple[tuple[Names, str], ...]) -> Iterator[Recipe]:
    """Parts with a separator between them, and one more at the end."""
    for separator in separators:
        between = literal(separator)
        for parts, names in _patterns(table):
            joined = tuple(symbol for part in parts for symbol in (part, between))
            yield joined[:-1], names
            if names[0] == "v2_formula" or table is RARELY_JOINED:
                yield joined, names


def _named(equals: str, separators: tuple[str, ...], rows: str) -> Iterator[Recipe]:
    """name=value pairs in the order of the formula and in that of the alphabet."""
    for sign in equals:
        for between in separators:
            for letters in rows.split():
                pairs = (f"{LETTERS[letter]}{sign.strip()}{{{letter}}}" for letter in letters)
                yield _template(between.join(pairs)), ("named_parts",)


def hashed(algorithm: str, letters: str) -> str:
    """The symbol of the hash of joined keys, in hex."""
    symbol = f"{algorithm}({'+'.join(spell(letters))})"
    HASHED[symbol] = (algorithm, spell(letters))
    return symbol


def _derived() -> Iterator[Recipe]:
    for letters in DERIVED:
        for algorithm in ("md5", "sha1"):
            yield ("appsecret", hashed(algorithm, letters), "curtime"), ("restapikey_derived",)


RECIPES: tuple[Recipe, ...] = tuple(
    chain(
        [((literal(""),), ("nothing_hashed",))],
        _patterns(PATTERNS),
        _key_recipes(),
        _derived(),
        _joined(SEPARATORS, JOINED),
        _unset(UNSET),
        _named("=", ("&", "", ","), "SRT ST KTRS KSTR KTS"),
        _named(" ", ("",), "SRT ST KTRS"),
        ((_template(text), names) for names, text in TEMPLATES),
        _unfilled(),
        (((literal(text),), ("literal_names",)) for text in unformatted()),
    )
)
"""Everything that is one join of known parts, and is tried while a request waits."""
RARE: tuple[Recipe, ...] = tuple(
    chain(
        _joined((*SEPARATORS, *RARE_SEPARATORS), RARELY_JOINED),
        _unset((*UNSET, *RARELY_UNSET)),
        _named("=: ", ("&", "", ",", ";", "\n", " ", ", "), "SRT ST KTRS KSTR KTS KST TRS STR KTR RT KRT"),
        _unfilled(rare=True),
        (((literal(text),), ("literal_names",)) for text in unformatted(rare=True)),
    )
)
"""The same, further fetched: what nobody waits for."""


def changed_keys(parts: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Symbols and bytes of appsecret and restapikey after each step that changes them, and of keys hashed together."""
    for key in ("appsecret", "restapikey"):
        for _, label, step in KEY_STEPS:
            changed = _change(step, parts[key])
            if changed is not None:
                yield label.format(key), changed
    for symbol, (algorithm, symbols) in HASHED.items():
        yield symbol, digest(algorithm)(b"".join([parts[one] for one in symbols]))


def _change(step: Callable[[bytes], bytes], key: bytes) -> bytes | None:
    """The changed key; None when it cannot be changed so, or stays as it is."""
    try:
        changed = step(key)
    except ValueError:
        return None
    return None if changed == key else changed
