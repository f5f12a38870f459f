"""What the bytes of a request say: parsed, with secrets masked, and checked except for the signature.

None of it depends on the time or on earlier requests, so a request that is received again is not parsed and checked again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mockserver.contract.operations import Operation
from mockserver.contract.readings import Readings
from mockserver.contract.schemas import Schemas
from mockserver.contract.violations import Violation
from mockserver.core.http import Request
from mockserver.engine.config import Config
from mockserver.engine.overrides import RequestOverrides, read_overrides
from mockserver.validation.body import check_body
from mockserver.validation.query import Query, check_query, check_target, read_query
from mockserver.validation.redactor import Redactor
from mockserver.validation.signature import tolerate

_API_PATHS = ("/v1/", "/v2/")


class Checks(NamedTuple):
    """What the checks of path, method, query and body found under some readings."""

    readings: Readings
    operation: Operation | None
    violations: list[Violation]  # Of path, method and query.
    body: dict[str, Any]  # Body fields as the operation reads them.
    body_violations: list[Violation]


@dataclass(slots=True)
class ParsedRequest:
    """A request as parsed under one configuration. Treat it as read-only: repeated requests share it."""

    config: int  # The number of the configuration. Its worlds would stay in memory after a reload.
    secrets: int  # The version of the secrets that are masked.
    request: Request  # The request with every known secret masked.
    query: Query = field(repr=False)
    overrides: RequestOverrides | None
    stray: bool  # Not sent by a client of the API, e.g. a browser's visit; see `strays`.
    checks: Checks | None = None  # The result of the last `check_content`.


def parse_request(received: Request, config: Config, redactor: Redactor) -> ParsedRequest:
    """Return what a request says; the same object if it is received again and nothing has changed."""
    known: ParsedRequest | None = received.parsed
    secrets = redactor.version
    if known is not None and known.config == config.number and known.secrets == secrets:
        return known
    # Mask secrets in the wrong place before anything else is done with the request.
    request = redactor.redact(received)
    query = read_query(request.query)
    overrides, stray = read_overrides(request, query.values, config), is_stray(request, query.values)
    parsed = received.parsed = ParsedRequest(config.number, secrets, request, query, overrides, stray)
    return parsed


def check_content(parsed: ParsedRequest, readings: Readings, schemas: Schemas) -> Checks:
    """Check path, method, query and body, in this order."""
    if parsed.checks is not None and parsed.checks.readings is readings:
        return parsed.checks
    request = parsed.request
    operation, violations = check_target(request, readings)
    found_in_query = check_query(parsed.query, readings, request)
    violations += map(tolerate, found_in_query) if readings["signing"] == "off" else found_in_query
    body: dict[str, Any] = {}
    body_violations: list[Violation] = []
    if operation is not None:
        body, body_violations = check_body(request, schemas.request(operation.name), readings, operation.section)
    parsed.checks = checks = Checks(readings, operation, violations, body, body_violations)
    return checks


def is_preflight(request: Request) -> bool:
    """Return whether this is a CORS preflight: a browser asks whether a page may send a request."""
    headers = request.headers
    return request.method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers


def is_stray(request: Request, query: Mapping[str, str]) -> bool:
    """Return whether a request is a preflight, or an unsigned GET or HEAD outside the paths of the API."""
    if request.method in ("GET", "HEAD"):
        # A signature shows that a client of the API got its path and method wrong.
        return not request.path.startswith(_API_PATHS) and "checksum" not in query
    return is_preflight(request)
