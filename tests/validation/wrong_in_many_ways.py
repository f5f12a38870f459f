"""Clients that make two mistakes at once or more, and those whose URL has another curtime than they hash."""

from __future__ import annotations

import base64
from collections.abc import Callable

from wrong_signers import Client, Kind, b64, hexed, only_if, raw, sha1

PAIRS: tuple[Kind, ...] = (
    ("v1, one second, upper case", ("v1_formula", "curtime_off_by_one", "uppercase_hex"), lambda c: only_if((g := sha1(f"{c.s}{c.n - 1}")) != g.upper(), g.upper())),
    ("order, one second", ("wrong_order", "curtime_off_by_one"), lambda c: sha1(f"{c.r}{c.s}{c.n + 1}")),
    ("order, two seconds", ("wrong_order", "curtime_off_by_two"), lambda c: sha1(f"{c.n - 2}{c.s}{c.r}")),
    ("order, eight hours", ("wrong_order", "curtime_eight_hours_off"), lambda c: sha1(f"{c.n + 28800}{c.r}{c.s}")),
    ("order, milliseconds", ("wrong_order", "curtime_hashed_in_milliseconds"), lambda c: sha1(f"{c.s}{c.n}000{c.r}")),
    ("v1 turned round, one second", ("v1_formula", "wrong_order", "curtime_off_by_one"), lambda c: sha1(f"{c.n + 1}{c.s}")),
    ("milliseconds, md5", ("curtime_hashed_in_milliseconds", "md5"), lambda c: hexed("md5", f"{c.s}{c.r}{c.n}000")),
    ("milliseconds, v1, md5, upper case", ("v1_formula", "curtime_hashed_in_milliseconds", "md5", "uppercase_hex"), lambda c: only_if((g := hexed("md5", f"{c.s}{c.n}000")) != g.upper(), g.upper())),
    ("other app, v1, base64", ("v1_formula", "other_app", "base64"), lambda c: only_if(not {"+", "/"} & set(g := b64(raw(c.other_s + c.t))), g)),
    ("newline, upper case", ("key_newline", "uppercase_hex"), lambda c: sha1(c.s + "\n" + c.r + c.t).upper()),
    ("newline, v1, sha256", ("v1_formula", "key_newline", "sha256"), lambda c: hexed("sha256", c.s + "\n" + c.t)),
    ("newlines and echo", ("key_newline", "message_newline"), lambda c: sha1(f"{c.s}\n{c.r}\n{c.t}\n")),
    ("decoded, dashes", ("key_base64_decoded", "dashes"), lambda c: raw(base64.b64decode(c.s) + (c.r + c.t).encode()).hex("-")),
    ("separator, md5, base64", ("separator", "md5", "base64"), lambda c: only_if(not {"+", "/"} & set(g := b64(raw(f"{c.s}|{c.r}|{c.t}", "md5"))), g)),
    ("appkey, two seconds, upper case", ("appkey_for_restapikey", "curtime_off_by_two", "uppercase_hex"), lambda c: only_if((g := sha1(f"{c.s}{c.k}{c.n - 2}")) != g.upper(), g.upper())),
    ("echo and quotes", ("message_newline", "quoted"), lambda c: f'"{sha1(c.s + c.r + c.t + chr(10))}"'),
    ("undefined, upper case", ("key_unset", "uppercase_hex"), lambda c: sha1("undefined" + c.r + c.t).upper()),
    ("UTF-16, base64", ("utf16", "base64"), lambda c: only_if(not {"+", "/"} & set(g := b64(raw((c.s + c.r + c.t).encode("utf-16-le")))), g)),
    ("stale, sha256", ("stale_checksum", "sha256"), lambda c: hexed("sha256", f"{c.s}{c.r}{c.n - 200}")),
    ("other app and one second", ("other_app", "curtime_off_by_one"), lambda c: sha1(f"{c.other_s}{c.other_r}{c.n - 1}")),
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
