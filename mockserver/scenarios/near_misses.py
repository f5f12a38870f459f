"""Near misses: the rule that a request almost matched, and the differences between a request and a matcher.

Runs when the journal is read, never while a request is handled.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from mockserver.contract.matching import ABSENT, Condition, Matcher
from mockserver.contract.violations import shorten
from mockserver.core.suggestions import similar_name
from mockserver.core.text import Text
from mockserver.scenarios.checks import message
from mockserver.scenarios.model import Rule

Fields = Mapping[str, Any]


class Difference(NamedTuple):
    """One difference between a request and what was expected; both sides are short texts."""

    what: str  # `body RoomId`, `query seq`, `operation`, `error` …
    expected: str
    actual: str  # Empty if the request has no such field.
    similar: str = ""  # A field of the request with a name like the missing one.

    @property
    def text(self) -> Text:
        """The difference as a clause of a sentence."""
        hint = message("found", name=self.similar) if self.similar else ""
        return message("different" if self.actual else "missing", hint=hint, **self._asdict())


def nearest_rule(rules: Iterable[Rule], operation: str, body: Fields, query: Fields) -> Text | None:
    """Return how a request differs from the first rule for `operation` with the fewest unmet conditions.

    None if there is no rule. A rule without unmet conditions has reached its `times`.
    """
    candidates = (rule for rule in rules if operation in rule.on)
    best = min(candidates, key=lambda rule: len(rule.matcher.unmet(body, query)), default=None)
    if best is None:
        return None
    texts = [difference.text for difference in differences(best.matcher, body, query)]
    if not texts:
        return message("times_reached", rule=best.key)
    english, chinese = zip(*texts, strict=True)
    return Text(f"{best.key}: " + "; ".join(english), f"{best.key}：" + "；".join(chinese))


def differences(matcher: Matcher, body: Fields, query: Fields) -> tuple[Difference, ...]:
    """Return the differences between a request and a matcher; empty if it matches."""
    unmet = matcher.unmet(body, query)
    return tuple(_difference(condition, body if condition.part == "body" else query) for condition in unmet)


def show_condition(condition: Condition) -> str:
    """Return a condition as text: `body RoomId = "77"`."""
    sign = " " if isinstance(condition.expected, dict) else " = "
    return f"{condition.part} {shorten(condition.field)}{sign}{_show_expected(condition.expected)}"


def _difference(condition: Condition, fields: Fields) -> Difference:
    field = condition.field if condition.field.isidentifier() else shorten(condition.field)
    what, expected = f"{condition.part} {field}", _show_expected(condition.expected)
    if condition.field not in fields:
        return Difference(what, expected, "", shorten(similar_name(condition.field, fields)))
    value = fields[condition.field]
    if field == "checksum" and isinstance(value, str) and len(value) > 7:
        value = value[:6] + "…"
    return Difference(what, expected, _show(value))


def _show_expected(expected: Any) -> str:
    if isinstance(expected, dict) and "matches" in expected:
        return f"matching /{shorten(expected['matches'])}/"
    if isinstance(expected, dict) and "schema" in expected:
        return f"matching the schema {_show(expected['schema'])}"
    return "absent" if expected == ABSENT else _show(expected)


def _show(value: Any) -> str:
    # Most values are short and plain.
    if type(value) is str and len(value) < 40 and value.isalnum():
        return f'"{value}"'
    return shorten(json.dumps(value, ensure_ascii=False, default=str))
