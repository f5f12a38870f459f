"""The pytest plugin: one server per session, and a new app for each test that uses the fixture `mockserver`.

Nothing is loaded until a test uses the fixture. Under pytest-xdist each worker has its own server, and the controller
merges their records.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Container, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from mockserver.core.errors import AdminError, MockServerError
from mockserver.core.text import Lang
from mockserver.testing import options, summary

if TYPE_CHECKING:
    from mockserver.testing.admin_client import AdminClient
    from mockserver.testing.app import MockApp

pytest_addoption = options.add_options
_APP: pytest.StashKey[MockApp] = pytest.StashKey()  # The app of a test.
_MARKERS: pytest.StashKey[Container[str]] = pytest.StashKey()
"""The declarations of the plugin's marker by itself and in the configuration file."""
_OUTCOME: pytest.StashKey[summary.RunOutcome] = pytest.StashKey()
_NO_TEST_RUNS = ("collectonly", "showfixtures", "show_fixtures_per_test", "setuponly", "setupplan")
"""Options of pytest under which no test runs."""
_SKIPPED = pytest.skip.Exception
MAX_LINES = 20  # Lines of the section below a failure; the last ones are the advice.


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker and check the options. Runs first, so that earlier markers are those of the config file."""
    config.addinivalue_line(
        "markers",
        "mockserver(scenario=NAME, readings={NAME: VALUE}, expect_violations=[NAME]):"
        " configure the test's own app, and name the violations that the test expects",
    )
    config.stash[_MARKERS] = options.marker_lines(config)
    if not hasattr(config, "workerinput"):
        options.check_options(config)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Warn about conflicts of fixtures and markers that affect the test."""
    for conflict in options.find_conflicts(item, item.config.stash.get(_MARKERS, ())):
        try:
            warnings.warn(f"mockserver: {conflict}", pytest.PytestConfigWarning, stacklevel=1)
        except pytest.PytestConfigWarning as error:
            # With -W error.
            raise pytest.fail.Exception(str(error), pytrace=False) from None


@pytest.fixture(scope="session")
def mockserver_admin(request: pytest.FixtureRequest) -> Iterator[AdminClient]:
    """The admin API of the session's server, or of the one at `--mockserver-url`."""
    config = request.config
    if config.getoption("--mockserver-url"):
        with _fail_in_one_line("--mockserver-url", options.language(config)):
            admin = summary.remote_client(config)
            newest = admin.get("requests", appkey="", limit=1)["requests"]
        config.stash[summary.AFTER] = newest[-1]["id"] if newest else ""
        yield admin
        return
    from mockserver.testing.mock_server import MockServer

    with _fail_in_one_line("mockserver", options.language(config)):
        server = MockServer(**options.server_settings(config)).start()
    try:
        yield server.admin
    finally:
        config.stash[summary.ENTRIES] = summary.without_repeated(config, server.engine.journal.select())
        server.stop()


@pytest.fixture
def mockserver(request: pytest.FixtureRequest, mockserver_admin: AdminClient) -> Iterator[MockApp]:
    """A new app on the mock server, with its own scenario, faults, clock and journal."""
    from mockserver.testing.app import MockApp

    markers = [options.parse_marker(marker) for marker in request.node.iter_markers("mockserver")]
    lang = options.language(request.config)
    with _fail_in_one_line("mockserver", lang):
        app = MockApp.fresh(mockserver_admin)
    tests = request.config.stash.setdefault(summary.TESTS, {})
    if (before := request.node.stash.get(_APP, None)) is not None:
        summary.forget_attempt(request.config, before.appkey)
    tests[app.appkey] = {"test": request.node.nodeid, "expects": []}
    request.node.stash[_APP] = app
    try:
        with _fail_in_one_line("@pytest.mark.mockserver", lang):
            # pytest lists the closest marker first; it is applied last, so that it wins.
            for marker in reversed(markers):
                if marker.scenario is not None:
                    app.use(marker.scenario)
                if marker.readings:
                    app.set_readings(**marker.readings)
                app.expect_violation(*marker.expect_violations)
        yield app
    finally:
        tests[app.appkey]["expects"] = list(app.expected_violations)
        # A test may have removed its app itself.
        with _fail_in_one_line("mockserver", lang), contextlib.suppress(AdminError):
            app.remove()


@pytest.hookimpl(trylast=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Fail a test that passed if a violation that it expects did not occur."""
    app = item.stash.get(_APP, None)
    if app is not None:
        try:
            with _fail_in_one_line("mockserver", options.language(item.config)):
                app.assert_expected_violations()
        except AssertionError as error:
            raise pytest.fail.Exception(f"mockserver: {error}", pytrace=False) from None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Show the client's violations below a failure, except those that the failure's message contains."""
    app = item.stash.get(_APP, None)
    if app is None or call.when != "call" or call.excinfo is None or call.excinfo.errisinstance(_SKIPPED):
        return
    with contextlib.suppress(MockServerError, AssertionError):
        message = str(call.excinfo.value)
        if lines := [line for line in app.explain() if line.strip() not in message]:
            more = [f"  … and {len(lines) - MAX_LINES} more"] if len(lines) > MAX_LINES else []
            item.add_report_section("call", "mockserver", "\n".join([*lines[-MAX_LINES:], *more]) + "\n")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a worker, send its records to the controller; elsewhere, create the report, which may fail the run.

    Runs last, because after an interruption pytest also tears down the fixtures in this hook.
    """
    config = session.config
    output = getattr(config, "workeroutput", None)
    if output is not None:
        summary.send_to_controller(config, output)
        return
    if any(config.getoption(name, False) for name in _NO_TEST_RUNS):
        return
    if summary.TESTS in config.stash or summary.ENTRIES in config.stash or options.requires_requests(config):
        config.stash[_OUTCOME] = outcome = summary.run_outcome(config)
        if outcome.failures:
            session.exitstatus = max(int(session.exitstatus), pytest.ExitCode.TESTS_FAILED)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Merge the records of a pytest-xdist worker."""
    summary.merge_from_worker(node.config, getattr(node, "workeroutput", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the report, if there is one, in its own section; with `-qq` as lines that name the plugin."""
    if (outcome := config.stash.get(_OUTCOME, None)) is not None:
        from mockserver.core.settings import environment_warnings

        lines = [warning.to(options.language(config)) for warning in environment_warnings()]
        lines += outcome.text.splitlines()
        prefix = "mockserver: " if options.is_quiet(config) else ""
        if not options.is_quiet(config):
            terminalreporter.section("mockserver")
        for line in lines:
            terminalreporter.write_line(prefix + line)


@pytest.hookimpl(specname="pytest_terminal_summary", hookwrapper=True, tryfirst=True)
def pytest_mockserver_failures(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> Iterator[None]:
    """List the reasons why the report fails the run where pytest lists failed tests, after all other summaries."""
    yield
    outcome = config.stash.get(_OUTCOME, None)
    if outcome is not None and outcome.failures:
        if not any(terminalreporter.stats.get(key) for key in ("failed", "error")):
            terminalreporter.write_sep("=", "short test summary info", cyan=True, bold=True)
        terminalreporter.write_line(f"FAILED mockserver - {'; '.join(outcome.failures)}", red=True)


@contextlib.contextmanager
def _fail_in_one_line(place: str, lang: Lang) -> Iterator[None]:
    """Turn an error of the setup into a one-line failure, without frames of the plugin."""
    try:
        yield
    except MockServerError as error:
        raise pytest.fail.Exception(f"{place}: {summary.error_text(error, lang)}", pytrace=False) from None
