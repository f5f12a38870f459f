"""Finds fixtures and markers of other plugins and conftest files with the same names as those of this plugin."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import Any

import pytest

FIXTURES = ("mockserver", "mockserver_admin")
MARKER = "mockserver"
_OURS = "mockserver.testing.plugin"
_ADVICE = "rename one of them, or disable the mockserver plugin with -p no:mockserver"


def find_conflicts(item: pytest.Item, known: Container[str]) -> Iterator[str]:
    """Yield a line for each conflict that affects a test: a fixture that replaces another, or a second marker.

    `known` are the declarations of markers by this plugin and by the user's configuration file.
    """
    for name in FIXTURES:
        yield from _fixtures(item, name)
    if item.get_closest_marker(MARKER):
        for line in marker_lines(item.config):
            if line not in known:
                yield f"the marker {MARKER!r} is declared twice, also as {line!r}: {_ADVICE}"


def marker_lines(config: pytest.Config) -> list[str]:
    """Return the declarations of this plugin's marker so far."""
    lines = [str(line) for line in config.getini("markers")]
    return [line for line in lines if line.partition(":")[0].partition("(")[0].strip() == MARKER]


def _fixtures(item: pytest.Item, name: str) -> Iterator[str]:
    info = getattr(item, "_fixtureinfo", None)
    fixtures: Sequence[Any] = info.name2fixturedefs.get(name, ()) if info else ()
    # The last one is used. A fixture that requests its own name builds on the previous one.
    used = len(fixtures) - 1
    while used > 0 and name in fixtures[used].argnames:
        used -= 1
    if used < 0:
        return
    if not _is_ours(fixtures[used]):
        own = f", or request {name!r} in it to build on the plugin's"
        yield f"the fixture {name!r} of {_place(fixtures[used])} replaces the mockserver plugin's: {_ADVICE}{own}"
        return
    for fixture in fixtures[:used]:
        yield f"the mockserver plugin's fixture {name!r} replaces the one of {_place(fixture)}: {_ADVICE}"


def _is_ours(fixture: Any) -> bool:
    return getattr(fixture.func, "__module__", "") == _OURS


def _place(fixture: Any) -> str:
    """Return file and line of a fixture, or the name of its function."""
    code = getattr(fixture.func, "__code__", None)
    return repr(fixture.func) if code is None else f"{code.co_filename}:{code.co_firstlineno}"
