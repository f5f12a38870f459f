"""What nobody may read in what is kept or told: secrets, credentials, whole checksums. Gives texts without them.

Knows names of headers and parameters that carry credentials; nothing of apps, operations or HTTP.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from mockserver.messages import Entry, Text

MOST_FIELD = 2_048
"""Characters of one field, header or parameter."""
MOST_FIELDS = 200
MASK = "***"
_CREDENTIAL = re.compile(
    r"auth|cookie|secret|token|passw|credential|session|api-?key|checksum|signature", re.ASCII | re.IGNORECASE
)
_HASH = re.compile(r"(?<![0-9A-Fa-f])([0-9A-Fa-f]{6})[0-9A-Fa-f]{34}(?![0-9A-Fa-f])")

Spelling = tuple[str, bytes]


def discreet(text: str, secrets: Iterable[str]) -> str:
    """A text that goes back to a client, without the secrets it may have put in the wrong place, or a whole checksum."""
    for word, _ in spellings(secrets):
        text = text.replace(word, MASK)
    return _HASH.sub(r"\1…", text)


def spellings(secrets: Iterable[str]) -> list[Spelling]:
    """How the secrets may stand in a body or a URL."""
    return [one for secret in secrets if secret for one in _spellings(secret)]


def mask_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The headers with credentials masked and checksums shortened; the same mapping when none are."""
    if len(headers) <= MOST_FIELDS and _are_harmless(tuple(headers)):
        long = [value for value in headers.values() if len(value) >= 40]
        if not any(len(value) > MOST_FIELD or _HASH.search(value) for value in long):
            return headers
    return {
        short(name): MASK if _CREDENTIAL.search(name) else short(_HASH.sub(r"\1…", value))
        for name, value in list(headers.items())[:MOST_FIELDS]
    }


def mask_query(query: Mapping[str, str]) -> Mapping[str, str]:
    """The parameters with checksums shortened to six characters; the same mapping when there are none."""
    if len(query) <= MOST_FIELDS and _is_short(query.get("checksum", "")):
        odd = [
            name for name in query if len(name) >= 40 or (name != "checksum" and name.lower() == "checksum")
        ]
        if not odd and not any(len(value) >= 40 for value in query.values()):
            return query
    return {
        short(name): f"{value[:6]}…"
        if name.lower() == "checksum" and not _is_short(value)
        else short(_HASH.sub(r"\1…", value))
        for name, value in list(query.items())[:MOST_FIELDS]
    }


def _is_short(checksum: str) -> bool:
    """Whether no more than six characters of a checksum are there."""
    return len(checksum) <= 6 or (len(checksum) == 7 and checksum[6] == "…")


def short(text: str, most: int = MOST_FIELD) -> str:
    """A text of a bounded length; what was cut is told by its whole length."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text)})"


def tells_secret(content: bytes, secrets: Iterable[str]) -> bool:
    """Whether a secret stands anywhere in some bytes."""
    return any(raw in content for _, raw in spellings(secrets))


def tells(entry: Entry, words: list[Spelling]) -> bool:
    """Whether a secret stands anywhere in what the client sent or in what was said about it."""
    texts = [entry.path, entry.method, entry.near]
    for part in (entry.query, entry.headers, entry.fields):
        texts += part
        texts += [one if isinstance(one, str) else repr(one) for one in part.values()]
    for one in entry.violations:
        texts += (one.where, one.expected, one.got, *one.text)
    text = "\n".join(texts)
    return any(word in text or raw in entry.body or raw in entry.answer for word, raw in words)


def without(entry: Entry, words: list[Spelling]) -> Entry:
    """The entry with MASK wherever a secret stood."""

    def text(value: str) -> str:
        for word, _ in words:
            value = value.replace(word, MASK)
        return value

    def raw(value: bytes) -> bytes:
        for _, word in words:
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


@functools.lru_cache(maxsize=64)
def _are_harmless(names: tuple[str, ...]) -> bool:
    """Whether no header of these names carries credentials."""
    return not any(len(name) > MOST_FIELD or _CREDENTIAL.search(name) for name in names)


@functools.lru_cache(maxsize=256)
def _spellings(secret: str) -> tuple[Spelling, ...]:
    """One secret plain, with JSON's escaped slash, and percent-encoded."""
    escaped, encoded = (
        secret.replace("/", "\\/"),
        [quote(secret, safe=safe) for safe in ("", "/", "+=", "/+=")],
    )
    found = dict.fromkeys((secret, escaped, *encoded))
    return tuple((one, one.encode(errors="surrogatepass")) for one in found)
