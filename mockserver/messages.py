"""The words the rooms speak to each other: frozen records, no behaviour beyond reading themselves.

Nothing here knows of Flask, of sockets or of YAML. A `Call` comes in, a `Reply` goes out, a `Violation`
is one departure of a request from the document, a `Delivery` says how the reply reaches the socket.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Lang = Literal["en", "zh"]


class Text(NamedTuple):
    """One text for people, in both languages."""

    en: str
    zh: str

    def to(self, lang: Lang) -> str:
        """The text in `lang`."""
        return self.zh if lang == "zh" else self.en


def counted(number: int, one: str, many: str = "") -> str:
    """`1 request`, `2 requests`, `0 tries`: a number and its noun, for English sentences."""
    return f"{number} {one if number == 1 else many or one + 's'}"


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request as it arrived: nothing decoded that could lose what was sent. Its repr shows none of that."""

    method: str
    path: str
    """Percent-decoded path, undecodable bytes replaced."""
    query: str = field(default="", repr=False)
    """Raw query string, still percent-encoded; bytes over 0x7f as Latin-1 characters."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Names in lower case."""
    body: bytes = field(default=b"", repr=False)
    overlong: bool = False
    """More bytes came than the limit allows; `body` is not to be trusted."""
    length: int = 0
    """Bytes that were announced of an overlong body; 0 when nobody knows."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One departure of a request from the document, whether it was accepted or not."""

    name: str
    """Stable name, a row of `contract.violations`."""
    error: str
    """Name of the catalogue row that answers it when it is not tolerated."""
    where: str
    """`path`, `method`, `query:NAME`, `header:NAME`, or `body:` and a JSON pointer."""
    expected: str
    got: str
    section: str
    """Section of the document, without the sign: `1.1.2`."""
    text: Text
    """What is wrong and what to do."""
    diagnosis: str = ""
    """Name of the mistake behind it, when it was found out."""
    tolerated: bool = False
    """Recorded only: a forgiving backend would take it."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a reply reaches the socket. Faults describe it here; only the transport performs it.

    Times are seconds, sizes are bytes. The default delivers the reply as it is.
    """

    delay: float = 0.0
    """Wait before the first byte."""
    hang: float | None = None
    """Send nothing at all for so long, then close."""
    instead: Literal["reset", "empty", "garbage"] | None = None
    """An RST, a close without a byte, or bytes that are no HTTP, instead of the answer."""
    header_seconds: float = 0.0
    """Spread the status line and the headers over this time."""
    body_chunks: int = 1
    body_seconds: float = 0.0
    """Send the body in so many pieces, spread over this time."""
    bytes_per_second: int = 0
    """Throttle head and body; 0 is unlimited."""
    cut: float | None = None
    """Send only this share of the body under the full Content-Length, then end as `cut_end` says."""
    cut_end: Literal["close", "reset"] = "close"
    malformed_chunk: bool = False
    """Answer with Transfer-Encoding: chunked and break a chunk's framing."""
    close_after: float | None = None
    """Keep the connection open so long after the answer, then close it (`Connection: close`)."""

    @property
    def touches_connection(self) -> bool:
        """Whether only a transport that owns the socket can perform it."""
        return (
            self.instead is not None
            or self.cut is not None
            or self.malformed_chunk
            or self.header_seconds > 0
            or self.body_seconds > 0
            or self.bytes_per_second > 0
            or self.close_after is not None
            or self.hang is not None
        )

    def seconds(self, size: int) -> float:
        """How long an answer of `size` bytes takes by it, at least."""
        if self.hang is not None:
            return self.delay + self.hang
        if self.instead is not None:
            return self.delay
        throttled = size / self.bytes_per_second if self.bytes_per_second else 0.0
        return self.delay + max(self.header_seconds + self.body_seconds, throttled)

    @property
    def spoils(self) -> bool:
        """Whether no client gets the whole answer."""
        return bool(self.instead or self.hang is not None or self.cut is not None or self.malformed_chunk)


PLAIN = Delivery()


@dataclass(frozen=True, slots=True)
class Reply:
    """What the client gets: status, headers, body, and how they are delivered."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    delivery: Delivery = PLAIN
    appkey: str = ""
    """The app that asked, if it is a registered one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A view's answer before it is encoded: the fields after the envelope, in the document's order."""

    fields: dict[str, Any]
    settled_from: int | None = None
    """The fields are the same at every now ≥ this second; None: they depend on the very second asked."""


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
    call: Call
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
