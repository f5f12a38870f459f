"""Clients that use another hash than SHA-1, or write the digest in another way."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

from wrong_signers import Client, Kind, b64, hexed, java_int, mac, only_if, raw, sha1


def pick(client: Client, letters: str) -> str:
    return "".join({"S": client.s, "R": client.r, "T": client.t, "K": client.k}[letter] for letter in letters)


DIGESTS: tuple[Kind, ...] = (
    # the digest
    ("md5", ("md5",), lambda c: hexed("md5", c.s + c.r + c.t)),
    ("md5, v1", ("v1_formula", "md5"), lambda c: hexed("md5", c.s + c.t)),
    ("md5, order", ("wrong_order", "md5"), lambda c: hexed("md5", c.t + c.r + c.s)),
    ("sha224", ("sha224",), lambda c: hexed("sha224", c.s + c.r + c.t)),
    ("sha256", ("sha256",), lambda c: hexed("sha256", c.s + c.r + c.t)),
    ("sha384", ("sha384",), lambda c: hexed("sha384", c.s + c.r + c.t)),
    ("sha512", ("sha512",), lambda c: hexed("sha512", c.s + c.r + c.t)),
    ("hmac", ("hmac",), lambda c: mac(c.s, c.r + c.t)),
    ("hmac of all", ("hmac",), lambda c: mac(c.s, c.s + c.r + c.t)),
    ("hmac under restapikey", ("hmac",), lambda c: mac(c.r, c.s + c.t)),
    ("hmac under decoded secret", ("hmac",), lambda c: mac(base64.b64decode(c.s), c.r + c.t)),
    ("hmac-sha256", ("hmac", "sha256"), lambda c: mac(c.s, c.r + c.t, "sha256")),
    ("hmac-sha1 in base64", ("hmac", "base64"), lambda c: only_if("+" not in (g := b64(bytes.fromhex(mac(c.s, c.r + c.t)))) and "/" not in g, b64(bytes.fromhex(mac(c.s, c.r + c.t))))),
    ("twice", ("double_hash",), lambda c: sha1(c.right)),
    ("twice, raw", ("double_hash",), lambda c: sha1(bytes.fromhex(c.right))),
    ("twice, v1", ("v1_formula", "double_hash"), lambda c: sha1(sha1(c.s + c.t))),
    ("sha1 of md5", ("hash_of_another",), lambda c: sha1(hexed("md5", c.s + c.r + c.t))),
    ("md5 of sha1", ("hash_of_another", "md5"), lambda c: hexed("md5", c.right)),
    # how it is written
    ("upper", ("uppercase_hex",), lambda c: c.right.upper()),
    ("upper, v1", ("v1_formula", "uppercase_hex"), lambda c: sha1(c.s + c.t).upper()),
    ("upper md5, order", ("wrong_order", "md5", "uppercase_hex"), lambda c: hexed("md5", c.r + c.s + c.t).upper()),
    ("mixed case", ("mixed_case_hex",), lambda c: only_if((g := c.right[:20].upper() + c.right[20:]) not in (g.lower(), g.upper()), g)),
    ("BitConverter", ("uppercase_hex", "dashes"), lambda c: bytes.fromhex(c.right).hex("-").upper()),
    ("dashes", ("dashes",), lambda c: bytes.fromhex(c.right).hex("-")),
    ("colons", ("hex_separated",), lambda c: bytes.fromhex(c.right).hex(":")),
    ("hex of hex", ("hex_twice",), lambda c: c.right.encode().hex()),
    ("base64", ("base64",), lambda c: b64(bytes.fromhex(c.right))),
    ("base64 of sha256", ("sha256", "base64"), lambda c: b64(raw(c.s + c.r + c.t, "sha256"))),
    ("base64, no padding", ("base64",), lambda c: b64(bytes.fromhex(c.right)).rstrip("=")),
    ("base64, blank", ("base64", "base64_plus_to_blank"), lambda c: only_if("+" in (g := b64(bytes.fromhex(c.right))), g.replace("+", " "))),
    ("base64url", ("base64url",), lambda c: only_if({"-", "_"} & set(g := base64.urlsafe_b64encode(bytes.fromhex(c.right)).decode()) != set(), g)),
    ("base64 of hex", ("base64_of_hex",), lambda c: b64(c.right.encode())),
    ("raw as Latin-1", ("raw_bytes",), lambda c: bytes.fromhex(c.right).decode("latin-1")),
    ("cut to 32", ("truncated",), lambda c: c.right[:32]),
    ("cut to 16, v1", ("v1_formula", "truncated"), lambda c: sha1(c.s + c.t)[:16]),
    ("16-digit md5", ("md5", "truncated"), lambda c: hexed("md5", c.s + c.r + c.t)[8:24]),
    ("sha256 cut to 40", ("sha256", "truncated"), lambda c: hexed("sha256", c.s + c.r + c.t)[:40]),
    ("cut, upper case", ("truncated", "uppercase_hex"), lambda c: only_if((g := c.right[:30]) != g.upper(), g.upper())),
    ("BigInteger", ("leading_zeros_lost",), lambda c: only_if(c.right[0] == "0", c.right.lstrip("0"))),
    ("one digit a byte", ("zeros_lost",), lambda c: only_if((g := "".join(f"{b:x}" for b in bytes.fromhex(c.right))) != c.right.lstrip("0"), g)),
    ("Java's int bytes", ("sign_extended",), lambda c: java_int(bytes.fromhex(c.right))),
    ("twice in a row", ("appended",), lambda c: c.right + c.right),
    ("something after", ("appended",), lambda c: c.right + "?x=1"),
    ("encoded twice", ("percent_encoded_twice", "base64"), lambda c: quote(b64(bytes.fromhex(c.right)), safe="")),
    ("quoted", ("quoted",), lambda c: f'"{c.right}"'),
    ("Python's bytes", ("bytes_repr",), lambda c: str(c.right.encode())),
    ("Python's bytes, base64", ("bytes_repr", "base64"), lambda c: str(b64(bytes.fromhex(c.right)).encode())),
    ("sha1sum", ("blanks_around", "tool_output"), lambda c: c.right + "  -\n"),
    ("openssl", ("tool_output",), lambda c: f"SHA1(stdin)= {c.right}"),
    ("old openssl", ("tool_output",), lambda c: f"(stdin)= {c.right}"),
    ("labelled", ("labelled",), lambda c: f"sha1:{c.right}"),
    ("0x", ("hex_prefix",), lambda c: f"0x{c.right}"),
    ("braces", ("brackets",), lambda c: f"{{{c.right}}}"),
    ("newline", ("blanks_around",), lambda c: c.right + "\n"),
    ("full width", ("full_width",), lambda c: "".join(chr(ord(digit) + 0xFEE0) for digit in c.right)),
    # no digest at all
    ("the secret", ("unhashed",), lambda c: c.s),
    ("unhashed", ("unhashed",), lambda c: c.s + c.r + c.t),
    # HMACs
    *((f"hmac of {message} under {key}", ("hmac",), lambda c, key=key, message=message: mac(pick(c, key), pick(c, message))) for key, message in (
        ("S", "RT"), ("S", "T"), ("S", "SRT"), ("S", "TR"), ("S", "R"), ("S", "KT"), ("R", "ST"), ("R", "T"), ("R", "SRT"), ("R", "TS"), ("R", "S"),
        ("T", "SR"), ("T", "S"), ("T", "R"), ("T", "RS"), ("SR", "T"), ("SRT", "T"), ("K", "SRT"),
    )),
    ("hmac-md5", ("hmac", "md5"), lambda c: mac(c.t, c.s + c.r, "md5")),
    ("hmac-sha256 in base64", ("hmac", "sha256", "base64"), lambda c: only_if(not {"+", "/"} & set(g := b64(bytes.fromhex(mac(c.s, c.t, "sha256")))), g)),
    ("part hashed first", ("part_hashed",), lambda c: sha1(c.s + sha1(c.r + c.t))),
    ("sha1 of base64", ("double_hash",), lambda c: sha1(b64(raw(c.s + c.r + c.t)))),
    # digests as numbers
    ("BigInteger, negative", ("negative_hex",), lambda c: only_if(int(c.right, 16) >> 159 == 1, f"-{2**160 - int(c.right, 16):x}")),
    ("BigInteger, upper case", ("uppercase_hex", "negative_hex"), lambda c: only_if(int(c.right, 16) >> 159 == 1 and (g := f"-{2**160 - int(c.right, 16):X}") != g.lower(), f"-{2**160 - int(c.right, 16):X}")),
    ("BigInteger, v1 and md5", ("v1_formula", "md5", "negative_hex"), lambda c: only_if((g := int(hexed("md5", c.s + c.t), 16)) >> 127 == 1, f"-{2**128 - g:x}")),
    ("BigInteger, order, zeros", ("wrong_order", "leading_zeros_lost"), lambda c: only_if((g := sha1(c.r + c.t + c.s))[0] == "0", g.lstrip("0"))),
    ("BigInteger, newline, zeros", ("key_newline", "leading_zeros_lost"), lambda c: only_if((g := sha1(c.s + "\n" + c.r + c.t))[0] == "0", g.lstrip("0"))),
    ("BigInteger, decimal", ("decimal",), lambda c: str(int(c.right, 16))),
    ("BigInteger, decimal and negative", ("decimal",), lambda c: only_if(int(c.right, 16) >> 159 == 1, str(int(c.right, 16) - 2**160))),
    ("a Go slice", ("byte_list",), lambda c: "[" + " ".join(map(str, raw(c.s + c.r + c.t))) + "]"),
    ("a Java array", ("byte_list",), lambda c: "[" + ", ".join(str(b - 256 if b > 127 else b) for b in raw(c.s + c.r + c.t)) + "]"),
    ("a joined array, v1", ("v1_formula", "byte_list"), lambda c: ",".join(map(str, raw(c.s + c.t)))),
    ("an array joined by nothing", ("byte_list",), lambda c: "".join(map(str, raw(c.s + c.r + c.t)))),
    ("Node's Buffer as JSON", ("byte_list",), lambda c: json.dumps({"type": "Buffer", "data": list(raw(c.s + c.r + c.t))}, separators=(",", ":"))),
    ("a typed array as JSON", ("byte_list",), lambda c: json.dumps({str(at): b for at, b in enumerate(raw(c.s + c.r + c.t))}, separators=(",", ":"))),
    ("Erlang's binary", ("byte_list",), lambda c: "<<" + ",".join(map(str, raw(c.s + c.r + c.t))) + ">>"),
    ("C's bytes", ("hex_separated",), lambda c: ", ".join(f"0x{b:02x}" for b in raw(c.s + c.r + c.t))),
    ("backslashes", ("hex_separated",), lambda c: "".join(f"\\x{b:02x}" for b in raw(c.s + c.r + c.t))),
    # digests as objects show them
    ("NSData", ("nsdata", "hex_separated"), lambda c: "<" + bytes.fromhex(c.right).hex(" ", -4) + ">"),
    ("NSData without brackets", ("hex_separated",), lambda c: bytes.fromhex(c.right).hex(" ", -4)),
    ("new NSData", ("nsdata",), lambda c: f"{{length = 20, bytes = 0x{c.right}}}"),
    ("new NSData, elided", ("sha256", "nsdata"), lambda c: f"{{length = 32, bytes = 0x{(g := raw(c.s + c.r + c.t, 'sha256').hex(' ', -4))[:35]} ... {g[-17:]} }}"),
    ("Node's Buffer", ("object_shown", "hex_separated"), lambda c: f"<Buffer {bytes.fromhex(c.right).hex(' ')}>"),
    ("Ruby's Digest", ("object_shown",), lambda c: f"#<Digest::SHA1: {c.right}>"),
    ("CryptoKit", ("object_shown",), lambda c: f"SHA1 digest: {c.right}"),
    ("BitConverter, lower case, v1", ("v1_formula", "dashes"), lambda c: raw(c.s + c.t).hex("-")),
    ("base32", ("base32",), lambda c: base64.b32encode(raw(c.s + c.r + c.t)).decode()),
    ("raw bytes read as UTF-8", ("raw_digest_as_text",), lambda c: raw(c.s + c.r + c.t).decode(errors="replace")),
    # keys that travel openly
    ("Go's Sum", ("sum_appended",), lambda c: (c.s + c.r + c.t).encode().hex() + sha1("")),
    ("Go's Sum, v1", ("v1_formula", "sum_appended"), lambda c: (c.s + c.t).encode().hex() + sha1("")),
    ("Go's Sum, md5 and upper case", ("md5", "sum_appended", "uppercase_hex"), lambda c: ((c.s + c.r + c.t).encode().hex() + hexed("md5", "")).upper()),
    ("the text in hex", ("unhashed",), lambda c: (c.s + c.r + c.t).encode().hex()),
    ("the text in base64", ("unhashed", "base64"), lambda c: b64((c.s + c.r + c.t).encode())),
    ("the secret in something", ("unhashed",), lambda c: only_if(len(c.s) >= 8, f"sha1({c.s}{c.r}{c.t})")),
)  # fmt: skip
"""What the client does, the diagnosis it must get, and the checksum it sends."""
