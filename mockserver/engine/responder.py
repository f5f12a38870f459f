"""Answers accepted requests: by the first matching rule of the scenario, or by its world.

Every answer is checked against the response schema. An answer that deviates from it becomes an `internal_error` that
names the file and line of the reply, unless the reply has `unchecked: true`.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from mockserver.contract.envelope import encode_json, failure, success
from mockserver.contract.readings import Readings
from mockserver.contract.violations import VIOLATIONS, Violation, shorten
from mockserver.core.errors import NotFound
from mockserver.core.text import Lang
from mockserver.engine.config import message
from mockserver.engine.context import Decision, RequestContext
from mockserver.engine.journal_entry import JournalEntry
from mockserver.engine.response_cache import LockByKey, ResponseCache
from mockserver.scenarios.model import Reply, Rule, RuleSet, error_name_of, is_empty, merge_patch, move
from mockserver.scenarios.near_misses import nearest_rule
from mockserver.scenarios.templates import BadTemplate
from mockserver.world.coverage import NOT_RECORDED
from mockserver.world.recorded import RecordedWorld
from mockserver.world.records import TooManyRows
from mockserver.world.sessions import WorldError
from mockserver.world.sources import World
from mockserver.world.views import ask, ask_in_parts

log = logging.getLogger("mockserver")
_QUICK = "query_room_info"  # The operation that every world answers in less than a millisecond.
_MAX_AT_ONCE = 2  # Answers of worlds that are computed at the same time.
_MAX_RULE_SETS = 256  # Rule sets that are remembered for near misses.
_MAX_LOGGED = 1_000  # Distinct failures of files that are remembered as logged.


class Backend(Protocol):
    """Answers in place of the scenario and its world, e.g. by asking another server."""

    def refusal(self, context: RequestContext) -> Violation | None:
        """Return the violation that refuses a request; None to answer it."""

    def answer(self, context: RequestContext, responder: Responder) -> Decision:
        """Return the answer. May take long. `responder` gives the answer of the scenario."""


class Responder:
    """Answers accepted requests and caches the world's answers for as long as they cannot change."""

    def __init__(self, lang: Lang, run: Callable[[Callable[[], Decision]], Decision]) -> None:
        self._lang: Lang = lang
        self._run = run  # Returns the result of what may take long, perhaps from another thread.
        self._cache = ResponseCache()
        self._questions = LockByKey()
        self._slots = threading.Semaphore(_MAX_AT_ONCE)
        self._rule_sets: dict[int, RuleSet] = {}  # By number.
        self._logged: set[tuple[int, str, str]] = set()

    def answer(self, context: RequestContext) -> Decision:
        """Return the answer to an accepted request. A replayed recording has its times moved to the present."""
        replay = context.scenario.replay
        if replay is None:
            return self._answer(context)
        seconds = replay.seconds(context.operation_name, context.second)
        # Never ask for a time after the recording.
        now = min(context.now - seconds, replay.recorded_at)
        recorded = replace(context, body=move(context.body, -seconds), now=now, second=int(now // 1))
        decision = self._answer(recorded)
        context.unmatched = recorded.unmatched
        if decision.error:
            return decision
        try:
            return replace(decision, body=encode_json(move(json.loads(decision.body), seconds)))
        except (ValueError, TypeError):
            return decision  # An unchecked answer that is not JSON.

    def _answer(self, context: RequestContext) -> Decision:
        """Return the answer of the first matching rule, or that of the world."""
        operation = context.operation_name
        rules = context.rules.by_operation[operation]
        for rule in rules:
            if rule.matcher.matches(context.body, context.query):
                count: int | None = 0
                if rule.times is not None or len(rule.replies) > 1:
                    claims, counter = context.state.claims, _counter(context, rule)
                    count = claims.count_match(counter, rule.times, preview=context.preview)
                if count is not None:
                    return self._perform(context, rule, rule.replies[min(count, len(rule.replies) - 1)])
        if rules:
            context.unmatched = True
            self._remember(context.rules)
        return self._ask_world(context, "world")

    def takes_long(self, context: RequestContext) -> bool:
        """Return whether the answer to an accepted request may take more than a few milliseconds."""
        operation = context.operation_name
        if operation in context.rules.templated:
            return True
        if _is_quick(context):
            return False
        for rule in context.rules.by_operation[operation]:
            if rule.times is None and rule.matcher.matches(context.body, context.query):
                return any(reply.kind in ("world", "patch") for reply in rule.replies)
        return self._cache.get(_cache_key(context), context.second) is None

    def near_miss(self, entry: JournalEntry) -> str:
        """Return the text of the nearest rule of a journal entry; empty if its rules are no longer known."""
        rules = self._rule_sets.get(entry.rules)
        if rules is None:
            return ""
        near = nearest_rule(rules.rules, entry.operation, entry.whole_fields() or entry.fields, entry.query)
        return near.to(self._lang) if near else ""

    def failure(
        self, context: RequestContext, error: str, by: str, *, detail: str = "", info: str | None = None
    ) -> Decision:
        """Return the envelope of a catalogue error. `info`, if given, replaces the composed ErrorInfo."""
        row = context.config.catalogue[error]
        if info is None:
            style = context.config.error_info(context.scenario.name)
            info = row.error_info(detail, self._lang, style)
        return Decision(encode_json(failure(row.code, info)), by, error, detail=detail)

    def refusal(self, context: RequestContext, violation: Violation) -> Decision:
        """Return the failure that answers a request with a violation."""
        own = VIOLATIONS[violation.name].own_error
        error = own if own in context.config.catalogue else violation.error
        return self.failure(context, error, "contract", detail=violation.text.to(self._lang))

    def _remember(self, rules: RuleSet) -> None:
        """Remember the rules that entries of the journal refer to by number."""
        if rules.number not in self._rule_sets:
            self._rule_sets[rules.number] = rules
            if len(self._rule_sets) > _MAX_RULE_SETS:
                del self._rule_sets[min(self._rule_sets)]

    def _perform(self, context: RequestContext, rule: Rule, reply: Reply) -> Decision:
        """Return the answer of a matching rule."""
        if reply.encoded is not None:
            return Decision(reply.encoded, rule.key, reply.error, reply.empty)
        if reply.kind == "world":
            return self._ask_world(context, rule.key)
        render = partial(self._render, context, rule, reply)
        return self._run(render) if reply.templated or reply.kind == "patch" else render()

    def _render(self, context: RequestContext, rule: Rule, reply: Reply) -> Decision:
        """Return the answer of a reply that depends on the request or changes the world's answer."""
        try:
            values = _template_values(context, rule) if reply.templated else {}
            filled = reply.render(values) if reply.render else None
            if reply.kind == "error":
                info = None if filled is None else str(filled)
                return self.failure(context, reply.error, rule.key, info=info)
            answer = filled if reply.kind == "body" else merge_patch(success(ask(*_question(context)).fields), filled)
        except BadTemplate as error:
            self._log(context, reply.location, "%s failed for %s: %s", error)
            return self.failure(context, "internal_error", rule.key, detail=f"{reply.location}: {error}")
        except (NotFound, TooManyRows, WorldError) as error:
            return self._unanswerable(context, error, rule.key)
        if not reply.unchecked and (mismatch := _schema_mismatch(context, answer)):
            return self._off_contract(context, mismatch, rule.key, reply.location)
        return self._encoded(context, answer, rule.key, reply.location)

    def _ask_world(self, context: RequestContext, by: str) -> Decision:
        """Return the world's answer, from the cache if it is still valid."""
        key = _cache_key(context)
        cached = self._cache.get(key, context.second)
        if cached is None:
            compute = partial(self._compute_once, context, by, key)
            return compute() if _is_quick(context) else self._run(compute)
        return Decision(cached[0], by, "", cached[1])

    def _compute_once(self, context: RequestContext, by: str, key: Hashable) -> Decision:
        """Return the world's answer; identical questions asked at the same time are computed once."""
        with self._questions.lock(key):
            cached = self._cache.get(key, context.second)
            return Decision(cached[0], by, empty=cached[1]) if cached else self._compute(context, by, key)

    def _compute(self, context: RequestContext, by: str, key: Hashable) -> Decision:
        """Return the world's answer, computed and checked in parts if it may be huge."""
        operation = context.operation_name
        accepts, complete = context.config.schemas.response(operation).accepts, context.config.has_own_schemas
        # It grows in place, so that there is only one copy of a huge answer.
        whole, head = io.BytesIO(), 0
        decision = Decision(b"", by)
        stable_from: int | None = 0
        # Only a few at a time: they need memory and slow down the thread that answers quick requests.
        slot = contextlib.nullcontext() if operation == _QUICK else self._slots
        try:
            with slot:
                for part in ask_in_parts(*_question(context)):
                    # The shipped schemas limit each value by itself, so that the rows with extreme values are enough.
                    answer = success(part.complete_fields() if complete else part.fields)
                    if not accepts(answer):
                        return self._off_contract(context, _schema_mismatch(context, answer), by, "the world")
                    if not head:
                        decision = self._encoded(context, answer, by, "the world")
                        if decision.error:
                            return decision
                        head = whole.write(decision.body)
                    else:
                        # The first part of several has no rows, and ends in `]}`.
                        whole.seek(-2, io.SEEK_END)
                        whole.write(b"," if whole.tell() > head - 2 else b"")
                        whole.write(part.rows)
                        whole.write(b"]}")
                    stable_from = (
                        None if stable_from is None or part.stable_from is None else max(stable_from, part.stable_from)
                    )
        except (NotFound, TooManyRows, WorldError) as error:
            return self._unanswerable(context, error, by)
        decision = replace(decision, body=whole.getvalue(), empty=decision.empty and whole.tell() == head)
        self._cache.put(key, decision.body, decision.empty, context.second, stable_from)
        return decision

    def _encoded(self, context: RequestContext, answer: Any, by: str, place: str) -> Decision:
        try:
            return Decision(encode_json(answer), by, error_name_of(answer, context.config.catalogue), is_empty(answer))
        except TypeError as error:
            self._log(context, place, "%s: the answer to %s is not valid JSON: %s", error)
            return self.failure(context, "internal_error", by, detail=f"{place}: the answer is not valid JSON: {error}")

    def _off_contract(self, context: RequestContext, mismatch: str, by: str, place: str) -> Decision:
        self._log(context, place, "%s: the answer to %s violates its response schema: %s", mismatch)
        detail = f"{place}: the answer violates the response schema: {mismatch}"
        return self.failure(context, "internal_error", by, detail=detail)

    def _unanswerable(self, context: RequestContext, error: NotFound | TooManyRows | WorldError, by: str) -> Decision:
        """Return the failure of a question that the world has no answer to."""
        if isinstance(error, NotFound):
            # A user's older catalogue may lack `not_recorded`.
            name = error.error if error.error in context.config.catalogue else "internal_error"
            by = "recording" if error.error == NOT_RECORDED else by
            return self.failure(context, name, by, detail=f"{error.field} {shorten(error.value)}")
        if isinstance(error, TooManyRows):
            text = message("too_many_rows", limit=error.limit)
            return self.failure(context, "range_too_large", by, detail=text.to(self._lang))
        # Its relative times contradict each other at this time of day.
        place = context.scenario.path
        self._log(context, place, "%s: cannot compute the world for %s: %s", error)
        return self.failure(context, "internal_error", by, detail=f"{place}: {error}")

    def _log(self, context: RequestContext, place: str, text: str, reason: object) -> None:
        """Log a failure caused by a file once per configuration, not for every request."""
        operation = context.operation_name
        key = (context.config.number, place, operation)
        if key not in self._logged:
            if len(self._logged) >= _MAX_LOGGED:
                self._logged.clear()
            self._logged.add(key)
            log.error(text, place, operation, reason)


def _is_quick(context: RequestContext) -> bool:
    """Return whether the world answers a question in less than a millisecond."""
    world = context.scenario.world
    return context.operation_name == _QUICK and world.is_ready(context.state.appkey, context.second)


def _counter(context: RequestContext, rule: Rule) -> str:
    """Return the key that a rule's matches are counted by. A scenario chosen for one request has its own counters."""
    if context.scenario.name == context.state.scenario or any(rule is own for _, own in context.state.rules):
        return rule.key
    return f"{context.scenario.name}>{rule.key}"


def _cache_key(context: RequestContext) -> Hashable:
    return (
        context.config.number,
        context.scenario.name,
        tuple(context.state.readings.items()),
        context.scenario.world.scope(context.state.appkey),
        context.operation_name,
        frozenset(context.body.items()),
    )


def _world(context: RequestContext) -> World:
    return context.scenario.world.at(context.state.appkey, context.second)


def _question(context: RequestContext) -> tuple[World, str, Mapping[str, Any], int, Readings]:
    world, now = _world(context), context.second
    if context.scenario.replay is None and isinstance(world, RecordedWorld) and world.coverage:
        # The clock of the recorded backend may be ahead.
        now = max(now, world.coverage.recorded_at)
    return world, context.operation_name, context.body, now, context.readings


def _template_values(context: RequestContext, rule: Rule) -> Mapping[str, Any]:
    """Return the variables of a template: the request, the time, and a Faker seeded by this request."""
    # Importing Faker takes longer than the rest of a request, so do it only for templates.
    from mockserver.world.people import make_faker

    seed = (rule.key, *(f"{name}={value}" for name, value in sorted(context.body.items())))
    request = {"operation": context.operation_name, "body": context.body, "query": context.query}
    fake = make_faker(*seed, world=_world(context), now=context.second)
    return {"request": request, "now": context.second, "fake": fake}


def _schema_mismatch(context: RequestContext, answer: Any) -> str:
    """Return where and how an answer deviates from its response schema; empty if it does not."""
    operation = context.operation_name
    mismatches = context.config.schemas.answer(operation, answer).mismatches(answer)
    if not mismatches:
        return ""
    return f"/{'/'.join(str(part) for part in mismatches[0].pointer)}: {mismatches[0].message[:200]}"
