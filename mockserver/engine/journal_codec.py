"""Journal entries as flat tuples or bytes: the forms in which the journal holds them.

The garbage collector does not inspect these, so a full journal slows down no request. `compact` and `encode` run on the
request path and store an entry as received; `decode` returns it as it may be shown: long parts cut, credentials masked,
checksums shortened. Another process can read the bytes.

The bytes are a fixed number of lengths followed by five parts: a JSON array of the short fields, the headers and the
readings as JSON (most entries share both, so each is encoded and decoded once), the request's body, and the answer. A
part that was cut is followed by the SHA-256 of the whole.
"""

from __future__ import annotations

import functools
import hashlib
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, TypeAlias

import orjson

from mockserver.contract.readings import DEFAULTS
from mockserver.contract.violations import Violation, mask_checksums
from mockserver.core.http import Request
from mockserver.core.text import Text
from mockserver.engine.journal_entry import (
    MAX_BODY,
    SHORT_ANSWER,
    Cut,
    JournalEntry,
    is_whole,
    mask_headers,
    mask_query,
    mask_violations,
    shorten_fields,
    truncate,
)

Compact: TypeAlias = "tuple[Any, ...] | bytes"
_LENGTHS = struct.Struct("<B7I")
"""The format; the lengths of the parts, with the whole length of the body and the answer."""
_FAST, _THOROUGH = 0, 1  # Formats: JSON by orjson, or by the standard library for lone surrogates and huge integers.
_MAX_PLAIN = 1_024
"""Bytes of a query or body that is parsed again when the entry is read; of longer ones the parsed values are stored."""
_QUERY = 20  # The index of the raw query in a compact entry.
_OVERHEAD = 600  # Memory of a stored entry besides its long parts, in bytes.
_LONG_PARTS = 4  # The last parts of a compact entry: headers, readings, body, answer.
_DOCUMENTED = frozenset(("appkey", "identifier", "curtime", "checksum", "seq"))  # The parameters of a plain query.
_MAX_SHARED = 16  # Mappings whose JSON is cached.


def compact(entry: JournalEntry) -> Compact:
    """Return the form of an entry that is fastest to create. It shares long parts with other entries."""
    if _is_plain(entry) and len(entry.answer) <= MAX_BODY and _plain_query(entry) is None:
        request = entry.request
        headers, readings = _HEADERS.json(request.headers), _READINGS.json(entry.readings)
        return *_short_fields(entry, None), headers, readings, request.body, entry.answer
    return encode(entry)


def encode(entry: JournalEntry) -> bytes:
    """Return the bytes of an entry as the engine created it. Their size is limited, whatever the client sent."""
    request = entry.request
    head = _short_fields(entry, _plain_query(entry)) if _is_plain(entry) else _head_of_large(entry)
    return _pack(head, _HEADERS.json(request.headers), _READINGS.json(entry.readings), request.body, entry.answer)


def _is_plain(entry: JournalEntry) -> bool:
    """Return whether the parameters and fields can be read again from the raw query and the body."""
    request = entry.request
    return (
        entry.kind == "request"
        and not entry.violations
        and len(request.body) <= _MAX_PLAIN
        and len(request.query) <= _MAX_PLAIN
    )


def _plain_query(entry: JournalEntry) -> Mapping[str, str] | None:
    """Return the parameters of a plain entry; None if they are exactly as in the raw query."""
    raw = entry.request.query
    return entry.query if "%" in raw or "+" in raw or not raw.isascii() else None


def _pack(head: tuple[Any, ...], headers: bytes, readings: bytes, body: bytes, answer: bytes) -> bytes:
    try:
        fields, form = orjson.dumps(head, default=_plain), _FAST
    except TypeError:
        fields, form = json.dumps(head, default=_plain).encode(), _THOROUGH
    body_size, answer_size = body_whole, answer_whole = len(body), len(answer)
    if body_size > MAX_BODY or answer_size > MAX_BODY:
        body, answer = _cut(body, MAX_BODY), _cut(answer, MAX_BODY)
        body_size, answer_size = min(body_size, MAX_BODY), min(answer_size, MAX_BODY)
    lengths = _LENGTHS.pack(
        form, len(fields), len(headers), len(readings), body_size, body_whole, answer_size, answer_whole
    )
    return b"".join((lengths, fields, headers, readings, body, answer))


def size_of(data: Compact) -> int:
    """Return the approximate memory of a stored entry in bytes, as if it shared no part."""
    long_parts = len(data) if isinstance(data, bytes) else len(data[_QUERY]) + len(data[-2]) + len(data[-1])
    return _OVERHEAD + long_parts


def decode(data: Compact, salt: bytes = b"") -> JournalEntry:
    """Return the entry as it may be shown. The journal's `salt` makes fingerprints of checksums irreversible."""
    head: Sequence[Any]
    if isinstance(data, tuple):
        head, (headers_json, readings_json, body, answer) = data[:-_LONG_PARTS], data[-_LONG_PARTS:]
        body_cut = answer_cut = None
    else:
        form, head_size, headers_size, readings_size, body_size, body_whole, answer_size, answer_whole = (
            _LENGTHS.unpack_from(data)
        )
        at = _LENGTHS.size + head_size
        head = (orjson.loads if form == _FAST else json.loads)(data[_LENGTHS.size : at])
        headers_json = data[at : at + headers_size]
        at += headers_size
        readings_json = data[at : at + readings_size]
        at += readings_size
        body, body_cut, at = _read(data, at, body_size, body_whole)
        answer, answer_cut, at = _read(data, at, answer_size, answer_whole)
    headers, readings = _decode_headers(headers_json), _decode_readings(readings_json)
    entry_id, time, appkey, operation, scenario, by, error, faults, status, seconds, kind, empty = head[:12]
    rules, near, detail, spoiled, started, delivery, method, path, raw_query, query, *large = head[12:]
    if large:
        violations, fields, checksum, fields_cut, query_cut, overlong = large
        body_cut = body_cut or (Cut(overlong, "") if overlong is not None else None)
    else:
        pairs = [piece.partition("=") for piece in raw_query.split("&") if piece]
        violations, received = (), {name: value for name, _, value in pairs} if query is None else query
        checksum = received.get("checksum", "")
        if received.keys() <= _DOCUMENTED and len(checksum) == 40:
            query, query_cut = {**received, "checksum": checksum[:6] + "…"}, False
        else:
            query = mask_query(received)
            query_cut = query is not received and not is_whole(received)
        fields = shorten_fields(whole := _fields(body))
        fields_cut = fields is not whole
    # By position: with keywords it would take more than twice as long.
    return JournalEntry(
        entry_id,
        time,
        appkey,
        operation,
        Request(method, path, "", headers, body),
        query,
        fields,
        scenario,
        by,
        error,
        tuple(faults),
        tuple(Violation(**{**row, "text": Text(*row["text"])}) for row in violations) if violations else (),
        status,
        answer,
        seconds,
        kind,
        empty,
        near,
        rules,
        detail,
        spoiled,
        readings,
        started,
        delivery,
        hashlib.blake2b(salt + checksum.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest(),
        fields_cut,
        query_cut,
        body_cut,
        answer_cut,
    )


def shorten_answer(data: Compact) -> bytes:
    """Return the bytes of an entry with only the beginning of its answer."""
    if isinstance(data, tuple):
        data = _pack(data[:-_LONG_PARTS], *data[-_LONG_PARTS:])
    *lengths, stored, whole = _LENGTHS.unpack_from(data)
    if stored <= SHORT_ANSWER:
        return data
    end = len(data) - (0 if stored == whole else 32)
    answer = data[end - stored : end]
    digest = data[end:] or hashlib.sha256(answer).digest()
    head = _LENGTHS.pack(*lengths, SHORT_ANSWER, whole)
    return b"".join((head, data[_LENGTHS.size : end - stored + SHORT_ANSWER], digest))


def _short_fields(entry: JournalEntry, query: Mapping[str, str] | None) -> tuple[Any, ...]:
    """Return the short values, the request line and the parameters: attribute by attribute, the fastest way."""
    request = entry.request
    return (
        entry.id,
        entry.at,
        entry.appkey,
        entry.operation,
        entry.scenario,
        entry.by,
        entry.error,
        entry.faults,
        entry.status,
        entry.seconds,
        entry.kind,
        entry.empty,
        entry.rules,
        entry.near,
        entry.detail,
        entry.spoiled,
        entry.started,
        entry.delivery,
        request.method,
        request.path,
        request.query,
        query,
    )


def _head_of_large(entry: JournalEntry) -> tuple[Any, ...]:
    """Return the short fields, limited in size, of a request that is invalid, large or not an API request."""
    request, fields = entry.request, shorten_fields(entry.fields)
    query = mask_query(entry.query)
    return (
        *_short_fields(replace(entry, request=Request(request.method, truncate(mask_checksums(request.path)))), query),
        mask_violations(entry.violations),
        fields,
        truncate(entry.query.get("checksum", "")),
        request.overlong or fields is not entry.fields,
        query is not entry.query and not is_whole(entry.query),
        request.length if request.overlong else None,
    )


def _plain(value: Any) -> Any:
    """Return a value of the short fields as a JSON type."""
    if isinstance(value, Violation):
        return asdict(value)
    return dict(value) if isinstance(value, Mapping) else tuple(value)


def _cut(content: bytes, limit: int) -> bytes:
    return content if len(content) <= limit else content[:limit] + hashlib.sha256(content).digest()


def _read(data: bytes, at: int, size: int, whole: int) -> tuple[bytes, Cut | None, int]:
    """Return one part, its `Cut` if it was cut, and the offset of the next part."""
    end = at + size
    if size == whole:
        return data[at:end], None, end
    return data[at:end], Cut(whole, data[end : end + 32].hex()), end + 32


def _fields(body: bytes) -> Mapping[str, Any]:
    try:
        fields: dict[str, Any] = orjson.loads(body)
    except ValueError:
        # Masking a secret broke an escape sequence.
        return {}
    return fields


class _SharedJson:
    """A cache of the JSON of mappings that many entries share, by their identity. Never change such a mapping."""

    def __init__(self, encode: Callable[[Mapping[str, Any]], bytes]) -> None:
        self._encode = encode
        self._known: dict[int, tuple[Mapping[str, Any], bytes]] = {}

    def json(self, mapping: Mapping[str, Any]) -> bytes:
        """Return the JSON of a mapping."""
        known = self._known.get(id(mapping))
        if known is None:
            if len(self._known) >= _MAX_SHARED:
                self._known.clear()
            # The reference to the mapping prevents its id from being used again.
            known = self._known[id(mapping)] = mapping, self._encode(mapping)
        return known[1]


def _encode_readings(readings: Mapping[str, Any]) -> bytes:
    """Return the readings that differ from the default; empty bytes when none are known."""
    return (
        orjson.dumps({name: value for name, value in readings.items() if value != DEFAULTS[name]}) if readings else b""
    )


_HEADERS = _SharedJson(lambda headers: json.dumps(dict(mask_headers(headers))).encode())
_READINGS = _SharedJson(_encode_readings)


@functools.lru_cache(maxsize=256)
def _decode_headers(data: bytes) -> Mapping[str, str]:
    headers: dict[str, str] = json.loads(data)
    return headers


@functools.lru_cache(maxsize=256)
def _decode_readings(data: bytes) -> Mapping[str, Any]:
    return {**DEFAULTS, **orjson.loads(data)} if data else {}
