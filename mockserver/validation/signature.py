"""Checks the values of the signed query (§1.1.2): appkey, identifier, curtime, freshness, checksum, seq."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from mockserver.contract.apps import App
from mockserver.contract.checksum import Formula, checksum_matches
from mockserver.contract.readings import Readings
from mockserver.contract.violations import Violation, format_duration, make_violation, shorten
from mockserver.core.http import Request
from mockserver.core.text import MASK, Text
from mockserver.validation.claims import Claims
from mockserver.validation.curtime import diagnose_curtime, diagnose_offset
from mockserver.validation.diagnosis import diagnose
from mockserver.validation.query import PARAMETERS, read_query

_FRACTION = re.compile(r"([0-9]{10})\.[0-9]{1,12}", re.ASCII)
_FORMULAS: dict[str, tuple[Formula, ...]] = {"v2": ("v2",), "v1": ("v1",), "either": ("v2", "v1"), "off": ("v2",)}
_CLOCK_MOVED = Text(" (this server's clock was stopped or moved on purpose)", "（本服务器的时钟已被冻结或调整）")
_SIGN_CORRECTLY = Text("make it sha1(appsecret + restapikey + curtime)", "应为 sha1(appsecret + restapikey + curtime)")


@dataclass(slots=True)
class SigningContext:
    """The keys and clock to verify a signature against. Treat it as read-only: a frozen class is slower to create."""

    now: float  # The server's clock, in seconds since 1970.
    app: App | None  # The app named by the query, with the keys the server holds for it.
    apps: tuple[Mapping[str, App], ...] = ()
    """All registered apps by appkey, to recognize a signature made with another app's keys."""
    memory: Claims | None = None  # What the app has already used.
    clock_moved: bool = False  # Whether the server's clock was frozen or shifted on purpose.
    suggest_explain: bool = True
    """Whether the advice may mention `mockserver explain`: it needs the app's keys to be in a file."""
    deep: bool = False  # Search for the cause of a wrong checksum without a time limit, as `mockserver explain` does.


def check_signature(
    query: Mapping[str, str], request: Request, readings: Readings, context: SigningContext, *, accepted: bool
) -> list[Violation]:
    """Return all violations of the query's values, in the order of the checks.

    `query` holds the decoded values. `accepted` says that all checks before this one passed: only then are a seq and a
    checksum marked as used. The reading `signing: off` is applied later, by `tolerate`.
    """
    violations: list[Violation] = []
    app, memory = context.app, context.memory
    off = readings["signing"] == "off"
    if "appkey" in query and (app is None or not query["appkey"]):
        violations.append(_unknown_appkey(query["appkey"]))
    violations += _check_identifier(query.get("identifier"), app, readings)
    curtime = query.get("curtime")
    moment = None
    if curtime is not None:
        moment, wrong = _read_curtime(curtime, readings, context.now)
        violations += wrong
    if moment is not None:
        violations += _check_freshness(moment, context, readings["freshness_seconds"])
    checksum = query.get("checksum")
    if app is not None and checksum is not None and curtime is not None:
        formulas = _FORMULAS[readings["signing"]]
        if not checksum_matches(checksum, app.credentials, curtime, formulas):
            violations.append(_wrong_checksum(query, request, formulas, app, context))
        elif memory:
            if moment is not None:
                memory.remember_signed(checksum, curtime)
            once = readings["checksum_reuse"] == "once" and accepted and (off or _all_tolerated(violations))
            if once and not memory.claim_checksum(checksum):
                violations.append(make_violation("checksum_reused", got=checksum[:6] + "…"))
    seq = query.get("seq")
    if seq == "" and readings["seq"] != "optional":
        violations.append(make_violation("seq_empty"))
    unique = readings["seq"] == "unique" and accepted and (off or _all_tolerated(violations))
    if unique and seq and memory and not memory.claim_seq(seq):
        violations.append(make_violation("seq_repeated", got=seq))
    return violations


def tolerate(violation: Violation) -> Violation:
    """Return the violation under the reading `signing: off`: tolerated, except for unknown appkeys and parameters."""
    place, _, name = violation.where.partition(":")
    if place != "query" or name not in PARAMETERS:
        return violation
    absent = violation.name == "missing_parameter" or not violation.got
    return violation if name == "appkey" and not absent else replace(violation, tolerated=True)


def _all_tolerated(violations: list[Violation]) -> bool:
    return not violations or all(each.tolerated for each in violations)


def _unknown_appkey(appkey: str) -> Violation:
    shown = shorten(appkey)
    verdict = Text(f"{shown} is not registered here", f"{shown} 未注册") if appkey else Text("is empty", "为空")
    return make_violation("unknown_appkey", got=appkey, verdict=verdict)


def _check_identifier(identifier: str | None, app: App | None, readings: Readings) -> list[Violation]:
    if identifier == "":
        return [make_violation("identifier_empty")]
    if identifier and readings["identifier"] == "admin" and app is not None and identifier not in app.identifiers:
        expected = ", ".join(app.identifiers)
        return [make_violation("identifier_not_allowed", expected=expected, got=identifier)]
    return []


def _read_curtime(text: str, readings: Readings, now: float) -> tuple[float | None, list[Violation]]:
    """Return curtime as seconds since 1970, or None if it is malformed, and the violations of its format."""
    if len(text) == 10 and text.isascii() and text.isdigit():
        return float(text), []
    if found := _FRACTION.fullmatch(text):
        tolerated = readings["curtime"] == "fraction"
        wrong = make_violation("curtime_fraction", got=text, diagnosis="curtime_fraction", tolerated=tolerated)
        return float(text if tolerated else found[1]), [wrong]
    if diagnosis := diagnose_curtime(text, now):
        hint = Text(f": {diagnosis.text.en}", f"：{diagnosis.text.zh}")
        return None, [make_violation("curtime_format", got=text, diagnosis=diagnosis.name, hint=hint)]
    return None, [make_violation("curtime_format", got=text)]


def _check_freshness(moment: float, context: SigningContext, limit: int) -> list[Violation]:
    """A checksum is valid for `limit` seconds before and after the server's second, edges included."""
    offset = moment - context.now // 1
    if abs(offset) <= limit:
        return []
    diagnosis = diagnose_offset(moment, context.now, limit)
    hint = diagnosis.text
    if context.clock_moved:
        hint = Text(hint.en + _CLOCK_MOVED.en, hint.zh + _CLOCK_MOVED.zh)
    return [
        make_violation(
            "checksum_expired",
            expected=f"within {limit} s of the server's clock",
            got=str(int(moment)),
            diagnosis=diagnosis.name,
            span=format_duration(abs(round(offset))),
            side=Text("ahead of", "快") if offset > 0 else Text("behind", "慢"),
            limit=limit,
            hint=hint,
        )
    ]


def _wrong_checksum(
    query: Mapping[str, str], request: Request, formulas: tuple[Formula, ...], app: App, context: SigningContext
) -> Violation:
    # `query` may be redacted; the search needs what the client really sent.
    checksum, sent = query["checksum"], read_query(request.query).values or query
    others = (other for apps in context.apps for other in list(apps.values()) if other.appkey != app.appkey)
    diagnosis = diagnose(
        sent.get("checksum", checksum),
        sent.get("curtime", query["curtime"]),
        app.credentials,
        other_keys=[other.credentials for other in others],
        formulas=formulas,
        earlier_curtime=context.memory.signed_for(checksum) if context.memory else None,
        deep=context.deep,
        suggest_explain=context.suggest_explain,
    )
    # The first characters of a key that was sent are a part of the key.
    exposed = diagnosis is not None and "unhashed" in diagnosis.names
    return make_violation(
        "checksum_mismatch",
        got=MASK if exposed else checksum[:6] + "…",
        diagnosis=diagnosis.name if diagnosis else "",
        # None: the checksum is right for the values as sent, and wrong only for the redacted ones.
        hint=diagnosis.text if diagnosis else _SIGN_CORRECTLY,
    )
