"""One request and its response as a journal entry.

The engine creates an entry from the request as received, including secrets. The journal stores it as bytes and
returns only what `journal_codec.decode` makes of them: long parts cut, credentials masked, checksums shortened. Knows
nothing of apps, operations or HTTP servers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from mockserver.contract.violations import Violation
from mockserver.core.http import Request
from mockserver.engine.masking import is_short

EntryKind = Literal["request", "stray"]
MAX_BODY = 65_536  # Bytes stored of a request body, and of an answer.
SHORT_ANSWER = 448  # Bytes stored of an older long answer.


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
