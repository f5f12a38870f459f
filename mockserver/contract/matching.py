"""The matcher of `when`, which selects requests for answers, faults and verification."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mockserver.contract.checking import find_mistakes
from mockserver.contract.schemas import Validator, compile_inline
from mockserver.core.errors import InvalidPart, Mistake
from mockserver.core.text import Text
from mockserver.core.yaml_reader import read_yaml

Test = Callable[[Any], bool]
PARTS = ("body", "query")
ABSENT = {"absent": True}


class InvalidMatcher(InvalidPart):
    """A `when` is invalid."""


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


def compile_when(when: Any) -> Matcher:
    """Return the matcher for a `when`: values mean equality, `{matches: REGEX}` a search, `{schema: …}` a JSON Schema,
    and `{absent: true}` no such field.

    None matches every request. Raise InvalidMatcher with every mistake.
    """
    if when is None:
        return Matcher()
    mistakes = find_mistakes(_shape().check(when))
    mistakes.check(InvalidMatcher)
    conditions = []
    for name, field, expected in [(part, *item) for part in PARTS for item in when.get(part, {}).items()]:
        try:
            conditions.append(Condition(name, field, expected, _compile_test(expected)))
        except (re.error, ValueError) as error:
            text = Text(f"invalid matcher: {error}", f"匹配条件无效：{error}")
            mistakes.append(Mistake((name, field), text))
    mistakes.check(InvalidMatcher)
    return Matcher(tuple(conditions))


@functools.cache
def _shape() -> Validator:
    return compile_inline(read_yaml(Path(__file__).with_name("when.yaml")).value)


def _met(condition: Condition, body: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    fields = body if condition.part == "body" else query
    if condition.field in fields:
        return condition.test(fields[condition.field])
    return bool(condition.expected == ABSENT)


def _compile_test(expected: Any) -> Test:
    if isinstance(expected, dict) and "matches" in expected:
        re.compile(expected["matches"])  # for its error messages
        # The search runs in linear time; with `re`, (a+)+$ and fifty letters would block the server forever.
        return compile_inline({"type": "string", "pattern": expected["matches"]}).accepts
    if isinstance(expected, dict) and "schema" in expected:
        return compile_inline(expected["schema"]).accepts
    if expected == ABSENT:
        return lambda value: False
    return lambda value: type(value) is type(expected) and bool(value == expected)
