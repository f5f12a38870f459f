"""The one straight line a request walks: read → checks → scenario or world → self-check → reply.

Knows nothing of Flask or sockets: a `Call` goes in, a `Reply` comes out. Read `Engine.answer` from top to bottom.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mockserver.answers import AnswerCache
from mockserver.bodies.checks import check_body
from mockserver.contract.envelope import encode, failure, success
from mockserver.contract.operations import PREFIX, Operation, nearest_operation, operation_at
from mockserver.contract.readings import Readings
from mockserver.contract.violations import shorten, violation
from mockserver.errors import ConfigurationError, NotFound, Problem
from mockserver.library import Library, check_scenario
from mockserver.messages import Answer, Call, Lang, Reply, Violation
from mockserver.scenarios.model import Action, Rule, Scenario, merge_patch
from mockserver.scenarios.templates import BadTemplate
from mockserver.signing.apps import App
from mockserver.signing.checks import Ground, check_signature
from mockserver.signing.checksum import Keys
from mockserver.signing.query import check_query, read_query
from mockserver.stores.memory import AppState, MemoryStore
from mockserver.world.views import VIEWS

log = logging.getLogger("mockserver")


@dataclass(slots=True)
class Visit:
    """All that is known of one request while it walks through."""

    call: Call
    scenario: Scenario
    readings: Readings
    state: AppState
    now: float
    operation: Operation | None = None
    app: App | None = None
    query: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)

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
    def refusal(self) -> Violation | None:
        """The first violation that is not tolerated: it decides the answer."""
        return next((one for one in self.violations if not one.tolerated), None)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to be sent: its bytes, the catalogue error it tells, and what decided it."""

    body: bytes
    by: str
    error: str = ""


class Engine:
    """Answers calls from one library and one store. `load` reads the library, at the start and on every reload."""

    def __init__(
        self, load: Callable[[], Library], store: MemoryStore, *, lang: Lang = "en", headers: bool = True
    ) -> None:
        self.library = load()
        self.store = store
        self.lang: Lang = lang
        self.apps: dict[str, App] = {}
        """Apps made while the server runs, beside those of the library."""
        self.problems: tuple[Problem, ...] = ()
        """What was wrong with the files when they were last read; the set before that one answers."""
        self._load = load
        self._headers = headers
        self._cache = AnswerCache()
        self._served = 0

    def app(self, appkey: str) -> App | None:
        """A registered app."""
        return self.library.apps.get(appkey) or self.apps.get(appkey)

    def reload(self) -> None:
        """Read every file anew and answer from them from now on, all at once.

        ConfigurationError when anything is wrong with them: then everything stays as it was, and is told as a problem.
        """
        try:
            library = self._load()
            for scenario in {self.store.scenario, *(state.scenario for state in self.store.states())}:
                check_scenario(library, scenario)
        except ConfigurationError as error:
            self.problems = error.problems
            raise
        self.library, self.problems = library, ()
        self._cache.clear()

    def answer(self, call: Call) -> Reply:
        """The reply to one call; every failure is an envelope (§1.3, §1.4)."""
        library = self.library
        visit = self._read(library, call)
        refusal = visit.refusal
        if refusal is not None:
            outcome = self._failure(library, refusal.error, refusal.text.to(self.lang), "contract")
        else:
            outcome = self._act(library, visit)
        return self._reply(library, visit, outcome)

    def examine(self, call: Call) -> list[Violation]:
        """Everything that is wrong with a request that is not answered, its signature looked into as deep as it goes."""
        return self._read(self.library, call, deep=True).violations

    def _others(self, app: App | None) -> Sequence[Keys]:
        """The keys of all other apps, those of the files first."""
        return [
            one.keys for apps in (self.library.apps, self.apps) for one in apps.values() if one is not app
        ]

    def _read(self, library: Library, call: Call, *, deep: bool = False) -> Visit:
        """The request, understood as far as it can be, with everything that is wrong with it in the order of the checks."""
        query = read_query(call.query)
        app = self.app(query.values.get("appkey", ""))
        state = self.store.app(app.appkey if app else "")
        scenario = library.scenarios[state.scenario]
        readings = library.readings(scenario.name)
        visit = Visit(call, scenario, readings, state, state.clock.now(), app=app, query=query.values)
        visit.operation, visit.violations = _target(call, readings)
        visit.violations += check_query(query, readings)
        sound = visit.refusal is None
        ground = Ground(visit.now, app, self._others(app), state, deep=deep)
        visit.violations += check_signature(visit.query, call, readings, ground, sound=sound)
        if visit.operation is not None:
            validator = library.schemas.request(visit.operation.name)
            visit.body, broken = check_body(call, validator, readings, visit.operation.section)
            visit.violations += broken
        return visit

    def _act(self, library: Library, visit: Visit) -> Outcome:
        """The answer of the first rule that matches, or the world's."""
        for rule in visit.scenario.rules:
            if visit.target.name in rule.on and rule.matcher.matches(visit.body, visit.query):
                count = visit.state.draw(rule.key, rule.times)
                if count is not None:
                    return self._perform(
                        library, visit, rule, rule.actions[min(count, len(rule.actions) - 1)]
                    )
        return self._world(library, visit, "world")

    def _perform(self, library: Library, visit: Visit, rule: Rule, action: Action) -> Outcome:
        if action.static is not None:
            return Outcome(action.static, rule.key)
        if action.kind == "world":
            return self._world(library, visit, rule.key)
        try:
            filled = action.fill(self._words(library, visit, rule)) if action.fill else None
            if action.kind == "error":
                info = filled if filled is not None else library.catalogue[action.error].text.to(self.lang)
                return self._failure(library, action.error, str(info), rule.key)
            answer = (
                filled
                if action.kind == "body"
                else merge_patch(success(self._ask(library, visit).fields), filled)
            )
        except BadTemplate as error:
            return self._failure(library, "internal_error", f"{action.place}: {error}", rule.key)
        except NotFound as error:
            return self._not_found(library, error, rule.key)
        return self._checked(library, visit, answer, rule.key, action.place, unchecked=action.unchecked)

    def _world(self, library: Library, visit: Visit, by: str) -> Outcome:
        """The answer of the world behind the scenario, remembered while it cannot change."""
        source = library.worlds[visit.scenario.name]
        key = (
            visit.scenario.name,
            source.tenant(visit.tenant.appkey),
            visit.target.name,
            *sorted(visit.body.items()),
        )
        kept = self._cache.get(key, visit.second)
        if kept is not None:
            return Outcome(kept, by)
        try:
            answer = self._ask(library, visit)
        except NotFound as error:
            return self._not_found(library, error, by)
        outcome = self._checked(library, visit, success(answer.fields), by, "the world")
        if not outcome.error:
            self._cache.put(key, outcome.body, visit.second, answer.settled_from)
        return outcome

    def _ask(self, library: Library, visit: Visit) -> Answer:
        # Faker takes longer to import than the rest of a request: only a template pays for it.

        world = library.worlds[visit.scenario.name].at(visit.tenant.appkey, visit.second)
        return VIEWS[visit.target.name](world, visit.body, visit.second, visit.readings)

    def _checked(
        self, library: Library, visit: Visit, answer: Any, by: str, place: str, *, unchecked: bool = False
    ) -> Outcome:
        """`answer` encoded, if it meets the response schema or says that it need not; otherwise internal_error."""
        validator = library.schemas.answer(visit.target.name, answer)
        # The fast engine takes 30.0 for an integer; a view makes none, but a template or a patch may.
        exact = by == "world" or unchecked or not validator.mismatches(answer)
        if not unchecked and not (exact and validator.accepts(answer)):
            reason = _first_mismatch(library, visit.target, answer)
            log.error("%s made an answer outside the contract of %s: %s", place, visit.target.name, reason)
            info = f"{place} made an answer outside the contract: {reason}"
            return self._failure(library, "internal_error", info, by)
        try:
            return Outcome(encode(answer), by)
        except TypeError as error:
            return self._failure(library, "internal_error", f"{place} made no JSON: {error}", by)

    def _words(self, library: Library, visit: Visit, rule: Rule) -> Mapping[str, Any]:
        """What a template may see of the request."""
        # Faker takes longer to import than the rest of a request: only a template pays for it.
        from mockserver.world.people import fake_for

        world = library.worlds[visit.scenario.name].at(visit.tenant.appkey, visit.second)
        drawn = (rule.key, *(f"{name}={value}" for name, value in sorted(visit.body.items())))
        request = {"operation": visit.target.name, "body": visit.body, "query": visit.query}
        return {
            "request": request,
            "now": visit.second,
            "fake": fake_for(*drawn, world=world, now=visit.second),
        }

    def _not_found(self, library: Library, error: NotFound, by: str) -> Outcome:
        text = library.catalogue[error.error].text.to(self.lang)
        return self._failure(library, error.error, f"{text}: {error.field} {shorten(error.value)}", by)

    def _failure(self, library: Library, error: str, info: str, by: str) -> Outcome:
        return Outcome(encode(failure(library.catalogue[error].code, info)), by, error)

    def _reply(self, library: Library, visit: Visit, outcome: Outcome) -> Reply:
        status = 200
        if outcome.error and visit.readings["http_status"] == "rest":
            status = library.catalogue[outcome.error].status
        self._served += 1
        headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
        if self._headers:
            headers += (
                ("X-Mock-Request-Id", f"{self._served:08d}"),
                ("X-Mock-Scenario", visit.scenario.name),
                ("X-Mock-Answered-By", outcome.by),
                ("X-Mock-Violations", str(len(visit.violations))),
            )
            if visit.violations:
                told = visit.refusal or visit.violations[0]
                headers += (("X-Mock-Diagnosis", _header(f"{told.name}: {told.text.en}")),)
        return Reply(status, headers, outcome.body, appkey=visit.state.appkey)


def _target(call: Call, readings: Readings) -> tuple[Operation | None, list[Violation]]:
    """The operation that path and method name (§1.1, §1.2), and what is wrong with them."""
    found = []
    operation, exact = operation_at(call.path)
    if operation is None:
        meant = nearest_operation(call.path)
        hint = f"; did you mean {meant.path}?" if meant else f"; the six operations are under {PREFIX}"
        hint_zh = f"；是否为 {meant.path}？" if meant else f"；六个接口均在 {PREFIX} 下"
        found.append(
            violation(
                "unknown_path", "path", expected=f"{PREFIX}…", got=call.path, hint=hint, hint_zh=hint_zh
            )
        )
    elif not exact:
        tolerated = readings["paths"] == "document"
        found.append(
            violation("path_variant", "path", expected=operation.path, got=call.path, tolerated=tolerated)
        )
    if call.method != "POST":
        found.append(violation("wrong_method", "method", expected="POST", got=call.method))
    return operation, found


def _first_mismatch(library: Library, operation: Operation, answer: Any) -> str:
    mismatches = library.schemas.answer(operation.name, answer).mismatches(answer)
    if not mismatches:
        return "it is not the documented answer"
    return f"/{'/'.join(str(part) for part in mismatches[0].pointer)}: {mismatches[0].message[:200]}"


def _header(text: str) -> str:
    """`text` as a header value: one line, ASCII, not long."""
    return shorten(text, 300).encode("ascii", "backslashreplace").decode()
