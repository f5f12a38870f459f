"""What holds for every kind: a new file in `kinds/` is tested here without another edit."""

from __future__ import annotations

import dataclasses
import inspect
import json
import math
import re
from typing import Any

import pytest
from fault_helpers import CONFIG, NOW, OPERATION, SIGNING, context, fault, fault_state, response

from mockserver.contract.schemas import Validator, check_schema
from mockserver.core.text import Text
from mockserver.faults import base, kinds
from mockserver.faults.base import FAMILIES, FaultError, Kind
from mockserver.faults.parsing import Common, fault_schema, parse_fault
from mockserver.faults.plan import FaultPlan
from mockserver.faults.registry import KINDS, rows

BASES = {
    "checksum": base.ChecksumKind,
    "api": base.ApiKind,
    "payload": base.PayloadKind,
    "gateway": base.GatewayKind,
    "time": base.TimeKind,
    "connection": base.ConnectionKind,
}
SCHEMA = fault_schema()
VALIDATOR = Validator(SCHEMA, {})
CHINESE = re.compile("[\u4e00-\u9fff]")


def valid_value(schema: dict[str, Any]) -> object:
    """A value that a field accepts."""
    candidates = [minimal_fields(schema), *schema.get("enum", [])[-1:], schema.get("minimum"), 1]
    candidates += ["server_busy", "/UsersList", "x", "text/plain"]
    return next(value for value in candidates if Validator(schema, {}).accepts(value))


def minimal_fields(schema: dict[str, Any]) -> dict[str, object]:
    """The smallest mapping that a schema accepts."""
    required = [*schema.get("required", ()), *(branch["required"][0] for branch in schema.get("oneOf", ())[:1])]
    return {name: valid_value(schema["properties"][name]) for name in required}


def mapping(kind: type[Kind], **more: object) -> dict[str, object]:
    """The smallest mapping of a fault of a kind, and more fields."""
    return {"fault": kind.kind, **minimal_fields(kind.object_schema()), **more}


each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
each_field = pytest.mark.parametrize(
    ("kind", "name", "schema"),
    [
        pytest.param(kind, name, schema, id=f"{kind.kind}.{name}")
        for kind in KINDS.values()
        for name, schema in kind.field_schemas().items()
    ],
)


@each_kind
def test_a_kind_is_one_file_of_its_name(kind):
    """A kind is a frozen, keyword-only dataclass of one family, named after its file."""
    assert kind.__module__ == f"{kinds.__name__}.{kind.kind}"
    assert re.fullmatch("[a-z][a-z0-9_]{1,40}", kind.kind)
    assert dataclasses.is_dataclass(kind)
    instance = parse_fault(mapping(kind), CONFIG.catalogue).kind
    with pytest.raises(dataclasses.FrozenInstanceError):
        instance.anything = 1
    with pytest.raises(TypeError):
        kind(1)
    assert [family for family, cls in BASES.items() if issubclass(kind, cls)] == [kind.family]
    expected = inspect.signature(BASES[kind.family].apply)
    assert inspect.signature(kind.apply).parameters.keys() == expected.parameters.keys()


@each_kind
def test_a_kind_says_in_both_languages_what_a_client_sees(kind):
    """The kind, its fields and its family have texts in English and Chinese."""
    texts = [Text(schema["description"], schema["x-description-zh"]) for schema in kind.field_schemas().values()]
    for text in (kind.text, FAMILIES[kind.family], *texts):
        assert text.en.isascii()
        assert len(text.en) > 3
        assert CHINESE.search(text.zh), text


@each_kind
def test_no_field_hides_a_common_one(kind):
    """No field of a kind has the name of a common field."""
    assert not kind.field_schemas().keys() & {"fault", "on", "when", *Common.field_schemas()}


@each_kind
def test_a_listed_fault_can_be_posted_again(kind):
    """The mapping of a parsed fault meets the schema and is read as the same fault."""
    given = mapping(kind, probability=0.5, after=1, times=3, on=[OPERATION], ttl_seconds=9, id="x-1")
    assert VALIDATOR.accepts(given)
    parsed = parse_fault(given, CONFIG.catalogue)
    listed = parsed.to_mapping()
    assert VALIDATOR.accepts(listed), listed
    assert parse_fault(listed, CONFIG.catalogue) == parsed
    assert {**listed, **given} == listed


@each_kind
def test_an_unknown_field_is_rejected_with_a_suggestion(kind):
    """The message names the nearest field, or all fields if none is near."""
    with pytest.raises(FaultError) as caught:
        fault(mapping(kind, tims=3))
    assert caught.value.pointer == ("tims",)
    assert "did you mean times?" in caught.value.text.en
    assert not VALIDATOR.accepts(mapping(kind, tims=3))
    with pytest.raises(FaultError) as caught:
        fault(mapping(kind, xyzzy=3))
    assert all(name in caught.value.text.zh for name in kind.field_schemas())


@each_field
def test_a_field_rejects_invalid_values(kind, name, schema):
    """Wrong types and values out of range are rejected at the field, by the parser and the schema."""
    invalid: list[object] = [None, [], True, {"no": 1}, math.nan, math.inf, "\n"]
    invalid += [] if {"pattern", "enum"} & schema.keys() else ["1"]
    invalid += [schema["maximum"] + 1] if "maximum" in schema else []
    invalid += [schema["minimum"] - 1] if "minimum" in schema else []
    invalid += [schema["exclusiveMinimum"]] if "exclusiveMinimum" in schema else []
    invalid += ["x" * (schema["maxLength"] + 1)] if "maxLength" in schema else []
    invalid += [1.5] if schema.get("type") == "integer" else []
    alternatives = set(kind.exactly_one) - {name} if name in kind.exactly_one else set()
    valid = {key: value for key, value in mapping(kind).items() if key not in alternatives}
    for value in invalid:
        given = {**valid, name: value}
        with pytest.raises(FaultError) as caught:
            fault(given)
        assert caught.value.pointer[0] == name, given
        if not (isinstance(value, float) and not math.isfinite(value)) and value != "\n":
            assert not VALIDATOR.accepts(given), given


@each_field
def test_a_number_is_bounded(kind, name, schema):
    """Every numeric field has a minimum and a maximum."""
    if schema.get("type") in ("integer", "number"):
        assert "maximum" in schema
        assert "minimum" in schema or "exclusiveMinimum" in schema


@each_kind
def test_an_effect_has_a_note_and_repeats(kind):
    """A kind that has an effect describes it in one line of ASCII, and does the same to the same request."""
    runs = []
    for _ in range(2):
        faults = fault_state(mapping(kind))
        run = []
        for _ in range(5):
            plan = FaultPlan(faults.active, OPERATION, {}, {}, NOW)
            signing = plan.apply_to_signing(SIGNING, signature_valid=True)
            refusal = plan.refuse(context())
            delivered = plan.plan_delivery(plan.corrupt(response(), context()))
            run.append((signing, refusal, delivered, tuple(plan.notes)))
        runs.append(run)
    assert runs[0] == runs[1]
    listed = [note for *_, notes in runs[0] for note in notes]
    assert listed
    assert all(name == kind.kind and note.isprintable() and note.isascii() for name, note in listed)


def test_the_schema_covers_every_kind():
    """The schema is valid JSON Schema 2020-12, names every kind, and rejects what is not a fault."""
    check_schema(SCHEMA)
    assert SCHEMA["properties"]["fault"]["enum"] == list(KINDS)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
    assert not VALIDATOR.accepts({"fault": "latenzy"})
    assert not VALIDATOR.accepts({})


def test_the_rows_list_every_kind_once():
    """The table rows hold every kind with its fields, ordered by family, and are JSON."""
    listed = rows()
    assert [row["fault"] for row in listed] == list(KINDS)
    order = [list(FAMILIES).index(row["family"]) for row in listed]
    assert order == sorted(order)
    assert all(row["schema"]["properties"].keys() == KINDS[row["fault"]].field_schemas().keys() for row in listed)
    json.dumps(listed)


def test_every_family_has_kinds():
    """The six families are those of the base classes, and each has a kind."""
    assert tuple(FAMILIES) == tuple(BASES)
    assert {kind.family for kind in KINDS.values()} == set(FAMILIES)


@pytest.mark.parametrize("name", sorted(CONFIG.scenarios))
def test_the_faults_of_shipped_scenarios_are_valid(name):
    """The mapping of every fault in a shipped scenario meets the schema and is read as the same fault."""
    for parsed in CONFIG.scenarios[name].faults:
        assert VALIDATOR.accepts(parsed.to_mapping()), parsed
        assert fault(parsed.to_mapping()) == parsed
