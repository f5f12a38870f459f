"""How an accepted request is answered: by the first rule of the scenario that matches, or by its world.

Every answer is held against the response schema before it is given: one that departs becomes an `internal_error`
that says which file and line made it, unless a reply says `unchecked: true`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from mockserver.contract.envelope import encode_json, failure, success
from mockserver.contract.violations import shorten
from mockserver.core.errors import NotFound
from mockserver.core.text import Lang
from mockserver.engine.context import Decision, RequestContext
from mockserver.engine.response_cache import ResponseCache
from mockserver.scenarios.model import Reply, Rule, error_name_of, is_empty, merge_patch
from mockserver.scenarios.near_misses import nearest_rule
from mockserver.scenarios.templates import BadTemplate
from mockserver.world.answers import Answer
from mockserver.world.stays import World
from mockserver.world.views import VIEWS

log = logging.getLogger("mockserver")
WORLD = "world"
_MOST_LOGGED = 1_000
"""Failures that lie in the files; answers can be given to a running server without end."""


class Responder:
    """Answers accepted requests; remembers what the world told for as long as it cannot change."""

    def __init__(self, lang: Lang) -> None:
        self._lang: Lang = lang
        self._cache = ResponseCache()
        self._logged: set[tuple[str, str]] = set()

    def forget(self) -> None:
        """Remember nothing: the files behind the answers have changed."""
        self._cache.clear()
        self._logged.clear()

    def act(self, context: RequestContext) -> Decision:
        """The answer of the first rule that matches, or the world's."""
        for rule in context.rules:
            if context.target.name in rule.on and rule.matcher.matches(context.body, context.query):
                count = context.state.draw(_counter(context, rule), rule.times)
                if count is not None:
                    return self._perform(context, rule, rule.replies[min(count, len(rule.replies) - 1)])
        near = nearest_rule(context.rules, context.target.name, context.body, context.query)
        context.near = near.text.to(self._lang) if near else ""
        return self._world(context, WORLD)

    def failure(self, context: RequestContext, error: str, info: str | None, by: str) -> Decision:
        """The envelope of a catalogue error; without `info` the catalogue's own text."""
        row = context.config.catalogue[error]
        told = row.text.to(self._lang) if info is None else info
        return Decision(encode_json(failure(row.code, told)), by, error)

    def _perform(self, context: RequestContext, rule: Rule, reply: Reply) -> Decision:
        if reply.encoded is not None:
            return Decision(reply.encoded, rule.key, reply.error, reply.empty)
        if reply.kind == "world":
            return self._world(context, rule.key)
        try:
            filled = reply.render(_words(context, rule)) if reply.render else None
            if reply.kind == "error":
                return self.failure(context, reply.error, None if filled is None else str(filled), rule.key)
            answer = filled if reply.kind == "body" else merge_patch(success(_ask(context).fields), filled)
        except BadTemplate as error:
            self._log(context, reply.location, "%s failed for %s: %s", error)
            return self.failure(context, "internal_error", f"{reply.location}: {error}", rule.key)
        except NotFound as error:
            return self._not_found(context, error, rule.key)
        if not reply.unchecked and (reason := _departure(context, answer)):
            return self._outside(context, reason, rule.key, reply.location)
        return self._encoded(context, answer, rule.key, reply.location)

    def _world(self, context: RequestContext, by: str) -> Decision:
        """The world's answer, remembered while it cannot change."""
        source = context.scenario.world
        tenant = source.scope(context.tenant.appkey)
        key = (
            context.config.number,
            context.scenario.name,
            tuple(context.state.readings.items()),
            tenant,
            context.target.name,
            *sorted(context.body.items()),
        )
        kept = self._cache.get(key, context.second)
        if kept is not None:
            body, empty = kept
            return Decision(body, by, empty=empty)
        try:
            told = _ask(context)
        except NotFound as error:
            return self._not_found(context, error, by)
        answer = success(told.fields)
        if not context.config.schemas.response(context.target.name).accepts(answer):
            return self._outside(context, _departure(context, answer), by, "the world")
        decision = self._encoded(context, answer, by, "the world")
        if not decision.error:
            self._cache.put(key, decision.body, decision.empty, context.second, told.settled_from)
        return decision

    def _encoded(self, context: RequestContext, answer: Any, by: str, place: str) -> Decision:
        try:
            return Decision(
                encode_json(answer), by, error_name_of(answer, context.config.catalogue), is_empty(answer)
            )
        except TypeError as error:
            self._log(context, place, "%s made no JSON for %s: %s", error)
            return self.failure(context, "internal_error", f"{place} made no JSON: {error}", by)

    def _outside(self, context: RequestContext, reason: str, by: str, place: str) -> Decision:
        self._log(context, place, "%s made an answer outside the contract of %s: %s", reason)
        info = f"{place} made an answer outside the contract: {reason}"
        return self.failure(context, "internal_error", info, by)

    def _log(self, context: RequestContext, place: str, text: str, reason: object) -> None:
        """Log a failure that lies in the files, once: it comes with every request until they are changed."""
        key = (place, context.target.name)
        if key not in self._logged and len(self._logged) < _MOST_LOGGED:
            self._logged.add(key)
            log.error(text, place, context.target.name, reason)

    def _not_found(self, context: RequestContext, error: NotFound, by: str) -> Decision:
        text = context.config.catalogue[error.error].text.to(self._lang)
        return self.failure(context, error.error, f"{text}: {error.field} {shorten(error.value)}", by)


def _counter(context: RequestContext, rule: Rule) -> str:
    """What a rule is counted under: a scenario wished for one request does not count in the one it extends."""
    if context.scenario.name == context.state.scenario or any(rule is one for _, one in context.state.rules):
        return rule.key
    return f"{context.scenario.name}>{rule.key}"


def _world_of(context: RequestContext) -> World:
    return context.scenario.world.at(context.tenant.appkey, context.second)


def _ask(context: RequestContext) -> Answer:
    return VIEWS[context.target.name](_world_of(context), context.body, context.second, context.readings)


def _words(context: RequestContext, rule: Rule) -> Mapping[str, Any]:
    """What a template may see: the request, now, and a Faker that this very request draws from."""
    # Faker takes longer to import than the rest of a request: only a template pays for it.
    from mockserver.world.people import fake_for

    drawn = (rule.key, *(f"{name}={value}" for name, value in sorted(context.body.items())))
    request = {"operation": context.target.name, "body": context.body, "query": context.query}
    fake = fake_for(*drawn, world=_world_of(context), now=context.second)
    return {"request": request, "now": context.second, "fake": fake}


def _departure(context: RequestContext, answer: Any) -> str:
    """Where and how an answer departs from its schema, to the letter; empty when it does not."""
    mismatches = context.config.schemas.answer(context.target.name, answer).mismatches(answer)
    if not mismatches:
        return ""
    return f"/{'/'.join(str(part) for part in mismatches[0].pointer)}: {mismatches[0].message[:200]}"
