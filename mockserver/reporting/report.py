"""The report on the requests in a journal: one model, which every format of `render` shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mockserver.contract.violations import VIOLATIONS, Violation
from mockserver.core.errors import AdminError
from mockserver.core.suggestions import unknown
from mockserver.core.text import Text, pluralize
from mockserver.engine.config import Config
from mockserver.engine.journal import Journal, JournalQuery, Selection
from mockserver.engine.journal_entry import JournalEntry
from mockserver.reporting.coverage import Coverage, cover, outcome_of
from mockserver.reporting.lints import LINTS, lint
from mockserver.reporting.queries import invalid_parameter
from mockserver.reporting.retries import MAX_IDS, MISTAKES, ErrorHandling, Expected, Finding, analyze_retries
from mockserver.reporting.texts import TEXTS

NAMES = (*VIOLATIONS, *LINTS, *MISTAKES)
"""Everything that can fail a run: violations, lints and mistakes in error handling."""
_Found = tuple[JournalEntry, Violation, bool]  # The last is whether it is a lint.
_FAILURES: dict[str, Text] = TEXTS["failures"]
_SAME_AS_LINT = {"repeated": "repeated_after_final"}
"""A mistake that a lint reports too: a test that expects the lint expects both."""


class FailCriteria(NamedTuple):
    """The conditions under which a run fails."""

    fail_on_violations: bool = False
    min_coverage: float | None = None  # In percent.
    option: str = "--fail-on violations"  # The option that the report suggests if violations do not fail the run.


class AppTest(NamedTuple):
    """The test that an app was created for."""

    test: str
    expects: frozenset[str] = frozenset()  # The NAMES that it expects: they are reported, but do not fail the run.


@dataclass(frozen=True, slots=True)
class ViolationGroup:
    """Violations of one kind in one place of the requests to one operation."""

    operation: str  # Empty for requests to unknown paths.
    outcome: str  # `success`, `empty`, or an error's name.
    example: Violation  # The first of these violations.
    times: int
    requests: tuple[str, ...]  # Ids of the first requests.
    across: bool = False  # Whether it is a lint: a violation over several requests.
    expected: bool = False  # Whether the tests expect it.


@dataclass(frozen=True, slots=True)
class Report:
    """The requests in a journal, checked against the contract."""

    requests: int
    evicted: int  # Number of older requests that are no longer in the journal.
    accepted: int
    apps: int
    scenarios: tuple[tuple[str, int], ...]
    coverage: Coverage
    violations: tuple[ViolationGroup, ...]
    error_handling: tuple[ErrorHandling, ...]
    unnamed: int = 0  # Requests without the appkey of a registered app.
    tests: Mapping[str, str] = field(default_factory=dict)  # The test that a request belongs to, by the request's id.

    def tests_of(self, requests: Iterable[str]) -> tuple[str, ...]:
        """Return the tests that the requests with these ids belong to, without duplicates."""
        return tuple(dict.fromkeys(self.tests[number] for number in requests if number in self.tests))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every mistake in error handling."""
        return tuple(finding for row in self.error_handling for finding in row.findings)


def build_report(
    entries: Sequence[JournalEntry], evicted: int, config: Config, tests: Mapping[str, AppTest] | None = None
) -> Report:
    """Return the report on `entries` in the order received. `evicted` older ones were lost; `tests` are by appkey."""
    known = tests or {}

    def expected(entry: JournalEntry, name: str) -> bool:
        test = known.get(entry.appkey)
        return test is not None and (name in test.expects or _SAME_AS_LINT.get(name) in test.expects)

    violations = [(entry, violation, False) for entry in entries for violation in entry.violations]
    lints = [(*found, True) for found in lint(entries, config.rules)]
    return Report(
        requests=len(entries),
        evicted=evicted,
        accepted=sum(entry.accepted for entry in entries),
        apps=len({entry.appkey for entry in entries if entry.appkey}),
        scenarios=tuple(Counter(entry.scenario for entry in entries).most_common()),
        coverage=cover(entries, config),
        violations=_group([*violations, *lints], expected),
        error_handling=analyze_retries(entries, config.rules, expected),
        unnamed=sum(not entry.appkey for entry in entries),
        tests={entry.id: known[entry.appkey].test for entry in entries if entry.appkey in known},
    )


def find_failures(report: Report, criteria: FailCriteria) -> list[Text]:
    """Return the reasons why a run fails, one sentence each; a run without requests always fails."""
    if not report.requests:
        return [_FAILURES["no_requests"]]
    failures = []
    if criteria.fail_on_violations:
        violations = sum(group.times for group in report.violations if not group.expected)
        counts = (
            ("violations", violations, "violation"),
            ("mistakes", len(report.findings), "mistake"),
            ("evicted", report.evicted, "older request"),
        )
        failures += [
            _FAILURES[name].format(count=count, counted=pluralize(count, noun)) for name, count, noun in counts if count
        ]
    percent, minimum = report.coverage.whole.percent, criteria.min_coverage
    if minimum is not None and percent < minimum:
        failures.append(_FAILURES["coverage"].format(percent=percent, minimum=minimum))
    return failures


def _group(found: Iterable[_Found], expected: Expected) -> tuple[ViolationGroup, ...]:
    groups: dict[tuple[str, str, str, str, bool, bool], list[_Found]] = {}
    for entry, violation, across in found:
        # Each unknown path has its own group, since the texts contain the paths.
        where = violation.got if violation.where == "path" else violation.where
        outcome, is_expected = outcome_of(entry), expected(entry, violation.name)
        key = entry.operation, outcome, violation.name, where, violation.tolerated, is_expected
        groups.setdefault(key, []).append((entry, violation, across))
    return tuple(
        ViolationGroup(
            operation=operation,
            outcome=outcome,
            example=members[0][1],
            times=len(members),
            requests=tuple(entry.id for entry, _, _ in members[:MAX_IDS]),
            across=members[0][2],
            expected=is_expected,
        )
        for (operation, outcome, *_, is_expected), members in groups.items()
    )


def parse_tests(tests: Mapping[str, Any]) -> dict[str, AppTest]:
    """Return the test of each appkey; raise AdminError unless each is `{"test": TEXT, "expects": [NAME]}`."""
    parsed = {}
    for appkey, given in tests.items():
        given = given if isinstance(given, dict) else {}
        test, expects = given.get("test"), given.get("expects", [])
        if given.keys() - {"test", "expects"} or not isinstance(test, str) or not isinstance(expects, list):
            raise invalid_parameter(
                "tests", 'must be {APPKEY: {"test": TEXT, "expects": [NAME]}}', "应为 {APPKEY: {test, expects}}"
            )
        for name in expects:
            if name not in NAMES:
                raise AdminError(422, "invalid_parameter", unknown("violation", name, NAMES))
        parsed[appkey] = AppTest(test, frozenset(expects))
    return parsed


def report_on_journal(
    journal: Journal,
    config: Config,
    appkeys: Collection[str] | None = None,
    *,
    after: str = "",
    tests: Mapping[str, AppTest] | None = None,
) -> Report:
    """Return the report on the requests of these apps, or of all, that arrived after the request `after`."""
    if appkeys is None and not after:
        selections = [journal.select()]
    else:
        # Requests are evicted per app, so count those of the selected apps only.
        selections = [
            _select_after(journal.select(JournalQuery(appkey=appkey)), after)
            for appkey in (journal.appkeys() if appkeys is None else appkeys)
        ]
    entries = [entry for selection in selections for entry in selection.entries]
    if len(selections) > 1:
        entries.sort(key=lambda entry: (len(entry.id), entry.id))
    evicted = sum(selection.evicted for selection in selections)
    return build_report(entries, evicted, config, tests)


def _select_after(selection: Selection, after: str) -> Selection:
    """Return the part of a selection after a request. While an older entry remains, no part of it has been evicted."""
    if not after:
        return selection
    # Ids are decimal numbers of eight digits or more.
    mark = (len(after), after)
    entries = [entry for entry in selection.entries if (len(entry.id), entry.id) > mark]
    return Selection(entries, selection.evicted if len(entries) == len(selection.entries) else 0)
