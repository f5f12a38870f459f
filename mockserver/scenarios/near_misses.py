"""Near misses: which rule or which request comes closest to what was meant, and in what they differ.

Cheap enough for the request path: only what failed is looked at twice.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from mockserver.contract.matching import Condition, Matcher
from mockserver.contract.violations import shorten
from mockserver.core.text import Text
from mockserver.scenarios.model import Rule

Given = Mapping[str, Any]


class Difference(NamedTuple):
    """One thing in which a request is not what was wanted; both sides are short texts."""

    what: str
    """`body RoomId`, `query seq`, `operation`, `error` …"""
    wanted: str
    got: str
    """Empty when there was nothing."""
    instead: str = ""
    """A field of the request that looks like the missing one."""

    @property
    def text(self) -> Text:
        """The difference as a part of a sentence."""
        if not self.got:
            hint = f" (it has {self.instead})" if self.instead else ""
            hint_zh = f"（但有 {self.instead}）" if self.instead else ""
            return Text(
                f"{self.what} is missing{hint}, wanted {self.wanted}",
                f"缺少 {self.what}{hint_zh}，应为 {self.wanted}",
            )
        return Text(
            f"{self.what} is {self.got}, wanted {self.wanted}",
            f"{self.what} 为 {self.got}，应为 {self.wanted}",
        )


class Near(NamedTuple):
    """The rule that came closest and what the request lacks for it."""

    rule: str
    differences: tuple[Difference, ...]
    """Empty: it would have matched, but was used up."""

    @property
    def text(self) -> Text:
        """One line for the journal."""
        if not self.differences:
            return Text(f"{self.rule} matches but is used up", f"{self.rule} 匹配，但次数已用完")
        said = [one.text for one in self.differences]
        return Text(
            f"{self.rule}: " + "; ".join(one.en for one in said),
            f"{self.rule}：" + "；".join(one.zh for one in said),
        )


def nearest_rule(rules: Iterable[Rule], operation: str, body: Given, query: Given) -> Near | None:
    """The rule for `operation` with the fewest unmet conditions, the first of equals; None without any."""
    best: tuple[Rule, list[Condition]] | None = None
    for rule in rules:
        if operation in rule.on:
            unmet = rule.matcher.unmet(body, query)
            if best is None or len(unmet) < len(best[1]):
                best = rule, unmet
    return Near(best[0].key, _differences(best[1], body, query)) if best else None


def differences(matcher: Matcher, body: Given, query: Given) -> tuple[Difference, ...]:
    """In what a request departs from a matcher; empty when it matches."""
    return _differences(matcher.unmet(body, query), body, query)


def show_condition(condition: Condition) -> str:
    """`body RoomId = "77"`, for a sentence."""
    sign = " " if isinstance(condition.wanted, dict) else " = "
    return f"{condition.part} {shorten(condition.field)}{sign}{_wanted(condition.wanted)}"


def _differences(unmet: Iterable[Condition], body: Given, query: Given) -> tuple[Difference, ...]:
    return tuple(_difference(condition, body if condition.part == "body" else query) for condition in unmet)


def _difference(condition: Condition, given: Given) -> Difference:
    field = condition.field if condition.field.isidentifier() else shorten(condition.field)
    what = f"{condition.part} {field}"
    if condition.field not in given:
        return Difference(what, _wanted(condition.wanted), "", _similar(condition.field, given))
    value = given[condition.field]
    if field == "checksum" and isinstance(value, str) and len(value) > 7:
        value = value[:6] + "…"
    return Difference(what, _wanted(condition.wanted), _show(value))


def _wanted(wanted: Any) -> str:
    if isinstance(wanted, dict) and "matches" in wanted:
        return f"matching /{shorten(wanted['matches'])}/"
    if isinstance(wanted, dict) and "schema" in wanted:
        return f"meeting the schema {_show(wanted['schema'])}"
    return _show(wanted)


def _show(value: Any) -> str:
    # Most values are short plain texts, and every request that no rule answers comes by here.
    if type(value) is str and len(value) < 40 and value.isalnum():
        return f'"{value}"'
    return shorten(json.dumps(value, ensure_ascii=False, default=str))


def _similar(field: str, given: Given) -> str:
    folded = {name.lower().replace("_", ""): name for name in list(given)[:50] if len(name) < 100}
    close = difflib.get_close_matches(field.lower().replace("_", ""), folded, n=1, cutoff=0.75)
    return shorten(folded[close[0]]) if close else ""
