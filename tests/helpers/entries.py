"""Entries, and notes for a journal: everything has a plain value, a test names what it is about."""

from __future__ import annotations

import itertools
import json
from typing import Any
from urllib.parse import urlencode

from mockserver.contract.readings import DEFAULTS
from mockserver.contract.violations import Violation, make_violation
from mockserver.core.http import Request
from mockserver.engine.journal_entry import Entry, Note

_IDS = itertools.count(1)
HEADERS = {"host": "127.0.0.1", "content-type": "application/json", "user-agent": "client/1"}
QUERY = {"appkey": "key", "identifier": "admin", "curtime": "1575962220", "checksum": "abcdef…", "seq": "1"}


def entry(**words: Any) -> Entry:
    """An accepted query_room_info, but for `words`; `fields` fill the body when none is given."""
    made = {
        "id": f"{next(_IDS):08d}",
        "at": 1575962220.0,
        "appkey": "key",
        "operation": "query_room_info",
        "method": "POST",
        "path": "/v2/video/" + words.get("operation", "query_room_info"),
        "query": dict(QUERY),
        "headers": dict(HEADERS),
        "body": b'{"RoomId": "77"}',
        "fields": {"RoomId": "77"},
        "scenario": "default",
        "by": "contract" if words.get("violations") else "world",
        "error": "",
        "faults": (),
        "violations": (),
        "fingerprint": "one",
        "status": 200,
        "answer": b'{"Status":"OK","ErrorCode":0,"ErrorInfo":""}',
        "seconds": 0.0,
        "readings": DEFAULTS,
    }
    return Entry(**{**made, **words})


def note(**words: Any) -> Note:
    """An entry of the same words before it was in a journal: what is not among them is what the call says."""
    made, query = entry(**words), words.get("query")
    body = json.dumps(words["fields"]).encode() if "fields" in words and "body" not in words else made.body
    return Note(
        id=made.id,
        at=made.at,
        appkey=made.appkey,
        operation=made.operation,
        request=Request(
            made.method, made.path, urlencode(QUERY if query is None else query), made.headers, body
        ),
        query=made.query,
        fields=made.fields,
        scenario=made.scenario,
        by=made.by,
        error=made.error,
        faults=made.faults,
        violations=made.violations,
        status=made.status,
        answer=made.answer,
        seconds=made.seconds,
        empty=made.empty,
        near=made.near,
        spoiled=made.spoiled,
        readings=made.readings,
        started=made.started,
        delivery=made.delivery,
    )


WORDS = {
    "span": "301 s",
    "span_zh": "301 秒",
    "side": "behind",
    "side_zh": "慢",
    "limit": 300,
    "reason": "",
    "reason_zh": "",
}


def wrong(name: str = "unknown_field", *, tolerated: bool = False, got: str = "roomid") -> Violation:
    """A violation of any kind."""
    return make_violation(
        name,
        "body:/roomid",
        expected="RoomId",
        got=got,
        section="2.2.4",
        tolerated=tolerated,
        name=got,
        **WORDS,
    )
