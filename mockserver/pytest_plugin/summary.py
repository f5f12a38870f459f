"""What a run is told in the end: the report on its tests' apps, by the server that saw them, and whether it fails."""

from __future__ import annotations

import os
import pickle  # nosec B403: only what this run's own workers made is read
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from mockserver.errors import MockServerError

if TYPE_CHECKING:
    from mockserver.client import Admin
    from mockserver.stores.journal import Selection

TESTS: pytest.StashKey[dict[str, dict[str, Any]]] = pytest.StashKey()
"""Of the app of each test, by its appkey: the test's name and the violations it expects."""
BEFORE: pytest.StashKey[str] = pytest.StashKey()
"""The newest request without an app that a server which runs already had seen when the run began to use it."""
ENTRIES: pytest.StashKey[Selection] = pytest.StashKey()
"""What the journals of the run's own servers kept."""
FILE: pytest.StashKey[Path] = pytest.StashKey()
"""Where the report goes."""
_FORMS = {".json": "json", ".xml": "junit", ".html": "html"}


class Outcome(NamedTuple):
    """What the run is told in the end."""

    lines: str
    fails: bool


def judged(config: pytest.Config) -> bool:
    """Whether a run without any request is a failure."""
    return _strict(config) or FILE in config.stash


def remote(config: pytest.Config) -> Admin:
    """The admin API of the server at `--mockserver-url`."""
    from mockserver.client import Admin

    return Admin(config.getoption("--mockserver-url"), config.getoption("--mockserver-token"))


def hand_over(config: pytest.Config, output: dict[str, Any]) -> None:
    """Put what a worker of pytest-xdist saw into its `output`, which the controller gets."""
    output["mockserver_tests"] = config.stash.get(TESTS, {})
    output["mockserver_before"] = config.stash.get(BEFORE, None)
    if ENTRIES in config.stash:
        worker, found = os.environ["PYTEST_XDIST_WORKER"], config.stash[ENTRIES]
        # Each worker's server counts its requests from one: their ids get the worker's name.
        named = [replace(one, id=f"{worker}-{one.id}") for one in found.entries]
        output["mockserver_entries"] = pickle.dumps(found._replace(entries=named))


def take_over(config: pytest.Config, output: dict[str, Any]) -> None:
    """Join what a worker saw to what the others did."""
    stash = config.stash
    if tests := output.get("mockserver_tests"):
        stash.setdefault(TESTS, {}).update(tests)
    if (before := output.get("mockserver_before")) is not None:
        stash[BEFORE] = min(before, stash.get(BEFORE, before), key=lambda one: (len(one), one))
    if "mockserver_entries" in output:
        found = pickle.loads(output["mockserver_entries"])  # nosec B301: made by our own worker
        known = stash.get(ENTRIES, None)
        stash[ENTRIES] = (
            found
            if known is None
            else type(found)(known.entries + found.entries, known.evicted + found.evicted)
        )


def outcome(config: pytest.Config) -> Outcome:
    """The report in the terminal and in its file, and whether the run is to fail."""
    try:
        told = _rendered(config, "text")
        if not told["requests"] and not judged(config):
            return Outcome("no request came\n", False)
        fails, lines = bool(told["complaints"]), told["rendered"] + _strangers(config, told["unnamed"])
        file = config.stash.get(FILE, None)
        if file is None:
            return Outcome(lines, fails)
        form = _FORMS.get(file.suffix.lower(), "text")
        written = told if form == "text" else _rendered(config, form)
        file.write_text(written["rendered"], encoding="utf-8")
        shown = config.getoption("--mockserver-report")
        return Outcome(f"{lines}report written to {shown}\n", fails)
    except (MockServerError, OSError) as error:
        return Outcome(f"there is no report: {error}\n", judged(config))


def _strangers(config: pytest.Config, count: int) -> str:
    """A word on requests without an app at a server that others may use, too; empty for a server of the run's own."""
    if not count or not config.getoption("--mockserver-url"):
        return ""
    return f"{count} requests named no registered app since the run began; the report has them, whoever sent them\n"


def _rendered(config: pytest.Config, form: str) -> dict[str, Any]:
    """A report in one form, by the server that has the journal."""
    strict, tests = _strict(config), config.stash.get(TESTS, {})
    if config.getoption("--mockserver-url"):
        wanted = {"form": form, "fail_on_violations": strict, "appkeys": list(tests), "tests": tests}
        if BEFORE in config.stash:
            # Requests that name no registered app are under the empty appkey.
            wanted |= {"appkeys": [*tests, ""], "after": config.stash[BEFORE]}
        return remote(config).send("POST", "report", wanted)
    from mockserver.observing import render_entries

    found = config.stash.get(ENTRIES, None)
    entries, evicted = ([], 0) if found is None else found
    return render_entries(entries, evicted, form, fail_on_violations=strict, tests=tests)


def _strict(config: pytest.Config) -> bool:
    return bool(config.getoption("--mockserver-fail-on-violations"))
