"""`verify`: examines a target for everything that the contract specifies, and returns one result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mockserver.contract.catalogue import Catalogue
from mockserver.contract.operations import OPERATIONS
from mockserver.contract.readings import READINGS, Value
from mockserver.contract.schemas import Schemas
from mockserver.core.clock import show_time
from mockserver.core.text import Lang, Text
from mockserver.live.answers import Finding
from mockserver.live.call_log import CallLog, discover
from mockserver.live.connecting import connect
from mockserver.live.day import Day, ask_day
from mockserver.live.id_readings import conclude_unknown_ids, probe_without_calls
from mockserver.live.probing import Invariant, Observed, Prober
from mockserver.live.provocations import ErrorSeen, conclude_http_status, conclude_range, errors_seen, provoke_errors
from mockserver.live.record_checks import INVARIANTS as OF_RECORDS
from mockserver.live.record_checks import check_sessions, look_up
from mockserver.live.record_readings import (
    ask_present,
    ask_room,
    conclude_exclude,
    probe_ongoing,
    probe_room_window,
    probe_window,
)
from mockserver.live.replies import Reply
from mockserver.live.signing import probe_signature, probe_strictness, report_unsigned
from mockserver.live.statistic_checks import INVARIANTS as OF_STATISTICS
from mockserver.live.statistic_checks import check_statistics
from mockserver.live.statistic_readings import probe_statistics
from mockserver.live.target import Target, TargetError

_LOOK_UPS = 60  # Maximum number of requests for users and rooms.
_FEW_LOOK_UPS = 16  # The same, if each request needs a different curtime.
_RESERVED = 4  # Requests reserved for the second check of calls in progress.
_OUT_OF_REQUESTS = Text("the limit of requests was reached", "已达到请求数上限")
_NO_EVIDENCE = Text("no answer of this run decides it", "本次的响应都不足以判断")
_SEVERITIES = ("error", "warning", "info")


@dataclass(frozen=True)
class Focus:
    """The calls to examine; the newest ones for None."""

    user: str | None = None
    room: str | None = None
    day: str | None = None


@dataclass
class Result:
    """The result of an examination of a target."""

    target: str
    at: float
    requests: int
    operations: Mapping[str, list[Finding]]
    asked: Mapping[str, int]
    invariants: Mapping[str, Invariant]
    errors: list[ErrorSeen]
    readings: Mapping[str, Observed]
    expected: Mapping[str, Value]
    log: CallLog
    day: Day | None
    replies: Sequence[Reply] = ()  # All answers to requests with a JSON object as the body.
    stopped: Text | None = None  # Why the examination ended early.

    def findings(self) -> Iterator[tuple[str, Finding]]:
        """Yield the name of the operation, invariant or reading, and the finding, for every finding."""
        for name, findings in self.operations.items():
            yield from ((name, finding) for finding in findings)
        for name, invariant in self.invariants.items():
            yield from ((name, finding) for finding in invariant.findings)
        for name, observed in self.readings.items():
            if name in self.expected and observed.value not in (None, self.expected[name]):
                text = Text(
                    f"the target has {name}={observed.value}, {self.expected[name]} was expected",
                    f"目标为 {name}={observed.value}，预期为 {self.expected[name]}",
                )
                yield (name, Finding("error", "reading", text, observed.requests[0] if observed.requests else ""))
            elif observed.new:
                yield (
                    name,
                    Finding("warning", "reading", observed.evidence, observed.requests[0] if observed.requests else ""),
                )

    @property
    def nothing_checked(self) -> bool:
        """Whether no invariant could be checked, so that the result has no meaning."""
        return sum(each.checked for each in self.invariants.values()) == 0

    def fails(self, fail_on: str) -> bool:
        """Return whether there is a finding of severity `fail_on` or worse, or nothing was checked."""
        worst = _SEVERITIES[: _SEVERITIES.index(fail_on) + 1]
        return self.nothing_checked or any(finding.severity in worst for _, finding in self.findings())

    def verdict(self, name: str) -> str:
        """Return the verdict on an invariant: `holds`, `violated`, or `undecided`."""
        invariant = self.invariants[name]
        if invariant.findings:
            return "violated"
        return "holds" if invariant.checked else "undecided"

    def evidence(self, name: str) -> Text:
        """Return the reason for the verdict on an invariant."""
        invariant = self.invariants[name]
        if not invariant.findings:
            return (
                Text(f"{invariant.checked} compared", f"比较了 {invariant.checked} 处")
                if invariant.checked
                else invariant.reason
            )
        first = invariant.findings[0].text
        if invariant.violations == 1:
            return first
        return Text(
            f"{invariant.violations} times, first: {first.en}", f"共 {invariant.violations} 处，首个：{first.zh}"
        )


Progress = Callable[[Text], None]


def examine(
    target: Target,
    schemas: Schemas,
    catalogue: Catalogue,
    *,
    focus: Focus = Focus(),
    expected: Mapping[str, Value] | None = None,
    thorough: bool = False,
    progress: Progress = lambda text: None,
) -> Result:
    """Examine a target, and return the result. Raise TargetError if the target cannot be used.

    With `thorough`, values of readings other than the default are searched for, and no reading is a finding.
    """
    # `learn` accepts any behavior of the target; `verify` expects §1.3.
    judged = {} if thorough else {"http_status": "always_200", **(expected or {})}
    prober = Prober(target, schemas, any_status=judged.get("http_status") != "always_200", thorough=thorough)
    started = prober.now()
    log, day, stopped = CallLog(started), None, None
    try:
        progress(Text("credentials and signature", "凭证与签名"))
        connect(prober)
        probe_signature(prober)
        if not thorough and judged.get("signing") != "off":
            report_unsigned(prober)
        progress(Text("searching for calls", "查找通话"))
        log = discover(prober, user=focus.user, room=focus.room, day=focus.day)
        present = ask_present(prober, log, int(prober.now()) - 3_600)
        progress(Text("errors", "错误码"))
        probe_strictness(prober)
        provoke_errors(prober)
        conclude_unknown_ids(prober)
        conclude_range(prober)
        conclude_http_status(prober)
        progress(Text("records", "通话记录"))
        probe_window(prober, log)
        probe_room_window(prober, log)
        probe_without_calls(prober, log)
        progress(Text("statistics", "统计"))
        day = ask_day(prober, log)
        probe_statistics(prober, log, day)
        if not prober.value("ongoing"):
            probe_ongoing(prober, log, present)
        progress(Text("comparing records", "记录互相核对"))
        if focus.room is not None:
            ask_room(prober, focus.room)
        look_ups = _LOOK_UPS if prober.is_free else _FEW_LOOK_UPS
        look_up(prober, log, int(min(look_ups, target.remaining - _RESERVED)))
        if not prober.value("ongoing"):
            conclude_exclude(prober, present, ask_present(prober, log, present.begin))
    except TargetError as error:
        if error.kind != "out_of_requests":
            raise
        stopped = _OUT_OF_REQUESTS
    check_sessions(prober, log)
    check_statistics(prober, day)
    for name in READINGS:
        if name not in prober.readings:
            prober.leave_open(name, stopped or _NO_EVIDENCE)
    return Result(
        target=target.url,
        at=started,
        requests=target.requests,
        operations={name: list(findings.values()) for name, findings in prober.operations.items()},
        asked=prober.asked,
        invariants={name: prober.invariant(name) for name in (*OF_RECORDS, *OF_STATISTICS)},
        errors=errors_seen(prober, catalogue),
        readings={name: prober.readings[name] for name in READINGS},
        expected=judged,
        log=log,
        day=day,
        replies=prober.replies,
        stopped=stopped,
    )


def result_json(result: Result, lang: Lang) -> dict[str, Any]:
    """Return a result in the JSON shape of `--format json`."""
    return {
        "target": result.target,
        "at": show_time(result.at),
        "requests": result.requests,
        "ok": not result.fails("error"),
        "operations": [
            {
                "name": name,
                "ok": not any(finding.severity == "error" for finding in result.operations[name]),
                "problems": [_finding_json(finding, lang) for finding in result.operations[name]],
            }
            for name in OPERATIONS
        ],
        "invariants": [
            {
                "name": name,
                "verdict": result.verdict(name),
                "evidence": result.evidence(name).to(lang),
                "findings": [_finding_json(finding, lang) for finding in invariant.findings],
            }
            for name, invariant in result.invariants.items()
        ],
        "errors": [
            {
                "name": each.name,
                "code": each.code,
                "info": each.info,
                "verdict": each.verdict,
                "status": each.status,
                "causes": list(each.causes),
                "other": list(each.other),
                "request": each.request,
            }
            for each in result.errors
        ],
        "readings": [
            {
                "name": name,
                "value": observed.value,
                "verdict": "undecided" if observed.value is None else "confirmed",
                "evidence": observed.evidence.to(lang),
                "requests": list(observed.requests),
            }
            for name, observed in result.readings.items()
        ],
        "stopped": result.stopped.to(lang) if result.stopped else None,
    }


def _finding_json(finding: Finding, lang: Lang) -> dict[str, str]:
    return {
        "severity": finding.severity,
        "name": finding.kind,
        "text": finding.text.to(lang),
        "request": finding.request,
    }
