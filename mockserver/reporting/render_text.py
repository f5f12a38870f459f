"""A report for the terminal: plain text without colours, problems first."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.reporting.view import ReportView


def render_text(view: ReportView) -> str:
    """Return the whole report; its last line says whether the run passes."""
    return "\n".join([*_problems(view), "", *_coverage(view), ""]) + "\n" + render_verdict(view)


def render_brief(view: ReportView) -> str:
    """Return the report with one line for the coverage."""
    shares = ", ".join(f"{row.name} {row.share}" for row in view.operations)
    shares += f", {view.label['shared']} {view.shared_share}"
    return "\n".join([*_problems(view), "", f"{_percent(view)}; {shares}", ""]) + "\n" + render_verdict(view)


def render_verdict(view: ReportView) -> str:
    """Return only why the run fails, or that it does not."""
    failures = [f"{view.label['failed']}: {failure}" for failure in view.failures]
    return "\n".join(failures or [view.verdict]) + "\n"


def _problems(view: ReportView) -> Iterator[str]:
    label = view.label
    yield f"{label['title']}: {view.summary}"
    yield from view.notes
    yield from ("", f"{label['violations']}:")
    for row in view.violations:
        flags = f" {row.flags}" if row.flags else ""
        yield f"  {row.times} × {row.name} {row.where}, {row.operation} → {row.outcome}{flags} ({row.requests})"
        yield f"      {row.text}"
        if row.tests:
            yield f"      {row.tests}"
    if view.more:
        yield f"  {view.more}"
    if not view.violations:
        yield f"  {label['none']}"
    yield from ("", f"{label['handling']}:")
    for handling in view.handling:
        yield f"  {handling.times} × {handling.error} ({handling.operation}): {', '.join(handling.actions)}"
        for finding in handling.findings:
            yield f"    ! {finding.text} [{finding.name}] ({finding.requests})"
            yield f"      {label['should']}: {handling.advice}"
            if finding.tests:
                yield f"      {finding.tests}"
    if not view.handling:
        yield f"  {label['no_errors']}"


def _percent(view: ReportView) -> str:
    return f"{view.label['coverage']}: {view.coverage}"


def _coverage(view: ReportView) -> Iterator[str]:
    label = view.label
    yield _percent(view)
    for row in view.operations:
        yield f"  §{row.section} {row.name}: {row.counted}"
        for name in ("covered", "faults", "readings", "missing"):
            if cells := getattr(row, name):
                yield f"    {label[name]}: {', '.join(cells)}"
    yield f"  {label['shared']}:"
    for name, cells in (("covered", view.shared_covered), ("missing", view.shared_missing)):
        if cells:
            yield f"    {label[name]}: {', '.join(cells)}"
    for name, cells in (("faults", view.faults), ("readings", view.readings)):
        yield from ("", f"{label[name]}: {', '.join(cells) or label['none']}")
