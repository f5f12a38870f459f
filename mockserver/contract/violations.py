"""Everything that can be wrong with a request. Names, errors, sections and texts are the rows of `violations.yaml`."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from mockserver.core.text import Text
from mockserver.core.yaml_reader import read_texts


@dataclass(frozen=True, slots=True)
class Violation:
    """One deviation of a request from the document, whether the request was accepted or not."""

    name: str  # Stable name, a key of `VIOLATIONS`.
    error: str  # Name of the error that answers it unless it is tolerated.
    where: str  # `path`, `method`, `query:NAME`, `header:NAME`, or `body:` with a JSON pointer.
    expected: str
    got: str
    section: str  # Section of the document, such as `1.1.2`.
    text: Text  # What is wrong and what to do.
    diagnosis: str = ""  # Name of the signing mistake behind it, if it was identified.
    tolerated: bool = False  # Whether it is only recorded, because a reading accepts it.


@dataclass(frozen=True, slots=True)
class ViolationKind:
    """One kind of violation; `text` is a template."""

    error: str
    section: str  # Empty: that of the operation.
    text: Text
    where: str = ""
    expected: str = ""
    own_error: str = ""  # An optional row of the catalogue that answers it in place of `error`.


_ROWS = read_texts(Path(__file__).with_name("violations.yaml"))
VIOLATIONS = {name: ViolationKind(**row) for name, row in _ROWS.items()}

OTHER_ERRORS = frozenset({"room_not_found", "user_not_found", "internal_error"})
"""Errors that the engine returns without a violation of the request."""

OWN_ERRORS = {kind.own_error: kind.error for kind in VIOLATIONS.values() if kind.own_error}
"""The optional rows of the catalogue, each with the row that answers without it."""

NEEDED_ERRORS = frozenset(kind.error for kind in VIOLATIONS.values()) | OTHER_ERRORS


def error_of(violation: Violation, catalogue: Container[str]) -> str:
    """Return the name of the row of a catalogue that answers a violation."""
    own = VIOLATIONS[violation.name].own_error
    return own if own in catalogue else violation.error


CHECKSUM_LENGTH = 40  # Hexadecimal digits.
_CHECKSUM = re.compile(r"(?<![0-9A-Fa-f])([0-9A-Fa-f]{6})[0-9A-Fa-f]{34,}")


def mask_checksums(text: str) -> str:
    """Return `text` with every run of 40 or more hex digits cut to its first six."""
    return _CHECKSUM.sub(r"\1…", text) if len(text) >= CHECKSUM_LENGTH and _CHECKSUM.search(text) else text


_APPSECRET = re.compile(r"(appsecret\s?=\s?)[^;]+")


def mask_fault_secret(text: str) -> str:
    """Return the text of a fault with the value of `appsecret` masked."""
    masked = _APPSECRET.sub(r"\1***", text)
    return masked if "%" not in text else _APPSECRET.sub(r"\1***", unquote(masked))


def shorten(value: object, limit: int = 48) -> str:
    """Return `value` for a message: control characters escaped, checksums masked, cut after `limit` characters."""
    shown = value if isinstance(value, str) else repr(value)
    shown = mask_checksums(shown[: 2 * limit + 40])
    shown = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in shown[: limit + 1])
    return shown if len(shown) <= limit else shown[:limit] + "…"


def make_violation(
    name: str,
    where: str = "",
    /,
    *,
    expected: str | Text = "",
    got: object = "",
    section: str = "",
    diagnosis: str = "",
    tolerated: bool = False,
    **values: object,
) -> Violation:
    """Return the violation `name`; `values` fill the placeholders of its text.

    `where`, `expected` and `section` are those of its row unless they are given.
    """
    kind = VIOLATIONS[name]
    expected = expected or kind.expected
    shown = shorten(got.en if isinstance(got, Text) else got)
    # An empty value is shown as "".
    quoted = Text(shown, got.zh) if isinstance(got, Text) else shown or '""'
    text = kind.text.format(**{"hint": "", "expected": expected, "got": quoted, **values})
    return Violation(
        name=name,
        error=kind.error,
        where=where or kind.where,
        expected=expected.en if isinstance(expected, Text) else expected,
        got=shown,
        section=section or kind.section,
        text=Text(*map(mask_checksums, text)),
        diagnosis=diagnosis,
        tolerated=tolerated,
    )
