"""The pytest plugin: a server for the session, an app of its own for every test that asks for `mockserver`.

Importing it costs nothing until a test uses it. Under pytest-xdist each worker has a server of its own, and
reports are joined by the controller.
"""

from __future__ import annotations

import contextlib
import os
import pickle  # nosec B403: only what this run's own workers made is read
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from mockserver.errors import ControlError, MockServerError

if TYPE_CHECKING:
    from mockserver.client import Admin, MockApp
    from mockserver.stores.journal import Selection

_APPKEYS: pytest.StashKey[list[str]] = pytest.StashKey()
"""The apps of all tests."""
_ENTRIES: pytest.StashKey[Selection] = pytest.StashKey()
"""What the journals of the run's own servers kept."""
_FILE: pytest.StashKey[Path] = pytest.StashKey()
"""Where the report goes."""
_OUTCOME: pytest.StashKey[_Outcome] = pytest.StashKey()
_FORMS = {".json": "json", ".xml": "junit", ".html": "html"}
_ONLY_LOOKING = ("collectonly", "showfixtures", "show_fixtures_per_test", "setuponly", "setupplan")
"""Options of pytest under which no test runs."""


class _Outcome(NamedTuple):
    """What the run is told in the end."""

    lines: str
    fails: bool


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the plugin."""
    group = parser.getgroup("mockserver", "contract tests against the mock of YouMe's REST API")
    group.addoption("--mockserver-url", metavar="URL", help="use the mock server that runs there")
    group.addoption(
        "--mockserver-token",
        metavar="TOKEN",
        default=os.environ.get("MOCKSERVER_ADMIN_TOKEN"),
        help="its admin token, if it asks for one (or MOCKSERVER_ADMIN_TOKEN in the environment)",
    )
    group.addoption(
        "--mockserver-report",
        metavar="FILE",
        help="write what clients did: .json, .xml (JUnit), .html or text; a run without a request fails",
    )
    group.addoption(
        "--mockserver-fail-on-violations",
        action="store_true",
        help="fail the run when a request left the contract, and when none came",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker; UsageError when the report could not be written in the end."""
    config.addinivalue_line(
        "markers", "mockserver(scenario=NAME, readings={NAME: VALUE}): what the test's own app is answered by"
    )
    given = config.getoption("--mockserver-report")
    if given and not hasattr(config, "workerinput"):
        file = config.invocation_params.dir / given
        if not file.parent.is_dir():
            raise pytest.UsageError(f"--mockserver-report: there is no folder {file.parent}")
        if file.is_dir():
            raise pytest.UsageError(f"--mockserver-report: {file} is a folder")
        config.stash[_FILE] = file


@pytest.fixture(scope="session")
def mockserver_admin(request: pytest.FixtureRequest) -> Iterator[Admin]:
    """The admin API of the session's server, or of the one at `--mockserver-url`."""
    config = request.config
    if config.getoption("--mockserver-url"):
        with _readable("--mockserver-url"):
            admin = _remote(config)
            admin.get("health")
        yield admin
        return
    from mockserver.client import Admin
    from mockserver.mock import MockServer

    with MockServer() as server:
        try:
            yield Admin(server.url)
        finally:
            config.stash[_ENTRIES] = server.engine.journal.select()


@pytest.fixture
def mockserver(request: pytest.FixtureRequest, mockserver_admin: Admin) -> Iterator[MockApp]:
    """A fresh app on the mock server, with scenario, faults, clock and journal of its own."""
    from mockserver.client import MockApp

    chosen = [_marked(marker) for marker in request.node.iter_markers("mockserver")]
    with _readable("mockserver"):
        app = MockApp.fresh(mockserver_admin)
    request.config.stash.setdefault(_APPKEYS, []).append(app.appkey)
    try:
        with _readable("@pytest.mark.mockserver"):
            # The function's own marker comes first and has the last word.
            for scenario, readings in reversed(chosen):
                if scenario is not None:
                    app.use(scenario)
                if readings:
                    app.read(**readings)
        yield app
    finally:
        # A test may have removed its app itself.
        with _readable("mockserver"), contextlib.suppress(ControlError):
            app.remove()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands what it saw to the controller; elsewhere the report is made, and may fail the run.

    Last of all: the fixtures of a run that was broken off are finished in this hook, too.
    """
    config = session.config
    output = getattr(config, "workeroutput", None)
    if output is not None:
        output["mockserver_appkeys"] = config.stash.get(_APPKEYS, [])
        if _ENTRIES in config.stash:
            output["mockserver_entries"] = pickle.dumps(config.stash[_ENTRIES])
        return
    if any(config.getoption(name, False) for name in _ONLY_LOOKING):
        return
    if _APPKEYS in config.stash or _ENTRIES in config.stash or _judged(config):
        config.stash[_OUTCOME] = outcome = _outcome(config)
        if outcome.fails:
            session.exitstatus = max(int(session.exitstatus), pytest.ExitCode.TESTS_FAILED)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Join what a worker of pytest-xdist saw to what the others did."""
    output = getattr(node, "workeroutput", {})
    stash = node.config.stash
    if output.get("mockserver_appkeys"):
        stash.setdefault(_APPKEYS, []).extend(output["mockserver_appkeys"])
    if "mockserver_entries" in output:
        found = pickle.loads(output["mockserver_entries"])  # nosec B301: made by our own worker
        before = stash.get(_ENTRIES, None)
        stash[_ENTRIES] = (
            found
            if before is None
            else type(found)(before.entries + found.entries, before.evicted + found.evicted)
        )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What clients did, in a section of its own; only when something asked for it."""
    outcome = config.stash.get(_OUTCOME, None)
    if outcome is not None:
        terminalreporter.section("mockserver")
        terminalreporter.write(outcome.lines)


def _strict(config: pytest.Config) -> bool:
    return bool(config.getoption("--mockserver-fail-on-violations"))


def _judged(config: pytest.Config) -> bool:
    """Whether a run without any request is a failure."""
    return _strict(config) or _FILE in config.stash


def _remote(config: pytest.Config) -> Admin:
    from mockserver.client import Admin

    return Admin(config.getoption("--mockserver-url"), config.getoption("--mockserver-token"))


@contextlib.contextmanager
def _readable(what: str) -> Iterator[None]:
    """A mistake in the set-up of a test is told in a line, without the plugin's own frames."""
    try:
        yield
    except MockServerError as error:
        raise pytest.fail.Exception(f"{what}: {error}", pytrace=False) from None


def _marked(marker: pytest.Mark) -> tuple[str | None, Mapping[str, Any] | None]:
    """Scenario and readings of a marker; any other word fails the test, since nobody would obey it."""
    known = {"scenario": None, "readings": None}
    wrong = [repr(one) for one in marker.args] + [name for name in marker.kwargs if name not in known]
    scenario, readings = {**known, **marker.kwargs}["scenario"], marker.kwargs.get("readings")
    if not isinstance(scenario, (str, type(None))):
        wrong.append(f"scenario={scenario!r}")
    if not isinstance(readings, (Mapping, type(None))):
        wrong.append(f"readings={readings!r}")
    if wrong:
        words = ", ".join(wrong)
        pytest.fail(
            f"@pytest.mark.mockserver takes scenario=NAME and readings={{NAME: VALUE}}, not {words}",
            pytrace=False,
        )
    return scenario, readings


def _outcome(config: pytest.Config) -> _Outcome:
    """The report in the terminal and in its file, and whether the run is to fail."""
    try:
        told = _rendered(config, "text")
        if not told["requests"] and not _judged(config):
            return _Outcome("no request came\n", False)
        fails = bool(told["complaints"])
        file = config.stash.get(_FILE, None)
        if file is None:
            return _Outcome(told["rendered"], fails)
        form = _FORMS.get(file.suffix.lower(), "text")
        written = told if form == "text" else _rendered(config, form)
        file.write_text(written["rendered"], encoding="utf-8")
        shown = config.getoption("--mockserver-report")
        return _Outcome(f"{told['rendered']}report written to {shown}\n", fails)
    except (MockServerError, OSError) as error:
        return _Outcome(f"there is no report: {error}\n", _judged(config))


def _rendered(config: pytest.Config, form: str) -> dict[str, Any]:
    """A report in one form, by the server that has the journal."""
    strict = _strict(config)
    if config.getoption("--mockserver-url"):
        appkeys = config.stash.get(_APPKEYS, [])
        wanted = {"form": form, "fail_on_violations": strict, "appkeys": appkeys}
        return _remote(config).send("POST", "report", wanted)
    from mockserver.observing import render_entries

    found = config.stash.get(_ENTRIES, None)
    entries, evicted = ([], 0) if found is None else found
    return render_entries(entries, evicted, form, fail_on_violations=strict)
