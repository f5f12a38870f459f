"""State in this process: what each app has sent and chosen. Bounded, thread-safe, gone with the process."""

from __future__ import annotations

import itertools
import threading
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from mockserver.contract.readings import Value
from mockserver.core.clock import Clock
from mockserver.faults.fields import FaultError
from mockserver.faults.parsing import Fault
from mockserver.faults.plan import FaultState
from mockserver.scenarios.model import Rule

MOST_REMEMBERED = 100_000
MOST_SIGNED = 1_024
"""So many right checksums of an app are known again when they come late; there is one for each second that it calls."""
ALL_APPS = "all apps"
"""Origin of faults that were chosen for every app."""


class AppState:
    """All that belongs to one appkey; two apps never meet."""

    def __init__(self, appkey: str, clock: Clock, scenario: str, seed: int = 0) -> None:
        self.appkey = appkey
        self.clock = clock
        self.scenario = scenario
        self.readings: Mapping[str, Value] = {}
        """Readings chosen for this app; they win over all others."""
        self.rules: tuple[tuple[str, Rule], ...] = ()
        """Answers given to this app beside its scenario's, by id, the newest first; they win over the scenario's."""
        self.faults = FaultState(seed)
        self._installed: object = None
        self._lock = threading.Lock()
        self._forget()

    def claim_seq(self, seq: str) -> bool:
        """Whether `seq` is new; it is not any more."""
        with self._lock:
            return self._seqs.claim(seq)

    def claim_checksum(self, checksum: str) -> bool:
        """Whether `checksum` is new; it is not any more."""
        with self._lock:
            return self._checksums.claim(checksum)

    def remember_signed(self, checksum: str, curtime: str) -> None:
        """Keep that `checksum` was right for `curtime`; the checksum itself is not kept."""
        key = hash(checksum)
        if key not in self._signed:
            with self._lock:
                self._signed[key] = curtime
                if len(self._signed) > MOST_SIGNED:
                    self._signed.popitem(last=False)

    def signed_for(self, checksum: str) -> str | None:
        """The curtime that `checksum` was right for, if it was seen to be; to be held against the keys."""
        return self._signed.get(hash(checksum))

    def draw(self, key: str, most: int | None = None) -> int | None:
        """How often `key` was drawn before; None, and not counted, once it was drawn `most` times."""
        with self._lock:
            count = self._counts[key]
            if most is not None and count >= most:
                return None
            self._counts[key] = count + 1
            return count

    def install(self, faults: Sequence[Fault]) -> None:
        """Put the faults of the scenario to work, once for each time that it is chosen or read anew."""
        if faults is self._installed:
            return
        with self._lock:
            if faults is not self._installed:
                self.faults.install(faults, self.clock.now())
                self._installed = faults

    def use(self, scenario: str) -> None:
        """Change to another scenario and start its sequences and faults anew."""
        with self._lock:
            self.scenario = scenario
            self._installed = None
            self._counts.clear()

    def choose(self, readings: Mapping[str, Value]) -> None:
        """Choose readings beside those chosen before; none at all forgets them."""
        with self._lock:
            self.readings = {**self.readings, **readings} if readings else {}

    def add_rule(self, number: str, rule: Rule) -> None:
        """Put a rule before all others."""
        with self._lock:
            self.rules = ((number, rule), *self.rules)

    def drop_rules(self, number: str | None = None) -> int:
        """Take one rule away, or all; gives how many went."""
        with self._lock:
            kept = () if number is None else tuple(one for one in self.rules if one[0] != number)
            gone = len(self.rules) - len(kept)
            self.rules = kept
            return gone

    def reset(self, scenario: str) -> None:
        """Back to `scenario` as if the app had never called; its clock runs as it was made."""
        with self._lock:
            self.clock.reset()
            self.scenario = scenario
            self.readings, self.rules = {}, ()
            self.faults.clear()
            self._installed = None
            self._forget()

    def _forget(self) -> None:
        self._seqs = _Seen()
        self._checksums = _Seen()
        self._signed: OrderedDict[int, str] = OrderedDict()
        """The curtime of each right checksum, by the checksum's hash, which is salted anew in each process."""
        self._counts: Counter[str] = Counter()


class MemoryStore:
    """The states of all apps, each made when first asked for, on a clock that follows the server's."""

    def __init__(self, clock: Clock, scenario: str, *, seed: int = 0) -> None:
        self.clock = clock
        self.first_scenario = scenario
        """The scenario the server was started with: a reset goes back to it."""
        self.scenario = scenario
        """The scenario of apps that are yet to call."""
        self._seed = seed
        self._first_faults: tuple[Fault, ...] = ()
        self._faults: dict[str, Fault] = {}
        """The faults of all apps, of those yet to call, too, by id."""
        self.rules: dict[str, Rule] = {}
        """The answers given to all apps, of those yet to call, too, by id, the oldest first."""
        self.readings: Mapping[str, Value] = {}
        """The readings chosen for all apps, of those yet to call, too."""
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._states: dict[str, AppState] = {}

    def start_with(self, faults: Sequence[Fault]) -> None:
        """Put the faults to work that the server starts with, now and after every reset."""
        self._first_faults = tuple(faults)
        self._start_faults()

    def app(self, appkey: str) -> AppState:
        """The state of an app; the empty appkey is that of requests which name no registered app."""
        state = self._states.get(appkey)
        if state is None:
            with self._lock:
                state = self._states.get(appkey) or self._make(appkey)
                self._states[appkey] = state
        return state

    def states(self) -> list[AppState]:
        """Every state there is so far."""
        with self._lock:
            return list(self._states.values())

    def use(self, scenario: str) -> None:
        """Change every app, and those to come, to another scenario."""
        self.scenario = scenario
        for state in self.states():
            state.use(scenario)

    def choose(self, readings: Mapping[str, Value]) -> None:
        """Choose readings for every app, and those to come; none at all forgets all that were chosen."""
        with self._lock:
            self.readings = {**self.readings, **readings} if readings else {}
            for state in self._states.values():
                state.choose(readings)

    def add_rule(self, number: str, rule: Rule) -> None:
        """Put a rule before all others, of every app, and those to come."""
        with self._lock:
            self.rules[number] = rule
            for state in self._states.values():
                state.add_rule(number, rule)

    def drop_rules(self, number: str | None = None) -> int:
        """Take one rule away from every app, or all rules; gives how many went."""
        with self._lock:
            gone = {one for one in self.rules if number in (None, one)}
            for one in gone:
                del self.rules[one]
            for state in self._states.values():
                gone |= {one for one, _ in state.rules if number in (None, one)}
                state.drop_rules(number)
            return len(gone)

    def add_fault(self, fault: Fault) -> str:
        """Put a fault to work on every app under one id, and give that id; FaultError when it is taken."""
        with self._lock:
            taken = self._faults.keys() | {
                one.id for state in self._states.values() for one in state.faults.active
            }
            made = (f"all-{number}-{fault.kind.kind}" for number in self._numbers)
            name = fault.common.id or next(one for one in made if one not in taken)
            named = replace(fault, common=replace(fault.common, id=name))
            added = []
            try:
                for state in self._states.values():
                    state.faults.add(named, state.clock.now(), origin=ALL_APPS)
                    added.append(state)
            except FaultError:
                for state in added:
                    state.faults.remove(name)
                raise
            self._faults[name] = named
        return name

    def drop_fault(self, name: str) -> bool:
        """End a fault on every app; whether there was one."""
        known = self._faults.pop(name, None) is not None
        removed = [state.faults.remove(name) for state in self.states()]
        return known or any(removed)

    def clear_faults(self) -> int:
        """End every fault of every app; gives how many there were."""
        self._faults.clear()
        self._numbers = itertools.count(1)
        return sum(state.faults.clear() for state in self.states())

    def reset(self) -> None:
        """Every app, the clock, the scenario and the faults as they were at the start."""
        self.clock.reset()
        self.scenario = self.first_scenario
        self.rules, self.readings = {}, {}
        self._faults.clear()
        # The same ids again: what a fault draws depends on its id.
        self._numbers = itertools.count(1)
        for state in self.states():
            state.reset(self.first_scenario)
        self._start_faults()

    def reset_app(self, appkey: str) -> None:
        """One app as it was at the start, with the faults, answers and readings that are every app's."""
        state = self.app(appkey)
        state.reset(self.first_scenario)
        with self._lock:
            self._share(state)

    def drop(self, appkey: str) -> None:
        """Forget an app that is gone."""
        with self._lock:
            self._states.pop(appkey, None)

    def _start_faults(self) -> None:
        for fault in self._first_faults:
            self.add_fault(fault)

    def _make(self, appkey: str) -> AppState:
        state = AppState(appkey, Clock(self.clock.now), self.scenario, self._seed)
        self._share(state)
        return state

    def _share(self, state: AppState) -> None:
        state.choose(self.readings)
        for number, rule in self.rules.items():
            state.add_rule(number, rule)
        for fault in self._faults.values():
            state.faults.add(fault, state.clock.now(), origin=ALL_APPS)


class _Seen:
    """A set that forgets its oldest member once it is full."""

    def __init__(self) -> None:
        self._members: OrderedDict[str, None] = OrderedDict()

    def claim(self, member: str) -> bool:
        if member in self._members:
            return False
        self._members[member] = None
        if len(self._members) > MOST_REMEMBERED:
            self._members.popitem(last=False)
        return True
