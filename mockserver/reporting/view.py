"""A report as rows of plain text in one language, for the text, HTML, Markdown and JUnit formats.

Every text that a client can influence is cleaned here: it becomes one line of limited length without control
characters.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mockserver.contract.readings import DEFAULTS
from mockserver.contract.violations import shorten
from mockserver.core.text import Lang, Text, pluralize
from mockserver.core.yaml_reader import read_texts
from mockserver.reporting.coverage import GIVEN, LEFT_OUT, Cell, OperationCoverage
from mockserver.reporting.report import FailCriteria, Report, ViolationGroup, find_failures
from mockserver.reporting.retries import ErrorHandling, action_text

MAX_TEXT = 400  # Characters of one text.
MAX_GROUPS = 200  # Rows of violations: a client can send any number of unknown field names.
_TEXTS = read_texts(Path(__file__).with_name("texts.yaml"))
LABELS: dict[str, Text] = _TEXTS["labels"]
_SENTENCES: dict[str, Text] = _TEXTS["sentences"]


@dataclass(frozen=True, slots=True)
class ViolationRow:
    """A group of violations."""

    times: int
    name: str
    section: str
    where: str
    operation: str
    outcome: str
    text: str
    flags: str  # `[over several requests, expected]`; empty if there are none.
    requests: str
    tests: str  # `in tests/test_a.py::test_b`; empty if the tests are unknown.


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A mistake in error handling."""

    text: str
    name: str
    requests: str
    tests: str


@dataclass(frozen=True, slots=True)
class HandlingRow:
    """The reactions of clients to one error of one operation."""

    times: int
    error: str
    operation: str
    advice: str
    actions: list[str]
    findings: list[FindingRow]


@dataclass(frozen=True, slots=True)
class OperationRow:
    """The coverage of one operation."""

    name: str
    section: str
    requests: int
    counted: str  # `2 requests`.
    share: str  # `3/17`: covered cells and the denominator.
    covered: list[str]
    missing: list[str]
    faults: list[str]
    readings: list[str]


class ReportView:
    """The rows of a report in one language."""

    def __init__(self, report: Report, lang: Lang, criteria: FailCriteria) -> None:
        self.report, self.lang, self.criteria = report, lang, criteria
        self.label = {name: text.to(lang) for name, text in LABELS.items()}
        coverage = report.coverage
        self.summary = self._fill(
            "summary",
            requests=report.requests,
            counted=pluralize(report.requests, "request"),
            apps=report.apps,
            accepted=report.accepted,
            refused=report.requests - report.accepted,
        )
        counted = pluralize(report.evicted, "older request")
        self.notes = [self._fill("unnamed", count=report.unnamed)] if report.unnamed else []
        self.notes += [self._fill("evicted", count=report.evicted, counted=counted)] if report.evicted else []
        self.failures = [failure.to(lang) for failure in find_failures(report, criteria)]
        wrong = report.findings or any(not group.expected for group in report.violations)
        self.verdict = self._fill("not_failing" if wrong else "fine", option=clean(criteria.option))
        self.is_fine = not wrong
        failed = [f"{self.label['failed']}: {failure}" for failure in self.failures]
        self.result = "\n".join(failed or [self.verdict])
        """The last lines of a report: the reasons why the run fails, or one line saying that it does not."""
        more = len(report.violations) - MAX_GROUPS
        self.more = self._fill("more", count=more) if more > 0 else ""
        self.percent = f"{coverage.percent:g} %"
        basic = coverage.operations_and_fields
        self.coverage = self._fill(
            "coverage",
            percent=self.percent,
            share=f"{coverage.covered}/{coverage.total}",
            basic=f"{basic.percent:g} %",
            basic_share=f"{basic.covered}/{basic.total}",
        )  # The percentages in one line.
        self.shared_share = f"{sum(bool(cell.times) for cell in coverage.shared)}/{len(coverage.shared)}"
        self.shared_covered = self._counted(cell for cell in coverage.shared if cell.times)
        self.shared_missing = [self._cell(cell) for cell in coverage.shared if not cell.times]
        self.operations = [self._operation(part) for part in coverage.operations]
        self.faults = self._counted(cell for cell in coverage.faults if cell.times)
        self.readings = self._counted(_chosen(coverage.readings))
        self.scenarios = [f"{clean(name)} ×{times}" for name, times in report.scenarios]

    @cached_property
    def violations(self) -> list[ViolationRow]:
        """The first `MAX_GROUPS` groups of violations; `more` is a line with the number of the others."""
        return [self.violation(group) for group in self.report.violations[:MAX_GROUPS]]

    @cached_property
    def handling(self) -> list[HandlingRow]:
        """The reactions of clients to each error."""
        return [self._handling(row) for row in self.report.error_handling]

    def violation(self, group: ViolationGroup) -> ViolationRow:
        """Return the row of one group of violations."""
        example = group.example
        flags = ["across"] if group.across else ["tolerated"] if example.tolerated else []
        flags += ["expected"] if group.expected else []
        return ViolationRow(
            times=group.times,
            name=clean(example.name),
            section=clean(example.section),
            where=clean(example.where),
            operation=clean(group.operation) or self.label["no_operation"],
            outcome=clean(group.outcome),
            text=clean(example.text.to(self.lang)),
            flags=f"[{', '.join(map(self._fill, flags))}]" if flags else "",
            requests=_join(group.requests),
            tests=self._tests(group.requests),
        )

    def _handling(self, row: ErrorHandling) -> HandlingRow:
        return HandlingRow(
            times=row.times,
            error=clean(row.rule.error),
            operation=clean(row.operation),
            advice=clean(row.rule.advice.to(self.lang)),
            actions=[
                f"{action_text(action, row.rule).to(self.lang)} ×{times}"
                for action, times in row.actions.items()
                if times
            ],
            findings=[
                FindingRow(
                    clean(each.text.to(self.lang)), each.action, _join(each.requests), self._tests(each.requests)
                )
                for each in row.findings
            ],
        )

    def _operation(self, part: OperationCoverage) -> OperationRow:
        return OperationRow(
            name=part.operation,
            section=part.section,
            requests=part.requests,
            counted=f"{part.requests} 个请求" if self.lang == "zh" else pluralize(part.requests, "request"),
            share=f"{sum(bool(cell.times) for cell in part.cells)}/{len(part.cells)}",
            covered=self._counted(cell for cell in (*part.outcomes, *part.fields) if cell.times),
            missing=[self._cell(cell) for cell in part.cells if not cell.times],
            faults=self._counted(part.faults),
            readings=self._counted(_chosen(part.readings)),
        )

    def _tests(self, requests: Iterable[str]) -> str:
        tests = _join(self.report.tests_of(requests))
        return f"{self._fill('in_tests')} {tests}" if tests else ""

    def _counted(self, cells: Iterable[Cell]) -> list[str]:
        return [f"{self._cell(cell)} ×{cell.times}" for cell in cells]

    def _cell(self, cell: Cell) -> str:
        """Return `BeginTime omitted`, `CountBy = 3` or `room_not_found`."""
        name = clean(cell.name)
        if cell.value in (GIVEN, LEFT_OUT):
            return f"{name} {self._fill(cell.value)}"
        return f"{name} = {clean(cell.value)}" if cell.value else name

    def _fill(self, name: str, **values: object) -> str:
        """Return a sentence with its placeholders filled."""
        return _SENTENCES[name].to(self.lang).format(**values)


def clean(text: object) -> str:
    """Return a client's text as one short line without control characters."""
    return shorten(str(text), MAX_TEXT)


def _join(texts: Iterable[str]) -> str:
    return ", ".join(map(clean, texts))


def _chosen(cells: Iterable[Cell]) -> list[Cell]:
    """Return the readings in force that are not the defaults."""
    return [cell for cell in cells if cell.times and cell.value != str(DEFAULTS[cell.name])]
