"""The recipes: what a client may have hashed, as tables of symbols; knows no request, no keys and no hash.

A recipe is a tuple of symbols and the names of the mistakes in it. A symbol names a part (`appsecret`), a changed part
(`upper(appsecret)`) or a literal (`"&"`), so that a recipe joined by `+` is also the expression that people read.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import html
import re
from collections.abc import Callable, Iterator
from typing import TypeAlias
from urllib.parse import quote, unquote_plus

Names: TypeAlias = tuple[str, ...]
Symbols: TypeAlias = tuple[str, ...]
Recipe: TypeAlias = tuple[Symbols, Names]

LETTERS = {
    "S": "appsecret",
    "R": "restapikey",
    "T": "curtime",
    "K": "appkey",
    "I": "identifier",
    "Q": "seq",
    "B": "body",
    "q": "quoted(curtime)",
}
"""Short forms for the tables below; `q` is curtime in double quotes."""
LITERALS: dict[str, bytes] = {}
"""The bytes of each symbol in quotes."""
FORMULAS: dict[str, Symbols] = {"v2": ("appsecret", "restapikey"), "v1": ("appsecret",)}
"""What stands before curtime."""

# names of the mistakes: letters in the order they are joined
_PATTERNS: tuple[tuple[Names, str], ...] = (
    (("wrong_order",), "STR RST RTS TSR TRS"),
    (("v1_formula", "wrong_order"), "TS"),
    (("appkey_for_appsecret",), "KRT"),
    (("appkey_for_restapikey",), "SKT"),
    (("appkey_for_restapikey", "wrong_order"), "STK KST TSK TKS KTS"),
    (("appkey_for_appsecret", "v1_formula"), "KT"),
    (("appkey_for_appsecret", "wrong_order"), "RKT TRK TKR KTR RTK TK"),
    (("appkey_added",), "KSRT SKRT SRKT SRTK"),
    (("appsecret_missing",), "RT TR"),
    (("curtime_missing",), "SR S RS"),
    (("appsecret_missing", "curtime_missing"), "R"),
    (("keys_missing",), "T"),
    (("part_repeated",), "SST RRT SRTT SSRT SRRT SRTS"),
    (("identifier_for_restapikey",), "SIT KIT"),
    (("identifier_added",), "ISRT SIRT SRIT SRTI IST STI"),
    (("appkey_added", "identifier_added"), "KISRT SRKIT SKIRT KISTR KITSR SKIT KIST KITS"),
    (("nonce_for_restapikey",), "SQT SQTR STQ"),
    (("seq_added",), "SRQT SRTQ QSRT"),
    (("appkey_added", "identifier_added", "seq_added"), "KITQS SKITQ KITQSR SRKITQ"),
    (("body_signed",), "B SB BS SRB SRTB BSRT SRBT STB"),
    (("v2_formula", "curtime_quoted"), "SRq"),
    (("v1_formula", "curtime_quoted"), "Sq"),
)
_SHIFTED: tuple[tuple[Names, str], ...] = (
    (("wrong_order",), "RST TSR TRS STR"),
    (("appkey_for_restapikey",), "SKT"),
    (("appkey_for_appsecret",), "KRT"),
)
_JOINED: tuple[tuple[Names, str], ...] = (
    (("v2_formula", "separator"), "SRT"),
    (("v1_formula", "separator"), "ST"),
    (("wrong_order", "separator"), "RST TRS"),
)
_SEPARATORS = "&:,+-_|;"
_NAMED: tuple[tuple[Names, str], ...] = (
    (("named_parts",), "appsecret={S}&restapikey={R}&curtime={T}"),
    (("named_parts",), "appsecret={S}&curtime={T}"),
    (("named_parts",), "appsecret={S}restapikey={R}curtime={T}"),
    (("named_parts",), "appkey={K}&curtime={T}&restapikey={R}&appsecret={S}"),
    *(
        (("query_signed",), before + query + after)
        for query in (
            "appkey={K}&identifier={I}&curtime={T}",
            "appkey={K}&identifier={I}&curtime={T}&seq={Q}",
            "appkey={K}&curtime={T}&identifier={I}&seq={Q}",
        )
        for before, after in (("", ""), ("{S}", ""), ("", "{S}"), ("{S}{R}", ""), ("", "&key={S}"))
    ),
    *((("curtime_unset",), "{S}{R}" + text) for text in ("undefined", "null", "None", "0", "curtime")),
    (("literal_names",), "appsecretrestapikeycurtime"),
    (("literal_names",), "appsecret+restapikey+curtime"),
    (("literal_names",), "appsecret + restapikey+curtime"),
)
_DERIVED = ("K", "S", "KS", "SK", "KSR")


def _from_base64(key: bytes) -> bytes:
    """The bytes that a key means as base64 or URL-safe base64, padded or not; binascii.Error when it means none."""
    digits = key.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
    return base64.b64decode(digits + b"=" * (-len(digits) % 4), validate=True)


def _digest(name: str) -> Callable[[bytes], bytes]:
    return lambda key: hashlib.new(name, key, usedforsecurity=False).hexdigest().encode()


# what happens to a key on its way from a file, a URL or a configuration
KEY_STEPS: tuple[tuple[str, str, Callable[[bytes], bytes]], ...] = (
    ("key_base64_decoded", "base64_decode({})", _from_base64),
    ("key_padding_stripped", "{} without =", lambda key: key.rstrip(b"=")),
    ("key_newline", '({}+"\\n")', lambda key: key + b"\n"),
    ("key_newline", '({}+"\\r\\n")', lambda key: key + b"\r\n"),
    ("key_plus_to_blank", "{} with + as blank", lambda key: key.replace(b"+", b" ")),
    ("key_percent_encoded", "percent_encode({})", lambda key: quote(key, safe="").encode()),
    ("key_percent_encoded", "percent_encode({} but /)", lambda key: quote(key, safe="/").encode()),
    ("key_percent_decoded", "percent_decode({})", lambda key: unquote_plus(key.decode()).encode()),
    ("key_trimmed", "trim({})", bytes.strip),
    ("key_upper_case", "upper({})", lambda key: key.decode().upper().encode()),
    ("key_lower_case", "lower({})", lambda key: key.decode().lower().encode()),
    ("key_url_safe", "{} with -_ for +/", lambda key: key.replace(b"+", b"-").replace(b"/", b"_")),
    ("key_quoted", "'\"{}\"'", lambda key: b'"' + key + b'"'),
    ("key_quoted", "\"'{}'\"", lambda key: b"'" + key + b"'"),
    ("key_escaped", "json_escape({})", lambda key: key.replace(b"/", b"\\/")),
    ("key_escaped", "html_escape({})", lambda key: html.escape(key.decode()).encode()),
    ("key_bom", "(BOM+{})", lambda key: b"\xef\xbb\xbf" + key),
    ("key_blank", '({}+" ")', lambda key: key + b" "),
    ("key_without_dashes", "{} without dashes", lambda key: key.replace(b"-", b"")),
    ("key_base64_encoded", "base64({})", base64.b64encode),
    ("key_hashed", "md5({})", _digest("md5")),
    ("key_hashed", "sha1({})", _digest("sha1")),
    ("key_cut", "{} without its last character", lambda key: key.decode()[:-1].encode()),
)
TEXT_STEPS: tuple[tuple[str, str, Callable[[str], bytes]], ...] = (
    ("message_newline", '{}+"\\n"', lambda text: f"{text}\n".encode()),
    ("message_newline", '{}+"\\r\\n"', lambda text: f"{text}\r\n".encode()),
    ("utf16", "utf16le({})", lambda text: text.encode("utf-16-le")),
    ("utf16", "utf16be({})", lambda text: text.encode("utf-16-be")),
    ("utf16", "BOM+utf16le({})", lambda text: b"\xff\xfe" + text.encode("utf-16-le")),
    ("utf16", "BOM+utf16be({})", lambda text: b"\xfe\xff" + text.encode("utf-16-be")),
    ("utf32", "utf32le({})", lambda text: text.encode("utf-32-le")),
    ("legacy_charset", "gbk({})", lambda text: text.encode("gbk")),
    ("legacy_charset", "latin1({})", lambda text: text.encode("latin-1")),
    ("legacy_charset", "ascii({})", lambda text: text.encode("ascii", "replace")),
    ("message_nul", '{}+"\\0"', lambda text: f"{text}\0".encode()),
    ("message_blank", '{}+" "', lambda text: f"{text} ".encode()),
    ("message_base64", "base64({})", lambda text: base64.b64encode(text.encode())),
    ("message_hex", "hex({})", lambda text: text.encode().hex().encode()),
    ("message_quoted", "'\"'+{}+'\"'", lambda text: f'"{text}"'.encode()),
)


def spell(letters: str) -> Symbols:
    """The symbols of letters."""
    return tuple(LETTERS[letter] for letter in letters)


def _literal(text: str) -> str:
    """The symbol of a literal text."""
    symbol = '"' + text.replace("\n", "\\n") + '"'
    LITERALS[symbol] = text.encode()
    return symbol


def _template(text: str) -> Symbols:
    """The symbols of a text with letters in braces."""
    pieces = re.split(r"\{(\w)\}", text)
    return tuple(LETTERS[piece] if at % 2 else _literal(piece) for at, piece in enumerate(pieces) if piece)


def changed_keys(parts: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Symbols and bytes of appsecret and restapikey after each step that changes them, and of derived restapikeys."""
    for key in ("appsecret", "restapikey"):
        for _, label, step in KEY_STEPS:
            changed = _change(step, parts[key])
            if changed is not None:
                yield label.format(key), changed
    for symbol, algorithm, letters in DERIVED:
        yield symbol, _digest(algorithm)(b"".join([parts[name] for name in spell(letters)]))


def _change(step: Callable[[bytes], bytes], key: bytes) -> bytes | None:
    """The changed key; None when it cannot be changed so, or stays as it is."""
    try:
        changed = step(key)
    except (binascii.Error, ValueError):
        return None
    return None if changed == key else changed


def _patterns(table: tuple[tuple[Names, str], ...]) -> Iterator[Recipe]:
    return ((spell(letters), names) for names, row in table for letters in row.split())


def _key_recipes() -> Iterator[Recipe]:
    for name, label, _ in KEY_STEPS:
        secret, rest = label.format("appsecret"), label.format("restapikey")
        yield (secret, "restapikey", "curtime"), ("v2_formula", name)
        yield ("appsecret", rest, "curtime"), ("v2_formula", name)
        yield (secret, rest, "curtime"), ("v2_formula", name)
        yield (secret, "curtime"), ("v1_formula", name)


def _joined() -> Iterator[Recipe]:
    for separator in _SEPARATORS:
        between = _literal(separator)
        for parts, names in _patterns(_JOINED):
            yield tuple(symbol for part in parts for symbol in (between, part))[1:], names


DERIVED = tuple(
    (f"{algorithm}({'+'.join(spell(letters))})", algorithm, letters)
    for letters in _DERIVED
    for algorithm in ("md5", "sha1")
)
"""Restapikeys that were computed: symbol, algorithm, and the letters of what was hashed."""
SHIFTED: tuple[Recipe, ...] = (
    *(((*head, "curtime"), (f"{name}_formula",)) for name, head in FORMULAS.items()),
    *_patterns(_SHIFTED),
)
"""The recipes that are tried with other curtimes, too."""
RECIPES: tuple[Recipe, ...] = (
    *_patterns(_PATTERNS),
    *_key_recipes(),
    *((("appsecret", symbol, "curtime"), ("restapikey_derived",)) for symbol, _, _ in DERIVED),
    *_joined(),
    *((_template(text), names) for names, text in _NAMED),
)
"""Everything that is one join of known parts."""
