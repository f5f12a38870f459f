"""What is known of one request while it walks the line, and what it is answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mockserver.contract.apps import App
from mockserver.contract.operations import Operation
from mockserver.contract.readings import Readings
from mockserver.contract.violations import Violation
from mockserver.core.http import Request
from mockserver.engine.config import Config
from mockserver.engine.state import AppState
from mockserver.faults.plan import FaultPlan
from mockserver.scenarios.model import Rule, Scenario


@dataclass(slots=True)
class RequestContext:
    """One request on its way: the set it is answered from, who it is, what it says, what is wrong with it."""

    config: Config
    request: Request
    scenario: Scenario
    readings: Readings
    state: AppState
    now: float
    operation: Operation | None = None
    app: App | None = None
    query: dict[str, str] = field(default_factory=dict, repr=False)
    body: dict[str, Any] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)
    fault_plan: FaultPlan | None = None
    """The faults that the request has to go through."""
    honest: bool = False
    """Faults of the checksum family were asked, and the signature is right by the true secret and clock."""
    injected: list[Violation] = field(default_factory=list)
    """What such a fault made the checks say."""
    near: str = ""
    """The rule that came closest, when there were rules and none matched."""

    @property
    def second(self) -> int:
        """The whole second of now."""
        return int(self.now // 1)

    @property
    def target(self) -> Operation:
        """The operation of a request that was accepted."""
        assert self.operation is not None, "only an accepted request has a target"
        return self.operation

    @property
    def tenant(self) -> App:
        """The app of a request that was accepted."""
        assert self.app is not None, "only an accepted request has a tenant"
        return self.app

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that may answer: those given to the app, then the scenario's."""
        given = self.state.rules
        return (*(rule for _, rule in given), *self.scenario.rules) if given else self.scenario.rules

    @property
    def own_violations(self) -> tuple[Violation, ...]:
        """What the client did wrong: everything but what a fault made of a right request."""
        if not self.violations:
            return ()
        return tuple(one for one in self.violations if not any(one is other for other in self.injected))

    @property
    def refusal(self) -> Violation | None:
        """The first violation that is not tolerated: it decides the answer."""
        if not self.violations:
            return None
        return next((one for one in self.violations if not one.tolerated), None)


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to be sent: its bytes, what decided it, and the catalogue error it tells, if it is one."""

    body: bytes
    by: str
    error: str = ""
    empty: bool = False
    """A success that tells an empty list."""
