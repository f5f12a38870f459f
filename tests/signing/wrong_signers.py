"""Clients that sign wrongly, written out with hashlib alone: each kind of mistake, and the diagnosis it must get.

Shares no code with the package: what a client does is spelt out, so that a slip in our tables shows.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
import string
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True)
class Client:
    """One client's view: its keys, and the values that it puts into the URL."""

    k: str
    s: str
    r: str
    t: str
    identifier: str
    seq: str
    body: bytes
    other_k: str
    other_s: str
    other_r: str
    rng: random.Random

    @property
    def n(self) -> int:
        return int(float(self.t))

    @property
    def right(self) -> str:
        return sha1(self.s + self.r + self.t)


def new_client(rng: random.Random, t: str | None = None) -> Client:
    def secret() -> str:
        letters = "".join(rng.choice(string.ascii_letters + string.digits) for _ in range(39))
        return letters[:9] + "+" + letters[9:20] + "/" + letters[20:] + "w=="

    def rest() -> str:
        return (
            "-".join("".join(rng.choice("abcdefABCDEF0123456789") for _ in range(4)) for _ in range(5))
            + "-aB"
        )

    return Client(
        k=str(rng.randrange(10**8, 10**9)), s=secret(), r=rest(), t=t or str(1575968312 + rng.randrange(10**6)),
        identifier=rng.choice(["admin", "operator"]), seq=str(rng.randrange(10**5, 10**6)),
        body=b'{"RoomId":"%d"}' % rng.randrange(10**9),
        other_k=str(rng.randrange(10**8, 10**9)), other_s=secret(), other_r=rest(), rng=rng,
    )  # fmt: skip


def raw(text: str | bytes, name: str = "sha1") -> bytes:
    return hashlib.new(name, text.encode() if isinstance(text, str) else text).digest()


def sha1(text: str | bytes) -> str:
    return raw(text).hex()


def hexed(name: str, text: str | bytes) -> str:
    return raw(text, name).hex()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def mac(key: str | bytes, text: str, name: str = "sha1") -> str:
    return hmac.new(key.encode() if isinstance(key, str) else key, text.encode(), name).hexdigest()


def only_if(ok: bool, given: str) -> str | None:
    """`given`, or nothing: this draw does not show the mistake, take another."""
    return given if ok else None


def java_int(data: bytes) -> str:
    return "".join(f"{byte:x}" if byte < 128 else f"ffffff{byte:x}" for byte in data)


Kind = tuple[str, tuple[str, ...], Callable[[Client], "str | None"]]

KINDS: tuple[Kind, ...] = (
    # the formula
    ("v1", ("v1_formula",), lambda c: sha1(c.s + c.t)),
    ("order STR", ("wrong_order",), lambda c: sha1(c.s + c.t + c.r)),
    ("order RST", ("wrong_order",), lambda c: sha1(c.r + c.s + c.t)),
    ("order RTS", ("wrong_order",), lambda c: sha1(c.r + c.t + c.s)),
    ("order TSR", ("wrong_order",), lambda c: sha1(c.t + c.s + c.r)),
    ("order TRS", ("wrong_order",), lambda c: sha1(c.t + c.r + c.s)),
    ("sorted parts", ("wrong_order",), lambda c: only_if(sorted([c.s, c.r, c.t]) != [c.s, c.r, c.t] and sorted([c.s, c.r, c.t])[0] == c.t, sha1("".join(sorted([c.s, c.r, c.t]))))),
    ("v1 turned round", ("v1_formula", "wrong_order"), lambda c: sha1(c.t + c.s)),
    ("appkey as secret", ("appkey_for_appsecret",), lambda c: sha1(c.k + c.r + c.t)),
    ("appkey as restapikey", ("appkey_for_restapikey",), lambda c: sha1(c.s + c.k + c.t)),
    ("appkey as restapikey, first", ("appkey_for_restapikey", "wrong_order"), lambda c: sha1(c.k + c.s + c.t)),
    ("appkey alone", ("appkey_for_appsecret", "v1_formula"), lambda c: sha1(c.k + c.t)),
    ("appkey too", ("appkey_added",), lambda c: sha1(c.k + c.s + c.r + c.t)),
    ("no secret", ("appsecret_missing",), lambda c: sha1(c.r + c.t)),
    ("no curtime", ("curtime_missing",), lambda c: sha1(c.s + c.r)),
    ("no curtime, v1", ("curtime_missing",), lambda c: sha1(c.s)),
    ("curtime alone", ("keys_missing",), lambda c: sha1(c.t)),
    ("secret twice", ("part_repeated",), lambda c: sha1(c.s + c.s + c.t)),
    ("identifier as restapikey", ("identifier_for_restapikey",), lambda c: sha1(c.s + c.identifier + c.t)),
    ("identifier too", ("identifier_added",), lambda c: sha1(c.s + c.r + c.identifier + c.t)),
    ("appkey and identifier too", ("appkey_added", "identifier_added"), lambda c: sha1(c.k + c.identifier + c.s + c.r + c.t)),
    ("everything", ("appkey_added", "identifier_added", "seq_added"), lambda c: sha1(c.s + c.k + c.identifier + c.t + c.seq)),
    ("sibling's nonce", ("nonce_for_restapikey",), lambda c: sha1(c.s + c.seq + c.t)),
    ("seq too", ("seq_added",), lambda c: sha1(c.s + c.r + c.t + c.seq)),
    ("undefined", ("curtime_unset",), lambda c: sha1(c.s + c.r + "undefined")),
    ("names", ("literal_names",), lambda c: sha1("appsecretrestapikeycurtime")),
    *((f"separator {sep!r}", ("separator",), lambda c, sep=sep: sha1(sep.join([c.s, c.r, c.t]))) for sep in "&:,+-_|;"),
    ("v1 and separator", ("v1_formula", "separator"), lambda c: sha1(c.s + "&" + c.t)),
    ("named parts", ("named_parts",), lambda c: sha1(f"appsecret={c.s}&restapikey={c.r}&curtime={c.t}")),
    ("query", ("query_signed",), lambda c: sha1(f"appkey={c.k}&identifier={c.identifier}&curtime={c.t}&seq={c.seq}")),
    ("query and key", ("query_signed",), lambda c: sha1(f"appkey={c.k}&identifier={c.identifier}&curtime={c.t}&seq={c.seq}&key={c.s}")),
    ("body", ("body_signed",), lambda c: sha1(c.body)),
    ("secret and body", ("body_signed",), lambda c: sha1(c.s.encode() + c.body)),
    ("all and body", ("body_signed",), lambda c: sha1((c.s + c.r + c.t).encode() + c.body)),
    # the keys
    ("other app", ("other_app",), lambda c: sha1(c.other_s + c.other_r + c.t)),
    ("other app, v1", ("v1_formula", "other_app"), lambda c: sha1(c.other_s + c.t)),
    ("other restapikey", ("mixed_credentials",), lambda c: sha1(c.s + c.other_r + c.t)),
    ("other secret", ("mixed_credentials",), lambda c: sha1(c.other_s + c.r + c.t)),
    ("restapikey from appkey", ("restapikey_derived",), lambda c: sha1(c.s + hexed("md5", c.k) + c.t)),
    ("restapikey from both", ("restapikey_derived",), lambda c: sha1(c.s + hexed("md5", c.k + c.s) + c.t)),
    ("secret decoded", ("key_base64_decoded",), lambda c: sha1(base64.b64decode(c.s) + (c.r + c.t).encode())),
    ("secret decoded, v1", ("v1_formula", "key_base64_decoded"), lambda c: sha1(base64.b64decode(c.s) + c.t.encode())),
    ("secret encoded", ("key_base64_encoded",), lambda c: sha1(b64(c.s.encode()) + c.r + c.t)),
    ("padding lost", ("key_padding_stripped",), lambda c: sha1(c.s.rstrip("=") + c.r + c.t)),
    ("secret with newline", ("key_newline",), lambda c: sha1(c.s + "\n" + c.r + c.t)),
    ("both with newline", ("key_newline",), lambda c: sha1(c.s + "\n" + c.r + "\n" + c.t)),
    ("secret with CRLF", ("key_newline",), lambda c: sha1(c.s + "\r\n" + c.r + c.t)),
    ("secret with blank", ("key_blank",), lambda c: sha1(c.s + c.r + " " + c.t)),
    ("plus to blank", ("key_plus_to_blank",), lambda c: sha1(c.s.replace("+", " ") + c.r + c.t)),
    ("secret encoded for a URL", ("key_percent_encoded",), lambda c: sha1(quote(c.s, safe="") + c.r + c.t)),
    ("restapikey upper", ("key_upper_case",), lambda c: sha1(c.s + c.r.upper() + c.t)),
    ("restapikey lower", ("key_lower_case",), lambda c: sha1(c.s + c.r.lower() + c.t)),
    ("secret URL-safe", ("key_url_safe",), lambda c: sha1(c.s.replace("+", "-").replace("/", "_") + c.r + c.t)),
    ("secret quoted", ("key_quoted",), lambda c: sha1(f'"{c.s}"' + c.r + c.t)),
    ("both quoted", ("key_quoted",), lambda c: sha1(f"'{c.s}''{c.r}'" + c.t)),
    ("secret escaped", ("key_escaped",), lambda c: sha1(c.s.replace("/", "\\/") + c.r + c.t)),
    ("restapikey with BOM", ("key_bom",), lambda c: sha1(c.s + "\ufeff" + c.r + c.t)),
    ("dashes lost", ("key_without_dashes",), lambda c: sha1(c.s + c.r.replace("-", "") + c.t)),
    ("secret hashed", ("key_hashed",), lambda c: sha1(hexed("md5", c.s) + c.r + c.t)),
    ("secret cut", ("key_cut",), lambda c: sha1(c.s + c.r[:-1] + c.t)),
    # the text
    ("echo", ("message_newline",), lambda c: sha1(c.s + c.r + c.t + "\n")),
    ("echo, v1", ("v1_formula", "message_newline"), lambda c: sha1(c.s + c.t + "\n")),
    ("blank at the end", ("message_blank",), lambda c: sha1(c.s + c.r + c.t + " ")),
    ("sizeof", ("message_nul",), lambda c: sha1(c.s + c.r + c.t + "\0")),
    ("upper text", ("key_upper_case",), lambda c: sha1((c.s + c.r + c.t).upper())),
    ("lower text, v1", ("v1_formula", "key_lower_case"), lambda c: sha1((c.s + c.t).lower())),
    ("quoted text", ("message_quoted",), lambda c: sha1(f'"{c.s}{c.r}{c.t}"')),
    ("hex text", ("message_hex",), lambda c: sha1((c.s + c.r + c.t).encode().hex())),
    ("base64 text", ("message_base64",), lambda c: sha1(b64((c.s + c.r + c.t).encode()))),
    ("UTF-16LE", ("utf16",), lambda c: sha1((c.s + c.r + c.t).encode("utf-16-le"))),
    ("UTF-16BE", ("utf16",), lambda c: sha1((c.s + c.r + c.t).encode("utf-16-be"))),
    ("UTF-16 with BOM", ("utf16",), lambda c: sha1(b"\xff\xfe" + (c.s + c.r + c.t).encode("utf-16-le"))),
    ("UTF-16LE, v1", ("v1_formula", "utf16"), lambda c: sha1((c.s + c.t).encode("utf-16-le"))),
    ("UTF-32", ("utf32",), lambda c: sha1((c.s + c.r + c.t).encode("utf-32-le"))),
    ("quoted curtime", ("curtime_quoted",), lambda c: sha1(c.s + c.r + f'"{c.t}"')),
    # another curtime
    *((f"off by {off}", ("curtime_off_by_one",), lambda c, off=off: sha1(f"{c.s}{c.r}{c.n + off}")) for off in (-1, 1)),
    *((f"off by {off}", ("curtime_off_by_two",), lambda c, off=off: sha1(f"{c.s}{c.r}{c.n + off}")) for off in (-2, 2)),
    ("v1 and off by one", ("v1_formula", "curtime_off_by_one"), lambda c: sha1(f"{c.s}{c.n - 1}")),
    ("appkey and off by one", ("appkey_for_restapikey", "curtime_off_by_one"), lambda c: sha1(f"{c.s}{c.k}{c.n + 1}")),
    ("local time hashed", ("curtime_eight_hours_off",), lambda c: sha1(f"{c.s}{c.r}{c.n + 28800}")),
    ("UTC hashed", ("curtime_eight_hours_off",), lambda c: sha1(f"{c.s}{c.r}{c.n - 28800}")),
    ("milliseconds hashed", ("curtime_hashed_in_milliseconds",), lambda c: sha1(f"{c.s}{c.r}{c.n}000")),
    ("float hashed", ("curtime_hashed_with_fraction",), lambda c: sha1(f"{c.s}{c.r}{float(c.n)}")),
    ("kept for a while", ("stale_checksum",), lambda c: sha1(f"{c.s}{c.r}{c.n - c.rng.randrange(3, 301)}")),
    ("kept, upper case", ("stale_checksum", "uppercase_hex"), lambda c: sha1(f"{c.s}{c.r}{c.n - 60}").upper()),
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
)  # fmt: skip
"""What the client does, the diagnosis it must get, and the checksum it sends."""

URLS: tuple[tuple[str, tuple[str, ...], Callable[[int], str], Callable[[Client], str]], ...] = (
    ("seconds hashed, milliseconds sent", ("curtime_hashed_in_seconds",), lambda n: f"{n}347", lambda c: sha1(f"{c.s}{c.r}{c.t[:10]}")),
    ("seconds hashed, microseconds sent", ("curtime_hashed_in_seconds",), lambda n: f"{n}347123", lambda c: sha1(f"{c.s}{c.r}{c.t[:10]}")),
    ("v1 in seconds, milliseconds sent", ("v1_formula", "curtime_hashed_in_seconds"), lambda n: f"{n}347", lambda c: sha1(f"{c.s}{c.t[:10]}")),
    ("cut when hashed", ("curtime_hashed_truncated",), lambda n: f"{n}.347", lambda c: sha1(f"{c.s}{c.r}{c.t[:10]}")),
    ("rounded when hashed", ("curtime_hashed_rounded",), lambda n: f"{n}.81234", lambda c: sha1(f"{c.s}{c.r}{int(c.t[:10]) + 1}")),
    ("milliseconds hashed, fraction sent", ("curtime_hashed_in_milliseconds",), lambda n: f"{n}.347", lambda c: sha1(f"{c.s}{c.r}{c.t.replace('.', '')}")),
    ("trimmed when hashed", ("curtime_hashed_plain",), lambda n: f" {n}", lambda c: sha1(f"{c.s}{c.r}{c.t.strip()}")),
    ("full width when sent", ("curtime_hashed_plain",), lambda n: str(n).translate({48 + i: 0xFF10 + i for i in range(10)}), lambda c: sha1(f"{c.s}{c.r}{c.n}")),
    ("fraction in both, v1", ("v1_formula",), lambda n: f"{n}.347", lambda c: sha1(f"{c.s}{c.t}")),
    ("milliseconds in both, md5", ("md5",), lambda n: f"{n}347", lambda c: hexed("md5", f"{c.s}{c.r}{c.t}")),
    ("old curtime sent", ("curtime_stale_in_url",), lambda n: str(n - 5_000), lambda c: sha1(f"{c.s}{c.r}{c.n + 5_000}")),
)  # fmt: skip
"""The same for clients whose URL has another curtime than it should: what they send as curtime, and as checksum."""
