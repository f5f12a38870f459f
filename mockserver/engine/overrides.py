"""What the client's side wishes for one request: a scenario, faults, an error; by header, or by a magic value.

For clients that cannot add a header, `identifier`, `UserId` or `RoomId` may be `mock:error=NAME`, `mock:scenario=NAME`
or `mock:fault=KIND;field=value;…`. A wish that cannot be understood is refused, never ignored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mockserver.contract.violations import Violation, make_violation, mask_fault_secret
from mockserver.core.http import Request
from mockserver.core.suggestions import unknown
from mockserver.core.text import Text
from mockserver.engine.config import Config
from mockserver.faults.fields import FaultError
from mockserver.faults.parsing import Fault, parse_fault, parse_text
from mockserver.validation.json_body import parse_json

SCENARIO_HEADER = "x-mock-scenario"
FAULT_HEADER = "x-mock-fault"
MAGIC = "mock:"
_FIELDS = ("UserId", "RoomId")


@dataclass(slots=True)
class RequestOverrides:
    """What was wished for one request, and the wishes that nobody can grant."""

    scenario: str | None = None
    faults: list[Fault] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)


def read_overrides(request: Request, query: Mapping[str, str], config: Config) -> RequestOverrides | None:
    """The wishes that a request carries; None when it carries none, as nearly every request does."""
    headers = request.headers
    magic = b"mock:" in request.body or query.get("identifier", "").startswith(MAGIC)
    if not (magic or SCENARIO_HEADER in headers or FAULT_HEADER in headers):
        return None
    body = parse_json(request.body).value if magic else None
    told = list(_told(headers, query, body if isinstance(body, dict) else {}))
    if not told:
        return None
    overrides = RequestOverrides()
    for where, kind, value in told:
        try:
            _grant(overrides, kind, value, config)
        except FaultError as error:
            overrides.violations.append(_refused(where, value, error.text))
    return overrides


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


def _grant(overrides: RequestOverrides, kind: str, value: str, config: Config) -> None:
    if kind == "scenario":
        if value not in config.scenarios:
            raise FaultError((), unknown("scenario", value, config.scenarios))
        overrides.scenario = value
    elif kind == "fault":
        overrides.faults.append(parse_fault(parse_text(value), config.catalogue, once=True))
    elif kind == "error":
        overrides.faults.append(parse_fault({"fault": "error", "name": value}, config.catalogue))
    else:
        known = "mock:error=NAME, mock:fault=KIND;…, mock:scenario=NAME"
        raise FaultError((), Text(f"a magic value is one of {known}", f"魔法值可为 {known}"))


def _refused(where: str, value: str, text: Text) -> Violation:
    got = mask_fault_secret(value)
    expected = "a scenario, an error or a fault of this server"
    return make_violation(
        "unknown_wish", where, expected=expected, got=got, reason=text.en, reason_zh=text.zh
    )
