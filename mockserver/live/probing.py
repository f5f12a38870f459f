"""Sends requests to a target, adapted to what is known of it so far; checks every answer, and collects the results."""

from __future__ import annotations

import itertools
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from mockserver.contract.checksum import Formula, new_seq
from mockserver.contract.operations import OPERATIONS
from mockserver.contract.readings import Value
from mockserver.contract.schemas import Schemas
from mockserver.core.machine_time import machine_time
from mockserver.core.text import Text
from mockserver.live.answers import Finding, Severity, check_answer, is_envelope, parse_answer
from mockserver.live.replies import Body, Reply
from mockserver.live.target import JSON_HEADERS, Answer, Target, TargetError

RECORDS, ROOM, ALL, TREND, DISTRIBUTION, QUALITY = OPERATIONS
DATE_TOLERANCE = 2.0  # Seconds. The Date header has whole seconds.
_SETTLED_FRACTION = 0.4
_MAX_FINDINGS = 3  # Findings of one invariant; more violations are only counted.
_MAX_FOREIGN = 3  # Requests in a row without an answer of this API, after which a valid one is sent.
UNUSED_STEP = 10  # Seconds: after this time, as many more curtimes have come within the limit.
_UNCHECKED = 10  # Requests after that one in which a refusal is not checked again.
_NOTHING = Text("nothing to compare", "没有可比较的数据")
_LIMITED = re.compile(r"too many|rate.?limit|throttl|quota|qps|频繁|限流|过多|超过.*频率", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Observed:
    """The result for one reading. `value` is None while it is undecided."""

    value: Value | None
    evidence: Text
    requests: tuple[str, ...] = ()
    new: bool = False  # Whether the answers fit none of the choices.


@dataclass
class Invariant:
    """The result for one invariant: the numbers of comparisons and violations, and the first findings."""

    checked: int = 0
    violations: int = 0
    findings: list[Finding] = field(default_factory=list)
    reason: Text = _NOTHING  # Why nothing was compared.


class Prober:
    """An examination of a target: sends the requests and holds the results."""

    def __init__(self, target: Target, schemas: Schemas, *, any_status: bool, thorough: bool) -> None:
        self.target, self.schemas, self.any_status, self.thorough = target, schemas, any_status, thorough
        self.skew = 0.0  # Seconds by which the target's clock is ahead of ours.
        self.clock_error = 0  # Seconds by which `skew` may be wrong.
        self.recorded_before = 0  # Seconds before now at which a recording that the target replays has data.
        self.once = True  # Whether a checksum is accepted only once; assumed until one is accepted twice.
        self.short_lived = True  # Whether a curtime may be too old after a few seconds.
        self.reach = 0  # With `once`, the maximum distance of a usable curtime from now, in seconds.
        self.operations: dict[str, dict[str, Finding]] = {name: {} for name in OPERATIONS}
        self.asked: dict[str, int] = dict.fromkeys(OPERATIONS, 0)
        self.readings: dict[str, Observed] = {}
        self.invariants: dict[str, Invariant] = {}
        self.errors: dict[str, list[tuple[str, Reply]]] = {}  # By error name: each cause, with its answer.
        self.replies: list[Reply] = []  # All answers to requests with a JSON object as the body.
        self.last_curtime = ""
        self.date = ""  # The Date header of the last answer.
        self._curtimes: set[tuple[str, str]] = set()
        self._fractions = itertools.count(int(machine_time() * 10) % 900_000)
        self._first: tuple[str, Body] | None = None  # Operation and body of the first accepted request.
        self._foreign = 0  # Requests in a row without an answer of this API.
        self._next_check = 0  # Number of the first request whose refusal is checked again.
        self._used_until = 0  # Curtimes up to this one were used before this examination.

    def now(self) -> float:
        """Return the time by the target's clock, as far as it is known."""
        return self.target.clock() + self.skew

    def ask(
        self,
        operation: str,
        body: Body,
        *,
        path: str | None = None,
        method: str = "POST",
        headers: Mapping[str, str] = JSON_HEADERS,
        sign: Mapping[str, str | None] | None = None,
        offset: int | None = None,
        fraction: bool = False,
        formula: Formula | None = None,
        query: str = "",
        expected: bool = True,
    ) -> Reply:
        """Return the answer to a request, or a Reply without one. Raise TargetError if even the first has no answer.

        `offset` is the distance of curtime from now in seconds. With `expected`, the request is valid: a failure is a
        finding.
        """
        options: dict[str, Any] = {"path": path, "method": method, "headers": headers, "sign": sign or {}}
        options |= {"fraction": fraction, "formula": formula, "query": query}
        reply = self._ask(operation, body, offset=offset, **options)
        if offset is None and "curtime" not in (sign or {}) and self._may_be_stale(reply):
            # The second ended during the request, or the curtime was used before: sign with the current time.
            used, first = self.last_curtime, reply
            offsets = (0, self.reach // 2, self.reach) if self.once else (0,)
            for attempt, ahead in enumerate((*offsets, self.reach) if self.once and expected else offsets):
                if attempt == len(offsets):
                    self.target.pause(UNUSED_STEP)  # After this time, as many more curtimes can be used.
                reply = self._ask(operation, body, offset=ahead, **options)
                if reply.code != first.code:
                    used = self.last_curtime if ahead else used
                    break
            if self.once and reply.code != first.code:
                self._used_until = max(self._used_until, int(used[:10]))
        if reply.ok:
            self._first = self._first or (operation, body)
        self._foreign = 0 if is_envelope(reply.value) else self._foreign + 1
        is_refused = expected and reply.code is not None and not (reply.unrecorded or self._may_be_stale(reply))
        is_refused = (
            is_refused and self.value("checksum_reuse") is not None
        )  # Otherwise, valid requests are refused at times.
        if self._foreign >= _MAX_FOREIGN or is_refused or _seems_limited(reply):
            self._check_target(reply)
        if reply.unrecorded:
            text = Text("the recording does not contain this", "录制中没有这项内容")
            self.report(operation, Finding("info", "not_recorded", text, reply.request))
        elif expected and not reply.ok and is_envelope(reply.value):
            text = Text(
                f"a valid request is refused: {reply.code} {self.redact(reply.info)}",
                f"有效请求被拒绝：{reply.code} {self.redact(reply.info)}",
            )
            self.report(operation, Finding("error", "refused", text, reply.request))
        return reply

    def _check_target(self, failed: Reply) -> None:
        """Send the first accepted request again. Raise TargetError if it fails in the same way."""
        if self._first is None or (not self._foreign and self.target.requests < self._next_check):
            return
        (operation, body), self._first, self._foreign = self._first, None, 0
        self._next_check = self.target.requests + _UNCHECKED
        reply = self.ask(operation, body, expected=False)
        self._first = operation, body
        if reply.problem:
            raise self.target.error("unreachable", reply.problem)
        if not is_envelope(reply.value):
            raise self.target.error("other_api", Text(
                f"the target no longer answers as this API: HTTP {reply.status}",
                f"目标不再按该 API 响应：HTTP {reply.status}",
            ))  # fmt: skip
        if reply.code is not None and reply.code == failed.code:
            said = f"{reply.code} {self.redact(reply.info)}"
            raise self.target.error("rate_limited", Text(
                f"the target now refuses requests that it accepted before: {said}; try again later with a lower --rate",
                f"目标现在拒绝先前接受的请求：{said}；请稍后以更低的 --rate 重试",
            ))  # fmt: skip

    def _may_be_stale(self, reply: Reply) -> bool:
        """Whether a curtime that is valid otherwise can be the reason for a refusal."""
        causes = (*self.errors.get("checksum_expired", ()), *self.errors.get("checksum_reused", ()))
        stale = {each.code for _, each in causes}
        return reply.code in stale and (self.once or self.short_lived)

    def _ask(
        self,
        operation: str,
        body: Body,
        *,
        path: str | None,
        method: str,
        headers: Mapping[str, str],
        sign: Mapping[str, str | None],
        offset: int | None,
        fraction: bool,
        formula: Formula | None,
        query: str,
    ) -> Reply:
        """Send one request."""
        path = OPERATIONS[operation].path if path is None else path
        content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        # Other values may be secret.
        signing = {name: "" for name in ("identifier", "seq") if sign.get(name) == ""}
        notes = [
            f"without {name}" if value is None else f"{'another' if value else 'no value for'} {name}"
            for name, value in sign.items()
            if name not in signing
        ]
        notes += ["curtime with a fraction"] if fraction else []
        notes += ["one more parameter"] if query else []
        signing |= {"formula": "v1"} if (formula or self.target.formula) == "v1" else {}
        signing |= {"now": f"now{offset:+d}s"} if offset else {}
        line = self._line(path, content, method, headers, signing, notes)

        def changes() -> Mapping[str, str | None]:
            curtime = sign.get("curtime") or self._curtime(offset, formula or self.target.formula, fraction)
            self.last_curtime = curtime
            return {"curtime": curtime, "seq": new_seq(str(int(self.now()))), **sign}

        try:
            answer = self.target.send(
                path, content, method=method, headers=headers, sign=changes, formula=formula, query=query
            )
        except TargetError as error:
            if error.kind != "unreachable" or not any(self.asked.values()):
                raise
            reply = Reply(operation, body, line, at=self.now(), problem=error.problems[0].text)
            self.report(operation, Finding("error", "no_answer", reply.problem or Text("", ""), line))
            return reply
        return self._read(operation, body, line, answer)

    @property
    def is_free(self) -> bool:
        """Whether there are enough curtimes for all requests."""
        return not self.once or self.reach > 200 or self.value("curtime") == "fraction"

    def report(self, operation: str, finding: Finding) -> None:
        """Add a finding about an operation, unless it already has one of this kind."""
        self.operations[operation].setdefault(finding.kind, finding)

    def confirm(self, name: str, value: Value, evidence: Text, *replies: Reply) -> None:
        """Set the value of a reading, with the requests that decided it."""
        self.readings[name] = Observed(value, evidence, tuple(dict.fromkeys(reply.request for reply in replies))[:3])

    def leave_open(self, name: str, reason: Text, *replies: Reply, new: bool = False) -> None:
        """Leave a reading undecided; with `new`, because the answers fit none of its choices."""
        if new:
            reason = Text(f"new behaviour: {reason.en}", f"新的行为：{reason.zh}")
        lines = tuple(dict.fromkeys(reply.request for reply in replies))[:3]
        self.readings[name] = Observed(None, reason, lines, new)

    def value(self, name: str) -> Any:
        """Return the confirmed value of a reading, or None."""
        observed = self.readings.get(name)
        return observed.value if observed else None

    def invariant(self, name: str) -> Invariant:
        """Return the result for an invariant."""
        return self.invariants.setdefault(name, Invariant())

    def violate(self, name: str, text: Text, reply: Reply, severity: Severity = "error") -> None:
        """Record a violation of an invariant."""
        invariant = self.invariant(name)
        invariant.violations += 1
        if len(invariant.findings) < _MAX_FINDINGS:
            text = Text(*map(self.target.redact_secrets, text))
            invariant.findings.append(Finding(severity, name, text, reply.request))

    def redact(self, text: str) -> str:
        """Return a text from the target as one short line without secrets, for a message."""
        line = self.clean(" ".join(text.split()))
        return line if len(line) <= 200 else f"{line[:200]}…"

    def clean(self, text: str) -> str:
        """Return a text from the target without secrets and control characters."""
        return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in self.target.redact(text))

    def _read(self, operation: str, body: Body, line: str, answer: Answer) -> Reply:
        value, wrong = parse_answer(answer.body)
        reply = Reply(operation, body, line, answer.status, value, answer.at + self.skew, answer.body)
        reply = replace(reply, unrecorded=answer.headers.get("x-mock-answered-by") == "recording")
        self.asked[operation] += 1
        if not isinstance(body, bytes):
            self.replies.append(reply)
        self.date = answer.headers.get("date", "")
        if answer.status == 429 or (self._first is None and _seems_limited(reply)):
            raise self.target.error("rate_limited", Text(
                f"the target limits the rate of requests (HTTP {answer.status}); try again later with a lower --rate",
                f"目标限制请求频率（HTTP {answer.status}）；请稍后以更低的 --rate 重试",
            ))  # fmt: skip
        for finding in check_answer(self.schemas, operation, answer, value, wrong):
            if finding.kind == "http_status" and self._status_is_allowed(reply):
                continue
            text = Text(*(self.redact(each) for each in finding.text))
            self.report(operation, Finding(finding.severity, finding.kind, text, line))
        return reply

    def _status_is_allowed(self, reply: Reply) -> bool:
        return self.any_status and not reply.ok and is_envelope(reply.value)

    def _curtime(self, offset: int | None, formula: Formula, fraction: bool) -> str:
        """Return the curtime to sign with; wait until one can be used."""
        while True:
            now = self.now()
            if self.once and offset is None and self.value("curtime") == "fraction" and not self.short_lived:
                return f"{int(now) - 1}.{next(self._fractions):06d}"
            # A request that tests a limit has to arrive within the second in which it is signed.
            if now % 1 <= (1.0 if offset is None and self.reach else _SETTLED_FRACTION) or (
                offset is None and not self.once
            ):
                for each in (offset,) if offset is not None else self._offsets():
                    # A fraction of zero does not exceed any limit.
                    curtime = f"{int(now) + each}{'.0' if fraction else ''}"
                    if not self.once or (formula, curtime) not in self._curtimes:
                        self._curtimes.add((formula, curtime))
                        return curtime
            self.target.pause(1.0 - now % 1)

    def _offsets(self) -> Sequence[int]:
        """Return the distances of curtimes from now, past ones first: a later examination can use the future ones."""
        if not self.once:
            return (0,)
        unused = max(-self.reach, self._used_until + 1 - int(self.now()))
        return *range(0, unused - 1, -1), *range(max(1, unused), self.reach + 1)

    def _line(
        self,
        path: str,
        content: bytes,
        method: str,
        headers: Mapping[str, str],
        signing: Mapping[str, str],
        notes: Sequence[str],
    ) -> str:
        """Return a request as a shell command, in which `mockserver sign` makes the signature with these options."""
        options = "".join(f" --{name} {shlex.quote(value)}" for name, value in signing.items())
        url = shlex.quote(f"{self.target.url}{path}?")
        words = ["curl -sS", *([] if method == "POST" else [f"-X {method}"]), f'{url}"$(mockserver sign{options})"']
        words += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in headers.items()] or ["-H 'Content-Type:'"]
        text = content.decode("utf-8", "replace")
        words.append(f"-d {shlex.quote(text if len(text) <= 500 else text[:60] + '…')}")
        return self.target.redact_secrets(" ".join(words) + (f"  # {', '.join(notes)}" if notes else ""))


def _seems_limited(reply: Reply) -> bool:
    """Whether the text of a failure is like one about the rate of requests, or about too much of something else."""
    return reply.code is not None and _LIMITED.search(reply.info) is not None


def date_offset(answer_date: str, now: float) -> float | None:
    """Return by how many seconds a Date header is ahead of `now`; None if the header is invalid."""
    try:
        moment: datetime = parsedate_to_datetime(answer_date)
    except (TypeError, ValueError):
        return None
    return moment.timestamp() - now
