"""What a client may join and hash, as tables of letters; where two rows make the same bytes, the first is the likelier."""

from __future__ import annotations

from typing import TypeAlias

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
}
"""Short forms for the tables below."""
FORMULAS: dict[str, Symbols] = {"v2": ("appsecret", "restapikey"), "v1": ("appsecret",)}
"""What stands before curtime."""

# names of the mistakes: letters in the order they are joined
PATTERNS: tuple[tuple[Names, str], ...] = (
    (("v2_formula",), "SRT"),
    (("v1_formula",), "ST"),
    (("wrong_order",), "STR RST RTS TSR TRS"),
    (("v1_formula", "wrong_order"), "TS"),
    (("appkey_for_restapikey",), "SKT"),
    (("appkey_for_appsecret",), "KRT"),
    (("appkey_for_restapikey", "wrong_order"), "STK KST TSK TKS KTS"),
    (("appkey_for_appsecret", "v1_formula"), "KT"),
    (("appkey_for_appsecret", "wrong_order"), "RKT TRK TKR KTR RTK"),
    (("appkey_for_appsecret", "v1_formula", "wrong_order"), "TK"),
    (("appkey_added",), "KSRT SKRT SRKT SRTK"),
    (("appsecret_missing",), "RT"),
    (("appsecret_missing", "wrong_order"), "TR"),
    (("curtime_missing",), "SR RS S"),
    (("appsecret_missing", "curtime_missing"), "R"),
    (("keys_missing",), "T"),
    (("keys_missing", "curtime_missing"), "K"),
    (("part_repeated",), "SST RRT SRTT SSRT SRRT SRTS"),
    (("identifier_for_restapikey",), "SIT"),
    (("appkey_for_appsecret", "identifier_for_restapikey"), "KIT"),
    (("identifier_added",), "ISRT SIRT SRIT SRTI"),
    (("v1_formula", "identifier_added"), "IST STI"),
    (("appkey_added", "identifier_added"), "KISRT SRKIT SKIRT SRITK KISTR KITSR"),
    (("v1_formula", "appkey_added", "identifier_added"), "SKIT KIST KITS"),
    (("nonce_for_restapikey",), "SQT SQTR STQ"),
    (("seq_added",), "SRQT SRTQ QSRT"),
    (("appkey_added", "identifier_added", "seq_added"), "KITQS SKITQ KITQSR SRKITQ"),
    (("body_signed",), "B SB BS SRB SRTB BSRT SRBT STB"),
)
"""Joins of the parts alone."""
TEMPLATES: tuple[tuple[Names, str], ...] = (
    *(
        (("query_signed",), before + query + after)
        for query in (
            "appkey={K}&identifier={I}&curtime={T}",
            "appkey={K}&identifier={I}&curtime={T}&seq={Q}",
            "appkey={K}&curtime={T}&identifier={I}&seq={Q}",
        )
        for before, after in (("", ""), ("{S}", ""), ("", "{S}"), ("{S}{R}", ""), ("", "&key={S}"))
    ),
    *(
        (("serialized_parts",), text)
        for text in (
            '["{S}","{R}","{T}"]', '["{S}", "{R}", "{T}"]', "['{S}', '{R}', '{T}']", "('{S}', '{R}', '{T}')",
            "[{S}, {R}, {T}]", "[{S} {R} {T}]", '["{S}","{R}",{T}]', "['{S}', '{R}', {T}]", "('{S}', '{R}', {T})",
            '{"appsecret":"{S}","restapikey":"{R}","curtime":"{T}"}', '{"appsecret":"{S}","restapikey":"{R}","curtime":{T}}',
            '{"appsecret": "{S}", "restapikey": "{R}", "curtime": "{T}"}',
        )
    ),
    (("separator",), "{S} + {R}+{T}"),
    (("literal_names",), "appsecret+restapikey+curtime"),
    (("literal_names",), "appsecret + restapikey+curtime"),
    (("v2_formula", "curtime_quoted"), '{S}{R}"{T}"'),
    (("v2_formula", "curtime_quoted"), "{S}{R}'{T}'"),
    (("v1_formula", "curtime_quoted"), '{S}"{T}"'),
)  # fmt: skip
"""Texts with letters in braces."""
SEPARATORS = ("&", ":", ",", "+", "-", "_", "|", ";", "/", " ", ".")
RARE_SEPARATORS = (
    "#", "@", "=", "*", "~", "$", "%", "\t", "\n", "\r\n", "\0", ", ", " + ", "; ", "&&", "||", "::", "--", "<br>", "\\n", "?", "!",
)  # fmt: skip
JOINED: tuple[tuple[Names, str], ...] = (
    (("v2_formula", "separator"), "SRT"),
    (("v1_formula", "separator"), "ST"),
    (("wrong_order", "separator"), "RST TRS"),
)
RARELY_JOINED: tuple[tuple[Names, str], ...] = (
    *JOINED,
    (("wrong_order", "separator"), "STR RTS TSR"),
    (("v1_formula", "wrong_order", "separator"), "TS"),
    (("appkey_for_restapikey", "separator"), "SKT KST KTS"),
    (("appkey_for_appsecret", "separator"), "KRT RKT"),
    (("appkey_added", "separator"), "KSRT SKRT SRTK"),
)
DERIVED = ("K", "S", "KS", "SK", "KSR")
"""What a restapikey may have been computed from."""
