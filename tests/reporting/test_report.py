"""One report in several formats: each shows the same facts, and a client's text stays text in all of them."""

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
from helpers.journal_entries import entry, wrong
from helpers.reports import config
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.contract.violations import Violation
from mockserver.core.text import Lang, Text, pluralize
from mockserver.engine.journal_entry import JournalEntry
from mockserver.reporting.json_shapes import report_json
from mockserver.reporting.render import FORMATS, page_style
from mockserver.reporting.report import AppTest, FailCriteria, Report, build_report, find_failures
from mockserver.reporting.view import MAX_GROUPS, ReportView

SESSION = [
    entry(id="1", fingerprint="a", query={"seq": "1"}),
    entry(id="2", fingerprint="b", query={"seq": "2"}, error="checksum_expired"),
    entry(id="3", fingerprint="b", query={"seq": "3"}, error="checksum_expired", started=5.0),
    entry(id="4", fingerprint="c", query={"seq": "4"}, error="unknown_field", violations=(wrong(),)),
    entry(id="5", fingerprint="d", query={"seq": "1"}, appkey="other", fields={"RoomId": "1"}),
    entry(id="6", fingerprint="e", query={"seq": "1"}, appkey="other", fields={"RoomId": "2"}),
]
LANGS: tuple[Lang, ...] = ("en", "zh")


def report_on(entries: Sequence[JournalEntry], evicted: int = 0) -> Report:
    """Return the report on entries by the shipped contract."""
    return build_report(entries, evicted, config())


def view(report: Report, lang: Lang = "en", **criteria: Any) -> ReportView:
    """Return what a renderer gets for a report under some criteria."""
    return ReportView(report, lang, FailCriteria(**criteria))


def failures(report: Report, **criteria: Any) -> list[str]:
    """Return why a run fails under some criteria."""
    return [failure.en for failure in find_failures(report, FailCriteria(**criteria))]


REPORT = report_on(SESSION)


def test_the_report_counts_requests_violations_and_mistakes() -> None:
    """Violations are grouped by place and outcome; lints are among them."""
    assert (REPORT.requests, REPORT.accepted, REPORT.apps, REPORT.evicted) == (6, 3, 2, 0)
    assert REPORT.scenarios == (("default", 6),)
    assert [
        (each.example.name, each.outcome, each.times, each.requests, each.across) for each in REPORT.violations
    ] == [("unknown_field", "unknown_field", 1, ("4",), False), ("seq_reused", "success", 1, ("6",), True)]
    assert [each.text.en for each in REPORT.findings] == [
        "after checksum_expired the client repeated the same signature once"
    ]
    many = report_on([entry(id=str(n), violations=(wrong(),), error="unknown_field") for n in range(9)])
    assert many.violations[0].times == 9
    assert many.violations[0].requests == ("0", "1", "2", "3", "4")


@pytest.mark.parametrize(
    ("criteria", "reasons"),
    [
        ({}, []),
        ({"fail_on_violations": True}, ["2 violations of the contract", "1 mistake in error handling"]),
        ({"min_coverage": 1}, []),
        ({"min_coverage": 99.5}, [f"coverage is {REPORT.coverage.whole.percent:g} %, required 99.5 %"]),
        ({"min_coverage": REPORT.coverage.whole.percent}, []),
    ],
)
def test_a_run_fails_by_its_criteria(criteria: dict[str, Any], reasons: list[str]) -> None:
    """Each criterion that is not met is one reason."""
    assert failures(REPORT, **criteria) == reasons


def test_a_run_without_a_request_fails() -> None:
    """An empty journal fails the run under any criteria."""
    empty = report_on([])
    for criteria in ({}, {"fail_on_violations": True}, {"min_coverage": 0}):
        assert failures(empty, **criteria) == [
            "no request received: nothing was tested; does the client call this server?"
        ]
    assert "failed: no request received" in FORMATS["text"](view(empty))
    assert failures(report_on([entry()]), fail_on_violations=True, min_coverage=0) == []


def test_the_text_shows_problems_and_ends_with_the_result() -> None:
    """Violations, error handling, coverage, and why the run fails."""
    lines = FORMATS["text"](view(REPORT, fail_on_violations=True)).splitlines()
    assert lines[0] == "Contract report: 6 requests (apps: 2): 3 accepted, 3 refused"
    assert "  1 × unknown_field body:/roomid, query_room_info → unknown_field (4)" in lines
    assert "  1 × seq_reused query:seq, query_room_info → success [over several requests] (6)" in lines
    assert "    ! after checksum_expired the client repeated the same signature once [same_signature] (3)" in lines
    assert lines[-2:] == ["failed: 2 violations of the contract", "failed: 1 mistake in error handling"]
    correct = report_on([entry()])
    assert FORMATS["text"](view(correct)).splitlines()[-1] == "no problems found"
    assert FORMATS["text"](view(correct, "zh")).splitlines()[-1] == "未发现问题"


def test_the_result_names_the_option_that_makes_violations_fail_the_run() -> None:
    """With violations or mistakes in error handling, and without the option."""
    plain = view(REPORT)
    for text in (FORMATS["text"](plain).splitlines()[-1], Page(FORMATS["html"](plain)).text, FORMATS["junit"](plain)):
        assert "Violations do not fail this run; use --fail-on violations to make them fail it." in text
    hostile = {"option": "--strict-\x1b<b>"}
    assert FORMATS["text"](view(REPORT, "zh", **hostile)).splitlines()[-1] == (
        "违规不影响本次结果；如需判为失败，请加 --strict-\\u001b<b>"
    )
    assert structure(FORMATS["html"](view(REPORT, **hostile))) == structure(FORMATS["html"](plain))


def test_the_brief_format_has_the_problems_and_one_line_of_coverage() -> None:
    """As the text, without its rows of coverage; the verdict format is its last lines."""
    whole, brief = FORMATS["text"](view(REPORT)), FORMATS["brief"](view(REPORT))
    problems, _, rest = brief.partition("\nCoverage: ")
    assert whole.startswith(problems)
    shares, _, last = rest.partition("\n\n")
    assert shares.startswith(
        f"{REPORT.coverage.whole.percent:g} % ({REPORT.coverage.whole.covered}/{REPORT.coverage.whole.total}); operations and fields: "
    )
    counts = [tuple(map(int, pair)) for pair in re.findall(r"\w+ (\d+)/(\d+)", shares)]
    assert tuple(map(sum, zip(*counts, strict=True))) == (REPORT.coverage.whole.covered, REPORT.coverage.whole.total)
    # The last is of the errors that all operations share.
    assert len(counts) == len(REPORT.coverage.operations) + 1
    assert last == FORMATS["verdict"](view(REPORT))
    assert last == "Violations do not fail this run; use --fail-on violations to make them fail it.\n"
    failed = view(REPORT, "zh", fail_on_violations=True)
    assert FORMATS["verdict"](failed).splitlines() == ["未通过: 2 处违规", "未通过: 1 处错误处理不当"]
    assert FORMATS["brief"](failed).endswith(FORMATS["verdict"](failed))


def test_each_unknown_path_is_a_group_of_its_own() -> None:
    """Their texts name the paths, so they are not merged."""
    paths = ["/v2/video/a", "/v2/video/b", "/v2/video/a"]
    violations = [
        wrong_at("path", name="unknown_path", got=path, text=Text(f"{path} is no operation", path)) for path in paths
    ]
    strays = [entry(operation="", path=each.got, error="unknown_command", violations=(each,)) for each in violations]
    report = report_on(strays)
    shape = [(each.times, each.example.text.en) for each in report.violations if not each.across]
    assert shape == [(2, "/v2/video/a is no operation"), (1, "/v2/video/b is no operation")]


def wrongs(*names: str) -> list[JournalEntry]:
    """Return requests with the same violation, one for each appkey."""
    return [
        entry(id=str(id), appkey=appkey, violations=(wrong(),), error="unknown_field", query={"seq": str(id)})
        for id, appkey in enumerate(names, 7)
    ]


def test_an_expected_violation_is_shown_but_fails_nothing() -> None:
    """A violation, a lint and the mistake behind it are excused for the apps whose tests expect them."""
    tests = {"b": AppTest("test_a.py::test_b", frozenset({"unknown_field", "repeated_after_final"}))}
    expected = build_report(wrongs(*"bb"), 0, config(), tests)
    assert failures(expected, fail_on_violations=True) == []
    text = FORMATS["text"](view(expected))
    assert text.splitlines()[-1] == "no problems found"
    assert "[over several requests, expected]" in text
    assert "body:/roomid" not in FORMATS["junit"](view(expected))
    assert expected.findings == ()
    assert expected.error_handling[0].actions["repeated"] == 1
    mixed = build_report(wrongs(*"bbc"), 0, config(), tests)
    assert failures(mixed, fail_on_violations=True) == ["1 violation of the contract"]
    rows = [(row["name"], row["excused"], row["requests"]) for row in report_json(mixed)["violations"]]
    assert rows == [
        ("unknown_field", True, ["7", "8"]),
        ("unknown_field", False, ["9"]),
        ("repeated_after_final", True, ["8"]),
    ]


def test_every_format_names_the_tests_behind_violations_and_mistakes() -> None:
    """Each test once, by its pytest node id."""
    report = build_report(wrongs(*"bb"), 0, config(), {"b": AppTest("test_a.py::test_<b>")})
    assert FORMATS["text"](view(report)).count("      in test_a.py::test_<b>") == 3
    junit = FORMATS["junit"](view(report, fail_on_violations=True))
    assert junit.count("(7, 8 in test_a.py::test_&lt;b&gt;)") == 2
    assert Page(FORMATS["html"](view(report))).text.count("in test_a.py::test_<b>") == 3
    shape = report_json(report)
    assert shape["violations"][0]["tests"] == ["test_a.py::test_<b>"]
    assert shape["error_handling"][0]["findings"][0]["tests"] == ["test_a.py::test_<b>"]


def test_requests_without_an_app_are_counted_in_every_format() -> None:
    """They name no registered app, so no test answers for them."""
    report = report_on([entry(), entry(id="9", appkey="")])
    note = "1 of them named no registered app"
    assert note in FORMATS["text"](view(report))
    assert note in FORMATS["junit"](view(report))
    assert note in Page(FORMATS["html"](view(report))).text
    assert report_json(report)["unnamed"] == 1


def test_people_see_only_readings_other_than_the_defaults() -> None:
    """The JSON lists all of them."""
    assert "Readings in force other than the defaults: none" in FORMATS["text"](view(REPORT))
    chosen = report_on([entry(readings={**SESSION[0].readings, "ongoing": "zero"})])
    assert "other than the defaults: ongoing = zero ×1" in FORMATS["text"](view(chosen))


def test_the_json_has_the_whole_report() -> None:
    """The keys of the JSON are stable."""
    shape = json.loads(FORMATS["json"](view(REPORT, "zh", fail_on_violations=True)))
    assert list(shape) == [
        "version", "requests", "evicted", "accepted", "refused", "apps", "unnamed", "scenarios", "coverage",
        "violations", "error_handling", "complaints",
    ]  # fmt: skip
    assert shape["refused"] == 3
    assert shape["violations"][0]["text"] == "roomid 未在文档中；请去掉"
    assert (shape["violations"][1]["name"], shape["violations"][1]["across"]) == ("seq_reused", True)
    [stale, _] = shape["error_handling"]
    assert (stale["error"], stale["should"], stale["did"]["same_signature"]) == ("checksum_expired", "sign_again", 1)
    assert stale["findings"][0]["requests"] == ["3"]
    assert shape["complaints"] == ["2 处违规", "1 处错误处理不当"]


def cases(document: str) -> dict[str, str]:
    """Return passed, skipped or the failure's text by `suite/case`, after checking the counts."""
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
    """Covered is passed, not covered is skipped, violations and error-handling mistakes are failures."""
    found = cases(FORMATS["junit"](view(REPORT, fail_on_violations=True)))
    assert found["query_room_info/checksum_expired"] == "passed"
    assert found["query_room_info/empty"] == "skipped"
    assert found["count_qos_by_day/success"] == "skipped"
    assert found["query_room_info/unknown_field"].startswith("1 × unknown_field body:/roomid: roomid is not doc")
    assert found["query_room_info/success"].startswith("1 × seq_reused query:seq: ")
    assert "query_room_info/malformed_json" not in found
    assert found["error handling/query_room_info after checksum_expired"].startswith(
        "after checksum_expired the client repeated the same signature once [same_signature] (3)"
    )
    assert found["error handling/query_room_info after unknown_field"] == "passed"
    assert found["mockserver/run"] == "2 violations of the contract\n1 mistake in error handling"
    assert cases(FORMATS["junit"](view(REPORT)))["mockserver/run"] == "passed"
    empty = report_on([])
    assert cases(FORMATS["junit"](view(empty)))["mockserver/run"].startswith("no request received")


def test_junit_has_failures_only_for_what_fails_the_run() -> None:
    """Otherwise violations and mistakes are output of cases that passed."""
    lenient = FORMATS["junit"](view(REPORT))
    assert {state for state in cases(lenient).values()} == {"passed", "skipped"}
    outputs = [each.text or "" for each in Xml.fromstring(lenient).iter("system-out")]
    for text in ("1 × unknown_field body:/roomid", "1 × seq_reused query:seq", "[same_signature] (3)"):
        assert sum(text in each for each in outputs) == 1
    document = FORMATS["junit"](view(REPORT, min_coverage=100))
    failed = {name: state for name, state in cases(document).items() if state not in ("passed", "skipped")}
    assert failed == {"mockserver/run": f"coverage is {REPORT.coverage.whole.percent:g} %, required 100 %"}


def test_junit_has_a_suite_for_requests_that_name_no_operation() -> None:
    """Their violations are not lost."""
    stray = report_on([entry(operation="", error="unknown_command", violations=(wrong("unknown_path"),))])
    assert cases(FORMATS["junit"](view(stray, fail_on_violations=True)))["(no operation)/unknown_command"].startswith(
        "1 × unknown_path"
    )


class Page(HTMLParser):
    """The elements and the text of a page, as a browser parses it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect an element."""
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Collect a text."""
        self.texts.append(data)

    @property
    def text(self) -> str:
        """The text of the page."""
        return "".join(self.texts)


@pytest.mark.parametrize("lang", LANGS)
def test_the_page_is_self_contained(lang: Lang) -> None:
    """No script, no external resource, a policy that forbids both, and two colour schemes."""
    page = FORMATS["html"](view(REPORT, lang))
    made = Page(page)
    tags = {tag for tag, _ in made.elements}
    assert tags.isdisjoint({"script", "img", "link", "iframe", "object", "form", "base", "a"})
    assert not any(
        name in ("src", "href", "style") or name.startswith("on") for _, all_ in made.elements for name in all_
    )
    assert "url(" not in page
    assert "@import" not in page
    [policy] = [all_["content"] for _, all_ in made.elements if all_.get("http-equiv") == "Content-Security-Policy"]
    assert policy == page_style()[1]
    [style] = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "prefers-color-scheme: dark" in style
    assert dict(made.elements)["html"] == {"lang": {"en": "en", "zh": "zh-CN"}[lang]}


def test_the_page_shows_the_whole_report() -> None:
    """Violations, findings, coverage and why the run fails."""
    text = Page(FORMATS["html"](view(REPORT, fail_on_violations=True))).text
    for text in (
        "6 requests (apps: 2): 3 accepted, 3 refused",
        "failed: 2 violations of the contract",
        "roomid is not documented; remove it",
        "after checksum_expired the client repeated the same signature once same_signature",
        f"Coverage: {REPORT.coverage.whole.percent:g} %",
    ):
        assert text in text


@pytest.mark.parametrize("lang", LANGS)
def test_every_format_says_how_many_requests_left_the_journal(lang: Lang) -> None:
    """A partial report does not look complete."""
    part = report_on(SESSION, evicted=1234)
    for render in (FORMATS["text"], FORMATS["brief"], FORMATS["junit"], FORMATS["html"]):
        assert "1234" in render(view(part, lang))
        assert "1234" not in render(view(REPORT, lang))
    assert report_json(part)["evicted"] == 1234


COUNTS = (0, 1, 2)


def counting(number: int) -> Report:
    """Return a report in which everything that is counted occurs `number` times."""
    session = [entry(id=f"{at}", fingerprint=f"f{at}", query={"seq": f"{at}"}) for at in range(number)]
    session += [entry(operation="query_all_instance_by_time", fingerprint=f"all{at}") for at in range(number)]
    session += [
        # Repeated too soon, and once more than the rule lets pass.
        entry(id=f"busy{at}", appkey="key", error="server_busy", fields={"RoomId": "b"}, operation="count_qos_by_day", at=1.0)
        for at in range(number and number + config().rules["server_busy"].tries)
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
def test_counts_have_the_right_grammatical_number(form: str, lang: Lang, number: int) -> None:
    """No format shows "1 requests", "1 tries" or an unfilled placeholder."""
    report = counting(number)
    rendered = FORMATS[form](view(report, lang, fail_on_violations=True, min_coverage=99))
    shown = html.unescape(re.sub(r"<style>.*?</style>", "", rendered, flags=re.DOTALL))
    assert not re.search(
        r"\b1 (?:requests|older requests|violations|mistakes|tries|times)\b"
        r"|\b(?:0|[2-9]|\d{2,}) (?:request|older request|violation|mistake|try|time)\b|  \bs\b",
        shown,
    ), shown
    assert not re.search(r"\{[a-z]+\}|…(?! )| … s|within  s|after … ", shown), shown
    if form == "text" and lang == "en":
        text = {0: "0 requests (", 1: f"{report.requests} requests (", 2: f"{report.requests} requests ("}
        assert text[number] in shown
        assert f"§2.2 query_room_info: {pluralize(4 * number, 'request')}\n" in shown
    if form == "junit" and lang == "zh":
        assert "not covered" not in shown


def test_a_report_on_one_request_uses_the_singular() -> None:
    """In both languages."""
    each = report_on([entry(id="1")], evicted=1)
    text = FORMATS["text"](view(each))
    assert text.startswith("Contract report: 1 request (apps: 1): 1 accepted, 0 refused\n1 older request left")
    assert "§2.2 query_room_info: 1 request\n" in text
    assert "§2.2 query_room_info: 1 个请求\n" in FORMATS["text"](view(each, "zh"))


def test_actions_are_shown_with_the_numbers_of_the_rule() -> None:
    """Seconds and tries are those of the retry rule."""
    text = FORMATS["text"](view(counting(2)))
    assert "retried within 1 s ×" in text
    assert f"retried after {config().rules['server_busy'].tries} tries ×" in text
    assert "retried after 1 try ×" in text


def test_people_see_a_limited_number_of_violation_groups() -> None:
    """A client can invent field names; people see the first groups and how many more there are."""
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
    assert FORMATS["text"](view(flood)).count("unknown_field body:/x") == MAX_GROUPS
    assert "… and 200 more" in FORMATS["text"](view(flood))
    assert "… and 200 more" in Page(FORMATS["html"](view(flood))).text
    assert len(report_json(flood)["violations"]) == 400


def wrong_at(where: str, **values: Any) -> Violation:
    """Return a violation at a place."""
    return replace(wrong(), where=where, **values)


HOSTILE = st.text(min_size=1, max_size=30) | st.sampled_from(
    [
        "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "</style><script>", "{{ 7 * 7 }}", "{% x %}",
        "]]><x/>", "&lt;", "&#0;", "\x00\x01\x08\x0b\x1f\x7f", "\ud800", "\ufffe\uffff", "\x1b[31m\x1b]0;x\x07",
        "\u202eabc", "\r\n\r\n", "-->", "{x}", "%s%n", "x" * 5_000,
    ]
)  # fmt: skip


def structure(page: str) -> list[str]:
    """Return the elements of a page, without their texts and the places where a name may break."""
    return [tag for tag, _ in Page(page).elements if tag != "wbr"]


@settings(deadline=None)
@given(HOSTILE)
def test_a_hostile_text_stays_text_in_every_format(text: str) -> None:
    """No text of a client changes the structure of a document or sends control characters to a terminal."""

    def session(word: str) -> list[JournalEntry]:
        broken = wrong_at(f"body:/{word}", got=word, expected=word, text=Text(word, word))
        values: dict[str, Any] = dict.fromkeys(("id", "path", "scenario", "by", "near", "method"), word)
        values |= {part: {word: word} for part in ("fields", "headers")}
        values |= {"query": {"seq": word, "checksum": word}, "body": word.encode(errors="replace")}
        values |= {"faults": (word,), "readings": {"ongoing": word}, "violations": (broken,)}
        return [entry(operation="", error="unknown_command", **values) for _ in range(2)]

    hostile, plain = report_on(session(text)), report_on(session("plain"))
    for lang in LANGS:
        page = FORMATS["html"](view(hostile, lang))
        assert structure(page) == structure(FORMATS["html"](view(plain, lang)))
        page.encode()
        document = FORMATS["junit"](view(hostile, lang))
        root, other = Xml.fromstring(document), Xml.fromstring(FORMATS["junit"](view(plain, lang)))
        assert [each.tag for each in root.iter()] == [each.tag for each in other.iter()]
        document.encode()
        text = FORMATS["text"](view(hostile, lang))
        assert all(char.isprintable() or char == "\n" for char in text)
        assert text.count("\n") == FORMATS["text"](view(plain, lang)).count("\n")
        assert json.loads(json.dumps(report_json(hostile, lang)))["requests"] == 2
