"""The OpenAPI document says what the registry, the schemas, the catalogue and the readings say, and is valid."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.bench import Bench, shipped, user_files
from helpers.sending import SAMPLES
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from mockserver.contract.operations import OPERATIONS, Operation
from mockserver.contract.readings import DEFAULTS
from mockserver.core.errors import Problem
from mockserver.core.text import Text
from mockserver.server.openapi import openapi_document

FAILURE = {"Status": "FAIL", "ErrorCode": 1105, "ErrorInfo": "checksum is wrong"}


def document(lang: Any = "en", **readings: Any) -> dict[str, Any]:
    """The document of the shipped files."""
    return openapi_document(shipped(), {**DEFAULTS, **readings}, lang=lang)


def answers(found: dict[str, Any], operation: str) -> Draft202012Validator:
    """A validator for the answers of an operation that knows the components of the document."""
    responses = found["paths"][f"/v2/video/{operation}"]["post"]["responses"]
    schema = responses["200"]["content"]["application/json"]["schema"]
    return Draft202012Validator({**schema, "components": found["components"]})


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in a document."""
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts(one)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(
    "readings", [{}, {"http_status": "rest"}, {"seq": "optional", "curtime": "fraction"}], ids=str
)
def test_it_is_valid(lang: str, readings: dict[str, str]) -> None:
    """In both languages, and under the readings that shape it, openapi-spec-validator finds nothing wrong."""
    assert list(OpenAPIV31SpecValidator(document(lang, **readings)).iter_errors()) == []


def test_a_broken_document_is_found_out() -> None:
    """The validator of the test above does look: a reference that leads nowhere and a missing title are told."""
    found = json.loads(json.dumps(document()))
    del found["info"]["title"]
    assert [error.message for error in OpenAPIV31SpecValidator(found).iter_errors()] != []


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda one: one.name)
def test_every_operation_is_there_with_its_section(operation: Operation) -> None:
    """Path, name, section and the five signed parameters of each operation are in the document."""
    found = document()
    post = found["paths"][operation.path]["post"]
    assert (post["operationId"], post["x-section"]) == (operation.name, operation.section)
    names = [one["$ref"].rpartition("/")[2] for one in post["parameters"]]
    assert names == ["appkey", "identifier", "curtime", "checksum", "seq"]
    assert all(found["components"]["parameters"][name]["required"] for name in names)
    assert operation.title.en in post["summary"]
    assert operation.title.zh in post["x-summary-zh"]


def test_nothing_but_the_six_operations_is_there() -> None:
    """A path of the document is a path of the registry."""
    assert list(document()["paths"]) == [one.path for one in OPERATIONS.values()]


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_samples_of_the_customers_document_are_examples(name: str) -> None:
    """Body and answer of the document's own sample are the first examples."""
    post = document()["paths"][f"/v2/video/{name}"]["post"]
    told = post["requestBody"]["content"]["application/json"]["examples"]
    assert told["sample1"]["value"] == SAMPLES[name]["body"]
    told = post["responses"]["200"]["content"]["application/json"]["examples"]
    assert told["success1"]["value"] == SAMPLES[name]["answer"]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_example_meets_its_schema(lang: str, name: str) -> None:
    """Bodies meet the request schema; answers and failures meet exactly one branch of the 200 answer."""
    found = document(lang)
    post = found["paths"][f"/v2/video/{name}"]["post"]
    body = post["requestBody"]["content"]["application/json"]
    validator = Draft202012Validator({**body["schema"], "components": found["components"]})
    assert [error for one in body["examples"].values() for error in validator.iter_errors(one["value"])] == []
    told = post["responses"]["200"]["content"]["application/json"]["examples"]
    values = [
        one["value"]
        if "value" in one
        else found["components"]["examples"][one["$ref"].rpartition("/")[2]]["value"]
        for one in told.values()
    ]
    assert {value["Status"] for value in values} == {"OK", "FAIL"}
    assert [error for value in values for error in answers(found, name).iter_errors(value)] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {**FAILURE, "ErrorCode": 0},
        {**FAILURE, "ErrorCode": 4711},
        {**FAILURE, "ErrorInfo": ""},
        {**FAILURE, "Status": "OK"},
        {**FAILURE, "Users": []},
        {"Status": "FAIL", "ErrorCode": 1105},
        {"Status": "OK", "ErrorCode": 0, "ErrorInfo": ""},
    ],
)
def test_an_answer_outside_the_contract_meets_neither_branch(wrong: dict[str, Any]) -> None:
    """A success code in a failure, an unknown code, no reason, a bare success: the document refuses each."""
    validator = answers(document(), "query_room_info")
    assert validator.is_valid(FAILURE)
    assert not validator.is_valid(wrong)


def test_every_error_of_the_catalogue_is_told() -> None:
    """The catalogue is in the document, and a failure may carry each of its codes but 0."""
    found, catalogue = document(), shipped().catalogue
    assert [row["name"] for row in found["x-errors"]] == list(catalogue)
    codes = found["components"]["schemas"]["failure"]["properties"]["ErrorCode"]["enum"]
    assert codes == [row.code for row in catalogue.values() if row.code]


def test_an_operation_shows_only_failures_it_can_answer() -> None:
    """An unknown room belongs to §2.2, a span to those who ask for one."""

    def told(name: str) -> set[str]:
        responses = document()["paths"][f"/v2/video/{name}"]["post"]["responses"]
        return set(responses["200"]["content"]["application/json"]["examples"])

    assert "room_not_found" in told("query_room_info")
    assert "room_not_found" not in told("count_qos_by_day")
    assert "invalid_time_range" in told("query_all_instance_by_time")
    assert not {"invalid_time_range", "range_too_large"} & told("count_qos_by_day")
    assert "user_not_found" in told("query_instance_all_records_by_time")


def test_readings_change_the_document() -> None:
    """What a reading asks of a client is what the document asks."""
    assert {row["name"]: row["value"] for row in document(trend="cumulative")["x-readings"]} == {
        **DEFAULTS,
        "trend": "cumulative",
    }
    assert document(seq="optional")["components"]["parameters"]["seq"]["required"] is False
    curtime = document(curtime="fraction")["components"]["parameters"]["curtime"]["schema"]
    assert Draft202012Validator(curtime).is_valid("1575962850.25")
    assert "60 seconds" in document(freshness_seconds=60)["info"]["description"]


def test_failures_have_statuses_of_their_own_only_under_rest() -> None:
    """HTTP is always 200 (§1.3) unless reading http_status=rest says otherwise."""
    post = "/v2/video/query_room_info"
    assert list(document()["paths"][post]["post"]["responses"]) == ["200"]
    rest = document(http_status="rest")["paths"][post]["post"]["responses"]
    assert set(rest) == {"200"} | {str(row.status) for row in shipped().catalogue.values()}
    assert set(rest["404"]["content"]["application/json"]["examples"]) == {
        "unknown_command",
        "room_not_found",
    }


@pytest.mark.parametrize(("lang", "other"), [("en", "zh"), ("zh", "en")])
def test_every_text_is_there_in_both_languages(lang: str, other: str) -> None:
    """Each title, summary and description stands beside its twin, and the two documents are mirror images."""
    mine, twin = document(lang), document(other)
    for key in ("title", "summary", "description"):
        told = [part for part in parts(mine) if isinstance(part.get(key), str)]
        assert told
        assert [part[key] for part in told if f"x-{key}-{other}" not in part] == []
        theirs = [part for part in parts(twin) if isinstance(part.get(key), str)]
        assert [part[key] for part in told] == [part[f"x-{key}-{lang}"] for part in theirs]


def test_every_reference_stays_inside() -> None:
    """No reference leads to a file or a host."""
    assert {part["$ref"][0] for part in parts(document()) if isinstance(part.get("$ref"), str)} == {"#"}


def test_sections_stand_in_the_descriptions() -> None:
    """A reader sees where in the customer's document a field comes from."""
    schemas = document()["components"]["schemas"]
    room = schemas["query_room_info.request"]["properties"]["RoomId"]
    assert room["description"].endswith("[§2.2.4]")


def test_users_schemas_and_numbers_are_what_is_told(tmp_path: Path) -> None:
    """A replaced schema, what it refers to by pointer and by anchor, and a replaced number are in the document."""
    root = Path(__file__).parents[2]
    schema = json.loads((root / "schemas/query_room_info.request.json").read_text(encoding="utf-8"))
    schema["properties"]["RoomId"] = {"$ref": "errors.json#/properties/errors/items/properties/name"}
    schema["properties"]["default"] = {"$ref": "#word"}
    schema["$defs"] = {"word": {"$anchor": "word", "type": "string", "title": "Word"}}
    errors = (root / "fixtures/errors.yaml").read_text(encoding="utf-8").replace("code: 1301", "code: 77")
    config = user_files(
        tmp_path, {"schemas/query_room_info.request.json": json.dumps(schema), "errors.yaml": errors}
    )
    found = openapi_document(dataclasses.replace(config), DEFAULTS)
    assert list(OpenAPIV31SpecValidator(found).iter_errors()) == []
    assert "errors" in found["components"]["schemas"]
    assert 77 in found["components"]["schemas"]["failure"]["properties"]["ErrorCode"]["enum"]
    body = {"$ref": "#/components/schemas/query_room_info.request", "components": found["components"]}
    assert Draft202012Validator(body).is_valid({"RoomId": "abc", "default": "x"})
    assert not Draft202012Validator(body).is_valid({"RoomId": "A b c"})
    assert not Draft202012Validator(body).is_valid({"RoomId": "abc", "default": 1})


def test_the_headers_that_are_told_are_those_that_are_sent() -> None:
    """A refused request, a fault and a broken file bring every documented header, and no other of ours."""
    bench = Bench()
    bench.engine.problems = (Problem("apps.yaml", Text("broken", "有误")),)
    sent = dict(bench.send({"sign": "v1"}).headers)
    sent |= dict(bench.send({"headers": {"x-mock-fault": "latency;fixed_ms=1"}}).headers)
    told = document()["paths"]["/v2/video/query_room_info"]["post"]["responses"]["200"]["headers"]
    assert {name for name in sent if name.startswith("X-Mock-")} == set(told)
