"""The JSON shapes of entries, reports and verifications. They are stable: keys may be added, but never change."""

from __future__ import annotations

import base64
import codecs
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from mockserver.contract.violations import Violation
from mockserver.core.clock import show_time
from mockserver.core.text import Lang, Text
from mockserver.engine.journal_entry import Cut, JournalEntry, redact_body, redact_fields, redact_query
from mockserver.reporting.coverage import Cell, Coverage
from mockserver.reporting.report import Report
from mockserver.reporting.verification import Verification

REPORT_VERSION = 1


def entry_json(entry: JournalEntry, lang: Lang = "en") -> dict[str, Any]:
    """Return a journal entry: bodies as text if they are UTF-8, else as base64; `time` in UTC+8; secrets masked."""
    main, request = None, entry.request
    if entry.violations:
        main = next((violation for violation in entry.violations if not violation.tolerated), entry.violations[0])
    # Attributes by name, not `pick`: ten thousand entries are listed at once.
    return {
        "id": entry.id,
        "kind": entry.kind,
        "at": entry.at,
        "time": show_time(entry.at, "milliseconds"),
        "appkey": entry.appkey,
        "operation": entry.operation,
        "accepted": entry.accepted,
        "error": entry.error,
        "scenario": entry.scenario,
        "by": entry.by,
        "faults": list(entry.faults),
        "near": entry.near,
        "request": {
            "method": request.method,
            "path": request.path,
            "query": redact_query(entry.query),
            "headers": dict(request.headers),
            **_content(request.body, entry.body_cut, redact_body),
            "json": redact_fields(entry.fields),
            "json_cut": entry.fields_cut,
        },
        "violations": [violation_json(violation, lang) for violation in entry.violations],
        "diagnosis": main.text.to(lang) if main else entry.detail,
        "answer": {
            "status": entry.status,
            "empty": entry.empty,
            "spoiled": entry.spoiled,
            **_content(entry.answer, entry.answer_cut),
        },
        "readings": dict(entry.readings),
        "seconds": entry.seconds,
        "delivery_seconds": entry.delivery,
    }


def violation_json(violation: Violation, lang: Lang = "en") -> dict[str, Any]:
    """Return a violation with its text in one language and in both."""
    return {
        **pick(violation, "name", "error", "where", "expected", "got", "section"),
        "text": violation.text.to(lang),
        "texts": violation.text._asdict(),
        **pick(violation, "diagnosis", "tolerated"),
    }


def report_json(report: Report, lang: Lang = "en", failures: Sequence[str] = ()) -> dict[str, Any]:
    """Return the whole report, with the reasons why the run fails."""
    return {
        "version": REPORT_VERSION,
        **pick(report, "requests", "evicted", "accepted"),
        "refused": report.requests - report.accepted,
        **pick(report, "apps", "unnamed"),
        "scenarios": dict(report.scenarios),
        "coverage": coverage_json(report.coverage),
        "violations": [
            {
                **pick(group, "operation", "outcome", "times"),
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
                "operation": row.operation,
                "error": row.rule.error,
                "times": row.times,
                "should": row.rule.next,
                "advice": row.rule.advice.to(lang),
                "did": dict(row.actions),
                "findings": [
                    {
                        **pick(finding, did="action", times="times", text="text", lang=lang),
                        "requests": list(finding.requests),
                        "tests": list(report.tests_of(finding.requests)),
                    }
                    for finding in row.findings
                ],
            }
            for row in report.error_handling
        ],
        "complaints": list(failures),
    }


def coverage_json(coverage: Coverage) -> dict[str, Any]:
    """Return the coverage: outcomes and fields of each operation, then readings and faults."""
    return {
        **pick(coverage.whole, "percent", met="covered", of="total"),
        "unknown": coverage.unknown,
        "operations": [
            {
                **pick(part, "operation", "section", "requests"),
                "outcomes": _cells(part.outcomes, "counts"),
                "fields": _cells(part.fields, "counts", "value"),
                "readings": _cells(part.readings, "value"),
                "faults": _cells(part.faults),
            }
            for part in coverage.operations
        ],
        "readings": _cells(coverage.readings, "value"),
        "faults": _cells(coverage.faults),
        "shared": _cells(coverage.shared, "counts"),
        "operations_and_fields": pick(coverage.operations_and_fields, "percent", met="covered", of="total"),
    }


def verification_json(verification: Verification, lang: Lang = "en") -> dict[str, Any]:
    """Return a verification with its near misses."""
    return {
        **pick(verification, "ok", "count", "evicted"),
        "message": verification.message.to(lang),
        "near": [
            {
                "id": entry.id,
                "operation": entry.operation,
                "differences": [
                    pick(difference, "what", wanted="expected", got="actual", text="text", lang=lang)
                    for difference in differing
                ],
            }
            for entry, differing in verification.near
        ],
    }


def pick(item: object, *names: str, lang: Lang = "en", **renamed: str) -> dict[str, Any]:
    """Return the named attributes of an item, texts in one language; `key="attribute"` gives one another name."""
    values = {key: getattr(item, name) for key, name in (*zip(names, names, strict=True), *renamed.items())}
    return {key: value.to(lang) if isinstance(value, Text) else value for key, value in values.items()}


def _cells(cells: Iterable[Cell], *names: str) -> list[dict[str, Any]]:
    return [pick(cell, "name", "times", *names) for cell in cells]


def _content(content: bytes, cut: Cut | None, mask: Callable[[str], str] = str) -> dict[str, Any]:
    """Return `body` as text, or None with `body_base64`; its full length; its hash if it was cut."""
    if cut is None and content.isascii():
        return {"body": mask(content.decode("ascii")), "body_length": len(content)}
    shape: dict[str, Any] = {"body": None, "body_length": cut.length if cut else len(content)}
    try:
        # A cut may have split the last character.
        shape["body"] = mask(codecs.getincrementaldecoder("utf-8")().decode(content, final=cut is None))
    except UnicodeDecodeError:
        masked = mask(content.decode("latin-1")).encode("latin-1", "replace")
        shape["body_base64"] = base64.b64encode(masked).decode()
    if cut and cut.sha256:
        shape["body_sha256"] = cut.sha256
    return shape
