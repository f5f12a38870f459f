"""The clock, the notations for a point in time, and the UTC+8 day of the document."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.core.clock import DAY_SECONDS, Clock, InvalidTime, parse_day, parse_time, show_time, start_of_day

NOW = 1_576_000_000
EAST = timezone(timedelta(hours=8))


def test_a_clock_can_be_frozen_shifted_advanced_and_reset() -> None:
    """Each change applies to the base, and reset undoes them all."""
    time = [100.5]
    clock = Clock(lambda: time[0])
    assert (clock.now(), clock.second()) == (100.5, 100)
    clock.set_offset(10)
    assert clock.now() == 110.5
    clock.advance(5)
    time[0] = 101.0
    assert clock.now() == 116.0
    clock.set_offset(1)
    assert clock.now() == 102.0
    clock.freeze(7)
    time[0] = 900.0
    assert clock.now() == 7
    clock.advance(-2)
    assert clock.now() == 5
    clock.reset()
    assert clock.now() == 900.0


def test_a_clock_created_frozen_resets_to_that_time() -> None:
    """Reset restores the initial state, not the system time."""
    clock = Clock(frozen_at=NOW)
    clock.advance(60)
    clock.freeze(5)
    clock.reset()
    assert (clock.now(), clock.second()) == (NOW, NOW)


def test_a_second_before_the_epoch_is_rounded_down() -> None:
    """`second` is the second that has begun."""
    assert Clock(frozen_at=-0.5).second() == -1


@given(st.dates(datetime(1970, 1, 2).date(), datetime(9999, 12, 31).date()))
def test_a_day_begins_at_midnight_in_utc_8(day) -> None:
    """yyyymmdd is a day in UTC+8 (§3.1.4), whatever the time zone of the machine."""
    start = parse_day(day.strftime("%Y%m%d").zfill(8))
    assert start == int(datetime(day.year, day.month, day.day, tzinfo=EAST).timestamp())
    assert start_of_day(start) == start_of_day(start + DAY_SECONDS - 1) == start
    assert start_of_day(start - 1) == start - DAY_SECONDS


@pytest.mark.parametrize(
    "text", ["", "2019121", "20191310", "20190229", "２０１９１２１０", "2019-12-10", "00000101", "20191210\n"]
)
def test_an_invalid_day_is_rejected(text: str) -> None:
    """ValueError for text that is not a day of the calendar."""
    with pytest.raises(ValueError, match=r"."):
        parse_day(text or "x")


@pytest.mark.parametrize(
    ("text", "second"),
    [
        (1_575_962_220, 1_575_962_220),
        ("1575962220", 1_575_962_220),
        (" 1575962220 ", 1_575_962_220),
        ("157599250", 157_599_250),
        ("now", NOW),
        ("now-90m", NOW - 5_400),
        ("now - 2h", NOW - 7_200),
        ("now+3d", NOW + 3 * DAY_SECONDS),
        ("now-0s", NOW),
        ("today 00:00", 1_575_993_600),
        ("2019-12-10", 1_575_907_200),
        ("today 10:30", 1_575_993_600 + 37_800),
        ("today 23:59:59", 1_575_993_600 + DAY_SECONDS - 1),
        ("2019-12-10T15:17:00+08:00", 1_575_962_220),
        ("2019-12-10T07:17:00Z", 1_575_962_220),
        ("2019-12-10 07:17:00+00:00", 1_575_962_220),
        ("1969-12-31T23:59:59.500000+00:00", -1),
    ],
)
def test_every_notation_of_a_time_is_parsed(text: str | int, second: int) -> None:
    """Seconds, ISO 8601 with an offset, days, and times relative to now and to today in UTC+8."""
    assert parse_time(text, NOW) == second


@pytest.mark.parametrize(
    "text",
    ["", "noon", "2019-12-32", "2019-1-2", "20191210", "2019-12-10T15:17:00", "now-2", "now-2w", "now*2h", "yesterday", "today at 10", "today 24:00", "today 7:00"]
    + ["12345678", "12345678901", "１５７５９６２２２０", True, None, 1.5],
)  # fmt: skip
def test_an_invalid_time_is_reported_with_the_valid_notations(text: object) -> None:
    """InvalidTime names the value; for a time without zone it suggests one."""
    with pytest.raises(InvalidTime, match="is not a time|has no time zone"):
        parse_time(text, NOW)  # type: ignore[arg-type]


@given(st.floats(-1e9, 1e11) | st.integers(0, 4_000_000_000).map(lambda ms: ms / 1_000 - 1e-7) | st.integers())
def test_a_time_in_milliseconds_is_that_of_the_standard_library(second: float) -> None:
    """Rounded like `datetime`, and empty outside the calendar."""
    try:
        expected = datetime.fromtimestamp(second, EAST).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):
        expected = ""
    assert show_time(second, "milliseconds") == expected
