"""The pytest plugin: a server for the session, an app of its own for every test that asks for `mockserver`.

Importing it costs nothing until a test uses it. Under pytest-xdist each worker has a server of its own, and reports
are joined by the controller.
"""

from __future__ import annotations

import pickle  # nosec B403: only what this run's own workers made is read
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mockserver.client import Admin, MockApp
    from mockserver.stores.journal import Selection

_REMOTE = pytest.StashKey["Admin"]()
_APPKEYS = pytest.StashKey[list[str]]()
_ENTRIES = pytest.StashKey["Selection"]()
_OUTCOME = pytest.StashKey[dict[str, Any]]()
_FORMS = {".json": "json", ".xml": "junit", ".html": "html"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the plugin."""
    group = parser.getgroup("mockserver", "contract tests against the mock of YouMe's REST API")
    group.addoption("--mockserver-url", metavar="URL", help="use the mock server that runs there")
    group.addoption("--mockserver-token", metavar="TOKEN", help="its admin token, if it asks for one")
    group.addoption(
        "--mockserver-report",
        metavar="FILE",
        help="write what clients did: .json, .xml (JUnit), .html or text",
    )
    group.addoption(
        "--mockserver-fail-on-violations",
        action="store_true",
        help="fail the run when a request left the contract",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers", "mockserver(scenario=NAME, readings={NAME: VALUE}): what the test's own app is answered by"
    )


@pytest.fixture(scope="session")
def mockserver_admin(request: pytest.FixtureRequest) -> Iterator[Admin]:
    """The admin API of the session's server, or of the one at `--mockserver-url`."""
    from mockserver.client import Admin

    config = request.config
    url = config.getoption("--mockserver-url")
    if url:
        admin = Admin(url, config.getoption("--mockserver-token"))
        admin.get("health")
        config.stash[_REMOTE] = admin
        yield admin
        return
    from mockserver.mock import MockServer

    with MockServer() as server:
        admin = Admin(server.url)
        yield admin
        config.stash[_ENTRIES] = server.engine.journal.select()


@pytest.fixture
def mockserver(request: pytest.FixtureRequest, mockserver_admin: Admin) -> Iterator[MockApp]:
    """A fresh app on the mock server, with scenario, faults, clock and journal of its own."""
    from mockserver.client import MockApp

    app = MockApp.fresh(mockserver_admin)
    request.config.stash.setdefault(_APPKEYS, []).append(app.appkey)
    try:
        for marker in reversed(list(request.node.iter_markers("mockserver"))):
            if "scenario" in marker.kwargs:
                app.use(marker.kwargs["scenario"])
            if "readings" in marker.kwargs:
                app.read(**marker.kwargs["readings"])
        yield app
    finally:
        app.remove()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands what it saw to the controller; elsewhere the report is made, and may fail the run."""
    config = session.config
    output = getattr(config, "workeroutput", None)
    if output is not None:
        output["mockserver_appkeys"] = config.stash.get(_APPKEYS, [])
        if _ENTRIES in config.stash:
            output["mockserver_entries"] = pickle.dumps(config.stash[_ENTRIES])
        return
    if _APPKEYS in config.stash or config.getoption("--mockserver-report") or _strict(config):
        config.stash[_OUTCOME] = outcome = _outcome(config)
        if outcome["complaints"] and (_strict(config) or not outcome["requests"]):
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
    if outcome is None:
        return
    terminalreporter.section("mockserver")
    terminalreporter.write(outcome["text"])
    if outcome["file"]:
        terminalreporter.write_line(f"report written to {outcome['file']}")


def _strict(config: pytest.Config) -> bool:
    return bool(config.getoption("--mockserver-fail-on-violations"))


def _outcome(config: pytest.Config) -> dict[str, Any]:
    """The report as text and in the form of the wanted file, and why the run is to fail."""
    file = config.getoption("--mockserver-report")
    form = _FORMS.get(Path(file).suffix, "text") if file else "text"
    told, written = (_rendered(config, one) for one in ("text", form))
    if file:
        Path(file).write_text(written["rendered"], encoding="utf-8")
    return {
        "text": told["rendered"],
        "complaints": told["complaints"],
        "requests": told["requests"],
        "file": file,
    }


def _rendered(config: pytest.Config, form: str) -> dict[str, Any]:
    remote = config.stash.get(_REMOTE, None)
    wanted = {"form": form, "fail_on_violations": _strict(config)}
    url = config.getoption("--mockserver-url")
    if remote is None and url:
        from mockserver.client import Admin

        remote = Admin(url, config.getoption("--mockserver-token"))
    if remote is not None:
        return remote.send("POST", "report", {**wanted, "appkeys": config.stash.get(_APPKEYS, [])})
    from mockserver.observing import render_entries

    found = config.stash.get(_ENTRIES, None)
    entries, evicted = ([], 0) if found is None else found
    return render_entries(entries, evicted, form, fail_on_violations=_strict(config))
