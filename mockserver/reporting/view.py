"""A report as rows of plain text in one language, for the text, HTML, Markdown and JUnit formats.

Every text that a client can influence is cleaned here: it becomes one line of limited length without control
characters.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from mockserver.contract.readings import DEFAULTS
from mockserver.contract.violations import shorten
from mockserver.core.text import Lang, Text, pluralize
from mockserver.reporting.coverage import GIVEN, LEFT_OUT, Cell, OperationCoverage
from mockserver.reporting.report import FailCriteria, Report, ViolationGroup, find_failures
from mockserver.reporting.retries import ErrorHandling, action_text
from mockserver.reporting.texts import TEXTS

Row = dict[str, Any]
"""The values of one row by the names that the templates use; all texts are clean."""
MAX_TEXT = 400  # Characters of one text.
MAX_GROUPS = 200  # Rows of violations: a client can send any number of unknown field names.


class ReportView:
    """The rows of a report in one language."""

    def __init__(self, report: Report, lang: Lang, criteria: FailCriteria) -> None:
        self.report, self.lang, self.criteria = report, lang, criteria
        self.label = {name: text.to(lang) for name, text in TEXTS["labels"].items()}
        coverage = report.coverage
        refused, counted = report.requests - report.accepted, pluralize(report.requests, "request")
        self.summary = self._fill("summary", report=report, counted=counted, refused=refused)
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
        whole, basic = coverage.whole, coverage.operations_and_fields
        self.percent = f"{whole.percent:g} %"
        self.coverage = self._fill("coverage", whole=whole, basic=basic)  # The percentages in one line.
        self.shared_share = f"{sum(bool(cell.times) for cell in coverage.shared)}/{len(coverage.shared)}"
        self.shared_covered = self._counted(cell for cell in coverage.shared if cell.times)
        self.shared_missing = [self._cell(cell) for cell in coverage.shared if not cell.times]
        self.operations = [self._operation(part) for part in coverage.operations]
        self.faults = self._counted(cell for cell in coverage.faults if cell.times)
        self.readings = self._counted(_chosen(coverage.readings))
        self.scenarios = [f"{clean(name)} ×{times}" for name, times in report.scenarios]

    @cached_property
    def violations(self) -> list[Row]:
        """The first `MAX_GROUPS` groups of violations; `more` is a line with the number of the others."""
        return [self.violation(group) for group in self.report.violations[:MAX_GROUPS]]

    @cached_property
    def handling(self) -> list[Row]:
        """The reactions of clients to each error."""
        return [self._handling(row) for row in self.report.error_handling]

    def violation(self, group: ViolationGroup) -> Row:
        """Return the row of one group of violations."""
        example = group.example
        flags = ["across"] if group.across else ["tolerated"] if example.tolerated else []
        flags += ["expected"] if group.expected else []
        return {
            "times": group.times,
            "name": clean(example.name),
            "section": clean(example.section),
            "where": clean(example.where),
            "operation": clean(group.operation) or self.label["no_operation"],
            "outcome": clean(group.outcome),
            "text": clean(example.text.to(self.lang)),
            "flags": f"[{', '.join(map(self._fill, flags))}]" if flags else "",
            "requests": _join(group.requests),
            "tests": self._tests(group.requests),
        }

    def _handling(self, row: ErrorHandling) -> Row:
        return {
            "times": row.times,
            "error": clean(row.rule.error),
            "operation": clean(row.operation),
            "advice": clean(row.rule.advice.to(self.lang)),
            "actions": [
                f"{action_text(action, row.rule).to(self.lang)} ×{times}"
                for action, times in row.actions.items()
                if times
            ],
            "findings": [
                {
                    "text": clean(each.text.to(self.lang)),
                    "name": each.action,
                    "requests": _join(each.requests),
                    "tests": self._tests(each.requests),
                }
                for each in row.findings
            ],
        }

    def _operation(self, part: OperationCoverage) -> Row:
        return {
            "name": part.operation,
            "section": part.section,
            "requests": part.requests,
            "counted": f"{part.requests} 个请求" if self.lang == "zh" else pluralize(part.requests, "request"),
            "share": f"{sum(bool(cell.times) for cell in part.cells)}/{len(part.cells)}",
            "covered": self._counted(cell for cell in (*part.outcomes, *part.fields) if cell.times),
            "missing": [self._cell(cell) for cell in part.cells if not cell.times],
            "faults": self._counted(part.faults),
            "readings": self._counted(_chosen(part.readings)),
        }

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
        text: Text = TEXTS["sentences"][name]
        return text.to(self.lang).format(**values)


def clean(text: object) -> str:
    """Return a client's text as one short line without control characters."""
    return shorten(str(text), MAX_TEXT)


def _join(texts: Iterable[str]) -> str:
    return ", ".join(map(clean, texts))


def _chosen(cells: Iterable[Cell]) -> list[Cell]:
    """Return the readings in force that are not the defaults."""
    return [cell for cell in cells if cell.times and cell.value != str(DEFAULTS[cell.name])]
