"""The Markdown format: a summary for CI, in which nothing that a client sent is markup."""

from __future__ import annotations

import html
from dataclasses import replace
from typing import Any

import pytest
from helpers.journal_entries import entry, wrong
from helpers.reports import config
from markdown_it import MarkdownIt

from mockserver.core.text import Lang, Text
from mockserver.reporting.render import FORMATS, escape_markdown
from mockserver.reporting.report import AppTest, FailCriteria, build_report
from mockserver.reporting.view import ReportView

HOSTILE = (
    "| a | b |", "<img src=x onerror=alert(1)>", "[x](javascript:alert(1))", "![x](http://e)", "`code`", "**bold**",
    "&lt;b&gt;", "@everyone #1", "https://example.com", "\\|", "$x$", ":smile:", "~~x~~", "# head", "---",
)  # fmt: skip


def rendered(name: str = "Extra", lang: Lang = "en", **criteria: Any) -> str:
    """Return the report on a client that sent one wrong field and repeated the request."""
    violations = (replace(wrong(got=name), where=f"body:/{name}", text=Text(name, name)),)
    entries = [
        entry(),
        *(
            entry(
                id=str(number), violations=violations, error="unknown_field", scenario=name, query={"seq": str(number)}
            )
            for number in (2, 3)
        ),
    ]
    tests = {each.appkey: AppTest(f"test_a.py::test_[{name}]") for each in entries}
    return FORMATS["markdown"](ReportView(build_report(entries, 0, config(), tests), lang, FailCriteria(**criteria)))


def tokens(text: str) -> list[tuple[str, str]]:
    """Return the structure of a Markdown text: blocks and inline markup, without their texts."""
    parsed = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text)
    inline = [child for token in parsed for child in token.children or ()]
    return [(token.type, token.tag) for token in (*parsed, *inline)]


def test_the_result_comes_first_and_the_coverage_last() -> None:
    """With tables that GitHub and GitLab show."""
    lines = rendered().splitlines()
    assert lines[0] == "## Contract report"
    headings = [line for line in lines if line.startswith("###")]
    assert [line.split(":")[0] for line in headings] == ["### Violations", "### Error handling", "### Coverage"]
    assert headings[-1].endswith(")")
    kinds = [kind for kind, _ in tokens(rendered())]
    assert kinds.count("table_open") == 3
    assert "❌" not in rendered()
    failed = rendered(fail_on_violations=True)
    assert html.unescape(failed).count("- ❌ **failed**: ") == 2
    assert html.unescape(rendered(lang="zh")).startswith("## 契约测试报告\n")


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_client_sent_stays_text(text: str) -> None:
    """The structure does not depend on it, and it is shown as it was sent."""
    assert tokens(rendered(text)) == tokens(rendered())
    assert text in html.unescape(rendered(text))
    assert "@everyone" not in rendered(text)
    assert "https://" not in rendered(text)


def test_a_colon_before_a_blank_is_left_as_it_is() -> None:
    """Only colons that begin emoji or URLs are escaped, so that a report can be read without rendering."""
    assert escape_markdown("1 app: 2 :tada: http://x") == "1 app: 2 &#58;tada: http&#58;//x"
