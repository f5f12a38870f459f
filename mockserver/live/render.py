"""A result of `verify` as text, JSON, JUnit XML, HTML or Markdown."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from mockserver.contract.operations import OPERATIONS
from mockserver.core.clock import show_time
from mockserver.core.text import Lang, Text, pluralize
from mockserver.live.answers import Finding
from mockserver.live.provocations import ErrorSeen, shared_codes
from mockserver.live.verify import Result, result_json
from mockserver.reporting.render import FOLDER, JunitSuite, escape_markdown, junit_document, page_style

_TITLE = Text("Target", "目标")
_VERDICTS = {
    "observed": Text("observed", "已观察"),
    "accepted": Text("the request is accepted", "请求被接受"),
    "not provoked": Text("not provoked", "未触发"),
}
_MAX_OTHERS = 3  # Names of errors with the same number.
_OK, _FAILED = Text("ok", "通过"), Text("FAILED", "未通过")


class Section(NamedTuple):
    """One table of a result."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


class View:
    """A result in one language, with the severity from which on it fails."""

    def __init__(self, result: Result, lang: Lang, fail_on: str) -> None:
        self.result, self.lang, self.failed = result, lang, result.fails(fail_on)
        self.title = f"{_TITLE.to(lang)} {result.target}"
        self.fail_on = fail_on

    @property
    def summary(self) -> str:
        """The numbers of requests and sessions, and the time."""
        result = self.result
        text = Text(
            f"{result.requests} requests, {len(result.log.sessions)} sessions seen, {show_time(result.at)}",
            f"{result.requests} 个请求，{len(result.log.sessions)} 条会话，{show_time(result.at)}",
        ).to(self.lang)
        return f"{text}; {result.stopped.to(self.lang)}" if result.stopped else text

    @property
    def verdict(self) -> str:
        """Whether the target passes, with the numbers of findings."""
        counts = dict.fromkeys(("error", "warning", "info"), 0)
        for _, finding in self.result.findings():
            counts[finding.severity] += 1
        if self.result.nothing_checked:
            advice = Text("choose a day with calls with --day", "请用 --day 指定有通话的日期")
            why = self.result.stopped or advice
            failed = Text(f"FAILED: nothing could be checked; {why.en}", f"未通过：没有可检查的数据；{why.zh}")
            return failed.to(self.lang)
        shown = f"{pluralize(counts['error'], 'error')}, {pluralize(counts['warning'], 'warning')}"
        shown_zh = f"{counts['error']} 个错误，{counts['warning']} 个警告"
        return (_FAILED if self.failed else _OK).to(self.lang) + ": " + Text(shown, shown_zh).to(self.lang)

    def sections(self) -> list[Section]:
        """Return the tables that have rows, findings first."""
        return [section for section in self._sections() if section.rows]

    def _sections(self) -> Iterator[Section]:
        word = self._words
        findings = [
            (finding.severity, name, finding.text.to(self.lang), finding.request)
            for name, finding in self.result.findings()
        ]
        if findings:
            yield Section(
                word("Findings", "问题"),
                (word("severity", "级别"), word("about", "对象"), word("what", "内容"), word("request", "请求")),
                findings,
            )
        yield Section(
            word("Operations", "接口"),
            (word("operation", "接口"), word("requests", "请求数"), word("contract", "契约")),
            [(name, str(self.result.asked[name]), self._state(self.result.operations[name])) for name in OPERATIONS],
        )
        yield Section(
            word("Invariants", "不变量"),
            (word("invariant", "不变量"), word("verdict", "结论"), word("evidence", "依据")),
            [
                (name, self.result.verdict(name), self.result.evidence(name).to(self.lang))
                for name in self.result.invariants
            ],
        )
        yield Section(
            word("Readings", "读法"),
            (word("reading", "读法"), word("value", "取值"), word("evidence", "依据")),
            [
                (
                    name,
                    word("undecided", "未定") if each.value is None else str(each.value),
                    each.evidence.to(self.lang),
                )
                for name, each in self.result.readings.items()
            ],
        )
        shared = shared_codes(self.result.errors)
        yield Section(
            word("Errors", "错误码"),
            (word("error", "错误"), "ErrorCode", word("verdict", "结论"), "ErrorInfo"),
            [
                (each.name, "" if each.code is None else str(each.code), self._verdict_of(each, shared), each.info)
                for each in self.result.errors
            ],
        )

    def _verdict_of(self, error: ErrorSeen, shared: Mapping[int, Sequence[str]]) -> str:
        parts = [_VERDICTS[error.verdict].to(self.lang)]
        if error.code is not None and error.code in shared:
            others = [name for name in shared[error.code] if name != error.name]
            shown, more = ", ".join(others[:_MAX_OTHERS]), len(others) - _MAX_OTHERS
            also = (f" and {pluralize(more, 'other')}", f" 等 {len(others)} 种") if more > 0 else ("", "")
            parts.append(self._words(f"as {shown}{also[0]}", f"同 {shown}{also[1]}"))
        return "; ".join((*parts, *error.other))

    def _words(self, en: str, zh: str) -> str:
        return Text(en, zh).to(self.lang)

    def _state(self, findings: Sequence[Finding]) -> str:
        counts = [(severity, sum(each.severity == severity for each in findings)) for severity in ("error", "warning")]
        return ", ".join(f"{count} {severity}" for severity, count in counts if count) or _OK.to(self.lang)


def render_text(view: View) -> str:
    """Return a result for a terminal."""
    lines = [view.title, view.summary, ""]
    for section in view.sections():
        lines.append(section.title)
        last = len(section.columns) - 1
        if (
            len(section.columns) == 4
            and section.rows
            and "\n" not in section.rows[0][3]
            and section.columns[3] in ("request", "请求")
        ):
            for severity, name, what, request in section.rows:
                lines += [f"  {severity:8} {name}: {what}", *([f"           {request}"] if request else [])]
        else:
            widths = [max(len(row[at]) for row in section.rows) for at in range(last)]
            for row in section.rows:
                cells = [cell.ljust(width) for cell, width in zip(row[:last], widths, strict=True)]
                lines.append(f"  {'  '.join((*cells, row[last]))}".rstrip())
        lines.append("")
    return "\n".join((*lines, view.verdict)) + "\n"


def render_json(view: View) -> str:
    """Return a result as a JSON document."""
    return json.dumps(result_json(view.result, view.lang), ensure_ascii=False, indent=2) + "\n"


def render_markdown(view: View) -> str:
    """Return a result in Markdown, for the summary of a CI run."""
    parts = [f"## {escape_markdown(view.title)}", escape_markdown(view.summary)]
    parts.append(f"{'❌' if view.failed else '✅'} {escape_markdown(view.verdict)}")
    for section in view.sections():
        rows = [section.columns, ["-"] * len(section.columns)]
        rows += [[escape_markdown(" ".join(cell.split())) for cell in row] for row in section.rows]
        parts += [f"### {section.title}", "\n".join(f"| {' | '.join(row)} |" for row in rows)]
    return "\n\n".join(parts) + "\n"


def render_html(view: View) -> str:
    """Return a result as a self-contained page without scripts."""
    style, policy = page_style()
    return _template().render(
        lang=view.lang, title=view.title, summary=view.summary, verdict=view.verdict, failed=view.failed,
        sections=view.sections(), style=style, policy=policy,
    )  # fmt: skip


def render_junit(view: View) -> str:
    """Return a result as JUnit XML: a suite for the operations, one for the invariants, one for the readings."""
    result = view.result
    run = JunitSuite("verify")
    run.add_case("run", "run", [view.verdict] if result.nothing_checked else [], output=[view.summary, view.verdict])
    operations = JunitSuite("operations")
    for name in OPERATIONS:
        _add_case(operations, name, result.operations[name], view)
    invariants = JunitSuite("invariants")
    for name, invariant in result.invariants.items():
        skipped = result.evidence(name).to(view.lang) if result.verdict(name) == "undecided" else ""
        _add_case(invariants, name, invariant.findings, view, skipped)
    readings = JunitSuite("readings")
    for name, observed in result.readings.items():
        findings = [finding for about, finding in result.findings() if about == name]
        skipped = observed.evidence.to(view.lang) if observed.value is None and not findings else ""
        _add_case(
            readings, name, findings, view, skipped, [f"{name}={observed.value}"] if observed.value is not None else []
        )
    return junit_document("mockserver verify", (run, operations, invariants, readings))


def _add_case(
    suite: JunitSuite, name: str, findings: Sequence[Finding], view: View, skipped: str = "", output: Sequence[str] = ()
) -> None:
    failing = {"error": ("error",), "warning": ("error", "warning"), "info": ("error", "warning", "info")}[view.fail_on]
    lines = [f"{finding.text.to(view.lang)} [{finding.request}]" for finding in findings if finding.severity in failing]
    notes = [f"{each.severity}: {each.text.to(view.lang)}" for each in findings if each.severity not in failing]
    suite.add_case(name, "finding", lines, skipped=skipped, output=[*notes, *output])


@functools.cache
def _template() -> Template:
    loader = FileSystemLoader((Path(__file__).parent, FOLDER))
    environment = Environment(
        autoescape=True, loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("verify.html")


FORMATS: dict[str, Callable[[View], str]] = {
    "text": render_text,
    "json": render_json,
    "junit": render_junit,
    "html": render_html,
    "markdown": render_markdown,
}
