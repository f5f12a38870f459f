"""The report: one model of what the journal tells about the clients; every form is rendered from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mockserver.messages import Entry, Text, Violation, counted
from mockserver.reporting.coverage import Basis, Coverage, cover, outcome_of
from mockserver.reporting.judge import MOST_IDS, Finding, Judgement, judge
from mockserver.reporting.lints import lint


@dataclass(frozen=True, slots=True)
class Group:
    """Violations of one kind at one place of one operation."""

    operation: str
    """Empty for requests that name none."""
    outcome: str
    """What was answered: `success`, `empty`, or an error's name."""
    example: Violation
    """The first of them."""
    times: int
    requests: tuple[str, ...]
    """Ids of the first."""
    across: bool = False
    """Seen only over several requests."""


@dataclass(frozen=True, slots=True)
class Report:
    """What clients did, held against the contract."""

    requests: int
    evicted: int
    """Older requests that the report knows nothing of."""
    accepted: int
    apps: int
    scenarios: tuple[tuple[str, int], ...]
    coverage: Coverage
    violations: tuple[Group, ...]
    judgements: tuple[Judgement, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every mistake in error handling."""
        return tuple(finding for one in self.judgements for finding in one.findings)


def build_report(entries: Sequence[Entry], evicted: int, basis: Basis) -> Report:
    """The report on `entries` in the order they came, of which `evicted` older ones are gone."""
    lints = [(found.entry, found.violation, True) for found in lint(entries, basis.rules)]
    own = [(entry, violation, False) for entry in entries for violation in entry.violations]
    return Report(
        requests=len(entries),
        evicted=evicted,
        accepted=sum(entry.accepted for entry in entries),
        apps=len({entry.appkey for entry in entries if entry.appkey}),
        scenarios=tuple(Counter(entry.scenario for entry in entries).most_common()),
        coverage=cover(entries, basis),
        violations=_grouped([*own, *lints]),
        judgements=judge(entries, basis.rules),
    )


def complaints(
    report: Report, *, fail_on_violations: bool = False, min_coverage: float | None = None
) -> list[Text]:
    """Why a run is to fail, one sentence each; none when it is fine. A run without a request fails."""
    if not report.requests:
        return [
            Text(
                "no request came: nothing was tested; does the client call this server?",
                "没有收到任何请求：什么也没有测试；客户端是否指向了本服务器？",
            )
        ]
    found = []
    if fail_on_violations and report.violations:
        times = sum(group.times for group in report.violations)
        found.append(Text(f"{counted(times, 'violation')} of the contract", f"{times} 处违反契约"))
    if fail_on_violations and report.findings:
        times = len(report.findings)
        found.append(Text(f"{counted(times, 'mistake')} in error handling", f"{times} 处错误处理不当"))
    if fail_on_violations and report.evicted:
        # What nobody can see any more is not without fault.
        found.append(
            Text(
                f"{counted(report.evicted, 'older request')} left the journal unseen; make it larger",
                f"{report.evicted} 个较早的请求已移出日志，无从检查；请增大日志",
            )
        )
    percent = report.coverage.percent
    if min_coverage is not None and percent < min_coverage:
        found.append(
            Text(
                f"coverage is {percent:g} %, wanted {min_coverage:g} %",
                f"覆盖率 {percent:g} %，要求 {min_coverage:g} %",
            )
        )
    return found


def exit_code(report: Report, *, fail_on_violations: bool = False, min_coverage: float | None = None) -> int:
    """0 when the run is fine, 1 when there are complaints."""
    return int(bool(complaints(report, fail_on_violations=fail_on_violations, min_coverage=min_coverage)))


def _grouped(found: Iterable[tuple[Entry, Violation, bool]]) -> tuple[Group, ...]:
    groups: dict[tuple[object, ...], tuple[Entry, Violation, bool]] = {}
    times: Counter[tuple[object, ...]] = Counter()
    ids: dict[tuple[object, ...], list[str]] = {}
    for entry, violation, across in found:
        key = (entry.operation, outcome_of(entry), violation.name, violation.where, violation.tolerated)
        groups.setdefault(key, (entry, violation, across))
        times[key] += 1
        if times[key] <= MOST_IDS:
            ids.setdefault(key, []).append(entry.id)
    return tuple(
        Group(entry.operation, outcome_of(entry), violation, times[key], tuple(ids[key]), across)
        for key, (entry, violation, across) in groups.items()
    )
