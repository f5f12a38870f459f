"""The end of a test run: the report on its apps, and whether the run fails."""

from __future__ import annotations

import os
import pickle  # nosec B403: reads only what this run's own workers wrote
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from mockserver.core.errors import AdminError, ConfigurationError, MockServerError
from mockserver.core.messages import messages
from mockserver.core.text import Lang, pluralize
from mockserver.testing.options import REPORTS, fail_criteria, is_quiet, language, requires_requests, server_settings

if TYPE_CHECKING:
    from mockserver.engine.journal import Selection
    from mockserver.testing.admin_client import AdminClient

TESTS: pytest.StashKey[dict[str, dict[str, Any]]] = pytest.StashKey()
"""By appkey: the test that the app was created for, and the violations it expects."""
AFTER: pytest.StashKey[str] = pytest.StashKey()
"""On a server at `--mockserver-url`: the newest unregistered request before the run, by its id."""
ENTRIES: pytest.StashKey[Selection] = pytest.StashKey()  # The journal entries of the run's own servers.
REPEATED: pytest.StashKey[set[str]] = pytest.StashKey()
"""The apps of failed attempts of tests that were rerun, e.g. by pytest-rerunfailures."""

message = messages(Path(__file__).with_name("texts.yaml"))


class RunOutcome(NamedTuple):
    """What the plugin prints at the end of a run, and why the run fails."""

    text: str
    failures: Sequence[str] = ()


def remote_client(config: pytest.Config) -> AdminClient:
    """Return a client of the server at `--mockserver-url`."""
    from mockserver.core.addresses import normalize_server_url
    from mockserver.testing.admin_client import AdminClient

    url = normalize_server_url(config.getoption("--mockserver-url"))
    return AdminClient(url, config.getoption("--mockserver-token"), ca=config.getoption("--mockserver-ca"))


def error_text(error: Exception, lang: Lang) -> str:
    """Return an error's message in one language."""
    if isinstance(error, ConfigurationError):
        return error.show(lang)
    return error.text.to(lang) if isinstance(error, AdminError) else str(error)


def forget_attempt(config: pytest.Config, appkey: str) -> None:
    """Leave the app of an earlier attempt of a test out of the report: the last attempt counts."""
    config.stash.setdefault(TESTS, {}).pop(appkey, None)
    config.stash.setdefault(REPEATED, set()).add(appkey)


def without_repeated(config: pytest.Config, selection: Selection) -> Selection:
    """Return the entries of the last attempt of each test."""
    repeated = config.stash.get(REPEATED, ())
    return selection._replace(entries=[entry for entry in selection.entries if entry.appkey not in repeated])


def send_to_controller(config: pytest.Config, output: dict[str, Any]) -> None:
    """Put the records of a pytest-xdist worker into its `output`."""
    output["mockserver_tests"] = config.stash.get(TESTS, {})
    output["mockserver_repeated"] = list(config.stash.get(REPEATED, ()))
    output["mockserver_after"] = config.stash.get(AFTER, None)
    if ENTRIES in config.stash:
        worker, selection = os.environ["PYTEST_XDIST_WORKER"], config.stash[ENTRIES]
        # The ids of each worker's server start at 1, so add the worker's name to make them unique.
        entries = [replace(entry, id=f"{worker}-{entry.id}") for entry in selection.entries]
        output["mockserver_entries"] = pickle.dumps(selection._replace(entries=entries))


def merge_from_worker(config: pytest.Config, output: dict[str, Any]) -> None:
    """Merge the records of a worker with those of the others."""
    stash = config.stash
    if tests := output.get("mockserver_tests"):
        stash.setdefault(TESTS, {}).update(tests)
    stash.setdefault(REPEATED, set()).update(output.get("mockserver_repeated", ()))
    if (after := output.get("mockserver_after")) is not None:
        stash[AFTER] = min(after, stash.get(AFTER, after), key=lambda number: (len(number), number))
    if "mockserver_entries" in output:
        selection = pickle.loads(output["mockserver_entries"])  # nosec B301: written by our own worker
        if merged := stash.get(ENTRIES, None):
            entries, evicted = merged.entries + selection.entries, merged.evicted + selection.evicted
            selection = selection._replace(entries=entries, evicted=evicted)
        stash[ENTRIES] = selection


def run_outcome(config: pytest.Config) -> RunOutcome:
    """Write the report files; return the report for the terminal and the reasons why the run fails."""
    lang, quiet = language(config), is_quiet(config)
    try:
        form = "verdict" if quiet else "text" if config.get_verbosity() > 0 else "brief"
        answer = _report(config, form)
        if not answer["requests"] and not requires_requests(config):
            return RunOutcome(message("no_request").to(lang) + "\n")
        notes = []
        if (count := answer["unnamed"]) and config.getoption("--mockserver-url"):
            notes.append(message("unregistered", count=count, counted=pluralize(count, "request")))
        if count := len(config.stash.get(REPEATED, ())):
            notes.append(message("repeated", count=count, counted=pluralize(count, "attempt")))
        for file, (form, given) in config.stash.get(REPORTS, {}).items():
            file.write_text(_report(config, form)["rendered"], encoding="utf-8")
            notes.append(message("written", file=given))
        shown = "" if quiet else "".join(f"{note.to(lang)}\n" for note in notes)
        return RunOutcome(answer["rendered"] + shown, answer["complaints"])
    except (MockServerError, OSError) as error:
        text = message("no_report", reason=error_text(error, lang)).to(lang)
        return RunOutcome(text + "\n", [text] if requires_requests(config) else [])


def _report(config: pytest.Config, form: str) -> dict[str, Any]:
    """Return the report in one format, from the server that has the journal."""
    criteria, tests = fail_criteria(config), config.stash.get(TESTS, {})
    if config.getoption("--mockserver-url"):
        options = {"form": form, "appkeys": list(tests), "tests": tests, **criteria}
        if AFTER in config.stash:
            # Unregistered requests are recorded under the empty appkey.
            options |= {"appkeys": [*tests, ""], "after": config.stash[AFTER]}
        return remote_client(config).send("POST", "report", options)
    from mockserver.reporting.render import render_entries
    from mockserver.reporting.report import FailCriteria

    selection, fixtures = config.stash.get(ENTRIES, None), server_settings(config).get("fixtures")
    return render_entries(
        selection.entries if selection else [],
        selection.evicted if selection else 0,
        form,
        tests=tests,
        criteria=FailCriteria(**criteria),
        fixtures=Path(fixtures) if fixtures else None,
        lang=language(config),
    )
