"""The schema files state what the document states, in two languages, and both engines interpret them alike."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
from helpers.length import length
from hypothesis import given, settings
from hypothesis import strategies as st
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from mockserver.contract.operations import OPERATIONS
from mockserver.core.folders import Folders
from mockserver.core.json_reader import read_json

BASE = "https://mockserver.example/schemas/"
SCHEMAS: dict[str, dict[str, Any]] = {name: read_json(path).value for name, path in Folders().schemas().items()}
SAMPLES = json.loads((Path(__file__).parents[1] / "document_samples.json").read_text(encoding="utf-8"))
FAST_REGISTRY = jsonschema_rs.Registry([(schema["$id"], schema) for schema in SCHEMAS.values()])
SLOW_REGISTRY: Registry[Any] = Registry().with_resources(
    (schema["$id"], DRAFT202012.create_resource(schema)) for schema in SCHEMAS.values()
)
FAST = {name: jsonschema_rs.Draft202012Validator(each, registry=FAST_REGISTRY) for name, each in SCHEMAS.items()}
SLOW = {name: jsonschema.Draft202012Validator(each, registry=SLOW_REGISTRY) for name, each in SCHEMAS.items()}
BY_NAME = pytest.mark.parametrize("name", SCHEMAS)

# Keywords that hold a schema, a list of schemas, or schemas by name.
ONE, MANY, NAMED = ("items", "not", "if", "then", "else", "additionalProperties"), ("oneOf", "anyOf"), (
    "properties", "$defs", "dependentSchemas")  # fmt: skip


def parts(schema: Any, pointer: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every subschema with its JSON pointer."""
    if not isinstance(schema, dict):
        return
    yield pointer, schema
    for key in ONE:
        yield from parts(schema.get(key), f"{pointer}/{key}")
    for key in MANY:
        for index, each in enumerate(schema.get(key, ())):
            yield from parts(each, f"{pointer}/{key}/{index}")
    for key in NAMED:
        for name, each in schema.get(key, {}).items():
            yield from parts(each, f"{pointer}/{key}/{name}")


def both(name: str, value: Any) -> bool:
    """Return whether `value` is valid, after checking that both engines agree."""
    fast, slow = FAST[name].is_valid(value), SLOW[name].is_valid(value)
    assert fast == slow, (name, value, [error.message for error in SLOW[name].iter_errors(value)])
    return fast


def test_the_folder_holds_two_schemas_per_operation_and_our_own() -> None:
    """A request and a response for each operation, six files of our own, and nothing else."""
    expected = {f"{name}.{side}.json" for name in OPERATIONS for side in ("request", "response")}
    assert set(SCHEMAS) == expected | {
        "query.json",
        "envelope.json",
        "scenario.json",
        "errors.json",
        "apps.json",
        "retries.json",
    }


@BY_NAME
def test_a_schema_is_2020_12_and_its_id_is_its_file_name(name: str) -> None:
    """Each file is JSON Schema 2020-12, and its $id ends in its file name."""
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMAS[name]["$id"] == BASE + name


@BY_NAME
def test_a_schema_explains_itself_in_both_languages(name: str) -> None:
    """Files and fields have titles in English and Chinese, and descriptions in both or none."""
    chinese = re.compile("[\u4e00-\u9fff]")
    root = SCHEMAS[name]
    assert {"title", "x-title-zh", "description", "x-description-zh", "$comment"} <= root.keys()
    for pointer, schema in parts(root):
        is_field = re.search(r"/properties/[^/]+\Z", pointer) and not re.search("/(if|then|else)/", pointer)
        if is_field and not {"$ref", "const"} & schema.keys():
            assert "title" in schema, pointer
        assert ("title" in schema) == ("x-title-zh" in schema), pointer
        assert ("description" in schema) == ("x-description-zh" in schema), pointer
        for key in ("x-title-zh", "x-description-zh"):
            assert key not in schema or chinese.search(schema[key]) or "REST" in schema[key], (pointer, key)


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda each: each.name)
def test_a_field_names_its_section(operation: Any) -> None:
    """Every field of a body comments its section, and what is not in the document says so."""
    for side, section in (("request", f"§{operation.section}.4"), ("response", f"§{operation.section}.6")):
        for pointer, schema in parts(SCHEMAS[f"{operation.name}.{side}.json"]):
            if "title" in schema:
                assert section in schema["$comment"] or schema["$comment"].startswith("our reading: "), pointer


OPEN = {
    "/$defs/fault", "/$defs/reply/properties/patch", "/$defs/reply/properties/body",
    "/properties/world", "/$defs/matcher/properties/schema", "/$defs/text_matcher/properties/schema",
    "/$defs/number_matcher/properties/schema",
}  # fmt: skip


@BY_NAME
def test_objects_are_closed(name: str) -> None:
    """A mistyped key is an error; only parts that other code checks are open."""
    for pointer, schema in parts(SCHEMAS[name]):
        kinds = schema.get("type", ())
        if kinds == "object" or "object" in kinds:
            is_open = schema.get("additionalProperties", True) is True
            assert is_open == (name == "scenario.json" and pointer in OPEN), pointer


@BY_NAME
def test_patterns_mean_the_same_to_every_engine(name: str) -> None:
    """ASCII classes, anchored at both ends, and `$` does not match before a final newline as in Python."""
    for pointer, schema in parts(SCHEMAS[name]):
        assert "format" not in schema, pointer
        if (pattern := schema.get("pattern")) is None or pointer.endswith("/not"):
            continue
        assert pattern[0] == "^" and pattern[-1] == "$" and "\\" not in pattern, pointer  # noqa: PT018
        assert "maxLength" in schema, pointer
        fixed = schema.get("minLength") == schema["maxLength"]
        assert fixed or schema["not"]["pattern"] == "\n", pointer


@BY_NAME
def test_references_stay_among_our_files(name: str) -> None:
    """A $ref is the $id of one of the files, or a place in the same one; both resolve."""
    for pointer, schema in parts(SCHEMAS[name]):
        ref = schema.get("$ref")
        if ref is not None:
            assert ref.startswith(("#/$defs/", BASE)), pointer
            SLOW_REGISTRY.resolver(base_uri=BASE + name).lookup(ref)


@BY_NAME
def test_examples_are_valid(name: str) -> None:
    """Both engines accept every example in the files."""
    count = 0
    for _, schema in parts(SCHEMAS[name]):
        for example in schema.get("examples", ()):
            count += 1
            if schema is SCHEMAS[name]:
                assert both(name, example)
            else:
                whole = {**schema, "$defs": SCHEMAS[name].get("$defs", {})}
                assert jsonschema.Draft202012Validator(whole, registry=SLOW_REGISTRY).is_valid(example)
    assert count


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda each: each["operation"])
def test_the_documents_samples_are_accepted(sample: dict[str, Any]) -> None:
    """Each of the document's six bodies and answers meets its schema, and is its first example."""
    for side, key in (("request", "body"), ("response", "answer")):
        name = f"{sample['operation']}.{side}.json"
        assert both(name, sample[key])
        assert json.dumps(sample[key], sort_keys=True) == json.dumps(SCHEMAS[name]["examples"][0], sort_keys=True)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda each: each["operation"])
def test_answers_have_the_documents_fields_in_its_order(sample: dict[str, Any]) -> None:
    """The sample's fields are required, in its order; what readings add comes after them."""

    def compare(schema: dict[str, Any], value: Any) -> None:
        if isinstance(value, dict):
            assert schema["required"] == list(value)
            assert list(schema["properties"])[: len(value)] == list(value)
            extra = list(schema["properties"])[len(value) :]
            assert all(schema["properties"][each]["$comment"].startswith("our reading") for each in extra)
            for key, part in value.items():
                compare(schema["properties"][key], part)
        if isinstance(value, list):
            for part in value:
                compare(schema["items"], part)

    compare(SCHEMAS[f"{sample['operation']}.response.json"], sample["answer"])


def request(operation: str, **fields: Any) -> dict[str, Any]:
    """Return the document's body with fields changed; None removes a field."""
    body = dict(next(each["body"] for each in SAMPLES if each["operation"] == operation)) | fields
    return {key: value for key, value in body.items() if value is not None}


RECORDS, ROOM, STAYS = list(OPERATIONS)[:3]
TREND, SPREAD, QUALITY = list(OPERATIONS)[3:]


@pytest.mark.parametrize(
    ("operation", "fields"),
    [
        (RECORDS, {"UserId": "😀" * 32}),
        (RECORDS, {"UserId": "<script>\"'"}),
        (RECORDS, {"UserId": "x" * 256}),
        (ROOM, {"BeginTime": None}),
        (ROOM, {"BeginTime": None, "EndTime": None}),
        (ROOM, {"BeginTime": "", "EndTime": ""}),
        (TREND, {"CountBy": 0}),
        (TREND, {"CountBy": 4}),
        (SPREAD, {"CountBy": 4}),
    ],
)
def test_valid_requests_are_accepted(operation: str, fields: dict[str, Any]) -> None:
    """Optional fields may be left out or empty, ids may be any text of up to 256 characters."""
    assert both(f"{operation}.request.json", request(operation, **fields))


@pytest.mark.parametrize(
    ("operation", "fields"),
    [
        *[
            (RECORDS, {"BeginTime": stamp})
            for stamp in (
                "157596215", "1575962150000", "-575962150", "1e9", "", " 575962150", "1575962150\n",
                "１５７５９６２１５０", "١٥٧٥٩٦٢١٥٠", "1575962150.5", 1575962150, 1.5e9, None, True,
            )
        ],
        *[(RECORDS, {"UserId": each}) for each in ("", None, 7, ["a"], "x" * 257)],
        *[(ROOM, {"EndTime": each}) for each in ("\n", "0", "157596285", "1575962850\n", " ", 0)],
        *[(TREND, {"CountBy": each}) for each in (-1, 5, "2", 2.5, True, False, None, [2])],
        *[(SPREAD, {"CountBy": each}) for each in (0, 5, True)],
        *[(QUALITY, {"QueryDate": each}) for each in ("2019-12-10", "201912100", 20191210, "١٢٣٤٥٦٧٨")],
        *[(operation, {"Extra": 1}) for operation in OPERATIONS],
        (STAYS, {"UserId": "aaa"}),
        (RECORDS, {"userid": "aaa"}),
    ],
)  # fmt: skip
def test_invalid_requests_are_rejected(operation: str, fields: dict[str, Any]) -> None:
    """Types, formats and keys are as documented; values that only resemble a number or timestamp are rejected."""
    assert not both(f"{operation}.request.json", request(operation, **fields))


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ({"Status": "OK", "ErrorCode": 0, "ErrorInfo": ""}, True),
        ({"Status": "FAIL", "ErrorCode": 1301, "ErrorInfo": "no such room"}, True),
        ({"Status": "FAIL", "ErrorCode": -7, "ErrorInfo": "a real table may count down"}, True),
        ({"Status": "FAIL", "ErrorCode": 0, "ErrorInfo": "x"}, False),
        ({"Status": "FAIL", "ErrorCode": 1301, "ErrorInfo": ""}, False),
        ({"Status": "OK", "ErrorCode": 1301, "ErrorInfo": ""}, False),
        ({"Status": "OK", "ErrorCode": 0, "ErrorInfo": "x"}, False),
        ({"Status": "ok", "ErrorCode": 0, "ErrorInfo": ""}, False),
        ({"Status": "OK", "ErrorCode": "0", "ErrorInfo": ""}, False),
        ({"Status": "OK", "ErrorCode": False, "ErrorInfo": ""}, False),
        ({"Status": "OK", "ErrorCode": 0}, False),
        ({"Status": "OK", "ErrorCode": 0, "ErrorInfo": "", "UsersList": []}, False),
    ],
)
def test_ok_has_code_0_and_no_reason_fail_has_both(value: dict[str, Any], good: bool) -> None:
    """The three fields of the envelope agree with each other (§1.4)."""
    assert both("envelope.json", value) is good


def answer(operation: str, change: Any) -> dict[str, Any]:
    """The document's answer after `change` was made to its first row."""
    value = copy.deepcopy(next(each["answer"] for each in SAMPLES if each["operation"] == operation))
    change(value)
    return value


@pytest.mark.parametrize(
    ("operation", "change", "good"),
    [
        (STAYS, lambda v: v["UsersList"][0].update(LeaveTime=""), True),
        (STAYS, lambda v: v["UsersList"][0].update(LeaveTime="0"), True),
        (STAYS, lambda v: v["UsersList"][0].update(EnterTime=""), False),
        (STAYS, lambda v: v["UsersList"][0].update(LeaveTime="\n"), False),
        (STAYS, lambda v: v["UsersList"][0].update(AudioDuration=-1), False),
        (STAYS, lambda v: v["UsersList"][0].update(AudioDuration="30"), False),
        (STAYS, lambda v: v.update(UsersList=[]), True),
        (STAYS, lambda v: v.update(Status="FAIL"), False),
        (STAYS, lambda v: v.update(ErrorCode=1402), False),
        (STAYS, lambda v: v.pop("ErrorInfo"), False),
        (ROOM, lambda v: v.update(CreateTime="", DestroyTime="", Users=[]), True),
        (ROOM, lambda v: v["Users"][0].update(LastLeaveTime="0"), True),
        (ROOM, lambda v: v["Users"][0].update(LastLeaveTime=None), False),
        (TREND, lambda v: v["TrendData"][0].update(CountBy=1), True),
        (TREND, lambda v: v["TrendData"][0].update(CountBy=0), False),
        (TREND, lambda v: v["TrendData"][0].update(Volume=1.5), False),
        (SPREAD, lambda v: v["DistributeData"][0].update(Name="广东省"), True),
        (SPREAD, lambda v: v["DistributeData"][0].update(Name=""), False),
        (QUALITY, lambda v: v["QosData"][0].update(JoinRoomSuccRate=100), True),
        (QUALITY, lambda v: v["QosData"][0].update(JoinRoomSuccRate=100.001), False),
        (QUALITY, lambda v: v["QosData"][0].update(AudioDelayRate=800.125), True),
        (QUALITY, lambda v: v["QosData"][0].update(AudioDelayRate=-0.1), False),
        (QUALITY, lambda v: v["QosData"][0].update(VideoPackLossRate="12.01"), False),
    ],
)
def test_answers_may_vary_only_as_the_readings_allow(operation: str, change: Any, good: bool) -> None:
    """A call in progress may have no end, a reading may add its field; types and bounds hold."""
    assert both(f"{operation}.response.json", answer(operation, change)) is good


STAY = {"UserId": "aaa", "enter": "now-2h"}


def scenario(**fields: Any) -> dict[str, Any]:
    """A small scenario with these fields."""
    return {"title": "x", **fields}


def rule(**fields: Any) -> dict[str, Any]:
    """A scenario of one rule with these fields."""
    return scenario(answers=[{"on": "query_room_info", **fields}])


def world(**fields: Any) -> dict[str, Any]:
    """A scenario of one recorded room with these fields."""
    return scenario(world={"source": "recorded", "rooms": [{"RoomId": "77", "stays": [STAY], **fields}]})


@pytest.mark.parametrize(
    "value",
    [
        scenario(),
        scenario(extends="default", readings={"ongoing": "zero", "tick_seconds": 60}, faults=[]),
        scenario(faults=[{"fault": "latency", "on": "*", "lognormal": {"median_ms": 90}, "probability": 0.3}]),
        scenario(world={"source": "generated", "seed": 42, "users": 4096, "quality": "degraded"}),
        scenario(world={"source": "recorded", "rooms": []}),
        world(failed_joins=[1575962220, "today 10:00"]),
        scenario(
            world={"source": "recorded", "sessions": "day.csv", "recorded_at": 1575962220}, replay={"shift": "days"}
        ),
        scenario(
            world={"source": "recorded", "rooms": [], "covers": [{"from": "2019-12-10", "to": "now", "UserId": "a"}]}
        ),
        world(CreateTime=1575962220, DestroyTime="2019-12-11", Users=[]),
        rule(reply={"error": "room_not_found", "info": "gone"}),
        rule(reply={"patch": {"Users": []}, "unchecked": True}, times=2, name="nobody"),
        rule(sequence=[{"error": "server_busy"}, {"world": True}]),
        rule(reply={"world": True}, when={"body": {"RoomId": {"matches": "^vip-"}, "BeginTime": {"schema": {}}}}),
        rule(reply={"world": True}, when={"body": {"BeginTime": {"absent": True}, "CountBy": {"absent": True}}}),
        rule(reply={"world": True}, when={"query": {"seq": {"absent": True}}}),
        rule(reply={"world": True}, when={"query": {"identifier": "admin"}, "body": {"CountBy": 2}}),
        scenario(answers=[{"on": ["query_room_info", "count_qos_by_day"], "reply": {"body": {}}}]),
    ],
)
def test_valid_scenarios_are_accepted(value: Any) -> None:
    """The whole format: extends, readings, both worlds, matchers, replies, sequences, faults."""
    assert both("scenario.json", value)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"title": ""},
        scenario(tittle="x"),
        scenario(extends="../x"),
        scenario(extends="x\n"),
        scenario(readings={"ongoing": None}),
        scenario(readings=["ongoing"]),
        scenario(world={}),
        scenario(world={"source": "stolen"}),
        scenario(world={"source": "recorded"}),
        scenario(world={"source": "recorded", "rooms": [], "seed": 1}),
        scenario(world={"source": "generated", "seed": "42"}),
        scenario(world={"source": "generated", "sed": 42}),
        scenario(world={"source": "generated", "quality": "good"}),
        scenario(world={"source": "recorded", "sessions": "../day.csv"}),
        scenario(world={"source": "recorded", "rooms": [{"RoomId": "77"}]}),
        scenario(world={"source": "recorded", "rooms": [], "covers": [{"from": 1575962220}]}),
        scenario(replay={"shift": "weeks"}),
        world(RoomId=77),
        world(stays=[]),
        world(stays=[{**STAY, "UserId": 1012345670}]),
        world(stays=[{**STAY, "mood": "good"}]),
        world(stays=[{"UserId": "aaa"}]),
        world(stays=[{**STAY, "audio": -1}]),
        world(stays=[{**STAY, "audio_loss": 101}]),
        world(stays=[{**STAY, "enter": 1.5}]),
        rule(),
        rule(reply={}),
        rule(reply={"error": "a", "world": True}),
        rule(reply={"world": False}),
        rule(reply={"error": "a", "unchecked": True}),
        rule(reply={"body": {}, "info": "x"}),
        rule(reply={"error": "a"}, sequence=[{"world": True}]),
        rule(sequence=[]),
        rule(reply={"world": True}, times=0),
        rule(reply={"world": True}, when={}),
        rule(reply={"world": True}, when={"body": {}}),
        rule(reply={"world": True}, when={"header": {"a": "b"}}),
        rule(reply={"world": True}, when={"query": {"apikey": "x"}}),
        rule(reply={"world": True}, when={"query": {"appkey": 123456789}}),
        rule(reply={"world": True}, when={"body": {"QueryDate": 20191210}}),
        rule(reply={"world": True}, when={"body": {"CountBy": "2"}}),
        rule(reply={"world": True}, when={"body": {"RoomId": ["77"]}}),
        rule(reply={"world": True}, when={"body": {"RoomId": {"matches": "a", "schema": {}}}}),
        rule(reply={"world": True}, when={"body": {"RoomId": {"like": "a"}}}),
        rule(reply={"world": True}, when={"body": {"BeginTime": {"absent": False}}}),
        scenario(answers=[{"on": [], "reply": {"world": True}}]),
        scenario(answers=[{"reply": {"world": True}}]),
        scenario(faults=[{"on": "*"}]),
        scenario(faults=[{"fault": "latency", "probability": 1.1}]),
    ],
)
def test_invalid_scenarios_are_rejected(value: Any) -> None:
    """An unknown key, a number instead of a string, two replies or none: each is an error."""
    assert not both("scenario.json", value)


SEEDS = {name: list(schema["examples"]) for name, schema in SCHEMAS.items()}
SEEDS["scenario.json"] += [world(), rule(reply={"world": True})]
NUMBERS = [0, 1, -1, 2.0, 2.5, 100.001, 10**15]
STRINGS = ["", "0", "\n", "a\n", "157596215\n", "1575962150\n", "20191210", "１５７５９６２１５０", "é", "x" * 257, "*"]
OTHERS = [None, True, False, [], {}, ["a"], {"matches": "a"}, {"source": "recorded"}]
ODD = st.sampled_from([*NUMBERS, *STRINGS, *OTHERS]).map(copy.deepcopy)


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, Any]:
    """Draw a schema name and one of its examples with a few values changed, removed or added."""
    name = draw(st.sampled_from(sorted(SEEDS)))
    holder = [copy.deepcopy(draw(st.sampled_from(SEEDS[name])))]
    for _ in range(draw(st.integers(1, 3))):
        at, key = holder, 0
        while isinstance(at[key], (dict, list)) and at[key] and draw(st.integers(0, 4)):
            at = at[key]
            key = draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        how = draw(st.integers(0, 3))
        if how == 0 and isinstance(at, dict):
            del at[key]
        elif how == 1 and isinstance(at, dict):
            at[draw(st.sampled_from(["Extra", "UserId", "reply", "on", "CountBy", "info"]))] = draw(ODD)
        elif how == 2 and isinstance(at[key], str):
            at[key] = draw(st.text(max_size=12)) if draw(st.booleans()) else at[key] + draw(st.sampled_from("\n 0a"))
        else:
            at[key] = draw(ODD)
    return name, holder[0]


@settings(max_examples=length(200, 1_200), deadline=None)
@given(mutated())
def test_two_engines_agree_on_everything(case: tuple[str, Any]) -> None:
    """The thorough engine in Python and the fast one in Rust accept and reject the same values."""
    name, value = case
    both(name, value)
