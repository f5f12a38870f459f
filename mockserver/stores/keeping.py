"""What of a request may be kept: cut where long, masked where a secret could stand, and the room it takes.

Knows names of headers and parameters that carry credentials; nothing of apps, operations or HTTP.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from sys import getsizeof
from typing import Any
from urllib.parse import quote

from mockserver.messages import Cut, Entry, Text

MOST_BODY = 65_536
MOST_ANSWER = 768
"""Bytes. Answers are the mock's own and can be asked for again: they shall not push requests out."""
MOST_FIELD = 2_048
"""Characters of one field, header or parameter."""
MOST_FIELDS = 200
MASK = "***"
_OVERHEAD = 1_024
"""Bytes that an entry takes beside its texts."""
_CREDENTIAL = re.compile(
    r"auth|cookie|secret|token|passw|credential|session|api-?key|checksum|signature", re.ASCII | re.IGNORECASE
)
_HASH = re.compile(r"(?<![0-9A-Fa-f])([0-9A-Fa-f]{6})[0-9A-Fa-f]{34}(?![0-9A-Fa-f])")


def tidy(entry: Entry, secrets: Iterable[str] = ()) -> Entry:
    """The entry as it may be kept: long parts cut, credentials and `secrets` masked, checksums shortened."""
    came = entry
    spellings = [one for secret in secrets if secret for one in _spellings(secret)]
    if spellings and _tells(entry, spellings):
        entry = _without(entry, spellings)
    changed: dict[str, Any] = {}
    if len(came.body) > MOST_BODY:
        changed["body"], changed["body_cut"] = entry.body[:MOST_BODY], _whole(came.body)
    if len(came.answer) > MOST_ANSWER:
        changed["answer"], changed["answer_cut"] = entry.answer[:MOST_ANSWER], _whole(came.answer)
    if (headers := mask_headers(entry.headers)) is not entry.headers:
        changed["headers"] = headers
    if (query := _mask_query(entry.query)) is not entry.query:
        changed["query"] = query
    if (fields := _flat(entry.fields)) is not entry.fields:
        changed["fields"] = fields
    if len(entry.path) > MOST_FIELD:
        changed["path"] = _short(entry.path)
    return replace(entry, **changed) if changed else entry


def discreet(text: str, secrets: Iterable[str]) -> str:
    """A text that goes back to a client, without the secrets it may have put in the wrong place, or a whole checksum."""
    for secret in secrets:
        for word, _ in _spellings(secret) if secret else ():
            text = text.replace(word, MASK)
    return _HASH.sub(r"\1…", text)


def mask_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The headers with credentials masked and checksums shortened; the same mapping when none are."""
    if len(headers) <= MOST_FIELDS and _are_harmless(tuple(headers)):
        long = [value for value in headers.values() if len(value) >= 40]
        if not any(len(value) > MOST_FIELD or _HASH.search(value) for value in long):
            return headers
    return {
        _short(name): MASK if _CREDENTIAL.search(name) else _short(_HASH.sub(r"\1…", value))
        for name, value in list(headers.items())[:MOST_FIELDS]
    }


def size_of(entry: Entry) -> int:
    """About how many bytes the entry takes in memory."""
    query, headers, fields = entry.query, entry.headers, entry.fields
    size = _OVERHEAD + len(entry.body) + len(entry.answer) + len(entry.path) + 1_024 * len(entry.violations)
    size += 200 * (len(query) + len(headers) + len(fields))
    # A character takes up to four bytes; the short texts of an honest request are in the flat rate above.
    size += 4 * max(sum(map(len, headers.values())) + sum(map(len, query.values())) - 1_000, 0)
    return size + sum(map(getsizeof, fields.values()))


@functools.lru_cache(maxsize=64)
def _are_harmless(names: tuple[str, ...]) -> bool:
    """Whether no header of these names carries credentials."""
    return not any(len(name) > MOST_FIELD or _CREDENTIAL.search(name) for name in names)


def _mask_query(query: Mapping[str, str]) -> Mapping[str, str]:
    if len(query) <= MOST_FIELDS and len(query.get("checksum", "")) <= 8:
        odd = [
            name for name in query if len(name) >= 40 or (name != "checksum" and name.lower() == "checksum")
        ]
        if not odd and not any(len(value) >= 40 for value in query.values()):
            return query
    return {
        _short(name): value[:6] + "…"
        if name.lower() == "checksum" and len(value) > 8
        else _short(_HASH.sub(r"\1…", value))
        for name, value in list(query.items())[:MOST_FIELDS]
    }


def _flat(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Short scalars as they are; what the document knows nothing of (lists, objects) as a short text."""
    if len(fields) <= MOST_FIELDS and all(map(_is_small, fields.values())):
        return fields
    return {
        _short(name): value if _is_small(value) else _short(value if isinstance(value, str) else repr(value))
        for name, value in list(fields.items())[:MOST_FIELDS]
    }


def _is_small(value: object) -> bool:
    return len(value) <= MOST_FIELD if isinstance(value, str) else not isinstance(value, (list, dict))


def _short(text: str) -> str:
    return text if len(text) <= MOST_FIELD else f"{text[:MOST_FIELD]}… ({len(text)})"


def _whole(content: bytes) -> Cut:
    return Cut(len(content), hashlib.sha256(content).hexdigest())


_Spelling = tuple[str, bytes]


@functools.lru_cache(maxsize=256)
def _spellings(secret: str) -> tuple[_Spelling, ...]:
    """How a secret may stand in a body or a URL: plain, with JSON's escaped slash, percent-encoded."""
    escaped, encoded = (
        secret.replace("/", "\\/"),
        [quote(secret, safe=safe) for safe in ("", "/", "+=", "/+=")],
    )
    found = dict.fromkeys((secret, escaped, *encoded))
    return tuple((one, one.encode(errors="surrogatepass")) for one in found)


def _tells(entry: Entry, spellings: list[_Spelling]) -> bool:
    """Whether a secret stands anywhere in what the client sent or in what was said about it."""
    texts = [entry.path, entry.method, entry.near]
    for part in (entry.query, entry.headers, entry.fields):
        texts += part
        texts += [one if isinstance(one, str) else repr(one) for one in part.values()]
    for one in entry.violations:
        texts += (one.where, one.expected, one.got, *one.text)
    text = "\n".join(texts)
    return any(word in text or raw in entry.body or raw in entry.answer for word, raw in spellings)


def _without(entry: Entry, spellings: list[_Spelling]) -> Entry:
    """The entry with MASK wherever a secret stood."""

    def text(value: str) -> str:
        for word, _ in spellings:
            value = value.replace(word, MASK)
        return value

    def raw(value: bytes) -> bytes:
        for _, word in spellings:
            value = value.replace(word, MASK.encode())
        return value

    def each(part: Mapping[str, Any]) -> dict[str, Any]:
        return {
            text(name): value if isinstance(value, (int, float)) else text(str(value))
            for name, value in part.items()
        }

    fields, body = each(entry.fields), raw(entry.body)
    if fields != entry.fields and body == entry.body:
        # The body spells the secret with escapes of its own: none of it can be shown.
        body = MASK.encode()
    return replace(
        entry,
        path=text(entry.path),
        method=text(entry.method),
        near=text(entry.near),
        query=each(entry.query),
        headers=each(entry.headers),
        fields=fields,
        body=body,
        answer=raw(entry.answer),
        violations=tuple(
            replace(
                one,
                where=text(one.where),
                expected=text(one.expected),
                got=text(one.got),
                text=Text(text(one.text.en), text(one.text.zh)),
            )
            for one in entry.violations
        ),
    )
