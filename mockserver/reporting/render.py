"""A report in every format: text, HTML and Markdown by the templates `report.*` next to this file, JSON, and JUnit XML.

The HTML page has no script and makes no external request. In HTML and Markdown, text sent by clients is escaped:
characters with a special meaning become entities.

JUnit XML has a suite per operation with a test case per outcome, then error handling and the run itself. Violations and
mistakes are failures of their test case if they fail the run, and output of a passed case otherwise. An outcome that
counts for the coverage but did not occur is a skipped case.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

# Only writes XML, never parses it.
from xml.etree import ElementTree as Xml  # nosec B405

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from mockserver.core.folders import Folders
from mockserver.core.machine_time import machine_time
from mockserver.core.text import Lang
from mockserver.engine.config import load_config
from mockserver.engine.journal_entry import JournalEntry
from mockserver.reporting.json_shapes import report_json
from mockserver.reporting.report import FailCriteria, Report, ViolationGroup, build_report, parse_tests
from mockserver.reporting.view import ReportView, Row, clean

FOLDER = Path(__file__).parent
"""The folder of the templates; `page.html` is the frame of every page."""
_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>#!|~&@$^]|:(?=\S)")  # `:` starts an emoji and ends the scheme of a URL.


def render_json(view: ReportView) -> str:
    """Return the report as a JSON document."""
    shape = report_json(view.report, view.lang, view.failures)
    return json.dumps(shape, ensure_ascii=False, indent=2) + "\n"


def render_html(view: ReportView) -> str:
    """Return the report as a self-contained page, light and dark."""
    style, policy = page_style()
    return _render("report.html", view, lang=view.lang, title=view.label["title"], style=style, policy=policy)


@functools.cache
def page_style() -> tuple[str, str]:
    """Return the page's style and its Content-Security-Policy, which allows nothing but that style."""
    style = (FOLDER / "report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return style, f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _render(template: str, view: ReportView, **values: object) -> str:
    return _environment(template).get_template(template).render(view=view, label=view.label, **values)


@functools.cache
def _environment(template: str) -> Environment:
    return Environment(
        autoescape=select_autoescape(("html",)),
        finalize=escape_markdown if template == "report.markdown" else None,
        loader=FileSystemLoader(FOLDER),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def escape_markdown(value: object) -> str:
    """Return text that Markdown shows literally, in paragraphs and in table cells."""
    return _MARKDOWN.sub(lambda found: f"&#{ord(found[0])};", str(value))


def render_junit(view: ReportView) -> str:
    """Return the report as an XML document."""
    run, shared = JunitSuite("mockserver"), JunitSuite(view.label["shared"])
    run.add_case("run", "run", view.failures, output=view.notes if view.failures else [*view.notes, view.verdict])
    for cell in view.report.coverage.shared:
        shared.add_case(cell.name, skipped="" if cell.times else view.label["missing"])
    return junit_document("mockserver", (run, *_operations(view), shared, _error_handling(view)))


def _operations(view: ReportView) -> Iterator[JunitSuite]:
    """Yield a suite for each operation, then one for requests to unknown paths."""
    groups: dict[str, dict[str, list[ViolationGroup]]] = defaultdict(lambda: defaultdict(list))
    for group in view.report.violations:
        if not group.expected:
            groups[group.operation][group.outcome].append(group)
    parts = {part.operation: part for part in view.report.coverage.operations}
    for operation in dict.fromkeys((*parts, *groups)):
        suite = JunitSuite(operation or view.label["no_operation"], view.criteria.fail_on_violations)
        outcomes = groups.get(operation, {})
        cells = parts[operation].outcomes if operation in parts else ()
        times = {cell.name: cell.times for cell in cells if cell.counts or cell.times}
        for outcome in dict.fromkeys((*times, *outcomes)):
            skipped = "" if times.get(outcome, 1) else view.label["missing"]
            suite.add_case(outcome, *_problems(view, outcomes.get(outcome, [])), skipped=skipped)
        yield suite


def _problems(view: ReportView, groups: Sequence[ViolationGroup]) -> tuple[str, list[str]]:
    """Return the names of some violations, and a line for each group."""
    rows = [view.violation(group) for group in groups]
    lines = [f"{row['times']} × {row['name']} {row['where']}: {row['text']} {_place(row)}" for row in rows]
    return " ".join(dict.fromkeys(row["name"] for row in rows)), lines


def _error_handling(view: ReportView) -> JunitSuite:
    """Return a suite with a case for each error that was returned."""
    suite = JunitSuite("error handling", view.criteria.fail_on_violations)
    for row in view.handling:
        lines = [f"{finding['text']} [{finding['name']}] {_place(finding)}" for finding in row["findings"]]
        lines += [f"{view.label['should']}: {row['advice']}"] if lines else []
        suite.add_case(f"{row['operation']} after {row['error']}", "error_handling", lines)
    return suite


class JunitSuite:
    """One `<testsuite>`; problems fail its cases if it is `strict`."""

    def __init__(self, name: str, strict: bool = True) -> None:
        self._strict = strict
        self._name = clean(name)
        self.element = Xml.Element("testsuite", name=self._name)

    def add_case(
        self, name: str, kind: str = "", problems: Sequence[str] = (), *, skipped: str = "", output: Sequence[str] = ()
    ) -> None:
        """Add a test case with its problems, all of one kind, and other output."""
        case = Xml.SubElement(self.element, "testcase", classname=self._name, name=clean(name), time="0")
        lines, output = [clean(line) for line in problems], list(output)
        if lines and not self._strict:
            output += lines
        elif lines:
            failure = Xml.SubElement(case, "failure", type=kind, message=lines[0])
            failure.text = "\n".join(lines)
        elif skipped:
            Xml.SubElement(case, "skipped", message=skipped)
        if output:
            Xml.SubElement(case, "system-out").text = "\n".join(output)


def junit_document(name: str, suites: Iterable[JunitSuite]) -> str:
    """Return an XML document of test suites, with their counts."""
    root = Xml.Element("testsuites", name=name)
    root.extend(suite.element for suite in suites)
    for element in (root, *root):
        for attribute, tag in (("tests", "testcase"), ("failures", "failure"), ("skipped", "skipped")):
            element.set(attribute, str(sum(1 for _ in element.iter(tag))))
    Xml.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{Xml.tostring(root, encoding="unicode")}\n'


def _place(row: Row) -> str:
    """Return the requests of a row, and the tests if they are known."""
    return f"({row['requests']} {row['tests']})" if row["tests"] else f"({row['requests']})"


FORMATS: dict[str, Callable[[ReportView], str]] = {
    "text": functools.partial(_render, "report.txt", brief=False),  # For the terminal, problems first.
    "json": render_json,
    "junit": render_junit,
    "html": render_html,
    "markdown": functools.partial(_render, "report.markdown"),  # For the summary of a CI run.
    "brief": functools.partial(_render, "report.txt", brief=True),  # With one line for the coverage.
    "verdict": lambda view: view.result + "\n",
}


def render_in_format(report: Report, form: str, criteria: FailCriteria, lang: Lang) -> dict[str, Any]:
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
    """Return `render_in_format` on entries that several servers with the same `fixtures` recorded."""
    config = load_config(Folders(fixtures), now=lambda: int(machine_time()))
    report = build_report(entries, evicted, config, parse_tests(tests))
    return render_in_format(report, form, criteria, lang)
