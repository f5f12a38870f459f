"""Overrides of one request: a scenario, faults or an error chosen by a header or by a magic value.

For clients that cannot add headers, `identifier`, `UserId` or `RoomId` may be `mock:error=NAME`,
`mock:scenario=NAME` or `mock:fault=KIND;field=value;…`. Headers and magic values may be percent-encoded UTF-8.
An invalid override is a violation; it is never ignored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mockserver.contract.violations import Violation, make_violation, mask_fault_secret
from mockserver.core.http import Request
from mockserver.core.suggestions import unknown
from mockserver.core.text import Text
from mockserver.engine.config import Config, message
from mockserver.faults.base import FaultError
from mockserver.faults.parsing import Fault, parse_fault, parse_text, unescape
from mockserver.validation.json_body import parse_json

SCENARIO_HEADER = "x-mock-scenario"
FAULT_HEADER = "x-mock-fault"
MAGIC = "mock:"
_FIELDS = ("UserId", "RoomId")
_KINDS = ("scenario", "fault", "error")


@dataclass(slots=True)
class RequestOverrides:
    """The valid overrides of one request, and a violation for each invalid one."""

    scenario: str | None = None
    faults: list[Fault] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)


def read_overrides(request: Request, query: Mapping[str, str], config: Config) -> RequestOverrides | None:
    """Return the overrides of a request, or None if it has none."""
    headers = request.headers
    magic = b"mock:" in request.body or query.get("identifier", "").startswith(MAGIC)
    if not (magic or SCENARIO_HEADER in headers or FAULT_HEADER in headers):
        return None
    body = parse_json(request.body).value if magic else None
    found = list(_find(headers, query, body if isinstance(body, dict) else {}))
    if not found:
        return None
    overrides = RequestOverrides()
    for where, kind, value in found:
        try:
            _apply(overrides, kind, value, config)
        except FaultError as error:
            place, _, header = where.partition(":")
            name = Text(header, header) if place == "header" else message("magic_value")
            got = mask_fault_secret(value)
            violation = make_violation("invalid_override", where, got=got, name=name, reason=error.text)
            overrides.violations.append(violation)
    return overrides


def _find(
    headers: Mapping[str, str], query: Mapping[str, str], body: Mapping[str, Any]
) -> Iterator[tuple[str, str, str]]:
    """Yield the place, kind and value of each override."""
    if SCENARIO_HEADER in headers:
        yield "header:X-Mock-Scenario", "scenario", headers[SCENARIO_HEADER]
    if FAULT_HEADER in headers:
        yield "header:X-Mock-Fault", "fault", headers[FAULT_HEADER]
    for where, text in (
        ("query:identifier", query.get("identifier")),
        *((f"body:/{name}", body.get(name)) for name in _FIELDS),
    ):
        if isinstance(text, str) and text.startswith(MAGIC):
            kind, _, value = text[len(MAGIC) :].partition("=")
            # For a kind that does not exist the message has to show the whole text.
            yield where, kind, value if kind in _KINDS else text


def _apply(overrides: RequestOverrides, kind: str, value: str, config: Config) -> None:
    if kind == "scenario":
        value = unescape(value)
        if value not in config.scenarios:
            raise FaultError((), unknown("scenario", value, config.scenarios))
        overrides.scenario = value
    elif kind == "fault":
        overrides.faults.append(parse_fault(parse_text(value, escaped=True), config.catalogue, once=True))
    elif kind == "error":
        overrides.faults.append(parse_fault({"fault": "error", "name": unescape(value)}, config.catalogue))
    else:
        raise FaultError((), message("override_forms"))
