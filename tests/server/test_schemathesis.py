"""Schemathesis generates requests from the served OpenAPI document, which alone decides which answers are correct.

HTTP is always 200 (§1.3), so the status checks of Schemathesis find nothing, and our check reads the envelope. Requests are
signed after generation, and only in the parameters that are valid, so an invalid parameter arrives unchanged.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import schemathesis
from helpers.length import length
from helpers.request_builder import NOW
from helpers.signer import APPKEY, checksum
from hypothesis import HealthCheck, settings
from jsonschema import Draft202012Validator
from jsonschema.validators import extend
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from mockserver import create_app
from mockserver.contract.operations import OPERATIONS
from mockserver.server.openapi_schemas import pascal_case

pytest_plugins = ("schemathesis.pytest.plugin",)

EXAMPLES = length(30, 500)
"""Random requests for each operation, after the samples and the boundary values."""
DOCUMENT = "/__admin/openapi.json"
SEQS = itertools.count(1)
SEEN: Counter[tuple[str, str, str]] = Counter()
"""Requests by operation, validity and resulting error."""

app = create_app(scenario="default", now=str(NOW))
config = schemathesis.Config()
config.projects.default.generation.update(
    modes=[schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE], deterministic=True
)
# The check reads the sent request, so it must not be sanitized.
config.output.sanitization.update(enabled=False)
schema = schemathesis.openapi.from_wsgi(DOCUMENT, app, config=config)
document: dict[str, Any] = app.test_client().get(DOCUMENT).get_json()
PARAMETERS: dict[str, Any] = document["components"]["parameters"]
ERRORS = {row["code"]: row["name"] for row in document["x-errors"]}


def _integer(_: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


Strict: Any = extend(Draft202012Validator, type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _integer))


def meets(component: str, value: Any) -> bool:
    """Return whether a value matches a schema of the document; 1.0 is not an integer."""
    reference = f"#/components/schemas/{component}"
    return Strict({"$ref": reference, "components": document["components"]}).is_valid(value)


def sign(case: Any) -> None:
    """Sign a generated request: every parameter that is valid by itself gets its correct value."""
    curtime = str(NOW)
    correct = {"appkey": APPKEY, "curtime": curtime, "checksum": checksum(curtime), "seq": f"s{next(SEQS)}"}
    for name, value in correct.items():
        if name in case.query and Strict(PARAMETERS[name]["schema"]).is_valid(case.query[name]):
            case.query[name] = value


def is_valid(request: Any) -> bool:
    """Return whether a sent request is valid according to the document."""
    parts = urlsplit(request.url)
    pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=False)
    query, operation = dict(pairs), parts.path.rpartition("/")[2]
    kind = str(request.headers.get("Content-Type", "")).partition(";")[0].strip()
    try:
        body = json.loads(request.body or b"", object_pairs_hook=_unique_keys)
    except ValueError:
        return False
    return (
        request.method == "POST"
        and kind == "application/json"
        and len(pairs) == len(query)
        and query.keys() == PARAMETERS.keys()
        and all(Strict(PARAMETERS[name]["schema"]).is_valid(value) for name, value in query.items())
        and query["appkey"] == APPKEY
        and query["curtime"] == str(NOW)
        and meets(f"{pascal_case(operation)}Request", body)
    )


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("duplicate key")
    return dict(pairs)


def expected_error(operation: str, body: dict[str, Any]) -> str:
    """Return the error of a request that the schema cannot detect; empty when there is none."""
    begin, end = body.get("BeginTime"), body.get("EndTime")
    if begin and end:
        if int(begin) > int(end):
            return "invalid_time_range"
        if int(end) - int(begin) > 31 * 86_400 and operation != "query_room_info":
            return "range_too_large"
    return ""


def check_envelope(context: Any, response: Any, case: Any) -> None:
    """Check that valid requests are accepted, invalid ones rejected, and that none causes an internal error."""
    operation = urlsplit(response.request.url).path.rpartition("/")[2]
    answer = response.json()
    error = ERRORS[answer["ErrorCode"]]
    valid = is_valid(response.request)
    SEEN[operation, "valid" if valid else "invalid", error] += 1
    assert (answer["Status"] == "OK") == (error == "ok")
    assert error != "internal_error", answer["ErrorInfo"]
    if not valid:
        assert error != "ok", "an invalid request was accepted"
        return
    expected = expected_error(operation, json.loads(response.request.body))
    allowed = {expected or "ok"}
    if operation == "query_room_info" and not expected:
        allowed.add("room_not_found")
    assert error in allowed, f"a valid request was rejected: {answer}"


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    check_envelope,
]


@pytest.fixture(scope="module", autouse=True)
def counts(tally: Callable[..., None]) -> Iterator[None]:
    """Report what was sent and answered; an operation that was hardly tested is a failure."""
    yield
    results = {name: {"valid": Counter[str](), "invalid": Counter[str]()} for name, _, _ in SEEN}
    for (name, kind, error), count in SEEN.items():
        results[name][kind][error] += count
    for kinds in results.values():
        for kind, errors in kinds.items():
            for error, count in errors.items():
                tally("schemathesis", f"{kind} {error}", count)
    for name in results.keys() & OPERATIONS.keys():
        assert results[name]["valid"]["ok"] > 0, f"{name}: no valid request was answered"
        assert results[name]["invalid"].total() > 50, f"{name}: hardly any invalid request was sent"


@schema.parametrize()
@settings(
    max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
def test_every_answer_agrees_with_the_document(case: Any) -> None:
    """Samples, boundary values and random requests, valid and invalid, get the answers the document defines."""
    sign(case)
    case.call_and_validate(checks=CHECKS)


@pytest.mark.parametrize(
    ("settings", "body", "message"),
    [
        ({"reading": "strictness=lenient"}, {"QueryDate": 20191210}, "an invalid request was accepted"),
        ({"scenario": "outage"}, {"QueryDate": "20191210"}, "a valid request was rejected"),
    ],
)
def test_a_server_that_violates_the_document_is_detected(
    settings: dict[str, str], body: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check fails for a server that accepts too much and for one that rejects everything."""
    monkeypatch.setattr(sys.modules[__name__], "SEEN", Counter())
    other = schemathesis.openapi.from_wsgi(
        DOCUMENT, create_app(**{"scenario": "document", "now": str(NOW), **settings}), config=config
    )
    query = {"appkey": APPKEY, "identifier": "admin", "curtime": str(NOW), "seq": "1"}
    case = other["/v2/video/count_qos_by_day"]["POST"].Case(
        query={**query, "checksum": checksum(str(NOW))}, body=body, media_type="application/json"
    )
    with pytest.raises(FailureGroup) as failures:
        case.call_and_validate(checks=[check_envelope])
    assert message in "".join(str(error) for error in failures.value.exceptions)
