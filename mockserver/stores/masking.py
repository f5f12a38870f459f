"""What nobody may read in what is kept: credentials in headers, whole checksums, endless texts. Gives texts without them.

Knows names of headers and parameters that carry credentials; the secrets themselves never come here.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import replace

from mockserver.contract.violations import without_checksums
from mockserver.messages import Text, Violation

MOST_FIELD = 2_048
"""Characters of one header or parameter."""
MOST_FIELDS = 200
MASK = "***"
_CREDENTIAL = re.compile(
    r"auth|cookie|secret|token|passw|credential|session|api-?key|checksum|signature", re.ASCII | re.IGNORECASE
)


def mask_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The headers with credentials masked and checksums shortened; the same mapping when none are."""
    if len(headers) <= MOST_FIELDS and _are_harmless(tuple(headers)):
        long = [value for value in headers.values() if len(value) >= 40]
        if not any(len(value) > MOST_FIELD or without_checksums(value) is not value for value in long):
            return headers
    return {
        short(name): MASK if _CREDENTIAL.search(name) else short(without_checksums(value))
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
        short(without_checksums(name)): f"{value[:6]}…"
        if name.lower() == "checksum" and not _is_short(value)
        else short(without_checksums(value))
        for name, value in list(query.items())[:MOST_FIELDS]
    }


def mask_violations(violations: tuple[Violation, ...]) -> tuple[Violation, ...]:
    """The violations with checksums shortened in what they quote."""
    return tuple(
        replace(
            one,
            where=without_checksums(one.where),
            got=without_checksums(one.got),
            text=Text(*map(without_checksums, one.text)),
        )
        for one in violations
    )


def short(text: str, most: int = MOST_FIELD) -> str:
    """A text of a bounded length; what was cut is told by its whole length."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text)})"


def _is_short(checksum: str) -> bool:
    """Whether no more than six characters of a checksum are there."""
    return len(checksum) <= 6 or (len(checksum) == 7 and checksum[6] == "…")


@functools.lru_cache(maxsize=64)
def _are_harmless(names: tuple[str, ...]) -> bool:
    """Whether no header of these names carries credentials."""
    return not any(len(name) > MOST_FIELD or _CREDENTIAL.search(name) for name in names)
