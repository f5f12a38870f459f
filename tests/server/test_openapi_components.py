"""The schemas and examples of the OpenAPI document have a form that code generators and other tools understand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.engine_client import user_config
from helpers.openapi import READING_SETS, answers, document, parts
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from mockserver.contract.operations import OPERATIONS
from mockserver.contract.readings import DEFAULTS
from mockserver.server.openapi import openapi_document

ROOT = Path(__file__).parents[2]
FAILURE = {"Status": "FAIL", "ErrorCode": 1105, "ErrorInfo": "checksum is wrong"}


@pytest.mark.parametrize("readings", READING_SETS, ids=range(len(READING_SETS)))
def test_components_have_the_form_that_generators_read(readings: dict[str, Any]) -> None:
    """Only references to whole components, no `enum` beside `const`, plain names, and no unused component."""
    found = document(**readings)
    schemas, used = found["components"]["schemas"], set()
    assert [each for each in schemas if not re.fullmatch("[A-Z][A-Za-z0-9]*", each)] == []
    for part in parts(found):
        if isinstance(part.get("$ref"), str):
            assert len(part) == 1, part
            assert re.fullmatch("#/components/[a-zA-Z]+/[A-Za-z0-9_-]+", part["$ref"])
            _, _, kind, component = part["$ref"].split("/")
            assert component in found["components"][kind]
            used.add(component)
        assert not ("const" in part and "enum" in part), part
        assert len(part.get("x-enum-varnames", [])) in (0, len(part.get("enum", [])))
    assert set(schemas) - used == set()


def test_success_and_failure_are_told_apart_by_status() -> None:
    """Both are closed objects with a constant Status, which the discriminator maps to them."""
    schemas = document()["components"]["schemas"]
    for operation in ("QueryRoomInfo", "CountQosByDay"):
        union = schemas[f"{operation}Result"]
        mapping = {"OK": f"#/components/schemas/{operation}Success", "FAIL": "#/components/schemas/Failure"}
        assert union["discriminator"] == {"propertyName": "Status", "mapping": mapping}
        assert union["oneOf"] == [{"$ref": reference} for reference in mapping.values()]
        for status, reference in mapping.items():
            branch = schemas[reference.rpartition("/")[2]]
            assert branch["properties"]["Status"]["const"] == status
            assert {"Status", "ErrorCode", "ErrorInfo"} <= set(branch["required"])
            assert branch["additionalProperties"] is False


@pytest.mark.parametrize("readings", READING_SETS, ids=range(len(READING_SETS)))
def test_every_example_of_a_request_has_an_answer_of_the_same_name(readings: dict[str, Any]) -> None:
    """Tools pair them by name; both are valid under the reading, and the answer repeats the ids of the request."""
    found = document(**readings)
    for operation in OPERATIONS:
        post = found["paths"][f"/v2/video/{operation}"]["post"]
        body = post["requestBody"]["content"]["application/json"]
        examples = post["responses"]["200"]["content"]["application/json"]["examples"]
        assert body["examples"], operation
        assert set(body["examples"]) <= set(examples)
        assert {key for key in examples if key.startswith("sample")} == set(body["examples"])
        validator = Draft202012Validator({**body["schema"], "components": found["components"]})
        for key, example in body["examples"].items():
            assert validator.is_valid(example["value"])
            assert answers(found, operation).is_valid(examples[key]["value"])
            for field in {"UserId", "RoomId"} & set(example["value"]):
                assert examples[key]["value"][field] == example["value"][field]


def test_the_document_names_license_and_contact() -> None:
    """Linters ask for both."""
    info = document()["info"]
    assert info["license"] == {"name": "MIT", "identifier": "MIT"}
    assert info["contact"]["name"]


def user_document(tmp_path: Path, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """The document with a changed request schema of query_room_info."""
    name = "schemas/query_room_info.request.json"
    schema = json.loads((ROOT / name).read_text(encoding="utf-8"))
    change(schema)
    found = openapi_document(user_config(tmp_path, {name: json.dumps(schema)}), DEFAULTS)
    assert list(OpenAPIV31SpecValidator(found).iter_errors()) == []
    assert [part for part in parts(found) if re.search("/schemas/.*/", str(part.get("$ref", "")))] == []
    return found


def test_references_of_the_users_schemas_are_resolved(tmp_path: Path) -> None:
    """By pointer, by anchor, to other files, to itself, and with keywords beside them."""

    def change(schema: dict[str, Any]) -> None:
        schema["properties"] |= {
            "RoomId": {"$ref": "errors.json#/properties/errors/items/properties/name"},
            "default": {"$ref": "#word", "minLength": 1},
            "short": {"$ref": "#/$defs/word", "maxLength": 2},
            "tree": {"$ref": "#/$defs/tree"},
            "wide": {"$ref": "#/$defs/tree", "minProperties": 1},
            "file": {"$ref": "envelope.json"},
            "any": {"$ref": "#/$defs/any", "description": "Anything", "x-description-zh": "任意"},
        }
        schema["$defs"] = {
            "any": True,
            "word": {"$anchor": "word", "type": "string", "maxLength": 5},
            "tree": {"type": "object", "properties": {"a/b": {"$ref": "#/$defs/tree"}}, "additionalProperties": False},
        }

    found = user_document(tmp_path, change)
    assert {"QueryRoomInfoRequestTree", "Envelope"} <= set(found["components"]["schemas"])
    body = Draft202012Validator(
        {"$ref": "#/components/schemas/QueryRoomInfoRequest", "components": found["components"]}
    )
    valid: list[dict[str, Any]] = [
        {"default": "x"}, {"short": "ab"}, {"tree": {"a/b": {"a/b": {}}}}, {"wide": {"a/b": {}}}, {"any": [1]},
        {"file": FAILURE},
    ]  # fmt: skip
    invalid: list[dict[str, Any]] = [
        {"default": ""}, {"default": "abcdef"}, {"short": "abc"}, {"tree": {"c": 1}}, {"wide": {}}, {"wide": {"c": 1}},
        {"file": {}}, {"RoomId": "A b c"},
    ]  # fmt: skip
    assert [each for each in valid if not body.is_valid({"RoomId": "abc", **each})] == []
    assert [each for each in invalid if body.is_valid({"RoomId": "abc", **each})] == []


def test_equal_titles_of_the_users_objects_give_different_components(tmp_path: Path) -> None:
    """Also a title that is the name of a component of ours, and one that is no name."""

    def change(schema: dict[str, Any]) -> None:
        for number, title in enumerate(("Place", "Place", "Place", "Failure", "地点", "Room user")):
            schema["properties"][f"P{number}"] = {
                "title": title, "type": "object", "properties": {f"p{number}": {"type": "string"}}
            }  # fmt: skip

    found = user_document(tmp_path, change)["components"]["schemas"]
    fields = found["QueryRoomInfoRequest"]["properties"]
    assert list(fields["P4"]["properties"]) == ["p4"]
    names = [fields[f"P{number}"]["$ref"].rpartition("/")[2] for number in (0, 1, 2, 3, 5)]
    assert len(set(names)) == len(names)
    assert [list(found[name]["properties"]) for name in names] == [["p0"], ["p1"], ["p2"], ["p3"], ["p5"]]
    assert "Status" in found["Failure"]["properties"]


def test_the_users_codes_are_used(tmp_path: Path) -> None:
    """A replaced code is one of the codes of a failure."""
    errors = (ROOT / "fixtures/errors.yaml").read_text(encoding="utf-8").replace("code: 1301", "code: 77")
    found = openapi_document(user_config(tmp_path, {"errors.yaml": errors}), DEFAULTS)
    assert 77 in found["components"]["schemas"]["FailureCode"]["enum"]
