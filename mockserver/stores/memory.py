"""State in this process: what each app has sent and chosen. Bounded, thread-safe, gone with the process."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Mapping
from typing import Any

from mockserver.clock import Clock
from mockserver.contract.readings import Value

MOST_REMEMBERED = 100_000


class AppState:
    """All that belongs to one appkey; two apps never meet."""

    def __init__(self, appkey: str, clock: Clock, scenario: str) -> None:
        self.appkey = appkey
        self.clock = clock
        self.scenario = scenario
        self.readings: Mapping[str, Value] = {}
        """Readings chosen for this app; they win over all others."""
        self.rules: tuple[tuple[str, Any], ...] = ()
        """Answers given to this app beside its scenario's, by id, the newest first; they win over the scenario's."""
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

    def draw(self, key: str, most: int | None = None) -> int | None:
        """How often `key` was drawn before; None, and not counted, once it was drawn `most` times."""
        with self._lock:
            count = self._counts[key]
            if most is not None and count >= most:
                return None
            self._counts[key] = count + 1
            return count

    def use(self, scenario: str) -> None:
        """Change to another scenario and start its sequences anew."""
        with self._lock:
            self.scenario = scenario
            self._counts.clear()

    def add_rule(self, number: str, rule: Any) -> None:
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
            self._forget()

    def _forget(self) -> None:
        self._seqs = _Seen()
        self._checksums = _Seen()
        self._counts: Counter[str] = Counter()


class MemoryStore:
    """The states of all apps, each made when first asked for, on a clock that follows the server's."""

    def __init__(self, clock: Clock, scenario: str) -> None:
        self.clock = clock
        self.first_scenario = scenario
        """The scenario the server was started with: a reset goes back to it."""
        self.scenario = scenario
        """The scenario of apps that are yet to call."""
        self._lock = threading.Lock()
        self._states: dict[str, AppState] = {}

    def app(self, appkey: str) -> AppState:
        """The state of an app; the empty appkey is that of requests which name no registered app."""
        state = self._states.get(appkey)
        if state is None:
            with self._lock:
                made = AppState(appkey, Clock(self.clock.now), self.scenario)
                state = self._states.setdefault(appkey, made)
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

    def reset(self) -> None:
        """Every app, the clock and the scenario as they were at the start."""
        self.clock.reset()
        self.scenario = self.first_scenario
        for state in self.states():
            state.reset(self.first_scenario)

    def drop(self, appkey: str) -> None:
        """Forget an app that is gone."""
        with self._lock:
            self._states.pop(appkey, None)


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
