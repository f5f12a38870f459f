"""The OpenAPI document is valid and agrees with the registry, the schemas, the catalogue and the readings."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.engine_client import EngineClient, shipped_config
from helpers.openapi import READING_SETS, answers, document, parts, schema_of
from helpers.request_builder import SAMPLES
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from mockserver.contract.operations import OPERATIONS, Operation
from mockserver.core.errors import Problem
from mockserver.core.text import Text

FAILURE = {"Status": "FAIL", "ErrorCode": 1105, "ErrorInfo": "checksum is wrong"}


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("readings", READING_SETS, ids=range(len(READING_SETS)))
def test_the_document_is_valid(lang: str, readings: dict[str, Any]) -> None:
    """openapi-spec-validator finds no error, in both languages and with every reading."""
    assert list(OpenAPIV31SpecValidator(document(lang, **readings)).iter_errors()) == []


def test_with_signing_off_no_parameter_is_required() -> None:
    """A tool that generates requests from the document need not sign them."""
    found = document(signing="off")["components"]["parameters"].values()
    assert [part["required"] for part in found] == [False] * 5


def test_the_validator_detects_a_broken_document() -> None:
    """A missing title is reported, so the test above can fail."""
    found = json.loads(json.dumps(document()))
    del found["info"]["title"]
    assert [error.message for error in OpenAPIV31SpecValidator(found).iter_errors()] != []


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda operation: operation.name)
def test_every_operation_is_listed_with_its_section(operation: Operation) -> None:
    """Path, name, section and the five signed parameters of each operation."""
    found = document()
    post = found["paths"][operation.path]["post"]
    assert (post["operationId"], post["x-section"]) == (operation.name, operation.section)
    names = [parameter["$ref"].rpartition("/")[2] for parameter in post["parameters"]]
    assert names == ["appkey", "identifier", "curtime", "checksum", "seq"]
    assert all(found["components"]["parameters"][name]["required"] for name in names)
    assert operation.title.en in post["summary"]
    assert operation.title.zh in post["x-summary-zh"]


def test_only_the_six_operations_are_listed() -> None:
    """The paths are exactly those of the registry."""
    assert list(document()["paths"]) == [operation.path for operation in OPERATIONS.values()]


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_samples_of_the_api_document_are_the_first_examples(name: str) -> None:
    """Body and answer of each sample."""
    post = document()["paths"][f"/v2/video/{name}"]["post"]
    examples = post["requestBody"]["content"]["application/json"]["examples"]
    assert examples["sample1"]["value"] == SAMPLES[name]["body"]
    examples = post["responses"]["200"]["content"]["application/json"]["examples"]
    assert examples["sample1"]["value"] == SAMPLES[name]["answer"]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_example_is_valid(lang: str, name: str) -> None:
    """Bodies match the request schema; answers and failures match exactly one branch of the response."""
    found = document(lang)
    post = found["paths"][f"/v2/video/{name}"]["post"]
    body = post["requestBody"]["content"]["application/json"]
    validator = Draft202012Validator({**body["schema"], "components": found["components"]})
    errors = [validator.iter_errors(example["value"]) for example in body["examples"].values()]
    assert [error for found in errors for error in found] == []
    examples = post["responses"]["200"]["content"]["application/json"]["examples"]
    values = [
        example["value"]
        if "value" in example
        else found["components"]["examples"][example["$ref"].rpartition("/")[2]]["value"]
        for example in examples.values()
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
def test_an_invalid_answer_matches_no_branch(wrong: dict[str, Any]) -> None:
    """A failure with a success code, an unknown code, no reason, or a success without data."""
    validator = answers(document(), "query_room_info")
    assert validator.is_valid(FAILURE)
    assert not validator.is_valid(wrong)


def test_every_error_of_the_catalogue_is_listed() -> None:
    """A failure may have any of the catalogue's codes but 0."""
    found, catalogue = document(), shipped_config().catalogue
    assert [row["name"] for row in found["x-errors"]] == list(catalogue)
    codes = found["components"]["schemas"]["FailureCode"]
    assert codes["enum"] == [row.code for row in catalogue.values() if row.code]
    assert codes["x-enum-varnames"] == [name.upper() for name, row in catalogue.items() if row.code]


def test_an_operation_lists_only_its_possible_failures() -> None:
    """An unknown room belongs to §2.2; time-range errors to operations with a time range."""

    def failures(name: str) -> set[str]:
        responses = document()["paths"][f"/v2/video/{name}"]["post"]["responses"]
        return set(responses["200"]["content"]["application/json"]["examples"])

    assert "room_not_found" in failures("query_room_info")
    assert "room_not_found" not in failures("count_qos_by_day")
    assert "invalid_time_range" in failures("query_all_instance_by_time")
    assert not {"invalid_time_range", "range_too_large"} & failures("count_qos_by_day")
    assert "user_not_found" in failures("query_instance_all_records_by_time")


def test_failures_have_their_own_statuses_only_with_rest() -> None:
    """HTTP is always 200 (§1.3) unless the reading is http_status=rest; other statuses are not answers of the API."""
    post = "/v2/video/query_room_info"
    assert list(document()["paths"][post]["post"]["responses"]) == ["200", "4XX", "5XX"]
    found = document(http_status="rest")
    rest = found["paths"][post]["post"]["responses"]
    statuses = {str(row.status) for row in shipped_config().catalogue.values()}
    assert set(rest) == {"200", "4XX", "5XX"} | statuses
    missing = {"unknown_command", "room_not_found", "not_recorded"}
    assert set(rest["404"]["content"]["application/json"]["examples"]) == missing
    success, failed = ({"$ref": f"#/components/schemas/{name}"} for name in ("QueryRoomInfoSuccess", "Failure"))
    assert rest["200"]["content"]["application/json"]["schema"] == success
    assert rest["404"]["content"]["application/json"]["schema"] == failed
    assert "the HTTP status of the error" in found["info"]["description"]


@pytest.mark.parametrize(("lang", "other"), [("en", "zh"), ("zh", "en")])
def test_every_text_exists_in_both_languages(lang: str, other: str) -> None:
    """Each title, summary and description has a translation, and the two documents mirror each other."""
    mine, translated = document(lang), document(other)
    for key in ("title", "summary", "description"):
        texts = [part for part in parts(mine) if isinstance(part.get(key), str)]
        assert texts
        assert [part[key] for part in texts if f"x-{key}-{other}" not in part] == []
        others = [part for part in parts(translated) if isinstance(part.get(key), str)]
        assert [part[key] for part in texts] == [part[f"x-{key}-{lang}"] for part in others]


def test_every_reference_is_internal() -> None:
    """No reference leads to a file or a host."""
    assert {part["$ref"][0] for part in parts(document()) if isinstance(part.get("$ref"), str)} == {"#"}


def test_descriptions_end_with_their_section() -> None:
    """Readers can look a field up in the API document."""
    assert schema_of("QueryRoomInfoRequest/RoomId")["description"].endswith("[§2.2.4]")


def test_the_documented_headers_are_the_sent_headers() -> None:
    """A rejected request, a fault and an invalid file produce every documented X-Mock header and no other."""
    bench = EngineClient()
    bench.engine.problems = (Problem("apps.yaml", Text("broken", "有误")),)
    sent = dict(bench.send({"sign": "v1"}).headers)
    sent |= dict(bench.send({"headers": {"x-mock-fault": "latency;fixed_ms=1"}}).headers)
    documented = document()["paths"]["/v2/video/query_room_info"]["post"]["responses"]["200"]["headers"]
    assert {name for name in sent if name.startswith("X-Mock-")} == set(documented)
