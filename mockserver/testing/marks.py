"""What `@pytest.mark.mockserver(…)` says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pytest


class Marked(NamedTuple):
    """What a marker says."""

    scenario: str | None = None
    readings: Mapping[str, Any] | None = None
    expect_violations: Sequence[str] = ()


def read_marker(marker: pytest.Mark) -> Marked:
    """What a marker says; any other word fails the test, since nobody would obey it."""
    kinds: dict[str, Any] = {"scenario": str, "readings": Mapping, "expect_violations": (list, tuple)}
    wrong = [repr(one) for one in marker.args]
    for name, value in marker.kwargs.items():
        if name not in kinds:
            wrong.append(name)
        elif value is not None and not isinstance(value, kinds[name]):
            wrong.append(f"{name}={value!r}")
    if wrong:
        words = ", ".join(wrong)
        pytest.fail(
            "@pytest.mark.mockserver takes scenario=NAME, readings={NAME: VALUE} and expect_violations=[NAME],"
            f" not {words}",
            pytrace=False,
        )
    return Marked(**{name: value for name, value in marker.kwargs.items() if value is not None})
