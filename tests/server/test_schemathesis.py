"""Schemathesis makes requests from the served document; whatever it sends is judged by the document, not by our code.

HTTP is always 200 (§1.3), so its own checks of statuses see nothing: ours reads the envelope. Requests are signed after
they are made, and only in the parts that meet the document, so a parameter that was made wrong arrives wrong.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import schemathesis
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

EXAMPLES = 120
"""Random requests for each operation, after the samples and the boundary values."""
DOCUMENT = "/__admin/openapi.json"
SEQS = itertools.count(1)
SEEN: Counter[tuple[str, str, str]] = Counter()
"""Requests by operation, whether the document takes them, and what came back."""

app = create_app(scenario="default", now=str(NOW))
config = schemathesis.Config()
config.projects.default.generation.update(
    modes=[schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE], deterministic=True
)
# The check reads the request as it went out; the appkey is no secret.
config.output.sanitization.update(enabled=False)
schema = schemathesis.openapi.from_wsgi(DOCUMENT, app, config=config)
document: dict[str, Any] = app.test_client().get(DOCUMENT).get_json()
ERRORS = {row["code"]: row["name"] for row in document["x-errors"]}


def _integer(_: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


Strict: Any = extend(
    Draft202012Validator, type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _integer)
)


def meets(component: str, value: Any) -> bool:
    """Whether `value` meets a schema of the document; a number with a fraction is no integer."""
    reference = f"#/components/schemas/{component}"
    return Strict({"$ref": reference, "components": document["components"]}).is_valid(value)


def sign(case: Any) -> None:
    """Sign what was made: every part that meets the document by itself becomes a right one."""
    curtime = str(NOW)
    right = {"appkey": APPKEY, "curtime": curtime, "checksum": checksum(curtime), "seq": f"s{next(SEQS)}"}
    for name, value in right.items():
        if name in case.query and meets(f"query/properties/{name}", case.query[name]):
            case.query[name] = value


def takes(request: Any) -> bool:
    """Whether the document takes a request, as it went out."""
    parts = urlsplit(request.url)
    pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=False)
    query, operation = dict(pairs), parts.path.rpartition("/")[2]
    kind = str(request.headers.get("Content-Type", "")).partition(";")[0].strip()
    try:
        body = json.loads(request.body or b"", object_pairs_hook=_once)
    except ValueError:
        return False
    return (
        request.method == "POST"
        and kind == "application/json"
        and len(pairs) == len(query)
        and meets("query", query)
        and query["appkey"] == APPKEY
        and query["curtime"] == str(NOW)
        and meets(f"{operation}.request", body)
    )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def wrong_in_itself(operation: str, body: dict[str, Any]) -> str:
    """The error that a request deserves which the schema cannot refuse; empty when it deserves none."""
    begin, end, day = body.get("BeginTime"), body.get("EndTime"), body.get("QueryDate")
    if day is not None:
        try:
            date(int(day[:4]), int(day[4:6]), int(day[6:]))
        except ValueError:
            return "invalid_field"
    if begin and end:
        if int(begin) > int(end):
            return "invalid_time_range"
        if int(end) - int(begin) > 31 * 86_400 and operation != "query_room_info":
            return "range_too_large"
    return ""


def envelope(context: Any, response: Any, case: Any) -> None:
    """Nothing valid is refused, nothing invalid is taken, nothing fails inside."""
    operation = urlsplit(response.request.url).path.rpartition("/")[2]
    answer = response.json()
    error = ERRORS[answer["ErrorCode"]]
    valid = takes(response.request)
    SEEN[operation, "valid" if valid else "invalid", error] += 1
    assert (answer["Status"] == "OK") == (error == "ok")
    assert error != "internal_error", answer["ErrorInfo"]
    if not valid:
        assert error != "ok", "a request outside the document was taken"
        return
    wanted = wrong_in_itself(operation, json.loads(response.request.body))
    allowed = {wanted or "ok"}
    if operation == "query_room_info" and not wanted:
        allowed.add("room_not_found")
    assert error in allowed, f"a valid request was refused: {answer}"


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    envelope,
]


@pytest.fixture(scope="module", autouse=True)
def counts(tally: Callable[..., None]) -> Iterator[None]:
    """Tells what was tried and what came back; a family that was never tried is a failure."""
    yield
    told = {name: {"valid": Counter[str](), "invalid": Counter[str]()} for name, _, _ in SEEN}
    for (name, kind, error), count in SEEN.items():
        told[name][kind][error] += count
    for found in told.values():
        for kind in found:
            for error, count in found[kind].items():
                tally("schemathesis", f"{kind} {error}", count)
    for name in told.keys() & OPERATIONS.keys():
        assert told[name]["valid"]["ok"] > 0, f"{name}: no request was answered"
        assert told[name]["invalid"].total() > 50, f"{name}: hardly anything wrong was tried"


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_what_the_document_says(case: Any) -> None:
    """Samples, boundary values and random requests, right and wrong: each is answered as the document has it."""
    sign(case)
    case.call_and_validate(checks=CHECKS)


@pytest.mark.parametrize(
    ("settings", "body", "said"),
    [
        ({"reading": "strictness=lenient"}, {"QueryDate": 20191210}, "outside the document was taken"),
        ({"scenario": "outage"}, {"QueryDate": "20191210"}, "a valid request was refused"),
    ],
)
def test_a_server_that_departs_from_the_document_is_found_out(
    settings: dict[str, str], body: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check is no rubber stamp: one that takes too much and one that refuses everything fail it."""
    monkeypatch.setattr(sys.modules[__name__], "SEEN", Counter())
    other = schemathesis.openapi.from_wsgi(
        DOCUMENT, create_app(**{"scenario": "document", "now": str(NOW), **settings}), config=config
    )
    query = {"appkey": APPKEY, "identifier": "admin", "curtime": str(NOW), "seq": "1"}
    case = other["/v2/video/count_qos_by_day"]["POST"].Case(
        query={**query, "checksum": checksum(str(NOW))}, body=body, media_type="application/json"
    )
    with pytest.raises(FailureGroup) as found:
        case.call_and_validate(checks=[envelope])
    assert said in "".join(str(one) for one in found.value.exceptions)
