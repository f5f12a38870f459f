"""Makes `helpers` importable from every folder of tests; prints what the long lists of inputs came to."""

from __future__ import annotations

from collections import Counter

import pytest

TALLY: dict[str, Counter[str]] = {}
"""What was tried, by family, and what came back how often."""


@pytest.fixture(scope="session")
def tally():
    """The place to note what came back: `tally(family, answer)`."""

    def note(family: str, answer: str, count: int = 1) -> None:
        TALLY.setdefault(family, Counter())[answer.split(" at ")[0]] += count

    return note


def pytest_sessionfinish(session) -> None:
    """A worker hands its tally to the process that prints."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["tally"] = {family: dict(told) for family, told in TALLY.items()}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node) -> None:
    """The tally of a worker."""
    for family, told in getattr(node, "workeroutput", {}).get("tally", {}).items():
        TALLY.setdefault(family, Counter()).update(told)


def pytest_terminal_summary(terminalreporter) -> None:
    """Counts, not adjectives."""
    if TALLY:
        terminalreporter.section("what was tried, and what came back")
    for family, answers in sorted(TALLY.items()):
        words = ", ".join(f"{count:,} {answer}" for answer, count in answers.most_common(8))
        more = ", …" if len(answers) > 8 else ""
        terminalreporter.write_line(f"{family:>14} {sum(answers.values()):7,}: {words}{more}")
