"""What of a request is kept, and what a reader is told of it: never a secret, never a whole checksum."""

from __future__ import annotations

import base64
import copy
import hashlib
from dataclasses import fields as fields_of
from typing import Any

import pytest
from helpers.entries import entry, note, wrong

from mockserver.core.http import Request
from mockserver.engine.journal import Journal
from mockserver.engine.journal_entries import MOST_BODY, entry_of, fold, size_of, tidy
from mockserver.engine.journal_entry import Entry
from mockserver.engine.masking import MOST_FIELD, MOST_FIELDS
from mockserver.reporting.entry_json import entry_json
from mockserver.validation.query import read_query

SECRET = "cAnArY/secret+0123456789abcdef=="


def everything(one: Entry) -> str:
    """All that an entry holds, as text."""
    return "\n".join(repr(getattr(one, field.name)) for field in fields_of(one))


@pytest.mark.parametrize(
    ("words", "folded"),
    [
        ({}, True),
        ({"fields": {"RoomId": "房间", "CountBy": 2}}, True),
        ({"query": {"seq": "a b", "checksum": "ab" * 20, "identifier": "张三"}}, True),
        ({"query": {"seq": "", "checksum": "ab" * 20}}, True),
        ({"violations": (wrong(),)}, False),
        ({"body": b'{"RoomId": "77"' + b" " * 1_009 + b"}"}, False),
        ({"answer": bytes(65_537)}, False),
    ],
)
def test_a_folded_note_tells_the_same(words: dict[str, Any], folded: bool) -> None:
    """What is left out of a request in order comes back when it is read; any other is not touched."""
    one = note(**words)
    before = entry_of(copy.copy(one))
    assert fold(one) is folded
    assert entry_of(one) == before
    assert (one.fields is None) is folded


def test_a_long_body_is_cut_and_its_length_and_hash_are_kept() -> None:
    """Over 64 KB only the beginning stays, of requests and of answers; exactly 64 KB stays whole."""
    whole = bytes(range(256)) * 256
    assert tidy(entry(body=whole)).body_cut is None
    kept = tidy(entry(body=whole + b"!", answer=whole + b"?"))
    assert (kept.body, kept.answer) == (whole, whole)
    assert kept.body_cut == (65_537, hashlib.sha256(whole + b"!").hexdigest())
    assert kept.answer_cut == (65_537, hashlib.sha256(whole + b"?").hexdigest())
    assert MOST_BODY == 65_536


@pytest.mark.parametrize(
    "raw", ["appkey=1&&seq=2&", "appkey=1&seq", "appkey=1&seq=", "appkey=1&seq==&", "appkey=1&seq=%31"]
)
def test_a_folded_query_is_read_as_it_was(raw: str) -> None:
    """Whatever odd form a query in order has: by hand or from the raw text, it is the same."""
    one = note()
    one.request, one.query = Request("POST", "/", raw, body=b"{}"), read_query(raw).values
    before = entry_of(copy.copy(one))
    fold(one)
    assert entry_of(one).query == before.query


@pytest.mark.parametrize("value", [["x"] * 30_000, {"a": {"b": "x" * 90_000}}, "x" * 90_000])
def test_a_field_cannot_take_more_room_than_it_is_counted_for(value: Any) -> None:
    """Lists, objects and long texts of a body that was read are kept as a short text."""
    kept = tidy(entry(fields={"RoomId": value, "CountBy": 3})).fields
    assert kept["CountBy"] == 3
    assert isinstance(kept["RoomId"], str)
    assert len(kept["RoomId"]) < MOST_FIELD + 20
    many = tidy(
        entry(fields={f"f{n}": n for n in range(5_000)}, query={f"q{n}": "x" * 5_000 for n in range(900)})
    )
    assert (len(many.fields), len(many.query)) == (MOST_FIELDS, MOST_FIELDS)
    assert size_of(many) < 4_000_000


@pytest.mark.parametrize(
    "name",
    ["authorization", "proxy-authorization", "cookie", "x-appsecret", "x-app-secret", "x-token", "x-api-key",
     "X-AppSecret", "password", "x-session", "x-checksum", "x-signature", "restapikey"],
)  # fmt: skip
def test_a_header_that_carries_credentials_is_masked(name: str) -> None:
    """Its name stays, its value does not, whatever app it belongs to."""
    kept = tidy(entry(headers={name: SECRET, "accept": "*/*"}))
    assert kept.headers == {name: "***", "accept": "*/*"}


def test_a_checksum_is_known_by_a_fingerprint_that_tells_nothing() -> None:
    """Equal for equal checksums of one journal, another one in another journal."""
    prints = []
    for journal in (Journal(), Journal()):
        for checksum in ("ab" * 20, "cd" * 20, "ab" * 20, ""):
            journal.add(note(query={"checksum": checksum}))
        prints.append([one.fingerprint for one in journal.select().entries])
    for first, second, again, none in prints:
        assert first == again
        assert len({first, second, none}) == 3
    assert not set(prints[0]) & set(prints[1])


def test_a_checksum_is_kept_in_six_characters_only() -> None:
    """In the query under any case, in headers, and inside a quoted URL; elsewhere it is cut when it is told."""
    whole = "0123456789abcdef0123456789ABCDEF01234567"
    kept = tidy(
        entry(
            query={"checksum": whole, "CheckSum": whole, "u": whole, f"{whole}0": "1", "seq": whole + "00"},
            headers={"referer": f"/?c={whole}&"},
            body=f'{{"checksum" : "{whole}", "RoomId": "{whole}"}}'.encode(),
            fields={"checksum": whole, "RoomId": whole},
        )
    )
    assert [tidy(entry(query={"checksum": whole[:size]})).query["checksum"] for size in (0, 6, 7, 8, 39)] == [
        "", "012345", "012345…", "012345…", "012345…",
    ]  # fmt: skip
    assert (kept.query["checksum"], kept.query["CheckSum"], kept.query["u"]) == ("012345…", "012345…", whole)
    told = entry_json(kept)["request"]
    assert told["query"] == dict.fromkeys(("checksum", "CheckSum", "u", "seq"), "012345…") | {"012345…": "1"}
    assert told["json"] == {"checksum": "012345…", "RoomId": whole}
    assert told["body"] == f'{{"checksum" : "012345…", "RoomId": "{whole}"}}'
    form = entry(body=f"a=1&CHECKSUM={whole}&b=".encode() + b"\xff")
    assert whole.encode() not in base64.b64decode(entry_json(form)["request"]["body_base64"])
    assert kept.headers == {"referer": "/?c=012345…&"}


def test_an_honest_entry_is_kept_as_it_is() -> None:
    """Nothing is copied when there is nothing to hide."""
    one = entry()
    assert tidy(one) is one
