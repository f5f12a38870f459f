"""One report, four forms: each tells the same, and none lets a client's text out of its place."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from helpers.entries import entry, wrong
from helpers.reports import inputs
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.contract.violations import Violation
from mockserver.core.text import Lang, Text, pluralize
from mockserver.engine.journal_entry import JournalEntry
from mockserver.reporting.render_html import CONTENT_SECURITY_POLICY, render_html
from mockserver.reporting.render_json import report_json
from mockserver.reporting.render_junit import render_junit
from mockserver.reporting.render_text import render_brief, render_text, render_verdict
from mockserver.reporting.report import AppTest, FailCriteria, Report, build_report, complaints
from mockserver.reporting.report_texts import MOST_GROUPS

SESSION = [
    entry(id="1", fingerprint="a", query={"seq": "1"}),
    entry(id="2", fingerprint="b", query={"seq": "2"}, error="checksum_expired"),
    entry(id="3", fingerprint="b", query={"seq": "3"}, error="checksum_expired", started=5.0),
    entry(id="4", fingerprint="c", query={"seq": "4"}, error="unknown_field", violations=(wrong(),)),
    entry(id="5", fingerprint="d", query={"seq": "1"}, appkey="other", fields={"RoomId": "1"}),
    entry(id="6", fingerprint="e", query={"seq": "1"}, appkey="other", fields={"RoomId": "2"}),
]
STRICT = FailCriteria(fail_on_violations=True)
LANGS: tuple[Lang, ...] = ("en", "zh")


def report_on(entries: Sequence[JournalEntry], evicted: int = 0) -> Report:
    """The report on entries by the shipped contract."""
    return build_report(entries, evicted, inputs())


REPORT = report_on(SESSION)


def test_the_report_counts_requests_violations_and_mistakes() -> None:
    """Violations are grouped by place and answer, those over several requests with them."""
    assert (REPORT.requests, REPORT.accepted, REPORT.apps, REPORT.evicted) == (6, 3, 2, 0)
    assert REPORT.scenarios == (("default", 6),)
    assert [
        (one.example.name, one.outcome, one.times, one.requests, one.across) for one in REPORT.violations
    ] == [
        ("unknown_field", "unknown_field", 1, ("4",), False),
        ("seq_reused", "success", 1, ("6",), True),
    ]
    assert [one.text.en for one in REPORT.findings] == [
        "after checksum_expired the client repeated the same signature once"
    ]
    many = report_on([entry(id=str(n), violations=(wrong(),), error="unknown_field") for n in range(9)])
    assert many.violations[0].times == 9
    assert many.violations[0].requests == ("0", "1", "2", "3", "4")


@pytest.mark.parametrize(
    ("words", "reasons"),
    [
        ({}, []),
        ({"fail_on_violations": True}, ["2 violations of the contract", "1 mistake in error handling"]),
        ({"min_coverage": 1}, []),
        ({"min_coverage": 99.5}, [f"coverage is {REPORT.coverage.percent:g} %, wanted 99.5 %"]),
        ({"min_coverage": REPORT.coverage.percent}, []),
    ],
)
def test_a_run_fails_for_what_it_is_told_to(words: dict[str, Any], reasons: list[str]) -> None:
    """The exit code is 1 exactly when there is a complaint."""
    assert [one.en for one in complaints(REPORT, **words)] == reasons


def test_a_run_without_a_request_fails() -> None:
    """Whatever is asked: nothing was tested."""
    empty = report_on([])
    for words in ({}, {"fail_on_violations": True}, {"min_coverage": 0}):
        assert complaints(empty, **words)
        assert [one.en for one in complaints(empty, **words)] == [
            "no request received: nothing was tested; does the client call this server?"
        ]
    assert "failed: no request received" in render_text(empty, complaints=complaints(empty))
    assert complaints(report_on([entry()]), fail_on_violations=True, min_coverage=0) == []


def test_the_text_says_what_is_wrong_and_ends_with_the_verdict() -> None:
    """Violations, error handling, coverage, and why the run fails."""
    said = render_text(REPORT, "en", complaints(REPORT, fail_on_violations=True)).splitlines()
    assert said[0] == "Contract report: 6 requests (apps: 2): 3 accepted, 3 refused"
    assert "  1 × unknown_field body:/roomid, query_room_info → unknown_field (4)" in said
    assert "  1 × seq_reused query:seq, query_room_info → success [over several requests] (6)" in said
    assert (
        "    ! after checksum_expired the client repeated the same signature once [same_signature] (3)"
        in said
    )
    assert said[-2:] == ["failed: 2 violations of the contract", "failed: 1 mistake in error handling"]
    fine = report_on([entry()])
    assert render_text(fine).splitlines()[-1] == "nothing fails this run"
    assert render_text(fine, "zh").splitlines()[-1] == "没有导致失败的问题"


def test_a_run_that_nobody_asked_to_fail_says_so() -> None:
    """With violations, or mistakes in error handling, the last line tells which option makes them count."""
    for said in (render_text(REPORT).splitlines()[-1], Page(render_html(REPORT)).text, render_junit(REPORT)):
        assert "Violations do not fail this run; --fail-on violations makes them." in said
    theirs = FailCriteria(option="--strict-\x1b<b>")
    assert render_text(REPORT, "zh", demands=theirs).splitlines()[-1] == (
        "违规不影响本次结果；加 --strict-\\u001b<b> 则判为失败"
    )
    assert structure(render_html(REPORT, demands=theirs)) == structure(render_html(REPORT))


def test_the_brief_form_tells_what_is_wrong_and_one_line_of_the_rest() -> None:
    """As the text, without its rows of coverage; the verdict by itself is its last lines."""
    whole, brief = render_text(REPORT), render_brief(REPORT)
    wrong, _, rest = brief.partition("\nCoverage: ")
    assert whole.startswith(wrong)
    shares, _, last = rest.partition("\n\n")
    assert shares.startswith(f"{REPORT.coverage.percent:g} % ({REPORT.coverage.met}/{REPORT.coverage.of}): ")
    counts = [tuple(map(int, pair)) for pair in re.findall(r"\w+ (\d+)/(\d+)", shares)]
    assert tuple(map(sum, zip(*counts, strict=True))) == (REPORT.coverage.met, REPORT.coverage.of)
    assert len(counts) == len(REPORT.coverage.operations)
    assert (
        last
        == render_verdict(REPORT)
        == "Violations do not fail this run; --fail-on violations makes them.\n"
    )
    found = complaints(REPORT, fail_on_violations=True)
    assert render_verdict(REPORT, "zh", found).splitlines() == [
        "未通过: 2 处违反契约",
        "未通过: 1 处错误处理不当",
    ]
    assert render_brief(REPORT, "zh", found).endswith(render_verdict(REPORT, "zh", found))


def test_each_unknown_path_is_a_group_of_its_own() -> None:
    """Their texts name the paths: one must not stand for all."""
    paths = ["/v2/video/a", "/v2/video/b", "/v2/video/a"]
    violations = [
        wrong_at("path", name="unknown_path", got=path, text=Text(f"{path} is no operation", path))
        for path in paths
    ]
    strays = [
        entry(operation="", path=one.got, error="unknown_command", violations=(one,)) for one in violations
    ]
    report = report_on(strays)
    told = [(one.times, one.example.text.en) for one in report.violations if not one.across]
    assert told == [(2, "/v2/video/a is no operation"), (1, "/v2/video/b is no operation")]


def wrongs(*names: str) -> list[JournalEntry]:
    """Requests of an app each, that repeat one mistake."""
    return [
        entry(id=str(id), appkey=appkey, violations=(wrong(),), error="unknown_field", query={"seq": str(id)})
        for id, appkey in enumerate(names, 7)
    ]


def test_what_a_test_expects_is_told_but_fails_nothing() -> None:
    """A violation, a lint and the mistake behind it count for the apps that do not expect them alone."""
    cases = {"b": AppTest("test_a.py::test_b", frozenset({"unknown_field", "repeated_after_final"}))}
    expected = build_report(wrongs(*"bb"), 0, inputs(), cases)
    assert complaints(expected, fail_on_violations=True) == []
    assert render_text(expected).splitlines()[-1] == "nothing fails this run"
    assert "[over several requests, expected]" in render_text(expected)
    assert "body:/roomid" not in render_junit(expected)
    assert expected.findings == ()
    assert expected.error_handling[0].did["repeated"] == 1
    mixed = build_report(wrongs(*"bbc"), 0, inputs(), cases)
    assert [one.en for one in complaints(mixed, fail_on_violations=True)] == ["1 violation of the contract"]
    told = [(one["name"], one["excused"], one["requests"]) for one in report_json(mixed)["violations"]]
    assert told == [
        ("unknown_field", True, ["7", "8"]),
        ("unknown_field", False, ["9"]),
        ("repeated_after_final", True, ["8"]),
    ]


def test_every_form_names_the_test_behind_a_violation_and_behind_a_mistake() -> None:
    """Once each, as the run called it."""
    report = build_report(wrongs(*"bb"), 0, inputs(), {"b": AppTest("test_a.py::test_<b>")})
    assert render_text(report).count("      in test_a.py::test_<b>") == 3
    assert render_junit(report, demands=STRICT).count("(7, 8 in test_a.py::test_&lt;b&gt;)") == 2
    assert Page(render_html(report)).text.count("in test_a.py::test_<b>") == 3
    told = report_json(report)
    assert told["violations"][0]["tests"] == ["test_a.py::test_<b>"]
    assert told["error_handling"][0]["findings"][0]["tests"] == ["test_a.py::test_<b>"]


def test_requests_without_an_app_are_told() -> None:
    """Nobody can be asked about them."""
    report = report_on([entry(), entry(id="9", appkey="")])
    assert "1 of them named no registered app" in render_text(report)
    assert "1 of them named no registered app" in render_junit(report)
    assert "1 of them named no registered app" in Page(render_html(report)).text
    assert report_json(report)["unnamed"] == 1


def test_only_readings_that_are_not_the_defaults_are_told_to_people() -> None:
    """The JSON tells all."""
    assert "Readings in force other than the defaults: none" in render_text(REPORT)
    chosen = report_on([entry(readings={**SESSION[0].readings, "ongoing": "zero"})])
    assert "other than the defaults: ongoing = zero ×1" in render_text(chosen)


def test_the_json_is_the_whole_model() -> None:
    """Its keys are a promise."""
    told = json.loads(json.dumps(report_json(REPORT, "zh", complaints(REPORT, fail_on_violations=True))))
    assert list(told) == [
        "version", "requests", "evicted", "accepted", "refused", "apps", "unnamed", "scenarios", "coverage",
        "violations", "error_handling", "complaints",
    ]  # fmt: skip
    assert told["refused"] == 3
    assert told["violations"][0]["text"] == "roomid 未在文档中；请去掉"
    assert (told["violations"][1]["name"], told["violations"][1]["across"]) == ("seq_reused", True)
    [stale, _] = told["error_handling"]
    assert (stale["error"], stale["should"], stale["did"]["same_signature"]) == (
        "checksum_expired",
        "sign_again",
        1,
    )
    assert stale["findings"][0]["requests"] == ["3"]
    assert told["complaints"] == ["2 处违反契约", "1 处错误处理不当"]


def cases(document: str) -> dict[str, str]:
    """`suite/case` → passed, skipped or the failure's text; the counts are checked."""
    root, found = Xml.fromstring(document), {}
    for suite in root:
        for case in suite:
            failure, skipped = case.find("failure"), case.find("skipped")
            state = failure.text if failure is not None else "skipped" if skipped is not None else "passed"
            found[f"{suite.get('name')}/{case.get('name')}"] = state or ""
        assert suite.get("tests") == str(len(suite))
    assert root.get("tests") == str(len(root.findall(".//testcase")))
    assert root.get("failures") == str(len(root.findall(".//failure")))
    assert root.get("skipped") == str(len(root.findall(".//skipped")))
    return found


def test_junit_has_a_case_for_each_operation_and_outcome() -> None:
    """Met is passed, not met is skipped, violations and bad error handling are failures."""
    found = cases(render_junit(REPORT, demands=STRICT))
    assert found["query_room_info/checksum_expired"] == "passed"
    assert found["query_room_info/empty"] == "skipped"
    assert found["count_qos_by_day/success"] == "skipped"
    assert found["query_room_info/unknown_field"].startswith(
        "1 × unknown_field body:/roomid: roomid is not doc"
    )
    assert found["query_room_info/success"].startswith("1 × seq_reused query:seq: ")
    assert "query_room_info/malformed_json" not in found
    assert found["error handling/query_room_info after checksum_expired"].startswith(
        "after checksum_expired the client repeated the same signature once [same_signature] (3)"
    )
    assert found["error handling/query_room_info after unknown_field"] == "passed"
    assert found["mockserver/run"] == "passed"
    empty = report_on([])
    assert cases(render_junit(empty, "en", complaints(empty)))["mockserver/run"].startswith(
        "no request received"
    )


def test_junit_fails_nothing_that_the_run_does_not_fail_for() -> None:
    """What is wrong is output of cases that passed; only what the run was asked to fail for fails there."""
    lenient = render_junit(REPORT)
    assert {state for state in cases(lenient).values()} == {"passed", "skipped"}
    outputs = [one.text or "" for one in Xml.fromstring(lenient).iter("system-out")]
    for text in ("1 × unknown_field body:/roomid", "1 × seq_reused query:seq", "[same_signature] (3)"):
        assert sum(text in one for one in outputs) == 1
    demands = FailCriteria(min_coverage=100)
    document = render_junit(REPORT, "en", complaints(REPORT, min_coverage=100), demands)
    failed = {name: state for name, state in cases(document).items() if state not in ("passed", "skipped")}
    assert failed == {"mockserver/run": f"coverage is {REPORT.coverage.percent:g} %, wanted 100 %"}


def test_junit_tells_violations_of_requests_that_name_no_operation() -> None:
    """They have a suite of their own."""
    stray = report_on([entry(operation="", error="unknown_command", violations=(wrong("unknown_path"),))])
    assert cases(render_junit(stray, demands=STRICT))["(no operation)/unknown_command"].startswith(
        "1 × unknown_path"
    )


class Page(HTMLParser):
    """What a browser would make of the page: its elements and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append(data)

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.texts)


@pytest.mark.parametrize("lang", LANGS)
def test_the_page_stands_alone(lang: Lang) -> None:
    """No script, nothing from anywhere, a policy that would forbid it, and both colour schemes."""
    page = render_html(REPORT, lang)
    made = Page(page)
    tags = {tag for tag, _ in made.elements}
    assert tags.isdisjoint({"script", "img", "link", "iframe", "object", "form", "base", "a"})
    assert not any(
        name in ("src", "href", "style") or name.startswith("on")
        for _, all_ in made.elements
        for name in all_
    )
    assert "url(" not in page
    assert "@import" not in page
    [policy] = [
        all_["content"] for _, all_ in made.elements if all_.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy == CONTENT_SECURITY_POLICY
    [style] = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "prefers-color-scheme: dark" in style
    assert dict(made.elements)["html"] == {"lang": {"en": "en", "zh": "zh-CN"}[lang]}


def test_the_page_tells_what_the_report_has() -> None:
    """Violations, findings, coverage and why the run fails."""
    text = Page(render_html(REPORT, "en", complaints(REPORT, fail_on_violations=True))).text
    for said in (
        "6 requests (apps: 2): 3 accepted, 3 refused",
        "failed: 2 violations of the contract",
        "roomid is not documented; remove it",
        "after checksum_expired the client repeated the same signature once same_signature",
        f"Coverage: {REPORT.coverage.percent:g} %",
    ):
        assert said in text


@pytest.mark.parametrize("lang", LANGS)
def test_what_has_left_the_journal_is_told_in_every_form(lang: Lang) -> None:
    """No form lets a partial report look whole."""
    part = report_on(SESSION, evicted=1234)
    for form in (render_text, render_brief, render_junit, render_html):
        assert "1234" in form(part, lang)
        assert "1234" not in form(REPORT, lang)
    assert report_json(part)["evicted"] == 1234


COUNTS = (0, 1, 2)


def counting(number: int) -> Report:
    """A report in which everything that can be counted is there so many times."""
    session = [entry(id=f"{at}", fingerprint=f"f{at}", query={"seq": f"{at}"}) for at in range(number)]
    session += [entry(operation="query_all_instance_by_time", fingerprint=f"all{at}") for at in range(number)]
    session += [
        # Repeated too soon, and once more than the rule lets pass.
        entry(id=f"busy{at}", appkey="key", error="server_busy", fields={"RoomId": "b"}, operation="count_qos_by_day", at=1.0)
        for at in range(number and number + inputs().rules["server_busy"].tries)
    ]  # fmt: skip
    session += [
        entry(id=f"old{at}", error="invalid_curtime", fields={"RoomId": f"c{turn}"}, at=2.0, fingerprint=f"{turn}")
        for turn in range(number)
        for at in range(3)
    ]  # fmt: skip
    return report_on(session, evicted=number)


@pytest.mark.parametrize("number", COUNTS)
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("form", ["text", "json", "junit", "html"])
def test_every_count_is_spelled_as_it_is_said(form: str, lang: Lang, number: int) -> None:
    """Nobody reads "1 requests", "1 tries" or a placeholder that was never filled in."""
    report = counting(number)
    found = complaints(report, fail_on_violations=True, min_coverage=99)
    render = {
        "text": render_text,
        "json": lambda *words: json.dumps(report_json(*words), ensure_ascii=False),
        "junit": render_junit,
        "html": render_html,
    }[form]
    shown = html.unescape(re.sub(r"<style>.*?</style>", "", render(report, lang, found), flags=re.DOTALL))
    assert not re.search(
        r"\b1 (?:requests|older requests|violations|mistakes|tries|times)\b"
        r"|\b(?:0|[2-9]|\d{2,}) (?:request|older request|violation|mistake|try|time)\b|  \bs\b",
        shown,
    ), shown
    assert not re.search(r"\{[a-z]+\}|…(?! )| … s|within  s|after … ", shown), shown
    if form == "text" and lang == "en":
        said = {0: "0 requests (", 1: f"{report.requests} requests (", 2: f"{report.requests} requests ("}
        assert said[number] in shown
        assert f"§2.2 query_room_info: {pluralize(4 * number, 'request')}\n" in shown
    if form == "junit" and lang == "zh":
        assert "not met" not in shown


def test_one_request_is_one() -> None:
    """The smallest report there is, in both languages."""
    one = report_on([entry(id="1")], evicted=1)
    assert render_text(one).startswith(
        "Contract report: 1 request (apps: 1): 1 accepted, 0 refused\n1 older request left"
    )
    assert "§2.2 query_room_info: 1 request\n" in render_text(one)
    assert "§2.2 query_room_info: 1 个请求\n" in render_text(one, "zh")


def test_what_a_client_did_is_told_with_the_rules_own_numbers() -> None:
    """Seconds and tries stand where the rule has them."""
    text = render_text(counting(2))
    assert "asked again within 1 s ×" in text
    assert f"went on after {inputs().rules['server_busy'].tries} tries ×" in text
    assert "went on after 1 try ×" in text


def test_a_flood_of_kinds_does_not_make_an_endless_page() -> None:
    """A client can make up field names; people see the first and how many more there are."""
    flood = report_on(
        [
            entry(
                query={"seq": str(n)},
                violations=tuple(wrong_at(f"body:/x{n}_{m}") for m in range(20)),
                error="unknown_field",
            )
            for n in range(20)
        ]
    )
    assert len(flood.violations) == 400
    assert render_text(flood).count("unknown_field body:/x") == MOST_GROUPS
    assert "… and 200 more" in render_text(flood)
    assert "… and 200 more" in Page(render_html(flood)).text
    assert len(report_json(flood)["violations"]) == 400


def wrong_at(where: str, **words: Any) -> Violation:
    """A violation at a place."""
    return replace(wrong(), where=where, **words)


HOSTILE = st.text(min_size=1, max_size=30) | st.sampled_from(
    [
        "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "</style><script>", "{{ 7 * 7 }}", "{% x %}",
        "]]><x/>", "&lt;", "&#0;", "\x00\x01\x08\x0b\x1f\x7f", "\ud800", "\ufffe\uffff", "\x1b[31m\x1b]0;x\x07",
        "\u202eabc", "\r\n\r\n", "-->", "{x}", "%s%n", "x" * 5_000,
    ]
)  # fmt: skip


def structure(page: str) -> list[str]:
    """The elements of a page, without their texts."""
    return [tag for tag, _ in Page(page).elements]


@settings(deadline=None)
@given(HOSTILE)
def test_a_hostile_text_stays_text_in_every_form(text: str) -> None:
    """Wherever a client can put its text: elements stay as they are, terminals get no control character."""

    def session(word: str) -> list[JournalEntry]:
        broken = wrong_at(f"body:/{word}", got=word, expected=word, text=Text(word, word))
        words: dict[str, Any] = dict.fromkeys(("id", "path", "scenario", "by", "near", "method"), word)
        words |= {part: {word: word} for part in ("fields", "headers")}
        words |= {"query": {"seq": word, "checksum": word}, "body": word.encode(errors="replace")}
        words |= {"faults": (word,), "readings": {"ongoing": word}, "violations": (broken,)}
        return [entry(operation="", error="unknown_command", **words) for _ in range(2)]

    hostile, plain = report_on(session(text)), report_on(session("plain"))
    for lang in LANGS:
        page = render_html(hostile, lang)
        assert structure(page) == structure(render_html(plain, lang))
        page.encode()
        document = render_junit(hostile, lang)
        root, other = Xml.fromstring(document), Xml.fromstring(render_junit(plain, lang))
        assert [one.tag for one in root.iter()] == [one.tag for one in other.iter()]
        document.encode()
        said = render_text(hostile, lang)
        assert all(char.isprintable() or char == "\n" for char in said)
        assert said.count("\n") == render_text(plain, lang).count("\n")
        assert json.loads(json.dumps(report_json(hostile, lang)))["requests"] == 2
