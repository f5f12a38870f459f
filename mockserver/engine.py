"""The one straight line a request walks: read → checks → scenario or world → reply → journal.

Knows nothing of Flask or sockets: a `Call` goes in, a `Reply` comes out. Read `Engine.answer` from top to bottom.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import threading
import time
from collections.abc import Callable, Sequence

from mockserver.answering import Answering
from mockserver.bodies.checks import check_body
from mockserver.contract.operations import PREFIX, Operation, nearest_operation, operation_at
from mockserver.contract.readings import Readings
from mockserver.contract.violations import shorten, violation
from mockserver.errors import ConfigurationError, Problem
from mockserver.library import Library, check_scenario
from mockserver.messages import Call, Entry, Lang, Reply, Violation
from mockserver.signing.apps import App
from mockserver.signing.checks import Ground, check_signature
from mockserver.signing.checksum import Keys
from mockserver.signing.query import check_query, read_query
from mockserver.stores.journal import Journal
from mockserver.stores.memory import MemoryStore
from mockserver.visits import Outcome, Visit

CONTRACT = "contract"


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
        self._numbers = itertools.count(1)
        self._salt = os.urandom(16)

    def app(self, appkey: str) -> App | None:
        """A registered app."""
        return self.library.apps.get(appkey) or self.apps.get(appkey)

    def reload(self) -> None:
        """Read every file anew and answer from them from now on, all at once.

        ConfigurationError when anything is wrong with them: then everything stays as it was, and is told as a problem.
        """
        with self.changing:
            try:
                library = self._load()
                for scenario in {self.store.scenario, *(state.scenario for state in self.store.states())}:
                    check_scenario(library, scenario)
            except ConfigurationError as error:
                self.problems = error.problems
                raise
            self.library, self.problems = library, ()
            self._answering.forget()

    def answer(self, call: Call) -> Reply:
        """The reply to one call; every failure is an envelope (§1.3, §1.4). The journal knows it before it is sent."""
        started = time.perf_counter()
        visit = self._read(call)
        refusal = visit.refusal
        if refusal is not None:
            outcome = self._answering.failure(visit, refusal.error, refusal.text.to(self.lang), CONTRACT)
        else:
            outcome = self._answering.act(visit)
        number = f"{next(self._numbers):08d}"
        reply = self._reply(visit, outcome, number)
        self._remember(visit, outcome, reply, number, time.perf_counter() - started)
        return reply

    def examine(self, call: Call) -> list[Violation]:
        """Everything that is wrong with a request that is not answered, its signature looked into as deep as it goes."""
        return self._read(call, deep=True).violations

    def _read(self, call: Call, *, deep: bool = False) -> Visit:
        """The request, understood as far as it can be, with all that is wrong with it in the order of the checks."""
        library = self.library
        query = read_query(call.query)
        appkey = query.values.get("appkey", "")
        app = library.apps.get(appkey) or self.apps.get(appkey)
        state = self.store.app(app.appkey if app else "")
        scenario = library.scenarios[state.scenario]
        readings = library.readings(scenario.name)
        if state.readings:
            readings = {**readings, **state.readings}
        visit = Visit(
            library, call, scenario, readings, state, state.clock.now(), app=app, query=query.values
        )
        visit.operation, visit.violations = _target(call, readings)
        visit.violations += check_query(query, readings)
        sound = visit.refusal is None
        ground = Ground(visit.now, app, lambda: self._others(library, app), state, deep=deep)
        visit.violations += check_signature(visit.query, call, readings, ground, sound=sound)
        if visit.operation is not None:
            validator = library.schemas.request(visit.operation.name)
            visit.body, broken = check_body(call, validator, readings, visit.operation.section)
            visit.violations += broken
        return visit

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
                ("X-Mock-Violations", str(len(visit.violations))),
            )
            if visit.violations:
                told = visit.refusal or visit.violations[0]
                headers += (("X-Mock-Diagnosis", _header(f"{told.name}: {told.text.en}")),)
            if problems := self.problems:
                headers += (("X-Mock-Problems", _header(f"{len(problems)}; {problems[0].show()}")),)
        return Reply(status, headers, outcome.body, appkey=visit.state.appkey)

    def _remember(self, visit: Visit, outcome: Outcome, reply: Reply, number: str, seconds: float) -> None:
        call, app = visit.call, visit.app
        entry = Entry(
            id=number,
            at=visit.now,
            appkey=visit.state.appkey,
            operation=visit.operation.name if visit.operation else "",
            method=call.method,
            path=call.path,
            query=visit.query,
            headers=call.headers,
            body=call.body,
            fields=visit.body,
            scenario=visit.scenario.name,
            by=outcome.by,
            error=outcome.error,
            faults=(),
            violations=tuple(visit.violations),
            fingerprint=self._fingerprint(visit.query.get("checksum", "")),
            status=reply.status,
            answer=reply.body,
            seconds=seconds,
            empty=outcome.empty,
            near=visit.near,
            readings=visit.readings,
        )
        self.journal.add(entry, (app.keys.appsecret, app.keys.restapikey) if app else ())

    def _fingerprint(self, checksum: str) -> str:
        """Equal for equal checksums, and of no use to anybody who would like to know one."""
        salted = self._salt + checksum.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(salted, digest_size=8).hexdigest()


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
    return shorten(text, 300).encode("ascii", "backslashreplace").decode()
