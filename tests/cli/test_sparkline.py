"""The charts of a day above its table: on a terminal with block characters only."""

from __future__ import annotations

import pytest
from helpers.shell import run_in_terminal

from mockserver.cli.output import chart_lines, sparkline

MIDNIGHT = 1_575_907_200  # 2019-12-10 in UTC+8.


def ticks(value: object, number: int = 9) -> list[object]:
    """Return rows with the same value."""
    return [{"TickTime": str(second), "Volume": value} for second in range(number)]


def test_values_become_blocks_between_their_extremes() -> None:
    """Means of equal parts; a gap where nothing is known; a constant is a low line."""
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8) == "▁▂▃▄▅▆▇█"
    assert sparkline([0, 2, 10, 12, 5, 7], 3) == "▁█▅"
    assert sparkline([1, None, 1, 8], 4) == "▁ ▁█"
    assert sparkline([None, None], 2) == "  "
    assert sparkline([-3, 4], 2) == "▁█"


def test_a_chart_has_a_line_for_each_value_and_an_axis() -> None:
    """With its range, aligned; within the columns of the terminal."""
    rows = [
        {"TickTime": str(MIDNIGHT + 60 * minute), "Volume": minute, "Rate": 99.5 - (minute == 30)}
        for minute in range(60)
    ]
    assert list(chart_lines(rows, 52)) == [
        f"Volume  {sparkline(list(range(60)), 33)}  0…59",
        f"Rate    {'█' * 17}▁{'█' * 15}  98.5…99.5",
        f"        00:00{'00:59':>28}",
    ]
    assert max(map(len, chart_lines(rows, 400))) == 60 + len("Volume") + len("98.5…99.5") + 4
    assert list(chart_lines(rows, 30)) == []


def test_several_rows_of_a_tick_are_numbered() -> None:
    """As in the answer to CountBy 0."""
    rows = [{"TickTime": str(MIDNIGHT + 60 * (row // 2)), "Volume": row % 2 * row} for row in range(40)]
    assert [line.split("  ")[0] for line in chart_lines(rows, 80)][:2] == ["Volume 1", "Volume 2"]
    assert list(chart_lines(rows, 80))[0] == f"Volume 1  {'▁' * 20}  0…0"


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [None, 1, "x"] * 9,
        [{"Volume": 1}] * 9,
        ticks("1"),
        [{"TickTime": "-1", "Volume": 1}] * 9,
        [{"TickTime": "9" * 99, "Volume": 1}] * 9,
        ticks(True),
        ticks(10**400),
        ticks(float("nan")),
        ticks(1, 7),
    ],
)
def test_other_rows_have_no_chart(rows: list[object]) -> None:
    """A fault may have changed an answer; few rows need no chart."""
    assert list(chart_lines(rows, 100)) == []


def test_a_terminal_shows_the_chart_above_the_table() -> None:
    """Not one whose encoding lacks the blocks; other operations have none."""
    words = ("sample", "3.3", "--scenario", "default", "--now", "1576000000")
    lines = run_in_terminal(*words, PYTHONUTF8="1").splitlines()
    names = ["JoinRoomSuccRate", "AudioPackLossRate", "VideoPackLossRate", "AudioDelayRate", "VideoDelayRate"]
    assert lines[0] == "OK 0"
    assert [line.split()[0] for line in lines[1:6]] == names
    assert all("█" in line and "…" in line for line in lines[2:6])
    assert lines[6].split() == ["00:00", "23:59"]
    assert lines[7].startswith("QosData (1440)")
    plain = run_in_terminal(*words, PYTHONIOENCODING="ascii").splitlines()
    assert plain == [lines[0], *lines[7:]]
