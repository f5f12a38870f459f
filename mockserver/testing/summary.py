"""What a run is told in the end: the report on its tests' apps, by the server that saw them, and whether it fails."""

from __future__ import annotations

import os
import pickle  # nosec B403: only what this run's own workers made is read
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from mockserver.core.errors import AdminError, ConfigurationError, MockServerError
from mockserver.core.text import Lang, Text, pluralize
from mockserver.testing.options import REPORTS, language, settings_of

if TYPE_CHECKING:
    from mockserver.engine.journal import Selection
    from mockserver.testing.admin_client import Admin

TESTS: pytest.StashKey[dict[str, dict[str, Any]]] = pytest.StashKey()
"""Of the app of each test, by its appkey: the test's name and the violations it expects."""
BEFORE: pytest.StashKey[str] = pytest.StashKey()
"""The newest request without an app that a server which runs already had seen when the run began to use it."""
ENTRIES: pytest.StashKey[Selection] = pytest.StashKey()
"""What the journals of the run's own servers kept."""


_WORDS = {
    "nothing": Text("no request came", "没有收到任何请求"),
    "written": Text("report written to {file}", "报告已写入 {file}"),
    "missed": Text("there is no report: {why}", "没有报告：{why}"),
    "strangers": Text(
        "{counted} named no registered app since the run began; the report has them, whoever sent them",
        "自本次运行开始，有 {count} 个请求未使用已注册的应用；不论由谁发出，报告均已计入",
    ),
}


class Decision(NamedTuple):
    """What the run is told in the end."""

    lines: str
    complaints: Sequence[str] = ()
    """Why it fails."""


def judged(config: pytest.Config) -> bool:
    """Whether a run without any request is a failure."""
    demands = _demands(config)
    return demands["fail_on_violations"] or "min_coverage" in demands or bool(config.stash.get(REPORTS, None))


def is_curt(config: pytest.Config) -> bool:
    """Whether the run is to say hardly anything: `-qq`."""
    return config.get_verbosity() < -1


def remote(config: pytest.Config) -> Admin:
    """The admin API of the server at `--mockserver-url`."""
    from mockserver.core.addresses import normalize_server_url
    from mockserver.testing.admin_client import Admin

    url = normalize_server_url(config.getoption("--mockserver-url"))
    return Admin(url, config.getoption("--mockserver-token"), ca=config.getoption("--mockserver-ca"))


def error_text(error: MockServerError, lang: Lang) -> str:
    """What an error tells, in one of the languages."""
    if isinstance(error, ConfigurationError):
        return error.show(lang)
    return error.text.to(lang) if isinstance(error, AdminError) else str(error)


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


def outcome(config: pytest.Config) -> Decision:
    """The report in the terminal and in its files, and why the run is to fail."""
    lang, verbosity = language(config), config.get_verbosity()
    try:
        told = _rendered(config, "verdict" if is_curt(config) else "text" if verbosity > 0 else "brief")
        if not told["requests"] and not judged(config):
            return Decision(_prefixed(config, _WORDS["nothing"].to(lang) + "\n"))
        lines = [told["rendered"]]
        for file, (form, given) in config.stash.get(REPORTS, {}).items():
            file.write_text(_rendered(config, form)["rendered"], encoding="utf-8")
            lines.append(_WORDS["written"].to(lang).format(file=given) + "\n")
        if is_curt(config):
            return Decision(_prefixed(config, told["rendered"]), told["complaints"])
        return Decision(
            "".join([lines[0], _strangers(config, told["unnamed"], lang), *lines[1:]]), told["complaints"]
        )
    except (MockServerError, OSError) as error:
        why = error_text(error, lang) if isinstance(error, MockServerError) else str(error)
        missed = _WORDS["missed"].to(lang).format(why=why)
        return Decision(_prefixed(config, missed + "\n"), [missed] if judged(config) else [])


def _prefixed(config: pytest.Config, lines: str) -> str:
    """Lines that say whose they are where no section does."""
    return (
        "".join(f"mockserver: {line}" for line in lines.splitlines(keepends=True))
        if is_curt(config)
        else lines
    )


def _strangers(config: pytest.Config, count: int, lang: Lang) -> str:
    """A word on requests without an app at a server that others may use, too; empty for a server of the run's own."""
    if not count or not config.getoption("--mockserver-url"):
        return ""
    return _WORDS["strangers"].to(lang).format(count=count, pluralize=pluralize(count, "request")) + "\n"


def _rendered(config: pytest.Config, form: str) -> dict[str, Any]:
    """A report in one form, by the server that has the journal."""
    demands, tests = _demands(config), config.stash.get(TESTS, {})
    if config.getoption("--mockserver-url"):
        wanted = {"form": form, "appkeys": list(tests), "tests": tests, **demands}
        if BEFORE in config.stash:
            # Requests that name no registered app are under the empty appkey.
            wanted |= {"appkeys": [*tests, ""], "after": config.stash[BEFORE]}
        return remote(config).send("POST", "report", wanted)
    from mockserver.reporting.formats import render_entries
    from mockserver.reporting.report import FailCriteria

    found = config.stash.get(ENTRIES, None)
    entries, evicted = ([], 0) if found is None else found
    folder = settings_of(config).get("fixtures")
    return render_entries(
        *(entries, evicted, form),
        tests=tests,
        criteria=FailCriteria(**demands),
        fixtures=Path(folder) if folder else None,
        lang=language(config),
    )


def _demands(config: pytest.Config) -> dict[str, Any]:
    """What the run is to fail for."""
    strict, percent = (
        config.getoption(f"--mockserver-{one}") for one in ("fail-on-violations", "min-coverage")
    )
    given = {} if percent is None else {"min_coverage": percent}
    return {"fail_on_violations": strict, "option": "--mockserver-fail-on-violations", **given}
