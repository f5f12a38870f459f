"""The two schema engines agree on every value."""

from __future__ import annotations

import math
from typing import Any

import pytest
from helpers.engine_client import shipped_config
from helpers.length import length
from helpers.request_builder import SAMPLES
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.contract.operations import OPERATIONS
from mockserver.contract.schemas import Validator, compile_inline

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=14),
    st.sampled_from(
        ["", "1575962150", "1575962150\n", "\n", "20191210", "١٥٧٥٩٦٢١٥٠", "x" * 256, "x" * 257, "😀" * 256, "-1"]
    ),
    st.sampled_from([0, 1, 2, 3, 4, 5, -1, 1.5, 100.0, 2**53, "OK", "FAIL", 1e300]),
)


def holds_whole_float(value: Any) -> bool:
    """Whether the value contains a number like 1.0, which only the fast engine accepts as an integer."""
    if isinstance(value, dict):
        return any(holds_whole_float(item) for item in value.values())
    if isinstance(value, list):
        return any(holds_whole_float(item) for item in value)
    return isinstance(value, float) and math.isfinite(value) and value.is_integer()


def changed(value: Any) -> st.SearchStrategy[Any]:
    """Draw the value, or a variant with parts removed, replaced or added."""
    if isinstance(value, dict):
        parts = st.fixed_dictionaries({}, optional={key: changed(item) for key, item in value.items()})
        more = st.dictionaries(st.sampled_from(["x", "UserId", "RoomId", "EndTime", "Status", ""]), SCALARS, max_size=1)
        return st.one_of(st.just(value), st.builds(lambda a, b: {**value, **a, **b}, parts, more), parts, SCALARS)
    if isinstance(value, list):
        return st.one_of(
            st.just(value), st.lists(st.one_of([changed(item) for item in value[:2]]), max_size=3), SCALARS
        )
    return st.one_of(st.just(value), SCALARS)


def agree(validator: Validator, value: Any) -> None:
    """Check that both engines agree, except on numbers like 1.0, where the thorough one is stricter."""
    fast, thorough = validator.accepts(value), validator.mismatches(value) == []
    if holds_whole_float(value):
        assert fast or not thorough, value
    else:
        assert fast == thorough, (value, [each.message for each in validator.mismatches(value)])


@pytest.mark.parametrize("side", ["request", "response"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_engines_agree_on_bodies(operation: str, side: str) -> None:
    """`accepts` equals `mismatches() == []` for mutated samples of the document."""
    validator = shipped_config().schemas[f"{operation}.{side}.json"]
    sample = SAMPLES[operation]["body" if side == "request" else "answer"]
    assert validator.accepts(sample)
    assert validator.mismatches(sample) == []

    @settings(max_examples=length(60, 120), deadline=None)
    @given(changed(sample))
    def check(value: Any) -> None:
        agree(validator, value)

    check()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_float_without_fraction_is_not_an_integer_for_the_thorough_engine(operation: str) -> None:
    """1.0 instead of an integer is a mismatch, so that it can be reported."""
    validator = shipped_config().schemas[f"{operation}.request.json"]
    if "CountBy" in SAMPLES[operation]["body"]:
        value = {**SAMPLES[operation]["body"], "CountBy": 2.0}
        assert validator.accepts(value)
        assert [each.pointer for each in validator.mismatches(value)] == [("CountBy",)]


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "string", "pattern": "^a|b$"}, ["ax", "xb"], ["x", "b\n"]),
        ({"pattern": r"^\d+$"}, ["12", 5], ["١٢", "12\n"]),
        ({"pattern": r"^(a$|b)"}, ["a", "bc"], ["a\n"]),
        ({"pattern": r"^\$$"}, ["$"], ["$\n", "$$"]),
        ({"pattern": "^[$]$"}, ["$"], ["$\n"]),
        ({"type": "integer", "minimum": 3}, [3], [2, True, "3"]),
        ({"maxLength": 1}, ["😀", "a"], ["ab"]),
        ({"enum": ["a", 1]}, ["a", 1], ["b", 2, True]),
        ({"const": 1}, [1], [True, 0]),
        ({"uniqueItems": True}, [[1, True], []], [[1, 1]]),
    ],
    ids=str,
)
def test_the_engines_agree_on_a_schema_in_a_scenario(schema: Any, good: list[Any], bad: list[Any]) -> None:
    """A schema in `when` accepts the same values in both."""
    validator = compile_inline(schema)
    for value in good:
        assert (validator.accepts(value), validator.mismatches(value)) == (True, []), value
    for value in bad:
        assert not validator.accepts(value), value
        assert validator.mismatches(value), value
