"""One request and its response as a journal entry.

The engine creates an entry as the request was received, secrets included. The journal shrinks it with
`compact()` while it is stored and hands out only what `redact()` returns: long parts cut, credentials masked,
checksums shortened. Knows nothing of apps, operations or HTTP servers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from sys import getsizeof
from types import MappingProxyType
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qsl

from mockserver.contract.violations import Violation, mask_checksums
from mockserver.core.http import Request
from mockserver.engine.masking import MAX_FIELDS, is_whole, mask_headers, mask_query, mask_violations, truncate

EntryKind = Literal["request", "stray"]
MAX_BODY = 65_536  # Bytes kept of a request body, and of an answer.
SHORT_ANSWER = 448  # Bytes kept of an older long answer. The size fits Python's small-object allocator.
_COMPACT_BODY = 1_024  # Bytes. Requests with larger bodies are not compacted; the longest documented body is smaller.
_OVERHEAD = 1_024  # Bytes an entry takes beside its texts.
_VIOLATION_SIZE = 1_024
_MAX_VALUE = 256  # Characters kept of one body field; the body keeps the whole value. No documented value is longer.
_DROPPED: Mapping[str, Any] = MappingProxyType({})
"""Stands in for a mapping that `compact()` dropped and `redact()` parses again."""


class Cut(NamedTuple):
    """Length and hash of content of which only the beginning was kept."""

    length: int  # Bytes of the whole content.
    sha256: str  # SHA-256 of the whole content in hexadecimal; empty when the content was never read to the end.


@dataclass(slots=True)
class JournalEntry:
    """One request: what was received, what was wrong with it, and what was answered.

    Not frozen, because creating a frozen dataclass takes twice as long. Treat it as read-only.
    """

    id: str
    at: float  # Seconds since the epoch, by the app's clock.
    appkey: str  # Empty when the request named no registered app.
    operation: str  # Empty when the path names no operation.
    request: Request
    query: Mapping[str, str] = field(repr=False)  # Decoded query parameters.
    fields: Mapping[str, Any] = field(repr=False)
    """Body fields as the operation read them; empty when the body could not be read."""
    scenario: str
    by: str  # What answered: `world`, `contract`, `fault`, or a rule's name.
    error: str  # Catalogue name of the error that was answered; empty for a success.
    faults: tuple[str, ...]  # Kinds of the faults that fired, in order.
    violations: tuple[Violation, ...]
    status: int
    answer: bytes  # Body of the answer.
    seconds: float  # Time the engine took.
    kind: EntryKind = "request"  # `stray` for what no client of the API sends on purpose: it counts nowhere.
    empty: bool = False  # A success with an empty list.
    near: str = ""  # The closest rule and what it missed, when there were rules and none matched.
    detail: str = ""  # What went wrong, for a failure without a violation.
    spoiled: bool = False  # A fault changed, replaced or cut the answer.
    readings: Mapping[str, Any] = field(default_factory=dict)
    """All effective readings; entries of one scenario share the mapping."""
    started: float = 0.0  # Seconds since the epoch by the machine's clock, whatever the app's clock says.
    delivery: float = 0.0  # Seconds that faults add to the delivery, beside `seconds`.
    fingerprint: str = ""
    """Equal for two requests of one journal with the same checksum; does not reveal it. Set by `redact()`."""
    fields_cut: bool = False  # Some of `fields` are shortened or missing; `body` has them as far as it was kept.
    query_cut: bool = False  # Some of `query` is shortened or missing.
    body_cut: Cut | None = None  # Set when `body` is only the beginning of what was received.
    answer_cut: Cut | None = None  # Set when `answer` is only the beginning of what was sent.
    redacted: bool = False  # Safe to show: `redact()` returned it.

    @property
    def accepted(self) -> bool:
        """Whether the request was answered with a success."""
        return not self.error

    @property
    def method(self) -> str:
        """Method of the request."""
        return self.request.method

    @property
    def path(self) -> str:
        """Decoded path of the request."""
        return self.request.path

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers of the request, names in lower case."""
        return self.request.headers

    @property
    def body(self) -> bytes:
        """Body of the request."""
        return self.request.body

    @property
    def size(self) -> int:
        """Approximate memory of the entry in bytes."""
        request = self.request
        size = _OVERHEAD + len(request.body) + len(self.answer)
        if self.fields is _DROPPED:
            # A character takes up to four bytes; an encoded query is stored twice.
            queries = 1 if self.query is _DROPPED else 3
            texts = len(request.path) + sum(map(len, request.headers.values())) + queries * len(request.query)
            return size + 4 * texts
        size += getsizeof(request.path) + _VIOLATION_SIZE * len(self.violations)
        for mapping in (self.query, request.headers, self.fields):
            size += getsizeof(mapping) + sum(getsizeof(name) + getsizeof(mapping[name]) for name in mapping)
        return size

    def compact(self) -> bool:
        """Drop what the raw request repeats. Do nothing and return False for a large, invalid or stray request."""
        request = self.request
        unread = self.kind == "stray"
        if unread or self.violations or len(request.body) > _COMPACT_BODY or len(self.answer) > MAX_BODY:
            return False
        self.fields = _DROPPED
        if "%" not in request.query and "+" not in request.query and request.query.isascii():
            self.query = _DROPPED
        return True

    def redact(self, salt: bytes = b"") -> JournalEntry:
        """Return the entry as it may be shown. The journal's `salt` makes fingerprints irreversible."""
        if self.redacted:
            return self
        request, query, fields = self.request, self.query, self.fields
        if query is _DROPPED:
            query = dict(parse_qsl(request.query, keep_blank_values=True))
        if fields is _DROPPED:
            fields = json.loads(request.body)
        body_cut = _cut_of(request.body) or (Cut(request.length, "") if request.overlong else None)
        shown_query, shown_fields = mask_query(query), _shorten_fields(fields)
        return replace(
            self,
            request=replace(
                request,
                path=truncate(mask_checksums(request.path)),
                query="",
                headers=mask_headers(request.headers),
                body=request.body[:MAX_BODY],
            ),
            query=shown_query,
            fields=shown_fields,
            violations=mask_violations(self.violations),
            answer=self.answer[:MAX_BODY],
            answer_cut=self.answer_cut or _cut_of(self.answer),
            fingerprint=_fingerprint(query.get("checksum", ""), salt),
            fields_cut=request.overlong or shown_fields is not fields,
            query_cut=shown_query is not query and not is_whole(query),
            body_cut=body_cut,
            redacted=True,
        )

    def with_short_answer(self) -> JournalEntry:
        """Return the entry with only the beginning of its answer."""
        cut = self.answer_cut or Cut(len(self.answer), hashlib.sha256(self.answer).hexdigest())
        return replace(self, answer=self.answer[:SHORT_ANSWER], answer_cut=cut)

    def whole_fields(self) -> Mapping[str, Any] | None:
        """Return the fields with the whole values of those that were cut; None when the body was cut, too."""
        if not self.fields_cut:
            return self.fields
        if self.body_cut:
            return None
        try:
            received = json.loads(self.body)
        except ValueError:
            # A secret was masked in the middle of an escape.
            return None
        # For short values, keep what a lenient reading made of them.
        return {name: self.fields.get(name, value) if _is_short(value) else value for name, value in received.items()}

    def uncut_fields(self) -> Mapping[str, Any]:
        """Return only the fields that were certainly kept whole."""
        if not self.fields_cut:
            return self.fields
        return {name: value for name, value in self.fields.items() if not isinstance(value, str)}


def _cut_of(content: bytes) -> Cut | None:
    """Return length and hash of content longer than `MAX_BODY`, else None."""
    return Cut(len(content), hashlib.sha256(content).hexdigest()) if len(content) > MAX_BODY else None


def _fingerprint(checksum: str, salt: bytes) -> str:
    salted = salt + checksum.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(salted, digest_size=8).hexdigest()


def _shorten_fields(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return short scalars as they are, and lists, objects and long texts as a short text."""
    if len(fields) <= MAX_FIELDS and all(map(_is_short, fields.values())):
        return fields
    return {
        truncate(name): value
        if _is_short(value)
        else truncate(value if isinstance(value, str) else repr(value), _MAX_VALUE)
        for name, value in list(fields.items())[:MAX_FIELDS]
    }


def _is_short(value: object) -> bool:
    return len(value) <= _MAX_VALUE if isinstance(value, str) else not isinstance(value, (list, dict))
