"""A journal entry as JSON: everything about the request except its secrets."""

from __future__ import annotations

import hashlib
import json

import pytest
from helpers.journal_entries import entry, shown_entry, wrong

from mockserver.reporting.json_shapes import entry_json


def test_the_shape_is_stable() -> None:
    """The keys that the admin API and the plugin promise."""
    shape = entry_json(
        entry(id="00000007", at=1575962220.5, error="unknown_field", status=200, violations=(wrong(got="roomid"),),
              faults=("latency",), near="answer 1: …", scenario="busy-day", seconds=0.25, readings={"signing": "v2"})
    )  # fmt: skip
    assert shape == {
        "id": "00000007", "kind": "request",
        "at": 1575962220.5,
        "time": "2019-12-10T15:17:00.500+08:00",
        "appkey": "key",
        "operation": "query_room_info",
        "accepted": False,
        "error": "unknown_field",
        "scenario": "busy-day",
        "by": "contract",
        "faults": ["latency"],
        "near": "answer 1: …",
        "request": {
            "method": "POST",
            "path": "/v2/video/query_room_info",
            "query": {
                "appkey": "key", "identifier": "admin", "curtime": "1575962220", "checksum": "abcdef…", "seq": "1",
            },
            "headers": {"host": "127.0.0.1", "content-type": "application/json", "user-agent": "client/1"},
            "body": '{"RoomId": "77"}',
            "body_length": 16,
            "json": {"RoomId": "77"},
            "json_cut": False,
        },
        "violations": [
            {
                "name": "unknown_field", "error": "unknown_field", "where": "body:/roomid", "expected": "RoomId",
                "got": "roomid", "section": "2.2.4", "text": "roomid is not documented; remove it",
                    "texts": {"en": "roomid is not documented; remove it", "zh": "roomid 未在文档中；请去掉"},
                "diagnosis": "", "tolerated": False,
            }
        ],
        "diagnosis": "roomid is not documented; remove it",
        "answer": {
            "status": 200,
            "empty": False,
            "spoiled": False,
            "body": '{"Status":"OK","ErrorCode":0,"ErrorInfo":""}',
            "body_length": 44,
        },
        "readings": {"signing": "v2"},
        "seconds": 0.25,
        "delivery_seconds": 0.0,
    }  # fmt: skip


def test_texts_are_in_the_requested_language() -> None:
    """The violation and the diagnosis."""
    shape = entry_json(entry(violations=(wrong(),)), "zh")
    assert shape["violations"][0]["text"] == shape["diagnosis"] == "roomid 未在文档中；请去掉"
    mixed = entry(violations=(wrong(got="a", tolerated=True), wrong(got="b")))
    assert entry_json(mixed)["diagnosis"] == "b is not documented; remove it"


def test_a_binary_body_is_base64() -> None:
    """UTF-8 is shown as text, everything else without loss."""
    shape = entry_json(entry(body=b"\xff\x00"))["request"]
    assert (shape["body"], shape["body_base64"], shape["body_length"]) == (None, "/wA=", 2)
    assert "body_base64" not in entry_json(entry(body="房".encode()))["request"]


@pytest.mark.parametrize("before", range(4))
def test_a_cut_body_has_its_full_length_and_hash(before: int) -> None:
    """Even if the cut splits a character."""
    whole = b"x" * before + "房间".encode() * 20_000
    shape = entry_json(shown_entry(body=whole))["request"]
    assert whole.startswith(shape["body"].encode())
    assert len(shape["body"].encode()) > 65_530
    assert (shape["body_length"], shape["body_sha256"]) == (len(whole), hashlib.sha256(whole).hexdigest())


def test_credentials_are_masked() -> None:
    """Those in headers entirely, a checksum except for six characters."""
    canary, checksum = "canary-secret", "0123456789abcdef0123456789abcdef01234567"
    headers = dict.fromkeys(("authorization", "X-Appsecret", "cookie", "x-auth-token", "api-key"), canary)
    shape = json.dumps(entry_json(shown_entry(headers=headers, query={"checksum": checksum})))
    assert canary not in shape
    assert checksum not in shape
    assert '"checksum": "012345\\u2026"' in shape


@pytest.mark.parametrize("at", [0.0, -1e18, 1e18, float("inf")])
def test_a_time_outside_the_calendar_is_shown_in_seconds_only(at: float) -> None:
    """A clock far in the future breaks nothing."""
    assert isinstance(entry_json(entry(at=at))["time"], str)
