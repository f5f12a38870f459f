"""A report as JUnit XML: a suite per operation with a test case per outcome, then error handling and the run itself.

Violations and mistakes are failures of their test case if they fail the run, and output of a passed case otherwise. An
outcome that counts for the coverage but did not occur is a skipped case.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

# Only writes XML, never parses it.
from xml.etree import ElementTree as Xml  # nosec B405

from mockserver.reporting.report import ViolationGroup
from mockserver.reporting.view import ReportView, clean


def render_junit(view: ReportView) -> str:
    """Return the report as an XML document."""
    root = Xml.Element("testsuites", name="mockserver")
    run = JunitSuite("mockserver")
    output = view.notes if view.failures else [*view.notes, view.verdict]
    run.add_case("run", "run", view.failures, output=output)
    suites = [run, *_operations(view), _shared(view), _error_handling(view)]
    for suite in suites:
        root.append(suite.finish())
    for name in ("tests", "failures", "skipped"):
        root.set(name, str(sum(int(suite.element.get(name, "0")) for suite in suites)))
    Xml.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{Xml.tostring(root, encoding="unicode")}\n'


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
        for cell in cells:
            if cell.counts or cell.times:
                suite.add_case(
                    cell.name,
                    *_problems(view, outcomes.pop(cell.name, [])),
                    skipped="" if cell.times else view.label["missing"],
                )
        for outcome, remaining in outcomes.items():
            suite.add_case(outcome, *_problems(view, remaining))
        yield suite


def _shared(view: ReportView) -> JunitSuite:
    """Return a suite with a case for each error that every operation can return."""
    suite = JunitSuite(view.label["shared"])
    for cell in view.report.coverage.shared:
        suite.add_case(cell.name, "", [], skipped="" if cell.times else view.label["missing"])
    return suite


def _problems(view: ReportView, groups: Sequence[ViolationGroup]) -> tuple[str, list[str]]:
    """Return the names of some violations, and a line for each group."""
    rows = [view.violation(group) for group in groups]
    lines = [f"{row.times} × {row.name} {row.where}: {row.text} ({_place(row.requests, row.tests)})" for row in rows]
    return " ".join(dict.fromkeys(row.name for row in rows)), lines


def _error_handling(view: ReportView) -> JunitSuite:
    """Return a suite with a case for each error that was returned."""
    suite = JunitSuite("error handling", view.criteria.fail_on_violations)
    for row in view.handling:
        lines = [
            f"{finding.text} [{finding.name}] ({_place(finding.requests, finding.tests)})" for finding in row.findings
        ]
        lines += [f"{view.label['should']}: {row.advice}"] if lines else []
        suite.add_case(f"{row.operation} after {row.error}", "error_handling", lines)
    return suite


class JunitSuite:
    """One `<testsuite>`; problems fail its cases if it is `strict`."""

    def __init__(self, name: str, strict: bool = True) -> None:
        self._strict = strict
        self._name = clean(name)
        self.element = Xml.Element("testsuite", name=self._name)

    def add_case(
        self, name: str, kind: str, problems: Sequence[str], *, skipped: str = "", output: Sequence[str] = ()
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

    def finish(self) -> Xml.Element:
        """Set the counts and return the element."""
        self.element.set("tests", str(len(self.element)))
        for name, tag in (("failures", "failure"), ("skipped", "skipped")):
            self.element.set(name, str(len(self.element.findall(f"testcase/{tag}"))))
        return self.element


def _place(requests: str, tests: str) -> str:
    return f"{requests} {tests}" if tests else requests
