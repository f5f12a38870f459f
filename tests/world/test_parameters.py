"""The parameters of a generated world: one documented table, and errors with advice."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from mockserver.world.generated import generated_world
from mockserver.world.model import build_model
from mockserver.world.parameters import PARAMETERS, check_parameters, parameter_table, world_schema
from mockserver.world.pinned import DOCUMENT_PINS
from mockserver.world.sessions import WorldError

KIND = {"name": "x", "share": 1, "median": 60, "seats": [2, 3]}


def kind(**changes: Any) -> dict[str, Any]:
    """A spec with one room kind, changed from a valid one."""
    return {"room_kinds": [{**KIND, **changes}]}


def error_of(spec: dict[str, Any]) -> WorldError:
    """Return the WorldError that a spec raises."""
    with pytest.raises(WorldError) as caught:
        generated_world(spec)
    return caught.value


def test_every_parameter_is_documented():
    """Each row has a name, a form and a help text in both languages, and no parameter is missing."""
    names = [row.name for row in PARAMETERS]
    assert len(set(names)) == len(names)
    assert {
        "seed", "users", "rooms_per_day", "room_kinds", "call_lengths", "hour_weights", "weekend_factor",
        "networks", "places", "quality", "pins", "per_app",
    } <= set(names)  # fmt: skip
    for row in PARAMETERS:
        assert all(row.form)
        assert row.help.en.endswith(".")
        assert row.help.zh.endswith("。")
    assert [row[0] for row in parameter_table()] == names


def test_the_schema_is_valid_and_accepts_the_defaults():
    """The JSON Schema is valid 2020-12 and accepts a block with every default."""
    schema = world_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    block = {"source": "generated", **{row.name: row.default for row in PARAMETERS}}
    jsonschema.Draft202012Validator(schema).validate(json.loads(json.dumps(block)))
    assert check_parameters(block) == {row.name: row.default for row in PARAMETERS}


GOOD: list[dict[str, Any]] = [
    {},
    {"source": "generated"},
    {"seed": 0, "users": 2_000, "rooms_per_day": 500, "per_app": True},
    {"users": None, "places": None, "failed_joins": None},
    {"rooms_per_day": 200_000},
    {"rooms_per_day": 0},
    {"weekend_factor": 0, "failed_joins": 12.5, "quality": "degraded"},
    kind(sigma=0, seats=[1, 1]),
    {"networks": {"2019": {"WiFi": 1}}},
    {"networks": {"2019": {"WiFi": 1}, "20220615": {"5G": 2, "4G": 1}}},
    {"places": [{"province": "广东省", "city": "深圳市", "weight": 1}]},
    {"places": [{"country": "法国", "province": "巴黎大区", "city": "巴黎", "weight": 0.5}]},
    {"call_lengths": {"floor": 60}},
    {"call_lengths": {"cap": 3_600}},
]


@pytest.mark.parametrize("spec", GOOD, ids=str)
def test_a_valid_block_gives_a_world(spec):
    """A block that matches the schema and does not contradict itself gives a working world."""
    jsonschema.Draft202012Validator(world_schema()).validate(spec)
    world = generated_world(spec)
    rows = world.sessions_between(1575962150, 1575962850)
    assert len(world.user_ids(rows.user)) == len(rows)


WRONG: list[tuple[dict[str, Any], tuple[str | int, ...], str]] = [
    ({"sed": 1}, ("sed",), "unknown parameter"),
    ({"seed": -1}, ("seed",), "0 … "),
    ({"seed": "42"}, ("seed",), "must be an integer"),
    ({"seed": True}, ("seed",), "must be an integer"),
    ({"users": 15}, ("users",), "16 … 4,194,304"),
    ({"users": "many"}, ("users",), "an integer or null"),
    ({"rooms_per_day": 200_001}, ("rooms_per_day",), "0 … 200,000"),
    ({"rooms_per_day": None}, ("rooms_per_day",), "must be an integer"),
    ({"weekend_factor": 11}, ("weekend_factor",), "0 … 10"),
    ({"hour_weights": [1] * 23}, ("hour_weights",), "24 entries, not 23"),
    ({"hour_weights": [1] * 23 + [-1]}, ("hour_weights", 23), "0 … 1,000"),
    ({"hour_weights": "flat"}, ("hour_weights",), "must be a list"),
    ({"quality": "good"}, ("quality",), "realistic, degraded, document_like"),
    ({"failed_joins": 51}, ("failed_joins",), "0 … 50"),
    ({"per_app": "yes"}, ("per_app",), "true or false"),
    ({"call_lengths": {"least": 3}}, ("call_lengths", "least"), "floor, cap"),
    ({"call_lengths": {"cap": 14_401}}, ("call_lengths", "cap"), "1 … 14,400"),
    ({"room_kinds": []}, ("room_kinds",), "1 … 8 entries"),
    ({"room_kinds": [{"name": "x"}]}, ("room_kinds", 0), "share is missing"),
    (kind(name=""), ("room_kinds", 0, "name"), "1 to 64 characters"),
    (kind(seats=[2]), ("room_kinds", 0, "seats"), "2 entries"),
    (kind(seats=[0, 2]), ("room_kinds", 0, "seats", 0), "1 … 500"),
    (kind(colour="red"), ("room_kinds", 0, "colour"), "unknown"),
    ({"networks": {}}, ("networks",), "must not be empty"),
    ({"networks": {"soon": {"WiFi": 1}}}, ("networks", "soon"), "a year or a day"),
    ({"networks": {"2019": {"6G": 1}}}, ("networks", "2019", "6G"), "WiFi"),
    ({"places": []}, ("places",), "1 … 2,000 entries"),
    ({"places": [{"city": "x", "weight": 1}]}, ("places", 0), "province is missing"),
    ({"pins": "none"}, ("pins",), "must be a list"),
]  # fmt: skip
BEYOND_JSON: list[tuple[dict[str, Any], tuple[str | int, ...], str]] = [
    # JSON Schema accepts 1.0 as an integer and has no NaN; the check refuses both.
    ({"seed": 1.0}, ("seed",), "must be an integer"),
    ({"weekend_factor": float("nan")}, ("weekend_factor",), "must be a number"),
    ({"failed_joins": float("inf")}, ("failed_joins",), "a number or null"),
]
CONTRADICTORY: list[tuple[dict[str, Any], tuple[str | int, ...], str]] = [
    ({"users": 500}, ("users",), "use at least 836"),
    ({"users": 4_096, "rooms_per_day": 20_000}, ("users",), "lower rooms_per_day"),
    ({"call_lengths": {"floor": 100, "cap": 50}}, ("call_lengths",), "swap"),
    ({"call_lengths": {"cap": 2_000}}, ("room_kinds", 3, "median"), "outside call_lengths 5 … 2000"),
    (kind(seats=[3, 2]), ("room_kinds", 0, "seats"), "write the minimum first"),
    (kind(share=0), ("room_kinds",), "above 0"),
    ({"hour_weights": [0] * 24}, ("hour_weights",), "above 0"),
    ({"rooms_per_day": 200_000, "hour_weights": [1] + [0] * 23}, ("rooms_per_day",), "even out hour_weights"),
    ({"networks": {"2019": {"WiFi": 0}}}, ("networks", "2019"), "above 0"),
    ({"networks": {"20190230": {"WiFi": 1}}}, ("networks", "20190230"), "not a date"),
    ({"networks": {"201902": {"WiFi": 1}}}, ("networks", "201902"), "yyyymmdd"),
    ({"networks": {"2019": {"WiFi": 1}, "20190101": {"WiFi": 1}}}, ("networks", "20190101"),
     "2019-01-01 is specified twice"),
    ({"places": [{"province": "a", "city": "c", "weight": 1}, {"province": "b", "city": "c", "weight": 1}]},
     ("places", 1, "city"), "c is in a elsewhere and in b here"),
    ({"places": [{"country": "x", "province": "a", "city": "c", "weight": 1},
                 {"province": "a", "city": "d", "weight": 1}]},
     ("places", 1, "province"), "a is in x elsewhere"),
    ({"places": [{"province": "a", "city": "c", "weight": 0}]}, ("places",), "above 0"),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "pointer", "advice"), WRONG + BEYOND_JSON + CONTRADICTORY, ids=str)
def test_an_invalid_block_is_refused_with_advice(spec, pointer, advice):
    """The error points to the value and gives the correction in both languages."""
    error = error_of(spec)
    assert error.pointer == pointer
    assert advice in error.text.en
    assert error.text.zh
    assert error.text.zh != error.text.en


@pytest.mark.parametrize(("spec", "pointer", "_advice"), WRONG, ids=str)
def test_schema_and_check_agree(spec, pointer, _advice):
    """Unknown, mistyped and out-of-range values are also invalid under the JSON Schema."""
    assert not jsonschema.Draft202012Validator(world_schema()).is_valid(spec)


def test_users_depend_on_the_rooms():
    """Without `users` there are four for each slot of the busiest hour, and at least 4,096."""
    assert build_model({}).users == 4_096
    assert build_model({"rooms_per_day": 10}).users == 4_096
    busy = build_model({"rooms_per_day": 20_000})
    assert 30_000 < busy.users < 45_000
    assert 300_000 < build_model({"rooms_per_day": 200_000}).users < 450_000


def test_the_documents_users_live_at_custom_places():
    """With `places`, the users of the default pins live there, so that labels still nest."""
    world = generated_world({"places": [{"country": "法国", "province": "巴黎大区", "city": "巴黎", "weight": 1}]})
    assert world.labels("city") == ["巴黎"]
    assert len(world.sessions_of_room("123456789")) == len(DOCUMENT_PINS[0]["stays"])


def test_a_year_can_be_an_integer():
    """An unquoted 2019, which YAML reads as a number, is the same year."""
    assert (
        build_model({"networks": {2019: {"WiFi": 1}}}).network_days.tolist()
        == build_model({"networks": {"2019": {"WiFi": 1}}}).network_days.tolist()
    )
