"""Retry analysis: whether clients reacted to each error as the retry rules require.

Compares the requests of one app to the same operation with the same body, in the order received; after an error of the
signature or the seq, the app's next request of any kind. Gaps are measured from the end of a response, by the app's
clock or the machine's, whichever is longer: a test may wait by moving the clock, or wait while the clock is frozen.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass

from mockserver.contract.catalogue import RetryRule, RetryRules
from mockserver.core.text import Text, pluralize
from mockserver.engine.journal_entry import JournalEntry
from mockserver.reporting.texts import TEXTS

MISTAKES: dict[str, Text] = TEXTS["mistakes"]
CORRECT: dict[str, Text] = TEXTS["reactions"]
"""The other reactions of a client to an error."""
Reaction = tuple[str, JournalEntry | None]  # Its name, and the request that shows it.
Expected = Callable[[JournalEntry, str], bool]  # Whether a test expects a violation or a mistake of its request.
MAX_IDS = 5  # Request ids listed as examples.
MAX_SIGNING_DELAY = 2.0  # Seconds between curtime and a request that was signed just before it was sent.
NEW_SESSION_SECONDS = 600.0  # A retry after this gap resets the count of tries.
MAX_IN_FLIGHT = 256  # Requests that are searched for the first one sent after a response.
_CURED_BY_SIGNING = frozenset(
    {"checksum_expired", "checksum_mismatch", "checksum_reused", "curtime_format", "curtime_fraction"}
)  # Violations that signing again corrects.


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake in error handling, and how often it occurred."""

    action: str
    times: int
    text: Text  # `after checksum_expired the client repeated the same signature 3 times`
    requests: tuple[str, ...]  # Ids of the first requests that show it.


@dataclass(frozen=True, slots=True)
class ErrorHandling:
    """The reactions of clients to one error of one operation."""

    operation: str  # The path, if it is unknown.
    rule: RetryRule
    times: int  # How often the error was returned.
    actions: dict[str, int]
    findings: tuple[Finding, ...]


def analyze_retries(
    entries: Iterable[JournalEntry], rules: RetryRules, expected: Expected = lambda *_: False
) -> tuple[ErrorHandling, ...]:
    """Return the error handling per operation (in the order of first use) and error (in the order of the rules).

    A mistake is counted, but not reported, if `expected(ENTRY, ACTION)` is true of the request that shows it.
    """
    reactions: dict[tuple[str, str], list[Reaction]] = defaultdict(list)
    for requests in by_client(entries):
        positions = {entry.id: position for position, entry in enumerate(requests)}
        for sequence in group(requests, lambda entry: (_target(entry), _body(entry))):
            retries: Counter[str] = Counter()
            for position, entry in enumerate(sequence):
                rule = retry_rule(entry, rules)
                if rule is None:
                    continue
                found = reactions[_target(entry), entry.error]
                if not rule.final and retries[entry.id] > rule.tries:
                    found.append(("too_often", entry))
                retry = _first_after(entry, sequence, position)
                following = _first_after(entry, requests, positions[entry.id])
                found.append(_classify(rule, entry, retry, following))
                if retry and retry_rule(retry, rules) is rule and gap(entry, retry) < NEW_SESSION_SECONDS:
                    retries[retry.id] = retries[entry.id] + 1
    error_order = {error: position for position, error in enumerate(rules)}
    target_order = {target: position for position, (target, _) in reversed([*enumerate(reactions)])}
    ranked = sorted(reactions, key=lambda key: (target_order[key[0]], error_order[key[1]]))
    return tuple(_error_handling(key[0], rules[key[1]], reactions[key], expected) for key in ranked)


def _error_handling(operation: str, rule: RetryRule, reactions: list[Reaction], expected: Expected) -> ErrorHandling:
    actions, findings = Counter(action for action, _ in reactions), []
    for name in MISTAKES:
        ids = [entry.id for action, entry in reactions if action == name and entry and not expected(entry, name)]
        if ids:
            times = {1: "once", 2: "twice"}.get(len(ids), f"{len(ids)} times")
            what = action_text(name, rule, Text(times, f" {len(ids)} 次"))
            text = Text(f"after {rule.error} the client {what.en}", f"{rule.error} 之后，客户端{what.zh}")
            findings.append(Finding(name, len(ids), text, tuple(ids[:MAX_IDS])))
    total = len(reactions) - actions["too_often"]
    return ErrorHandling(operation, rule, total, dict(actions), tuple(findings))


def action_text(action: str, rule: RetryRule, times: Text | None = None) -> Text:
    """Return the text of an action; `times` says how often it occurred."""
    if action in CORRECT:
        return CORRECT[action]
    tries = Text(pluralize(rule.tries, "try", "tries"), str(rule.tries))
    text = MISTAKES[action].format(times=times or Text("", ""), seconds=f"{rule.seconds:g}", tries=tries)
    return Text(" ".join(text.en.split()), text.zh)


def retry_rule(entry: JournalEntry, rules: RetryRules) -> RetryRule | None:
    """Return the rule for the error of a response; None for a success and for a response that a fault damaged."""
    return None if entry.spoiled else rules.get(entry.error)


def group(entries: Iterable[JournalEntry], key: Callable[[JournalEntry], Hashable]) -> list[list[JournalEntry]]:
    """Return the entries in groups with the same key."""
    groups: dict[Hashable, list[JournalEntry]] = defaultdict(list)
    for entry in entries:
        groups[key(entry)].append(entry)
    return list(groups.values())


def by_client(entries: Iterable[JournalEntry]) -> list[list[JournalEntry]]:
    """Return the requests grouped by app, or by appkey if it is not registered."""
    return group(entries, lambda entry: (entry.appkey, "" if entry.appkey else entry.query.get("appkey", "")))


def gap(entry: JournalEntry, following: JournalEntry) -> float:
    """Return the seconds from the end of a response to a later request; negative if the request was sent earlier."""
    duration = entry.seconds + entry.delivery
    return max(following.started - entry.started, following.at - entry.at) - duration


def is_unchanged(entry: JournalEntry, following: JournalEntry) -> bool:
    """Whether two requests are the same except for signature and seq."""

    def parts(entry: JournalEntry) -> tuple[object, ...]:
        query = {name: value for name, value in entry.query.items() if name not in ("checksum", "curtime", "seq")}
        violations = {(each.name, each.where) for each in entry.violations if each.name not in _CURED_BY_SIGNING}
        return _body(entry), entry.method, entry.path, violations, query

    return parts(entry) == parts(following)


def is_fresh(entry: JournalEntry) -> bool:
    """Whether a request was signed just before it was sent, by the app's clock or the machine's."""
    curtime = entry.query.get("curtime", "")
    if not (len(curtime) == 10 and curtime.isdecimal()):
        return False
    age = min(abs(int(curtime) - entry.at), abs(int(curtime) - entry.started))
    return age <= MAX_SIGNING_DELAY


def _first_after(entry: JournalEntry, requests: list[JournalEntry], position: int) -> JournalEntry | None:
    """Return the first request after `position` that was sent after the response of `entry`."""
    end = min(position + 1 + MAX_IN_FLIGHT, len(requests))
    return next((requests[at] for at in range(position + 1, end) if gap(entry, requests[at]) >= 0), None)


def _classify(
    rule: RetryRule, entry: JournalEntry, retry: JournalEntry | None, following: JournalEntry | None
) -> Reaction:
    """Return the reaction of the client to an error, and the request that shows it.

    `retry` is its next request to the same operation with the same body; `following` its next request of any kind.
    """
    if shown := (rule.whole_app and following) or retry:
        return _compare(rule, entry, shown), shown
    if following is None:
        return "gave_up", None
    if rule.next in ("sign_again", "new_seq"):
        action = _compare(rule, entry, following)
        if action in MISTAKES:
            return action, following
    return "went_on", None


def _compare(rule: RetryRule, entry: JournalEntry, following: JournalEntry) -> str:
    if rule.next == "sign_again":
        return "signed_again" if _is_signed_again(entry, following) else "same_signature"
    if rule.next == "new_seq":
        return "took_new_seq" if entry.query.get("seq") != following.query.get("seq") else "same_seq"
    if rule.next == "wait":
        return "too_soon" if gap(entry, following) < rule.seconds else "waited"
    if not is_unchanged(entry, following):
        return "changed"
    return "repeated" if gap(entry, following) <= rule.seconds else "came_back"


def _is_signed_again(entry: JournalEntry, following: JournalEntry) -> bool:
    """Whether a request was signed again. Signatures of the same second are equal; then a new seq shows it."""
    if entry.fingerprint != following.fingerprint or entry.query.get("curtime") != following.query.get("curtime"):
        return True
    seq = following.query.get("seq")
    return (seq is None or seq != entry.query.get("seq")) and is_fresh(following)


def _target(entry: JournalEntry) -> str:
    return entry.operation or entry.path


def _body(entry: JournalEntry) -> Hashable:
    """Return a value that is equal for bodies with the same content, regardless of the order of keys."""
    if entry.body_cut:
        return entry.body_cut.sha256
    if entry.fields_cut:
        return entry.body
    return tuple(sorted((name, repr(value)) for name, value in entry.fields.items())) or entry.body
