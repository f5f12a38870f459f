"""Which faults strike a request, and in which order; every count is exact however many threads ask.

The order is checksum → api → payload → gateway → time → connection, inside a family the order of adding,
faults of a single request last. Waits add up; of two endings of a connection the later one holds. A fault
counts the requests it is for (`on`, `when`) one by one, when its family's turn comes: of them it skips
`after`, then takes every `every`th, then draws by `probability`, and stops after `times` strikes. A strike
that finds nothing to change (no list to empty, a rate below its limit) counts, but is not told.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from mockserver.core.http import Response
from mockserver.core.text import Text
from mockserver.faults.base import FAMILIES, LONGEST, Draw, FaultContext, Kind, Memory, Refusal
from mockserver.faults.fields import FaultError
from mockserver.faults.parsing import Fault
from mockserver.validation.signature import SigningContext

MOST = 1_000
"""Faults that one app may have at once."""


class Active:
    """One fault at work on one app, with its counts."""

    __slots__ = ("_lock", "_memory", "_seed", "fault", "id", "origin", "seen", "struck", "until")

    def __init__(self, fault: Fault, id: str, origin: str, seed: int, now: float) -> None:
        self.fault, self.id, self.origin = fault, id, origin
        ttl = fault.common.ttl_seconds
        self.until = None if ttl is None else now + ttl
        """Second of the app's clock at which it is gone."""
        self.seen = 0
        """Requests it was for."""
        self.struck = 0
        self._seed = seed
        self._memory = Memory()
        self._lock = threading.Lock()

    @property
    def used_up(self) -> bool:
        """Whether it has struck as often as it may."""
        return self.fault.common.times is not None and self.struck >= self.fault.common.times

    def take(self) -> Draw | None:
        """Count one request it is for; the draw if it strikes that one."""
        common = self.fault.common
        with self._lock:
            self.seen += 1
            past = self.seen - common.after
            if past <= 0 or past % common.every or self.used_up:
                return None
            draw = Draw(self._seed, self.id, self.seen, self._memory)
            if common.probability < 1 and draw.unit("probability") >= common.probability:
                return None
            self.struck += 1
            return draw

    def told(self, now: float) -> dict[str, Any]:
        """The fault as the admin API shows it."""
        return {
            "id": self.id,
            **{name: value for name, value in self.fault.shown().items() if name != "id"},
            "origin": self.origin,
            "matched": self.seen,
            "struck": self.struck,
            "ended": self.used_up or (self.until is not None and now >= self.until),
        }


class FaultState:
    """The faults of one app. `active` is empty, and costs one look, while there are none."""

    def __init__(self, seed: int = 0) -> None:
        self.active: tuple[Active, ...] = ()
        """In the order in which they act; never changed, only replaced."""
        self._seed = seed
        self._lock = threading.Lock()
        self._made = 0

    def add(self, fault: Fault, now: float, *, origin: str = "") -> Active:
        """Put a fault to work; FaultError when its id is taken. `origin` says who chose it, for `clear`."""
        with self._lock:
            return self._add(fault, now, origin)

    def install(self, faults: Iterable[Fault], now: float, *, origin: str = "scenario") -> None:
        """Put `faults` in the place of all earlier ones of the same origin."""
        with self._lock:
            made = [one for one in self.active if one.origin != origin]
            for number, fault in enumerate(faults, 1):
                taken = {one.id for one in made}
                ids = (f"{origin}-{number}-{fault.kind.kind}{'+' * more}" for more in count())
                id = fault.common.id
                if id is None or id in taken:
                    # A request is under way: an id that somebody took must not stop the scenario.
                    id = next(one for one in ids if one not in taken)
                made.append(Active(fault, id, origin, self._seed, now))
            self.active = tuple(sorted(made, key=_turn))

    def remove(self, id: str) -> bool:
        """End one fault; whether there was one of that id."""
        with self._lock:
            left = tuple(one for one in self.active if one.id != id)
            found, self.active = len(left) < len(self.active), left
            return found

    def clear(self, origin: str | None = None) -> int:
        """End all faults, or those of one origin; how many. With none left, made-up ids start anew."""
        with self._lock:
            left = tuple(one for one in self.active if origin is not None and one.origin != origin)
            ended, self.active = len(self.active) - len(left), left
            if not left:
                self._made = 0
            return ended

    def list(self, now: float) -> list[dict[str, Any]]:
        """Every fault as the admin API shows it, in the order in which they act."""
        return [one.told(now) for one in self.active]

    def fault_plan(
        self,
        operation: str,
        body: Mapping[str, Any],
        query: Mapping[str, str],
        now: float,
        *,
        once: Sequence[Fault] = (),
        number: int = 0,
    ) -> FaultPlan:
        """What one request goes through; `once` are faults of this request alone, drawn by its `number`."""
        return FaultPlan(self.active, operation, body, query, now, self._seed, once, number)

    def _add(self, fault: Fault, now: float, origin: str) -> Active:
        taken = {one.id for one in self.active}
        id = fault.common.id
        while id is None:
            self._made += 1
            made = f"{fault.kind.kind}-{self._made}"
            id = None if made in taken else made
        if id in taken:
            raise FaultError(
                ("id",),
                Text(f"there is a fault {id!r} already; choose another id", f"已有故障 {id!r}；请换一个 id"),
            )
        if len(self.active) >= MOST:
            # Tests that add a fault for every case must not fill the memory with those that are over.
            self.active = tuple(one for one in self.active if not one.used_up)
        if len(self.active) >= MOST:
            raise FaultError(
                (), Text(f"{MOST} faults are at work; remove some", f"已有 {MOST} 个故障；请先删除一些")
            )
        active = Active(fault, id, origin, self._seed, now)
        self.active = tuple(sorted((*self.active, active), key=_turn))
        return active


class FaultPlan:
    """What one request goes through: the engine asks stage by stage, and a stage strikes when it is asked."""

    __slots__ = ("_active", "_number", "_once", "_request", "_seed", "notes")

    def __init__(
        self,
        active: Sequence[Active],
        operation: str,
        body: Mapping[str, Any],
        query: Mapping[str, str],
        now: float,
        seed: int,
        once: Sequence[Fault],
        number: int,
    ) -> None:
        self._active, self._once = active, once
        self._request = (operation, body, query, now)
        self._seed, self._number = seed, number
        self.notes: list[tuple[str, str]] = []
        """(kind, one line on what was done) of each fault that had an effect, in their order."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that had an effect, in their order."""
        return tuple(kind for kind, _ in self.notes)

    @property
    def header(self) -> str:
        """The value of X-Mock-Fault, one line of ASCII; empty when nothing was done."""
        line = "; ".join(f"{kind}: {note}" for kind, note in self.notes)[:500]
        return (
            "".join(one if one.isprintable() else "?" for one in line)
            .encode("ascii", "backslashreplace")
            .decode()
        )

    def apply_to_signing(self, signing: SigningContext, *, signature_valid: bool) -> SigningContext:
        """Apply the checksum faults. `signature_valid`: the signature is valid in the context passed in."""
        for kind, draw in self._strike("checksum", honest=signature_valid):
            done = kind.apply(signing, draw)
            if done is not None:
                signing = self._note(kind, done)
        return signing

    def refuse(self, context: FaultContext) -> Refusal | None:
        """The first refusal of a request that was accepted. Those behind it are not counted."""
        for kind, draw in self._strike("api"):
            done = kind.refuse(context, draw)
            if done is not None:
                refusal: Refusal = self._note(kind, done)
                return refusal
        return None

    def corrupt(self, response: Response, context: FaultContext) -> Response:
        """The reply as the backend spoils it and as the gateway replaces it."""
        for family in ("payload", "gateway"):
            for kind, draw in self._strike(family):
                done = kind.corrupt(response, context, draw)
                if done is not None:
                    response = self._note(kind, done)
        return response

    def deliver(self, response: Response) -> Response:
        """The reply with the waits and breaks of its delivery; no wait is longer than `LONGEST`."""
        delivery = response.delivery
        for family in ("time", "connection"):
            for kind, draw in self._strike(family):
                done = kind.deliver(delivery, response, draw)
                if done is not None:
                    delivery = self._note(kind, done)
        if delivery is response.delivery:
            return response
        delivery = replace(
            delivery,
            delay=min(delivery.delay, LONGEST),
            hang=None if delivery.hang is None else min(delivery.hang, LONGEST),
            header_seconds=min(delivery.header_seconds, LONGEST),
            body_seconds=min(delivery.body_seconds, LONGEST),
        )
        return replace(response, delivery=delivery)

    def _note(self, kind: Kind, done: tuple[Any, str]) -> Any:
        self.notes.append((kind.kind, done[1]))
        return done[0]

    def _strike(self, family: str, *, honest: bool = True) -> Iterator[tuple[Any, Draw]]:
        """The faults of one family that strike this request, each counted when its turn comes."""
        operation, body, query, now = self._request
        for active in self._active:
            kind = active.fault.kind
            if (
                kind.family == family
                and (active.until is None or now < active.until)
                and (honest or not kind.honest_only)
                and active.fault.wants(operation, body, query)
            ):
                draw = active.take()
                if draw is not None:
                    yield kind, draw
        for index, fault in enumerate(self._once):
            kind = fault.kind
            if (
                kind.family == family
                and (honest or not kind.honest_only)
                and fault.wants(operation, body, query)
            ):
                draw = Draw(self._seed, f"{kind.kind}.{index}", self._number)
                if draw.unit("probability") < fault.common.probability:
                    yield kind, draw


def _turn(active: Active) -> int:
    return FAMILIES.index(active.fault.kind.family)
