"""A report as plain data for JSON; the shape is a promise: keys are added, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mockserver.core.text import Lang, Text
from mockserver.reporting.coverage import Cell, Coverage
from mockserver.reporting.entry_json import violation_json
from mockserver.reporting.report import Report
from mockserver.reporting.retries import Finding
from mockserver.reporting.verification import Verification

VERSION = 1


def report_json(report: Report, lang: Lang = "en", complaints: Sequence[Text] = ()) -> dict[str, Any]:
    """The whole report."""
    return {
        "version": VERSION,
        "requests": report.requests,
        "evicted": report.evicted,
        "accepted": report.accepted,
        "refused": report.requests - report.accepted,
        "apps": report.apps,
        "unnamed": report.unnamed,
        "scenarios": dict(report.scenarios),
        "coverage": coverage_json(report.coverage),
        "violations": [
            {
                "operation": group.operation,
                "outcome": group.outcome,
                "times": group.times,
                "requests": list(group.requests),
                "across": group.across,
                "excused": group.expected,
                "tests": list(report.tests_of(group.requests)),
                **violation_json(group.example, lang),
            }
            for group in report.violations
        ],
        "error_handling": [
            {
                "operation": one.operation,
                "error": one.rule.error,
                "times": one.times,
                "should": one.rule.next,
                "advice": one.rule.advice.to(lang),
                "did": dict(one.did),
                "findings": [_finding(finding, report, lang) for finding in one.findings],
            }
            for one in report.error_handling
        ],
        "complaints": [one.to(lang) for one in complaints],
    }


def coverage_json(coverage: Coverage) -> dict[str, Any]:
    """`GET coverage`: per operation its outcomes and fields, then readings and faults."""
    return {
        "percent": coverage.percent,
        "met": coverage.met,
        "of": coverage.of,
        "unknown": coverage.unknown,
        "operations": [
            {
                "operation": one.operation,
                "section": one.section,
                "requests": one.requests,
                "outcomes": [_cell(cell) for cell in one.outcomes],
                "fields": [{**_cell(cell), "value": cell.value} for cell in one.fields],
                **_beside(one.readings, one.faults),
            }
            for one in coverage.operations
        ],
        **_beside(coverage.readings, coverage.faults),
    }


def _beside(readings: Sequence[Cell], faults: Sequence[Cell]) -> dict[str, Any]:
    return {
        "readings": [{"name": cell.name, "value": cell.value, "times": cell.times} for cell in readings],
        "faults": [{"name": cell.name, "times": cell.times} for cell in faults],
    }


def verification_json(verdict: Verification, lang: Lang = "en") -> dict[str, Any]:
    """`POST requests/verify`: the verdict with its near misses."""
    return {
        "ok": verdict.ok,
        "count": verdict.count,
        "evicted": verdict.evicted,
        "message": verdict.message.to(lang),
        "near": [
            {
                "id": miss.entry.id,
                "operation": miss.entry.operation,
                "differences": [
                    {"what": one.what, "wanted": one.expected, "got": one.actual, "text": one.text.to(lang)}
                    for one in miss.differences
                ],
            }
            for miss in verdict.near
        ],
    }


def _cell(cell: Cell) -> dict[str, Any]:
    return {"name": cell.name, "times": cell.times, "counts": cell.counts}


def _finding(finding: Finding, report: Report, lang: Lang) -> dict[str, Any]:
    return {
        "did": finding.did,
        "times": finding.times,
        "text": finding.text.to(lang),
        "requests": list(finding.requests),
        "tests": list(report.tests_of(finding.requests)),
    }
