"""Secrets in requests are masked, however they are escaped; everything else stays as it is."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, unquote

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mockserver.contract.apps import Credentials
from mockserver.core.http import Request
from mockserver.core.text import MASK
from mockserver.validation.redactor import MIN_SECRET_LENGTH, Redactor

SECRET, REST = "CaNaRy/secret+of_one-app==", "canary~restapikey&one"
AROUND = st.text("房间 é\n\t", max_size=20)
PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=MIN_SECRET_LENGTH, max_size=60)


def new_redactor(*keys: Credentials) -> Redactor:
    """Return a redactor that knows two apps, or those given."""
    redactor = Redactor()
    keys = keys or (Credentials("1", SECRET, REST), Credentials("2", "MADE/UP+two==", "redactor-up-two"))
    redactor.add_secrets(secret for each in keys for secret in each.secrets)
    return redactor


@pytest.fixture(scope="module")
def crowd() -> Redactor:
    """A redactor with thousands of secrets with as many prefixes."""
    return new_redactor(*CROWD)


def escape(secret: str, draw: st.DataObject) -> str:
    """Return the secret with each character as it is or escaped in some way."""
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
def test_a_secret_is_masked_however_it_is_escaped(secret: str, before: str, after: str, data: st.DataObject) -> None:
    """In the middle of any text, with any mixture of escapes; the text around it is unchanged."""
    # A secret that itself looks percent-encoded may be too short to be recognized once it is decoded.
    assume(unquote(secret) == secret)
    redactor = new_redactor(Credentials("1", secret, "another-one"))
    text = before + escape(secret, data) + after
    masked = redactor.redact_text(text)
    assert masked == f"{before}{MASK}{after}"


CROWD = tuple(Credentials(str(n), f"{n:05d}-secret-of-many", f"rest-{n:05d}") for n in range(3_000))


@settings(max_examples=200, deadline=None)
@given(keys=st.sampled_from(CROWD), before=AROUND, after=AROUND, data=st.data())
def test_among_thousands_of_apps_a_secret_is_masked_too(
    crowd: Redactor, keys: Credentials, before: str, after: str, data: st.DataObject
) -> None:
    """However many secrets there are, the right one is masked; a text without any is unchanged."""
    assert crowd.redact_text(before + escape(keys.appsecret, data) + after) == f"{before}{MASK}{after}"
    assert crowd.redact_text(before + after) == before + after


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80))
def test_any_other_text_is_left_alone(text: str) -> None:
    """A text without secrets is returned as the same object."""
    if not any(secret in text for secret in (SECRET, REST)):
        assert new_redactor().redact_text(text) is text


@pytest.mark.parametrize(
    "parts",
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
    ids=lambda parts: next(iter(parts)),
)
def test_every_part_of_a_request_is_redacted(parts: dict) -> None:
    """Query, path, headers, body and method are redacted; redacting again changes nothing."""
    request = Request(**{"method": "POST", "path": "/v2/video/query_room_info", **parts})
    redacted = new_redactor().redact(request)
    text = repr((redacted.method, redacted.path, redacted.query, dict(redacted.headers), redacted.body))
    assert MASK in text
    assert "aNaRy" not in text
    assert "canary~" not in text
    assert b"canary~".hex() not in text
    assert b"aNaRy".hex() not in text.lower()
    assert new_redactor().redact(redacted) is redacted


def test_a_request_without_secrets_is_the_same_object() -> None:
    """Nothing is copied if there is nothing to mask, not even if a text starts like a secret."""
    redactor = new_redactor(
        *(Credentials(str(n), f"MADE/UP+secret-{n:04}==", f"redactor-up-{n:04}") for n in range(2_000))
    )
    request = Request(
        "POST", "/v2/video/x", "appkey=1&checksum=abc", {"a": "redactor-up-9"}, b'{"RoomId": "MADE/UP+x%2f"}'
    )
    assert redactor.redact(request) is request
    assert (
        redactor.redact_text("redactor-up-0815, redactor-up-9999, MADE/UP+secret-0007==!")
        == f"{MASK}, redactor-up-9999, {MASK}!"
    )


@pytest.mark.parametrize(
    "parts", [{"query": "q=freshsecret"}, {"body": b"freshsecret"}, {"headers": {"x-key": "freshsecret"}}], ids=str
)
def test_a_secret_is_masked_in_a_repeated_request_once_it_is_registered(parts: dict) -> None:
    """What was found to contain no secret is checked again when a secret is added."""
    redactor, request = Redactor(), Request("POST", "/", **parts)
    redactor.add_secrets(["another-secret"])
    assert [redactor.redact(request) for _ in range(2)] == [request, request]
    redactor.add_secrets(["freshsecret"])
    assert "freshsecret" not in repr(redactor.redact(request).query + str(redactor.redact(request).headers))
    assert b"freshsecret" not in redactor.redact(request).body


def test_of_two_secrets_with_the_same_start_the_longer_is_masked() -> None:
    """No tail of the longer one is left; two in a row are masked as two."""
    redactor = new_redactor(Credentials("1", "secret-one", "secret-one-and-more"))
    assert redactor.redact_text("secret-one-and-more") == MASK
    assert redactor.redact_text("secret-onesecret-one-and-more") == MASK * 2


def test_a_short_key_is_not_masked() -> None:
    """It occurs in ordinary words by chance: masking these would give it away."""
    redactor = new_redactor(Credentials("1", "secret", "key"))
    assert redactor.redact_text("sha1(appsecret+restapikey)") == "sha1(appsecret+restapikey)"


@pytest.mark.parametrize("secret", ["%61%62%63%64", "%61%62%63%64%65%66", "\\\\a\\d\\m\\i\\n"])
def test_a_secret_that_unescapes_to_a_short_word_masks_no_words(secret: str) -> None:
    """What the secret unescapes to is too short to be distinguished from ordinary words."""
    redactor = new_redactor(Credentials("1", secret, "another-one"))
    for word in ("abcd", "abcdef", "admins", "x" * 5 + "abcd"):
        assert redactor.redact_text(word) == word


def test_base64_of_a_secret_is_masked() -> None:
    """The base64 form of a secret is masked; only its padding may remain."""
    whole = base64.b64encode(SECRET.encode()).decode()
    assert new_redactor().redact_text(f"x={whole}") in (f"x={MASK}", f"x={MASK}=", f"x={MASK}==")


def test_a_megabyte_of_prefixes_is_left_alone() -> None:
    """A long text full of prefixes of secrets is returned as the same object."""
    text = "MADE/U" * 170_000
    assert new_redactor().redact_text(text) is text
    crowd = new_redactor(*CROWD)
    digits = "0" * 1_000_000
    assert crowd.redact_text(digits) is digits
