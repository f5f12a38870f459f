"""The report: one model of what the journal tells about the clients; every form is rendered from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mockserver.contract.violations import VIOLATIONS, Violation
from mockserver.core.text import Text, pluralize
from mockserver.engine.journal_entry import JournalEntry
from mockserver.reporting.coverage import Coverage, ReportInputs, cover, outcome_of
from mockserver.reporting.lints import LINTS, lint
from mockserver.reporting.retries import BAD, MAX_IDS, ErrorHandling, Finding, analyze_retries

NAMES = (*VIOLATIONS, *LINTS, *BAD)
"""Whatever can fail a run: violations, lints, mistakes in error handling."""
_SAME = {"repeated": "repeated_after_final"}
"""A mistake that a lint tells, too: who expects the lint expects both."""


class FailCriteria(NamedTuple):
    """What a run is to fail for."""

    fail_on_violations: bool = False
    min_coverage: float | None = None
    """In percent."""
    option: str = "--fail-on violations"
    """What people add where violations do not fail the run."""


NO_CRITERIA = FailCriteria()


class AppTest(NamedTuple):
    """The test that an app was made for."""

    test: str
    expects: frozenset[str] = frozenset()
    """NAMES of what its client is to do wrong: told, but no reason to fail a run."""


@dataclass(frozen=True, slots=True)
class ViolationGroup:
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
    expected: bool = False
    """The tests ask for it."""


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
    violations: tuple[ViolationGroup, ...]
    error_handling: tuple[ErrorHandling, ...]
    unnamed: int = 0
    """Requests that name no registered app."""
    tests: Mapping[str, str] = field(default_factory=dict)
    """The test that a request belongs to, by the request's id."""

    def tests_of(self, requests: Iterable[str]) -> tuple[str, ...]:
        """The tests behind some requests, each once."""
        return tuple(dict.fromkeys(self.tests[one] for one in requests if one in self.tests))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every mistake in error handling."""
        return tuple(finding for one in self.error_handling for finding in one.findings)


def build_report(
    entries: Sequence[JournalEntry],
    evicted: int,
    inputs: ReportInputs,
    cases: Mapping[str, AppTest] | None = None,
) -> Report:
    """The report on `entries` in the order they came, of which `evicted` older ones are gone; `cases` by the appkey."""
    known = cases or {}

    def expected(entry: JournalEntry, name: str) -> bool:
        case = known.get(entry.appkey)
        return case is not None and (name in case.expects or _SAME.get(name) in case.expects)

    lints = [(found.entry, found.violation, True) for found in lint(entries, inputs.rules)]
    own = [(entry, violation, False) for entry in entries for violation in entry.violations]
    return Report(
        requests=len(entries),
        evicted=evicted,
        accepted=sum(entry.accepted for entry in entries),
        apps=len({entry.appkey for entry in entries if entry.appkey}),
        scenarios=tuple(Counter(entry.scenario for entry in entries).most_common()),
        coverage=cover(entries, inputs),
        violations=_grouped([*own, *lints], expected),
        error_handling=analyze_retries(entries, inputs.rules, expected),
        unnamed=sum(not entry.appkey for entry in entries),
        tests={entry.id: known[entry.appkey].test for entry in entries if entry.appkey in known},
    )


def complaints(
    report: Report, *, fail_on_violations: bool = False, min_coverage: float | None = None
) -> list[Text]:
    """Why a run is to fail, one sentence each; none when it is fine. A run without a request fails."""
    if not report.requests:
        return [
            Text(
                "no request received: nothing was tested; does the client call this server?",
                "没有收到任何请求：什么也没有测试；客户端是否指向了本服务器？",
            )
        ]
    found = []
    times = sum(group.times for group in report.violations if not group.expected)
    if fail_on_violations and times:
        found.append(Text(f"{pluralize(times, 'violation')} of the contract", f"{times} 处违反契约"))
    if fail_on_violations and report.findings:
        times = len(report.findings)
        found.append(Text(f"{pluralize(times, 'mistake')} in error handling", f"{times} 处错误处理不当"))
    if fail_on_violations and report.evicted:
        # What nobody can see any more is not without fault.
        found.append(
            Text(
                f"{pluralize(report.evicted, 'older request')} left the journal unseen; make it larger",
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


def _grouped(
    found: Iterable[tuple[JournalEntry, Violation, bool]], expected: Callable[[JournalEntry, str], bool]
) -> tuple[ViolationGroup, ...]:
    groups: dict[tuple[object, ...], tuple[JournalEntry, Violation, bool]] = {}
    times: Counter[tuple[object, ...]] = Counter()
    ids: dict[tuple[object, ...], list[str]] = {}
    for entry, violation, across in found:
        # Of a path it is the path that is wrong: each is a place of its own.
        where = violation.got if violation.where == "path" else violation.where
        key = (
            *(entry.operation, outcome_of(entry), violation.name, where, violation.tolerated),
            expected(entry, violation.name),
        )
        groups.setdefault(key, (entry, violation, across))
        times[key] += 1
        if times[key] <= MAX_IDS:
            ids.setdefault(key, []).append(entry.id)
    return tuple(
        ViolationGroup(
            *(entry.operation, outcome_of(entry), violation, times[key], tuple(ids[key]), across),
            expected=expected(entry, violation.name),
        )
        for key, (entry, violation, across) in groups.items()
    )
