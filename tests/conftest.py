"""Makes `helpers` importable from every folder of tests; prints what the long lists of inputs came to."""

from __future__ import annotations

from collections import Counter

import pytest

TALLY: dict[str, Counter[str]] = {}
"""What was tried, by family, and what came back how often."""
MEASURED: list[str] = []
"""What long tests found, a line each."""


@pytest.fixture(scope="session")
def tally():
    """The place to note what came back: `tally(family, answer)`."""

    def note(family: str, answer: str, count: int = 1) -> None:
        TALLY.setdefault(family, Counter())[answer.split(" at ")[0]] += count

    return note


@pytest.fixture
def measured():
    """The place for what a test found: `measured("10 servers, nothing left")`."""
    return MEASURED.append


def pytest_sessionfinish(session) -> None:
    """A worker hands its tally to the process that prints."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["tally"] = {family: dict(told) for family, told in TALLY.items()}
        session.config.workeroutput["measured"] = MEASURED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node) -> None:
    """What a worker hands over."""
    output = getattr(node, "workeroutput", {})
    MEASURED.extend(output.get("measured", ()))
    for family, told in output.get("tally", {}).items():
        TALLY.setdefault(family, Counter()).update(told)


def pytest_terminal_summary(terminalreporter) -> None:
    """Counts, not adjectives."""
    if TALLY or MEASURED:
        terminalreporter.section("what was tried, and what came back")
    for family, answers in sorted(TALLY.items()):
        words = ", ".join(f"{count:,} {answer}" for answer, count in answers.most_common(8))
        more = ", …" if len(answers) > 8 else ""
        terminalreporter.write_line(f"{family:>14} {sum(answers.values()):7,}: {words}{more}")
    for line in sorted(MEASURED):
        terminalreporter.write_line(f"  {line}")
