"""Journal entries with plain values, except for what a test is about."""

from __future__ import annotations

import itertools
import json
from typing import Any
from urllib.parse import urlencode

from mockserver.contract.readings import DEFAULTS
from mockserver.contract.violations import Violation, make_violation
from mockserver.core.http import Request
from mockserver.core.text import Text
from mockserver.engine.journal_codec import decode, encode
from mockserver.engine.journal_entry import JournalEntry

_IDS = itertools.count(1)
HEADERS = {"host": "127.0.0.1", "content-type": "application/json", "user-agent": "client/1"}
QUERY = {"appkey": "key", "identifier": "admin", "curtime": "1575962220", "checksum": "abcdef…", "seq": "1"}


def entry(**values: Any) -> JournalEntry:
    """Return an accepted query_room_info as the engine records it, but for `values`.

    `method`, `path`, `headers` and `body` are those of the request. `fields` also fill the body when none is given.
    """
    values.setdefault("operation", "query_room_info")
    query, fields = values.setdefault("query", dict(QUERY)), values.setdefault("fields", {"RoomId": "77"})
    request = Request(
        values.pop("method", "POST"),
        values.pop("path", "/v2/video/" + values["operation"]),
        urlencode(query, errors="surrogatepass"),
        values.pop("headers", dict(HEADERS)),
        values.pop("body", json.dumps(fields).encode()),
    )
    defaults = {
        "id": f"{next(_IDS):08d}",
        "at": 1575962220.0,
        "appkey": "key",
        "request": request,
        "scenario": "default",
        "by": "contract" if values.get("violations") else "world",
        "error": "",
        "faults": (),
        "violations": (),
        "fingerprint": "one",
        "status": 200,
        "answer": b'{"Status":"OK","ErrorCode":0,"ErrorInfo":""}',
        "seconds": 0.0,
        "readings": DEFAULTS,
    }
    return JournalEntry(**{**defaults, **values})


def shown_entry(**values: Any) -> JournalEntry:
    """Return such an entry as the journal shows it."""
    return decode(encode(entry(**values)))


def wrong(name: str = "unknown_field", *, tolerated: bool = False, got: str = "roomid") -> Violation:
    """A violation."""
    return make_violation(
        name,
        "body:/roomid",
        expected="RoomId",
        got=got,
        section="2.2.4",
        tolerated=tolerated,
        name=got,
        span=Text("301 s", "301 秒"),
        side=Text("behind", "慢"),
        limit=300,
        reason="",
    )
