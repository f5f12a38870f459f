"""A report in Markdown, for the summary of a CI run: GitHub's step summary, a merge request's comment.

What clients sent stays text: characters that Markdown or HTML would act on become entities.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from mockserver.reporting.view import ReportView

_ACTIVE = re.compile(r"[\\`*_{}\[\]<>#!|~&@:$^]")


def render_markdown(view: ReportView) -> str:
    """Return the report as Markdown with tables: the result first, then problems, then the coverage."""
    parts = [*_result(view), *_violations(view), *_handling(view), *_coverage(view)]
    return "\n\n".join(parts) + "\n"


def _result(view: ReportView) -> Iterator[str]:
    label = view.label
    yield f"## {label['title']}"
    yield _escape(view.summary)
    yield from map(_escape, view.notes)
    if view.failures:
        yield "\n".join(f"- ❌ **{label['failed']}**: {_escape(failure)}" for failure in view.failures)
    else:
        yield f"{'✅' if view.is_fine else '⚠️'} {_escape(view.verdict)}"


def _violations(view: ReportView) -> Iterator[str]:
    label = view.label
    yield f"### {label['violations']}"
    if not view.violations:
        yield label["none"]
        return
    yield _table(
        (label["times"], label["operation"], label["where"], label["what"]),
        (
            (
                str(row.times),
                f"{row.operation} → {row.outcome}",
                row.where,
                f"{row.name} {row.flags}: {row.text} ({row.requests}) {row.tests}",
            )
            for row in view.violations
        ),
    )
    if view.more:
        yield _escape(view.more)


def _handling(view: ReportView) -> Iterator[str]:
    label = view.label
    yield f"### {label['handling']}"
    if not view.handling:
        yield label["no_errors"]
        return
    yield _table(
        (label["times"], label["after"], label["should"], label["did"]),
        (
            (
                str(row.times),
                f"{row.error}, {row.operation}",
                row.advice,
                "; ".join(
                    [
                        ", ".join(row.actions),
                        *(f"{each.text} {each.name} ({each.requests}) {each.tests}" for each in row.findings),
                    ]
                ),
            )
            for row in view.handling
        ),
    )


def _coverage(view: ReportView) -> Iterator[str]:
    label = view.label
    yield f"### {label['coverage']}: {_escape(view.coverage)}"
    rows = [
        (row.name, str(row.requests), row.share, ", ".join(row.missing) or label["none"]) for row in view.operations
    ]
    rows.append((label["shared"], "", view.shared_share, ", ".join(view.shared_missing) or label["none"]))
    yield _table((label["operation"], label["requests"], label["covered"], label["missing"]), rows)
    for name, cells in (("faults", view.faults), ("readings", view.readings)):
        yield f"{label[name]}: {_escape(', '.join(cells) or label['none'])}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["-"] * len(head), *([_escape(" ".join(cell.split())) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escape(text: str) -> str:
    """Return text that is shown as it is, in a paragraph and in a cell of a table."""
    return _ACTIVE.sub(lambda found: f"&#{ord(found[0])};", text)
