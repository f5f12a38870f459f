"""Reports on a journal: their options, the report itself, and its output formats."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mockserver.core.errors import AdminError
from mockserver.core.folders import Folders
from mockserver.core.machine_time import machine_time
from mockserver.core.suggestions import unknown
from mockserver.core.text import Lang
from mockserver.engine.config import Config, load_config
from mockserver.engine.journal import Journal, JournalQuery, Selection
from mockserver.engine.journal_entry import JournalEntry
from mockserver.faults.registry import KINDS
from mockserver.reporting.coverage import ReportInputs
from mockserver.reporting.json_shapes import report_json
from mockserver.reporting.queries import invalid_parameter
from mockserver.reporting.render_junit import render_junit
from mockserver.reporting.render_templates import (
    render_brief,
    render_html,
    render_markdown,
    render_text,
    render_verdict,
)
from mockserver.reporting.report import NAMES, AppTest, FailCriteria, Report, build_report
from mockserver.reporting.view import ReportView


def render_json(view: ReportView) -> str:
    """Return the report as a JSON document."""
    shape = report_json(view.report, view.lang, view.failures)
    return json.dumps(shape, ensure_ascii=False, indent=2) + "\n"


FORMATS: dict[str, Callable[[ReportView], str]] = {
    "text": render_text,
    "json": render_json,
    "junit": render_junit,
    "html": render_html,
    "markdown": render_markdown,
    "brief": render_brief,
    "verdict": render_verdict,
}


class ReportOptions(NamedTuple):
    """The options of `POST report`."""

    format: str
    appkeys: Sequence[str] | None  # The apps to report on; None for all.
    after: str  # Id of a request: only later requests count.
    tests: Mapping[str, AppTest]  # The test that each app was created for.
    criteria: FailCriteria


def parse_report_options(appkey: str | None, body: Mapping[str, Any]) -> ReportOptions:
    """Return the options of a `POST report` for `appkey`, or for all apps.

    Keys: `appkeys`, `form`, `after`, `fail_on_violations`, `min_coverage`, `option` (the option that the verdict
    suggests where violations do not fail the run) and `tests`:
    `{APPKEY: {"test": "tests/test_a.py::test_b", "expects": ["unknown_field"]}}`.
    Raise AdminError for an invalid value, or when the URL and the body both name apps.
    """
    if appkey is not None and "appkeys" in body:
        raise invalid_parameter("appkeys", "give it, or appkey, not both", "不能与 appkey 同时使用")
    appkeys = body.get("appkeys") if appkey is None else [appkey]
    if not all(isinstance(each, str) for each in appkeys or ()):
        raise invalid_parameter("appkeys", "must be a list of strings", "应为字符串列表")
    form, after = body.get("form", "text"), body.get("after", "")
    if form not in FORMATS:
        names = ", ".join(FORMATS)
        raise invalid_parameter("form", f"must be one of {names}", f"可选 {names}")
    if after and not after.isdecimal():
        raise invalid_parameter("after", "must be the id of a request", "应为请求编号")
    criteria = FailCriteria(**{name: body[name] for name in FailCriteria._fields if name in body})
    if criteria.min_coverage is not None and not 0 <= criteria.min_coverage <= 100:
        raise invalid_parameter("min_coverage", "must be a percentage from 0 to 100", "应为 0 至 100 的百分数")
    return ReportOptions(form, appkeys, after, parse_tests(body.get("tests", {})), criteria)


def parse_tests(tests: Mapping[str, Any]) -> dict[str, AppTest]:
    """Return the test of each appkey; raise AdminError unless each is `{"test": TEXT, "expects": [NAME]}`."""
    parsed = {}
    for appkey, given in tests.items():
        given = given if isinstance(given, dict) else {}
        test, expects = given.get("test"), given.get("expects", [])
        if given.keys() - {"test", "expects"} or not isinstance(test, str) or not isinstance(expects, list):
            raise invalid_parameter(
                "tests", 'must be {APPKEY: {"test": TEXT, "expects": [NAME]}}', "应为 {APPKEY: {test, expects}}"
            )
        for name in expects:
            if name not in NAMES:
                raise AdminError(422, "invalid_parameter", unknown("violation", name, NAMES))
        parsed[appkey] = AppTest(test, frozenset(expects))
    return parsed


def report_on_journal(
    journal: Journal,
    config: Config,
    appkeys: Collection[str] | None = None,
    *,
    after: str = "",
    tests: Mapping[str, AppTest] | None = None,
) -> Report:
    """Return the report on the requests of these apps, or of all, that arrived after the request `after`."""
    if appkeys is None and not after:
        selections = [journal.select()]
    else:
        # Requests are evicted per app, so count those of the selected apps only.
        selections = [
            _select_after(journal.select(JournalQuery(appkey=appkey)), after)
            for appkey in (journal.appkeys() if appkeys is None else appkeys)
        ]
    entries = [entry for selection in selections for entry in selection.entries]
    if len(selections) > 1:
        entries.sort(key=lambda entry: (len(entry.id), entry.id))
    evicted = sum(selection.evicted for selection in selections)
    return build_report(entries, evicted, report_inputs(config), tests)


def _select_after(selection: Selection, after: str) -> Selection:
    """Return the part of a selection after a request. While an older entry remains, no part of it has been evicted."""
    if not after:
        return selection
    # Ids are decimal numbers of eight digits or more.
    mark = (len(after), after)
    entries = [entry for entry in selection.entries if (len(entry.id), entry.id) > mark]
    return Selection(entries, selection.evicted if len(entries) == len(selection.entries) else 0)


def report_inputs(config: Config) -> ReportInputs:
    """Return the contract of `config` and the fault kinds."""
    return ReportInputs(config.schemas, config.catalogue, config.rules, tuple(KINDS))


def render_report(report: Report, form: str, criteria: FailCriteria, lang: Lang) -> dict[str, Any]:
    """Return the response body of `POST report`: the rendered report and the reasons why the run fails."""
    view = ReportView(report, lang, criteria)
    return {
        "rendered": FORMATS[form](view),
        "complaints": view.failures,
        "requests": report.requests,
        "unnamed": report.unnamed,
    }


def render_entries(
    entries: Sequence[JournalEntry],
    evicted: int,
    form: str,
    *,
    tests: Mapping[str, Any],
    criteria: FailCriteria,
    fixtures: Path | None = None,
    lang: Lang = "en",
) -> dict[str, Any]:
    """Return `render_report` on entries that several servers with the same `fixtures` recorded."""
    config = load_config(Folders(fixtures), now=lambda: int(machine_time()))
    report = build_report(entries, evicted, report_inputs(config), parse_tests(tests))
    return render_report(report, form, criteria, lang)
