"""A report for the terminal: plain text without colours, what is wrong first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mockserver.core.text import Lang, Text
from mockserver.reporting.coverage import Cell, Coverage, OperationCoverage
from mockserver.reporting.report import NO_CRITERIA, FailCriteria, Report, ViolationGroup
from mockserver.reporting.report_texts import (
    MOST_GROUPS,
    WORDS,
    cell_name,
    chosen_readings,
    clean,
    did_text,
    evicted_note,
    mark,
    met_cells,
    missing_cells,
    more_note,
    requests_text,
    summary,
    tests_note,
    unnamed_note,
    verdict,
)


def render_text(
    report: Report, lang: Lang = "en", complaints: Sequence[Text] = (), demands: FailCriteria = NO_CRITERIA
) -> str:
    """The report as lines; the last one says whether the run is fine."""
    word = {name: text.to(lang) for name, text in WORDS.items()}
    lines = [*_wrong(report, word, lang), "", *_coverage(report.coverage, word, lang), ""]
    return "\n".join(lines) + "\n" + render_verdict(report, lang, complaints, demands)


def render_brief(
    report: Report, lang: Lang = "en", complaints: Sequence[Text] = (), demands: FailCriteria = NO_CRITERIA
) -> str:
    """The report without what is right: of the coverage one line."""
    word = {name: text.to(lang) for name, text in WORDS.items()}
    parts = [(one.operation, one.cells) for one in report.coverage.operations]
    shares = ", ".join(f"{name} {sum(bool(cell.times) for cell in own)}/{len(own)}" for name, own in parts)
    lines = [*_wrong(report, word, lang), "", f"{_percent(report.coverage, word)}: {shares}", ""]
    return "\n".join(lines) + "\n" + render_verdict(report, lang, complaints, demands)


def render_verdict(
    report: Report, lang: Lang = "en", complaints: Sequence[Text] = (), demands: FailCriteria = NO_CRITERIA
) -> str:
    """Whether the run is fine, and why it fails otherwise."""
    failed = [f"{WORDS['failed'].to(lang)}: {one.to(lang)}" for one in complaints]
    return "\n".join(failed or [verdict(report, lang, demands)]) + "\n"


def _wrong(report: Report, word: dict[str, str], lang: Lang) -> Iterator[str]:
    """How many requests there were, what they did wrong, and what clients made of errors."""
    yield f"{word['title']}: {summary(report, lang)}"
    for note in (unnamed_note(report, lang), evicted_note(report, lang)):
        if note:
            yield note
    yield from ("", f"{word['violations']}:")
    for group in report.violations[:MOST_GROUPS]:
        yield f"  {_group(group, word, lang)}"
        yield f"      {clean(group.example.text.to(lang))}"
        if note := tests_note(report, group.requests, lang):
            yield f"      {note}"
    if note := more_note(report, lang):
        yield f"  {note}"
    if not report.violations:
        yield f"  {word['no_violations']}"
    yield from ("", f"{word['handling']}:")
    for one in report.error_handling:
        did = ", ".join(
            f"{did_text(did, one.rule, lang)} ×{times}" for did, times in one.did.items() if times
        )
        yield f"  {one.times} × {one.rule.error} ({clean(one.operation)}): {did}"
        for finding in one.findings:
            yield f"    ! {finding.text.to(lang)} [{finding.did}] ({', '.join(map(clean, finding.requests))})"
            yield f"      {word['should']}: {one.rule.advice.to(lang)}"
            if note := tests_note(report, finding.requests, lang):
                yield f"      {note}"
    if not report.error_handling:
        yield f"  {word['no_errors']}"


def _percent(coverage: Coverage, word: dict[str, str]) -> str:
    return f"{word['coverage']}: {coverage.percent:g} % ({coverage.met}/{coverage.of})"


def _coverage(coverage: Coverage, word: dict[str, str], lang: Lang) -> Iterator[str]:
    """What was met and what was not."""
    yield _percent(coverage, word)
    for part in coverage.operations:
        yield from _operation(part, word, lang)
    met = [cell for cell in coverage.faults if cell.times]
    for name, cells in (("faults", met), ("readings", chosen_readings(coverage))):
        yield from ("", f"{word[name]}: {_listed(cells, lang) or word['none']}")


def _group(group: ViolationGroup, word: dict[str, str], lang: Lang) -> str:
    return (
        f"{group.times} × {group.example.name} {clean(group.example.where)},"
        f" {clean(group.operation) or word['other']} → {clean(group.outcome)}"
        + mark(group, lang)
        + f" ({', '.join(map(clean, group.requests))})"
    )


def _operation(part: OperationCoverage, word: dict[str, str], lang: Lang) -> Iterator[str]:
    yield f"  §{part.section} {part.operation}: {requests_text(part, lang)}"
    if part.requests:
        yield f"    {word['met']}: {_listed(met_cells(part), lang)}"
    for name, cells in (("faults", part.faults), ("readings", chosen_readings(part))):
        if cells:
            yield f"    {word[name]}: {_listed(cells, lang)}"
    if missing := missing_cells(part):
        yield f"    {word['missing']}: {', '.join(cell_name(cell, lang) for cell in missing)}"


def _listed(cells: Sequence[Cell], lang: Lang) -> str:
    return ", ".join(f"{cell_name(cell, lang)} ×{cell.times}" for cell in cells)
