"""The machine's time is read past everything that tests do to the module `time`."""

from __future__ import annotations

import ast
import time
from pathlib import Path
from unittest import mock

import pytest
from freezegun import freeze_time

import mockserver
from mockserver.core.clock import Clock
from mockserver.core.machine_time import machine_time, machine_time_ns, monotonic, replaced_time

FROZEN = 1326511294.0
"""2012-01-14 03:21:34 UTC."""


@freeze_time("2012-01-14 03:21:34")
def test_frozen_time_does_not_reach_the_servers_clocks() -> None:
    """The wall clock, the one for waiting, and the clock of the apps."""
    assert time.time() == FROZEN
    assert machine_time() > FROZEN + 1e8
    assert machine_time_ns() > (FROZEN + 1e8) * 1e9
    assert Clock().now() > FROZEN + 1e8
    before = monotonic()
    assert any(monotonic() > before for _ in range(1_000_000))


def test_a_replaced_time_is_noticed() -> None:
    """By any library; a replacement that is not a clock is reported without a name."""
    assert replaced_time() is None
    with freeze_time("2012-01-14 03:21:34"):
        assert replaced_time() == FROZEN
    with freeze_time("2012-01-14 03:21:34", tick=True):
        assert replaced_time() == pytest.approx(FROZEN, abs=60)
    with mock.patch("time.time", return_value=5):
        assert replaced_time() == 5
    for broken in ({"side_effect": StopIteration}, {"return_value": "now"}):
        with mock.patch("time.time", **broken):
            assert replaced_time() is None


def test_the_package_reads_no_clock_that_a_test_can_replace() -> None:
    """`time.sleep` stays the process's own: gevent makes it cooperative."""
    read = [
        f"{path.name}: time.{node.attr}"
        for path in Path(mockserver.__file__).parent.rglob("*.py")
        if path.name != "machine_time.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "time"
    ]
    assert {each.partition(": ")[2] for each in read} == {"time.sleep"}, read
    imported = [
        path.name
        for path in Path(mockserver.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "time"
    ]
    assert imported == []
