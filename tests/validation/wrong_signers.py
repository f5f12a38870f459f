"""Clients that sign incorrectly, written with hashlib alone: each kind of mistake, and the diagnosis it must get.

Shares no code with the package, so that an error in its tables shows.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
import string
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Client:
    """One client: appkey `k`, appsecret `s`, restapikey `r`, curtime `t`, and the keys of another app."""

    k: str
    s: str
    r: str
    t: str
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
        groups = ("".join(rng.choice("abcdefABCDEF0123456789") for _ in range(4)) for _ in range(5))
        return "-".join(groups) + "-aB"

    return Client(
        k=str(rng.randrange(10**8, 10**9)),
        s=secret(),
        r=rest(),
        t=t or str(1575968312 + rng.randrange(10**6)),
        other_k=str(rng.randrange(10**8, 10**9)),
        other_s=secret(),
        other_r=rest(),
        rng=rng,
    )


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


def only_if(ok: bool, checksum: str) -> str | None:
    """Return `checksum`, or None if this client does not show the mistake."""
    return checksum if ok else None


def plain_b64(data: bytes) -> str | None:
    """Return base64 text without + and /: those could be URL-safe base64 as well, or get lost in a URL."""
    return only_if(not {"+", "/"} & set(text := b64(data)), text)


Kind = tuple[str, tuple[str, ...], Callable[[Client], "str | None"]]

KINDS: tuple[Kind, ...] = (
    # The formula
    ("v1", ("v1_formula",), lambda c: sha1(c.s + c.t)),
    ("order STR", ("wrong_order",), lambda c: sha1(c.s + c.t + c.r)),
    ("order RST", ("wrong_order",), lambda c: sha1(c.r + c.s + c.t)),
    ("order RTS", ("wrong_order",), lambda c: sha1(c.r + c.t + c.s)),
    ("order TSR", ("wrong_order",), lambda c: sha1(c.t + c.s + c.r)),
    ("order TRS", ("wrong_order",), lambda c: sha1(c.t + c.r + c.s)),
    ("v1 reversed", ("v1_formula", "wrong_order"), lambda c: sha1(c.t + c.s)),
    ("appkey as secret", ("appkey_for_appsecret",), lambda c: sha1(c.k + c.r + c.t)),
    ("appkey as secret, order", ("appkey_for_appsecret", "wrong_order"), lambda c: sha1(c.r + c.k + c.t)),
    ("appkey as restapikey", ("appkey_for_restapikey",), lambda c: sha1(c.s + c.k + c.t)),
    ("appkey as restapikey, first", ("appkey_for_restapikey", "wrong_order"), lambda c: sha1(c.k + c.s + c.t)),
    ("appkey alone", ("appkey_for_appsecret", "v1_formula"), lambda c: sha1(c.k + c.t)),
    *((f"separator {sep!r}", ("separator",), lambda c, sep=sep: sha1(sep.join([c.s, c.r, c.t]))) for sep in "&:,+|-_"),
    *((f"v1 and separator {sep!r}", ("v1_formula", "separator"), lambda c, sep=sep: sha1(c.s + sep + c.t)) for sep in "&:,+"),
    ("the document's formula to the letter", ("separator",), lambda c: sha1(f"{c.s} + {c.r}+{c.t}")),
    ("echo", ("message_newline",), lambda c: sha1(c.s + c.r + c.t + "\n")),
    ("echo, v1, CRLF", ("v1_formula", "message_newline"), lambda c: sha1(c.s + c.t + "\r\n")),
    ("UTF-16LE", ("utf16",), lambda c: sha1((c.s + c.r + c.t).encode("utf-16-le"))),
    ("UTF-16BE", ("utf16",), lambda c: sha1((c.s + c.r + c.t).encode("utf-16-be"))),
    ("UTF-16 with BOM", ("utf16",), lambda c: sha1(b"\xff\xfe" + (c.s + c.r + c.t).encode("utf-16-le"))),
    ("UTF-16LE, v1", ("v1_formula", "utf16"), lambda c: sha1((c.s + c.t).encode("utf-16-le"))),
    # The keys
    ("other app", ("other_app",), lambda c: sha1(c.other_s + c.other_r + c.t)),
    ("other app, v1", ("v1_formula", "other_app"), lambda c: sha1(c.other_s + c.t)),
    ("other restapikey", ("mixed_credentials",), lambda c: sha1(c.s + c.other_r + c.t)),
    ("other secret", ("mixed_credentials",), lambda c: sha1(c.other_s + c.r + c.t)),
    ("restapikey from appkey", ("restapikey_derived",), lambda c: sha1(c.s + hexed("md5", c.k) + c.t)),
    ("restapikey from secret", ("restapikey_derived",), lambda c: sha1(c.s + sha1(c.s) + c.t)),
    ("restapikey from both", ("restapikey_derived",), lambda c: sha1(c.s + hexed("md5", c.k + c.s) + c.t)),
    ("secret decoded", ("key_base64_decoded",), lambda c: sha1(base64.b64decode(c.s) + (c.r + c.t).encode())),
    ("secret decoded, v1", ("v1_formula", "key_base64_decoded"), lambda c: sha1(base64.b64decode(c.s) + c.t.encode())),
    ("padding lost", ("key_padding_stripped",), lambda c: sha1(c.s.rstrip("=") + c.r + c.t)),
    ("secret with newline", ("key_newline",), lambda c: sha1(c.s + "\n" + c.r + c.t)),
    ("both with newline", ("key_newline",), lambda c: sha1(c.s + "\n" + c.r + "\n" + c.t)),
    ("restapikey with CRLF", ("key_newline",), lambda c: sha1(c.s + c.r + "\r\n" + c.t)),
    ("plus to blank", ("key_plus_to_blank",), lambda c: sha1(c.s.replace("+", " ") + c.r + c.t)),
    ("restapikey upper", ("key_upper_case",), lambda c: sha1(c.s + c.r.upper() + c.t)),
    ("text upper", ("key_upper_case",), lambda c: sha1((c.s + c.r + c.t).upper())),
    ("secret with BOM", ("key_bom",), lambda c: sha1("\ufeff" + c.s + c.r + c.t)),
    ("restapikey with BOM", ("key_bom",), lambda c: sha1(c.s + "\ufeff" + c.r + c.t)),
    *((f"{word!r} for the secret", ("key_unset",), lambda c, word=word: sha1(word + c.r + c.t)) for word in ("undefined", "null", "None", "")),
    *((f"{word!r} for the restapikey", ("key_unset",), lambda c, word=word: sha1(c.s + word + c.t)) for word in ("undefined", "null", "None")),
    *((f"{word!r} for both keys", ("key_unset",), lambda c, word=word: sha1(word + word + c.t)) for word in ("undefined", "null", "None")),
    # Another curtime
    *((f"off by {off}", ("curtime_off_by_one",), lambda c, off=off: sha1(f"{c.s}{c.r}{c.n + off}")) for off in (-1, 1)),
    *((f"off by {off}", ("curtime_off_by_two",), lambda c, off=off: sha1(f"{c.s}{c.r}{c.n + off}")) for off in (-2, 2)),
    *((f"off by {off}", ("curtime_eight_hours_off",), lambda c, off=off: sha1(f"{c.s}{c.r}{c.n + off}")) for off in (-28800, 28800)),
    ("milliseconds hashed", ("curtime_hashed_in_milliseconds",), lambda c: sha1(f"{c.s}{c.r}{c.n}000")),
    ("cached for a while", ("stale_checksum",), lambda c: sha1(f"{c.s}{c.r}{c.n - c.rng.randrange(3, 301)}")),
    # The hash
    ("md5", ("md5",), lambda c: hexed("md5", c.s + c.r + c.t)),
    ("sha256", ("sha256",), lambda c: hexed("sha256", c.s + c.r + c.t)),
    ("hmac", ("hmac",), lambda c: mac(c.s, c.r + c.t)),
    ("hmac of curtime", ("hmac",), lambda c: mac(c.s, c.t)),
    ("hmac of all", ("hmac",), lambda c: mac(c.s, c.s + c.r + c.t)),
    ("hmac under restapikey", ("hmac",), lambda c: mac(c.r, c.s + c.t)),
    ("hmac under both", ("hmac",), lambda c: mac(c.s + c.r, c.t)),
    ("hmac under curtime", ("hmac",), lambda c: mac(c.t, c.s + c.r)),
    ("twice", ("double_hash",), lambda c: sha1(c.right)),
    ("twice, raw", ("double_hash",), lambda c: sha1(bytes.fromhex(c.right))),
    ("twice, v1", ("v1_formula", "double_hash"), lambda c: sha1(sha1(c.s + c.t))),
    ("sha1 of md5", ("double_hash",), lambda c: sha1(hexed("md5", c.s + c.r + c.t))),
    # How the digest is written
    ("upper", ("uppercase_hex",), lambda c: c.right.upper()),
    ("mixed case", ("uppercase_hex",), lambda c: only_if((g := c.right[:20].upper() + c.right[20:]) not in (g.lower(), g.upper()), g)),
    ("BitConverter", ("uppercase_hex", "dashes"), lambda c: raw(c.s + c.r + c.t).hex("-").upper()),
    ("dashes", ("dashes",), lambda c: raw(c.s + c.r + c.t).hex("-")),
    ("base64", ("base64",), lambda c: b64(raw(c.s + c.r + c.t))),
    ("base64, no padding", ("base64",), lambda c: b64(raw(c.s + c.r + c.t)).rstrip("=")),
    ("base64, blank", ("base64", "base64_plus_to_blank"), lambda c: only_if("+" in (g := b64(raw(c.s + c.r + c.t))), g.replace("+", " "))),
    ("base64url", ("base64",), lambda c: only_if({"-", "_"} & set(g := base64.urlsafe_b64encode(raw(c.s + c.r + c.t)).decode()) != set(), g)),
    ("BigInteger", ("leading_zeros_lost",), lambda c: only_if(c.right[0] == "0", c.right.lstrip("0"))),
    ("newline", ("blanks_around",), lambda c: c.right + "\n"),
    # Keys that were sent
    ("the secret", ("unhashed",), lambda c: c.s),
    ("the text", ("unhashed",), lambda c: c.s + c.r + c.t),
    ("the text in something", ("unhashed",), lambda c: f"sha1({c.s}{c.r}{c.t})"),
    ("the text in base64", ("unhashed",), lambda c: b64((c.s + c.r + c.t).encode())),
    ("Go's Sum", ("unhashed",), lambda c: (c.s + c.r + c.t).encode().hex() + sha1("")),
    # Several mistakes at once
    ("v1, one second, upper case", ("v1_formula", "curtime_off_by_one", "uppercase_hex"), lambda c: sha1(f"{c.s}{c.n - 1}").upper()),
    ("order, one second", ("wrong_order", "curtime_off_by_one"), lambda c: sha1(f"{c.r}{c.s}{c.n + 1}")),
    ("order, two seconds", ("wrong_order", "curtime_off_by_two"), lambda c: sha1(f"{c.n - 2}{c.s}{c.r}")),
    ("order, eight hours", ("wrong_order", "curtime_eight_hours_off"), lambda c: sha1(f"{c.n + 28800}{c.r}{c.s}")),
    ("order, milliseconds", ("wrong_order", "curtime_hashed_in_milliseconds"), lambda c: sha1(f"{c.s}{c.n}000{c.r}")),
    ("order, md5, upper case", ("wrong_order", "md5", "uppercase_hex"), lambda c: hexed("md5", c.r + c.s + c.t).upper()),
    ("appkey, one second", ("appkey_for_restapikey", "curtime_off_by_one"), lambda c: sha1(f"{c.s}{c.k}{c.n + 1}")),
    ("milliseconds, v1, md5", ("v1_formula", "curtime_hashed_in_milliseconds", "md5"), lambda c: hexed("md5", f"{c.s}{c.n}000")),
    ("other app, v1, base64", ("v1_formula", "other_app", "base64"), lambda c: plain_b64(raw(c.other_s + c.t))),
    ("newline, upper case", ("key_newline", "uppercase_hex"), lambda c: sha1(c.s + "\n" + c.r + c.t).upper()),
    ("newline, v1, sha256", ("v1_formula", "key_newline", "sha256"), lambda c: hexed("sha256", c.s + "\n" + c.t)),
    ("newlines and echo", ("key_newline", "message_newline"), lambda c: sha1(f"{c.s}\n{c.r}\n{c.t}\n")),
    ("decoded, dashes", ("key_base64_decoded", "dashes"), lambda c: raw(base64.b64decode(c.s) + (c.r + c.t).encode()).hex("-")),
    ("separator, md5, base64", ("separator", "md5", "base64"), lambda c: plain_b64(raw(f"{c.s}|{c.r}|{c.t}", "md5"))),
    ("hmac-sha256 in base64", ("hmac", "sha256", "base64"), lambda c: plain_b64(bytes.fromhex(mac(c.s, c.t, "sha256")))),
    ("UTF-16, base64", ("utf16", "base64"), lambda c: plain_b64(raw((c.s + c.r + c.t).encode("utf-16-le")))),
    ("cached, upper case", ("stale_checksum", "uppercase_hex"), lambda c: sha1(f"{c.s}{c.r}{c.n - 60}").upper()),
    ("echo, newline after the digest", ("message_newline", "blanks_around"), lambda c: sha1(c.s + c.r + c.t + "\n") + "\n"),
)  # fmt: skip
"""What the client does, the diagnosis it must get, and the checksum it sends."""

URLS: tuple[tuple[str, tuple[str, ...], Callable[[int], str], Callable[[Client], str]], ...] = (
    ("seconds hashed, milliseconds sent", ("curtime_hashed_in_seconds",), lambda n: f"{n}347", lambda c: sha1(f"{c.s}{c.r}{c.t[:10]}")),
    ("seconds hashed, microseconds sent", ("curtime_hashed_in_seconds",), lambda n: f"{n}347123", lambda c: sha1(f"{c.s}{c.r}{c.t[:10]}")),
    ("v1 in seconds, milliseconds sent", ("v1_formula", "curtime_hashed_in_seconds"), lambda n: f"{n}347", lambda c: sha1(f"{c.s}{c.t[:10]}")),
    ("truncated when hashed", ("curtime_hashed_truncated",), lambda n: f"{n}.347", lambda c: sha1(f"{c.s}{c.r}{c.t[:10]}")),
    ("rounded when hashed", ("curtime_hashed_truncated", "curtime_off_by_one"), lambda n: f"{n}.81234", lambda c: sha1(f"{c.s}{c.r}{int(c.t[:10]) + 1}")),
    ("milliseconds hashed, fraction sent", ("curtime_hashed_in_milliseconds",), lambda n: f"{n}.347", lambda c: sha1(f"{c.s}{c.r}{c.t.replace('.', '')}")),
    ("fraction in both, v1", ("v1_formula",), lambda n: f"{n}.347", lambda c: sha1(f"{c.s}{c.t}")),
    ("milliseconds in both, md5", ("md5",), lambda n: f"{n}347", lambda c: hexed("md5", f"{c.s}{c.r}{c.t}")),
)  # fmt: skip
"""Clients whose curtime has another form in the URL: the mistake, the diagnosis, the curtime and the checksum sent."""

RANDOM_DIGESTS = (
    (20, lambda raw: raw.hex(), ()),
    (20, lambda raw: raw.hex().upper(), ("uppercase_hex",)),
    (20, lambda raw: b64(raw), ("base64",)),
    (20, lambda raw: b64(raw).rstrip("="), ("not_hex", "wrong_length")),
    (20, lambda raw: raw.hex("-"), ("dashes",)),
    (20, lambda raw: "ÿ" + raw.decode("latin-1")[2:] + "ÿ", ("not_hex", "wrong_length")),
    (20, lambda raw: raw.hex()[:-1] + "g", ("not_hex",)),
    (16, lambda raw: raw.hex(), ("md5_length",)),
    (32, lambda raw: raw.hex(), ("sha256_length",)),
    (17, lambda raw: raw.hex(), ("wrong_length",)),
    (300, lambda raw: raw.hex(), ("wrong_length",)),
    (5_000, lambda raw: raw.hex(), ("wrong_length",)),
)
"""Length of a random digest in bytes, how it is written, and the only facts that may be reported."""
