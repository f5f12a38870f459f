"""The one straight line a request walks: read → checks → scenario or world → reply → journal.

Knows nothing of Flask or sockets: a `Call` goes in, a `Reply` comes out. Read `Engine.answer` from top to bottom.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from mockserver.contract.apps import App
from mockserver.contract.operations import PREFIX, Operation, nearest_operation, operation_at
from mockserver.contract.readings import Readings
from mockserver.contract.violations import Violation, make_violation, shorten
from mockserver.core.clock import Clock
from mockserver.core.errors import ConfigurationError, Problem
from mockserver.core.http import PLAIN, Request, Response
from mockserver.core.text import Lang
from mockserver.engine.config import Config, check_scenario
from mockserver.engine.context import Decision, RequestContext
from mockserver.engine.journal import Journal
from mockserver.engine.journal_entry import Note
from mockserver.engine.overrides import RequestOverrides, read_overrides
from mockserver.engine.request_log import RequestLog, Which
from mockserver.engine.responder import Responder
from mockserver.engine.state import MemoryStore
from mockserver.faults.base import FaultContext
from mockserver.faults.parsing import Fault
from mockserver.faults.plan import FaultPlan
from mockserver.validation.body import check_body
from mockserver.validation.query import check_query, read_query
from mockserver.validation.redactor import Redactor
from mockserver.validation.signature import SigningContext, check_signature

_OF_GROUND = ("checksum_expired", "checksum_mismatch")
"""Violations of a right signature that only a fault can bring about."""
CONTRACT, FAULT = "contract", "fault"
"""What answered, when it was neither the world nor a rule."""


class Engine:
    """Answers calls from one library and one store. `load` reads the library, at the start and on every reload."""

    def __init__(
        self,
        load: Callable[[], Config],
        store: MemoryStore,
        journal: Journal,
        *,
        lang: Lang = "en",
        headers: bool = True,
        requests: Which = "failures",
    ) -> None:
        self.config = load()
        self.store = store
        self.journal = journal
        self.lang: Lang = lang
        self.apps: dict[str, App] = {}
        """Apps made while the server runs, beside those of the library."""
        self.problems: tuple[Problem, ...] = ()
        """What was wrong with the files when they were last read; the set before that one answers."""
        self.changing = threading.RLock()
        """Held while the files or a choice of scenario change, so that neither takes away what the other stands on."""
        self._load = load
        self._headers = headers
        self._answering = Responder(lang)
        self._log = RequestLog(requests, lang)
        self._redactor = Redactor()
        self._learn_all(self.config)
        self._numbers = itertools.count(1)

    def app(self, appkey: str) -> App | None:
        """A registered app."""
        return self.config.apps.get(appkey) or self.apps.get(appkey)

    def register(self, app: App) -> None:
        """Let one more app call."""
        self._redactor.add_credentials([app.credentials])
        self.apps[app.appkey] = app

    def reload(self) -> None:
        """Read every file anew and answer from them from now on, all at once.

        ConfigurationError when anything is wrong with them: then everything stays as it was, and is told as a problem.
        """
        with self.changing:
            try:
                config = self._load()
                check_scenario(config, self.store.scenario)
                for state in self.store.states():
                    check_scenario(config, state.scenario, f"app {state.appkey}")
            except ConfigurationError as error:
                self.problems = error.problems
                raise
            self._learn_all(config)
            self.config, self.problems = config, ()
            self._answering.forget()

    def handle(self, request: Request) -> Response:
        """The reply to one call; every failure is an envelope (§1.3, §1.4). The journal knows it before it is sent."""
        started = time.perf_counter()
        number = next(self._numbers)
        context = self._read(request, number)
        decision = self._decide(context)
        response = self._reply(context, decision, name := f"{number:08d}")
        if context.fault_plan is not None:
            response = self._strike(context, response)
        self._remember(context, decision, response, name, started)
        return response

    def examine(self, request: Request) -> list[Violation]:
        """Everything that is wrong with a request that is not answered, its signature looked into as deep as it goes."""
        return self._read(request, deep=True).violations

    def _read(self, request: Request, number: int = 0, *, deep: bool = False) -> RequestContext:
        """The request, understood as far as it can be, with all that is wrong with it in the order of the checks."""
        config, came = self.config, request
        # Whatever is told or kept of a request is told without the secrets that it has in the wrong place.
        request = self._redactor.redact(came)
        query = read_query(request.query)
        appkey = query.values.get("appkey", "")
        app = config.apps.get(appkey) or self.apps.get(appkey)
        state = self.store.app(app.appkey if app else "")
        overrides = read_overrides(request, query.values, config)
        scenario = config.scenarios[(overrides and overrides.scenario) or state.scenario]
        readings = config.readings(scenario.name)
        if state.readings:
            readings = {**readings, **state.readings}
        context = RequestContext(
            config, request, scenario, readings, state, state.clock.now(), app=app, query=query.values
        )
        context.operation, context.violations = _target(request, readings)
        context.violations += check_query(query, readings, request)
        broken: list[Violation] = []
        if context.operation is not None:
            validator = config.schemas.request(context.operation.name)
            context.body, broken = check_body(request, validator, readings, context.operation.section)
        # A request that is only looked into must not use up what is meant for one that is answered.
        context.fault_plan = None if deep else self._ordeal(context, overrides, number)
        sound = context.refusal is None
        signed = check_signature(
            context.query, came, readings, self._ground(context, came, deep), accepted=sound
        )
        if context.honest:
            # A fault made the server refuse what is right: that is told to the client, and not held against it.
            context.injected = [one for one in signed if one.name in _OF_GROUND]
        context.violations += signed
        if overrides:
            context.violations += overrides.violations
        context.violations += broken
        return context

    def _decide(self, context: RequestContext) -> Decision:
        """A refusal by the contract or by a fault, or the answer."""
        refusal = context.refusal
        if refusal is not None:
            return self._answering.failure(context, refusal.error, refusal.text.to(self.lang), CONTRACT)
        if context.fault_plan is not None:
            refused = context.fault_plan.refuse(_context(context))
            if refused is not None:
                return self._answering.failure(context, refused.error, refused.info, FAULT)
        return self._answering.act(context)

    def _ordeal(
        self, context: RequestContext, overrides: RequestOverrides | None, number: int
    ) -> FaultPlan | None:
        """The faults that this request has to go through, if there are any."""
        state, once = context.state, [] if overrides is None else overrides.faults
        if context.scenario.name == state.scenario:
            state.install(context.config.scenarios[state.scenario].faults)
        else:
            once = [*context.scenario.faults, *once]
        if not (state.faults.active or once):
            return None
        operation = context.operation.name if context.operation else ""
        return state.faults.fault_plan(
            operation, context.body, context.query, context.now, once=once, number=number
        )

    def _ground(self, context: RequestContext, came: Request, deep: bool) -> SigningContext:
        """What the signature is held against: the truth, or what a fault makes of it."""
        config, app = context.config, context.app
        ground = SigningContext(
            context.now,
            app,
            (config.apps, self.apps),
            context.state,
            clock_moved=not deep and self._is_moved(context.state.clock),
            suggest_explain=app is not None and app.appkey in config.apps,
            deep=deep,
        )
        if context.fault_plan is None or app is None:
            return ground
        truth = replace(ground, memory=None)
        found = check_signature(context.query, came, context.readings, truth, accepted=False)
        context.honest = all(one.tolerated for one in found)
        return context.fault_plan.apply_to_signing(ground, signature_valid=context.honest)

    def _is_moved(self, clock: Clock) -> bool:
        """Whether an app's clock, or the server's below it, was stopped or moved."""
        return any(one.frozen or one.shift for one in (clock, self.store.clock))

    def _strike(self, context: RequestContext, response: Response) -> Response:
        """The reply as the faults of payload, gateway, time and connection leave it."""
        assert context.fault_plan is not None
        response = context.fault_plan.deliver(context.fault_plan.corrupt(response, _context(context)))
        if self._headers and context.fault_plan.header:
            response = replace(
                response, headers=(*response.headers, ("X-Mock-Fault", _header(context.fault_plan.header)))
            )
        return response

    def _reply(self, context: RequestContext, decision: Decision, number: str) -> Response:
        status = 200
        if decision.error and context.readings["http_status"] == "rest":
            status = context.config.catalogue[decision.error].status
        headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
        if self._headers:
            headers += (
                ("X-Mock-Request-Id", number),
                ("X-Mock-Scenario", context.scenario.name),
                ("X-Mock-Answered-By", decision.by),
                ("X-Mock-Violations", str(len(context.own_violations))),
            )
            if context.violations:
                told = context.refusal or context.violations[0]
                headers += (("X-Mock-Diagnosis", _header(f"{told.name}: {told.text.en}")),)
            if problems := self.problems:
                headers += (("X-Mock-Problems", _header(f"{len(problems)}; {problems[0].show()}")),)
        return Response(status, headers, decision.body, appkey=context.state.appkey)

    def learn(self, faults: Iterable[Fault]) -> None:
        """Tell nobody the secrets of these faults."""
        self._redactor.add_secrets(secret for fault in faults for secret in fault.kind.secrets)

    def _learn_all(self, config: Config) -> None:
        self._redactor.add_credentials(app.credentials for app in config.apps.values())
        for scenario in config.scenarios.values():
            self.learn(scenario.faults)

    def _remember(
        self, context: RequestContext, decision: Decision, response: Response, name: str, started: float
    ) -> None:
        seconds = time.perf_counter() - started
        note = Note(
            id=name,
            at=context.now,
            appkey=context.state.appkey,
            operation=context.operation.name if context.operation else "",
            request=context.request,
            query=context.query,
            fields=context.body,
            scenario=context.scenario.name,
            by=decision.by,
            error=decision.error,
            faults=context.fault_plan.kinds if context.fault_plan else (),
            violations=context.own_violations,
            status=response.status,
            answer=response.body,
            seconds=seconds,
            empty=decision.empty,
            near=context.near,
            spoiled=context.fault_plan is not None
            and (response.body != decision.body or response.delivery.corrupts),
            readings=context.readings,
            started=time.time() - seconds,
            delivery=0.0 if response.delivery is PLAIN else response.delivery.seconds(len(response.body)),
        )
        self.journal.add(note)
        self._log.tell(note)


def _context(context: RequestContext) -> FaultContext:
    operation = context.operation.name if context.operation else ""
    return FaultContext(operation, context.now, context.config.catalogue, context.config.schemas)


def _target(request: Request, readings: Readings) -> tuple[Operation | None, list[Violation]]:
    """The operation that path and method name (§1.1, §1.2), and what is wrong with them."""
    found = []
    operation, exact = operation_at(request.path)
    if operation is None:
        meant = nearest_operation(request.path)
        hint = f"; did you mean {meant.path}?" if meant else f"; the six operations are under {PREFIX}"
        hint_zh = f"；是否为 {meant.path}？" if meant else f"；六个接口均在 {PREFIX} 下"
        found.append(
            make_violation(
                "unknown_path", "path", expected=f"{PREFIX}…", got=request.path, hint=hint, hint_zh=hint_zh
            )
        )
    elif not exact:
        tolerated = readings["paths"] == "document"
        found.append(
            make_violation(
                "path_variant", "path", expected=operation.path, got=request.path, tolerated=tolerated
            )
        )
    if request.method != "POST":
        found.append(make_violation("wrong_method", "method", expected="POST", got=request.method))
    return operation, found


def _header(text: str) -> str:
    """`text` as a header value: one line, ASCII, not long."""
    return shorten(text, 300).replace("…", "...").encode("ascii", "backslashreplace").decode()
