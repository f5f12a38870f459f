"""A report flattened into rows of plain text in one language, which the text, HTML and JUnit formats lay out.

Every text that a client can influence is cleaned here: one line of limited length without control characters.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from mockserver.contract.readings import DEFAULTS
from mockserver.contract.violations import shorten
from mockserver.core.text import Lang, Text, pluralize
from mockserver.reporting.coverage import GIVEN, LEFT_OUT, Cell, OperationCoverage
from mockserver.reporting.report import FailCriteria, Report, ViolationGroup, find_failures
from mockserver.reporting.retries import ErrorHandling, action_text

MAX_TEXT = 400  # Characters of one text.
MAX_GROUPS = 200  # Rows of violations; a client can invent any number of field names.
_PRESENCE = {GIVEN: Text("given", "有值"), LEFT_OUT: Text("left out", "省略")}

LABELS = {
    "title": Text("Contract report", "契约测试报告"),
    "coverage": Text("Coverage", "覆盖率"),
    "requests": Text("requests", "请求数"),
    "violations": Text("Violations", "违规"),
    "handling": Text("Error handling", "错误处理"),
    "no_errors": Text("no error was returned", "未返回错误"),
    "operation": Text("operation", "接口"),
    "covered": Text("covered", "已覆盖"),
    "missing": Text("not covered", "未覆盖"),
    "times": Text("times", "次数"),
    "what": Text("what", "内容"),
    "where": Text("where", "位置"),
    "after": Text("after", "错误"),
    "should": Text("expected", "正确做法"),
    "did": Text("what the client did", "客户端的做法"),
    "readings": Text("Readings in force other than the defaults", "生效的非默认读法"),
    "faults": Text("Faults", "故障"),
    "scenarios": Text("Scenarios", "场景"),
    "none": Text("none", "无"),
    "failed": Text("failed", "未通过"),
    "shared": Text("errors of every operation", "各接口共有的错误"),
    "no_operation": Text("(no operation)", "（无接口）"),
}
_FINE = Text("nothing fails this run", "没有导致失败的问题")
_NOT_FAILING = Text(
    "Violations do not fail this run; {option} makes them.", "违规不影响本次结果；加 {option} 则判为失败"
)
_SUMMARY = Text(
    "{counted} (apps: {apps}): {accepted} accepted, {refused} refused",
    "{apps} 个应用的 {requests} 个请求：成功 {accepted}，失败 {refused}",
)
_COVERAGE = Text(
    "{percent} ({share}); operations and fields: {basic} ({basic_share})",
    "{percent}（{share}）；接口与字段：{basic}（{basic_share}）",
)
_UNNAMED = Text("{count} of them named no registered app", "其中 {count} 个请求未使用已注册的应用")
_EVICTED = Text(
    "{counted} left the journal earlier and are not part of this report",
    "已有 {count} 个较早的请求移出日志，本报告未计入",
)
_MORE = Text("… and {count} more; the JSON format lists all", "… 另有 {count} 项，完整内容见 JSON")
_ACROSS, _TOLERATED, _EXPECTED = (
    Text("over several requests", "跨请求"),
    Text("tolerated", "已容忍"),
    Text("expected", "预期"),
)
_IN_TESTS = Text("in", "测试")


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
    """What clients did after one error of one operation."""

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
    share: str  # `3/17`: how much of the denominator is covered.
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
            _SUMMARY,
            requests=report.requests,
            counted=pluralize(report.requests, "request"),
            apps=report.apps,
            accepted=report.accepted,
            refused=report.requests - report.accepted,
        )
        counted = pluralize(report.evicted, "older request")
        self.notes = [self._fill(_UNNAMED, count=report.unnamed)] if report.unnamed else []
        self.notes += [self._fill(_EVICTED, count=report.evicted, counted=counted)] if report.evicted else []
        self.failures = [failure.to(lang) for failure in find_failures(report, criteria)]
        wrong = report.findings or any(not group.expected for group in report.violations)
        self.verdict = self._fill(_NOT_FAILING if wrong else _FINE, option=clean(criteria.option))
        self.is_fine = not wrong
        failed = [f"{self.label['failed']}: {failure}" for failure in self.failures]
        self.result = "\n".join(failed or [self.verdict])
        """The last lines of a report: why the run fails, or that it does not."""
        more = len(report.violations) - MAX_GROUPS
        self.more = self._fill(_MORE, count=more) if more > 0 else ""
        self.percent = f"{coverage.percent:g} %"
        basic = coverage.operations_and_fields
        self.coverage = self._fill(
            _COVERAGE,
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
        """The first groups of violations; `more` says how many are left out."""
        return [self.violation(group) for group in self.report.violations[:MAX_GROUPS]]

    @cached_property
    def handling(self) -> list[HandlingRow]:
        """What clients did after each error."""
        return [self._handling(row) for row in self.report.error_handling]

    def violation(self, group: ViolationGroup) -> ViolationRow:
        """Return the row of one group of violations."""
        example = group.example
        flags = [_ACROSS] if group.across else [_TOLERATED] if example.tolerated else []
        flags += [_EXPECTED] if group.expected else []
        return ViolationRow(
            times=group.times,
            name=clean(example.name),
            section=clean(example.section),
            where=clean(example.where),
            operation=clean(group.operation) or self.label["no_operation"],
            outcome=clean(group.outcome),
            text=clean(example.text.to(self.lang)),
            flags=f"[{', '.join(flag.to(self.lang) for flag in flags)}]" if flags else "",
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
        return f"{_IN_TESTS.to(self.lang)} {tests}" if tests else ""

    def _counted(self, cells: Iterable[Cell]) -> list[str]:
        return [f"{self._cell(cell)} ×{cell.times}" for cell in cells]

    def _cell(self, cell: Cell) -> str:
        """Return `BeginTime left out`, `CountBy = 3` or `room_not_found`."""
        name = clean(cell.name)
        if cell.value in _PRESENCE:
            return f"{name} {_PRESENCE[cell.value].to(self.lang)}"
        return f"{name} = {clean(cell.value)}" if cell.value else name

    def _fill(self, text: Text, **values: object) -> str:
        return text.to(self.lang).format(**values)


def clean(text: object) -> str:
    """Return a client's text as one short line without anything that a terminal, XML or a browser acts on."""
    return shorten(str(text), MAX_TEXT)


def _join(texts: Iterable[str]) -> str:
    return ", ".join(map(clean, texts))


def _chosen(cells: Iterable[Cell]) -> list[Cell]:
    """Return the readings in force that are not the defaults."""
    return [cell for cell in cells if cell.times and cell.value != str(DEFAULTS[cell.name])]
