"""Checksums of which nothing is known but their shape, and what may be told of it."""

from __future__ import annotations

from wrong_signers import b64

GARBAGE = (
    (20, lambda raw: raw.hex(), ()),
    (20, lambda raw: raw.hex().upper(), ("uppercase_hex",)),
    (20, lambda raw: b64(raw), ("base64",)),
    (20, lambda raw: b64(raw).rstrip("="), ("not_hex", "wrong_length")),
    (20, lambda raw: raw.hex("-"), ("dashes",)),
    (20, lambda raw: "ÿ" + raw.decode("latin-1")[1:], ("not_hex", "wrong_length")),
    (20, lambda raw: raw.hex()[:-1] + "g", ("not_hex",)),
    (16, lambda raw: raw.hex(), ("md5_length",)),
    (28, lambda raw: raw.hex(), ("sha224_length",)),
    (32, lambda raw: raw.hex(), ("sha256_length",)),
    (48, lambda raw: raw.hex(), ("sha384_length",)),
    (64, lambda raw: raw.hex(), ("sha512_length",)),
    (17, lambda raw: raw.hex(), ("wrong_length",)),
    (300, lambda raw: raw.hex(), ("wrong_length",)),
    (5_000, lambda raw: raw.hex(), ("wrong_length",)),
)
"""Bytes of a random digest, how they are written, and the facts that are told."""

ALONE = (
    ("", "checksum_empty"),
    ("  ", "checksum_empty"),
    ("123456789abcdefg", "checksum_sample"),
    ("undefined", "checksum_unset"),
    ("null", "checksum_unset"),
    ("$checksum", "checksum_unset"),
    ("{{checksum}}", "checksum_unset"),
    ("[object Promise]", "checksum_object"),
    ("<built-in method hexdigest of _hashlib.HASH object at 0x7f0>", "checksum_object"),
    ("[B@1b6d3586", "checksum_object"),
    ("<sha1 _hashlib.HASH object @ 0x7f3c1a2b4c50>", "checksum_object"),
    ("System.Byte[]", "checksum_object"),
    ("System.Security.Cryptography.SHA1CryptoServiceProvider", "checksum_object"),
    ("java.security.MessageDigest@1b6d3586", "checksum_object"),
    ("function hex() { [native code] }", "checksum_object"),
    ("async function sign(t) { }", "checksum_object"),
    ("(a, b) => a + b", "checksum_object"),
    ("#<Digest::SHA1:0x000055d0>", "checksum_object"),
    ("HASH(0x55d0c8a3)", "checksum_object"),
    ("0xc000010120", "checksum_object"),
    ("20 bytes", "checksum_object"),
    ("%!s(<nil>)", "checksum_unset"),
    ("<nil>", "checksum_unset"),
    ("process.env.CHECKSUM", "checksum_unset"),
    ("your_checksum", "checksum_unset"),
    ("%CHECKSUM%", "checksum_unset"),
)
"""What is no digest, and the name that is the whole explanation."""
