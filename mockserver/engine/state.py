"""The state of apps: what each has sent, and its scenario, faults, readings and rules. Thread-safe and bounded.

`MemoryStore`, the `AppState` objects it returns, `FaultCounts` and the `Journal` are the complete state interface: the
pipeline, rules and admin API use only their public members. `redis_store` has subclasses that share the state.
"""

from __future__ import annotations

import itertools
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from mockserver.contract.apps import App
from mockserver.contract.readings import Value
from mockserver.core.clock import Clock
from mockserver.core.http import Response
from mockserver.core.machine_time import monotonic
from mockserver.core.text import Text
from mockserver.faults.base import FaultError
from mockserver.faults.parsing import Fault
from mockserver.faults.plan import FaultCounts, FaultState
from mockserver.scenarios.model import Rule
from mockserver.validation.claims import Claims

if TYPE_CHECKING:
    import asyncio

    from mockserver.engine.pipeline import Engine

T = TypeVar("T")
APP_TTL = 86_400.0  # Seconds after its last use until an app created at run time is removed.
ALL_APPS = "all apps"  # Origin of faults that apply to every app.


class StoreUnavailable(Exception):
    """A shared store did not answer in time or reported an error; `text` says which."""

    def __init__(self, text: Text) -> None:
        self.text = text
        super().__init__(text.en)


class AppState:
    """The state of one app. Apps share nothing."""

    def __init__(
        self,
        appkey: str,
        clock: Clock,
        scenario: str,
        seed: int = 0,
        new_counts: Callable[[str], FaultCounts] = FaultCounts,
        claims: Claims | None = None,
    ) -> None:
        self.appkey = appkey
        self.clock = clock
        self.scenario = scenario
        self.readings: Mapping[str, Value] = {}  # Readings set for this app; they take precedence over all others.
        self.rules: tuple[tuple[str, Rule], ...] = ()
        """Rules added for this app, with their ids, newest first; they take precedence over the scenario's."""
        self.faults = FaultState(seed, new_counts)
        self._installed: Sequence[Fault] | None = None
        self._lock = threading.Lock()
        self.claims = claims or Claims()

    def install_faults(self, faults: Sequence[Fault]) -> None:
        """Activate the scenario's faults, once each time the scenario is chosen or reloaded."""
        if faults is self._installed:
            return
        with self._lock:
            if faults is not self._installed:
                self._install(faults)
                self._installed = faults

    def _install(self, faults: Sequence[Fault]) -> None:
        self.faults.install(faults, self.clock.now())

    def use_scenario(self, scenario: str) -> None:
        """Change the scenario and restart its sequences and faults."""
        with self._lock:
            self.scenario = scenario
            self._installed = None
            self.claims.restart_rules()

    def set_readings(self, readings: Mapping[str, Value]) -> None:
        """Add readings to those set before; an empty mapping removes all."""
        with self._lock:
            self.readings = {**self.readings, **readings} if readings else {}

    def add_rule(self, rule_id: str, rule: Rule) -> None:
        """Add a rule, which takes precedence over all others."""
        with self._lock:
            self.rules = ((rule_id, rule), *self.rules)

    def remove_rules(self, rule_id: str | None = None) -> int:
        """Remove one added rule, or all. Return how many were removed."""
        with self._lock:
            before = self.rules
            self.rules = () if rule_id is None else tuple(item for item in before if item[0] != rule_id)
            return len(before) - len(self.rules)

    def reset(self, scenario: str) -> None:
        """Return to `scenario` as if the app had never sent a request."""
        with self._lock:
            self.clock.reset()
            self.scenario = scenario
            self.readings, self.rules = {}, ()
            self.faults.clear()
            self._installed = None
            self.claims.reset()


class SharedFault(NamedTuple):
    """A fault of all apps."""

    fault: Fault
    added: float  # Seconds since the epoch by the server's clock.
    uid: str


class MemoryStore:
    """The states of all apps, created when first used, with clocks that follow the server's.

    Apps created at run time are removed with all their state when they have not been used for `app_ttl` seconds.
    """

    kind = "memory"

    def __init__(self, clock: Clock, scenario: str, *, seed: int = 0, app_ttl: float = APP_TTL) -> None:
        self.clock = clock
        self.first_scenario = scenario  # The scenario at start, restored by a reset.
        self.scenario = scenario  # The scenario of apps without a state of their own yet.
        self.rules: dict[str, Rule] = {}  # Rules added for all apps, by id, the oldest first.
        self.readings: Mapping[str, Value] = {}  # Readings set for all apps.
        self.apps: dict[str, App] = {}  # Apps created at run time, beside those of the configuration.
        self.app_ttl = app_ttl
        self.on_release: Callable[[str | None], int] = lambda appkey: 0  # Set by the server.
        self.run: Callable[[Callable[[], Any]], Any] = lambda function: function()  # Runs a long part of a request.
        self._used: dict[str, float] = {}  # When each of `apps` was last used, by the machine's monotonic clock.
        self._seed = seed
        self._startup_faults: tuple[Fault, ...] = ()
        self.shared_faults: dict[str, SharedFault] = {}  # Faults of all apps, by id.
        self._fault_numbers = itertools.count(1)
        self._answer_numbers = itertools.count(1)
        self._request_numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._states: dict[str, AppState] = {}

    def bind(self, engine: Engine) -> None:
        """Set the engine whose state this is."""

    def join(self) -> bool:
        """Adopt the state of other processes, if the store has any. Return whether it differs from this one."""
        return False

    @property
    def problem(self) -> Text | None:
        """Why the state cannot be read or written; None while it can."""
        return None

    def answer(self, handle: Callable[[], Response]) -> Response:
        """Return the response to one request by calling `handle`."""
        return handle()

    def read(self, act: Callable[[], T]) -> T:
        """Return the result of an administrative action on the latest state."""
        return act()

    def change(self, act: Callable[[], T]) -> T:
        """Return the result of an administrative action that may change the state."""
        return act()

    def announce_reload(self) -> None:
        """Make the other processes read their files again before their next request."""

    def open(self, loop: asyncio.AbstractEventLoop) -> Callable[[Callable[[], object]], None] | None:
        """Prepare for requests in an event loop. Return a function that runs blocking requests; None if none blocks."""
        return None

    def close(self) -> None:
        """Release what `open` acquired."""

    def release(self, appkey: str | None) -> int:
        """End the delays of the responses to an app, or to all apps for None. Return their number in this process."""
        return self.on_release(appkey)

    def request_id(self) -> tuple[int, str]:
        """Return the number of a new request in this process and its id."""
        number = next(self._request_numbers)
        return number, f"{number:08d}"

    def answer_id(self) -> str:
        """Return the id of a new answer."""
        return f"given-{next(self._answer_numbers)}"

    def add_app(self, app: App) -> None:
        """Add an app created at run time."""
        self.apps[app.appkey] = app
        self._used[app.appkey] = monotonic()

    def use_app(self, appkey: str) -> App | None:
        """Return an app created at run time and record its use; None for an unknown or expired one."""
        app = self.apps.get(appkey)
        if app is not None:
            now = monotonic()
            if self._used.get(appkey, now) < now - self.app_ttl:
                return None
            self._used[appkey] = now
        return app

    def expired_apps(self) -> list[str]:
        """Return the apps created at run time that have not been used for `app_ttl` seconds."""
        earliest = monotonic() - self.app_ttl
        return [appkey for appkey, used in self._used.copy().items() if used < earliest]

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
        """Add a rule for all apps, present and future, which takes precedence over all others."""
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
        for fault in self._startup_faults:
            self.add_fault(fault)

    def add_fault(self, fault: Fault) -> str:
        """Activate a fault for all apps, present and future. Return its id. Raises FaultError if the id is taken."""
        with self._lock:
            taken = self.shared_faults.keys() | {
                active.id for state in self._states.values() for active in state.faults.active
            }
            candidates = (f"all-{number}-{fault.kind.kind}" for number in self._fault_numbers)
            fault_id = fault.common.id or next(name for name in candidates if name not in taken)
            named = replace(fault, common=replace(fault.common, id=fault_id))
            changed, uid = [], secrets.token_hex(6)
            try:
                for state in self._states.values():
                    state.faults.add(named, state.clock.now(), origin=ALL_APPS, uid=uid)
                    changed.append(state)
            except FaultError:
                for state in changed:
                    state.faults.remove(fault_id)
                raise
            self.shared_faults[fault_id] = SharedFault(named, self.clock.now(), uid)
        return fault_id

    def remove_fault(self, fault_id: str) -> bool:
        """Remove a fault from all apps. Return whether there was one."""
        known = self.shared_faults.pop(fault_id, None) is not None
        removed = [state.faults.remove(fault_id) for state in self.states()]
        return known or any(removed)

    def clear_faults(self) -> int:
        """Remove every fault of every app. Return how many there were."""
        self.shared_faults.clear()
        # Start the ids again, because a fault's random draws depend on its id.
        self._fault_numbers = itertools.count(1)
        return sum(state.faults.clear() for state in self.states())

    def reset(self) -> None:
        """Restore the initial state of the server and of every app. Remove the apps created at run time."""
        for appkey in list(self.apps):
            self.remove_app(appkey)
        self.clock.reset()
        self.scenario = self.first_scenario
        self.rules, self.readings = {}, {}
        self.clear_faults()
        for state in self.states():
            state.reset(self.first_scenario)
        self.set_startup_faults(self._startup_faults)

    def reset_app(self, appkey: str) -> None:
        """Reset one app, except for the faults, rules and readings set for all apps."""
        state = self.app(appkey)
        state.reset(self.first_scenario)
        with self._lock:
            self._apply_shared(state)

    def remove_app(self, appkey: str) -> None:
        """Remove the state of an app, and the app if it was created at run time."""
        with self._lock:
            self._states.pop(appkey, None)
            self.apps.pop(appkey, None)
            self._used.pop(appkey, None)

    def _create(self, appkey: str) -> AppState:
        state = self.new_state(appkey, self.scenario)
        self._apply_shared(state)
        return state

    def new_state(self, appkey: str, scenario: str) -> AppState:
        """Return the state of an app for which nothing was chosen."""
        return AppState(appkey, Clock(self.clock.now), scenario, self._seed)

    def _apply_shared(self, state: AppState) -> None:
        state.set_readings(self.readings)
        for rule_id, rule in self.rules.items():
            state.add_rule(rule_id, rule)
        for fault, added, uid in self.shared_faults.values():
            ttl = fault.common.ttl_seconds
            state.faults.restore(fault, ALL_APPS, None if ttl is None else added + ttl, uid)
