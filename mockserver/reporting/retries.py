"""The judge of error handling: after each error, did the client what the rules ask for?

Looks at sequences: the requests of one app for the same operation with the same body, in the order they came; and for
what a signature or a seq is used for next, at whatever the app asks next. Times count from the end of an answer, by the
app's clock or the machine's, whichever shows more: a test that moves a clock has waited, and one that stops it can wait.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from mockserver.contract.retry_rules import RetryRule, RetryRules
from mockserver.core.text import Text, pluralize
from mockserver.engine.journal_entry import JournalEntry

Did = Literal[
    "signed_again", "took_new_seq", "waited", "changed", "came_back", "went_on", "gave_up",
    "same_signature", "same_seq", "too_soon", "repeated", "too_often",
]  # fmt: skip
"""What a client did after an error; the last five are mistakes."""

BAD: dict[Did, Text] = {
    "same_signature": Text("repeated the same signature {times}", "{times}用相同的签名重复请求"),
    "same_seq": Text("repeated the same seq {times}", "{times}用相同的 seq 重复请求"),
    "too_soon": Text("asked again within {seconds} s {times}", "{times}未等满 {seconds} 秒就重试"),
    "repeated": Text("repeated the same request {times}", "{times}原样重复请求"),
    "too_often": Text("went on {times} after {tries}", "尝试 {tries} 次后仍重试{times}"),
}
GOOD: dict[Did, Text] = {
    "signed_again": Text("signed again", "重新签名"),
    "took_new_seq": Text("took a new seq", "换了新的 seq"),
    "waited": Text("waited", "等待后重试"),
    "changed": Text("changed the request", "修改了请求"),
    "came_back": Text("came back much later", "过后再试"),
    "went_on": Text("went on to another request", "转而发送其他请求"),
    "gave_up": Text("gave up", "放弃"),
}
_ANY_TIMES = Text("", "")
MAX_IDS = 5
_FRESH = 2.0
"""Seconds between the moment that is signed and the request."""
_ANEW = 600.0
"""Seconds after which a client that asks again is not the one that went on trying."""
_MOST_AT_ONCE = 256
"""So many requests are looked through for the first that was sent after an answer."""
_Signature: TypeAlias = tuple[str, str | None]
_SIGNED = frozenset(
    {"checksum_expired", "checksum_mismatch", "checksum_reused", "curtime_format", "curtime_fraction"}
)
"""Violations that another signature takes away."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake in error handling and how often it was made."""

    did: Did
    times: int
    text: Text
    """`after checksum_expired the client repeated the same signature 3 times`"""
    requests: tuple[str, ...]
    """Ids of the first requests that should not have come so."""


@dataclass(frozen=True, slots=True)
class ErrorHandling:
    """What clients did after one error of one operation."""

    operation: str
    """Or the path, when it names no operation."""
    rule: RetryRule
    times: int
    """How often the error was told."""
    did: dict[Did, int]
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class _Case:
    rule: RetryRule
    did: Counter[Did] = field(default_factory=Counter)
    expected: Counter[Did] = field(default_factory=Counter)
    """How often of these it was a mistake that a test asks for."""
    requests: dict[Did, list[str]] = field(default_factory=lambda: defaultdict(list))

    def note(self, did: Did, entry: JournalEntry | None, *, expected: bool = False) -> None:
        self.did[did] += 1
        self.expected[did] += expected
        if entry is not None and not expected and len(self.requests[did]) < MAX_IDS:
            self.requests[did].append(entry.id)


def analyze_retries(
    entries: Iterable[JournalEntry],
    rules: RetryRules,
    expected: Callable[[JournalEntry, str], bool] = lambda *_: False,
) -> tuple[ErrorHandling, ...]:
    """A judgement for each operation and error that clients met, in the order of meeting and of the rules.

    A mistake that is `expected` of the request that shows it is counted, but is no finding.
    """
    cases: dict[tuple[str, str], _Case] = {}
    for own in by_client(entries):
        places = {entry.id: place for place, entry in enumerate(own)}
        for sequence in _sequences(own):
            in_row: Counter[str] = Counter()
            for place, entry in enumerate(sequence):
                rule = retry_rule(entry, rules)
                if rule is None:
                    continue
                case = cases.setdefault((_target(entry), entry.error), _Case(rule))
                if not rule.final and in_row[entry.id] > rule.tries:
                    case.note("too_often", entry, expected=expected(entry, "too_often"))
                following = _next(entry, sequence, place)
                other = _next(entry, own, places[entry.id])
                shown: JournalEntry | None
                if rule.whole_app and other is not None:
                    did, shown = _did(rule, entry, other), other
                elif following is None:
                    did, shown = _elsewhere(rule, entry, other)
                else:
                    did, shown = _did(rule, entry, following), following
                if following and retry_rule(following, rules) is rule and gap(entry, following) < _ANEW:
                    in_row[following.id] = in_row[entry.id] + 1
                asked_for = shown is not None and did in BAD and expected(shown, did)
                case.note(did, shown, expected=asked_for)
    order = {error: place for place, error in enumerate(rules)}
    targets = {target: place for place, target in enumerate(dict.fromkeys(target for target, _ in cases))}
    ranked = sorted(cases.items(), key=lambda item: (targets[item[0][0]], order[item[0][1]]))
    return tuple(_judgement(target, case) for (target, _), case in ranked)


def bad_text(did: Did, rule: RetryRule, times: Text = _ANY_TIMES) -> Text:
    """What a client did wrong after an error, in words, and how often when that is given."""
    words = {"seconds": f"{rule.seconds:g}"}
    en = BAD[did].en.format(times=times.en, tries=pluralize(rule.tries, "try", "tries"), **words)
    zh = BAD[did].zh.format(times=times.zh, tries=rule.tries, **words)
    return Text(" ".join(en.split()), zh)


def retry_rule(entry: JournalEntry, rules: RetryRules) -> RetryRule | None:
    """The rule for the error that the client was told; none when it got no answer that it could read."""
    return None if entry.spoiled else rules.get(entry.error)


def is_unchanged(entry: JournalEntry, following: JournalEntry) -> bool:
    """Whether a request is the same as an earlier one but for its signature and seq."""
    return (
        _body(entry) == _body(following)
        and (entry.method, entry.path) == (following.method, following.path)
        and _wrongs(entry) == _wrongs(following)
        and _query(entry) == _query(following)
    )


def by_client(entries: Iterable[JournalEntry]) -> list[list[JournalEntry]]:
    """The requests of each app, those of no registered app by the appkey that they claim."""
    clients: dict[tuple[str, str], list[JournalEntry]] = defaultdict(list)
    for entry in entries:
        clients[entry.appkey, "" if entry.appkey else entry.query.get("appkey", "")].append(entry)
    return list(clients.values())


def gap(entry: JournalEntry, following: JournalEntry) -> float:
    """Seconds from the end of an answer to another request; less than 0: it was sent before the answer was there."""
    took = entry.seconds + entry.delivery
    return max(following.started - entry.started, following.at - entry.at) - took


def _sequences(own: Iterable[JournalEntry]) -> Iterable[list[JournalEntry]]:
    """Requests that ask the same."""
    groups: dict[tuple[str, object], list[JournalEntry]] = defaultdict(list)
    for entry in own:
        groups[_target(entry), _body(entry)].append(entry)
    return groups.values()


def _next(entry: JournalEntry, sequence: list[JournalEntry], place: int) -> JournalEntry | None:
    """The first request after `place` that was sent when the answer was there."""
    later = range(place + 1, min(place + 1 + _MOST_AT_ONCE, len(sequence)))
    return next((sequence[at] for at in later if gap(entry, sequence[at]) >= 0), None)


def _elsewhere(
    rule: RetryRule, entry: JournalEntry, other: JournalEntry | None
) -> tuple[Did, JournalEntry | None]:
    """What the client did that never asked the same again: `other` is what it asked next."""
    if other is None:
        return "gave_up", None
    if rule.next in ("sign_again", "new_seq"):
        did = _did(rule, entry, other)
        if did in BAD:
            return did, other
    return "went_on", None


def _did(rule: RetryRule, entry: JournalEntry, following: JournalEntry) -> Did:
    if rule.next == "sign_again":
        return "signed_again" if _is_signed_again(entry, following) else "same_signature"
    if rule.next == "new_seq":
        return "took_new_seq" if entry.query.get("seq") != following.query.get("seq") else "same_seq"
    if rule.next == "wait":
        return "too_soon" if gap(entry, following) < rule.seconds else "waited"
    if not is_unchanged(entry, following):
        return "changed"
    return "repeated" if gap(entry, following) <= rule.seconds else "came_back"


def is_fresh(entry: JournalEntry) -> bool:
    """Whether a signature is of the moment, by the app's clock or the machine's, whichever a client signs with."""
    curtime = entry.query.get("curtime", "")
    if not (len(curtime) == 10 and curtime.isdecimal()):
        return False
    return min(abs(int(curtime) - entry.at), abs(int(curtime) - entry.started)) <= _FRESH


def _is_signed_again(entry: JournalEntry, following: JournalEntry) -> bool:
    """Whether a request has a signature of its own. By the formula, all of one second are equal: then a new seq tells."""
    if _signature(entry) != _signature(following):
        return True
    seq = following.query.get("seq")
    return (seq is None or seq != entry.query.get("seq")) and is_fresh(following)


def _target(entry: JournalEntry) -> str:
    return entry.operation or entry.path


def _body(entry: JournalEntry) -> object:
    """Equal for two requests that ask the same, in whatever order the keys came."""
    if entry.body_cut:
        return entry.body_cut.sha256
    if entry.fields_cut:
        return entry.body
    return tuple(sorted((name, repr(value)) for name, value in entry.fields.items())) or entry.body


def _signature(entry: JournalEntry) -> _Signature:
    return entry.fingerprint, entry.query.get("curtime")


def _query(entry: JournalEntry) -> dict[str, str]:
    return {name: value for name, value in entry.query.items() if name not in ("checksum", "curtime", "seq")}


def _wrongs(entry: JournalEntry) -> set[tuple[str, str]]:
    return {(one.name, one.where) for one in entry.violations if one.name not in _SIGNED}


def _judgement(target: str, case: _Case) -> ErrorHandling:
    findings = tuple(
        Finding(did, times, _sentence(case, did, times), tuple(case.requests[did]))
        for did in BAD
        if (times := case.did[did] - case.expected[did])
    )
    told = sum(times for did, times in case.did.items() if did != "too_often")
    return ErrorHandling(target, case.rule, told, dict(case.did), findings)


def _sentence(case: _Case, did: Did, count: int) -> Text:
    times = {1: "once", 2: "twice"}.get(count, f"{count} times")
    en, zh = bad_text(did, case.rule, Text(times, f" {count} 次"))
    return Text(f"after {case.rule.error} the client {en}", f"{case.rule.error} 之后，客户端{zh}")
