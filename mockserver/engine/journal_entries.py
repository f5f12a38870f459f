"""What of a request is kept, how much room that takes, and what a reader is told of it.

A request in order is kept as it came, in few bytes, and unfolded when somebody reads it. Knows notes and entries;
nothing of apps, operations or HTTP.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from sys import getsizeof
from typing import Any
from urllib.parse import parse_qsl

from mockserver.contract.violations import mask_checksums
from mockserver.engine.journal_entry import Cut, Entry, Note
from mockserver.engine.masking import MOST_FIELDS, is_whole, mask_headers, mask_query, mask_violations, short

MOST_BODY = 65_536
"""Bytes of one request's body, and of one answer's."""
SHORT_ANSWER = 448
"""Bytes that stay of an answer whose room is needed for newer ones; few enough for Python's own small blocks."""
_SMALL_BODY = 1_024
"""Bytes. The longest body that the document knows takes less."""
_OVERHEAD = 1_024
"""Bytes that a folded note, or an entry, takes beside its texts."""
_VIOLATION = 1_024
"""Bytes of a violation with its texts."""
_MOST_VALUE = 256
"""Characters of a field's value beside the body, which has it whole: no documented one is longer."""


def fold(note: Note) -> bool:
    """Leave out what the call says to the letter; False, and nothing done, unless the request is small and in order."""
    request = note.request
    if note.violations or len(request.body) > _SMALL_BODY or len(note.answer) > MOST_BODY:
        return False
    note.fields = None
    if "%" not in request.query and "+" not in request.query and request.query.isascii():
        note.query = None
    return True


def entry_of(note: Note, salt: bytes = b"") -> Entry:
    """The note as it may be read: long parts cut, credentials masked, checksums shortened."""
    request, query, fields = note.request, note.query, note.fields
    if query is None:
        query = dict(parse_qsl(request.query, keep_blank_values=True))
    if fields is None:
        fields = json.loads(request.body)
    entry = Entry(
        note.id,
        note.at,
        note.appkey,
        note.operation,
        request.method,
        request.path,
        query,
        request.headers,
        request.body,
        fields,
        note.scenario,
        note.by,
        note.error,
        note.faults,
        note.violations,
        _fingerprint(query.get("checksum", ""), salt),
        note.status,
        note.answer,
        note.seconds,
        note.empty,
        note.near,
        note.spoiled,
        note.readings,
        note.started,
        note.delivery,
        fields_cut=request.overlong,
        body_cut=Cut(request.length, "") if request.overlong else None,
        answer_cut=note.answer_cut,
    )
    return tidy(entry)


def tidy(entry: Entry) -> Entry:
    """The entry with long parts cut, credentials masked, checksums shortened."""
    changed: dict[str, Any] = {}
    if len(entry.body) > MOST_BODY:
        changed["body"], changed["body_cut"] = entry.body[:MOST_BODY], whole(entry.body)
    if len(entry.answer) > MOST_BODY:
        changed["answer"], changed["answer_cut"] = entry.answer[:MOST_BODY], whole(entry.answer)
    if (headers := mask_headers(entry.headers)) is not entry.headers:
        changed["headers"] = headers
    if (query := mask_query(entry.query)) is not entry.query:
        changed["query"], changed["query_cut"] = query, not is_whole(entry.query)
    if (fields := _flat(entry.fields)) is not entry.fields:
        changed["fields"], changed["fields_cut"] = fields, True
    if (path := short(mask_checksums(entry.path))) is not entry.path:
        changed["path"] = path
    if entry.violations:
        changed["violations"] = mask_violations(entry.violations)
    return replace(entry, **changed) if changed else entry


def whole_fields(entry: Entry) -> Mapping[str, Any] | None:
    """The fields of a request as the operation read them; None when they were too long to be kept."""
    if not entry.fields_cut:
        return entry.fields
    if entry.body_cut:
        return None
    try:
        came = json.loads(entry.body)
    except ValueError:
        # A secret was taken out of the middle of an escape.
        return None
    # What a reading made of a short value stands.
    return {
        name: entry.fields.get(name, value) if _is_small(value) else value for name, value in came.items()
    }


def small_fields(entry: Entry) -> Mapping[str, Any]:
    """Those of the fields that are certainly whole."""
    if not entry.fields_cut:
        return entry.fields
    return {name: value for name, value in entry.fields.items() if not isinstance(value, str)}


def size_of_note(note: Note) -> int:
    """About how many bytes a folded note takes in memory."""
    request = note.request
    # A character takes up to four bytes.
    size = _OVERHEAD + 4 * (len(request.query) + sum(map(len, request.headers.values())) + len(request.path))
    if note.query is not None:
        size += 2 * 4 * len(request.query)
    return size + len(request.body) + len(note.answer)


def size_of(entry: Entry) -> int:
    """About how many bytes an entry takes in memory."""
    size = _OVERHEAD + sum(map(getsizeof, (entry.path, entry.body, entry.answer)))
    for part in (entry.query, entry.headers, entry.fields):
        size += getsizeof(part) + sum(getsizeof(name) + getsizeof(value) for name, value in part.items())
    return size + _VIOLATION * len(entry.violations)


def whole(content: bytes) -> Cut:
    """What is known of bytes of which only the beginning is kept."""
    return Cut(len(content), hashlib.sha256(content).hexdigest())


def _fingerprint(checksum: str, salt: bytes) -> str:
    """Equal for equal checksums, and of no use to anybody who would like to know one."""
    salted = salt + checksum.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(salted, digest_size=8).hexdigest()


def _flat(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Short scalars as they are; what the document knows nothing of (lists, objects) as a short text."""
    if len(fields) <= MOST_FIELDS and all(map(_is_small, fields.values())):
        return fields
    return {
        short(name): value
        if _is_small(value)
        else short(value if isinstance(value, str) else repr(value), _MOST_VALUE)
        for name, value in list(fields.items())[:MOST_FIELDS]
    }


def _is_small(value: object) -> bool:
    return len(value) <= _MOST_VALUE if isinstance(value, str) else not isinstance(value, (list, dict))
