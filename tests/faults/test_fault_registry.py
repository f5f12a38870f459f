"""What every kind keeps, asked of the registry: a new file in `kinds/` is held to it without another edit."""

from __future__ import annotations

import dataclasses
import json
import math
import re

import pytest
from fault_things import CONFIG, NOW, SIGNING, STAYS, context, fault, reply, state

from mockserver.contract.schemas import Validator, check_schema
from mockserver.faults import kinds
from mockserver.faults.base import FAMILIES, Kind
from mockserver.faults.fields import FaultError, Spec, specs
from mockserver.faults.parsing import Common, fault_schema, parse_fault, rows
from mockserver.faults.registry import FAMILY_TEXTS, KINDS

HOOKS = {
    "checksum": "apply",
    "api": "refuse",
    "payload": "corrupt",
    "gateway": "corrupt",
    "time": "deliver",
    "connection": "deliver",
}
SCHEMA = fault_schema()
VALIDATOR = Validator(SCHEMA, {})
CHINESE = re.compile("[\u4e00-\u9fff]")


def value_for(spec: Spec) -> object:
    """A value that a field takes."""
    if spec.part is not None:
        return least(spec.part)
    if spec.choices:
        return spec.choices[-1]
    if spec.shape in ("integer", "number"):
        return max(spec.least if spec.least is not None else 1, 1 if spec.above is not None else 0)
    return next(
        word
        for word in ("text/plain", "server_busy", "/UsersList", "x")
        if re.fullmatch(spec.pattern, word) and (word != "text/plain" or "a-z][a-z0-9_" not in spec.pattern)
    )


def least(of: type) -> dict[str, object]:
    """The smallest mapping that makes a dataclass."""
    wanted = [one.name for one in dataclasses.fields(of) if one.default is dataclasses.MISSING]
    wanted += getattr(of, "exactly_one", ())[:1]
    return {name: value_for(spec) for name, spec in specs(of).items() if name in wanted}


def mapping(kind: type[Kind], **more: object) -> dict[str, object]:
    """The smallest mapping of a fault of a kind, and more."""
    return {"fault": kind.kind, **least(kind), **more}


each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
each_field = pytest.mark.parametrize(
    ("kind", "name", "spec"),
    [
        pytest.param(kind, name, spec, id=f"{kind.kind}.{name}")
        for kind in KINDS.values()
        for name, spec in specs(kind).items()
    ],
)


@each_kind
def test_a_kind_is_one_file_of_its_name(kind):
    """A frozen, keyword-only dataclass of one of the six families, named after its file."""
    assert kind.__module__ == f"{kinds.__name__}.{kind.kind}"
    assert re.fullmatch("[a-z][a-z0-9_]{1,40}", kind.kind)
    assert kind.family in FAMILIES
    assert dataclasses.is_dataclass(kind)
    made = parse_fault(mapping(kind), CONFIG.catalogue).kind
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.anything = 1
    assert [hook for hook in set(HOOKS.values()) if hasattr(kind, hook)] == [HOOKS[kind.family]]


@each_kind
def test_a_kind_says_in_both_languages_what_a_client_sees(kind):
    """Texts for people exist in English and Chinese, on the kind, its fields and its family."""
    for text in (kind.text, FAMILY_TEXTS[kind.family], *(spec.text for spec in specs(kind).values())):
        assert text.en.isascii()
        assert len(text.en) > 3
        assert CHINESE.search(text.zh), text


@each_kind
def test_no_field_hides_a_common_one(kind):
    """A kind's own field has no name that every fault has already."""
    assert not specs(kind).keys() & {"fault", "on", "when", *specs(Common)}


@each_kind
def test_a_kind_meets_its_schema_and_is_told_as_it_was_made(kind):
    """The smallest mapping is taken by the schema too, and a listed fault can be posted again."""
    given = mapping(kind, probability=0.5, after=1, times=3, on=[STAYS], ttl_seconds=9, id="x-1")
    assert VALIDATOR.accepts(given)
    made = parse_fault(given, CONFIG.catalogue)
    told = made.told()
    assert VALIDATOR.accepts(told), told
    assert parse_fault(told, CONFIG.catalogue) == made
    assert {**told, **given} == told


@each_kind
def test_an_unknown_field_is_refused_with_advice(kind):
    """A misspelt field names the one that was meant; an unknown one the whole list."""
    with pytest.raises(FaultError) as caught:
        fault(mapping(kind, tims=3))
    assert caught.value.pointer == ("tims",)
    assert "did you mean times?" in caught.value.text.en
    assert not VALIDATOR.accepts(mapping(kind, tims=3))
    with pytest.raises(FaultError) as caught:
        fault(mapping(kind, xyzzy=3))
    assert all(name in caught.value.text.zh for name in specs(kind))


@each_field
def test_a_field_refuses_what_it_may_not_hold(kind, name, spec):
    """Wrong types and values outside the range are refused at the field, by reader and schema alike."""
    wrong: list[object] = [None, [], True, {"no": 1}, math.nan, math.inf, "\n"]
    wrong += [] if spec.shape == "string" else ["1"]
    wrong += [spec.most + 1] if spec.most is not None else []
    wrong += [spec.least - 1] if spec.least is not None else []
    wrong += [spec.above] if spec.above is not None else []
    wrong += ["x" * (spec.longest + 1)] if spec.longest else []
    wrong += [1.5] if spec.shape == "integer" else []
    others = set(kind.exactly_one) - {name} if name in kind.exactly_one else set()
    for value in wrong:
        given = {key: one for key, one in mapping(kind).items() if key not in others} | {name: value}
        with pytest.raises(FaultError) as caught:
            fault(given)
        assert caught.value.pointer[0] == name, given
        if not (isinstance(value, float) and not math.isfinite(value)) and value != "\n":
            assert not VALIDATOR.accepts(given), given


@each_field
def test_a_number_has_an_end(kind, name, spec):
    """No field can be set to a wait or a size without a bound."""
    if spec.shape in ("integer", "number"):
        assert spec.most is not None
        assert spec.least is not None or spec.above is not None


@each_kind
def test_an_effect_is_told_in_one_line(kind):
    """A kind that strikes says in one line of ASCII what it did, and does the same to the same request."""
    seen = []
    for _ in range(2):
        faults = state(mapping(kind))
        for number in range(5):
            fault_plan = faults.fault_plan(STAYS, {}, {}, NOW)
            signing = fault_plan.apply_to_signing(SIGNING, signature_valid=True)
            refusal = fault_plan.refuse(context())
            done = fault_plan.deliver(fault_plan.corrupt(reply(), context()))
            seen.append((number, signing, refusal, done, tuple(fault_plan.notes)))
    assert seen[:5] == seen[5:]
    told = [note for *_, notes in seen for note in notes]
    assert told
    assert all(name == kind.kind and note.isprintable() and note.isascii() for name, note in told)


def test_the_schema_is_one():
    """It is JSON Schema 2020-12, names every kind, and is plain JSON."""
    check_schema(SCHEMA)
    assert SCHEMA["properties"]["fault"]["enum"] == list(KINDS)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
    assert not VALIDATOR.accepts({"fault": "latenzy"})
    assert not VALIDATOR.accepts({})


def test_the_rows_tell_every_kind_once():
    """What tables are made from: every kind with family, texts and fields, family by family."""
    told = rows()
    assert [row["fault"] for row in told] == list(KINDS)
    families = [FAMILIES.index(row["family"]) for row in told]
    assert families == sorted(families)
    assert all(row["schema"]["properties"].keys() == specs(KINDS[row["fault"]]).keys() for row in told)
    json.dumps(told)


def test_every_family_has_a_text():
    """The six families are told in both languages."""
    assert tuple(FAMILY_TEXTS) == FAMILIES


@pytest.mark.parametrize("name", sorted(CONFIG.scenarios))
def test_the_faults_of_shipped_scenarios_are_right(name):
    """Every fault in a shipped scenario is taken by reader and schema."""
    for one in CONFIG.scenarios[name].faults:
        assert VALIDATOR.accepts(dict(one.value)), one
        assert fault(dict(one.value)).kind.kind == one.value["fault"]
