"""The matcher of `when`, which selects requests for answers, faults and verification."""

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
    """A `when` is invalid; `pointer` says where."""

    def __init__(self, pointer: tuple[str | int, ...], reason: str) -> None:
        self.pointer = pointer
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Condition:
    """One field of the body or query, and the test it must pass."""

    part: str
    field: str
    expected: Any  # The expectation as written in the scenario.
    test: Test


@dataclass(frozen=True, slots=True)
class Matcher:
    """The conditions of a `when`; without conditions it matches every request."""

    conditions: tuple[Condition, ...] = ()

    def matches(self, body: Mapping[str, Any], query: Mapping[str, str]) -> bool:
        """Whether the request meets every condition."""
        return all(_met(condition, body, query) for condition in self.conditions)

    def unmet(self, body: Mapping[str, Any], query: Mapping[str, str]) -> list[Condition]:
        """Return the conditions that the request does not meet."""
        return [condition for condition in self.conditions if not _met(condition, body, query)]


def compile_when(when: Mapping[str, Any] | None) -> Matcher:
    """Return the matcher for a `when`: a value means equality, `{matches: REGEX}` a search, `{schema: …}` a JSON Schema.

    Raise InvalidMatcher for an invalid pattern or schema.
    """
    conditions = []
    for part in PARTS:
        for field, expected in ((when or {}).get(part) or {}).items():
            try:
                conditions.append(Condition(part, field, expected, _compile_test(expected)))
            except (re.error, ValueError) as error:
                raise InvalidMatcher((part, field), str(error)) from None
    return Matcher(tuple(conditions))


def _met(condition: Condition, body: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    value = (body if condition.part == "body" else query).get(condition.field, _ABSENT)
    return value is not _ABSENT and condition.test(value)


def _compile_test(expected: Any) -> Test:
    if isinstance(expected, dict) and "matches" in expected:
        re.compile(expected["matches"])  # for its error messages
        # The search runs in linear time; with `re`, (a+)+$ and fifty letters would block the server forever.
        return compile_inline({"type": "string", "pattern": expected["matches"]}).accepts
    if isinstance(expected, dict) and "schema" in expected:
        return compile_inline(expected["schema"]).accepts
    return lambda value: type(value) is type(expected) and bool(value == expected)
