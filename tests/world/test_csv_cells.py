"""Cells converted many at once have the values of the same cells converted one by one."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from recorded_worlds import few

from mockserver.core.clock import parse_time
from mockserver.world.csv_cells import Cells, split

DIGITS = st.text("0123456789", min_size=1, max_size=20)
NUMBERS = st.one_of(
    DIGITS,
    st.builds("{}.{}".format, DIGITS, DIGITS),
    st.floats(0, 1e5).map(str),
    st.text("0123456789.-e +_", max_size=9),
)
OFFSETS = st.sampled_from(["Z", "z", "+08:00", "-09:30", "+00:00", "+23:59", "", "+0800", "+24:00", "+08:60", "+8:00"])
FRACTIONS = st.sampled_from(["", "", ".000", ".999", ".123456", ".", ".12", ";123", ".12x"])
TIMES = st.one_of(
    st.builds(
        "{:04}-{:02}-{:02}{}{:02}:{:02}:{:02}{}{}".format,
        st.one_of(st.integers(1970, 2200), st.integers(0, 9_999)),
        st.integers(0, 13),
        st.one_of(st.integers(1, 28), st.integers(0, 32)),
        st.sampled_from("TT t"),
        st.integers(0, 24),
        st.integers(0, 60),
        st.integers(0, 60),
        FRACTIONS,
        OFFSETS,
    ),
    st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat()),
    DIGITS,
    st.sampled_from(["", "2019-12-10", "now", "2019-12-10T15:17:00+08:00 ", "２０１９-12-10T15:17:00Z", "2019-W50-2"]),
)


def column(cells: list[str]) -> Cells:
    """The cells as the second of three columns."""
    rows = split("".join(f"x,{cell},1\n" for cell in cells).encode(), ",", "\n", 3)
    assert rows is not None
    return rows[1]


def one_by_one(convert: Any, cells: list[str], valid: Any) -> list[Any]:
    """The values of the valid cells; converting one of them must not fail."""
    return [convert(cell) for cell, is_valid in zip(cells, valid, strict=True) if is_valid]


@few
@given(st.lists(st.text(st.characters(exclude_characters="\0,\n", codec="utf-8"), max_size=300), min_size=1))
def test_texts_are_those_that_were_written(cells: list[str]) -> None:
    """Of any length and script."""
    texts = column(cells)
    assert texts.texts() == [texts[index] for index in range(len(texts))] == cells
    assert texts.empty.tolist() == [cell == "" for cell in cells]


@few
@given(st.lists(NUMBERS, min_size=1))
def test_numbers_are_those_of_python(cells: list[str]) -> None:
    """Every integer of up to 18 digits, and every decimal of up to 15, is converted to the value of `int` or `float`."""
    values, valid = column(cells).integers()
    assert valid.tolist() == [cell.isascii() and cell.isdigit() and len(cell) <= 18 for cell in cells]
    assert values[valid].tolist() == one_by_one(int, cells, valid)
    values, valid = column(cells).decimals()
    digits = [cell.replace(".", "", 1) for cell in cells]
    assert valid.tolist() == [each.isascii() and each.isdigit() and len(each) <= 15 for each in digits]
    assert values[valid].tolist() == one_by_one(float, cells, valid)


@few
@given(st.lists(TIMES, min_size=1))
def test_times_are_those_of_the_clock(cells: list[str]) -> None:
    """No time is valid that `parse_time` refuses, and all have its value."""
    values, valid = column(cells).iso_times()
    assert values[valid].tolist() == one_by_one(lambda cell: parse_time(cell, 0), cells, valid)


@few
@given(st.datetimes(), st.sampled_from(["Z", "+08:00", "-09:30"]), st.sampled_from("T "), st.booleans())
def test_usual_times_need_no_other_parser(moment: Any, offset: str, separator: str, with_fraction: bool) -> None:
    """What programs write: with T or a blank, UTC or an offset, and perhaps milliseconds or microseconds."""
    moment = moment.replace(year=max(moment.year, 1000), microsecond=moment.microsecond if with_fraction else 0)
    cells = [moment.isoformat(separator, spec) + offset for spec in ("auto", "seconds", "milliseconds")]
    values, valid = column(cells).iso_times()
    assert valid.all()
    assert values.tolist() == [parse_time(cell, 0) for cell in cells]


def test_rows_of_another_shape_are_refused() -> None:
    """They need a parser that says what is wrong, or skips them."""
    assert [cells.texts() for cells in split(b"a,b\nc,\n", ",", "\n", 2) or ()] == [["a", "c"], ["b", ""]]
    for data in (b"a,b\nc\n", b"a,b\nc,d,e,f\n", b"a\nb,c\n", b"a,b\n\n", b"a\nb\n", b"a,b,c,d\n"):
        assert split(data, ",", "\n", 2) is None, data
