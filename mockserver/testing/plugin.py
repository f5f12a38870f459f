"""The pytest plugin: a server for the session, an app of its own for every test that asks for `mockserver`.

Importing it costs nothing until a test uses it. Under pytest-xdist each worker has a server of its own, and
reports are joined by the controller.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from mockserver.core.errors import AdminError, MockServerError
from mockserver.core.text import Lang
from mockserver.testing.marks import read_marker
from mockserver.testing.options import add_options, check_options, language, settings_of
from mockserver.testing.summary import (
    BEFORE,
    ENTRIES,
    TESTS,
    Decision,
    error_text,
    hand_over,
    is_curt,
    judged,
    outcome,
    remote,
    take_over,
)

if TYPE_CHECKING:
    from mockserver.testing.admin_client import Admin
    from mockserver.testing.app import MockApp

_APP: pytest.StashKey[MockApp] = pytest.StashKey()
"""The app of one test."""
_OUTCOME: pytest.StashKey[Decision] = pytest.StashKey()
_ONLY_LOOKING = ("collectonly", "showfixtures", "show_fixtures_per_test", "setuponly", "setupplan")
"""Options of pytest under which no test runs."""
_SKIPPED = pytest.skip.Exception
_MOST_LINES = 20
"""Of what stands beside a failure; the advice is the last of them."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the plugin."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker; UsageError for options that cannot be obeyed."""
    config.addinivalue_line(
        "markers",
        "mockserver(scenario=NAME, readings={NAME: VALUE}, expect_violations=[NAME]):"
        " what the test's own app is answered by, and what its client is to do wrong",
    )
    if not hasattr(config, "workerinput"):
        check_options(config)


@pytest.fixture(scope="session")
def mockserver_admin(request: pytest.FixtureRequest) -> Iterator[Admin]:
    """The admin API of the session's server, or of the one at `--mockserver-url`."""
    config = request.config
    if config.getoption("--mockserver-url"):
        with _readable("--mockserver-url", language(config)):
            admin = remote(config)
            newest = admin.get("requests", appkey="", limit=1)["requests"]
        config.stash[BEFORE] = newest[-1]["id"] if newest else ""
        yield admin
        return
    from mockserver.testing.mock_server import MockServer

    with _readable("mockserver", language(config)):
        server = MockServer(**settings_of(config))
    with server:
        try:
            yield server.admin
        finally:
            config.stash[ENTRIES] = server.engine.journal.select()


@pytest.fixture
def mockserver(request: pytest.FixtureRequest, mockserver_admin: Admin) -> Iterator[MockApp]:
    """A fresh app on the mock server, with scenario, faults, clock and journal of its own."""
    from mockserver.testing.app import MockApp

    chosen = [read_marker(marker) for marker in request.node.iter_markers("mockserver")]
    lang = language(request.config)
    with _readable("mockserver", lang):
        app = MockApp.fresh(mockserver_admin)
    tests = request.config.stash.setdefault(TESTS, {})
    tests[app.appkey] = {"test": request.node.nodeid, "expects": []}
    request.node.stash[_APP] = app
    try:
        with _readable("@pytest.mark.mockserver", lang):
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
        with _readable("mockserver", lang), contextlib.suppress(AdminError):
            app.remove()


@pytest.hookimpl(trylast=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """A test that went well fails all the same when a violation that it expects did not come."""
    app = item.stash.get(_APP, None)
    if app is not None:
        try:
            with _readable("mockserver", language(item.config)):
                app.assert_expected_violations()
        except AssertionError as error:
            raise pytest.fail.Exception(f"mockserver: {error}", pytrace=False) from None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Beside a failure stands what the test's client did wrong, unless the failure tells it itself."""
    app = item.stash.get(_APP, None)
    if app is None or call.when != "call" or call.excinfo is None or call.excinfo.errisinstance(_SKIPPED):
        return
    with contextlib.suppress(MockServerError, AssertionError):
        told, lines = str(call.excinfo.value), app.explain()
        if new := [line for line in lines if line.strip() not in told]:
            more = [f"  … and {len(new) - _MOST_LINES} more"] if len(new) > _MOST_LINES else []
            item.add_report_section("call", "mockserver", "\n".join([*new[-_MOST_LINES:], *more]) + "\n")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands what it saw to the controller; elsewhere the report is made, and may fail the run.

    Last of all: the fixtures of a run that was broken off are finished in this hook, too.
    """
    config = session.config
    output = getattr(config, "workeroutput", None)
    if output is not None:
        hand_over(config, output)
        return
    if any(config.getoption(name, False) for name in _ONLY_LOOKING):
        return
    if TESTS in config.stash or ENTRIES in config.stash or judged(config):
        config.stash[_OUTCOME] = told = outcome(config)
        if told.complaints:
            session.exitstatus = max(int(session.exitstatus), pytest.ExitCode.TESTS_FAILED)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Join what a worker of pytest-xdist saw to what the others did."""
    take_over(node.config, getattr(node, "workeroutput", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What clients did, in a section of its own; only when something asked for it."""
    if (told := config.stash.get(_OUTCOME, None)) is not None:
        if not is_curt(config):
            terminalreporter.section("mockserver")
        terminalreporter.write(told.lines)


@pytest.hookimpl(specname="pytest_terminal_summary", hookwrapper=True, tryfirst=True)
def pytest_mockserver_last_word(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Iterator[None]:
    """A run that fails although its tests passed says so where pytest lists what failed: after all other summaries."""
    yield
    told = config.stash.get(_OUTCOME, None)
    if told is not None and told.complaints:
        if not any(terminalreporter.stats.get(one) for one in ("failed", "error")):
            terminalreporter.write_sep("=", "short test summary info", cyan=True, bold=True)
        terminalreporter.write_line(f"FAILED mockserver - {'; '.join(told.complaints)}", red=True)


@contextlib.contextmanager
def _readable(what: str, lang: Lang) -> Iterator[None]:
    """A mistake in the set-up of a test is told in a line, without the plugin's own frames."""
    try:
        yield
    except MockServerError as error:
        raise pytest.fail.Exception(f"{what}: {error_text(error, lang)}", pytrace=False) from None
