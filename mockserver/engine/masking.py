"""Masking of what a journal stores and shows: credentials in headers, whole checksums, overlong texts.

Works by the names of headers and parameters. The secrets of apps have been masked by the `Redactor` before.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mockserver.contract.violations import CHECKSUM_LENGTH, Violation, mask_checksums, mask_fault_secret
from mockserver.core.text import Text

MAX_TEXT = 2_048  # Characters stored of one header or parameter.
MAX_FIELDS = 200  # Headers, parameters or fields stored of one request.
MASK = "***"
_MAX_VALUE = 256  # Characters stored of one body field, beside the body itself. No documented value is longer.
_CREDENTIAL = re.compile(
    r"auth|cookie|secret|token|passw|credential|session|api-?key|checksum|signature", re.ASCII | re.IGNORECASE
)
_CHECKSUM_FIELD = re.compile(
    r"(checksum[\"']?\s{0,8}[:=]\s{0,8}[\"']?[0-9a-f]{6})[0-9a-f]{34,}", re.ASCII | re.IGNORECASE
)
"""A named checksum in JSON or a form."""


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
    checksums = [name for name, value in query.items() if _is_checksum(name) and not _is_shortened(value)]
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


def _is_shortened(checksum: str) -> bool:
    return len(checksum) <= 6 or (len(checksum) == 7 and checksum[6] == "…")


@functools.lru_cache(maxsize=64)
def _are_harmless(names: tuple[str, ...]) -> bool:
    """Return whether no header of these names is overlong or carries credentials."""
    return not any(len(name) > MAX_TEXT or _CREDENTIAL.search(name) for name in names)
