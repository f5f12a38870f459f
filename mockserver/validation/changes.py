"""What happens to a key on its way from a file, a URL or a configuration, and to a text before it is hashed; as tables.

A row is the name of the mistake, how the change is written around a symbol, and the change itself. The commonest first:
where two changes make the same bytes, the first is told.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Callable
from typing import TypeAlias
from urllib.parse import quote, quote_plus, unquote, unquote_plus

KeyStep: TypeAlias = "tuple[str, str, Callable[[bytes], bytes]]"
TextStep: TypeAlias = "tuple[str, str, Callable[[str], bytes]]"


def digest(name: str) -> Callable[[bytes], bytes]:
    """The hash `name` as hex text."""
    return lambda key: hashlib.new(name, key, usedforsecurity=False).hexdigest().encode()


def _from_base64(key: bytes) -> bytes:
    """The bytes that a key means as base64 or URL-safe base64, padded or not; ValueError when it means none."""
    digits = key.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
    return base64.b64decode(digits + b"=" * (-len(digits) % 4), validate=True)


def _from_hex(key: bytes) -> bytes:
    return bytes.fromhex(key.decode("ascii").replace("-", ""))


def _on_text(step: Callable[[str], str]) -> Callable[[bytes], bytes]:
    """A change of text as a change of UTF-8 bytes; a key that is no text raises ValueError."""
    return lambda key: step(key.decode()).encode()


def _escaped(signs: str, form: str) -> Callable[[bytes], bytes]:
    """Each of `signs` escaped by its code."""
    table = {ord(sign): form.format(ord(sign)) for sign in signs}
    return _on_text(lambda key: key.translate(table))


def _lower_percent(key: bytes) -> bytes:
    return re.sub(rb"%[0-9A-F]{2}", lambda found: found[0].lower(), quote(key, safe="").encode())


def _up_to(sign: bytes) -> Callable[[bytes], bytes]:
    """What is left of a key when a parser takes `sign` for an end."""
    return lambda key: key.partition(sign)[0].rstrip() or key


KEY_STEPS: tuple[KeyStep, ...] = (
    ("key_newline", '({}+"\\n")', lambda key: key + b"\n"),
    ("key_newline", '({}+"\\r\\n")', lambda key: key + b"\r\n"),
    ("key_newline", '({}+"\\r")', lambda key: key + b"\r"),
    ("key_newline", '("\\n"+{})', lambda key: b"\n" + key),
    ("key_newline", '({}+"\\\\n")', lambda key: key + b"\\n"),
    ("key_blank", '({}+" ")', lambda key: key + b" "),
    ("key_blank", '(" "+{})', lambda key: b" " + key),
    ("key_blank", '({}+"\\t")', lambda key: key + b"\t"),
    ("key_blank", '("\\t"+{})', lambda key: b"\t" + key),
    ("key_blank", "({}+NBSP)", lambda key: key + b"\xc2\xa0"),
    ("key_blank", "(NBSP+{})", lambda key: b"\xc2\xa0" + key),
    ("key_blank", "({}+U+3000)", lambda key: key + b"\xe3\x80\x80"),
    ("key_blank", "({}+U+200B)", lambda key: key + b"\xe2\x80\x8b"),
    ("key_blank", "(U+200B+{})", lambda key: b"\xe2\x80\x8b" + key),
    ("key_trimmed", "trim({})", bytes.strip),
    ("key_nul", '({}+"\\0")', lambda key: key + b"\0"),
    ("key_base64_decoded", "base64_decode({})", _from_base64),
    ("key_base64_decoded", "base64_decode({}, leniently)", base64.b64decode),
    ("key_base64_decoded", "utf8(base64_decode({}))", lambda key: _from_base64(key).decode("latin-1").encode()),
    ("key_base64_decoded", "text(base64_decode({}))", lambda key: _from_base64(key).decode(errors="replace").encode()),
    ("key_hex_decoded", "hex_decode({})", _from_hex),
    ("key_padding_stripped", "{} without =", lambda key: key.rstrip(b"=")),
    ("key_plus_to_blank", "{} with + as blank", lambda key: key.replace(b"+", b" ")),
    ("key_plus_to_blank", "{} without +", lambda key: key.replace(b"+", b"")),
    ("key_percent_decoded", "percent_decode({})", _on_text(unquote)),
    ("key_percent_decoded", "form_decode({})", _on_text(unquote_plus)),
    ("key_percent_encoded", "percent_encode({})", lambda key: quote(key, safe="").encode()),
    ("key_percent_encoded", "percent_encode({} but /)", lambda key: quote(key, safe="/").encode()),
    ("key_percent_encoded", "lower(percent_encode)({})", _lower_percent),
    ("key_percent_encoded", "encodeURIComponent({})", lambda key: quote(key, safe="!*'()~").encode()),
    ("key_percent_encoded", "encodeURI({})", lambda key: quote(key, safe=";,/?:@&=+$-_.!~*'()#").encode()),
    ("key_percent_encoded", "form_encode({})", lambda key: quote_plus(key).encode()),
    ("key_percent_encoded", "percent_encode(percent_encode({}))", lambda key: quote(quote(key, safe=""), safe="").encode()),
    ("key_upper_case", "upper({})", _on_text(str.upper)),
    ("key_lower_case", "lower({})", _on_text(str.lower)),
    ("key_url_safe", "{} with -_ for +/", lambda key: key.replace(b"+", b"-").replace(b"/", b"_")),
    ("key_quoted", "'\"{}\"'", lambda key: b'"' + key + b'"'),
    ("key_quoted", "\"'{}'\"", lambda key: b"'" + key + b"'"),
    ("key_quoted", "'`{}`'", lambda key: b"`" + key + b"`"),
    ("key_quoted", "“{}”", lambda key: "“".encode() + key + "”".encode()),
    ("key_wrapped", "<{}>", lambda key: b"<" + key + b">"),
    ("key_wrapped", "[{}]", lambda key: b"[" + key + b"]"),
    ("key_wrapped", "{{{}}}", lambda key: b"{" + key + b"}"),
    ("key_wrapped", 'Optional("{}")', lambda key: b'Optional("' + key + b'")'),
    ("key_bytes_repr", "b'{}'", lambda key: repr(key).encode()),
    ("key_escaped", "json_escape({})", lambda key: key.replace(b"/", b"\\/")),
    ("key_escaped", "gson_escape({})", _escaped("=&<>'", "\\u{:04x}")),
    ("key_escaped", "dotnet_json_escape({})", _escaped("+&<>'\"`", "\\u{:04X}")),
    ("key_escaped", "json_ascii({})", _on_text(lambda key: json.dumps(key)[1:-1])),
    ("key_escaped", "html_escape({})", _on_text(html.escape)),
    ("key_escaped", "html_escape({}, decimal)", _escaped("+&<>'\"", "&#{};")),
    ("key_escaped", "html_escape({}, hex)", _escaped("+&<>'\"", "&#x{:X};")),
    ("key_escaped", "html_escape({}, / and =)", _escaped("/=&<>'\"`", "&#x{:X};")),
    ("key_bom", "(BOM+{})", lambda key: b"\xef\xbb\xbf" + key),
    ("key_without_dashes", "{} without dashes", lambda key: key.replace(b"-", b"")),
    ("key_base64_encoded", "base64({})", base64.b64encode),
    ("key_hex_encoded", "hex({})", lambda key: key.hex().encode()),
    ("key_hashed", "md5({})", digest("md5")),
    ("key_hashed", "sha1({})", digest("sha1")),
    ("key_hashed", "sha256({})", digest("sha256")),
    ("key_cut", "{} without its last character", _on_text(lambda key: key[:-1])),
    ("key_cut", "{} without its first character", _on_text(lambda key: key[1:])),
    *(("key_cut", f"{{}} up to {sign.decode().strip() or 'a blank'}", _up_to(sign)) for sign in (b"#", b"&", b";", b"=", b"+", b"/", b"%", b"$", b" ")),
)  # fmt: skip
TEXT_STEPS: tuple[TextStep, ...] = (
    ("message_newline", '{}+"\\n"', lambda text: f"{text}\n".encode()),
    ("message_newline", '{}+"\\r\\n"', lambda text: f"{text}\r\n".encode()),
    ("message_newline", '{}+"\\r"', lambda text: f"{text}\r".encode()),
    ("message_newline", '{}+"\\\\n"', lambda text: f"{text}\\n".encode()),
    ("message_blank", '{}+" "', lambda text: f"{text} ".encode()),
    ("message_blank", '{}+"\\t"', lambda text: f"{text}\t".encode()),
    ("message_blank", "{}+NBSP", lambda text: f"{text}\xa0".encode()),
    ("message_blank", '{}+" \\n"', lambda text: f"{text} \n".encode()),
    ("message_nul", '{}+"\\0"', lambda text: f"{text}\0".encode()),
    ("utf16", "utf16le({})", lambda text: text.encode("utf-16-le")),
    ("utf16", "utf16be({})", lambda text: text.encode("utf-16-be")),
    ("utf16", "BOM+utf16le({})", lambda text: b"\xff\xfe" + text.encode("utf-16-le")),
    ("utf16", "BOM+utf16be({})", lambda text: b"\xfe\xff" + text.encode("utf-16-be")),
    ("utf32", "utf32le({})", lambda text: text.encode("utf-32-le")),
    ("utf32", "utf32be({})", lambda text: text.encode("utf-32-be")),
    ("legacy_charset", "gbk({})", lambda text: text.encode("gbk")),
    ("legacy_charset", "latin1({})", lambda text: text.encode("latin-1")),
    ("legacy_charset", "ascii({})", lambda text: text.encode("ascii", "replace")),
    ("message_base64", "base64({})", lambda text: base64.b64encode(text.encode())),
    ("message_hex", "hex({})", lambda text: text.encode().hex().encode()),
    ("message_hex", "upper(hex({}))", lambda text: text.encode().hex().upper().encode()),
    ("message_quoted", "'\"'+{}+'\"'", lambda text: f'"{text}"'.encode()),
    ("message_quoted", '"\'"+{}+"\'"', lambda text: f"'{text}'".encode()),
    ("message_bytes_repr", "str({} as bytes)", lambda text: repr(text.encode()).encode()),
    ("message_reversed", "reversed({})", lambda text: text[::-1].encode()),
)
