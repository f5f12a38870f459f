"""The one straight line a request walks: read → checks → scenario or world → reply → journal.

Knows nothing of Flask or sockets: a `Call` goes in, a `Reply` comes out. Read `Engine.answer` from top to bottom.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from mockserver.answering import Answering
from mockserver.bodies.checks import check_body
from mockserver.clock import Clock
from mockserver.contract.operations import PREFIX, Operation, nearest_operation, operation_at
from mockserver.contract.readings import Readings
from mockserver.contract.violations import shorten, violation
from mockserver.errors import ConfigurationError, Problem
from mockserver.faults.base import Context
from mockserver.faults.base import Ground as FaultGround
from mockserver.faults.chain import Ordeal
from mockserver.faults.spec import Fault
from mockserver.library import Library, check_scenario
from mockserver.messages import PLAIN, Call, Lang, Note, Reply, Violation
from mockserver.requestlog import RequestLog, Which
from mockserver.signing.apps import App
from mockserver.signing.checks import Ground, check_signature
from mockserver.signing.checksum import Keys
from mockserver.signing.query import check_query, read_query
from mockserver.signing.vault import Vault
from mockserver.stores.journal import Journal
from mockserver.stores.memory import MemoryStore
from mockserver.visits import Outcome, Visit
from mockserver.wishes import Wishes, read_wishes

_OF_GROUND = ("checksum_expired", "checksum_mismatch")
"""Violations of a right signature that only a fault can bring about."""
CONTRACT, FAULT = "contract", "fault"
"""What answered, when it was neither the world nor a rule."""


class Engine:
    """Answers calls from one library and one store. `load` reads the library, at the start and on every reload."""

    def __init__(
        self,
        load: Callable[[], Library],
        store: MemoryStore,
        journal: Journal,
        *,
        lang: Lang = "en",
        headers: bool = True,
        requests: Which = "failures",
    ) -> None:
        self.library = load()
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
        self._answering = Answering(lang)
        self._log = RequestLog(requests, lang)
        self._vault = Vault()
        self._learn_all(self.library)
        self._numbers = itertools.count(1)

    def app(self, appkey: str) -> App | None:
        """A registered app."""
        return self.library.apps.get(appkey) or self.apps.get(appkey)

    def register(self, app: App) -> None:
        """Let one more app call."""
        self._vault.add([app.keys])
        self.apps[app.appkey] = app

    def reload(self) -> None:
        """Read every file anew and answer from them from now on, all at once.

        ConfigurationError when anything is wrong with them: then everything stays as it was, and is told as a problem.
        """
        with self.changing:
            try:
                library = self._load()
                check_scenario(library, self.store.scenario)
                for state in self.store.states():
                    check_scenario(library, state.scenario, f"app {state.appkey}")
            except ConfigurationError as error:
                self.problems = error.problems
                raise
            self._learn_all(library)
            self.library, self.problems = library, ()
            self._answering.forget()

    def answer(self, call: Call) -> Reply:
        """The reply to one call; every failure is an envelope (§1.3, §1.4). The journal knows it before it is sent."""
        started = time.perf_counter()
        number = next(self._numbers)
        visit = self._read(call, number)
        outcome = self._decide(visit)
        reply = self._reply(visit, outcome, name := f"{number:08d}")
        if visit.ordeal is not None:
            reply = self._strike(visit, reply)
        self._remember(visit, outcome, reply, name, started)
        return reply

    def examine(self, call: Call) -> list[Violation]:
        """Everything that is wrong with a request that is not answered, its signature looked into as deep as it goes."""
        return self._read(call, deep=True).violations

    def _read(self, call: Call, number: int = 0, *, deep: bool = False) -> Visit:
        """The request, understood as far as it can be, with all that is wrong with it in the order of the checks."""
        library, came = self.library, call
        # Whatever is told or kept of a request is told without the secrets that it has in the wrong place.
        call = self._vault.clean(came)
        query = read_query(call.query)
        appkey = query.values.get("appkey", "")
        app = library.apps.get(appkey) or self.apps.get(appkey)
        state = self.store.app(app.appkey if app else "")
        wishes = read_wishes(call, query.values, library)
        scenario = library.scenarios[(wishes and wishes.scenario) or state.scenario]
        readings = library.readings(scenario.name)
        if state.readings:
            readings = {**readings, **state.readings}
        visit = Visit(
            library, call, scenario, readings, state, state.clock.now(), app=app, query=query.values
        )
        visit.operation, visit.violations = _target(call, readings)
        visit.violations += check_query(query, readings, call)
        broken: list[Violation] = []
        if visit.operation is not None:
            validator = library.schemas.request(visit.operation.name)
            visit.body, broken = check_body(call, validator, readings, visit.operation.section)
        # A request that is only looked into must not use up what is meant for one that is answered.
        visit.ordeal = None if deep else self._ordeal(visit, wishes, number)
        sound = visit.refusal is None
        signed = check_signature(visit.query, came, readings, self._ground(visit, came, deep), sound=sound)
        if visit.honest:
            # A fault made the server refuse what is right: that is told to the client, and not held against it.
            visit.injected = [one for one in signed if one.name in _OF_GROUND]
        visit.violations += signed
        if wishes:
            visit.violations += wishes.violations
        visit.violations += broken
        return visit

    def _decide(self, visit: Visit) -> Outcome:
        """A refusal by the contract or by a fault, or the answer."""
        refusal = visit.refusal
        if refusal is not None:
            return self._answering.failure(visit, refusal.error, refusal.text.to(self.lang), CONTRACT)
        if visit.ordeal is not None:
            refused = visit.ordeal.refuse(_context(visit))
            if refused is not None:
                return self._answering.failure(visit, refused.error, refused.info, FAULT)
        return self._answering.act(visit)

    def _ordeal(self, visit: Visit, wishes: Wishes | None, number: int) -> Ordeal | None:
        """The faults that this request has to go through, if there are any."""
        state, once = visit.state, [] if wishes is None else wishes.faults
        if visit.scenario.name == state.scenario:
            state.install(visit.library.faults[state.scenario])
        else:
            once = [*visit.library.faults[visit.scenario.name], *once]
        if not (state.faults.active or once):
            return None
        operation = visit.operation.name if visit.operation else ""
        return state.faults.ordeal(operation, visit.body, visit.query, visit.now, once=once, number=number)

    def _ground(self, visit: Visit, came: Call, deep: bool) -> Ground:
        """What the signature is held against: the truth, or what a fault makes of it."""
        library, app = visit.library, visit.app
        sent = visit.query if came is visit.call else read_query(came.query).values
        ground = Ground(
            visit.now,
            app,
            lambda: self._others(library, app),
            visit.state,
            moved=lambda: not deep and self._is_moved(visit.state.clock),
            explainable=app is not None and app.appkey in library.apps,
            deep=deep,
            sent=sent,
        )
        if visit.ordeal is None or app is None:
            return ground
        truth = replace(ground, memory=None)
        found = check_signature(visit.query, came, visit.readings, truth, sound=False)
        visit.honest = all(one.tolerated for one in found)
        other = visit.ordeal.ground(FaultGround(visit.now, app.keys.appsecret), honest=visit.honest)
        keys = replace(app.keys, appsecret=other.appsecret)
        return replace(ground, now=other.now, moved=bool, app=replace(app, keys=keys))

    def _is_moved(self, clock: Clock) -> bool:
        """Whether an app's clock, or the server's below it, was stopped or moved."""
        return any(one.frozen or one.shift for one in (clock, self.store.clock))

    def _strike(self, visit: Visit, reply: Reply) -> Reply:
        """The reply as the faults of payload, gateway, time and connection leave it."""
        assert visit.ordeal is not None
        reply = visit.ordeal.deliver(visit.ordeal.spoil(reply, _context(visit)))
        if self._headers and visit.ordeal.header:
            reply = replace(reply, headers=(*reply.headers, ("X-Mock-Fault", _header(visit.ordeal.header))))
        return reply

    def _others(self, library: Library, app: App | None) -> Sequence[Keys]:
        """The keys of all other apps, those of the files first."""
        known = (library.apps, self.apps)
        return [one.keys for apps in known for one in list(apps.values()) if one is not app]

    def _reply(self, visit: Visit, outcome: Outcome, number: str) -> Reply:
        status = 200
        if outcome.error and visit.readings["http_status"] == "rest":
            status = visit.library.catalogue[outcome.error].status
        headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
        if self._headers:
            headers += (
                ("X-Mock-Request-Id", number),
                ("X-Mock-Scenario", visit.scenario.name),
                ("X-Mock-Answered-By", outcome.by),
                ("X-Mock-Violations", str(len(visit.own_violations))),
            )
            if visit.violations:
                told = visit.refusal or visit.violations[0]
                headers += (("X-Mock-Diagnosis", _header(f"{told.name}: {told.text.en}")),)
            if problems := self.problems:
                headers += (("X-Mock-Problems", _header(f"{len(problems)}; {problems[0].show()}")),)
        return Reply(status, headers, outcome.body, appkey=visit.state.appkey)

    def learn(self, faults: Iterable[Fault]) -> None:
        """Tell nobody the secrets of these faults."""
        self._vault.add_texts(secret for fault in faults for secret in fault.kind.secrets)

    def _learn_all(self, library: Library) -> None:
        self._vault.add(app.keys for app in library.apps.values())
        for faults in library.faults.values():
            self.learn(faults)

    def _remember(self, visit: Visit, outcome: Outcome, reply: Reply, name: str, started: float) -> None:
        seconds = time.perf_counter() - started
        note = Note(
            id=name,
            at=visit.now,
            appkey=visit.state.appkey,
            operation=visit.operation.name if visit.operation else "",
            call=visit.call,
            query=visit.query,
            fields=visit.body,
            scenario=visit.scenario.name,
            by=outcome.by,
            error=outcome.error,
            faults=visit.ordeal.kinds if visit.ordeal else (),
            violations=visit.own_violations,
            status=reply.status,
            answer=reply.body,
            seconds=seconds,
            empty=outcome.empty,
            near=visit.near,
            spoiled=visit.ordeal is not None and (reply.body != outcome.body or reply.delivery.spoils),
            readings=visit.readings,
            started=time.time() - seconds,
            delivery=0.0 if reply.delivery is PLAIN else reply.delivery.seconds(len(reply.body)),
        )
        self.journal.add(note)
        self._log.tell(note)


def _context(visit: Visit) -> Context:
    operation = visit.operation.name if visit.operation else ""
    return Context(operation, visit.now, visit.library.catalogue, visit.library.schemas)


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


def _header(text: str) -> str:
    """`text` as a header value: one line, ASCII, not long."""
    return shorten(text, 300).replace("…", "...").encode("ascii", "backslashreplace").decode()
