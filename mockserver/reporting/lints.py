"""Lints: violations that only show over several requests. They are reported, but no request is refused for them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from mockserver.contract.catalogue import RetryRules
from mockserver.contract.violations import Violation, ViolationKind, shorten
from mockserver.engine.journal_entry import JournalEntry
from mockserver.reporting.retries import by_client, gap, group, is_fresh, is_unchanged, retry_rule
from mockserver.reporting.texts import TEXTS

LINTS = {name: ViolationKind(**row) for name, row in TEXTS["lints"].items()}
Lint = tuple[JournalEntry, Violation]  # A violation over several requests, with the last of them.
_REFUSED_CHECKSUMS = frozenset({"checksum_expired", "checksum_mismatch", "checksum_reused"})


def lint(entries: Iterable[JournalEntry], rules: RetryRules) -> list[Lint]:
    """Return the lints of each app's requests; `entries` are in the order received."""
    return [
        found
        for requests in by_client(entries)
        for found in (*_reused_seqs(requests), *_overused_checksums(requests), *_repetitions(requests, rules))
    ]


def with_lints(entries: Iterable[JournalEntry], rules: RetryRules) -> list[JournalEntry]:
    """Return the entries with their lints added to their violations."""
    entries = list(entries)
    lints: dict[str, list[Violation]] = defaultdict(list)
    for entry, violation in lint(entries, rules):
        lints[entry.id].append(violation)
    return [
        replace(entry, violations=(*entry.violations, *lints[entry.id])) if entry.id in lints else entry
        for entry in entries
    ]


def _reused_seqs(requests: Iterable[JournalEntry]) -> Iterator[Lint]:
    """Find seqs used by several requests (§1.1.2: 保证全局唯一), unless the requests were refused for it."""
    users = [
        entry
        for entry in requests
        if entry.query.get("seq") and all(each.name != "seq_repeated" for each in entry.violations)
    ]
    for entries in group(users, lambda entry: entry.query["seq"]):
        if len(entries) > 1:
            yield _make_lint(entries[-1], "seq_reused", entries[-1].query["seq"], count=len(entries))


def _overused_checksums(requests: Iterable[JournalEntry]) -> Iterator[Lint]:
    """Find checksums used for more than half of their lifetime."""
    users = [
        entry
        for entry in requests
        if entry.query.get("checksum") and _REFUSED_CHECKSUMS.isdisjoint(each.name for each in entry.violations)
    ]
    for entries in group(users, lambda entry: entry.fingerprint):
        last = entries[-1]
        limit = last.readings.get("freshness_seconds", 300)
        first = min(entry.at for entry in entries)
        seqs = Counter(entry.query.get("seq") for entry in entries)
        # A fresh signature with a new seq may equal an older one if a test moved the app's clock.
        reused = [entry for entry in entries if not is_fresh(entry) or seqs[entry.query.get("seq")] > 1]
        seconds = max((entry.at - first for entry in reused), default=0)
        if seconds > limit / 2:
            got = last.query.get("checksum", "")[:6] + "…"
            count, shown = len(entries), f"{seconds:.0f}"
            yield _make_lint(last, "checksum_overused", got, count=count, seconds=shown, limit=limit)


def _repetitions(requests: Sequence[JournalEntry], rules: RetryRules) -> Iterator[Lint]:
    """Find requests that immediately repeat a request that was answered with a final error."""
    for entry, following in pairwise(requests):
        rule = retry_rule(entry, rules)
        if not rule or not rule.final or not 0 <= gap(entry, following) <= rule.seconds:
            continue
        if is_unchanged(entry, following):
            last, violation = _make_lint(following, "repeated_after_final", entry.error, advice=rule.advice)
            yield last, replace(violation, error=entry.error, expected=rule.advice.en)


def _make_lint(entry: JournalEntry, name: str, got: str, **values: object) -> Lint:
    kind, got = LINTS[name], shorten(got)
    text = kind.text.format(got=got, **values)
    return entry, Violation(name, kind.error, kind.where, kind.expected, got, kind.section, text, tolerated=True)
