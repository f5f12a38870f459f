"""The context of a request in the pipeline, the decision how to answer it, and the headers that describe both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mockserver.contract.apps import App
from mockserver.contract.operations import Operation
from mockserver.contract.readings import Readings
from mockserver.contract.violations import Violation, shorten
from mockserver.core.errors import Problem
from mockserver.core.http import PLAIN, Request, Response
from mockserver.core.machine_time import machine_time, monotonic
from mockserver.engine.config import Config
from mockserver.engine.journal_entry import JournalEntry
from mockserver.engine.parsed_request import ParsedRequest
from mockserver.engine.state import AppState
from mockserver.faults.plan import FaultPlan
from mockserver.scenarios.model import RuleSet, Scenario

Headers = tuple[tuple[str, str], ...]
CONTENT_TYPE: Headers = (("Content-Type", "application/json"),)
ANSWER_HEADERS = (
    *("X-Mock-Request-Id", "X-Mock-Scenario", "X-Mock-Answered-By", "X-Mock-Violations"),
    *("X-Mock-Diagnosis", "X-Mock-Fault", "X-Mock-Problems"),
)  # Every answer header that a response may have.
_MAX_VALUE = 300  # Characters of a header value.


@dataclass(slots=True)
class RequestContext:
    """One request in the pipeline: its configuration, app and content, and what is wrong with it."""

    number: int  # Counts the requests of this process from 1.
    id: str  # The request's id in headers, journal and log.
    config: Config  # The configuration that answers this request, even if the files are reloaded meanwhile.
    received: Request = field(repr=False)
    """The request as received. May contain secrets: it is used for the signature, never shown or stored."""
    parsed: ParsedRequest = field(repr=False)
    request: Request  # The request with every known secret masked.
    query: dict[str, str] = field(repr=False)  # Query parameters by name.
    app: App | None
    state: AppState
    now: float  # Seconds since the epoch by the app's clock.
    second: int  # The same in whole seconds.
    scenario: Scenario
    readings: Readings
    rules: RuleSet
    preview: bool = False
    """For analysis only: no faults, claims or counts, and an exhaustive signature diagnosis."""
    operation: Operation | None = None
    body: dict[str, Any] = field(default_factory=dict)  # Body fields as the operation reads them.
    violations: list[Violation] = field(default_factory=list)  # In the order of the checks.
    started: float = 0.0  # Seconds by the machine's monotonic clock.
    fault_plan: FaultPlan | None = None  # The faults that may apply to the request; None without any.
    signature_valid: bool = False  # Set if there is a fault plan: the signature is valid without any fault.
    injected: list[Violation] = field(default_factory=list)  # Violations that a checksum fault caused.
    unmatched: bool = False  # There were rules, none matched, and the world answered.

    @property
    def operation_name(self) -> str:
        """Name of the operation; empty when the path is not that of an operation."""
        return self.operation.name if self.operation else ""

    @property
    def own_violations(self) -> tuple[Violation, ...]:
        """The client's violations, without those that a fault caused."""
        if not self.injected:
            return tuple(self.violations) if self.violations else ()
        return tuple(found for found in self.violations if not any(found is other for other in self.injected))

    @property
    def refusal(self) -> Violation | None:
        """The first violation that is not tolerated: it decides the answer."""
        if not self.violations:
            return None
        return next((found for found in self.violations if not found.tolerated), None)


@dataclass(slots=True)
class Decision:
    """The answer before faults: its bytes and where they come from. Treat it as read-only."""

    body: bytes
    by: str  # `world`, `contract`, `fault`, or a rule's name.
    error: str = ""  # Catalogue name of the error; empty for a success.
    empty: bool = False  # A success with an empty list.
    detail: str = ""  # What went wrong, for a failure that is not a violation by the client.
    status: int = 0  # HTTP status of a backend's answer; 0 for the status that the readings choose.
    stored: bytes | None = None  # What the journal stores in place of a body that contains secrets.


def new_entry(context: RequestContext, decision: Decision, response: Response) -> JournalEntry:
    """Return the journal entry of a request that has just been answered."""
    plan, seconds = context.fault_plan, monotonic() - context.started
    # By position: with keywords it would take more than twice as long.
    return JournalEntry(
        context.id,
        context.now,
        context.state.appkey,
        context.operation.name if context.operation else "",
        context.request,
        context.query,
        context.body,
        context.scenario.name,
        decision.by,
        decision.error,
        plan.kinds if plan else (),
        context.own_violations if context.violations else (),
        response.status,
        response.body if decision.stored is None else decision.stored,
        seconds,
        "stray" if context.parsed.stray else "request",
        decision.empty,
        "",  # The nearest rule is looked for when the entry is read.
        context.rules.number if context.unmatched else 0,
        decision.detail,
        plan is not None and (response.body != decision.body or response.delivery.breaks_response),
        context.readings,
        machine_time() - seconds,
        0.0 if response.delivery is PLAIN else response.delivery.min_seconds(len(response.body)),
    )


def answer_headers(context: RequestContext, decision: Decision, problems: Sequence[Problem]) -> Headers:
    """Return the headers that describe how a request was answered. `problems` are those of the files."""
    headers: Headers = (
        ("X-Mock-Request-Id", context.id),
        ("X-Mock-Scenario", context.scenario.name),
        ("X-Mock-Answered-By", decision.by),
        ("X-Mock-Violations", str(len(context.own_violations)) if context.violations else "0"),
    )
    if context.violations:
        shown = context.refusal or context.violations[0]
        headers += (("X-Mock-Diagnosis", header_value(f"{shown.name}: {shown.text.en}")),)
    elif decision.detail:
        headers += (("X-Mock-Diagnosis", header_value(f"{decision.error}: {decision.detail}")),)
    if problems:
        headers += (("X-Mock-Problems", header_value(f"{len(problems)}; {problems[0].show()}")),)
    return headers


def header_value(text: str) -> str:
    """Return `text` as one short line of ASCII."""
    return shorten(text, _MAX_VALUE).replace("…", "...").encode("ascii", "backslashreplace").decode()
