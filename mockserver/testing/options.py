"""The plugin's options, marker and fixtures: declared, checked, and combined with `pytest.ini` and the environment."""

from __future__ import annotations

import os
from argparse import ArgumentTypeError
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mockserver.core.text import Lang

REPORTS: pytest.StashKey[dict[Path, tuple[str, str]]] = pytest.StashKey()
"""The format and the given name of each report file."""
FIXTURES = ("mockserver", "mockserver_admin")
MARKER = "mockserver"
_OURS = "mockserver.testing.plugin"
_ADVICE = "rename one of them, or disable the mockserver plugin with -p no:mockserver"
FORMATS = {".json": "json", ".xml": "junit", ".html": "html", ".md": "markdown", ".txt": "text"}
_FROM_ENVIRONMENT = (
    "fixtures", "scenario", "seed", "now", "reading", "strictness", "signing", "fault", "lang", "answer_headers",
    "journal_size",
)  # fmt: skip
"""Settings that the session's server takes from the environment; address and access are set by the plugin itself."""


def add_options(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("mockserver", "contract tests against the mock of YouMe's REST API")
    group.addoption("--mockserver-url", metavar="URL", help="use the mock server running at this URL")
    group.addoption(
        "--mockserver-token",
        metavar="TOKEN",
        default=os.environ.get("MOCKSERVER_ADMIN_TOKEN"),
        help="admin token of that server (or MOCKSERVER_ADMIN_TOKEN in the environment)",
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
        help="folder with your own apps.yaml, errors.yaml, scenarios/ and schemas/, each taking precedence over the"
        " shipped one (or MOCKSERVER_FIXTURES in the environment, or mockserver_fixtures in pytest.ini)",
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
        help="write a report on the clients' requests: .json, .xml (JUnit), .html, .md or .txt; may be given several"
        " times; fails the run if no request was received",
    )
    group.addoption(
        "--mockserver-fail-on-violations",
        action="store_true",
        help="fail the run if a request violated the contract, if the client handled an error wrongly (a mistake in the"
        " report's error handling), if the journal lost requests, or if no request was received",
    )
    group.addoption(
        "--mockserver-min-coverage",
        metavar="PERCENT",
        type=_percent,
        help="fail the run if less of the contract is covered, or if no request was received",
    )
    parser.addini("mockserver_fixtures", "as --mockserver-fixtures; relative to the folder of this file")
    parser.addini("mockserver_lang", "as --mockserver-lang")


def check_options(config: pytest.Config) -> None:
    """Raise UsageError for options that contradict each other and for report files that cannot be written."""
    if config.getoption("--mockserver-url") and config.getoption("--mockserver-fixtures"):
        raise pytest.UsageError(
            "--mockserver-fixtures cannot be used with --mockserver-url: that server has its own files"
        )
    config.stash[REPORTS] = reports = {}
    for given in config.getoption("--mockserver-report"):
        file = config.invocation_params.dir / given
        if not file.parent.is_dir():
            raise pytest.UsageError(f"--mockserver-report: there is no folder {file.parent}")
        if file.is_dir():
            raise pytest.UsageError(f"--mockserver-report: {file} is a folder")
        if (form := FORMATS.get(file.suffix.lower())) is None:
            suffixes = ", ".join(FORMATS)
            raise pytest.UsageError(f"--mockserver-report: {given} must end in one of {suffixes}")
        reports[file] = form, given


def server_settings(config: pytest.Config) -> dict[str, Any]:
    """Return the settings of the session's server: options, then the environment, then `pytest.ini`."""
    from mockserver.core.settings import from_environment

    environment = from_environment()
    settings: dict[str, Any] = {name: environment[name] for name in _FROM_ENVIRONMENT if name in environment}
    if folder := config.getoption("--mockserver-fixtures") or settings.get("fixtures"):
        # Not relative to the current folder: a test may have changed it.
        settings["fixtures"] = str(config.invocation_params.dir / folder)
    elif folder := config.getini("mockserver_fixtures"):
        settings["fixtures"] = str((config.inipath or config.rootpath / "pytest.ini").parent / folder)
    lang = config.getoption("--mockserver-lang") or settings.get("lang") or config.getini("mockserver_lang")
    return {**settings, "lang": lang} if lang else settings


def language(config: pytest.Config) -> Lang:
    """Return the language of the plugin's messages."""
    return "zh" if server_settings(config).get("lang") == "zh" else "en"


def fail_criteria(config: pytest.Config) -> dict[str, Any]:
    """Return what fails the run, as `POST report` takes it."""
    percent = config.getoption("--mockserver-min-coverage")
    return {
        "fail_on_violations": config.getoption("--mockserver-fail-on-violations"),
        "option": "--mockserver-fail-on-violations",
        **({} if percent is None else {"min_coverage": percent}),
    }


def requires_requests(config: pytest.Config) -> bool:
    """Whether a run without any request fails."""
    criteria = fail_criteria(config)
    return criteria["fail_on_violations"] or "min_coverage" in criteria or bool(config.stash.get(REPORTS, None))


def is_quiet(config: pytest.Config) -> bool:
    """Whether pytest was started with `-qq`."""
    return config.get_verbosity() < -1


class Marker(NamedTuple):
    """The arguments of `@pytest.mark.mockserver(…)`."""

    scenario: str | None = None
    readings: Mapping[str, Any] | None = None
    expect_violations: Sequence[str] = ()


def parse_marker(marker: pytest.Mark) -> Marker:
    """Return the marker's arguments; fail the test for any other argument."""
    types: dict[str, Any] = {"scenario": str, "readings": Mapping, "expect_violations": (list, tuple)}
    wrong = [repr(value) for value in marker.args]
    for name, value in marker.kwargs.items():
        if name not in types:
            wrong.append(name)
        elif value is not None and not isinstance(value, types[name]):
            wrong.append(f"{name}={value!r}")
    if wrong:
        pytest.fail(
            "@pytest.mark.mockserver takes scenario=NAME, readings={NAME: VALUE} and expect_violations=[NAME],"
            f" not {', '.join(wrong)}",
            pytrace=False,
        )
    return Marker(**{name: value for name, value in marker.kwargs.items() if value is not None})


def _percent(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 100:
        raise ArgumentTypeError(f"{text!r} is not a number from 0 to 100")
    return number


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
    if getattr(fixtures[used].func, "__module__", "") != _OURS:
        own = f", or request {name!r} in it to build on the plugin's"
        yield f"the fixture {name!r} of {_place(fixtures[used])} replaces the mockserver plugin's: {_ADVICE}{own}"
        return
    for fixture in fixtures[:used]:
        yield f"the mockserver plugin's fixture {name!r} replaces the one of {_place(fixture)}: {_ADVICE}"


def _place(fixture: Any) -> str:
    """Return file and line of a fixture, or the name of its function."""
    code = getattr(fixture.func, "__code__", None)
    return repr(fixture.func) if code is None else f"{code.co_filename}:{code.co_firstlineno}"
