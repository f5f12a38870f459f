"""The options of the plugin, what they come to with `pytest.ini` and the environment, and what is wrong with them."""

from __future__ import annotations

import os
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

import pytest

from mockserver.core.text import Lang

REPORTS: pytest.StashKey[dict[Path, tuple[str, str]]] = pytest.StashKey()
"""Where reports go: of each file its form, and its name as it was given."""
FORMS = {".json": "json", ".xml": "junit", ".html": "html", ".txt": "text"}
_FORWARDED = (
    "fixtures", "scenario", "seed", "now", "reading", "strictness", "fault", "lang", "answer_headers", "journal_size",
)  # fmt: skip
"""Settings of the environment that the session's own server takes; where it listens and who may ask is the plugin's."""


def add_options(parser: pytest.Parser) -> None:
    """Declare them."""
    group = parser.getgroup("mockserver", "contract tests against the mock of YouMe's REST API")
    group.addoption("--mockserver-url", metavar="URL", help="use the mock server that runs there")
    group.addoption(
        "--mockserver-token",
        metavar="TOKEN",
        default=os.environ.get("MOCKSERVER_ADMIN_TOKEN"),
        help="its admin token, if it asks for one (or MOCKSERVER_ADMIN_TOKEN in the environment)",
    )
    group.addoption(
        "--mockserver-ca",
        metavar="FILE",
        default=os.environ.get("MOCKSERVER_CA"),
        help="certificates to trust over https (or MOCKSERVER_CA in the environment)",
    )
    group.addoption(
        "--mockserver-fixtures",
        metavar="DIR",
        help="folder with your own apps.yaml, errors.yaml, scenarios/ and schemas/, each before the shipped one"
        " (or MOCKSERVER_FIXTURES in the environment, or mockserver_fixtures in pytest.ini)",
    )
    group.addoption(
        "--mockserver-lang",
        choices=("en", "zh"),
        help="language of ErrorInfo and of the report (or MOCKSERVER_LANG, or mockserver_lang in pytest.ini)",
    )
    group.addoption(
        "--mockserver-report",
        metavar="FILE",
        action="append",
        default=[],
        help="write what clients did: .json, .xml (JUnit), .html or .txt; may be given several times;"
        " a run without a request fails",
    )
    group.addoption(
        "--mockserver-fail-on-violations",
        action="store_true",
        help="fail the run when a request left the contract, and when none came",
    )
    group.addoption(
        "--mockserver-min-coverage",
        metavar="PERCENT",
        type=_percent,
        help="fail the run below this percentage of the contract, and when no request came",
    )
    parser.addini("mockserver_fixtures", "as --mockserver-fixtures; from the folder of this file")
    parser.addini("mockserver_lang", "as --mockserver-lang")


def check_options(config: pytest.Config) -> None:
    """UsageError when the options contradict each other, or when a report could not be written in the end."""
    if config.getoption("--mockserver-url") and config.getoption("--mockserver-fixtures"):
        raise pytest.UsageError(
            "--mockserver-fixtures: the server at --mockserver-url has files of its own; give one of both"
        )
    config.stash[REPORTS] = reports = {}
    for given in config.getoption("--mockserver-report"):
        file = config.invocation_params.dir / given
        if not file.parent.is_dir():
            raise pytest.UsageError(f"--mockserver-report: there is no folder {file.parent}")
        if file.is_dir():
            raise pytest.UsageError(f"--mockserver-report: {file} is a folder")
        form = FORMS.get(file.suffix.lower())
        if form is None:
            raise pytest.UsageError(
                f"--mockserver-report: {given} ends in none of {', '.join(FORMS)}, which tell the form"
            )
        reports[file] = form, given


def settings_of(config: pytest.Config) -> dict[str, Any]:
    """The settings of the session's own server: options before the environment before `pytest.ini`."""
    from mockserver.core.settings import from_environment

    there = from_environment()
    chosen: dict[str, Any] = {name: there[name] for name in _FORWARDED if name in there}
    here = config.invocation_params.dir
    if folder := config.getoption("--mockserver-fixtures") or chosen.get("fixtures"):
        # A test may change the folder that the process is in.
        chosen["fixtures"] = str(here / folder)
    elif folder := config.getini("mockserver_fixtures"):
        chosen["fixtures"] = str((config.inipath or config.rootpath / "pytest.ini").parent / folder)
    if (
        lang := config.getoption("--mockserver-lang")
        or chosen.get("lang")
        or config.getini("mockserver_lang")
    ):
        chosen["lang"] = lang
    return chosen


def language(config: pytest.Config) -> Lang:
    """The language that the run is told in."""
    return "zh" if settings_of(config).get("lang") == "zh" else "en"


def _percent(word: str) -> float:
    try:
        number = float(word)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 100:
        raise ArgumentTypeError(f"{word!r} is no number from 0 to 100")
    return number
