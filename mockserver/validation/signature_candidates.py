"""The texts that a client may have hashed instead of the right one, and the digests it may have computed.

A text is a list of symbols joined by `+`, so that it can be shown: a key (`appsecret`), a changed key
(`upper(appsecret)`), a literal (`"&"`) or `curtime`. Where two lists give the same bytes, the first one is reported:
they are ordered from likely to unlikely. Names of mistakes are rows of `mistakes`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from typing import NamedTuple

from mockserver.contract.apps import Credentials
from mockserver.validation.encodings import ALGORITHMS

FORMULAS: dict[str, tuple[str, ...]] = {"v2": ("appsecret", "restapikey"), "v1": ("appsecret",)}
"""The keys before curtime, by formula."""


class Template(NamedTuple):
    """A text around curtime, made of one app's keys."""

    before: bytes
    after: bytes
    symbols: tuple[str, ...]
    mistakes: tuple[str, ...]


class Templates(NamedTuple):
    """The templates of one app."""

    likely: tuple[Template, ...]
    """The formulas, and the same parts in another order; these are combined with other values of curtime."""
    all: tuple[Template, ...]


def _from_base64(key: bytes) -> bytes:
    digits = key.rstrip(b"=")
    return base64.b64decode(digits + b"=" * (-len(digits) % 4), validate=True)


_LETTERS = {"S": "appsecret", "R": "restapikey", "T": "curtime", "K": "appkey"}
_JOINS = (
    (("v2_formula",), "SRT"),
    (("v1_formula",), "ST"),
    (("wrong_order",), "STR RST RTS TSR TRS"),
    (("v1_formula", "wrong_order"), "TS"),
    (("appkey_for_restapikey",), "SKT"),
    (("appkey_for_appsecret",), "KRT"),
    (("appkey_for_appsecret", "v1_formula"), "KT"),
    (("appkey_for_restapikey", "wrong_order"), "STK KST TSK TKS KTS"),
    (("appkey_for_appsecret", "wrong_order"), "RKT TRK TKR KTR RTK"),
)  # Mistakes, and the parts in the order in which they are joined.
_KEY_CHANGES: tuple[tuple[str, str, Callable[[bytes], bytes]], ...] = (
    ("key_newline", '({}+"\\n")', lambda key: key + b"\n"),
    ("key_newline", '({}+"\\r\\n")', lambda key: key + b"\r\n"),
    ("key_base64_decoded", "base64_decode({})", _from_base64),
    ("key_padding_stripped", "{} without =", lambda key: key.rstrip(b"=")),
    ("key_plus_to_blank", "{} with + as space", lambda key: key.replace(b"+", b" ")),
    ("key_upper_case", "upper({})", lambda key: key.decode().upper().encode()),
    ("key_lower_case", "lower({})", lambda key: key.decode().lower().encode()),
    ("key_bom", "(BOM+{})", lambda key: b"\xef\xbb\xbf" + key),
    *(("key_unset", f'"{word}"', lambda key, word=word: word.encode()) for word in ("undefined", "null", "None", "")),
)  # fmt: skip
"""Changes of a key before hashing: mistake, expression, function. ValueError: does not apply to this key."""
_DERIVED_FROM = ("K", "S", "KS", "SK")  # The keys from which a restapikey may have been computed.
_SEPARATORS = "&:,+-_|"
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
def templates(keys: Credentials) -> Templates:
    """Return the templates of an app's keys, each text once."""
    parts = {
        "appsecret": as_bytes(keys.appsecret),
        "restapikey": as_bytes(keys.restapikey),
        "appkey": as_bytes(keys.appkey),
    }
    joins = [(_spell(letters), names) for names, row in _JOINS for letters in row.split()]
    likely = _unique(joins, parts)
    return Templates(likely, _unique([*joins, *_variations(parts)], parts))


def _variations(parts: dict[str, bytes]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yield symbols and mistakes of the less likely texts; add the bytes of new symbols to `parts`."""
    for name, shown, change in _KEY_CHANGES:
        secret, rest = shown.format("appsecret"), shown.format("restapikey")
        for symbol, key in ((secret, parts["appsecret"]), (rest, parts["restapikey"])):
            try:
                parts[symbol] = change(key)
            except ValueError:
                # This change does not apply to this key: its texts are the unchanged ones, which come first.
                parts[symbol] = key
        for first, second in ((secret, "restapikey"), ("appsecret", rest), (secret, rest)):
            yield (first, second, "curtime"), ("v2_formula", name)
        yield (secret, "curtime"), ("v1_formula", name)
    for letters in _DERIVED_FROM:
        source = b"".join(parts[symbol] for symbol in _spell(letters))
        for algorithm in ("md5", "sha1"):
            symbol = f"{algorithm}({'+'.join(_spell(letters))})"
            parts[symbol] = HASHES[algorithm](source).hexdigest().encode()
            yield ("appsecret", symbol, "curtime"), ("restapikey_derived",)
    for name, head in FORMULAS.items():
        formula = f"{name}_formula"
        for separator in _SEPARATORS:
            yield (*_follow_each(head, _literal(separator, parts)), "curtime"), (formula, "separator")
        for newline in ("\n", "\r\n"):
            symbol = _literal(newline, parts)
            yield (*head, "curtime", symbol), (formula, "message_newline")
            after_each = _follow_each((*head, "curtime"), symbol)
            yield after_each, (formula, "key_newline", "message_newline")
    # The formula of §1.1.2, typed as it is printed.
    printed = ("appsecret", _literal(" + ", parts), "restapikey", _literal("+", parts), "curtime")
    yield printed, ("v2_formula", "separator")


def _literal(text: str, parts: dict[str, bytes]) -> str:
    """Return the symbol of a literal text, and add its bytes to `parts`."""
    symbol = '"' + text.replace("\r", "\\r").replace("\n", "\\n") + '"'
    parts[symbol] = text.encode()
    return symbol


def _follow_each(symbols: tuple[str, ...], separator: str) -> tuple[str, ...]:
    return tuple(part for symbol in symbols for part in (symbol, separator))


def _spell(letters: str) -> tuple[str, ...]:
    return tuple(_LETTERS[letter] for letter in letters)


def _unique(rows: Iterable[tuple[tuple[str, ...], tuple[str, ...]]], parts: dict[str, bytes]) -> tuple[Template, ...]:
    found: dict[tuple[bytes, bytes], Template] = {}
    for symbols, names in rows:
        at = symbols.index("curtime")
        before = b"".join([parts[symbol] for symbol in symbols[:at]])
        after = b"".join([parts[symbol] for symbol in symbols[at + 1 :]])
        found.setdefault((before, after), Template(before, after, symbols, names))
    return tuple(found.values())


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
    for name, head in FORMULAS.items():
        letters = "SRT" if name == "v2" else "ST"
        text, shown = _join(parts, letters), "+".join((*head, "curtime"))
        for inner in ("sha1", "md5"):
            digest = HASHES[inner](text)
            for kind, again in (("", digest.hexdigest().encode()), ("raw_", digest.digest())):
                expression = f"{algorithm}({kind}{inner}({shown}))"
                yield new_hash(again).digest(), expression, (f"{name}_formula", "double_hash")
        for form, mark, encoding in _UTF16:
            wide = mark + text.decode(errors="surrogatepass").encode(encoding, "surrogatepass")
            yield new_hash(wide).digest(), f"{algorithm}({form.format(shown)})", (f"{name}_formula", "utf16")
    for key, messages in _HMACS:
        for message in messages:
            expression = f"hmac_{algorithm}({'+'.join(_spell(key))}, {'+'.join(_spell(message))})"
            yield hmac.digest(_join(parts, key), _join(parts, message), algorithm), expression, ("hmac",)


def _join(parts: dict[str, bytes], letters: str) -> bytes:
    return b"".join([parts[letter] for letter in letters])
