"""Decides which faults apply to a request, in which order. Counts are exact under concurrent requests.

Families are applied in the order checksum, api, payload, gateway, time, connection; within a family, faults
apply in the order in which they were added, followed by the faults of this request alone. Delays add up; if
several faults end the connection, the last one decides.

A fault counts the requests that match its `on` and `when` and that reach its family. It skips the first
`after`, then considers every `every`th, fires with `probability`, and ends after firing `times` times. A fault
that fires but finds nothing to change (no list to empty, a rate below the limit) counts as fired, but is not
reported.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from mockserver.core.http import Response
from mockserver.faults.base import MAX_SECONDS, ORDER, Draw, FaultContext, FaultError, Kind, Refusal, Window, message
from mockserver.faults.parsing import Common, Fault
from mockserver.validation.signature import SigningContext

MAX_FAULTS = 1_000  # The number of faults one app may have at a time.
SCENARIO = "scenario"  # The origin of the faults of an app's scenario.


class FaultCounts:
    """How often one fault of one app matched and fired, and its window of accepted requests. Stores may subclass it."""

    def __init__(self, uid: str = "") -> None:
        self._matched = 0
        self._fired = 0
        self.window = Window()
        self._lock = threading.Lock()

    @property
    def matched(self) -> int:
        """The number of matching requests."""
        return self._matched

    @property
    def fired(self) -> int:
        """The number of requests on which the fault fired."""
        return self._fired

    def take(self, common: Common, chosen: Callable[[int], bool]) -> int | None:
        """Count one matching request. Return its number if the fault fires on it; `chosen` decides by the number."""
        with self._lock:
            self._matched += 1
            past = self._matched - common.after
            if past <= 0 or past % common.every or (common.times is not None and self._fired >= common.times):
                return None
            if not chosen(self._matched):
                return None
            self._fired += 1
            return self._matched


@dataclass(frozen=True, slots=True)
class ActiveFault:
    """A fault of one app, with its counts."""

    fault: Fault
    id: str
    origin: str  # `scenario`, or who added it.
    seed: int
    expires_at: float | None  # Seconds since the epoch, by the app's clock.
    uid: str
    counts: FaultCounts

    @property
    def used_up(self) -> bool:
        """Whether it has fired `times` times."""
        return self.fault.common.times is not None and self.counts.fired >= self.fault.common.times

    def expired(self, now: float) -> bool:
        """Whether `ttl_seconds` have passed."""
        return self.expires_at is not None and now >= self.expires_at

    def should_fire(self) -> Draw | None:
        """Count one matching request. Return its draw if the fault fires on it, or None."""
        common = self.fault.common

        def chosen(number: int) -> bool:
            return common.probability >= 1 or self._draw(number).uniform("probability") < common.probability

        number = self.counts.take(common, chosen)
        return None if number is None else self._draw(number)

    def _draw(self, number: int) -> Draw:
        return Draw(self.seed, self.id, number, self.counts.window)

    def to_json(self, now: float) -> dict[str, Any]:
        """Return the fault as the admin API shows it."""
        return {
            "id": self.id,
            **{name: value for name, value in self.fault.masked().items() if name != "id"},
            "origin": self.origin,
            "matched": self.counts.matched,
            "struck": self.counts.fired,
            "ended": self.used_up or self.expired(now),
        }


class FaultState:
    """The faults of one app."""

    def __init__(self, seed: int = 0, new_counts: Callable[[str], FaultCounts] = FaultCounts) -> None:
        self.active: tuple[ActiveFault, ...] = ()
        """The faults; those of a family in the order in which they are applied. Replaced on every change."""
        self.seed, self._new_counts = seed, new_counts
        self._lock = threading.Lock()
        self._last_number = 0

    def add(self, fault: Fault, now: float, *, origin: str = "", uid: str = "") -> ActiveFault:
        """Add a fault. `origin` names its source. Raise FaultError if its id is taken or at the limit.

        Faults of an app with the same `uid` share their counts in a store of several processes; by default it is
        unique.
        """
        uid = uid or secrets.token_hex(6)
        with self._lock:
            if len(self.active) >= MAX_FAULTS:
                # A test run that adds a fault for every case must not reach the limit with finished faults.
                self.active = tuple(active for active in self.active if not active.used_up)
            if len(self.active) >= MAX_FAULTS:
                raise FaultError((), message("too_many", limit=MAX_FAULTS))
            active = self._activate(fault, self._free_id(fault), origin, _expiry(fault, now), uid)
            self.active = (*self.active, active)
            return active

    def restore(self, fault: Fault, origin: str, expires_at: float | None, uid: str) -> None:
        """Add a fault that another process activated; it has an id."""
        with self._lock:
            self.active = (*self.active, self._activate(fault, str(fault.common.id), origin, expires_at, uid))

    def install(self, faults: Iterable[Fault], now: float, *, uid: str = "", removed: Collection[str] = ()) -> None:
        """Replace the faults of the scenario with `faults`, without the ids in `removed`. Others follow."""
        with self._lock:
            others = [active for active in self.active if active.origin != SCENARIO]
            installed: list[ActiveFault] = []
            for number, fault in enumerate(faults, 1):
                taken = {active.id for active in (*others, *installed)}
                id = fault.common.id
                if id is None or id in taken:
                    # This runs while a request is handled: a taken id must not make the scenario fail.
                    ids = (f"{SCENARIO}-{number}-{fault.kind.kind}{'+' * more}" for more in count())
                    id = next(candidate for candidate in ids if candidate not in taken)
                if id not in removed:
                    installed.append(self._activate(fault, id, SCENARIO, _expiry(fault, now), f"{uid}:{id}"))
            self.active = (*installed, *others)

    def remove(self, id: str) -> bool:
        """Remove one fault. Return whether there was one with this id."""
        with self._lock:
            remaining = tuple(active for active in self.active if active.id != id)
            removed, self.active = len(remaining) < len(self.active), remaining
            return removed

    def clear(self) -> int:
        """Remove all faults, and return their number. Generated ids start again at 1."""
        with self._lock:
            removed, self.active, self._last_number = len(self.active), (), 0
            return removed

    def list(self, now: float) -> list[dict[str, Any]]:
        """Return every fault as the admin API shows it, in the order of application."""
        return [
            active.to_json(now)
            for active in sorted(self.active, key=lambda active: ORDER.index(active.fault.kind.family))
        ]

    def _activate(self, fault: Fault, id: str, origin: str, expires_at: float | None, uid: str) -> ActiveFault:
        return ActiveFault(fault, id, origin, self.seed, expires_at, uid, self._new_counts(uid))

    def _free_id(self, fault: Fault) -> str:
        taken = {active.id for active in self.active}
        id = fault.common.id
        if id in taken:
            raise FaultError(("id",), message("taken", id=id))
        while id is None or id in taken:
            self._last_number += 1
            id = f"{fault.kind.kind}-{self._last_number}"
        return id


@dataclass(slots=True)
class FaultPlan:
    """The faults of one request. A fault fires when the engine calls the method for its family."""

    active: Sequence[ActiveFault]
    operation: str
    body: Mapping[str, Any]
    query: Mapping[str, str]
    now: float
    once: Sequence[Fault] = ()  # Faults of this request alone; `seed` and its `number` determine their draws.
    seed: int = 0
    number: int = 0
    notes: list[tuple[str, str]] = field(default_factory=list)
    """(kind, one-line note) of each fault that had an effect, in order."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that had an effect, in order."""
        return tuple(kind for kind, _ in self.notes)

    @property
    def header(self) -> str:
        """The value of X-Mock-Fault: one line of ASCII, empty if no fault had an effect."""
        line = "; ".join(f"{kind}: {note}" for kind, note in self.notes)[:500]
        line = "".join(character if character.isprintable() else "?" for character in line)
        return line.encode("ascii", "backslashreplace").decode()

    def apply_to_signing(self, signing: SigningContext, *, signature_valid: bool) -> SigningContext:
        """Apply the checksum faults. `signature_valid`: whether the signature is valid in `signing`."""
        for kind, draw in self._firing("checksum", signature_valid=signature_valid):
            signing = self._note(kind, kind.apply(signing, draw), signing)
        return signing

    def refuse(self, context: FaultContext) -> Refusal | None:
        """Apply the api faults to a valid request until one refuses it; later ones do not count the request."""
        for kind, draw in self._firing("api"):
            refusal: Refusal | None = self._note(kind, kind.apply(context, draw), None)
            if refusal is not None:
                return refusal
        return None

    def corrupt(self, response: Response, context: FaultContext) -> Response:
        """Apply the payload and gateway faults."""
        for family in ("payload", "gateway"):
            for kind, draw in self._firing(family):
                response = self._note(kind, kind.apply(response, context, draw), response)
        return response

    def plan_delivery(self, response: Response) -> Response:
        """Apply the time and connection faults to the delivery plan; no delay exceeds `MAX_SECONDS`."""
        plan = response.delivery
        for family in ("time", "connection"):
            for kind, draw in self._firing(family):
                plan = self._note(kind, kind.apply(plan, response, draw), plan)
        if plan is response.delivery:
            return response
        times = {name: getattr(plan, name) for name in ("delay", "hang", "header_seconds", "body_seconds")}
        limited = {name: min(seconds, MAX_SECONDS) for name, seconds in times.items() if seconds is not None}
        return replace(response, delivery=replace(plan, **limited))

    def _note(self, kind: Kind, applied: tuple[Any, str] | None, unchanged: Any) -> Any:
        if applied is None:
            return unchanged
        self.notes.append((kind.kind, applied[1]))
        return applied[0]

    def _firing(self, family: str, *, signature_valid: bool = True) -> Iterator[tuple[Any, Draw]]:
        """Yield the faults of one family that fire on this request; a fault counts it only when it is reached."""

        def matches(fault: Fault) -> bool:
            return (
                fault.kind.family == family
                and (signature_valid or not fault.kind.needs_valid_signature)
                and fault.matches(self.operation, self.body, self.query)
            )

        for active in self.active:
            if not active.expired(self.now) and matches(active.fault) and (draw := active.should_fire()):
                yield active.fault.kind, draw
        for index, fault in enumerate(self.once):
            if matches(fault):
                draw = Draw(self.seed, f"{fault.kind.kind}.{index}", self.number)
                if draw.uniform("probability") < fault.common.probability:
                    yield fault.kind, draw


def _expiry(fault: Fault, now: float) -> float | None:
    return None if fault.common.ttl_seconds is None else now + fault.common.ttl_seconds
