"""The pytest plugin: a server for the session, an app of its own for every test that asks for `mockserver`.

Importing it costs nothing until a test uses it. Under pytest-xdist each worker has a server of its own, and
reports are joined by the controller.
"""

from __future__ import annotations

import contextlib
import os
import pickle  # nosec B403: only what this run's own workers made is read
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from mockserver.errors import ControlError, MockServerError

if TYPE_CHECKING:
    from mockserver.client import Admin, MockApp
    from mockserver.stores.journal import Selection

_APP: pytest.StashKey[MockApp] = pytest.StashKey()
"""The app of one test."""
_TESTS: pytest.StashKey[dict[str, dict[str, Any]]] = pytest.StashKey()
"""Of the app of each test, by its appkey: the test's name and the violations it expects."""
_BEFORE: pytest.StashKey[str] = pytest.StashKey()
"""The newest request without an app that a server which runs already had seen when the run began to use it."""
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
        "markers",
        "mockserver(scenario=NAME, readings={NAME: VALUE}, expect_violations=[NAME]):"
        " what the test's own app is answered by, and what its client is to do wrong",
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
            newest = admin.get("requests", appkey="", limit=1)["requests"]
        config.stash[_BEFORE] = newest[-1]["id"] if newest else ""
        yield admin
        return
    from mockserver.mock import MockServer

    with MockServer() as server:
        try:
            yield server.admin
        finally:
            config.stash[_ENTRIES] = server.engine.journal.select()


@pytest.fixture
def mockserver(request: pytest.FixtureRequest, mockserver_admin: Admin) -> Iterator[MockApp]:
    """A fresh app on the mock server, with scenario, faults, clock and journal of its own."""
    from mockserver.client import MockApp

    chosen = [_marked(marker) for marker in request.node.iter_markers("mockserver")]
    with _readable("mockserver"):
        app = MockApp.fresh(mockserver_admin)
    tests = request.config.stash.setdefault(_TESTS, {})
    tests[app.appkey] = {"test": request.node.nodeid, "expects": []}
    request.node.stash[_APP] = app
    try:
        with _readable("@pytest.mark.mockserver"):
            # The function's own marker comes first and has the last word.
            for one in reversed(chosen):
                if one.scenario is not None:
                    app.use(one.scenario)
                if one.readings:
                    app.read(**one.readings)
                app.expect_violation(*one.expect_violations)
        yield app
    finally:
        tests[app.appkey]["expects"] = list(app.expected_violations)
        # A test may have removed its app itself.
        with _readable("mockserver"), contextlib.suppress(ControlError):
            app.remove()


@pytest.hookimpl(trylast=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """A test that went well fails all the same when a violation that it expects did not come."""
    app = item.stash.get(_APP, None)
    if app is not None:
        try:
            with _readable("mockserver"):
                app.assert_expected_violations()
        except AssertionError as error:
            pytest.fail(f"mockserver: {error}", pytrace=False)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands what it saw to the controller; elsewhere the report is made, and may fail the run.

    Last of all: the fixtures of a run that was broken off are finished in this hook, too.
    """
    config = session.config
    output = getattr(config, "workeroutput", None)
    if output is not None:
        output["mockserver_tests"] = config.stash.get(_TESTS, {})
        output["mockserver_before"] = config.stash.get(_BEFORE, None)
        if _ENTRIES in config.stash:
            output["mockserver_entries"] = pickle.dumps(_of_worker(config))
        return
    if any(config.getoption(name, False) for name in _ONLY_LOOKING):
        return
    if _TESTS in config.stash or _ENTRIES in config.stash or _judged(config):
        config.stash[_OUTCOME] = outcome = _outcome(config)
        if outcome.fails:
            session.exitstatus = max(int(session.exitstatus), pytest.ExitCode.TESTS_FAILED)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Join what a worker of pytest-xdist saw to what the others did."""
    output = getattr(node, "workeroutput", {})
    stash = node.config.stash
    if output.get("mockserver_tests"):
        stash.setdefault(_TESTS, {}).update(output["mockserver_tests"])
    if (before := output.get("mockserver_before")) is not None:
        stash[_BEFORE] = min(before, stash.get(_BEFORE, before), key=lambda one: (len(one), one))
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


def _of_worker(config: pytest.Config) -> Selection:
    """What this worker's own server kept; each worker's counts its requests from one, so the ids get its name."""
    worker = os.environ["PYTEST_XDIST_WORKER"]
    found = config.stash[_ENTRIES]
    return found._replace(entries=[replace(one, id=f"{worker}-{one.id}") for one in found.entries])


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


class _Marked(NamedTuple):
    """What a marker says."""

    scenario: str | None = None
    readings: Mapping[str, Any] | None = None
    expect_violations: Sequence[str] = ()


def _marked(marker: pytest.Mark) -> _Marked:
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
    return _Marked(**{name: value for name, value in marker.kwargs.items() if value is not None})


def _outcome(config: pytest.Config) -> _Outcome:
    """The report in the terminal and in its file, and whether the run is to fail."""
    try:
        told = _rendered(config, "text")
        if not told["requests"] and not _judged(config):
            return _Outcome("no request came\n", False)
        fails, lines = bool(told["complaints"]), told["rendered"] + _strangers(config, told["unnamed"])
        file = config.stash.get(_FILE, None)
        if file is None:
            return _Outcome(lines, fails)
        form = _FORMS.get(file.suffix.lower(), "text")
        written = told if form == "text" else _rendered(config, form)
        file.write_text(written["rendered"], encoding="utf-8")
        shown = config.getoption("--mockserver-report")
        return _Outcome(f"{lines}report written to {shown}\n", fails)
    except (MockServerError, OSError) as error:
        return _Outcome(f"there is no report: {error}\n", _judged(config))


def _strangers(config: pytest.Config, count: int) -> str:
    """A word on requests without an app at a server that others may use, too; empty for a server of the run's own."""
    if not count or not config.getoption("--mockserver-url"):
        return ""
    return f"{count} requests named no registered app since the run began; the report has them, whoever sent them\n"


def _rendered(config: pytest.Config, form: str) -> dict[str, Any]:
    """A report in one form, by the server that has the journal."""
    strict, tests = _strict(config), config.stash.get(_TESTS, {})
    if config.getoption("--mockserver-url"):
        wanted = {"form": form, "fail_on_violations": strict, "appkeys": list(tests), "tests": tests}
        if _BEFORE in config.stash:
            # Requests that name no registered app are under the empty appkey.
            wanted |= {"appkeys": [*tests, ""], "after": config.stash[_BEFORE]}
        return _remote(config).send("POST", "report", wanted)
    from mockserver.observing import render_entries

    found = config.stash.get(_ENTRIES, None)
    entries, evicted = ([], 0) if found is None else found
    return render_entries(entries, evicted, form, fail_on_violations=strict, tests=tests)
