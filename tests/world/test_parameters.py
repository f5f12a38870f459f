"""The parameters of a generated world: their schema and their defaults belong together, and errors come with advice."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.contract.checking import find_mistakes
from mockserver.contract.schemas import Validator
from mockserver.core.errors import Mistake
from mockserver.core.folders import Folders
from mockserver.core.json_reader import read_json
from mockserver.world.demographics import DOCUMENT_PINS, NETWORKS, PARAMETERS, QUALITY
from mockserver.world.generated import generated_world
from mockserver.world.model import build_model
from mockserver.world.sessions import WorldError

SCENARIO = read_json(Folders().schema("scenario.json")).value
ROWS = SCENARIO["$defs"]["generated"]["properties"]
KIND = {"name": "x", "share": 1, "median": 60, "seats": [2, 3]}


def kind(**changes: Any) -> dict[str, Any]:
    """A spec with one room kind, changed from a valid one."""
    return {"room_kinds": [{**KIND, **changes}]}


VALIDATOR = Validator({"$defs": SCENARIO["$defs"], "$ref": "#/$defs/generated"}, {})


def mistakes_of(spec: dict[str, Any]) -> list[Mistake]:
    """Return what is wrong with a block: by its schema, or else when the world is built."""
    if found := find_mistakes(VALIDATOR.check({"source": "generated", **spec})):
        return found
    with pytest.raises(WorldError) as caught:
        generated_world(spec)
    return list(caught.value.mistakes)


def test_every_parameter_has_a_default_and_a_schema() -> None:
    """The defaults are valid, and the schema lists the networks and qualities that exist."""
    assert list(ROWS) == ["source", *(name for name in PARAMETERS if name != "per_app"), "pins", "per_app"]
    assert not VALIDATOR.check({"source": "generated", **PARAMETERS, "pins": DOCUMENT_PINS})
    assert ROWS["quality"]["enum"] == list(QUALITY)
    (year,) = ROWS["networks"]["patternProperties"].values()
    assert tuple(year["properties"]) == NETWORKS
    assert all(tuple(networks) == NETWORKS for networks in QUALITY.values())


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
    assert not VALIDATOR.check({"source": "generated", **spec})
    world = generated_world(spec)
    rows = world.sessions_between(1575962150, 1575962850)
    assert len(world.user_ids(rows.user)) == len(rows)


WRONG: list[tuple[dict[str, Any], tuple[str | int, ...], str]] = [
    ({"sed": 1}, ("sed",), "did you mean seed?"),
    ({"seed": -1}, ("seed",), "at least 0, at most 18446744073709551615"),
    ({"seed": "42"}, ("seed",), "is not a whole number"),
    ({"seed": True}, ("seed",), "is not a whole number"),
    ({"seed": 1.0}, ("seed",), "is not a whole number"),
    ({"users": 15}, ("users",), "at least 16, at most 4194304"),
    ({"users": "many"}, ("users",), "a whole number or null"),
    ({"rooms_per_day": 200_001}, ("rooms_per_day",), "at most 200000"),
    ({"rooms_per_day": None}, ("rooms_per_day",), "a whole number"),
    ({"weekend_factor": 11}, ("weekend_factor",), "at most 10"),
    ({"weekend_factor": float("nan")}, ("weekend_factor",), "nan is not a number"),
    ({"hour_weights": [1] * 23}, ("hour_weights",), "at least 24"),
    ({"hour_weights": [1] * 25}, ("hour_weights",), "at most 24, not 25"),
    ({"hour_weights": [1] * 23 + [-1]}, ("hour_weights", 23), "at least 0"),
    ({"hour_weights": "flat"}, ("hour_weights",), "is not a list"),
    ({"quality": "good"}, ("quality",), "realistic, degraded, document_like"),
    ({"failed_joins": 51}, ("failed_joins",), "at most 50"),
    ({"failed_joins": float("inf")}, ("failed_joins",), "a number or null"),
    ({"per_app": "yes"}, ("per_app",), "true or false"),
    ({"call_lengths": {"least": 3}}, ("call_lengths", "least"), "floor, cap"),
    ({"call_lengths": {"cap": 14_401}}, ("call_lengths", "cap"), "at most 14400"),
    ({"room_kinds": []}, ("room_kinds",), "at least 1"),
    ({"room_kinds": [{"name": "x"}]}, ("room_kinds", 0), "missing share, median, seats"),
    (kind(name=""), ("room_kinds", 0, "name"), "0 characters; at least 1"),
    (kind(seats=[2]), ("room_kinds", 0, "seats"), "at least 2"),
    (kind(seats=[0, 2]), ("room_kinds", 0, "seats", 0), "at least 1, at most 500"),
    (kind(colour="red"), ("room_kinds", 0, "colour"), "unknown key"),
    ({"networks": {}}, ("networks",), "at least 1"),
    ({"networks": {"soon": {"WiFi": 1}}}, ("networks", "soon"), "'soon' must match"),
    ({"networks": {"2019": {"6G": 1}}}, ("networks", "2019", "6G"), "known: WiFi, 5G"),
    ({"places": []}, ("places",), "at least 1"),
    ({"places": [{"city": "x", "weight": 1}]}, ("places", 0), "missing province"),
    ({"pins": "none"}, ("pins",), "is not a list"),
    ({"pins": [{"RoomId": "1", "stays": []}]}, ("pins", 0, "stays"), "at least 1"),
    ({"pins": [{"RoomId": 1, "stays": []}]}, ("pins", 0, "RoomId"), 'quote it, "1"'),
    ({"pins": [{"RoomId": "r", "stays": [{"UserId": "u", "enter": 1575961850}]}]}, ("pins", 0, "stays", 0), "missing leave"),
]  # fmt: skip
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
    ({"networks": {"201902": {"WiFi": 1}}}, ("networks", "201902"), "must match ^[0-9]{4}([0-9]{4})?$"),
    ({"networks": {"2019": {"WiFi": 1}, "20190101": {"WiFi": 1}}}, ("networks", "20190101"),
     "2019-01-01 is specified twice"),
    ({"places": [{"province": "a", "city": "c", "weight": 1}, {"province": "b", "city": "c", "weight": 1}]},
     ("places", 1, "city"), "c is in a elsewhere and in b here"),
    ({"places": [{"country": "x", "province": "a", "city": "c", "weight": 1},
                 {"province": "a", "city": "d", "weight": 1}]},
     ("places", 1, "province"), "a is in x elsewhere"),
    ({"places": [{"province": "a", "city": "c", "weight": 0}]}, ("places",), "above 0"),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "pointer", "advice"), WRONG + CONTRADICTORY, ids=str)
def test_an_invalid_block_is_refused_with_advice(spec, pointer, advice):
    """The first mistake points to the value and gives the correction in both languages."""
    mistake = mistakes_of(spec)[0]
    assert mistake.pointer == pointer
    assert advice in mistake.text.en
    assert mistake.text.zh != mistake.text.en


def test_all_mistakes_of_a_block_are_found_at_once():
    """Those of the schema, and those of contradictory values, in independent parts of the block."""
    found = mistakes_of({"seed": -1, "sed": 1, "quality": "good", "places": [{"city": 3}]})
    pointers = {mistake.pointer for mistake in found}
    assert pointers == {("seed",), ("sed",), ("quality",), ("places", 0), ("places", 0, "city")}
    found = mistakes_of(
        {
            "room_kinds": [{**KIND, "seats": [3, 2], "median": 1}],
            "hour_weights": [0] * 24,
            "networks": {"2019": {"WiFi": 0}, "20190230": {"WiFi": 1}},
            "pins": [{"RoomId": "r", "stays": [{"UserId": "u", "enter": 3, "leave": "noon"}]}],
        }
    )
    assert [mistake.pointer for mistake in found] == [
        ("room_kinds", 0, "seats"),
        ("room_kinds", 0, "median"),
        ("hour_weights",),
        ("networks", "2019"),
        ("networks", "20190230"),
        ("pins", 0, "stays", 0, "enter"),
        ("pins", 0, "stays", 0, "leave"),
    ]


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
