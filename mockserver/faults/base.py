"""What a fault kind is: a frozen dataclass whose fields are its API, and one hook, the one of its family.

A kind is one file in `kinds/`; the file's name is the kind's name. Hooks are pure: what they return depends
on the fields, on what they are given and on the draw. They return their thing changed and a line that says
what was done to it, or None when there was nothing to do.
"""

from __future__ import annotations

import hashlib
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from mockserver.contract.catalogue import Catalogue
from mockserver.contract.schemas import Schemas
from mockserver.core.http import DeliveryPlan, Response
from mockserver.core.text import Text
from mockserver.faults.fields import Pointer
from mockserver.validation.signature import SigningContext

Family = Literal["checksum", "api", "payload", "gateway", "time", "connection"]
FAMILIES: tuple[Family, ...] = ("checksum", "api", "payload", "gateway", "time", "connection")
"""In the order in which faults of one request act."""

LONGEST = 600.0
"""Seconds that the faults of one request may keep a client waiting, for each way of waiting."""


class Memory:
    """What one fault remembers from request to request; hold the lock while you look."""

    __slots__ = ("lock", "values")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.values: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Draw:
    """The chance of one fault at one request: the same seed, fault and number give the same values."""

    seed: int
    key: str
    """The fault's id."""
    number: int
    """The how-many-eth request this is that the fault matches, from 1."""
    memory: Memory = field(default_factory=Memory, compare=False)

    def unit(self, purpose: str) -> float:
        """A number in 0 < x < 1, another one for each purpose."""
        return ((self._bits(self.number, purpose) >> 12) + 0.5) / 2.0**52

    def below(self, count: int, purpose: str) -> int:
        """A number in 0 ≤ x < count."""
        return self._bits(self.number, purpose) % count

    def lasting(self, purpose: str) -> str:
        """A word of 16 characters that is the same for every request."""
        return f"{self._bits(0, purpose):016x}"

    def word(self, purpose: str) -> str:
        """A word of 16 characters for this request."""
        return f"{self._bits(self.number, purpose):016x}"

    def _bits(self, number: int, purpose: str) -> int:
        text = f"{self.seed}\x1f{self.key}\x1f{number}\x1f{purpose}"
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A business error in place of the answer."""

    error: str
    """Name of a row of the catalogue."""
    info: str | None = None
    """The ErrorInfo; None: the row's own text."""


@dataclass(frozen=True, slots=True)
class FaultContext:
    """What a kind may know of the request it strikes."""

    operation: str
    """Empty when the path names none."""
    now: float
    """Seconds since the epoch by the app's clock."""
    catalogue: Catalogue
    schemas: Schemas


class Kind(ABC):
    """Base of all kinds; take one of the six below. Subclasses are frozen, keyword-only dataclasses."""

    kind: ClassVar[str]
    """The name: that of the file."""
    family: ClassVar[Family]
    text: ClassVar[Text]
    """What a client sees."""
    exactly_one: ClassVar[tuple[str, ...]] = ()
    """Fields of which exactly one is given."""
    common: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """Other defaults for the fields that all faults have."""
    word_of_when: ClassVar[str] = ""
    """The own field that a `when` of one word means; a `when` that is a mapping chooses requests."""
    honest_only: ClassVar[bool] = False
    """Strikes (and counts) only requests whose signature is right."""
    remembers: ClassVar[bool] = False
    """Compares requests, so it can do nothing for a single one."""

    def __init_subclass__(cls) -> None:
        """Name the kind after its file."""
        super().__init_subclass__()
        cls.kind = cls.__module__.rpartition(".")[2]

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values among the fields that nobody may read."""
        return ()

    def wrong(self) -> tuple[Pointer, Text] | None:
        """What is wrong with the fields taken together, and where; None when nothing is."""
        return None

    def check(self, catalogue: Catalogue) -> None:
        """FaultError when a field names something that is not there."""
        return


class ChecksumKind(Kind):
    """Changes what the server verifies signatures against, so that its own checks reject the request."""

    family = "checksum"

    @abstractmethod
    def apply(self, signing: SigningContext, draw: Draw) -> tuple[SigningContext, str] | None:
        """Return the changed context and a note."""


class ApiKind(Kind):
    """Refuses a request that was accepted, with an error of the catalogue in an HTTP 200."""

    family = "api"

    @abstractmethod
    def refuse(self, context: FaultContext, draw: Draw) -> tuple[Refusal, str] | None:
        """The refusal, or None to let the request through."""


class PayloadKind(Kind):
    """Spoils what the backend says."""

    family = "payload"

    @abstractmethod
    def corrupt(self, response: Response, context: FaultContext, draw: Draw) -> tuple[Response, str] | None:
        """Another reply; None when this one has nothing to spoil."""


class GatewayKind(Kind):
    """Answers in place of the backend."""

    family = "gateway"

    @abstractmethod
    def corrupt(self, response: Response, context: FaultContext, draw: Draw) -> tuple[Response, str] | None:
        """Another reply; its `X-Mock-` headers are those of the first."""


class TimeKind(Kind):
    """Keeps the client waiting, at most `LONGEST`."""

    family = "time"

    @abstractmethod
    def deliver(
        self, delivery: DeliveryPlan, response: Response, draw: Draw
    ) -> tuple[DeliveryPlan, str] | None:
        """The reply's delivery with a wait added."""


class ConnectionKind(Kind):
    """Breaks the connection or the framing."""

    family = "connection"

    @abstractmethod
    def deliver(
        self, delivery: DeliveryPlan, response: Response, draw: Draw
    ) -> tuple[DeliveryPlan, str] | None:
        """The reply's delivery with something broken."""


def with_appsecret(signing: SigningContext, appsecret: str) -> SigningContext:
    """Return `signing` with another appsecret for its app. The engine applies faults to known apps only."""
    assert signing.app is not None
    keys = replace(signing.app.credentials, appsecret=appsecret)
    return replace(signing, app=replace(signing.app, credentials=keys))
