"""The request pipeline. Read `Engine.handle` from top to bottom; the steps below it are in the same order.

A `Request` goes in, a `Response` comes out. Knows nothing of Flask, ASGI or sockets.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace

from mockserver.contract.apps import App
from mockserver.contract.envelope import encode_json, failure
from mockserver.contract.readings import Readings
from mockserver.contract.violations import Violation
from mockserver.core.errors import ConfigurationError, Problem
from mockserver.core.http import PLAIN, Request, Response
from mockserver.core.machine_time import monotonic
from mockserver.core.text import Lang, Text
from mockserver.engine.config import Config, check_scenario, message
from mockserver.engine.context import CONTENT_TYPE, Decision, RequestContext, answer_headers, header_value, new_entry
from mockserver.engine.journal import Journal
from mockserver.engine.metrics import Metrics
from mockserver.engine.overrides import RequestOverrides
from mockserver.engine.parsed_request import check_content, is_preflight, parse_request
from mockserver.engine.request_log import RequestLog, Which
from mockserver.engine.responder import Backend, Responder
from mockserver.engine.state import AppState, MemoryStore
from mockserver.engine.strays import Cors, stray_error
from mockserver.faults.base import FaultContext
from mockserver.faults.parsing import Fault
from mockserver.faults.plan import FaultPlan
from mockserver.scenarios.model import RuleSet, Scenario
from mockserver.validation.redactor import Redactor
from mockserver.validation.signature import SigningContext, check_signature, tolerate

log = logging.getLogger("mockserver")
_CAUSED_BY_FAULTS = ("checksum_expired", "checksum_mismatch")  # Violations of a validly signed request: only by faults.


class Engine:
    """Answers requests. `load` reads the configuration at start and on every reload."""

    def __init__(
        self,
        load: Callable[[], Config],
        store: MemoryStore,
        journal: Journal,
        *,
        lang: Lang = "en",
        headers: bool = True,
        requests: Which = "failures",
        cors: Cors | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self.started = monotonic()
        self.redactor = Redactor()
        self.lang: Lang = lang
        self._adopt(load())
        self.backend: Backend | None = None  # Set before the first request.
        self.store = store
        self.journal = journal
        self.metrics = metrics or Metrics()
        self.problems: tuple[Problem, ...] = ()
        """Problems of the files at the last reload; if there are any, the configuration before it is still in use."""
        self.changing = threading.RLock()
        """Held while the configuration or a chosen scenario changes, so that every chosen scenario exists."""
        self._load = load
        self._headers = headers
        self._cors = cors or Cors()
        self._responder = Responder(lang, store.run)
        self._log = RequestLog(requests, lang)
        self._own: dict[str, tuple[tuple[object, ...], Readings, RuleSet]] = {}
        """Merged readings and rules of the apps that have their own, with the objects they were merged from."""
        journal.nearest_rule = self._responder.near_miss
        store.bind(self)

    def handle(self, request: Request) -> Response:
        """Return the response to one request. Every failure is an envelope (§1.3, §1.4)."""
        return self.store.answer(lambda: self.answer(self.accept(request)))

    def accept(self, request: Request) -> RequestContext:
        """Read and check a request: the first half of `handle`, which never takes long."""
        started = monotonic()
        # Parse the query, identify the app, read overrides from headers and magic values.
        context = self._identify(request)
        context.started = started
        if not context.parsed.stray:
            # Check path, method, query, body and signature. The context collects the violations.
            self._validate(context)
        return context

    def takes_long(self, context: RequestContext) -> bool:
        """Return whether `answer` may block for so long that an event loop should call it in a thread."""
        is_slow = self.backend is not None or (context.refusal is None and self._responder.takes_long(context))
        return is_slow and not context.parsed.stray

    def answer(self, context: RequestContext) -> Response:
        """Answer a checked request and record both: the second half of `handle`. Call it once per context."""
        if context.parsed.stray:
            return self._answer_stray(context)
        # Refuse, or answer by a scenario rule or the world, checked against the response schema.
        decision = self._decide(context)
        response = self._respond(context, decision)
        if context.fault_plan is not None:
            response = self._apply_faults(context, context.fault_plan, response)
        # The journal has the entry before the response is sent.
        return self._record(context, decision, response)

    def _record(self, context: RequestContext, decision: Decision, response: Response) -> Response:
        response = self._cors.add_headers(context.received, response)
        entry = new_entry(context, decision, response)
        self.journal.add(entry)
        self.metrics.add(entry)
        self._log.write(entry)
        return response

    def _answer_stray(self, context: RequestContext) -> Response:
        """Answer and record a request that was not sent by a client of the API; see `strays`."""
        request = context.request
        if is_preflight(request) and self._cors.allows(request):
            decision, response = Decision(b"", "contract"), self._cors.preflight_response(request)
        else:
            error, detail = stray_error(request)
            decision = self._responder.failure(context, error, "contract", detail=detail.to(self.lang))
            response = self._respond(context, decision)
        return self._record(context, decision, response)

    def _identify(self, received: Request, *, preview: bool = False) -> RequestContext:
        # Repeated requests are parsed once. Only the signature check sees the request as received, with secrets in it.
        config = self.config
        parsed = parse_request(received, config, self.redactor)
        query, overrides = parsed.query.values, parsed.overrides
        app = self.app(query.get("appkey", ""))
        state = self.store.app(app.appkey if app else "")
        scenario, readings, rules = self._choices(config, overrides, state)
        if readings["signing"] == "off" and not (app or query.get("appkey")):
            app = next(iter(config.apps.values()))
            state = self.store.app(app.appkey)
            scenario, readings, rules = self._choices(config, overrides, state)
        number, request_id = (0, "") if preview else self.store.request_id()
        now = state.clock.now()
        return RequestContext(
            number,
            request_id,
            config,
            received,
            parsed,
            parsed.request,
            query,
            app,
            state,
            now,
            int(now // 1),
            scenario,
            readings,
            rules,
            preview,
        )

    def _choices(
        self, config: Config, overrides: RequestOverrides | None, state: AppState
    ) -> tuple[Scenario, Readings, RuleSet]:
        """Return the scenario, the readings and the rules of a request of an app."""
        scenario = config.scenarios[(overrides and overrides.scenario) or state.scenario]
        readings, rules = config.readings[scenario.name], config.rule_sets[scenario.name]
        own_readings, own_rules = state.readings, state.rules
        if own_readings or own_rules:
            # Merge them once and reuse the result, because many entries of the journal share it.
            known = self._own.get(state.appkey)
            sources = readings, rules, own_readings, own_rules
            if known is None or any(old is not new for old, new in zip(known[0], sources, strict=True)):
                merged = {**readings, **own_readings}, RuleSet((*(rule for _, rule in own_rules), *rules.rules))
                known = self._own[state.appkey] = sources, *merged
            _, readings, rules = known
        return scenario, readings, rules

    def _validate(self, context: RequestContext) -> None:
        """Collect all violations in the order of the checks."""
        parsed, readings = context.parsed, context.readings
        checks = check_content(parsed, readings, context.config.schemas)
        _, context.operation, violations, context.body, body_violations = checks
        context.violations = violations.copy()
        if not context.preview:
            context.fault_plan = self._plan_faults(context)
        signing, accepted = self._signing_context(context), context.refusal is None
        signature = check_signature(context.query, context.received, readings, signing, accepted=accepted)
        if context.signature_valid:
            # A fault made the server reject a valid signature: that is not a violation by the client.
            context.injected = [found for found in signature if found.name in _CAUSED_BY_FAULTS]
        if readings["signing"] == "off":
            # Violations caused by a fault still refuse the request.
            signature = [found if found in context.injected else tolerate(found) for found in signature]
        context.violations += signature
        if parsed.overrides:
            context.violations += parsed.overrides.violations
        context.violations += body_violations

    def _plan_faults(self, context: RequestContext) -> FaultPlan | None:
        """Return the faults that may apply to the request, or None if there are none."""
        config, state = context.config, context.state
        overrides = context.parsed.overrides
        once = overrides.faults if overrides else []
        if context.scenario.name == state.scenario:
            state.install_faults(config.scenarios[state.scenario].faults)
        else:
            once = [*context.scenario.faults, *once]
        if not (state.faults.active or once):
            return None
        operation, body, query = context.operation_name, context.body, context.query
        return FaultPlan(
            state.faults.active, operation, body, query, context.now, once, state.faults.seed, context.number
        )

    def _signing_context(self, context: RequestContext) -> SigningContext:
        """Return the keys and the clock to verify the signature against, with checksum faults applied."""
        config, app, state, preview = context.config, context.app, context.state, context.preview
        moved = not preview and (state.clock.is_moved or self.store.clock.is_moved)
        memory, listed = None if preview else state.claims, app is not None and app.appkey in config.apps
        signing = SigningContext(context.now, app, (config.apps, self.store.apps), memory, moved, listed, preview)
        if context.fault_plan is None or app is None:
            return signing
        trial = replace(signing, memory=None)
        violations = check_signature(context.query, context.received, context.readings, trial, accepted=False)
        context.signature_valid = "checksum" in context.query and all(found.tolerated for found in violations)
        return context.fault_plan.apply_to_signing(signing, signature_valid=context.signature_valid)

    def _decide(self, context: RequestContext) -> Decision:
        violation = context.refusal if self.backend is None else self.backend.refusal(context)
        if violation is not None:
            return self._responder.refusal(context, violation)
        refusal = context.fault_plan.refuse(_fault_context(context)) if context.fault_plan else None
        if refusal is not None:
            return self._responder.failure(context, refusal.error, "fault", info=refusal.info)
        return self.backend.answer(context, self._responder) if self.backend else self._responder.answer(context)

    def _respond(self, context: RequestContext, decision: Decision) -> Response:
        rest = decision.error and context.readings["http_status"] == "rest"
        status = decision.status or (context.config.catalogue[decision.error].status if rest else 200)
        # RFC 9110 requires Allow; the API knows only one method (§1.2).
        headers = (*CONTENT_TYPE, ("Allow", "POST")) if status == 405 else CONTENT_TYPE
        if self._headers:
            headers += answer_headers(context, decision, self.problems)
        return Response(status, headers, decision.body, PLAIN, context.state.appkey)

    def _apply_faults(self, context: RequestContext, plan: FaultPlan, response: Response) -> Response:
        """Apply the faults of payload, gateway, time and connection. The transport performs the last two."""
        response = plan.plan_delivery(plan.corrupt(response, _fault_context(context)))
        if self._headers and plan.header:
            response = replace(response, headers=(*response.headers, ("X-Mock-Fault", header_value(plan.header))))
        return response

    def examine(self, request: Request) -> list[Violation]:
        """Return all violations of a request, with an exhaustive signature diagnosis. Changes no state."""
        context = self._identify(request, preview=True)
        self._validate(context)
        return context.violations

    def preview(self, request: Request) -> Response:
        """Return the response to a request, without faults. Changes no state: no journal entry, count or claim."""
        context = self._identify(request, preview=True)
        self._validate(context)
        return self._respond(context, self._decide(context))

    def error_body(self, error: str, detail: Text) -> bytes:
        """Return the envelope of a failure outside the pipeline, e.g. for a request that is not HTTP."""
        row, style = self.config.catalogue[error], self.config.error_info(self.store.scenario)
        return encode_json(failure(row.code, row.error_info(detail.to(self.lang), self.lang, style)))

    def busy(self, reason: Text) -> Response:
        """Return the response to a request while the store is unavailable. The request is not recorded."""
        diagnosis = (("X-Mock-Diagnosis", header_value(f"store_unavailable: {reason.en}")),) if self._headers else ()
        return Response(200, CONTENT_TYPE + diagnosis, self.error_body("server_busy", reason))

    def app(self, appkey: str) -> App | None:
        """Return the registered app with this appkey, or None."""
        return self.config.apps.get(appkey) or (self.store.use_app(appkey) if self.store.apps else None)

    @property
    def apps(self) -> dict[str, App]:
        """The apps created at run time that have not expired."""
        for appkey in self.store.expired_apps():
            self.store.remove_app(appkey)
            self.journal.clear(appkey)
        return self.store.apps

    def register(self, app: App) -> None:
        """Add an app at run time."""
        self.redactor.add_secrets(app.credentials.secrets)
        self.store.add_app(app)

    def redact_secrets_of(self, faults: Iterable[Fault]) -> None:
        """Mask the secrets that these faults contain wherever a request repeats them."""
        self.redactor.add_secrets(secret for fault in faults for secret in fault.kind.secrets)

    def reload(self, *, check: bool = True) -> None:
        """Read every file again and use the new configuration.

        Raises ConfigurationError if a file is invalid or, with `check`, a chosen scenario is gone: the old configuration
        stays in use, and `problems` lists what is wrong.
        """
        with self.changing:
            try:
                config = self._load()
                states = {f"app {state.appkey}": state for state in self.store.states()}
                for chosen_by, state in ({"--scenario": self.store} | states if check else {}).items():
                    check_scenario(config, state.scenario, chosen_by)
            except ConfigurationError as error:
                self.problems = error.problems
                raise
            except Exception as error:
                self.problems = (Problem("--fixtures", message("not_loaded", error=error)),)
                raise
            self._adopt(config)
            self.problems = ()

    def _adopt(self, config: Config) -> None:
        """Log the warnings of a configuration, mask its secrets, and use it from now on."""
        for warning in config.warnings:
            log.warning("%s", warning.show(self.lang))
        self.redactor.add_secrets(secret for app in config.apps.values() for secret in app.credentials.secrets)
        for scenario in config.scenarios.values():
            self.redact_secrets_of(scenario.faults)
        self.config = config


def _fault_context(context: RequestContext) -> FaultContext:
    config = context.config
    return FaultContext(context.operation_name, context.now, config.catalogue, config.schemas)
