"""What the corpus is run against, and the tally that is printed at the end: how many of each family, and what came back."""

from __future__ import annotations

import logging
import shutil
from collections import Counter
from pathlib import Path

import pytest
from helpers.sending import NOW

from mockserver.factory import make_engine
from mockserver.mock import MockServer

TALLY: dict[str, Counter[str]] = {}


@pytest.fixture(scope="session")
def tally():
    """The place to note what came back: `tally(family, answer)`."""

    def note(family: str, answer: str) -> None:
        TALLY.setdefault(family, Counter())[answer.split(" at ")[0]] += 1

    return note


def pytest_terminal_summary(terminalreporter) -> None:
    """Counts, not adjectives."""
    if TALLY:
        terminalreporter.section("bad input: family, tried, what came back")
    for family, answers in TALLY.items():
        words = ", ".join(f"{count} {answer}" for answer, count in answers.most_common(8))
        more = ", …" if len(answers) > 8 else ""
        terminalreporter.write_line(f"{family:>11} {sum(answers.values()):6,}: {words}{more}")


@pytest.fixture(scope="session")
def mock():
    """One server with the document scenario, standing still, for every case that comes over a socket."""
    with MockServer("document", now=str(NOW)) as running:
        yield running


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """A user's folder with credentials of its own."""
    folder = tmp_path_factory.mktemp("mine")
    shutil.copy(Path(__file__).parents[2] / "fixtures/apps.yaml", folder)
    return folder


@pytest.fixture(scope="session")
def engine(folder):
    """An engine that reads the folder anew whenever it is told to."""
    return make_engine(scenario="document", fixtures=str(folder), now=str(NOW))


@pytest.fixture(autouse=True)
def no_errors(caplog):
    """No input makes the server log an error, let alone a traceback."""
    caplog.set_level(logging.WARNING, "mockserver")
    yield
    assert [one.getMessage() for one in caplog.get_records("call") if one.levelno >= logging.ERROR] == []
