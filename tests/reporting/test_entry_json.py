"""An entry as JSON: everything of the request that may be told, nothing that may not."""

from __future__ import annotations

import hashlib
import json

import pytest
from helpers.journal_entries import entry, wrong

from mockserver.reporting.json_shapes import entry_json


def test_the_shape() -> None:
    """What admin API and plugin promise."""
    told = entry_json(
        entry(id="00000007", at=1575962220.5, error="unknown_field", status=200, violations=(wrong(got="roomid"),),
              faults=("latency",), near="answer 1: …", scenario="busy-day", seconds=0.25, readings={"signing": "v2"})
    )  # fmt: skip
    assert told == {
        "id": "00000007",
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


def test_texts_come_in_the_language_asked_for() -> None:
    """The violation and the diagnosis."""
    told = entry_json(entry(violations=(wrong(),)), "zh")
    assert told["violations"][0]["text"] == told["diagnosis"] == "roomid 未在文档中；请去掉"
    mixed = entry(violations=(wrong(got="a", tolerated=True), wrong(got="b")))
    assert entry_json(mixed)["diagnosis"] == "b is not documented; remove it"


def test_a_body_that_is_no_text_comes_in_base64() -> None:
    """UTF-8 as text, everything else as it came, without loss."""
    told = entry_json(entry(body=b"\xff\x00"))["request"]
    assert (told["body"], told["body_base64"], told["body_length"]) == (None, "/wA=", 2)
    assert "body_base64" not in entry_json(entry(body="房".encode()))["request"]


@pytest.mark.parametrize("before", range(4))
def test_a_cut_body_tells_its_whole_length_and_hash(before: int) -> None:
    """Also when the cut goes through a character of several bytes."""
    whole = b"x" * before + "房间".encode() * 20_000
    told = entry_json(entry(body=whole).redact())["request"]
    assert whole.startswith(told["body"].encode())
    assert len(told["body"].encode()) > 65_530
    assert (told["body_length"], told["body_sha256"]) == (len(whole), hashlib.sha256(whole).hexdigest())


def test_no_credential_comes_through() -> None:
    """Credentials in headers are masked, a checksum is six characters."""
    canary, checksum = "canary-secret", "0123456789abcdef0123456789abcdef01234567"
    headers = dict.fromkeys(("authorization", "X-Appsecret", "cookie", "x-auth-token", "api-key"), canary)
    told = json.dumps(entry_json(entry(headers=headers, query={"checksum": checksum}).redact()))
    assert canary not in told
    assert checksum not in told
    assert '"checksum": "012345\\u2026"' in told


@pytest.mark.parametrize("at", [0.0, -1e18, 1e18, float("inf")])
def test_a_clock_far_away_breaks_nothing(at: float) -> None:
    """A moment that no calendar has is told as seconds only."""
    assert isinstance(entry_json(entry(at=at))["time"], str)
