"""What was seen: the journal and what is read out of it. One method a resource, values that JSON can say.

Knows nothing of HTTP. Every method takes the appkey of one app, or None for all of them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from mockserver.core.errors import ControlError
from mockserver.core.folders import Folders
from mockserver.core.suggestions import nearest
from mockserver.core.text import Lang, Text
from mockserver.engine.config import Config, load_config
from mockserver.engine.journal import MAX_WAITERS, Filter, Overcrowded, Selection
from mockserver.engine.journal_entry import Entry
from mockserver.engine.pipeline import Engine
from mockserver.faults.registry import KINDS
from mockserver.reporting.coverage import Basis
from mockserver.reporting.entry_json import entry_json
from mockserver.reporting.lints import LINTS, with_lints
from mockserver.reporting.queries import bad_word, check_names, read_filter, read_query
from mockserver.reporting.render_html import render_html
from mockserver.reporting.render_json import coverage_json, report_json, verdict_json
from mockserver.reporting.render_junit import render_junit
from mockserver.reporting.render_text import render_brief, render_text, render_verdict
from mockserver.reporting.report import NAMES, Case, Demands, Report, build_report, complaints
from mockserver.reporting.verification import BadQuestion, Question, find, read_question, verify

Json = dict[str, Any]


def basis_of(config: Config) -> Basis:
    """What a report is held against."""
    return Basis(config.schemas, config.catalogue, config.rules, tuple(KINDS))


def _as_json(report: Report, lang: Lang, found: Sequence[Text], _: Demands) -> str:
    return json.dumps(report_json(report, lang, found), ensure_ascii=False, indent=2) + "\n"


FORMS: dict[str, Callable[[Report, Lang, Sequence[Text], Demands], str]] = {
    "text": render_text,
    "json": _as_json,
    "junit": render_junit,
    "html": render_html,
    "brief": render_brief,
    "verdict": render_verdict,
}
"""The forms of a report."""


class Observer:
    """Reads the journal of a running engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def requests(self, appkey: str | None, query: Mapping[str, str]) -> Json:
        """The requests asked for, oldest first; `wait_for=N&timeout=S` waits until there are N of them."""
        self._know(appkey)
        asked, limit, least, timeout = read_query(appkey, query, self._engine.config.catalogue)
        if least is None and asked.violation not in LINTS:
            return self._told(self._engine.journal.select(asked, limit))
        found = self._with_lint(asked) if least is None else self._wait(least, asked, timeout)
        first = 0 if limit is None else max(len(found.entries) - limit, 0)
        return self._told(Selection(found.entries[first:], found.evicted))

    def _with_lint(self, asked: Filter) -> Selection:
        """The requests with a lint: it takes a look at all of the app's."""
        journal = self._engine.journal
        found = journal.select(Filter(appkey=asked.appkey))
        entries = with_lints(found.entries, self._engine.config.rules)
        return Selection([one for one in entries if asked.matches(one)], found.evicted)

    def _wait(self, least: int, asked: Filter, timeout: float) -> Selection:
        if asked.violation in LINTS:
            raise bad_word(
                "wait_for",
                "no single request shows this violation; ask without",
                "单个请求看不出该违规，不能等待",
            )
        try:
            return self._engine.journal.wait_for(least, asked, timeout)
        except Overcrowded:
            text = Text(
                f"{MAX_WAITERS} callers wait already; ask again without wait_for",
                f"已有 {MAX_WAITERS} 个调用在等待；请不带 wait_for 重试",
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
        self._know(appkey)
        asked = read_filter(appkey, query, self._engine.config.catalogue)
        if asked.violation in LINTS:
            found = self._with_lint(asked)
            return {"count": len(found.entries), "evicted": found.evicted}
        count, evicted = self._engine.journal.count(asked)
        return {"count": count, "evicted": evicted}

    def find(self, appkey: str | None, wanted: Mapping[str, Any]) -> Json:
        """The requests that a filter and a `when` describe."""
        question = self._question(appkey, wanted)
        return self._told(find(self._range(question), question))

    def verify(self, appkey: str | None, wanted: Mapping[str, Any]) -> Json:
        """Whether so many requests came as were expected; the similar ones when not."""
        question = self._question(appkey, wanted)
        return verdict_json(verify(self._range(question), question), self._engine.lang)

    def _range(self, question: Question) -> Selection:
        """What a question and its near misses can be about."""
        if question.asked.violation not in LINTS:
            return self._engine.journal.select(question.range)
        found = self._engine.journal.select(Filter(appkey=question.asked.appkey))
        return Selection(with_lints(found.entries, self._engine.config.rules), found.evicted)

    def clear(self, appkey: str | None) -> Json:
        """Forget what was seen."""
        self._know(appkey)
        return {"removed": self._engine.journal.clear(appkey)}

    def report(
        self, appkeys: Collection[str] | None, *, after: str = "", cases: Mapping[str, Case] | None = None
    ) -> Report:
        """What the clients of these apps, or of all, did `after` a request, held against the contract."""
        journal = self._engine.journal
        if appkeys is None and not after:
            found = [journal.select()]
        else:
            # Each app has room of its own in a journal: what is gone of one says nothing of another.
            own = journal.appkeys() if appkeys is None else appkeys
            found = [_later(journal.select(Filter(appkey=appkey)), after) for appkey in own]
        entries = [entry for one in found for entry in one.entries]
        if len(found) > 1:
            entries.sort(key=lambda entry: (len(entry.id), entry.id))
        return build_report(entries, sum(one.evicted for one in found), basis_of(self._engine.config), cases)

    def report_json(self, appkey: str | None) -> Json:
        """The whole report as data."""
        return report_json(self._report(appkey), self._engine.lang)

    def rendered(self, appkey: str | None, wanted: Mapping[str, Any]) -> Json:
        """A report in a form, and the complaints that fail a run: `{"appkeys", "form", "fail_on_violations", "min_coverage"}`.

        It is about `appkey`, about `appkeys`, or about all; ControlError when both are given. `after` is the id of a
        request: only what came later counts. `tests` tells of an app which test it was made for and what that expects:
        `{APPKEY: {"test": "tests/test_a.py::test_b", "expects": ["unknown_field"]}}`. `option` is what the verdict tells
        people to add for violations to fail the run.
        """
        if appkey is not None and "appkeys" in wanted:
            raise bad_word("appkeys", "give it, or appkey, not both", "不能与 appkey 同时使用")
        self._know(appkey)
        asked = {
            "appkeys": None if appkey is None else [appkey],
            "form": "text",
            **Demands()._asdict(),
            "after": "",
            "tests": {},
            **wanted,
        }
        form = asked["form"]
        if form not in FORMS:
            words = ", ".join(FORMS)
            raise bad_word("form", f"one of {words}", f"可选 {words}")
        _check_report(asked)
        return _rendered(
            self.report(asked["appkeys"], after=asked["after"], cases=read_cases(asked["tests"])),
            form,
            self._engine.lang,
            Demands(**{name: asked[name] for name in Demands._fields}),
        )

    def coverage(self, appkey: str | None) -> Json:
        """How much of the contract was met."""
        report = self._report(appkey)
        return {**coverage_json(report.coverage), "evicted": report.evicted}

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
            hint = nearest(appkey, (*self._engine.config.apps, *self._engine.apps))
            text = Text(f"there is no app {appkey!r}{hint.en}", f"没有应用 {appkey!r}{hint.zh}")
            raise ControlError(404, "unknown_appkey", text)

    def _question(self, appkey: str | None, wanted: Mapping[str, Any]) -> Question:
        if appkey is not None and wanted.get("appkey") not in (None, appkey):
            raise bad_word(
                "appkey", "give it in the URL or in the body, not both", "在 URL 与请求体中只能给出一处"
            )
        try:
            question = read_question({**wanted, "appkey": appkey} if appkey is not None else wanted)
        except BadQuestion as error:
            raise ControlError(422, "invalid_field", error.text) from None
        check_names(
            self._engine.config.catalogue, error=question.asked.error, violation=question.asked.violation
        )
        self._know(question.asked.appkey)
        return question

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
            raise bad_word(
                "tests", '{APPKEY: {"test": TEXT, "expects": [NAME]}}', "应为 {APPKEY: {test, expects}}"
            )
        for name in expects:
            if name not in NAMES:
                hint = nearest(name, NAMES)
                raise bad_word(
                    "tests", f"there is no violation {name!r}{hint.en}", f"没有违规 {name!r}{hint.zh}"
                )
        cases[appkey] = Case(test, frozenset(expects))
    return cases


def _check_report(asked: Mapping[str, Any]) -> None:
    """ControlError for what no report can be about."""
    if not all(isinstance(appkey, str) for appkey in asked["appkeys"] or ()):
        raise bad_word("appkeys", "a list of texts", "应为文本列表")
    if asked["after"] and not asked["after"].isdecimal():
        raise bad_word("after", "the id of a request", "应为请求编号")
    if asked["min_coverage"] is not None and not 0 <= asked["min_coverage"] <= 100:
        raise bad_word("min_coverage", "percent, 0 to 100", "应为 0 至 100 的百分数")


def _later(found: Selection, after: str) -> Selection:
    """What of a selection came after the request of that id; while something older is there, nothing of it is gone."""
    if not after:
        return found
    # Ids are numbers in text, eight digits at least.
    mark = (len(after), after)
    entries = [one for one in found.entries if (len(one.id), one.id) > mark]
    return Selection(entries, found.evicted if len(entries) == len(found.entries) else 0)


def render_entries(
    entries: Sequence[Entry],
    evicted: int,
    form: str,
    *,
    tests: Mapping[str, Any],
    demands: Demands,
    fixtures: Path | None = None,
    lang: Lang = "en",
) -> Json:
    """A report on entries that several servers with the same files kept: those of `fixtures` before the shipped ones."""
    config = load_config(Folders(fixtures), now=lambda: int(time.time()))
    report = build_report(entries, evicted, basis_of(config), read_cases(tests))
    return _rendered(report, form, lang, demands)


def _rendered(report: Report, form: str, lang: Lang, demands: Demands) -> Json:
    found = complaints(
        report, fail_on_violations=demands.fail_on_violations, min_coverage=demands.min_coverage
    )
    return {
        "rendered": FORMS[form](report, lang, found, demands),
        "complaints": [one.to(lang) for one in found],
        "requests": report.requests,
        "unnamed": report.unnamed,
    }
