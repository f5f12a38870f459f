"""Rows encoded by column are the JSON that an encoder writes of them one by one."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded_worlds import few

from mockserver.world.json_rows import encode_numbers, encode_rows, encode_texts, encoder, join_rows

TEXTS = st.one_of(st.text(st.characters(codec="utf-8"), max_size=40), st.text('a",\\', max_size=4))
NUMBERS = st.one_of(
    st.integers(0, 20),
    st.integers(0, 2**63 - 1),
    st.integers(1_575_900_000, 1_575_910_000),
    st.integers(0, 9_999_999_999),
)


@few
@given(st.lists(st.tuples(TEXTS, NUMBERS, TEXTS, NUMBERS), min_size=1, max_size=30))
def test_rows_are_those_of_a_json_encoder(rows: list[tuple[str, int, str, int]]) -> None:
    """Texts of any length and script, with quotes, commas and zeros; numbers of any length, alone or as texts."""
    first, count, second, time = zip(*rows, strict=True)
    columns = {
        "a": encode_texts(first),
        "count": encode_numbers(np.array(count)),
        "b": encode_texts(second),
        "time": encode_numbers(np.array(time)),
    }
    expected = [{"a": a, "count": count, "b": b, "time": str(time)} for a, count, b, time in rows]
    encoded = b"[%b]" % join_rows(encode_rows(columns, ["count"]))
    assert json.loads(encoded) == expected
    assert encoded.decode() == json.dumps(expected, ensure_ascii=False, separators=(",", ":"))


def test_quotes_and_commas_in_texts() -> None:
    """The end of one text and the beginning of the next are not mixed up."""
    texts = ['x",', ",", '"', "", '","', "\\", ',"', "b"]
    encoded = join_rows(encode_rows({"a": encode_texts(texts)}, ()))
    assert json.loads(b"[%b]" % encoded) == [{"a": text} for text in texts]
    encoded = join_rows(encode_rows({"a": encode_texts([",", "", ",,"])}, ()))
    assert json.loads(b"[%b]" % encoded) == [{"a": ","}, {"a": ""}, {"a": ",,"}]


@pytest.mark.parametrize("longest", [9, 40_000_000])
def test_texts_by_index(longest: int) -> None:
    """Whether all are kept encoded, or some are so long that this would take too much memory."""
    texts = ["a", 'b"', "x" * longest]
    encoded = join_rows(encode_rows({"a": encoder(texts)(np.array([1, 0, 1]))}, ()))
    assert encoded == b'{"a":"b\\""},{"a":"a"},{"a":"b\\""}'


def test_a_text_that_is_not_unicode_is_refused() -> None:
    """As by the encoder of all other answers."""
    with pytest.raises(TypeError):
        encode_texts(["a", "\ud800"])
