"""What the client's side wishes for one request: a scenario, faults, an error; by header, or by a magic value.

For clients that cannot add a header, `identifier`, `UserId` or `RoomId` may be `mock:error=NAME`, `mock:scenario=NAME`
or `mock:fault=KIND;field=value;…`. A wish that cannot be understood is refused, never ignored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mockserver.bodies.parsing import parse
from mockserver.contract.names import nearest
from mockserver.contract.violations import violation, without_wished
from mockserver.faults.fields import FaultError
from mockserver.faults.spec import Fault, parse_fault, parse_text
from mockserver.library import Library
from mockserver.messages import Call, Text, Violation
from mockserver.scenarios.matching import compile_when

SCENARIO_HEADER = "x-mock-scenario"
FAULT_HEADER = "x-mock-fault"
MAGIC = "mock:"
_FIELDS = ("UserId", "RoomId")


@dataclass(slots=True)
class Wishes:
    """What was wished for one request, and the wishes that nobody can grant."""

    scenario: str | None = None
    faults: list[Fault] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)


def read_wishes(call: Call, query: Mapping[str, str], library: Library) -> Wishes | None:
    """The wishes that a request carries; None when it carries none, as nearly every request does."""
    headers = call.headers
    magic = b"mock:" in call.body or query.get("identifier", "").startswith(MAGIC)
    if not (magic or SCENARIO_HEADER in headers or FAULT_HEADER in headers):
        return None
    body = parse(call.body).value if magic else None
    told = list(_told(headers, query, body if isinstance(body, dict) else {}))
    if not told:
        return None
    wishes = Wishes()
    for where, kind, value in told:
        try:
            _grant(wishes, kind, value, library)
        except FaultError as error:
            wishes.violations.append(_refused(where, value, error.text))
    return wishes


def _told(
    headers: Mapping[str, str], query: Mapping[str, str], body: Mapping[str, Any]
) -> Iterator[tuple[str, str, str]]:
    """Where a wish stands, its kind, and its value."""
    if SCENARIO_HEADER in headers:
        yield "header:X-Mock-Scenario", "scenario", headers[SCENARIO_HEADER]
    if FAULT_HEADER in headers:
        yield "header:X-Mock-Fault", "fault", headers[FAULT_HEADER]
    for where, value in (
        ("query:identifier", query.get("identifier")),
        *((f"body:/{name}", body.get(name)) for name in _FIELDS),
    ):
        if isinstance(value, str) and value.startswith(MAGIC):
            kind, _, word = value[len(MAGIC) :].partition("=")
            yield where, kind, word


def _grant(wishes: Wishes, kind: str, value: str, library: Library) -> None:
    if kind == "scenario":
        if value not in library.scenarios:
            hint = nearest(value, library.scenarios)
            raise FaultError(
                (), Text(f"there is no scenario {value[:60]!r}{hint.en}", f"没有场景 {value[:60]!r}{hint.zh}")
            )
        wishes.scenario = value
    elif kind == "fault":
        wishes.faults.append(parse_fault(parse_text(value), library.catalogue, compile_when, once=True))
    elif kind == "error":
        wishes.faults.append(parse_fault({"fault": "error", "name": value}, library.catalogue, compile_when))
    else:
        known = "mock:error=NAME, mock:fault=KIND;…, mock:scenario=NAME"
        raise FaultError((), Text(f"a magic value is one of {known}", f"魔法值可为 {known}"))


def _refused(where: str, value: str, text: Text) -> Violation:
    got = without_wished(value)
    expected = "a scenario, an error or a fault of this server"
    return violation("unknown_wish", where, expected=expected, got=got, reason=text.en, reason_zh=text.zh)
