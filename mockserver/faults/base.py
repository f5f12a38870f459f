"""The base classes of fault kinds, one for each family, and the arguments that the engine passes to them.

Each kind is a class in its own file in `kinds/`, and the file's name is the kind's name. Its fields are the options
that users set: they are declared once, and used for the JSON Schema that checks them, for help and for documentation.
Its only method, `apply`, is pure: the result depends on the fields and the arguments only. It returns the changed
value with a one-line note for `X-Mock-Fault`, or None when there is nothing to change.
"""

from __future__ import annotations

import hashlib
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Literal, TypeVar

from mockserver.contract.catalogue import Catalogue
from mockserver.contract.schemas import Schemas
from mockserver.core.errors import InvalidPart, Mistakes
from mockserver.core.http import DeliveryPlan, Response
from mockserver.core.messages import messages
from mockserver.core.text import Text
from mockserver.core.yaml_reader import read_texts
from mockserver.validation.signature import SigningContext

# Re-exported, so that most kinds import from this module only.
__all__ = ["DeliveryPlan", "Response", "SigningContext", "Text"]
T = TypeVar("T", bound="Fields")
Family = Literal["checksum", "api", "payload", "gateway", "time", "connection"]

FAMILIES: dict[str, Text] = read_texts(Path(__file__).with_name("families.yaml"))
ORDER = tuple(FAMILIES)

message = messages(Path(__file__).with_name("texts.yaml"))
MAX_SECONDS = 600.0
"""The maximum of each of a response's delay, hang, header time and body time, in seconds, over all of its faults."""


class FaultError(InvalidPart):
    """An invalid fault, with the place in its description and what is expected there."""


def integer(en: str, zh: str, minimum: int, maximum: int, default: Any = MISSING) -> Any:
    """Declare a field for an integer between `minimum` and `maximum`, both included."""
    return _field(en, zh, default, type="integer", minimum=minimum, maximum=maximum)


def number(
    en: str, zh: str, minimum: float | None, maximum: float, default: Any = MISSING, *, above: Any = None
) -> Any:
    """Declare a field for a number from `minimum` to `maximum`, or greater than `above`."""
    lower = {"exclusiveMinimum": above} if minimum is None else {"minimum": minimum}
    return _field(en, zh, default, type="number", **lower, maximum=maximum)


def choice(en: str, zh: str, choices: Iterable[str]) -> Any:
    """Declare a field for one of a few strings; the first one is the default."""
    names = list(choices)
    return _field(en, zh, names[0], enum=names)


def string(en: str, zh: str, pattern: str, max_length: int, default: Any = MISSING) -> Any:
    """Declare a field for a string that matches `pattern` in full."""
    return _field(en, zh, default, type="string", maxLength=max_length, pattern=f"^{pattern}$")


def nested(en: str, zh: str, cls: type[Fields]) -> Any:
    """Declare an optional field for a mapping with the fields of `cls`."""
    return _field(en, zh, None, cls, **cls.object_schema())


@dataclass(frozen=True, kw_only=True)
class Fields:
    """Base of classes with fields that users set. Subclasses must be frozen, keyword-only dataclasses, too."""

    exactly_one: ClassVar[tuple[str, ...]] = ()  # Fields of which exactly one is required.

    @classmethod
    def field_schemas(cls) -> dict[str, dict[str, Any]]:
        """Return the JSON Schema of each field."""
        return {item.name: item.metadata["schema"] for item in fields(cls)}

    @classmethod
    def object_schema(cls) -> dict[str, Any]:
        """Return the JSON Schema of the mapping that `make` takes."""
        schema = {"type": "object", "properties": cls.field_schemas(), "additionalProperties": False}
        if required := [item.name for item in fields(cls) if item.default is MISSING]:
            schema["required"] = required
        if cls.exactly_one:
            schema["oneOf"] = [{"required": [name]} for name in cls.exactly_one]
        return schema

    @classmethod
    def make(cls: type[T], given: Mapping[str, Any]) -> T:
        """Return an object with the fields in `given`, which is valid by the JSON Schema; other keys are ignored."""
        values = {item.name: given[item.name] for item in fields(cls) if item.name in given}
        mistakes = Mistakes()
        for item in fields(cls):
            if item.name in values and (inner := item.metadata["nested"]):
                with mistakes.collect(item.name):
                    values[item.name] = inner.make(values[item.name])
        mistakes.check(FaultError)
        return cls(**values)

    def to_mapping(self) -> dict[str, Any]:
        """Return the mapping from which `make` creates this object, without fields that are None."""
        values = {name: getattr(self, name) for name in self.field_schemas()}
        return {
            name: value.to_mapping() if isinstance(value, Fields) else value
            for name, value in values.items()
            if value is not None
        }


def _field(en: str, zh: str, default: Any, inner: type[Fields] | None = None, **schema: Any) -> Any:
    schema = {"description": en, "x-description-zh": zh, **schema}
    if default is not MISSING and default is not None:
        schema["default"] = default
    return field(default=default, metadata={"schema": schema, "nested": inner})


class Window:
    """A sliding window of the requests that one fault accepted, by the app's clock."""

    __slots__ = ("_accepted", "_lock")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._accepted: deque[float] = deque()

    def accept(self, now: float, limit: int, seconds: float) -> bool:
        """Return whether fewer than `limit` requests were accepted in the last `seconds`; if so, accept this one."""
        with self._lock:
            accepted = self._accepted
            # Threads may arrive slightly out of order. A clock that was set back starts a new window.
            if accepted and accepted[-1] - now > 1:
                accepted.clear()
            while accepted and accepted[0] <= now - seconds:
                accepted.popleft()
            if len(accepted) >= limit:
                return False
            accepted.append(now)
            return True


@dataclass(frozen=True, slots=True)
class Draw:
    """Random values for one fault and one request, and the fault's window of accepted requests.

    The same seed, fault and request number always give the same values. `purpose` separates the values of one
    draw.
    """

    seed: int
    key: str  # The fault's id.
    number: int  # 1-based index of the request among those that the fault matches.
    window: Window = field(default_factory=Window, compare=False)

    def uniform(self, purpose: str) -> float:
        """Return a number between 0 and 1, both excluded."""
        return ((self._bits(self.number, purpose) >> 12) + 0.5) / 2.0**52

    def below(self, count: int, purpose: str) -> int:
        """Return an integer from 0 to `count` - 1."""
        return self._bits(self.number, purpose) % count

    def token(self, purpose: str) -> str:
        """Return 16 hexadecimal characters for this request."""
        return f"{self._bits(self.number, purpose):016x}"

    def fixed_token(self, purpose: str) -> str:
        """Return 16 hexadecimal characters that are the same for every request."""
        return f"{self._bits(0, purpose):016x}"

    def _bits(self, number: int, purpose: str) -> int:
        text = f"{self.seed}\x1f{self.key}\x1f{number}\x1f{purpose}"
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A business error that replaces the response."""

    error: str  # Name of a catalogue row.
    info: str | None = None  # ErrorInfo; None for the text of the row.


@dataclass(frozen=True, slots=True)
class FaultContext:
    """The parts of a request's context that a kind can use."""

    operation: str  # Empty for a request to an unknown path.
    now: float  # Seconds since the epoch by the app's clock.
    catalogue: Catalogue
    schemas: Schemas


class Kind(Fields, ABC):
    """The base of all kinds. Subclass one of the six families below."""

    kind: ClassVar[str]  # The name of the kind, taken from its file.
    family: ClassVar[Family]
    text: ClassVar[Text]  # The effect that a client sees.
    common_defaults: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """Defaults of this kind for the fields common to all faults."""
    when_field: ClassVar[str] = ""  # The field that `when: TEXT` sets. `when` with a mapping always selects requests.
    secret_fields: ClassVar[tuple[str, ...]] = ()  # Fields whose values must not appear in lists and logs.
    needs_valid_signature: ClassVar[bool] = False  # Whether only requests with a valid signature match.
    compares_requests: ClassVar[bool] = False
    """Whether the fault only has an effect over several requests; it is refused as a fault of a single request."""

    def __init_subclass__(cls) -> None:
        """Make the subclass a dataclass, and name the kind after its file."""
        cls.kind = cls.__module__.rpartition(".")[2]
        dataclass(frozen=True, kw_only=True)(cls)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values of `secret_fields`."""
        return tuple(filter(None, (getattr(self, name) for name in self.secret_fields)))

    def check(self, catalogue: Catalogue) -> None:
        """Raise FaultError if a field names something that does not exist."""
        return


class ChecksumKind(Kind):
    """Changes the secret or the clock for verifying signatures, so that the regular checks reject the request."""

    family = "checksum"

    @abstractmethod
    def apply(self, signing: SigningContext, draw: Draw) -> tuple[SigningContext, str] | None:
        """Return the changed context and a note."""


class ApiKind(Kind):
    """Refuses a valid request with a business error in an HTTP 200 response."""

    family = "api"

    @abstractmethod
    def apply(self, context: FaultContext, draw: Draw) -> tuple[Refusal, str] | None:
        """Return the refusal and a note, or None to accept the request."""


class _ResponseKind(Kind):
    @abstractmethod
    def apply(self, response: Response, context: FaultContext, draw: Draw) -> tuple[Response, str] | None:
        """Return the changed response and a note, or None if this response cannot be changed."""


class PayloadKind(_ResponseKind):
    """Corrupts the backend's response."""

    family = "payload"


class GatewayKind(_ResponseKind):
    """Replaces the backend's response, except its `X-Mock-` headers."""

    family = "gateway"


class _DeliveryKind(Kind):
    @abstractmethod
    def apply(self, plan: DeliveryPlan, response: Response, draw: Draw) -> tuple[DeliveryPlan, str] | None:
        """Return the changed delivery plan and a note."""


class TimeKind(_DeliveryKind):
    """Delays the response, by at most `MAX_SECONDS`."""

    family = "time"


class ConnectionKind(_DeliveryKind):
    """Breaks the connection or the framing."""

    family = "connection"


def with_appsecret(signing: SigningContext, appsecret: str) -> SigningContext:
    """Return `signing` with another appsecret for its app, which must be set: faults apply to known apps only."""
    assert signing.app is not None
    keys = replace(signing.app.credentials, appsecret=appsecret)
    return replace(signing, app=replace(signing.app, credentials=keys))
