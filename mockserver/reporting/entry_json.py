"""One entry as JSON, for the admin API and the pytest plugin."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from mockserver.contract.violations import Violation
from mockserver.core.text import Lang
from mockserver.engine.journal_entry import Cut, JournalEntry
from mockserver.engine.masking import redact_body, redact_fields, redact_query

_EAST_8 = timezone(timedelta(hours=8))


def entry_json(entry: JournalEntry, lang: Lang = "en") -> dict[str, Any]:
    """An entry as JSON can say it: text where bytes are UTF-8, base64 where they are not, times in UTC+8."""
    told = next((one for one in entry.violations if not one.tolerated), None)
    told = told or next(iter(entry.violations), None)
    return {
        "id": entry.id,
        "at": entry.at,
        "time": _time(entry.at),
        "appkey": entry.appkey,
        "operation": entry.operation,
        "accepted": entry.accepted,
        "error": entry.error,
        "scenario": entry.scenario,
        "by": entry.by,
        "faults": list(entry.faults),
        "near": entry.near,
        "request": {
            "method": entry.method,
            "path": entry.path,
            "query": redact_query(entry.query),
            "headers": dict(entry.headers),
            **_content(entry.body, entry.body_cut, redact_body),
            "json": redact_fields(entry.fields),
            "json_cut": entry.fields_cut,
        },
        "violations": [violation_json(one, lang) for one in entry.violations],
        "diagnosis": told.text.to(lang) if told else entry.detail,
        "answer": {
            "status": entry.status,
            "empty": entry.empty,
            "spoiled": entry.spoiled,
            **_content(entry.answer, entry.answer_cut),
        },
        "readings": dict(entry.readings),
        "seconds": entry.seconds,
        "delivery_seconds": entry.delivery,
    }


def violation_json(violation: Violation, lang: Lang = "en") -> dict[str, Any]:
    """A violation with its text in one language."""
    return {
        "name": violation.name,
        "error": violation.error,
        "where": violation.where,
        "expected": violation.expected,
        "got": violation.got,
        "section": violation.section,
        "text": violation.text.to(lang),
        "texts": violation.text._asdict(),
        "diagnosis": violation.diagnosis,
        "tolerated": violation.tolerated,
    }


def _content(content: bytes, cut: Cut | None, tell: Callable[[str], str] = str) -> dict[str, Any]:
    """`body` as text, or None beside `body_base64`; its whole length; its hash when it was cut."""
    text = _text(content, cut is not None)
    told = None if text is None else tell(text)
    made: dict[str, Any] = {"body": told, "body_length": cut.length if cut else len(content)}
    if text is None:
        shown = tell(content.decode("latin-1")).encode("latin-1", "replace")
        made["body_base64"] = base64.b64encode(shown).decode()
    if cut and cut.sha256:
        made["body_sha256"] = cut.sha256
    return made


def _text(content: bytes, cut: bool) -> str | None:
    # The cut may have gone through the middle of a character.
    for end in range(len(content), max(len(content) - 4, -1) if cut else len(content) - 1, -1):
        try:
            return content[:end].decode("utf-8")
        except UnicodeDecodeError:
            continue
    return None


def _time(at: float) -> str:
    """ISO 8601 in UTC+8 with milliseconds; empty for a moment that no calendar has."""
    try:
        return datetime.fromtimestamp(at, _EAST_8).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):
        return ""
