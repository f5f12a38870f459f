"""The checksum of §1.1.2: computed, compared, and put into a signed query string."""

from __future__ import annotations

import hashlib
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.contract.apps import Credentials
from mockserver.contract.checksum import checksum, checksum_matches, sign

KEYS = Credentials("123456789", "a+b/c==", "rest-key")
RIGHT = hashlib.sha1(b"a+b/c==rest-key1575968312").hexdigest()
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def test_v2_signs_three_parts_and_v1_two():
    """v2 is sha1(appsecret+restapikey+curtime), v1 leaves the restapikey out, both in lower-case hex."""
    assert checksum(KEYS, "1575968312") == RIGHT
    assert checksum(KEYS, "1575968312", "v1") == hashlib.sha1(b"a+b/c==1575968312").hexdigest()


@given(texts, texts, texts)
def test_the_raw_text_is_hashed_as_utf8(secret: str, rest: str, curtime: str):
    """Whatever the parts contain, they are hashed as UTF-8; nothing is decoded, trimmed or escaped."""
    expected = hashlib.sha1(secret.encode() + rest.encode() + curtime.encode()).hexdigest()
    assert checksum(Credentials("k", secret, rest), curtime) == expected


@pytest.mark.parametrize(
    "given_",
    ["", RIGHT.upper(), RIGHT + "\n", RIGHT[:-1], RIGHT + "0", "é" * 40, "\ud800" * 40, "０" * 40, RIGHT[:-1] + "g"],
    ids=["empty", "upper", "newline", "short", "long", "latin", "surrogate", "full-width", "not-hex"],
)
def test_only_forty_lower_case_hex_digits_can_match(given_: str):
    """Any other string is rejected without an exception."""
    assert checksum_matches(RIGHT, KEYS, "1575968312", ("v2",))
    assert not checksum_matches(given_, KEYS, "1575968312", ("v2", "v1"))


def test_each_formula_matches_only_if_it_is_allowed():
    """A v1 checksum matches under v1 or either, a v2 checksum under v2 or either."""
    old = checksum(KEYS, "1575968312", "v1")
    assert [checksum_matches(old, KEYS, "1575968312", f) for f in (("v2",), ("v1",), ("v2", "v1"))] == [
        False,
        True,
        True,
    ]
    assert [checksum_matches(RIGHT, KEYS, "1575968312", f) for f in (("v2",), ("v1",), ("v2", "v1"))] == [
        True,
        False,
        True,
    ]
    assert not checksum_matches(RIGHT, KEYS, "1575968313", ("v2", "v1"))


def test_the_repr_of_credentials_shows_no_secret():
    """Credentials can be logged: only the appkey is in their repr."""
    assert repr(KEYS) == "Credentials(appkey='123456789')"


def test_a_signed_query_is_in_the_documents_order():
    """sign() writes the five parameters of §1.1.1 in order, percent-encoded, with whole seconds."""
    signed = sign(Credentials("a&b", "a+b/c==", "rest-key"), 1575968312.9, identifier="管理 员+", seq="7")
    assert signed.startswith("appkey=a%26b&identifier=%E7%AE%A1%E7%90%86%20%E5%91%98%2B&curtime=1575968312&checksum=")
    assert parse_qsl(signed) == [
        ("appkey", "a&b"),
        ("identifier", "管理 员+"),
        ("curtime", "1575968312"),
        ("checksum", RIGHT),
        ("seq", "7"),
    ]


def test_every_signed_query_has_its_own_seq():
    """Two queries signed in the same second differ in seq (§1.1.2)."""
    seqs = {dict(parse_qsl(sign(KEYS, 1575968312)))["seq"] for _ in range(1_000)}
    assert len(seqs) == 1_000
