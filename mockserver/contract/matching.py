"""The matcher of `when`: which requests a rule is for. The same words serve answers, faults and verification."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mockserver.contract.schemas import compile_inline

Test = Callable[[Any], bool]
PARTS = ("body", "query")
_ABSENT = object()


class InvalidMatcher(ValueError):
    """A matcher that cannot be read: where in the `when` and why."""

    def __init__(self, pointer: tuple[str | int, ...], reason: str) -> None:
        self.pointer = pointer
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Condition:
    """One field of the body or the query and what it must be."""

    part: str
    field: str
    wanted: Any
    """As the scenario says it."""
    test: Test


@dataclass(frozen=True, slots=True)
class Matcher:
    """All conditions of a `when`; one without conditions matches everything."""

    conditions: tuple[Condition, ...] = ()

    def matches(self, body: Mapping[str, Any], query: Mapping[str, str]) -> bool:
        """Whether a request meets every condition."""
        return all(_met(condition, body, query) for condition in self.conditions)

    def unmet(self, body: Mapping[str, Any], query: Mapping[str, str]) -> list[Condition]:
        """The conditions that a request does not meet."""
        return [condition for condition in self.conditions if not _met(condition, body, query)]


def compile_when(when: Mapping[str, Any] | None) -> Matcher:
    """The matcher a `when` describes: a value means equality, `{matches: regex}` a search, `{schema: …}` a schema."""
    conditions = []
    for part in PARTS:
        for field, wanted in ((when or {}).get(part) or {}).items():
            try:
                conditions.append(Condition(part, field, wanted, _compile_test(wanted)))
            except (re.error, ValueError) as error:
                raise InvalidMatcher((part, field), str(error)) from None
    return Matcher(tuple(conditions))


def _met(condition: Condition, body: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    value = (body if condition.part == "body" else query).get(condition.field, _ABSENT)
    return value is not _ABSENT and condition.test(value)


def _compile_test(wanted: Any) -> Test:
    if isinstance(wanted, dict) and "matches" in wanted:
        re.compile(wanted["matches"])  # says best what is wrong with a pattern
        # What searches is not Python's engine: there (a+)+$ and a text of fifty letters stop the server for ever.
        return compile_inline({"type": "string", "pattern": wanted["matches"]}).accepts
    if isinstance(wanted, dict) and "schema" in wanted:
        return compile_inline(wanted["schema"]).accepts
    return lambda value: type(value) is type(wanted) and bool(value == wanted)
