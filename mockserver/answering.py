"""How an accepted request is answered: by the first rule of the scenario that matches, or by its world.

Every answer is held against the response schema before it is given: one that departs becomes an `internal_error`
that says which file and line made it, unless a reply says `unchecked: true`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from mockserver.answers import AnswerCache
from mockserver.contract.envelope import encode, failure, success
from mockserver.contract.violations import shorten
from mockserver.errors import NotFound
from mockserver.messages import Answer, Lang
from mockserver.reporting.near import nearest_rule
from mockserver.scenarios.model import Action, Rule, is_empty, merge_patch, told_error
from mockserver.scenarios.templates import BadTemplate
from mockserver.visits import Outcome, Visit
from mockserver.world.stays import World
from mockserver.world.views import VIEWS

log = logging.getLogger("mockserver")
WORLD = "world"
_MOST_LOGGED = 1_000
"""Failures that lie in the files; answers can be given to a running server without end."""


class Answering:
    """Answers accepted requests; remembers what the world told for as long as it cannot change."""

    def __init__(self, lang: Lang) -> None:
        self._lang: Lang = lang
        self._cache = AnswerCache()
        self._logged: set[tuple[str, str]] = set()

    def forget(self) -> None:
        """Remember nothing: the files behind the answers have changed."""
        self._cache.clear()
        self._logged.clear()

    def act(self, visit: Visit) -> Outcome:
        """The answer of the first rule that matches, or the world's."""
        for rule in visit.rules:
            if visit.target.name in rule.on and rule.matcher.matches(visit.body, visit.query):
                count = visit.state.draw(_counter(visit, rule), rule.times)
                if count is not None:
                    return self._perform(visit, rule, rule.actions[min(count, len(rule.actions) - 1)])
        near = nearest_rule(visit.rules, visit.target.name, visit.body, visit.query)
        visit.near = near.text.to(self._lang) if near else ""
        return self._world(visit, WORLD)

    def failure(self, visit: Visit, error: str, info: str | None, by: str) -> Outcome:
        """The envelope of a catalogue error; without `info` the catalogue's own text."""
        row = visit.library.catalogue[error]
        told = row.text.to(self._lang) if info is None else info
        return Outcome(encode(failure(row.code, told)), by, error)

    def _perform(self, visit: Visit, rule: Rule, action: Action) -> Outcome:
        if action.static is not None:
            return Outcome(action.static, rule.key, action.error, action.empty)
        if action.kind == "world":
            return self._world(visit, rule.key)
        try:
            filled = action.fill(_words(visit, rule)) if action.fill else None
            if action.kind == "error":
                return self.failure(visit, action.error, None if filled is None else str(filled), rule.key)
            answer = filled if action.kind == "body" else merge_patch(success(_ask(visit).fields), filled)
        except BadTemplate as error:
            self._log(visit, action.place, "%s failed for %s: %s", error)
            return self.failure(visit, "internal_error", f"{action.place}: {error}", rule.key)
        except NotFound as error:
            return self._not_found(visit, error, rule.key)
        if not action.unchecked and (reason := _departure(visit, answer)):
            return self._outside(visit, reason, rule.key, action.place)
        return self._encoded(visit, answer, rule.key, action.place)

    def _world(self, visit: Visit, by: str) -> Outcome:
        """The world's answer, remembered while it cannot change."""
        source = visit.library.worlds[visit.scenario.name]
        tenant = source.tenant(visit.tenant.appkey)
        key = (
            visit.library.number,
            visit.scenario.name,
            tuple(visit.state.readings.items()),
            tenant,
            visit.target.name,
            *sorted(visit.body.items()),
        )
        kept = self._cache.get(key, visit.second)
        if kept is not None:
            body, empty = kept
            return Outcome(body, by, empty=empty)
        try:
            told = _ask(visit)
        except NotFound as error:
            return self._not_found(visit, error, by)
        answer = success(told.fields)
        if not visit.library.schemas.response(visit.target.name).accepts(answer):
            return self._outside(visit, _departure(visit, answer), by, "the world")
        outcome = self._encoded(visit, answer, by, "the world")
        if not outcome.error:
            self._cache.put(key, outcome.body, outcome.empty, visit.second, told.settled_from)
        return outcome

    def _encoded(self, visit: Visit, answer: Any, by: str, place: str) -> Outcome:
        try:
            return Outcome(encode(answer), by, told_error(answer, visit.library.catalogue), is_empty(answer))
        except TypeError as error:
            self._log(visit, place, "%s made no JSON for %s: %s", error)
            return self.failure(visit, "internal_error", f"{place} made no JSON: {error}", by)

    def _outside(self, visit: Visit, reason: str, by: str, place: str) -> Outcome:
        self._log(visit, place, "%s made an answer outside the contract of %s: %s", reason)
        info = f"{place} made an answer outside the contract: {reason}"
        return self.failure(visit, "internal_error", info, by)

    def _log(self, visit: Visit, place: str, text: str, reason: object) -> None:
        """Log a failure that lies in the files, once: it comes with every request until they are changed."""
        key = (place, visit.target.name)
        if key not in self._logged and len(self._logged) < _MOST_LOGGED:
            self._logged.add(key)
            log.error(text, place, visit.target.name, reason)

    def _not_found(self, visit: Visit, error: NotFound, by: str) -> Outcome:
        text = visit.library.catalogue[error.error].text.to(self._lang)
        return self.failure(visit, error.error, f"{text}: {error.field} {shorten(error.value)}", by)


def _counter(visit: Visit, rule: Rule) -> str:
    """What a rule is counted under: a scenario wished for one request does not count in the one it extends."""
    if visit.scenario.name == visit.state.scenario or any(rule is one for _, one in visit.state.rules):
        return rule.key
    return f"{visit.scenario.name}>{rule.key}"


def _world_of(visit: Visit) -> World:
    return visit.library.worlds[visit.scenario.name].at(visit.tenant.appkey, visit.second)


def _ask(visit: Visit) -> Answer:
    return VIEWS[visit.target.name](_world_of(visit), visit.body, visit.second, visit.readings)


def _words(visit: Visit, rule: Rule) -> Mapping[str, Any]:
    """What a template may see: the request, now, and a Faker that this very request draws from."""
    # Faker takes longer to import than the rest of a request: only a template pays for it.
    from mockserver.world.people import fake_for

    drawn = (rule.key, *(f"{name}={value}" for name, value in sorted(visit.body.items())))
    request = {"operation": visit.target.name, "body": visit.body, "query": visit.query}
    fake = fake_for(*drawn, world=_world_of(visit), now=visit.second)
    return {"request": request, "now": visit.second, "fake": fake}


def _departure(visit: Visit, answer: Any) -> str:
    """Where and how an answer departs from its schema, to the letter; empty when it does not."""
    mismatches = visit.library.schemas.answer(visit.target.name, answer).mismatches(answer)
    if not mismatches:
        return ""
    return f"/{'/'.join(str(part) for part in mismatches[0].pointer)}: {mismatches[0].message[:200]}"
