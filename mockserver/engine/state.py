"""The state that requests share: what each app sent, and what was chosen for it. Thread-safe and bounded.

`MemoryStore` and the `AppState` objects it hands out are the whole state interface. Another backend is one
more file with these two classes: the pipeline, the rules and the admin API use nothing but their public
methods and attributes.
"""

from __future__ import annotations

import itertools
import threading
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from mockserver.contract.readings import Value
from mockserver.core.clock import Clock
from mockserver.faults.base import FaultError
from mockserver.faults.parsing import Fault
from mockserver.faults.plan import FaultState
from mockserver.scenarios.model import Rule

MAX_CLAIMS = 100_000  # Values of seq, and of checksum, remembered per app.
MAX_SIGNED = 1_024  # Valid checksums remembered per app. A client makes one for each second in which it sends.
ALL_APPS = "all apps"  # Origin of faults that apply to every app.


class AppState:
    """The state of one app. Apps share nothing."""

    def __init__(self, appkey: str, clock: Clock, scenario: str, seed: int = 0) -> None:
        self.appkey = appkey
        self.clock = clock
        self.scenario = scenario
        self.readings: Mapping[str, Value] = {}  # Readings set for this app; they win over all others.
        self.rules: tuple[tuple[str, Rule], ...] = ()
        """Rules added for this app, by id, the newest first; they win over the scenario's."""
        self.faults = FaultState(seed)
        self._installed: Sequence[Fault] | None = None
        self._lock = threading.Lock()
        self._reset_history()

    def claim_seq(self, seq: str) -> bool:
        """Record `seq` as used. Return whether it was new."""
        with self._lock:
            return self._seqs.add(seq)

    def claim_checksum(self, checksum: str) -> bool:
        """Record `checksum` as used. Return whether it was new."""
        with self._lock:
            return self._checksums.add(checksum)

    def remember_signed(self, checksum: str, curtime: str) -> None:
        """Record that `checksum` was valid for `curtime`. Only its hash is kept."""
        key = hash(checksum)
        if key not in self._signed:
            with self._lock:
                self._signed[key] = curtime
                if len(self._signed) > MAX_SIGNED:
                    self._signed.popitem(last=False)

    def signed_for(self, checksum: str) -> str | None:
        """Return the curtime that `checksum` was valid for, if known. Hashes may collide: verify it."""
        return self._signed.get(hash(checksum))

    def count_match(self, rule: str, limit: int | None = None, *, preview: bool = False) -> int | None:
        """Count a match of a rule, unless for a `preview`. Return the matches before it; None once there are `limit`."""
        with self._lock:
            count = self._matches[rule]
            if limit is not None and count >= limit:
                return None
            if not preview:
                self._matches[rule] = count + 1
            return count

    def install_faults(self, faults: Sequence[Fault]) -> None:
        """Activate the scenario's faults, once each time the scenario is chosen or reloaded."""
        if faults is self._installed:
            return
        with self._lock:
            if faults is not self._installed:
                self.faults.install(faults, self.clock.now())
                self._installed = faults

    def use_scenario(self, scenario: str) -> None:
        """Change the scenario and restart its sequences and faults."""
        with self._lock:
            self.scenario = scenario
            self._installed = None
            self._matches.clear()

    def set_readings(self, readings: Mapping[str, Value]) -> None:
        """Add readings to those set before; an empty mapping removes all."""
        with self._lock:
            self.readings = {**self.readings, **readings} if readings else {}

    def add_rule(self, rule_id: str, rule: Rule) -> None:
        """Add a rule that is tried before all others."""
        with self._lock:
            self.rules = ((rule_id, rule), *self.rules)

    def remove_rules(self, rule_id: str | None = None) -> int:
        """Remove one added rule, or all. Return how many were removed."""
        with self._lock:
            left = () if rule_id is None else tuple(item for item in self.rules if item[0] != rule_id)
            removed = len(self.rules) - len(left)
            self.rules = left
            return removed

    def reset(self, scenario: str) -> None:
        """Return to `scenario` as if the app had never sent a request."""
        with self._lock:
            self.clock.reset()
            self.scenario = scenario
            self.readings, self.rules = {}, ()
            self.faults.clear()
            self._installed = None
            self._reset_history()

    def _reset_history(self) -> None:
        self._seqs = _RecentSet()
        self._checksums = _RecentSet()
        self._signed: OrderedDict[int, str] = OrderedDict()
        """Curtime by the hash of the checksum. Python salts the hashes in each process."""
        self._matches: Counter[str] = Counter()


class MemoryStore:
    """The states of all apps, created when first used, with clocks that follow the server's."""

    def __init__(self, clock: Clock, scenario: str, *, seed: int = 0) -> None:
        self.clock = clock
        self.first_scenario = scenario  # The scenario at start, restored by a reset.
        self.scenario = scenario  # The scenario of apps without a state of their own yet.
        self.rules: dict[str, Rule] = {}  # Rules added for all apps, by id, the oldest first.
        self.readings: Mapping[str, Value] = {}  # Readings set for all apps.
        self._seed = seed
        self._startup_faults: tuple[Fault, ...] = ()
        self._faults: dict[str, Fault] = {}  # Faults of all apps, by id.
        self._fault_numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._states: dict[str, AppState] = {}

    def app(self, appkey: str) -> AppState:
        """Return the state of an app. The empty appkey stands for requests that name no registered app."""
        state = self._states.get(appkey)
        if state is None:
            with self._lock:
                state = self._states.get(appkey) or self._create(appkey)
                self._states[appkey] = state
        return state

    def states(self) -> list[AppState]:
        """Return every state created so far."""
        with self._lock:
            return list(self._states.values())

    def use_scenario(self, scenario: str) -> None:
        """Change the scenario of all apps, present and future."""
        self.scenario = scenario
        for state in self.states():
            state.use_scenario(scenario)

    def set_readings(self, readings: Mapping[str, Value]) -> None:
        """Add readings for all apps, present and future; an empty mapping removes all."""
        with self._lock:
            self.readings = {**self.readings, **readings} if readings else {}
            for state in self._states.values():
                state.set_readings(readings)

    def add_rule(self, rule_id: str, rule: Rule) -> None:
        """Add a rule for all apps, present and future, that is tried before all others."""
        with self._lock:
            self.rules[rule_id] = rule
            for state in self._states.values():
                state.add_rule(rule_id, rule)

    def remove_rules(self, rule_id: str | None = None) -> int:
        """Remove one added rule from every app, or all rules. Return how many were removed."""
        with self._lock:
            removed = {known for known in self.rules if rule_id in (None, known)}
            for known in removed:
                del self.rules[known]
            for state in self._states.values():
                removed |= {known for known, _ in state.rules if rule_id in (None, known)}
                state.remove_rules(rule_id)
            return len(removed)

    def set_startup_faults(self, faults: Sequence[Fault]) -> None:
        """Activate faults for all apps, now and after every reset."""
        self._startup_faults = tuple(faults)
        self._add_startup_faults()

    def add_fault(self, fault: Fault) -> str:
        """Activate a fault for all apps, present and future. Return its id; FaultError when it is taken."""
        with self._lock:
            taken = self._faults.keys() | {
                active.id for state in self._states.values() for active in state.faults.active
            }
            candidates = (f"all-{number}-{fault.kind.kind}" for number in self._fault_numbers)
            fault_id = fault.common.id or next(name for name in candidates if name not in taken)
            named = replace(fault, common=replace(fault.common, id=fault_id))
            changed = []
            try:
                for state in self._states.values():
                    state.faults.add(named, state.clock.now(), origin=ALL_APPS)
                    changed.append(state)
            except FaultError:
                for state in changed:
                    state.faults.remove(fault_id)
                raise
            self._faults[fault_id] = named
        return fault_id

    def remove_fault(self, fault_id: str) -> bool:
        """Remove a fault from all apps. Return whether there was one."""
        known = self._faults.pop(fault_id, None) is not None
        removed = [state.faults.remove(fault_id) for state in self.states()]
        return known or any(removed)

    def clear_faults(self) -> int:
        """Remove every fault of every app. Return how many there were."""
        self._faults.clear()
        self._fault_numbers = itertools.count(1)
        return sum(state.faults.clear() for state in self.states())

    def reset(self) -> None:
        """Restore the start: clock, scenario and faults, and every app as if it had never sent a request."""
        self.clock.reset()
        self.scenario = self.first_scenario
        self.rules, self.readings = {}, {}
        self._faults.clear()
        # The same ids again, because a fault's random draws depend on its id.
        self._fault_numbers = itertools.count(1)
        for state in self.states():
            state.reset(self.first_scenario)
        self._add_startup_faults()

    def reset_app(self, appkey: str) -> None:
        """Reset one app. It keeps the faults, rules and readings of all apps."""
        state = self.app(appkey)
        state.reset(self.first_scenario)
        with self._lock:
            self._apply_shared(state)

    def remove_app(self, appkey: str) -> None:
        """Remove the state of an app."""
        with self._lock:
            self._states.pop(appkey, None)

    def _add_startup_faults(self) -> None:
        for fault in self._startup_faults:
            self.add_fault(fault)

    def _create(self, appkey: str) -> AppState:
        state = AppState(appkey, Clock(self.clock.now), self.scenario, self._seed)
        self._apply_shared(state)
        return state

    def _apply_shared(self, state: AppState) -> None:
        state.set_readings(self.readings)
        for rule_id, rule in self.rules.items():
            state.add_rule(rule_id, rule)
        for fault in self._faults.values():
            state.faults.add(fault, state.clock.now(), origin=ALL_APPS)


class _RecentSet:
    """A set that forgets its oldest member when it is full."""

    def __init__(self) -> None:
        self._members: OrderedDict[str, None] = OrderedDict()

    def add(self, member: str) -> bool:
        """Add a member. Return whether it was new."""
        if member in self._members:
            return False
        self._members[member] = None
        if len(self._members) > MAX_CLAIMS:
            self._members.popitem(last=False)
        return True
