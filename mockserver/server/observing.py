"""What was seen: the journal and what is read out of it. One method a resource, values that JSON can say.

Knows nothing of HTTP. Every method takes the appkey of one app, or None for all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mockserver.core.errors import AdminError
from mockserver.core.suggestions import unknown
from mockserver.core.text import Text
from mockserver.engine.journal import MAX_WAITERS, JournalQuery, Selection, TooManyWaiters
from mockserver.engine.pipeline import Engine
from mockserver.reporting.entry_json import entry_json
from mockserver.reporting.formats import parse_report_options, render_report, report_on_journal
from mockserver.reporting.lints import LINTS, with_lints
from mockserver.reporting.queries import check_names, invalid_parameter, parse_filter, parse_requests_query
from mockserver.reporting.render_json import coverage_json, report_json, verification_json
from mockserver.reporting.report import AppTest, Report
from mockserver.reporting.verification import (
    InvalidVerification,
    VerificationRequest,
    find,
    parse_verification,
    verify,
)

Json = dict[str, Any]


class Observer:
    """Reads the journal of a running engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def requests(self, appkey: str | None, query: Mapping[str, str]) -> Json:
        """The requests asked for, oldest first; `wait_for=N&timeout=S` waits until there are N of them."""
        self._know(appkey)
        asked, limit, least, timeout = parse_requests_query(appkey, query, self._engine.config.catalogue)
        if least is None and asked.violation not in LINTS:
            return self._told(self._engine.journal.select(asked, limit))
        found = self._with_lint(asked) if least is None else self._wait(least, asked, timeout)
        first = 0 if limit is None else max(len(found.entries) - limit, 0)
        return self._told(Selection(found.entries[first:], found.evicted))

    def _with_lint(self, asked: JournalQuery) -> Selection:
        """The requests with a lint: it takes a look at all of the app's."""
        journal = self._engine.journal
        found = journal.select(JournalQuery(appkey=asked.appkey))
        entries = with_lints(found.entries, self._engine.config.rules)
        return Selection([one for one in entries if asked.matches(one)], found.evicted)

    def _wait(self, least: int, asked: JournalQuery, timeout: float) -> Selection:
        if asked.violation in LINTS:
            raise invalid_parameter(
                "wait_for",
                "no single request shows this violation; ask without",
                "单个请求看不出该违规，不能等待",
            )
        try:
            return self._engine.journal.wait_for(least, asked, timeout)
        except TooManyWaiters:
            text = Text(
                f"{MAX_WAITERS} callers wait already; ask again without wait_for",
                f"已有 {MAX_WAITERS} 个调用在等待；请不带 wait_for 重试",
            )
            raise AdminError(429, "too_many_waiting", text) from None

    def request(self, appkey: str | None, number: str) -> Json:
        """One request."""
        self._know(appkey)
        entry = self._engine.journal.get(number)
        if entry is None or (appkey is not None and entry.appkey != appkey):
            text = Text(
                f"there is no request {number!r}, or not any more", f"没有请求 {number!r}，或已被淘汰"
            )
            raise AdminError(404, "unknown_request", text)
        return entry_json(entry, self._engine.lang)

    def count(self, appkey: str | None, query: Mapping[str, str]) -> Json:
        """How many requests there are, and how many that might belong to them are gone."""
        self._know(appkey)
        asked = parse_filter(appkey, query, self._engine.config.catalogue)
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
        return verification_json(verify(self._range(question), question), self._engine.lang)

    def _range(self, question: VerificationRequest) -> Selection:
        """What a question and its near misses can be about."""
        if question.asked.violation not in LINTS:
            return self._engine.journal.select(question.range)
        found = self._engine.journal.select(JournalQuery(appkey=question.asked.appkey))
        return Selection(with_lints(found.entries, self._engine.config.rules), found.evicted)

    def clear(self, appkey: str | None) -> Json:
        """Forget what was seen."""
        self._know(appkey)
        return {"removed": self._engine.journal.clear(appkey)}

    def report_json(self, appkey: str | None) -> Json:
        """The whole report as data."""
        self._know(appkey)
        return report_json(self._report(None if appkey is None else [appkey]), self._engine.lang)

    def rendered(self, appkey: str | None, wanted: Mapping[str, Any]) -> Json:
        """A report in a form, and the complaints that fail a run; see `parse_report_options`."""
        self._know(appkey)
        options = parse_report_options(appkey, wanted)
        report = self._report(options.appkeys, after=options.after, tests=options.tests)
        return render_report(report, options.format, options.criteria, self._engine.lang)

    def coverage(self, appkey: str | None) -> Json:
        """How much of the contract was met."""
        self._know(appkey)
        report = self._report(None if appkey is None else [appkey])
        return {**coverage_json(report.coverage), "evicted": report.evicted}

    def _report(
        self, appkeys: Collection[str] | None, *, after: str = "", tests: Mapping[str, AppTest] | None = None
    ) -> Report:
        engine = self._engine
        return report_on_journal(engine.journal, engine.config, appkeys, after=after, tests=tests)

    def _know(self, appkey: str | None) -> None:
        """AdminError for an app that is none and never was one: nobody takes its silence for an answer.

        The empty appkey is that of requests which name no registered app.
        """
        if not appkey or self._engine.app(appkey) is not None:
            return
        if not any(self._engine.journal.count(JournalQuery(appkey=appkey))):
            known = (*self._engine.config.apps, *self._engine.apps)
            raise AdminError(404, "unknown_appkey", unknown("app", appkey, known))

    def _question(self, appkey: str | None, wanted: Mapping[str, Any]) -> VerificationRequest:
        if appkey is not None and wanted.get("appkey") not in (None, appkey):
            raise invalid_parameter(
                "appkey", "give it in the URL or in the body, not both", "在 URL 与请求体中只能给出一处"
            )
        try:
            question = parse_verification({**wanted, "appkey": appkey} if appkey is not None else wanted)
        except InvalidVerification as error:
            raise AdminError(422, "invalid_field", error.text) from None
        check_names(
            self._engine.config.catalogue, error=question.asked.error, violation=question.asked.violation
        )
        self._know(question.asked.appkey)
        return question

    def _told(self, found: Selection) -> Json:
        lang = self._engine.lang
        return {"requests": [entry_json(entry, lang) for entry in found.entries], "evicted": found.evicted}
