"""What the journal stores of a request and what it shows: never a secret, never a whole checksum."""

from __future__ import annotations

import base64
import gc
import hashlib
import json
from dataclasses import fields as fields_of
from dataclasses import replace
from typing import Any

import pytest
from helpers.journal_entries import entry, shown_entry, wrong

from mockserver.contract.readings import DEFAULTS
from mockserver.core.http import Request
from mockserver.engine.journal import Journal
from mockserver.engine.journal_codec import decode, encode
from mockserver.engine.journal_entry import MAX_BODY, MAX_FIELDS, MAX_TEXT, JournalEntry
from mockserver.reporting.json_shapes import entry_json
from mockserver.validation.query import read_query

SECRET = "cAnArY/secret+0123456789abcdef=="


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"fields": {"RoomId": "房间", "CountBy": 2}},
        {"query": {"seq": "a b", "checksum": "ab" * 20, "identifier": "张三"}},
        {"query": {"seq": "", "checksum": "ab" * 20}},
        {"query": {"seq": "\ud800"}, "fields": {"RoomId": "\udfff", "CountBy": 10**30}, "violations": (wrong(),)},
        {"violations": (wrong(), wrong("malformed_json", tolerated=True)), "error": "malformed_json"},
        {"body": b'{"RoomId": "77"' + b" " * 1_009 + b"}"},
        {"body": b'{"RoomId": "77"' + b" " * 1_008 + b"}", "fields": {"RoomId": "77"}},
        {"answer": bytes(65_536), "by": "a#1", "near": "a#2: x", "faults": ("latency", "hang"), "spoiled": True},
        {"kind": "stray", "path": "/favicon.ico", "method": "GET", "operation": "", "detail": "text", "readings": {}},
        {"readings": {**DEFAULTS, "window": "enter"}, "seconds": 0.25, "delivery": 1.5, "started": 5.0, "empty": True},
    ],
)
def test_an_entry_comes_back_from_its_bytes(values: dict[str, Any]) -> None:
    """Every field has the value that the engine gave it, but for masked checksums and the raw query."""
    added = entry(**values)
    received = decode(encode(added))
    for field in fields_of(JournalEntry):
        if field.name not in ("request", "query", "fingerprint"):
            assert getattr(received, field.name) == getattr(added, field.name), field.name
    for name in ("method", "path", "headers", "body"):
        assert getattr(received, name) == getattr(added, name), name
    checksum = added.query.get("checksum", "")
    assert received.query == {**added.query, **({"checksum": checksum[:6] + "…"} if checksum else {})}


def test_entries_are_bytes_that_the_garbage_collector_does_not_track() -> None:
    """A full journal holds a constant number of tracked objects."""
    journal = Journal()
    for number in range(100):
        journal.add(entry(fields={"RoomId": str(number)}, violations=(wrong(),) if number % 9 == 0 else ()))
    gc.collect()
    (app,) = journal._apps.values()
    assert len(app.entries) == 100
    assert not any(map(gc.is_tracked, app.entries))


def test_a_long_body_is_cut_and_its_length_and_hash_are_kept() -> None:
    """Over 64 KB only the beginning of a request or answer is kept; exactly 64 KB is kept whole."""
    whole = bytes(range(256)) * 256
    assert shown_entry(body=whole).body_cut is None
    shown = shown_entry(body=whole + b"!", answer=whole + b"?")
    assert (shown.body, shown.answer) == (whole, whole)
    assert shown.body_cut == (65_537, hashlib.sha256(whole + b"!").hexdigest())
    assert shown.answer_cut == (65_537, hashlib.sha256(whole + b"?").hexdigest())
    assert MAX_BODY == 65_536


def test_a_body_that_was_not_read_is_marked_as_cut() -> None:
    """The announced length of an overlong body is kept; its hash is unknown."""
    received = entry(fields={}, violations=(wrong(),))
    received.request = replace(received.request, body=b"", overlong=True, length=2_000_000)
    shown = decode(encode(received))
    assert shown.body_cut == (2_000_000, "")
    assert shown.fields_cut


@pytest.mark.parametrize(
    "raw", ["appkey=1&&seq=2&", "appkey=1&seq", "appkey=1&seq=", "appkey=1&seq==&", "appkey=1&seq=%31"]
)
def test_a_query_is_parsed_again_as_before(raw: str) -> None:
    """The journal parses any odd query string to the values that the engine read."""
    stored = entry()
    stored.request, stored.query = Request("POST", "/", raw, body=b"{}"), read_query(raw).values
    assert decode(encode(stored)).query == read_query(raw).values


@pytest.mark.parametrize("value", [["x"] * 30_000, {"a": {"b": "x" * 90_000}}, "x" * 90_000])
def test_a_field_cannot_take_more_memory_than_it_is_counted_for(value: Any) -> None:
    """Lists, objects and long texts of a body are kept as a short text."""
    fields = shown_entry(fields={"RoomId": value, "CountBy": 3}).fields
    assert fields["CountBy"] == 3
    assert isinstance(fields["RoomId"], str)
    assert len(fields["RoomId"]) < MAX_TEXT + 20
    shown = shown_entry(fields={f"f{n}": n for n in range(5_000)}, query={f"q{n}": "x" * 5_000 for n in range(900)})
    assert (len(shown.fields), len(shown.query)) == (MAX_FIELDS, MAX_FIELDS)
    assert len(encode(entry(query={f"q{n}": "x" * 5_000 for n in range(900)}))) < 4_000_000


@pytest.mark.parametrize(
    "name",
    ["authorization", "proxy-authorization", "cookie", "x-appsecret", "x-app-secret", "x-token", "x-api-key",
     "X-AppSecret", "password", "x-session", "x-checksum", "x-signature", "restapikey"],
)  # fmt: skip
def test_a_header_that_carries_credentials_is_masked(name: str) -> None:
    """The name is kept, the value is not, whatever app it belongs to."""
    shown = shown_entry(headers={name: SECRET, "accept": "*/*"})
    assert shown.headers == {name: "***", "accept": "*/*"}


def test_a_fingerprint_identifies_a_checksum_without_revealing_it() -> None:
    """Fingerprints are equal for equal checksums of one journal, and differ between journals."""
    fingerprints = []
    for journal in (Journal(), Journal()):
        for checksum in ("ab" * 20, "cd" * 20, "ab" * 20, ""):
            journal.add(entry(query={"checksum": checksum}))
        fingerprints.append([shown.fingerprint for shown in journal.select().entries])
    for first, second, again, none in fingerprints:
        assert first == again
        assert len({first, second, none}) == 3
    assert not set(fingerprints[0]) & set(fingerprints[1])


def test_only_six_characters_of_a_checksum_are_shown() -> None:
    """That holds in the query under any case, in headers, and in quoted URLs; elsewhere it is cut in the JSON."""
    whole = "0123456789abcdef0123456789ABCDEF01234567"
    shown = shown_entry(
        query={"checksum": whole, "CheckSum": whole, "u": whole, f"{whole}0": "1", "seq": whole + "00"},
        headers={"referer": f"/?c={whole}&"},
        body=f'{{"checksum" : "{whole}", "RoomId": "{whole}"}}'.encode(),
        fields={"checksum": whole, "RoomId": whole},
    )
    assert [shown_entry(query={"checksum": whole[:size]}).query["checksum"] for size in (0, 6, 7, 8, 39)] == [
        "", "012345", "012345…", "012345…", "012345…",
    ]  # fmt: skip
    assert (shown.query["checksum"], shown.query["CheckSum"], shown.query["u"]) == ("012345…", "012345…", whole)
    request = entry_json(shown)["request"]
    assert request["query"] == dict.fromkeys(("checksum", "CheckSum", "u", "seq"), "012345…") | {"012345…": "1"}
    assert request["json"] == {"checksum": "012345…", "RoomId": whole}
    assert request["body"] == f'{{"checksum" : "012345…", "RoomId": "{whole}"}}'
    form = entry(body=f"a=1&CHECKSUM={whole}&b=".encode() + b"\xff")
    assert whole.encode() not in base64.b64decode(entry_json(form)["request"]["body_base64"])
    assert shown.headers == {"referer": "/?c=012345…&"}


def test_the_raw_query_string_is_not_shown() -> None:
    """A redacted entry does not repeat the checksum in the request's query string."""
    checksum = "0123456789abcdef0123456789abcdef01234567"
    shown = shown_entry(query={"checksum": checksum})
    assert checksum not in "".join(repr(getattr(shown, field.name)) for field in fields_of(JournalEntry))
    assert shown.request.query == ""


@pytest.mark.parametrize("body", [b'{"x":{"checksum":"%s"}}', b'{"x":[{"Checksum":"%s"}]}', b'{"checksum":{"a":"%s"}}'])
def test_a_checksum_inside_of_an_object_is_shortened_in_the_fields(body: bytes) -> None:
    """An object is shown as text, in which a checksum is shortened as in the body."""
    checksum = hashlib.sha1(b"1").hexdigest()
    fields = json.loads(body % checksum.encode())
    shown = entry_json(shown_entry(fields=fields, request=Request("POST", "/", "", {}, body % checksum.encode())))
    (text,) = shown["request"]["json"].values()
    assert checksum[:6] in text
    assert checksum not in text
