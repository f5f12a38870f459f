"""Provokes each error of the catalogue that a request can provoke (§1.6), and collects the returned codes and texts."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mockserver.contract.catalogue import Catalogue
from mockserver.contract.violations import OWN_ERRORS
from mockserver.core.clock import DAY_SECONDS, format_day
from mockserver.core.text import Text
from mockserver.live.answers import Finding, is_envelope
from mockserver.live.connecting import valid_body
from mockserver.live.probing import ALL, DISTRIBUTION, QUALITY, RECORDS, ROOM, TREND, Prober
from mockserver.live.replies import Reply

UNKNOWN_ID = "no-such-id-7c1f4e0b9a52"
_LARGE = 2 * 1024 * 1024
_OLD_BEGIN = 1_000_000_000  # September 2001: the start of long ranges without calls.
LONGEST_RANGE = 3_660  # Days.
_OPTIONAL_ERRORS = (
    *("body_too_large", "unsupported_content_type", "unknown_field", "identifier_not_allowed", "checksum_expired"),
    *("room_not_found", "user_not_found", "range_too_large", "invalid_parameter"),
)  # Some reading makes these requests valid, or the document does not mention the mistake.
_OPTIONAL_CAUSES = ("no seq", "no identifier", "CountBy 0 in 3.2")  # The same for one cause of an error.
_NAMES = "appkey|identifier|curtime|checksum|seq|BeginTime|EndTime|QueryDate|CountBy|UserId|RoomId|Unknown|PUT|GET"
_SENT = re.compile(
    rf"{UNKNOWN_ID}|no-such-\w+|\S*no_such_command|yesterday|text/plain|[0-9]{{8,}}"
    rf"|(?:(?<=[:：(（])|(?<=[:：(（] ))(?:{_NAMES})\W*$",
    re.ASCII,
)  # What a text may repeat of a request: its values, and the name of a field as the only detail.
_SEPARATED = re.compile(r"(.*\S)\s*[:：;；,，(（]")  # A text, and what separates it from details.


@dataclass(frozen=True, slots=True)
class ErrorSeen:
    """The result for one error of the catalogue."""

    name: str
    code: int | None = None
    info: str = ""
    status: int = 200
    verdict: str = "not provoked"  # observed, accepted, or not provoked.
    causes: tuple[str, ...] = ()
    request: str = ""
    other: tuple[str, ...] = ()  # Causes with another code than the first one, or accepted.


def provoke_errors(prober: Prober) -> None:
    """Send one request for each cause of an error; each request has only that mistake."""
    body = valid_body(prober)
    day = format_day(prober.now())
    stamps = {"UserId": "1", **body}

    def cause(name: str, what: str, operation: str, body: Mapping[str, Any] | bytes, **options: Any) -> None:
        reply = prober.ask(operation, body, expected=False, **options)
        prober.errors.setdefault(name, []).append((what, reply))
        is_missing = name == "missing_parameter" or what.startswith("no value")
        unchecked = is_missing and prober.value("signing") == "off"
        if reply.ok and name not in _OPTIONAL_ERRORS and what not in _OPTIONAL_CAUSES and not unchecked:
            text = Text(f"a request with this mistake is accepted: {what}", f"有此错误的请求被接受：{what}")
            prober.report(operation, Finding("warning", f"accepts_{name}", text, reply.request))

    cause("unknown_command", "unknown command", ALL, body, path="/v2/video/no_such_command")
    cause("method_not_allowed", "PUT", ALL, body, method="PUT")
    cause("method_not_allowed", "GET", ALL, b"", method="GET")  # Some refuse it for the missing body.
    cause("empty_body", "no body", ALL, b"")
    cause("malformed_json", "broken JSON", ALL, b'{"BeginTime": ')
    cause("malformed_json", "a list", ALL, b"[]")
    cause("body_too_large", "a body of 2 MiB", ALL, json.dumps(body).encode() + b" " * _LARGE)
    cause("unsupported_content_type", "text/plain", ALL, body, headers={"Content-Type": "text/plain"})
    for name in ("appkey", "identifier", "curtime", "checksum", "seq"):
        cause("missing_parameter", f"no {name}", ALL, body, sign={name: None})
    cause("unknown_appkey", "unknown appkey", ALL, body, sign={"appkey": "no-such-appkey"})
    cause("invalid_curtime", "curtime in letters", ALL, body, sign={"curtime": "yesterday"})
    cause("invalid_curtime", "curtime in milliseconds", ALL, body, sign={"curtime": f"{int(prober.now())}000"})
    cause("checksum_expired", "an old curtime", ALL, body, offset=-2 * DAY_SECONDS)
    cause("identifier_not_allowed", "no value for identifier", ALL, body, sign={"identifier": ""})
    cause("invalid_parameter", "seq given twice", ALL, body, query="seq=1")
    cause("invalid_parameter", "no value for seq", ALL, body, sign={"seq": ""})
    if prober.thorough:
        cause("invalid_parameter", "one more parameter", ALL, body, query="extra=1")
        for name, parameter in (
            ("unknown_appkey", "appkey"),
            ("invalid_curtime", "curtime"),
            ("checksum_mismatch", "checksum"),
        ):
            cause(name, f"no value for {parameter}", ALL, body, sign={parameter: ""})
    for operation, complete in (
        (ALL, body),
        (RECORDS, stamps),
        (ROOM, {"RoomId": "1"}),
        (TREND, {"QueryDate": day, "CountBy": 1}),
    ):
        for field in complete:
            rest = {name: value for name, value in complete.items() if name != field}
            cause("missing_field", f"no {field} in {operation}", operation, rest)
    cause("invalid_field", "BeginTime in letters", ALL, {**body, "BeginTime": "yesterday"})
    cause("invalid_field", "a day that does not exist", QUALITY, {"QueryDate": "20191341"})
    cause("invalid_field", "CountBy 9", TREND, {"QueryDate": day, "CountBy": 9})
    cause("invalid_field", "CountBy 0 in 3.2", DISTRIBUTION, {"QueryDate": day, "CountBy": 0})
    cause(
        "invalid_time_range",
        "BeginTime after EndTime",
        ALL,
        {"BeginTime": body["EndTime"], "EndTime": body["BeginTime"]},
    )
    cause("unknown_field", "an unknown field", ALL, {**body, "Unknown": "1"})
    cause("room_not_found", "unknown room", ROOM, {"RoomId": UNKNOWN_ID})
    cause("user_not_found", "unknown user", RECORDS, {"UserId": UNKNOWN_ID, **body})
    long = {"BeginTime": str(_OLD_BEGIN), "EndTime": str(_OLD_BEGIN + LONGEST_RANGE * DAY_SECONDS + 1)}
    cause("range_too_large", f"a range of over {LONGEST_RANGE} days", ALL, long)


def conclude_range(prober: Prober) -> None:
    """Find the longest range that is accepted: whole days, from a time without calls."""
    first = prober.errors["range_too_large"][-1][1]
    if first.ok:
        text = Text(f"a range of over {LONGEST_RANGE} days was accepted", f"超过 {LONGEST_RANGE} 天的时间段被接受")
        prober.confirm("max_range_days", 0, text, first)
        return
    asked: dict[int, Reply] = {}

    def accepts(seconds: int) -> bool:
        if seconds not in asked:
            body = {"BeginTime": str(_OLD_BEGIN), "EndTime": str(_OLD_BEGIN + seconds)}
            asked[seconds] = prober.ask(ALL, body, expected=False)
        return asked[seconds].ok

    low, high = 0, LONGEST_RANGE + 1
    for guess in (31, 32):
        low, high = (guess, high) if guess < high and accepts(guess * DAY_SECONDS) else (low, min(guess, high))
    if not prober.thorough and high - low > 1:
        text = Text("the limit is not 31 days; `learn` finds it", "上限不是 31 天；`learn` 可测出")
        prober.leave_open("max_range_days", text, first, *list(asked.values())[-2:])
        return
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if accepts(middle * DAY_SECONDS) else (low, middle)
    edge = low * DAY_SECONDS
    if low and not accepts(edge + 1):
        text = Text(f"{low} days were accepted, one second more was refused", f"{low} 天被接受，再多一秒被拒绝")
        prober.confirm("max_range_days", low, text, asked[edge], asked[edge + 1])
        return
    text = Text(f"the longest range is between {low} and {low + 1} days", f"最长时间段介于 {low} 与 {low + 1} 天之间")
    prober.leave_open("max_range_days", text, *list(asked.values())[-2:], new=True)


def conclude_http_status(prober: Prober) -> None:
    """Decide `http_status` by the status of all failures (§1.3)."""
    failures = [
        reply for causes in prober.errors.values() for _, reply in causes if is_envelope(reply.value) and not reply.ok
    ]
    statuses = {reply.status for reply in failures}
    listed = ", ".join(map(str, sorted(statuses)))
    if not failures:
        prober.leave_open("http_status", Text("no failure was seen", "没有出现失败响应"))
    elif statuses == {200}:
        text = Text(f"{len(failures)} failures had HTTP 200", f"{len(failures)} 个失败响应均为 HTTP 200")
        prober.confirm("http_status", "always_200", text, *failures[:2])
    else:
        others = [reply for reply in failures if reply.status != 200]
        text = Text(f"failures had HTTP {listed}", f"失败响应的 HTTP 状态码：{listed}")
        prober.confirm("http_status", "rest", text, *others[:3])


def errors_seen(prober: Prober, catalogue: Catalogue) -> list[ErrorSeen]:
    """Return the result for every error of the catalogue except `ok`, in the catalogue's order.

    Optional errors that are not in it follow if their code or HTTP status differs; otherwise they are a cause of the usual error.
    """
    causes, others = dict(prober.errors), []
    for own, usual in OWN_ERRORS.items():
        if own in causes and own not in catalogue:
            known = {(reply.code, reply.status) for _, reply in causes.get(usual, ())}
            if {(reply.code, reply.status) for _, reply in causes[own]} <= known:
                causes[usual] = causes[usual] + causes[own]
            else:
                others.append(own)
    names = [*(name for name, row in catalogue.items() if row.code != 0), *others]
    return [_error_seen(prober, name, causes.get(name, [])) for name in names]


def _error_seen(prober: Prober, name: str, causes: list[tuple[str, Reply]]) -> ErrorSeen:
    refused = [(what, reply) for what, reply in causes if reply.code is not None]
    if not refused:
        accepted = [(what, reply) for what, reply in causes if reply.ok]
        verdict = "accepted" if accepted else "not provoked"
        request = (accepted or causes)[0][1].request if causes else ""
        return ErrorSeen(name, verdict=verdict, causes=tuple(what for what, _ in causes), request=request)
    codes = Counter(reply.code for _, reply in refused)
    code = max(codes, key=lambda each: codes[each])
    infos = Counter(reply.info for _, reply in refused if reply.code == code)
    first = next(reply for _, reply in refused if reply.code == code)
    return ErrorSeen(
        name,
        code,
        prober.clean(_common_text(infos)),
        first.status,
        "observed",
        tuple(what for what, reply in refused if reply.code == code),
        first.request,
        (
            *(f"{what}: {reply.code}" for what, reply in refused if reply.code != code),
            *(f"{what}: accepted" for what, reply in causes if reply.ok),
        ),
    )


def _common_text(texts: Counter[str]) -> str:
    """Return what all texts of an error have in common before the values that were sent, up to a separator.

    Without a separator, return the most frequent text.
    """
    variants = [each for text in texts if text for each in (text, _SENT.sub("\0", text))]
    same = itertools.takewhile(lambda characters: len(set(characters)) == 1, zip(*variants, strict=False))
    common = "".join(characters[0] for characters in same)
    if common in texts:
        return common
    found = _SEPARATED.match(common)
    return found[1] if found else max(texts, key=lambda each: texts[each])


def shared_codes(errors: list[ErrorSeen]) -> dict[int, list[str]]:
    """Return the error names that share a code."""
    names: dict[int, list[str]] = {}
    for each in errors:
        if each.code is not None:
            names.setdefault(each.code, []).append(each.name)
    return {code: shared for code, shared in names.items() if len(shared) > 1}
