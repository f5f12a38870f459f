"""A report as JUnit XML: a case an operation and outcome; violations and bad error handling stand at theirs.

They are failures where they are to fail the run, and output of a case that passed elsewhere.
An outcome that counts and was not met is a skipped test; the run as a whole is a test case of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

# Writes XML, parses none.
from xml.etree import ElementTree as Xml  # nosec B405

from mockserver.core.text import Lang, Text
from mockserver.reporting.report import NO_CRITERIA, FailCriteria, Report, ViolationGroup
from mockserver.reporting.report_texts import WORDS, clean, evicted_note, tests_note, unnamed_note, verdict

Wrong = tuple[str, list[str]]
"""Its type and its lines."""


def render_junit(
    report: Report, lang: Lang = "en", complaints: Sequence[Text] = (), demands: FailCriteria = NO_CRITERIA
) -> str:
    """The report as an XML document."""
    root = Xml.Element("testsuites", name="mockserver")
    run = _Suite("mockserver")
    told = () if complaints else (verdict(report, lang, demands),)
    run.case(
        "run",
        wrong=("run", [one.to(lang) for one in complaints]),
        output="\n".join(filter(None, (unnamed_note(report, lang), evicted_note(report, lang), *told))),
    )
    suites = [run, *_operations(report, lang, demands), _handling(report, lang, demands)]
    for suite in suites:
        suite.close(root)
    for name in ("tests", "failures", "skipped"):
        root.set(name, str(sum(int(suite.element.get(name, "0")) for suite in suites)))
    Xml.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{Xml.tostring(root, encoding="unicode")}\n'


def _operations(report: Report, lang: Lang, demands: FailCriteria) -> Iterator[_Suite]:
    """A suite for each operation, then one for what names none."""
    groups: dict[str, dict[str, list[ViolationGroup]]] = defaultdict(lambda: defaultdict(list))
    for group in report.violations:
        if group.expected:
            continue
        groups[group.operation][group.outcome].append(group)
    for part in report.coverage.operations:
        suite = _Suite(part.operation, strict=demands.fail_on_violations)
        own = groups.pop(part.operation, {})
        for cell in part.outcomes:
            if cell.counts or cell.times:
                suite.case(
                    cell.name,
                    wrong=_departures(report, own.pop(cell.name, ()), lang),
                    skipped="" if cell.times else WORDS["missing"].to(lang),
                )
        for outcome, left in own.items():
            suite.case(outcome, wrong=_departures(report, left, lang))
        yield suite
    for operation, outcomes in groups.items():
        suite = _Suite(operation or WORDS["other"].to(lang), strict=demands.fail_on_violations)
        for outcome, left in outcomes.items():
            suite.case(outcome, wrong=_departures(report, left, lang))
        yield suite


def _handling(report: Report, lang: Lang, demands: FailCriteria) -> _Suite:
    """A case for each error that was met."""
    suite = _Suite("error handling", strict=demands.fail_on_violations)
    for one in report.error_handling:
        lines = [
            f"{found.text.to(lang)} [{found.did}] ({_place(report, found.requests, lang)})"
            for found in one.findings
        ]
        advice = [f"{WORDS['should'].to(lang)}: {one.rule.advice.to(lang)}"] if lines else []
        suite.case(f"{one.operation} after {one.rule.error}", wrong=("error_handling", lines + advice))
    return suite


class _Suite:
    """One `<testsuite>` that counts its cases; what is wrong fails them when it is `strict`."""

    def __init__(self, name: str, *, strict: bool = True) -> None:
        self._strict = strict
        self.name = clean(name)
        self.element = Xml.Element("testsuite", name=self.name)

    def case(self, name: str, *, wrong: Wrong, skipped: str = "", output: str = "") -> None:
        """Add a case with what is wrong and what else there is to say."""
        case = Xml.SubElement(self.element, "testcase", classname=self.name, name=clean(name), time="0")
        kind, lines = wrong[0], [clean(line) for line in wrong[1]]
        said = [clean(line) for line in output.splitlines()]
        if lines and not self._strict:
            said += lines
        elif lines:
            failure = Xml.SubElement(case, "failure", type=kind, message=lines[0])
            failure.text = "\n".join(lines)
        elif skipped:
            Xml.SubElement(case, "skipped", message=skipped)
        if said:
            Xml.SubElement(case, "system-out").text = "\n".join(said)

    def close(self, root: Xml.Element) -> None:
        """Write the counts and hang the suite into the document."""
        self.element.set("tests", str(len(self.element)))
        for name, tag in (("failures", "failure"), ("skipped", "skipped")):
            self.element.set(name, str(len(self.element.findall(f"testcase/{tag}"))))
        root.append(self.element)


def _departures(report: Report, groups: Iterable[ViolationGroup], lang: Lang) -> Wrong:
    names, lines = [], []
    for group in groups:
        one = group.example
        names.append(one.name)
        place = _place(report, group.requests, lang)
        lines.append(f"{group.times} × {one.name} {one.where}: {one.text.to(lang)} ({place})")
    return " ".join(dict.fromkeys(names)), lines


def _place(report: Report, requests: Sequence[str], lang: Lang) -> str:
    """The requests, and the tests they belong to."""
    return " ".join(filter(None, (", ".join(requests), tests_note(report, requests, lang))))
