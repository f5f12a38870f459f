"""Makes `helpers` importable from every test folder, and prints a summary of the inputs that were tried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

# On a busy machine any example may take long.
settings.register_profile("any-speed", settings(), deadline=None)
settings.load_profile("any-speed")

TALLY: dict[str, Counter[str]] = {}
"""How often each answer was received, by family of inputs."""
MEASURED: list[str] = []
"""Measurements of long tests, one line each."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A Chromium browser for all tests that need one; required in CI."""
    from helpers.browser import chromium

    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def tally():
    """Record an answer for the summary: `tally(family, answer)`."""

    def record(family: str, answer: str, count: int = 1) -> None:
        TALLY.setdefault(family, Counter())[answer.split(" at ")[0]] += count

    return record


@pytest.fixture
def measured():
    """Record a measurement for the summary: `measured("10 servers, 0 leaks")`."""
    return MEASURED.append


@pytest.hookimpl(optionalhook=True, wrapper=True)
def pytest_xdist_auto_num_workers():
    """Three workers for two cores, because tests wait a third of their time: for servers, browsers and time limits."""
    return (yield) * 3 // 2


def pytest_sessionfinish(session) -> None:
    """Pass a worker's tally to the controller, which prints it."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["tally"] = {family: dict(answers) for family, answers in TALLY.items()}
        session.config.workeroutput["measured"] = MEASURED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node) -> None:
    """Add the tally of a worker."""
    output = getattr(node, "workeroutput", {})
    MEASURED.extend(output.get("measured", ()))
    for family, answers in output.get("tally", {}).items():
        TALLY.setdefault(family, Counter()).update(answers)


def pytest_terminal_summary(terminalreporter) -> None:
    """Print what was tried and what was measured."""
    if TALLY or MEASURED:
        terminalreporter.section("inputs tried and answers received")
    for family, answers in sorted(TALLY.items()):
        shown = ", ".join(f"{count:,} {answer}" for answer, count in answers.most_common(8))
        more = ", …" if len(answers) > 8 else ""
        terminalreporter.write_line(f"{family:>14} {sum(answers.values()):7,}: {shown}{more}")
    for line in sorted(MEASURED):
        terminalreporter.write_line(f"  {line}")
