"""Lints over several requests: what no single request shows, as violations with names of their own.

They are recorded only; no request is refused for them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from mockserver.contract.retry_rules import RetryRules
from mockserver.contract.violations import Violation, ViolationKind, shorten
from mockserver.core.text import Text
from mockserver.engine.journal_entry import JournalEntry
from mockserver.reporting.retries import by_client, gap, is_fresh, is_unchanged, retry_rule

LINTS: dict[str, ViolationKind] = {
    "seq_reused": ViolationKind("duplicate_seq", "1.1.2",
        "seq {got} came with {count} requests; give each its own, so that one can be found in a log",
        "seq {got} 用于 {count} 个请求；请为每个请求使用不同的 seq，以便定位问题"),
    "checksum_overused": ViolationKind("checksum_expired", "1.1.2",
        "one checksum was used over {seconds} of its {limit} s ({count} requests); make one for each",
        "同一 checksum 使用了 {seconds} 秒（{count} 个请求，有效期 {limit} 秒）；请每次重新生成"),
    "repeated_after_final": ViolationKind("", "1.6",
        "the request came again unchanged right after {got}; {advice}",
        "收到 {got} 后立即原样重复请求；应当：{advice_zh}"),
}  # fmt: skip

_REFUSED_CHECKSUMS = frozenset({"checksum_expired", "checksum_mismatch", "checksum_reused"})


class Lint(NamedTuple):
    """A violation that shows only over several requests, and the last of them."""

    entry: JournalEntry
    violation: Violation


def lint(entries: Iterable[JournalEntry], rules: RetryRules) -> list[Lint]:
    """Every lint of the requests, app by app; `entries` in the order they came."""
    return [
        found
        for own in by_client(entries)
        for found in (*_seqs(own), *_checksums(own), *_repetitions(own, rules))
    ]


def with_lints(entries: Iterable[JournalEntry], rules: RetryRules) -> list[JournalEntry]:
    """The requests with their lints among their violations."""
    found = list(entries)
    told: dict[str, list[Violation]] = defaultdict(list)
    for one in lint(found, rules):
        told[one.entry.id].append(one.violation)
    return [
        replace(entry, violations=(*entry.violations, *told[entry.id])) if entry.id in told else entry
        for entry in found
    ]


def _seqs(entries: Iterable[JournalEntry]) -> Iterator[Lint]:
    """A seq that several requests carry (§1.1.2: 保证全局唯一), unless they were refused for it."""
    users: dict[str, list[JournalEntry]] = defaultdict(list)
    for entry in entries:
        seq = entry.query.get("seq")
        if seq and all(one.name != "seq_repeated" for one in entry.violations):
            users[seq].append(entry)
    for seq, own in users.items():
        if len(own) > 1:
            yield Lint(own[-1], _made("seq_reused", "query:seq", "a seq of its own", seq, count=len(own)))


def _checksums(entries: Iterable[JournalEntry]) -> Iterator[Lint]:
    """A checksum in use over more than half of its time; those of one moment are equal by the formula."""
    users: dict[str, list[JournalEntry]] = defaultdict(list)
    for entry in entries:
        if entry.query.get("checksum") and _REFUSED_CHECKSUMS.isdisjoint(
            one.name for one in entry.violations
        ):
            users[entry.fingerprint].append(entry)
    for own in users.values():
        limit = own[-1].readings.get("freshness_seconds", 300)
        first = min(one.at for one in own)
        seqs = Counter(one.query.get("seq") for one in own)
        # One of the moment, with a seq of its own, was made anew and equals the other by the formula: a test moved a clock.
        kept = [one for one in own if not is_fresh(one) or seqs[one.query.get("seq")] > 1]
        seconds = max((one.at - first for one in kept), default=0)
        if seconds > limit / 2:
            words = {"seconds": f"{seconds:.0f}", "count": len(own), "limit": limit}
            got = own[-1].query.get("checksum", "")[:6] + "…"
            yield Lint(own[-1], _made("checksum_overused", "query:checksum", "a new checksum", got, **words))


def _repetitions(entries: Sequence[JournalEntry], rules: RetryRules) -> Iterator[Lint]:
    """A request that follows at once on itself although the answer was final."""
    for entry, following in pairwise(entries):
        rule = retry_rule(entry, rules)
        if (
            rule
            and rule.final
            and 0 <= gap(entry, following) <= rule.seconds
            and is_unchanged(entry, following)
        ):
            words = {"advice": rule.advice.en, "advice_zh": rule.advice.zh}
            made = _made(
                "repeated_after_final", "body:", rule.advice.en, entry.error, error=entry.error, **words
            )
            yield Lint(following, made)


def _made(name: str, where: str, expected: str, got: str, *, error: str = "", **words: object) -> Violation:
    row, shown = LINTS[name], shorten(got)
    return Violation(
        name=name,
        error=error or row.error,
        where=where,
        expected=expected,
        got=shown,
        section=row.section,
        text=Text(row.en.format(got=shown, **words), row.zh.format(got=shown, **words)),
        tolerated=True,
    )
