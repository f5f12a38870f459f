"""Diagnosis of curtime: its format, its unit, and how far it is off."""

from __future__ import annotations

import pytest
from freezegun import freeze_time
from hypothesis import given
from hypothesis import strategies as st

from mockserver.validation.curtime import diagnose_curtime, hashed_variants, whole_second

NOW = 1575968312.4
CURTIMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("", ("curtime_empty",)),
    ("  \n", ("curtime_empty",)),
    ("123456789", ("curtime_sample",)),
    ("1575968312347", ("curtime_milliseconds",)),
    ("1575968312347123", ("curtime_microseconds",)),
    ("1575968312347123000", ("curtime_nanoseconds",)),
    ("1575968312.347", ("curtime_fraction",)),
    ("1575968312.", ("curtime_fraction",)),
    ("1575968312,347", ("curtime_fraction",)),
    ("1575968312347.25", ("curtime_milliseconds", "curtime_fraction")),
    ("2019-12-10 16:58:32", ("curtime_date",)),
    ("2019-12-10T08:58:32Z", ("curtime_date",)),
    ("20191210165832", ("curtime_date",)),
    ("20191210", ("curtime_date",)),
    ("2019年12月10日", ("curtime_date",)),
    ("157596831", ("curtime_digits",)),
    ("15759683123", ("curtime_digits",)),
    ("0", ("curtime_digits",)),
    ("1" * 200, ("curtime_digits",)),
    ("undefined", ("curtime_no_number",)),
    ("1.575968312e9", ("curtime_no_number",)),
    ("-1575968312", ("curtime_no_number",)),
    ("１５７５９６８３１２", ("curtime_no_number",)),
    (" 1575968312", ("curtime_no_number",)),
    ("soon", ("curtime_no_number",)),
    ("1" * 200 + "x", ("curtime_no_number",)),
    ("1575997112", ("curtime_eight_hours_ahead",)),
    ("1575939512", ("curtime_eight_hours_behind",)),
    ("1575997112000", ("curtime_milliseconds", "curtime_eight_hours_ahead")),
    ("1575968912", ("clock_ahead",)),
    ("1575967000", ("clock_behind",)),
    ("1575967000.5", ("curtime_fraction", "clock_behind")),
)
"""What is sent as curtime, and the names of what is wrong with it."""


@pytest.mark.parametrize(("text", "names"), CURTIMES, ids=[repr(text)[:30] for text, _ in CURTIMES])
def test_each_wrong_curtime_is_named(text: str, names: tuple[str, ...]):
    """Unit, format, time zone and clock are distinguished, and reported together when several are wrong."""
    diagnosis = diagnose_curtime(text, NOW)
    assert diagnosis is not None
    assert diagnosis.names == names
    assert "{" not in diagnosis.text.en + diagnosis.text.zh


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1.575968312e9", "exponent"),
        ("-1575968312", "negative"),
        ("+1575968312", "sign"),
        (" 1575968312", "whitespace"),
        ("１５７５９６８３１２", "ASCII"),
    ],
)
def test_the_reason_why_it_is_no_number_is_given(text: str, reason: str):
    """The text names the reason that bodies are given for the same timestamp."""
    diagnosis = diagnose_curtime(text, NOW)
    assert diagnosis is not None
    assert reason in diagnosis.text.en


@pytest.mark.parametrize("offset", [-300, -1, 0, 1, 300])
def test_a_fresh_curtime_has_no_diagnosis(offset: int):
    """Ten digits within five minutes of now, edges included (§1.1.2)."""
    assert diagnose_curtime(str(int(NOW) + offset), NOW) is None


@pytest.mark.parametrize(("offset", "name"), [(-301, "clock_behind"), (301, "clock_ahead")])
def test_a_wrong_clock_is_reported_with_direction_and_seconds(offset: int, name: str):
    """Just over five minutes: how many seconds ahead or behind."""
    diagnosis = diagnose_curtime(str(int(NOW) + offset), NOW)
    assert diagnosis is not None
    assert diagnosis.name == name
    assert "301 s" in diagnosis.text.en
    assert "301 秒" in diagnosis.text.zh


@pytest.mark.parametrize("text", ["1575962850", "1575962850.5", "1575962850123"])
def test_a_curtime_by_frozen_time_is_put_down_to_the_test(text: str):
    """In every unit, with the call that helps; a curtime by another clock is not."""
    with freeze_time("2019-12-10T07:27:30"):
        frozen, other = diagnose_curtime(text, NOW + 1e6), diagnose_curtime("1575900000", NOW + 1e6)
    assert frozen is not None
    assert other is not None
    assert frozen.names[-1] == "process_time_replaced"
    assert "NTP" not in frozen.text.en
    for line in frozen.text:
        assert 'mockserver.freeze("2019-12-10T15:27:30+08:00")' in line
    assert other.name == "clock_behind"


def test_another_freshness_moves_the_edge():
    """The reading `freshness_seconds` decides what is fresh."""
    assert diagnose_curtime(str(int(NOW) - 11), NOW, freshness=10) is not None
    assert diagnose_curtime(str(int(NOW) - 900), NOW, freshness=1_000) is None


@given(st.integers(10**9, 10**10 - 1), st.floats(0, 1e10))
def test_any_ten_digits_are_fresh_or_off(second: int, now: float):
    """A number of ten digits is never called anything but fresh or off."""
    diagnosis = diagnose_curtime(str(second), now)
    if abs(second - now // 1) <= 300:
        assert diagnosis is None
    else:
        off = {"curtime_eight_hours_ahead", "curtime_eight_hours_behind", "clock_ahead", "clock_behind"}
        assert diagnosis is not None
        assert set(diagnosis.names) <= off


@pytest.mark.parametrize("text", ["1575968312", "1575968312.9", "1575968312999", " 1575968312\n", "'1575968312'"])
def test_the_second_is_read_from_any_unit(text: str):
    """`mockserver explain` verifies a request as of its own curtime, whatever unit it is in."""
    assert whole_second(text) == 1575968312


@given(st.text(max_size=130) | st.from_regex(r"[0-9 .,eE+'xX_-]{0,40}"), st.floats(0, 1e10))
def test_hostile_text_gets_a_diagnosis(text: str, now: float):
    """Any text: a diagnosis or none, at most a handful of variants, never an exception."""
    diagnosis = diagnose_curtime(text, now)
    assert diagnosis is None or diagnosis.names
    variants = list(hashed_variants(text))
    assert len(variants) <= 8
    assert not variants or whole_second(text) is not None
