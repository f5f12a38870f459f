"""The judge of error handling: after each error, did the client what the rules ask for?

Looks at sequences: the requests of one app for the same operation with the same body, in the order they came.
Times are the app's clock's, so a test that moves the clock has waited.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from mockserver.messages import Entry, Text
from mockserver.reporting.rules import Rule, Rules

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
    "too_often": Text("went on {times} after {tries} tries", "尝试 {tries} 次后仍重试{times}"),
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
MOST_IDS = 5
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
class Judgement:
    """What clients did after one error of one operation."""

    operation: str
    """Or the path, when it names no operation."""
    rule: Rule
    times: int
    """How often the error was told."""
    did: dict[Did, int]
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class _Case:
    rule: Rule
    did: Counter[Did] = field(default_factory=Counter)
    expected: Counter[Did] = field(default_factory=Counter)
    """How often of these it was a mistake that a test asks for."""
    requests: dict[Did, list[str]] = field(default_factory=lambda: defaultdict(list))

    def note(self, did: Did, entry: Entry | None, *, expected: bool = False) -> None:
        self.did[did] += 1
        self.expected[did] += expected
        if entry is not None and not expected and len(self.requests[did]) < MOST_IDS:
            self.requests[did].append(entry.id)


def judge(
    entries: Iterable[Entry], rules: Rules, expected: Callable[[Entry, str], bool] = lambda *_: False
) -> tuple[Judgement, ...]:
    """A judgement for each operation and error that clients met, in the order of meeting and of the rules.

    A mistake that is `expected` of the request that shows it is counted, but is no finding.
    """
    cases: dict[tuple[str, str], _Case] = {}
    for sequence, went_on in _sequences(entries):
        in_row = 0
        for entry, following in zip(sequence, [*sequence[1:], None], strict=True):
            rule = told_rule(entry, rules)
            if rule is None:
                in_row = 0
                continue
            case = cases.setdefault((_target(entry), entry.error), _Case(rule))
            if following is None:
                case.note("went_on" if went_on else "gave_up", None)
                continue
            did = _did(rule, entry, following)
            case.note(did, following, expected=did in BAD and expected(following, did))
            in_row = in_row + 1 if told_rule(following, rules) is rule else 0
            if not rule.final and in_row > rule.tries:
                case.note("too_often", following, expected=expected(following, "too_often"))
    order = {error: place for place, error in enumerate(rules)}
    targets = {target: place for place, target in enumerate(dict.fromkeys(target for target, _ in cases))}
    ranked = sorted(cases.items(), key=lambda item: (targets[item[0][0]], order[item[0][1]]))
    return tuple(_judgement(target, case) for (target, _), case in ranked)


def told_rule(entry: Entry, rules: Rules) -> Rule | None:
    """The rule for the error that the client was told; none when it got no answer that it could read."""
    return None if entry.spoiled else rules.get(entry.error)


def is_unchanged(entry: Entry, following: Entry) -> bool:
    """Whether a request is the same as an earlier one but for its signature and seq."""
    return (
        _body(entry) == _body(following)
        and (entry.method, entry.path) == (following.method, following.path)
        and _wrongs(entry) == _wrongs(following)
        and _query(entry) == _query(following)
    )


def _sequences(entries: Iterable[Entry]) -> Iterator[tuple[list[Entry], bool]]:
    """Requests that ask the same, and whether something else was asked of the operation after the last."""
    groups: dict[tuple[str, str, object], list[Entry]] = defaultdict(list)
    last: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        appkey, target = entry.appkey, _target(entry)
        groups[appkey, target, _body(entry)].append(entry)
        last[appkey, target] = entry
    for (appkey, target, _), sequence in groups.items():
        yield sequence, last[appkey, target] is not sequence[-1]


def _did(rule: Rule, entry: Entry, following: Entry) -> Did:
    # A clock that was set back says nothing of the time between: the client gets the benefit of the doubt.
    gap = following.at - entry.at
    if rule.next == "sign_again":
        return "signed_again" if _signature(entry) != _signature(following) else "same_signature"
    if rule.next == "new_seq":
        return "took_new_seq" if entry.query.get("seq") != following.query.get("seq") else "same_seq"
    if rule.next == "wait":
        return "too_soon" if 0 <= gap < rule.seconds else "waited"
    if not is_unchanged(entry, following):
        return "changed"
    return "repeated" if 0 <= gap <= rule.seconds else "came_back"


def _target(entry: Entry) -> str:
    return entry.operation or entry.path


def _body(entry: Entry) -> object:
    """Equal for two requests that ask the same, in whatever order the keys came."""
    if entry.body_cut:
        return entry.body_cut.sha256
    return tuple(sorted((name, repr(value)) for name, value in entry.fields.items())) or entry.body


def _signature(entry: Entry) -> tuple[str, str | None]:
    return entry.fingerprint, entry.query.get("curtime")


def _query(entry: Entry) -> dict[str, str]:
    return {name: value for name, value in entry.query.items() if name not in ("checksum", "curtime", "seq")}


def _wrongs(entry: Entry) -> set[tuple[str, str]]:
    return {(one.name, one.where) for one in entry.violations if one.name not in _SIGNED}


def _judgement(target: str, case: _Case) -> Judgement:
    findings = tuple(
        Finding(did, times, _sentence(case, did, times), tuple(case.requests[did]))
        for did in BAD
        if (times := case.did[did] - case.expected[did])
    )
    told = sum(times for did, times in case.did.items() if did != "too_often")
    return Judgement(target, case.rule, told, dict(case.did), findings)


def _sentence(case: _Case, did: Did, count: int) -> Text:
    words: dict[str, object] = {"seconds": f"{case.rule.seconds:g}", "tries": case.rule.tries}
    times = {1: "once", 2: "twice"}.get(count, f"{count} times")
    en = BAD[did].en.format(times=times, **words)
    zh = BAD[did].zh.format(times=f" {count} 次", **words)
    return Text(f"after {case.rule.error} the client {en}", f"{case.rule.error} 之后，客户端{zh}")
