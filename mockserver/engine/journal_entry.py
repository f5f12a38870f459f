"""One request and its answer, as the journal holds and shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mockserver.contract.violations import Violation
from mockserver.core.http import Request


class Cut(NamedTuple):
    """What is known of bytes of which only the beginning was kept."""

    length: int
    """Of the whole."""
    sha256: str
    """Of the whole, in hexadecimal; empty when the whole was never read."""


@dataclass(slots=True)
class Note:
    """One request as it came and as it was answered, secrets and all: what a journal takes in.

    One is made for every request, so it is not frozen: that would take twice as long. Nobody but the journal holds it.
    """

    id: str
    at: float
    appkey: str
    operation: str
    request: Request
    query: Mapping[str, str] | None = field(repr=False)
    fields: Mapping[str, Any] | None = field(repr=False)
    """None, of both: it is what the call says, to the letter."""
    scenario: str
    by: str
    error: str
    faults: tuple[str, ...]
    violations: tuple[Violation, ...]
    status: int
    answer: bytes
    seconds: float
    empty: bool
    near: str
    spoiled: bool
    readings: Mapping[str, Any]
    started: float = 0.0
    delivery: float = 0.0
    answer_cut: Cut | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One request as a journal tells it: what came, what was wrong with it, what answered and what was sent.

    Fit to be read by anybody: what is long is cut, what is secret is masked.
    """

    id: str
    at: float
    """Seconds since the epoch, by the app's clock."""
    appkey: str
    """Empty when the request named no registered app."""
    operation: str
    """Empty when the path names none."""
    method: str
    path: str
    query: Mapping[str, str]
    """Decoded parameters; the checksum shortened to six characters. Others may hold one: `stores.masking` tells them."""
    headers: Mapping[str, str]
    body: bytes
    """As it came, cut after a limit."""
    fields: Mapping[str, Any]
    """The body as the operation read it; empty when it could not be read."""
    scenario: str
    by: str
    """What answered: `world`, `contract`, a rule's name, or `fault`."""
    error: str
    """Catalogue name of the failure that was told; empty for a success."""
    faults: tuple[str, ...]
    """Kinds of the faults that struck, in their order."""
    violations: tuple[Violation, ...]
    fingerprint: str
    """Equal for two requests with the same checksum; tells nothing about it."""
    status: int
    answer: bytes
    """The answer's body, cut after a limit."""
    seconds: float
    """How long the engine took."""
    empty: bool = False
    """A success that told an empty list."""
    near: str = ""
    """The rule that came closest and what it missed, when rules were there and none matched."""
    spoiled: bool = False
    """A fault kept the client from reading the answer: it was changed, replaced or not sent whole."""
    readings: Mapping[str, Any] = field(default_factory=dict)
    """All readings as they held; the entries of one scenario share the mapping."""
    started: float = 0.0
    """Seconds since the epoch by the machine's clock, wherever the app's was moved to."""
    delivery: float = 0.0
    """Seconds that faults make the answer take on its way, beside `seconds`."""
    fields_cut: bool = False
    """Some of `fields` are only a short text of what came, or are not there: `body` has them, as far as it goes."""
    query_cut: bool = False
    """Some of `query` is only the beginning of what came, or is not there."""
    body_cut: Cut | None = None
    """Set when `body` is only the beginning of what came."""
    answer_cut: Cut | None = None
    """Set when `answer` is only the beginning of what was sent."""

    @property
    def accepted(self) -> bool:
        """Whether the request was answered with a success."""
        return not self.error
