"""The texts that a client may have hashed instead of the right one, and the digests it may have computed.

A recipe spells a text: each letter in `_LETTERS` is a key or curtime, and the characters between them are literal. Where
two recipes give the same bytes, the first one is reported: they are ordered from likely to unlikely. Names of mistakes
are rows of `mistakes`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

from mockserver.contract.apps import Credentials
from mockserver.core.yaml_reader import read_texts
from mockserver.validation.encodings import ALGORITHMS, decode_base64

FORMULAS: dict[str, tuple[str, ...]] = {"v2": ("appsecret", "restapikey"), "v1": ("appsecret",)}
"""The keys before curtime, by formula."""


class Template(NamedTuple):
    """A text around curtime, made of one app's keys."""

    before: bytes
    after: bytes
    symbols: tuple[str, ...]
    mistakes: tuple[str, ...]


_LETTERS = {"S": "appsecret", "R": "restapikey", "T": "curtime", "K": "appkey"}
_PIECES = re.compile(r"[SRKsr]|[^SRKsr]+")  # s and r are changed keys.
_RECIPES: dict[str, dict[str, list[str]]] = read_texts(Path(__file__).with_name("recipes.yaml"))
"""Groups of recipes by the mistakes in them, joined by `+`."""
_KEY_CHANGES: tuple[tuple[str, str, Callable[[bytes], bytes]], ...] = (
    ("key_newline", '({}+"\\n")', lambda key: key + b"\n"),
    ("key_newline", '({}+"\\r\\n")', lambda key: key + b"\r\n"),
    ("key_base64_decoded", "base64_decode({})", lambda key: decode_base64(key.decode())),
    ("key_padding_stripped", "{} without =", lambda key: key.rstrip(b"=")),
    ("key_plus_to_blank", "{} with + as space", lambda key: key.replace(b"+", b" ")),
    ("key_upper_case", "upper({})", lambda key: key.decode().upper().encode()),
    ("key_bom", "(BOM+{})", lambda key: b"\xef\xbb\xbf" + key),
    *(("key_unset", f'"{word}"', lambda key, word=word: word.encode()) for word in ("undefined", "null", "None", "")),
)  # fmt: skip
"""Changes of a key before hashing: mistake, expression, function. ValueError: does not apply to this key."""
_DERIVED_FROM = ("K", "S", "KS", "SK")  # The keys from which a restapikey may have been computed.
_HMACS = (("S", ("RT", "T", "SRT")), ("R", ("ST", "T", "SRT")), ("SR", ("T",)), ("T", ("SR",)))
"""Keys of an HMAC, and its messages."""
_UTF16 = (
    ("utf16le({})", b"", "utf-16-le"),
    ("utf16be({})", b"", "utf-16-be"),
    ("BOM+utf16le({})", b"\xff\xfe", "utf-16-le"),
)


def _hash_constructor(name: str) -> Callable[[bytes], hashlib._Hash]:
    """Return the fastest constructor; where MD5 is restricted (FIPS), the one for uses without security."""
    constructor: Callable[..., hashlib._Hash] = getattr(hashlib, name)
    try:
        constructor(b"")
    except ValueError:
        return partial(constructor, usedforsecurity=False)
    return constructor


HASHES = {name: _hash_constructor(name) for name in ALGORITHMS.values()}


def as_bytes(text: str) -> bytes:
    """Return the UTF-8 bytes. A lone surrogate is encoded too: the error about it would contain a secret."""
    return text.encode(errors="surrogatepass")


@lru_cache(maxsize=64)
def templates(keys: Credentials) -> tuple[tuple[Template, ...], tuple[Template, ...]]:
    """Return the likely templates of an app's keys and all of them, each text once.

    The likely ones, the formulas and the same parts in another order, are combined with other values of curtime.
    """
    own = {letter: (name, as_bytes(getattr(keys, name))) for letter, name in _LETTERS.items() if letter != "T"}
    likely = list(_of_recipes("joins", own))
    return _unique(likely), _unique([*likely, *_variations(own)])


def _of_recipes(group: str, own: Mapping[str, tuple[str, bytes]]) -> Iterator[Template]:
    for names, recipes in _RECIPES[group].items():
        yield from (_template(recipe, own, tuple(names.split("+"))) for recipe in recipes)


def _variations(own: Mapping[str, tuple[str, bytes]]) -> Iterator[Template]:
    """Yield the less likely texts."""
    for name, shown, change in _KEY_CHANGES:
        changed = dict(own)
        for letter in "SR":
            symbol, key = own[letter]
            try:
                changed[letter.lower()] = shown.format(symbol), change(key)
            except ValueError:
                # This change does not apply to this key: its texts are the unchanged ones, which come first.
                changed[letter.lower()] = own[letter]
        for recipe in ("sRT", "SrT", "srT"):
            yield _template(recipe, changed, ("v2_formula", name))
        yield _template("sT", changed, ("v1_formula", name))
    for letters in _DERIVED_FROM:
        source = b"".join(own[letter][1] for letter in letters)
        for algorithm in ("md5", "sha1"):
            derived = f"{algorithm}({_spell(letters)})", HASHES[algorithm](source).hexdigest().encode()
            yield _template("SrT", {**own, "r": derived}, ("restapikey_derived",))
    yield from _of_recipes("literals", own)


def _template(recipe: str, parts: Mapping[str, tuple[str, bytes]], mistakes: tuple[str, ...]) -> Template:
    before, after = (
        [parts.get(piece) or (json.dumps(piece), piece.encode()) for piece in _PIECES.findall(side)]
        for side in recipe.split("T")
    )
    symbols = (*(symbol for symbol, _ in before), "curtime", *(symbol for symbol, _ in after))
    return Template(b"".join(key for _, key in before), b"".join(key for _, key in after), symbols, mistakes)


def _unique(found: Iterable[Template]) -> tuple[Template, ...]:
    first: dict[tuple[bytes, bytes], Template] = {}
    for template in found:
        first.setdefault(template[:2], template)
    return tuple(first.values())


def _spell(letters: str) -> str:
    return "+".join(_LETTERS[letter] for letter in letters)


def templates_of_others(keys: Credentials, others: Iterable[Credentials]) -> Iterator[Template]:
    """Yield the formulas with both keys, or one key, of other apps."""
    own_secret, own_rest = as_bytes(keys.appsecret), as_bytes(keys.restapikey)
    for other in others:
        secret, rest = as_bytes(other.appsecret), as_bytes(other.restapikey)
        appkey = f"[{other.appkey[:40]!a}]"
        first, second = f"appsecret{appkey}", f"restapikey{appkey}"
        yield Template(secret + rest, b"", (first, second, "curtime"), ("v2_formula", "other_app"))
        yield Template(secret, b"", (first, "curtime"), ("v1_formula", "other_app"))
        yield Template(own_secret + rest, b"", ("appsecret", second, "curtime"), ("mixed_credentials",))
        yield Template(secret + own_rest, b"", (first, "restapikey", "curtime"), ("mixed_credentials",))


def transformed_digests(
    keys: Credentials, curtime: str, algorithm: str
) -> Iterator[tuple[bytes, str, tuple[str, ...]]]:
    """Yield digests other than a plain hash of a joined text: digest, expression, mistakes."""
    new_hash = HASHES[algorithm]
    parts = {"S": as_bytes(keys.appsecret), "R": as_bytes(keys.restapikey), "T": as_bytes(curtime)}
    for formula, letters in (("v2_formula", "SRT"), ("v1_formula", "ST")):
        text, shown = _join(parts, letters), _spell(letters)
        for inner in ("sha1", "md5"):
            digest = HASHES[inner](text)
            for kind, again in (("", digest.hexdigest().encode()), ("raw_", digest.digest())):
                yield new_hash(again).digest(), f"{algorithm}({kind}{inner}({shown}))", (formula, "double_hash")
        for form, mark, encoding in _UTF16:
            wide = mark + text.decode(errors="surrogatepass").encode(encoding, "surrogatepass")
            yield new_hash(wide).digest(), f"{algorithm}({form.format(shown)})", (formula, "utf16")
    for key, messages in _HMACS:
        for message in messages:
            expression = f"hmac_{algorithm}({_spell(key)}, {_spell(message)})"
            yield hmac.digest(_join(parts, key), _join(parts, message), algorithm), expression, ("hmac",)


def _join(parts: dict[str, bytes], letters: str) -> bytes:
    return b"".join([parts[letter] for letter in letters])
