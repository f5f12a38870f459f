"""The words that all forms of a report share, in both languages, and how a client's text is shown."""

from __future__ import annotations

from collections.abc import Iterable

from mockserver.contract.readings import DEFAULTS
from mockserver.contract.retry_rules import RetryRule
from mockserver.contract.violations import shorten
from mockserver.core.text import Lang, Text, pluralize
from mockserver.reporting.coverage import GIVEN, LEFT_OUT, Cell, Coverage, OperationCoverage
from mockserver.reporting.report import FailCriteria, Report, ViolationGroup
from mockserver.reporting.retries import GOOD, Did, bad_text

MOST_SHOWN = 400
"""Characters of one text."""
MOST_GROUPS = 200
"""Rows of violations for people; a client can make up any number of field names."""
PRESENCE = {GIVEN: Text("given", "有值"), LEFT_OUT: Text("left out", "省略")}

WORDS = {
    "title": Text("Contract report", "契约测试报告"),
    "coverage": Text("Coverage", "覆盖率"),
    "requests": Text("requests", "请求"),
    "count": Text("{counted}", "{count} 个请求"),
    "summary": Text(
        "{counted} (apps: {apps}): {accepted} accepted, {refused} refused",
        "{apps} 个应用的 {requests} 个请求：成功 {accepted}，失败 {refused}",
    ),
    "violations": Text("Violations", "违反契约"),
    "no_violations": Text("none", "无"),
    "handling": Text("Error handling", "错误处理"),
    "no_errors": Text("no error was met", "未遇到错误"),
    "operations": Text("Operations", "接口"),
    "operation": Text("operation", "接口"),
    "met": Text("met", "已覆盖"),
    "missing": Text("not met", "未覆盖"),
    "times": Text("times", "次数"),
    "what": Text("what", "内容"),
    "where": Text("where", "位置"),
    "after": Text("after", "错误"),
    "should": Text("a good client does", "正确做法"),
    "did": Text("what the client did", "客户端的做法"),
    "readings": Text("Readings in force other than the defaults", "生效的非默认读法"),
    "faults": Text("Faults met", "遇到的故障"),
    "scenarios": Text("Scenarios", "场景"),
    "none": Text("none", "无"),
    "fine": Text("nothing fails this run", "没有导致失败的问题"),
    "not_asked": Text(
        "Violations do not fail this run; {option} makes them.",
        "违规不影响本次结果；加 {option} 则判为失败",
    ),
    "failed": Text("failed", "未通过"),
    "other": Text("(no operation)", "（无接口）"),
    "tolerated": Text("tolerated", "已容忍"),
    "evicted": Text(
        "{counted} left the journal earlier: this report does not count what is gone",
        "已有 {count} 个较早的请求移出日志，本报告未计入",
    ),
    "more": Text("… and {count} more; the JSON form tells all", "… 另有 {count} 项，完整内容见 JSON"),
    "expected": Text("expected", "预期"),
    "in_tests": Text("in", "测试"),
    "unnamed": Text("{count} of them named no registered app", "其中 {count} 个请求未使用已注册的应用"),
    "across": Text("over several requests", "跨请求"),
}


def clean(text: object) -> str:
    """A client's text for people: one line, not long, nothing that a terminal, XML or a browser acts on."""
    return shorten(str(text), MOST_SHOWN)


def evicted_note(report: Report, lang: Lang) -> str:
    """What the report does not know; empty when it knows all."""
    words = {"count": report.evicted, "counted": pluralize(report.evicted, "older request")}
    return WORDS["evicted"].to(lang).format(**words) if report.evicted else ""


def verdict(report: Report, lang: Lang, demands: FailCriteria) -> str:
    """The last word on a run without complaints: is it fine, or was nobody asked."""
    wrong = report.findings or any(not group.expected for group in report.violations)
    return WORDS["not_asked" if wrong else "fine"].to(lang).format(option=clean(demands.option))


def tests_note(report: Report, requests: Iterable[str], lang: Lang) -> str:
    """`in tests/test_a.py::test_one`: the tests behind some requests; empty when nobody told."""
    tests = ", ".join(map(clean, report.tests_of(requests)))
    return f"{WORDS['in_tests'].to(lang)} {tests}" if tests else ""


def mark(group: ViolationGroup, lang: Lang) -> str:
    """What sets a group of violations apart: `[over several requests, expected]`; empty when nothing does."""
    across = "across" if group.across else "tolerated" if group.example.tolerated else ""
    words = [WORDS[one].to(lang) for one in (across, "expected" if group.expected else "") if one]
    return f" [{', '.join(words)}]" if words else ""


def unnamed_note(report: Report, lang: Lang) -> str:
    """How many requests nobody can be asked about; empty when there are none."""
    return WORDS["unnamed"].to(lang).format(count=report.unnamed) if report.unnamed else ""


def summary(report: Report, lang: Lang) -> str:
    """How many requests there were and how they were answered."""
    words = {
        "requests": report.requests,
        "counted": pluralize(report.requests, "request"),
        "apps": report.apps,
        "accepted": report.accepted,
        "refused": report.requests - report.accepted,
    }
    return WORDS["summary"].to(lang).format(**words)


def requests_text(part: OperationCoverage, lang: Lang) -> str:
    """How many requests an operation had."""
    words = {"count": part.requests, "counted": pluralize(part.requests, "request")}
    return WORDS["count"].to(lang).format(**words)


def more_note(report: Report, lang: Lang) -> str:
    """How many groups of violations are not shown; empty when all are."""
    left = len(report.violations) - MOST_GROUPS
    return WORDS["more"].to(lang).format(count=left) if left > 0 else ""


def chosen_readings(coverage: Coverage | OperationCoverage) -> list[Cell]:
    """The readings in force that are not the default ones."""
    return [cell for cell in coverage.readings if cell.times and cell.value != str(DEFAULTS[cell.name])]


def did_text(did: Did, rule: RetryRule, lang: Lang) -> str:
    """What a client did after an error."""
    return (GOOD[did] if did in GOOD else bad_text(did, rule)).to(lang)


def cell_name(cell: Cell, lang: Lang) -> str:
    """`BeginTime left out`, `CountBy = 3`, `room_not_found`."""
    name = clean(cell.name)
    if not cell.value:
        return name
    said = PRESENCE.get(cell.value)
    return f"{name} {said.to(lang)}" if said else f"{name} = {clean(cell.value)}"


def met_cells(part: OperationCoverage) -> list[Cell]:
    """What clients met, what does not count included."""
    return [cell for cell in (*part.outcomes, *part.fields) if cell.times]


def missing_cells(part: OperationCoverage) -> list[Cell]:
    """What counts and was not met."""
    return [cell for cell in part.cells if not cell.times]
