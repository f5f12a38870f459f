"""Holds the signed query against an app's keys: appkey, identifier, curtime, freshness, checksum, seq (contract §2).

Gives violations in the order of the checks, never an answer; what was seen before is asked of a `Memory`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from mockserver.contract.apps import App
from mockserver.contract.checksum import Credentials, Formula, checksum_matches
from mockserver.contract.readings import Readings
from mockserver.contract.timestamps import format_duration
from mockserver.contract.violations import Violation, make_violation, shorten
from mockserver.core.http import Request
from mockserver.core.text import Text
from mockserver.validation.diagnosis import diagnose, diagnose_curtime
from mockserver.validation.query import read_query
from mockserver.validation.redactor import MASK

_SECONDS = re.compile(r"[0-9]{10}", re.ASCII)
_FRACTION = re.compile(r"([0-9]{10})\.[0-9]{1,12}", re.ASCII)
_FORMULAS: dict[str, tuple[Formula, ...]] = {"v2": ("v2",), "v1": ("v1",), "either": ("v2", "v1")}
_EXPECTED = Text("the seconds since 1970 in 10 digits", "10 位 unix 秒")
_LONGEST = 100
"""Characters of a curtime that a wrong checksum is looked for with."""
_FORMULA_TEXT = "sha1(appsecret + restapikey + curtime)"
_OPEN = {"unhashed", "sum_appended"}
"""Mistakes by which a key travels openly."""


class SignatureMemory(Protocol):
    """What an app has sent before."""

    def claim_seq(self, seq: str) -> bool:
        """Mark `seq` as used; return whether it was new."""

    def claim_checksum(self, checksum: str) -> bool:
        """Mark `checksum` as used; return whether it was new."""

    def remember_signed(self, checksum: str, curtime: str) -> None:
        """Remember that `checksum` was correct for `curtime`."""

    def signed_for(self, checksum: str) -> str | None:
        """Return the curtime for which `checksum` was correct, if remembered."""


@dataclass(frozen=True, slots=True)
class SigningContext:
    """What the server verifies a signature against."""

    now: float
    """The server's clock, in seconds since 1970."""
    app: App | None
    """The app named by the query, with the keys the server holds for it."""
    apps: tuple[Mapping[str, App], ...] = ()
    """All registered apps by appkey, to recognize a signature made with another app's keys."""
    memory: SignatureMemory | None = None
    clock_moved: bool = False
    """Whether the server's clock was frozen or shifted on purpose."""
    suggest_explain: bool = True
    """Whether the advice may mention `mockserver explain`: it needs the app's keys to be in a file."""
    deep: bool = False
    """Search for the cause of a wrong checksum without a time limit, as `mockserver explain` does."""

    @property
    def other_keys(self) -> list[Credentials]:
        """The keys of all apps but the one named by the query."""
        own = self.app.appkey if self.app else ""
        return [app.credentials for apps in self.apps for app in list(apps.values()) if app.appkey != own]


def check_signature(
    query: Mapping[str, str], request: Request, readings: Readings, context: SigningContext, *, accepted: bool
) -> list[Violation]:
    """All violations of the query's values (§1.1.2); `accepted`: the checks before found nothing.

    A seq or checksum is remembered only for a request in which nothing was wrong up to it.
    """
    found: list[Violation] = []
    app, memory = context.app, context.memory
    if app is None and "appkey" in query:
        found.append(_unknown(query["appkey"]))
    found += _identifier(query.get("identifier"), app, readings)
    curtime = query.get("curtime")
    second = None
    if curtime is not None:
        second, wrong = _curtime(curtime, readings, context.now)
        found += wrong
    if second is not None:
        found += _freshness(second, context.now, readings["freshness_seconds"], context.clock_moved)
    given = query.get("checksum")
    if app is not None and given is not None and curtime is not None:
        formulas = _FORMULAS[readings["signing"]]
        if not checksum_matches(given, app.credentials, curtime, formulas):
            found.append(_mismatch(given, curtime, query, request, app, formulas, context))
        elif memory:
            if second is not None:
                memory.remember_signed(given, curtime)
            once = readings["checksum_reuse"] == "once"
            if once and accepted and _fine(found) and not memory.claim_checksum(given):
                found.append(
                    make_violation(
                        "checksum_reused", "query:checksum", expected="a new checksum", got=given[:6] + "…"
                    )
                )
    seq = query.get("seq")
    if seq == "" and readings["seq"] != "optional":
        found.append(make_violation("seq_empty", "query:seq", expected="a number of your own"))
    elif (
        readings["seq"] == "unique"
        and seq
        and memory
        and accepted
        and _fine(found)
        and not memory.claim_seq(seq)
    ):
        found.append(make_violation("seq_repeated", "query:seq", expected="a new seq", got=seq))
    return found


def _unknown(appkey: str) -> Violation:
    shown = shorten(appkey)
    verdict = (
        Text(f"{shown} is not registered here", f"{shown} 未注册") if appkey else Text("is empty", "为空")
    )
    return make_violation(
        "unknown_appkey",
        "query:appkey",
        expected="a registered appkey",
        got=appkey,
        verdict=verdict.en,
        verdict_zh=verdict.zh,
    )


def _fine(found: list[Violation]) -> bool:
    """Whether nothing was found that refuses the request."""
    return all(one.tolerated for one in found)


def _identifier(given: str | None, app: App | None, readings: Readings) -> list[Violation]:
    if given is None:
        return []
    if not given:
        return [make_violation("identifier_empty", "query:identifier", expected="an administrator account")]
    if readings["identifier"] == "admin" and app is not None and given not in app.identifiers:
        expected = ", ".join(app.identifiers)
        return [make_violation("identifier_not_allowed", "query:identifier", expected=expected, got=given)]
    return []


def _curtime(text: str, readings: Readings, now: float) -> tuple[float | None, list[Violation]]:
    """The moment that curtime tells, exact to its digits, and what is wrong with its form."""
    if _SECONDS.fullmatch(text):
        return float(text), []
    if found := _FRACTION.fullmatch(text):
        if readings["curtime"] == "fraction":
            return float(text), [_fraction(text, tolerated=True)]
        return float(found[1]), [_fraction(text, tolerated=False)]
    said = diagnose_curtime(text, now)
    hint = Text(f": {said.text.en}", f"：{said.text.zh}") if said else Text("", "")
    return None, [
        make_violation(
            "curtime_format",
            "query:curtime",
            expected=_EXPECTED.en,
            expected_zh=_EXPECTED.zh,
            got=text,
            diagnosis=said.name if said else "",
            hint=hint.en,
            hint_zh=hint.zh,
        )
    ]


def _fraction(text: str, *, tolerated: bool) -> Violation:
    return make_violation(
        "curtime_fraction",
        "query:curtime",
        expected=_EXPECTED.en,
        got=text,
        diagnosis="curtime_fraction",
        tolerated=tolerated,
    )


_CLOCK = Text("set the clock by NTP and sign each request anew", "请用 NTP 校时，并为每个请求重新签名")
_MOVED = Text(" (this server's clock was stopped or moved on purpose)", "（本服务器的时钟已被冻结或调整）")


def _freshness(second: float, now: float, limit: int, clock_moved: bool) -> list[Violation]:
    """A checksum is valid for `limit` seconds before and after now, edges included; now counts in whole seconds."""
    off = second - now // 1
    if abs(off) <= limit:
        return []
    said = diagnose_curtime(str(int(second)), now, limit)
    hint, told = said.text if said else _CLOCK, format_duration(abs(round(off)))
    if clock_moved:
        hint = Text(hint.en + _MOVED.en, hint.zh + _MOVED.zh)
    return [
        make_violation(
            "checksum_expired",
            "query:curtime",
            expected=f"within {limit} s of the server's clock",
            got=str(int(second)),
            span=told.en,
            span_zh=told.zh,
            side="ahead of" if off > 0 else "behind",
            side_zh="快" if off > 0 else "慢",
            limit=limit,
            diagnosis=said.name if said else "",
            hint=hint.en,
            hint_zh=hint.zh,
        )
    ]


def _mismatch(
    given: str,
    curtime: str,
    query: Mapping[str, str],
    request: Request,
    app: App,
    formulas: tuple[Formula, ...],
    context: SigningContext,
) -> Violation:
    # The parsed query may have been redacted; the search needs what the client really sent.
    sent = read_query(request.query).values or query
    said = diagnose(
        sent.get("checksum", given),
        sent.get("curtime", curtime)[:_LONGEST],
        app.credentials,
        now=context.now,
        others=context.other_keys,
        identifier=sent.get("identifier", ""),
        seq=sent.get("seq", ""),
        body=request.body,
        formulas=formulas,
        earlier=context.memory.signed_for(given) if context.memory else None,
        deep=context.deep,
        explainable=context.suggest_explain,
    )
    none = Text(f"no known mistake explains it; make it {_FORMULA_TEXT}", f"未找到原因；应为 {_FORMULA_TEXT}")
    hint = said.text if said else none
    return make_violation(
        "checksum_mismatch",
        "query:checksum",
        expected=_FORMULA_TEXT,
        # The beginning of a key that was sent is a part of the key, in hex, too.
        got=MASK if said and _OPEN.intersection(said.names) else given[:6] + "…",
        diagnosis=said.name if said else "",
        hint=hint.en,
        hint_zh=hint.zh,
    )
