"""The OpenAPI document is valid and agrees with the registry, the schemas, the catalogue and the readings."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.engine_client import EngineClient, shipped_config, user_config
from helpers.request_builder import SAMPLES
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
    return openapi_document(shipped_config(), {**DEFAULTS, **readings}, lang=lang)


def answers(found: dict[str, Any], operation: str) -> Draft202012Validator:
    """A validator for the answers of an operation that knows the components of the document."""
    responses = found["paths"][f"/v2/video/{operation}"]["post"]["responses"]
    schema = responses["200"]["content"]["application/json"]["schema"]
    return Draft202012Validator({**schema, "components": found["components"]})


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in a document."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts(item)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(
    "readings", [{}, {"http_status": "rest"}, {"seq": "optional", "curtime": "fraction"}], ids=str
)
def test_the_document_is_valid(lang: str, readings: dict[str, str]) -> None:
    """openapi-spec-validator finds no error, in both languages and with the readings that change the document."""
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
    assert examples["success1"]["value"] == SAMPLES[name]["answer"]


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
    codes = found["components"]["schemas"]["failure"]["properties"]["ErrorCode"]["enum"]
    assert codes == [row.code for row in catalogue.values() if row.code]


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


def test_readings_change_the_document() -> None:
    """The document requires what the readings require."""
    assert {row["name"]: row["value"] for row in document(trend="cumulative")["x-readings"]} == {
        **DEFAULTS,
        "trend": "cumulative",
    }
    assert document(seq="optional")["components"]["parameters"]["seq"]["required"] is False
    curtime = document(curtime="fraction")["components"]["parameters"]["curtime"]["schema"]
    assert Draft202012Validator(curtime).is_valid("1575962850.25")
    assert "60 seconds" in document(freshness_seconds=60)["info"]["description"]


def test_failures_have_their_own_statuses_only_with_rest() -> None:
    """HTTP is always 200 (§1.3) unless the reading is http_status=rest."""
    post = "/v2/video/query_room_info"
    assert list(document()["paths"][post]["post"]["responses"]) == ["200"]
    rest = document(http_status="rest")["paths"][post]["post"]["responses"]
    assert set(rest) == {"200"} | {str(row.status) for row in shipped_config().catalogue.values()}
    assert set(rest["404"]["content"]["application/json"]["examples"]) == {
        "unknown_command",
        "room_not_found",
    }


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
    schemas = document()["components"]["schemas"]
    room = schemas["query_room_info.request"]["properties"]["RoomId"]
    assert room["description"].endswith("[§2.2.4]")


def test_the_users_schemas_and_codes_are_used(tmp_path: Path) -> None:
    """A replaced schema, its references by pointer and by anchor, and a replaced code."""
    root = Path(__file__).parents[2]
    schema = json.loads((root / "schemas/query_room_info.request.json").read_text(encoding="utf-8"))
    schema["properties"]["RoomId"] = {"$ref": "errors.json#/properties/errors/items/properties/name"}
    schema["properties"]["default"] = {"$ref": "#word"}
    schema["$defs"] = {"word": {"$anchor": "word", "type": "string", "title": "Word"}}
    errors = (root / "fixtures/errors.yaml").read_text(encoding="utf-8").replace("code: 1301", "code: 77")
    config = user_config(
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


def test_the_documented_headers_are_the_sent_headers() -> None:
    """A rejected request, a fault and an invalid file produce every documented X-Mock header and no other."""
    bench = EngineClient()
    bench.engine.problems = (Problem("apps.yaml", Text("broken", "有误")),)
    sent = dict(bench.send({"sign": "v1"}).headers)
    sent |= dict(bench.send({"headers": {"x-mock-fault": "latency;fixed_ms=1"}}).headers)
    documented = document()["paths"]["/v2/video/query_room_info"]["post"]["responses"]["200"]["headers"]
    assert {name for name in sent if name.startswith("X-Mock-")} == set(documented)
