"""What was seen: the journal and what is read out of it. One method a resource, values that JSON can say.

Knows nothing of HTTP. Every method takes the appkey of one app, or None for all of them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from mockserver.contract.documents import nearest
from mockserver.contract.operations import OPERATIONS
from mockserver.contract.violations import VIOLATIONS
from mockserver.data import Folders
from mockserver.engine import Engine
from mockserver.errors import ControlError
from mockserver.faults.registry import KINDS
from mockserver.library import Library, load_library
from mockserver.messages import Entry, Lang, Text
from mockserver.reporting.coverage import Basis
from mockserver.reporting.render.html import render_html
from mockserver.reporting.render.junit import render_junit
from mockserver.reporting.render.structure import coverage_json, report_json, verdict_json
from mockserver.reporting.render.text import render_text
from mockserver.reporting.report import NAMES, Case, Report, build_report, complaints
from mockserver.reporting.verify import BadQuestion, Question, find, read_question, verify
from mockserver.reporting.wire import entry_json
from mockserver.stores.journal import EVERYTHING, MOST_WAITERS, Filter, Overcrowded, Selection

Json = dict[str, Any]
LONGEST_WAIT = 60.0
"""Seconds that a caller may wait for requests to come."""
_WORDS = {"true": True, "false": False, "1": True, "0": False}


def basis_of(library: Library) -> Basis:
    """What a report is held against."""
    return Basis(library.schemas, library.catalogue, library.rules, tuple(KINDS))


def _as_json(report: Report, lang: Lang, found: Sequence[Text]) -> str:
    return json.dumps(report_json(report, lang, found), ensure_ascii=False, indent=2) + "\n"


FORMS: dict[str, Callable[[Report, Lang, Sequence[Text]], str]] = {
    "text": render_text,
    "json": _as_json,
    "junit": render_junit,
    "html": render_html,
}
"""The forms of a report."""


class Observer:
    """Reads the journal of a running engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def requests(self, appkey: str | None, query: Mapping[str, str]) -> Json:
        """The requests asked for, oldest first; `wait_for=N&timeout=S` waits until there are N of them."""
        asked, limit, least, timeout = self._read(appkey, query)
        journal = self._engine.journal
        if least is None:
            found = journal.select(asked, limit)
        else:
            found = self._wait(least, asked, timeout)
            first = 0 if limit is None else max(len(found.entries) - limit, 0)
            found = Selection(found.entries[first:], found.evicted)
        return self._told(found)

    def _wait(self, least: int, asked: Filter, timeout: float) -> Selection:
        try:
            return self._engine.journal.wait_for(least, asked, timeout)
        except Overcrowded:
            text = Text(
                f"{MOST_WAITERS} callers wait already; ask again without wait_for",
                f"已有 {MOST_WAITERS} 个调用在等待；请不带 wait_for 重试",
            )
            raise ControlError(429, "too_many_waiting", text) from None

    def request(self, appkey: str | None, number: str) -> Json:
        """One request."""
        self._know(appkey)
        entry = self._engine.journal.get(number)
        if entry is None or (appkey is not None and entry.appkey != appkey):
            text = Text(
                f"there is no request {number!r}, or not any more", f"没有请求 {number!r}，或已被淘汰"
            )
            raise ControlError(404, "unknown_request", text)
        return entry_json(entry, self._engine.lang)

    def count(self, appkey: str | None, query: Mapping[str, str]) -> Json:
        """How many requests there are, and how many that might belong to them are gone."""
        asked, _, _, _ = self._read(appkey, query)
        count, evicted = self._engine.journal.count(asked)
        return {"count": count, "evicted": evicted}

    def find(self, appkey: str | None, wanted: Mapping[str, Any]) -> Json:
        """The requests that a filter and a `when` describe."""
        question = self._question(appkey, wanted)
        return self._told(find(self._engine.journal.select(question.range), question))

    def verify(self, appkey: str | None, wanted: Mapping[str, Any]) -> Json:
        """Whether so many requests came as were expected; the similar ones when not."""
        question = self._question(appkey, wanted)
        verdict = verify(self._engine.journal.select(question.range), question)
        return verdict_json(verdict, self._engine.lang)

    def clear(self, appkey: str | None) -> Json:
        """Forget what was seen."""
        self._know(appkey)
        return {"removed": self._engine.journal.clear(appkey)}

    def report(
        self, appkeys: Collection[str] | None, *, after: str = "", cases: Mapping[str, Case] | None = None
    ) -> Report:
        """What the clients of these apps, or of all, did `after` a request, held against the contract."""
        journal = self._engine.journal
        asked = [EVERYTHING] if appkeys is None else [Filter(appkey=appkey) for appkey in appkeys]
        found = [_later(journal.select(one), after) for one in asked]
        entries = [entry for one in found for entry in one.entries]
        return build_report(entries, sum(one.evicted for one in found), basis_of(self._engine.library), cases)

    def report_json(self, appkey: str | None) -> Json:
        """The whole report as data."""
        return report_json(self._report(appkey), self._engine.lang)

    def rendered(self, appkey: str | None, wanted: Mapping[str, Any]) -> Json:
        """A report in a form, and the complaints that fail a run: `{"appkeys", "form", "fail_on_violations", "min_coverage"}`.

        It is about `appkey`, about `appkeys`, or about all; ControlError when both are given. `after` is the id of a
        request: only what came later counts. `tests` tells of an app which test it was made for and what that expects:
        `{APPKEY: {"test": "tests/test_a.py::test_b", "expects": ["unknown_field"]}}`.
        """
        if appkey is not None and "appkeys" in wanted:
            raise _bad("appkeys", "give it, or appkey, not both", "不能与 appkey 同时使用")
        self._know(appkey)
        asked = {
            "appkeys": None if appkey is None else [appkey],
            "form": "text",
            "fail_on_violations": False,
            "min_coverage": None,
            "after": "",
            "tests": {},
            **wanted,
        }
        form = asked["form"]
        if form not in FORMS:
            words = ", ".join(FORMS)
            raise _bad("form", f"one of {words}", f"可选 {words}")
        return _rendered(
            self.report(asked["appkeys"], after=asked["after"], cases=read_cases(asked["tests"])),
            form,
            self._engine.lang,
            fail_on_violations=asked["fail_on_violations"],
            min_coverage=asked["min_coverage"],
        )

    def coverage(self, appkey: str | None) -> Json:
        """How much of the contract was met."""
        return coverage_json(self._report(appkey).coverage)

    def _report(self, appkey: str | None) -> Report:
        self._know(appkey)
        return self.report(None if appkey is None else [appkey])

    def _know(self, appkey: str | None) -> None:
        """ControlError for an app that is none and never was one: nobody takes its silence for an answer.

        The empty appkey is that of requests which name no registered app.
        """
        if not appkey or self._engine.app(appkey) is not None:
            return
        if not any(self._engine.journal.count(Filter(appkey=appkey))):
            text = Text(f"there is no app {appkey!r}", f"没有应用 {appkey!r}")
            raise ControlError(404, "unknown_appkey", text)

    def _question(self, appkey: str | None, wanted: Mapping[str, Any]) -> Question:
        try:
            question = read_question({**wanted, "appkey": appkey} if appkey is not None else wanted)
        except BadQuestion as error:
            raise ControlError(422, "invalid_field", error.text) from None
        self._name(error=question.asked.error, violation=question.asked.violation)
        self._know(question.asked.appkey)
        return question

    def _read(
        self, appkey: str | None, query: Mapping[str, str]
    ) -> tuple[Filter, int | None, int | None, float]:
        """Filter, limit, number to wait for and seconds to wait from the words of a query."""
        self._know(appkey)
        found = _read(appkey, query)
        self._name(
            operation=query.get("operation"), error=query.get("error"), violation=query.get("violation")
        )
        return found

    def _name(self, **names: str | None) -> None:
        """ControlError for a name that nothing has: asked for, it would be found zero times for ever."""
        known: dict[str, Collection[str]] = {
            "operation": OPERATIONS,
            "error": self._engine.library.catalogue,
            "violation": VIOLATIONS,
        }
        for what, name in names.items():
            if name and name not in known[what]:
                hint = nearest(name, known[what])
                raise _bad(what, f"there is no {what} {name[:64]!r}{hint.en}", f"没有 {name[:64]!r}{hint.zh}")

    def _told(self, found: Selection) -> Json:
        lang = self._engine.lang
        return {"requests": [entry_json(entry, lang) for entry in found.entries], "evicted": found.evicted}


def read_cases(tests: Mapping[str, Any]) -> dict[str, Case]:
    """The tests that apps were made for; ControlError for one that is not `{"test": TEXT, "expects": [NAME]}`."""
    cases = {}
    for appkey, told in tests.items():
        told = told if isinstance(told, dict) else {}
        test, expects = told.get("test"), told.get("expects", [])
        if told.keys() - {"test", "expects"} or not isinstance(test, str) or not isinstance(expects, list):
            raise _bad(
                "tests", '{APPKEY: {"test": TEXT, "expects": [NAME]}}', "应为 {APPKEY: {test, expects}}"
            )
        for name in expects:
            if name not in NAMES:
                hint = nearest(name, NAMES)
                raise _bad("tests", f"there is no violation {name!r}{hint.en}", f"没有违规 {name!r}{hint.zh}")
        cases[appkey] = Case(test, frozenset(expects))
    return cases


def _later(found: Selection, after: str) -> Selection:
    """What of a selection came after the request of that id; while something older is there, nothing of it is gone."""
    if not after:
        return found
    # Ids are numbers in text, eight digits at least.
    mark = (len(after), after)
    entries = [one for one in found.entries if (len(one.id), one.id) > mark]
    return Selection(entries, found.evicted if len(entries) == len(found.entries) else 0)


def render_entries(
    entries: Sequence[Entry], evicted: int, form: str, *, fail_on_violations: bool, tests: Mapping[str, Any]
) -> Json:
    """A report on entries that several servers with the shipped files kept."""
    library = load_library(Folders(), now=lambda: int(time.time()))
    report = build_report(entries, evicted, basis_of(library), read_cases(tests))
    return _rendered(report, form, "en", fail_on_violations=fail_on_violations, min_coverage=None)


def _rendered(
    report: Report, form: str, lang: Lang, *, fail_on_violations: bool, min_coverage: float | None
) -> Json:
    found = complaints(report, fail_on_violations=fail_on_violations, min_coverage=min_coverage)
    return {
        "rendered": FORMS[form](report, lang, found),
        "complaints": [one.to(lang) for one in found],
        "requests": report.requests,
        "unnamed": report.unnamed,
    }


def _read(appkey: str | None, query: Mapping[str, str]) -> tuple[Filter, int | None, int | None, float]:
    """Filter, limit, number to wait for and seconds to wait from the words of a query."""
    known = ("operation", "accepted", "error", "violation", "since", "limit", "wait_for", "timeout")
    for name in query:
        if name not in known:
            hint, words = nearest(name, (*known, "appkey")), ", ".join(known)
            raise _bad(
                name, f"unknown{hint.en or f'; known: {words}'}", f"未知{hint.zh or f'；可用：{words}'}"
            )
    accepted = query.get("accepted")
    if accepted is not None and accepted not in _WORDS:
        raise _bad("accepted", "true or false", "应为 true 或 false")
    asked = Filter(
        appkey=appkey,
        operation=query.get("operation"),
        accepted=None if accepted is None else _WORDS[accepted],
        error=query.get("error"),
        violation=query.get("violation"),
        since=_number(query, "since"),
    )
    limit, least, timeout = _whole(query, "limit"), _whole(query, "wait_for"), _number(query, "timeout")
    return (
        asked,
        limit,
        least,
        min(10.0 if timeout is None else timeout, LONGEST_WAIT),
    )


def _number(query: Mapping[str, str], name: str) -> float | None:
    word = query.get(name)
    if word is None:
        return None
    try:
        number = float(word)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e12:
        raise _bad(name, "a number from 0 on", "应为不小于 0 的数")
    return number


def _whole(query: Mapping[str, str], name: str) -> int | None:
    number = _number(query, name)
    if number is None:
        return None
    if number != int(number):
        raise _bad(name, "a whole number", "应为整数")
    return int(number)


def _bad(name: str, en: str, zh: str) -> ControlError:
    return ControlError(422, "invalid_parameter", Text(f"{name}: {en}", f"{name}：{zh}"))
