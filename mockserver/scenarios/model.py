"""What a loaded scenario is: rules that answer some requests, and the world, readings and faults behind the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mockserver.contract.catalogue import Catalogue
from mockserver.contract.matching import Matcher
from mockserver.contract.readings import Value
from mockserver.core.documents import Document
from mockserver.core.text import Text
from mockserver.scenarios.templates import Render


@dataclass(frozen=True, slots=True)
class Action:
    """One reply a rule can give."""

    kind: Literal["error", "patch", "body", "world"]
    place: str
    """File and line, for the message when its answer departs from the contract."""
    error: str = ""
    """Catalogue name, of an error or of a body that tells one."""
    fill: Render | None = None
    """Gives the body, the patch, or an error's info for one request."""
    static: bytes | None = None
    """The whole encoded answer of a body without templates, checked when it was loaded."""
    empty: bool = False
    """That answer tells an empty list."""
    unchecked: bool = False
    """Its answer may leave the contract."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of `answers`: the nth request that matches gets the nth action, the last one repeats."""

    key: str
    """`answer N` with the scenario's name, stable while the scenario is loaded."""
    on: frozenset[str]
    matcher: Matcher
    actions: tuple[Action, ...]
    times: int | None = None
    """After so many matches the rule is used up."""


@dataclass(frozen=True, slots=True)
class Sourced:
    """A part of a scenario file with the place it was written at."""

    value: Mapping[str, Any]
    document: Document
    pointer: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario with all that it extends folded in."""

    name: str
    title: Text
    description: Text
    path: str
    extends: str | None
    readings: Mapping[str, Value]
    world: Sourced
    rules: tuple[Rule, ...]
    faults: tuple[Sourced, ...] = ()


def told_error(answer: Any, catalogue: Catalogue) -> str:
    """The catalogue name of the failure that a whole answer tells; empty for a success."""
    if not isinstance(answer, dict) or answer.get("Status") != "FAIL":
        return ""
    return catalogue.name_of(answer.get("ErrorCode", -1)) or "internal_error"


def is_empty(answer: Any) -> bool:
    """Whether an answer has lists and every one of them is empty."""
    lists = (
        [value for value in answer.values() if isinstance(value, list)] if isinstance(answer, dict) else []
    )
    return bool(lists) and not any(lists)


def merge_patch(target: Any, patch: Any) -> Any:
    """`patch` applied to `target` as RFC 7396 says; neither is changed, keys keep their order."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged
