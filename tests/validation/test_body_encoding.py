"""An encoded body is named for what it is; text in any character set is left to the JSON parser."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib

import pytest

from mockserver.validation.json_body import find_encoding, parse_json

TEXT = '{"RoomId": "77"}'
JSON = TEXT.encode()
RAW = zlib.compressobj(wbits=-15)

ENCODED = {
    "gzip": gzip.compress(JSON),
    "gzip cut off": gzip.compress(JSON)[:3],
    "deflate": zlib.compress(JSON),
    "deflate, fast": zlib.compress(JSON, 1),
    "deflate, raw": RAW.compress(JSON) + RAW.flush(),
    "zstd": bytes.fromhex("28b52ffd2010810000") + JSON,
    "bzip2": bz2.compress(JSON),
    "xz": lzma.compress(JSON),
    "binary": bytes.fromhex("8b0780") + JSON + b"\x03",
}


@pytest.mark.parametrize("name", ENCODED)
def test_an_encoding_is_named(name: str) -> None:
    """By its first bytes, or by what comes out of it."""
    found = find_encoding(ENCODED[name])
    assert found is not None
    assert found.en.startswith(f"{name.split()[0].rstrip(',')} data")


@pytest.mark.parametrize("charset", ["utf-8", "gbk", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
@pytest.mark.parametrize("text", ["{", "xyz", TEXT, TEXT + "}", '{"名": "会议室"'])
def test_text_is_not_encoded_in_any_character_set(charset: str, text: str) -> None:
    """Invalid JSON is explained as such, and UTF-16 and UTF-32 are named."""
    body = text.encode(charset)
    assert find_encoding(body) is None
    if charset.startswith("utf-16") or charset.startswith("utf-32"):
        assert "UTF-16 or UTF-32" in parse_json(body).violations[0].text.en
