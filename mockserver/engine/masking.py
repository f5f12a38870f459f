"""What nobody may read in what is kept or told: credentials in headers, whole checksums, endless texts.

Knows names of headers and parameters that carry credentials; the secrets themselves never come here.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mockserver.contract.violations import Violation, mask_checksums, mask_fault_secret
from mockserver.core.text import Text

MOST_FIELD = 2_048
"""Characters of one header or parameter."""
MOST_FIELDS = 200
MASK = "***"
_CREDENTIAL = re.compile(
    r"auth|cookie|secret|token|passw|credential|session|api-?key|checksum|signature", re.ASCII | re.IGNORECASE
)

_CHECKSUM_FIELD = re.compile(
    r"(checksum[\"']?\s{0,8}[:=]\s{0,8}[\"']?[0-9a-f]{6})[0-9a-f]{34,}", re.ASCII | re.IGNORECASE
)
"""A checksum by name in JSON or a form."""


def mask_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The headers with credentials masked and checksums shortened; the same mapping when none are."""
    if len(headers) <= MOST_FIELDS and _are_harmless(tuple(headers)):
        long = [value for value in headers.values() if len(value) >= 40]
        wished = "appsecret" in headers.get("x-mock-fault", "")
        if not wished and not any(
            len(value) > MOST_FIELD or mask_checksums(value) is not value for value in long
        ):
            return headers
    return {
        short(name): MASK if _CREDENTIAL.search(name) else short(mask_fault_secret(mask_checksums(value)))
        for name, value in list(headers.items())[:MOST_FIELDS]
    }


def mask_query(query: Mapping[str, str]) -> Mapping[str, str]:
    """The parameters with checksums shortened to six characters; the same mapping when there are none.

    Other values stay as they came, for what asks for them: `tell_query` makes them fit to be told.
    """
    odd = [name for name, value in query.items() if _is_checksum(name) and not _is_short(value)]
    if not odd and is_whole(query):
        return query
    return {
        short(name): f"{value[:6]}…" if name in odd else short(value)
        for name, value in list(query.items())[:MOST_FIELDS]
    }


def is_whole(query: Mapping[str, str]) -> bool:
    """Whether nothing of the parameters is too long or too much to be kept."""
    return len(query) <= MOST_FIELDS and all(
        len(name) <= MOST_FIELD and len(value) <= MOST_FIELD for name, value in query.items()
    )


def tell_query(query: Mapping[str, str]) -> dict[str, str]:
    """The parameters as they may be told: a checksum under any name is cut."""
    return {mask_checksums(name): mask_checksums(value) for name, value in query.items()}


def tell_body(text: str) -> str:
    """A body as it may be told: a checksum that was put there is cut."""
    return _CHECKSUM_FIELD.sub(r"\1…", text) if _CHECKSUM_FIELD.search(text) else text


def tell_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a body as they may be told."""
    return {
        name: mask_checksums(value) if isinstance(value, str) and _is_checksum(name) else value
        for name, value in fields.items()
    }


def mask_violations(violations: tuple[Violation, ...]) -> tuple[Violation, ...]:
    """The violations with checksums shortened in what they quote."""
    return tuple(
        replace(
            one,
            where=mask_checksums(one.where),
            got=mask_checksums(one.got),
            text=Text(*map(mask_checksums, one.text)),
        )
        for one in violations
    )


def short(text: str, most: int = MOST_FIELD) -> str:
    """A text of a bounded length; what was cut is told by its whole length."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text)})"


def _is_checksum(name: str) -> bool:
    return "checksum" in name.lower()


def _is_short(checksum: str) -> bool:
    """Whether no more than six characters of a checksum are there."""
    return len(checksum) <= 6 or (len(checksum) == 7 and checksum[6] == "…")


@functools.lru_cache(maxsize=64)
def _are_harmless(names: tuple[str, ...]) -> bool:
    """Whether no header of these names carries credentials."""
    return not any(len(name) > MOST_FIELD or _CREDENTIAL.search(name) for name in names)
