"""A loaded scenario: rules that answer some requests; the world, which answers the others; readings and faults.

A replay moves a recording in time: requests back to the time of the recording, answers forward to now. Only fields that
hold times are changed; they are known by their names.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

from mockserver.contract.catalogue import Catalogue, ErrorInfoStyle
from mockserver.contract.matching import Matcher
from mockserver.contract.operations import OPERATIONS
from mockserver.contract.readings import Value
from mockserver.core.clock import parse_day, show_time, start_of_day
from mockserver.core.errors import Problem
from mockserver.core.text import Text
from mockserver.faults.parsing import Fault
from mockserver.scenarios.templates import Render
from mockserver.world.sources import WorldSource

_STAMPS = (
    *("BeginTime", "EndTime", "CreateTime", "DestroyTime", "EnterTime", "LeaveTime"),
    *("FirstEnterTime", "LastLeaveTime", "TickTime"),
)


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply of a rule."""

    kind: Literal["error", "patch", "body", "world"]
    location: str  # File and line, for log messages.
    error: str = ""  # Name of the error that is returned, also by a literal body with Status FAIL.
    render: Render | None = None  # Renders the body, the patch, or the error's info for one request.
    templated: bool = False  # Whether `render` evaluates templates, which may take a while.
    encoded: bytes | None = None  # The JSON of a body without templates, checked when the file was loaded.
    empty: bool = False  # Whether all lists in `encoded` are empty.
    unchecked: bool = False  # Whether the reply may violate the response schema.


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of `answers`: the nth matching request gets the nth reply; the last reply repeats."""

    key: str  # `SCENARIO#NAME` or `SCENARIO#NUMBER`; matches are counted under it.
    on: frozenset[str]
    matcher: Matcher
    replies: tuple[Reply, ...]
    times: int | None = None  # The rule stops matching after this many requests.
    entry: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """The entry of `answers`, for a rule added at run time."""


@dataclass(frozen=True, eq=False)
class RuleSet:
    """The rules that may answer the requests of an app: the app's own, then those of its scenario."""

    rules: tuple[Rule, ...] = ()
    number: int = field(default_factory=itertools.count(1).__next__)  # Unique in this process.

    @cached_property
    def by_operation(self) -> Mapping[str, tuple[Rule, ...]]:
        """The rules of each operation, in the order in which they are tried."""
        return {name: tuple(rule for rule in self.rules if name in rule.on) for name in OPERATIONS}

    @cached_property
    def templated(self) -> frozenset[str]:
        """The operations with a rule that evaluates templates, which may take a while."""
        templated = (rule for rule in self.rules if any(reply.templated for reply in rule.replies))
        return frozenset(name for rule in templated for name in rule.on)


class Replay(NamedTuple):
    """How a scenario moves the times of a recording made at `recorded_at` (seconds since the epoch)."""

    shift: Literal["days", "seconds"]
    recorded_at: int

    def seconds(self, operation: str, now: int) -> int:
        """Return by how many seconds times move; statistics of a day move by whole days of UTC+8."""
        if self.shift == "seconds" and not OPERATIONS[operation].section.startswith("3."):
            return now - self.recorded_at
        return start_of_day(now) - start_of_day(self.recorded_at)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario, including everything it extends."""

    name: str
    title: Text
    description: Text
    path: str
    extends: str | None
    readings: Mapping[str, Value]
    world: WorldSource
    rules: tuple[Rule, ...]  # Its own rules first, then those of the scenario it extends.
    faults: tuple[Fault, ...]
    warning: Problem | None = None  # Valid, but probably not intended: sessions in the future.
    replay: Replay | None = None  # How the times of a recording are moved.
    error_info: ErrorInfoStyle | None = None  # The style of ErrorInfo; None for the default.


def error_name_of(answer: Any, catalogue: Catalogue) -> str:
    """Return the name of the error in a response body, or "" for a success."""
    if not isinstance(answer, dict) or answer.get("Status") != "FAIL":
        return ""
    return catalogue.name_of(answer.get("ErrorCode", -1)) or "internal_error"


def is_empty(answer: Any) -> bool:
    """Whether a response body has lists at its top level and all of them are empty."""
    lists = [value for value in answer.values() if isinstance(value, list)] if isinstance(answer, dict) else []
    return bool(lists) and not any(lists)


def merge_patch(target: Any, patch: Any) -> Any:
    """Return `target` with `patch` applied as in RFC 7396. Neither is modified; keys keep their order."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def move(value: Any, seconds: int) -> Any:
    """Return a body with all of its times later by `seconds`; empty times and zeros do not change."""
    if isinstance(value, list):
        return [move(item, seconds) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {name: _move_field(name, item, seconds) for name, item in value.items()}


def _move_field(name: str, value: Any, seconds: int) -> Any:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        if name in _STAMPS and value != "0":
            return str(int(value) + seconds)
        if name == "QueryDate":
            return show_time(parse_day(value) + seconds)[:10].replace("-", "") or value
    return move(value, seconds) if isinstance(value, (list, dict)) else value
