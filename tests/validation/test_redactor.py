"""No secret that a client puts in the wrong place is told or kept, however it is spelled; all else stays as it came."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.contract.checksum import Credentials
from mockserver.core.http import Request
from mockserver.validation.redactor import MASK, MIN_SECRET_LENGTH, Redactor

SECRET, REST = "CaNaRy/secret+of_one-app==", "canary~restapikey&one"
AROUND = st.text("房间 é\n\t", max_size=20)
PRINTABLE = st.text(
    st.characters(min_codepoint=33, max_codepoint=126), min_size=MIN_SECRET_LENGTH, max_size=60
)


def new_redactor(*keys: Credentials) -> Redactor:
    """A vault that knows two apps, or those given."""
    made = Redactor()
    made.add_credentials(
        keys or (Credentials("1", SECRET, REST), Credentials("2", "MADE/UP+two==", "made-up-two"))
    )
    return made


@pytest.fixture(scope="module")
def crowd() -> Redactor:
    """A vault of thousands of secrets that begin in as many ways."""
    return new_redactor(*CROWD)


def spelled(secret: str, draw: st.DataObject) -> str:
    """The secret with each character as it is or behind an escape of some kind."""
    ways = (
        lambda char: char,
        lambda char: f"%{ord(char):02x}",
        lambda char: f"%{ord(char):02X}",
        lambda char: f"%25{ord(char):02x}",
        lambda char: f"\\u{ord(char):04x}",
        lambda char: f"&#{ord(char)};",
        lambda char: f"&#x{ord(char):X};",
        lambda char: "\\" + char if char in "/\"'&=+" else char,
    )
    # A lone % or \ could be read as the beginning of another escape.
    return "".join(draw.draw(st.sampled_from(ways[1:5] if char in "%\\&" else ways))(char) for char in secret)


@settings(max_examples=300, deadline=None)
@given(PRINTABLE, AROUND, AROUND, st.data())
def test_a_secret_is_masked_however_it_is_spelled(
    secret: str, before: str, after: str, data: st.DataObject
) -> None:
    """In the middle of any text, escaped in any mixture of ways; the text around it is not touched."""
    made = new_redactor(Credentials("1", secret, "another-one"))
    text = before + spelled(secret, data) + after
    masked = made.redact_text(text)
    assert masked == f"{before}{MASK}{after}"


CROWD = tuple(Credentials(str(n), f"{n:05d}-secret-of-many", f"rest-{n:05d}") for n in range(3_000))


@settings(max_examples=200, deadline=None)
@given(keys=st.sampled_from(CROWD), before=AROUND, after=AROUND, data=st.data())
def test_among_thousands_of_apps_a_secret_is_masked_too(
    crowd: Redactor, keys: Credentials, before: str, after: str, data: st.DataObject
) -> None:
    """However many there are; a text without any stays as it is."""
    assert crowd.redact_text(before + spelled(keys.appsecret, data) + after) == f"{before}{MASK}{after}"
    assert crowd.redact_text(before + after) == before + after


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80))
def test_any_other_text_is_left_alone(text: str) -> None:
    """The same text comes back when no secret stands in it."""
    if not any(one in text for one in (SECRET, REST)):
        assert new_redactor().redact_text(text) is text


@pytest.mark.parametrize(
    "words",
    [
        {"query": f"appkey={quote(SECRET, safe='')}"},
        {"query": f"appkey={SECRET}&seq=1"},
        {"query": f"appkey={quote(SECRET, safe='').lower().replace('canary', 'CaNaRy')}"},
        {"query": f"{quote(REST, safe='')}=1"},
        {"query": "k=" + SECRET.replace("+", "%20")},
        {"path": f"/v2/video/query_room_info&appsecret={SECRET}"},
        {"headers": {"x-note": f"the key is {SECRET}"}},
        {"headers": {REST: "1"}},
        {"body": json.dumps({"RoomId": SECRET}).encode()},
        {"body": json.dumps({SECRET: 1}).replace("/", "\\/").encode()},
        {"body": b'{"RoomId": "' + SECRET.replace("/", "\\u002f").encode()},
        {"body": b"x" * 70_000 + SECRET.encode() + "房间".encode()},
        {"method": SECRET},
        {"query": f"checksum={(SECRET + REST).encode().hex()}da39a3ee5e6b4b0d3255bfef95601890afd80709"},
        {"query": f"checksum={SECRET.encode().hex().upper()}"},
    ],
    ids=lambda words: next(iter(words)),
)
def test_no_part_of_a_call_keeps_a_secret(words: dict) -> None:
    """Query, path, headers, body and method are clean; what is no secret in them stays."""
    call = Request(**{"method": "POST", "path": "/v2/video/query_room_info", **words})
    clean = new_redactor().redact(call)
    text = repr((clean.method, clean.path, clean.query, dict(clean.headers), clean.body))
    assert MASK in text
    assert "aNaRy" not in text
    assert "canary~" not in text
    assert b"canary~".hex() not in text
    assert b"aNaRy".hex() not in text.lower()
    assert new_redactor().redact(clean) is clean


def test_an_honest_call_is_the_same_object() -> None:
    """Nothing is copied when there is nothing to hide, not even where a text begins like a secret."""
    made = new_redactor(
        *(Credentials(str(n), f"MADE/UP+secret-{n:04}==", f"made-up-{n:04}") for n in range(2_000))
    )
    call = Request(
        "POST", "/v2/video/x", "appkey=1&checksum=abc", {"a": "made-up-9"}, b'{"RoomId": "MADE/UP+x%2f"}'
    )
    assert made.redact(call) is call
    assert (
        made.redact_text("made-up-0815, made-up-9999, MADE/UP+secret-0007==!")
        == f"{MASK}, made-up-9999, {MASK}!"
    )


def test_of_two_secrets_at_one_place_the_longer_is_masked() -> None:
    """One that begins like another leaves no tail; two that follow each other are two."""
    made = new_redactor(Credentials("1", "secret-one", "secret-one-and-more"))
    assert made.redact_text("secret-one-and-more") == MASK
    assert made.redact_text("secret-onesecret-one-and-more") == MASK * 2


def test_a_short_key_is_no_secret_that_could_be_hidden() -> None:
    """It stands in ordinary words by chance: hiding it there would tell it."""
    made = new_redactor(Credentials("1", "secret", "key"))
    assert made.redact_text("sha1(appsecret+restapikey)") == "sha1(appsecret+restapikey)"


@pytest.mark.parametrize("secret", ["%61%62%63%64", "%61%62%63%64%65%66", "\\\\a\\d\\m\\i\\n"])
def test_a_secret_that_reads_as_an_ordinary_word_hides_none(secret: str) -> None:
    """What its escapes mean is too short to be told from words by chance."""
    made = new_redactor(Credentials("1", secret, "another-one"))
    for word in ("abcd", "abcdef", "admins", "x" * 5 + "abcd"):
        assert made.redact_text(word) == word


def test_base64_of_a_secret_is_masked() -> None:
    """Padded or not, in either place."""
    whole = base64.b64encode(SECRET.encode()).decode()
    assert new_redactor().redact_text(f"x={whole}") in (f"x={MASK}", f"x={MASK}=", f"x={MASK}==")


def test_a_megabyte_of_beginnings_is_looked_through_soon() -> None:
    """Nothing is taken apart that holds no secret: the same text comes back."""
    text = "MADE/U" * 170_000
    assert new_redactor().redact_text(text) is text
    crowd = new_redactor(*CROWD)
    digits = "0" * 1_000_000
    assert crowd.redact_text(digits) is digits
