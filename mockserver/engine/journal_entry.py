"""One request and its response as a journal entry, and the masking of what a journal stores and shows.

The engine creates an entry from the request as received, including secrets. The journal stores it as bytes and
returns only what `journal_codec.decode` makes of them: long parts cut, credentials masked, checksums shortened. Knows
nothing of apps, operations or HTTP servers: credentials, checksums and overlong texts are found by the names of headers
and parameters. The secrets of apps have been masked by the `Redactor` before.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from mockserver.contract.violations import CHECKSUM_LENGTH, Violation, mask_checksums, mask_fault_secret
from mockserver.core.http import Request
from mockserver.core.text import MASK, Text

EntryKind = Literal["request", "stray"]
MAX_BODY = 65_536  # Bytes stored of a request body, and of an answer.
SHORT_ANSWER = 448  # Bytes stored of an older long answer.
MAX_TEXT = 2_048  # Characters stored of one header or parameter.
MAX_FIELDS = 200  # Headers, parameters or fields stored of one request.
_MAX_VALUE = 256  # Characters stored of one body field, beside the body itself. No documented value is longer.
_CREDENTIAL = re.compile(
    r"auth|cookie|secret|token|passw|credential|session|api-?key|checksum|signature", re.ASCII | re.IGNORECASE
)
_CHECKSUM_FIELD = re.compile(
    r"(checksum[\"']?\s{0,8}[:=]\s{0,8}[\"']?[0-9a-f]{6})[0-9a-f]{34,}", re.ASCII | re.IGNORECASE
)
"""A named checksum in JSON or a form."""


class Cut(NamedTuple):
    """Length and hash of content of which only the beginning is stored."""

    length: int  # Bytes of the whole content.
    sha256: str  # Hexadecimal SHA-256 of the whole content; empty when the content was not read to the end.


@dataclass(slots=True)
class JournalEntry:
    """One request: what was received, what was wrong with it, and what was answered.

    Not frozen, because creating a frozen dataclass takes twice as long. Treat it as read-only.
    """

    id: str
    at: float  # Seconds since the epoch, by the app's clock.
    appkey: str  # Empty when the request named no registered app.
    operation: str  # Empty when the path is not that of an operation.
    request: Request
    query: Mapping[str, str] = field(repr=False)  # Decoded query parameters.
    fields: Mapping[str, Any] = field(repr=False)
    """Body fields as the operation reads them; empty when the body is not a JSON object."""
    scenario: str
    by: str  # What answered: `world`, `contract`, `fault`, or a rule's name.
    error: str  # Catalogue name of the error in the answer; empty for a success.
    faults: tuple[str, ...]  # Kinds of the faults that fired, in order.
    violations: tuple[Violation, ...]
    status: int
    answer: bytes  # Body of the answer.
    seconds: float  # Time the engine took.
    kind: EntryKind = "request"  # `stray` if no client of the API sent it: it is left out of all counts.
    empty: bool = False  # A success with an empty list.
    near: str = ""  # The closest rule and what did not match, when no rule matched. Set when the entry is read.
    rules: int = 0  # The number of the `RuleSet` of which no rule matched; 0 when there is no near miss to look for.
    detail: str = ""  # What went wrong, for a failure without a violation.
    spoiled: bool = False  # A fault changed, replaced or cut the answer.
    readings: Mapping[str, Any] = field(default_factory=dict)
    """All effective readings; entries of one scenario share the mapping."""
    started: float = 0.0  # Seconds since the epoch by the machine's clock, whatever the app's clock says.
    delivery: float = 0.0  # Seconds that faults add to the delivery, beside `seconds`.
    fingerprint: str = ""
    """Equal for two requests of one journal with the same checksum; does not reveal it."""
    fields_cut: bool = False  # Some of `fields` are shortened or missing; `body` may still have them.
    query_cut: bool = False  # Some of `query` is shortened or missing.
    body_cut: Cut | None = None  # Set when `body` is only the beginning of what was received.
    answer_cut: Cut | None = None  # Set when `answer` is only the beginning of what was sent.

    @property
    def accepted(self) -> bool:
        """Whether the answer is a success."""
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

    def whole_fields(self) -> Mapping[str, Any] | None:
        """Return all fields with their whole values; None when the body was cut, too."""
        if not self.fields_cut:
            return self.fields
        if self.body_cut:
            return None
        try:
            received = json.loads(self.body)
        except ValueError:
            # Masking a secret broke an escape sequence.
            return None
        # Short values stay as the operation read them, which may differ from the JSON under lenient readings.
        return {name: self.fields.get(name, value) if is_short(value) else value for name, value in received.items()}

    def uncut_fields(self) -> Mapping[str, Any]:
        """Return only the fields that are certainly whole."""
        if not self.fields_cut:
            return self.fields
        return {name: value for name, value in self.fields.items() if not isinstance(value, str)}


def mask_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return the headers with credentials masked and checksums shortened; the same mapping if unchanged."""
    if len(headers) <= MAX_FIELDS and _are_harmless(tuple(headers)):
        long_values = [value for value in headers.values() if len(value) >= 40]
        fault = headers.get("x-mock-fault", "")
        if mask_fault_secret(fault) == fault and not any(
            len(value) > MAX_TEXT or mask_checksums(value) is not value for value in long_values
        ):
            return headers
    return {
        truncate(name): MASK if _CREDENTIAL.search(name) else truncate(mask_fault_secret(mask_checksums(value)))
        for name, value in list(headers.items())[:MAX_FIELDS]
    }


def mask_query(query: Mapping[str, str]) -> Mapping[str, str]:
    """Return the parameters with checksums shortened to six characters; the same mapping if there are none.

    Other values stay as received, so that queries can match them; `redact_query` makes them safe to show.
    """
    checksums = [name for name, value in query.items() if _is_checksum(name) and len(value.removesuffix("…")) > 6]
    if not checksums and is_whole(query):
        return query
    return {
        truncate(name): f"{value[:6]}…" if name in checksums else truncate(value)
        for name, value in list(query.items())[:MAX_FIELDS]
    }


def is_whole(query: Mapping[str, str]) -> bool:
    """Return whether the parameters are few and short enough to be stored whole."""
    return len(query) <= MAX_FIELDS and all(
        len(name) <= MAX_TEXT and len(value) <= MAX_TEXT for name, value in query.items()
    )


def redact_query(query: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters with every checksum shortened, whatever its name."""
    if max(map(len, (*query, *query.values())), default=0) < CHECKSUM_LENGTH:
        return dict(query)
    return {mask_checksums(name): mask_checksums(value) for name, value in query.items()}


def redact_body(text: str) -> str:
    """Return a body with every named checksum shortened."""
    return _CHECKSUM_FIELD.sub(r"\1…", text) if "checksum" in text.lower() else text


def redact_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return body fields with every named checksum shortened, also in the text of a list or an object."""
    return {
        name: value if not isinstance(value, str) else (mask_checksums if _is_checksum(name) else redact_body)(value)
        for name, value in fields.items()
    }


def shorten_fields(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields with lists, objects and long texts shortened to a text; the same mapping if all are short."""
    if len(fields) <= MAX_FIELDS and all(map(is_short, fields.values())):
        return fields
    return {
        truncate(name): value
        if is_short(value)
        else truncate(value if isinstance(value, str) else repr(value), _MAX_VALUE)
        for name, value in list(fields.items())[:MAX_FIELDS]
    }


def is_short(value: object) -> bool:
    """Return whether the value of a body field is stored whole."""
    return len(value) <= _MAX_VALUE if isinstance(value, str) else not isinstance(value, (list, dict))


def mask_violations(violations: tuple[Violation, ...]) -> tuple[Violation, ...]:
    """Return the violations with checksums shortened in everything they quote."""
    return tuple(
        replace(
            violation,
            where=mask_checksums(violation.where),
            got=mask_checksums(violation.got),
            text=Text(*map(mask_checksums, violation.text)),
        )
        for violation in violations
    )


def truncate(text: str, length: int = MAX_TEXT) -> str:
    """Return `text` cut after `length` characters, followed by its full length when it was cut."""
    return text if len(text) <= length else f"{text[:length]}… ({len(text)})"


def _is_checksum(name: str) -> bool:
    return "checksum" in name.lower()


@functools.lru_cache(maxsize=64)
def _are_harmless(names: tuple[str, ...]) -> bool:
    """Return whether no header of these names is overlong or carries credentials."""
    return not any(len(name) > MAX_TEXT or _CREDENTIAL.search(name) for name in names)
