"""What is wrong with a curtime: its form, its unit, or how far it is off."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wrong_curtimes import CURTIMES, NOW

from mockserver.validation.curtime import diagnose_curtime, hashed_variants, whole_second


@pytest.mark.parametrize(("text", "names"), CURTIMES, ids=[repr(text)[:30] for text, _ in CURTIMES])
def test_each_wrong_curtime_is_named(text: str, names: tuple[str, ...]):
    """Unit, form, time zone and clock are told apart, and told together when both are wrong."""
    said = diagnose_curtime(text, NOW)
    assert said is not None
    assert said.names == names
    assert "{" not in said.text.en + said.text.zh


@pytest.mark.parametrize("off", [-300, -1, 0, 1, 300])
def test_a_fresh_curtime_has_no_diagnosis(off: int):
    """Ten digits within five minutes of now, edges included (§1.1.2)."""
    assert diagnose_curtime(str(int(NOW) + off), NOW) is None


@pytest.mark.parametrize(("off", "name"), [(-301, "clock_behind"), (301, "clock_ahead")])
def test_a_wrong_clock_is_told_with_its_direction_and_seconds(off: int, name: str):
    """Just over five minutes: so many seconds ahead or behind."""
    said = diagnose_curtime(str(int(NOW) + off), NOW)
    assert said is not None
    assert said.name == name
    assert "301 s" in said.text.en
    assert "301 秒" in said.text.zh


def test_another_freshness_moves_the_edge():
    """The reading `freshness_seconds` decides what is fresh."""
    assert diagnose_curtime(str(int(NOW) - 11), NOW, freshness=10) is not None
    assert diagnose_curtime(str(int(NOW) - 900), NOW, freshness=1_000) is None


def test_hours_of_a_time_zone_are_told():
    """India is five and a half hours ahead."""
    said = diagnose_curtime("1575988112", NOW)
    assert said is not None
    assert said.text.en.startswith("+5.5 h off")


@given(st.integers(10**9, 10**10 - 1), st.floats(0, 1e10))
def test_any_ten_digits_are_fresh_or_off(second: int, now: float):
    """A number of ten digits is never called anything but fresh or off."""
    said = diagnose_curtime(str(second), now)
    off = {
        "curtime_eight_hours_ahead",
        "curtime_eight_hours_behind",
        "curtime_time_zone",
        "clock_ahead",
        "clock_behind",
    }
    if abs(second - now // 1) <= 300:
        assert said is None
    else:
        assert said is not None
        assert set(said.names) <= off


@given(st.text(max_size=130) | st.from_regex(r"[0-9 .,eE+'xX_-]{0,40}"), st.floats(0, 1e10))
def test_hostile_text_gets_a_diagnosis(text: str, now: float):
    """Any text: a diagnosis or none, at most a handful of variants, never an exception."""
    said = diagnose_curtime(text, now)
    assert said is None or said.names
    variants = list(hashed_variants(text, now))
    assert len(variants) <= 20
    assert bool(variants) == (whole_second(text) is not None)
