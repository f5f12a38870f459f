"""A report as one HTML file: no script, no request to anywhere, readable in light and dark."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Sequence

from jinja2 import Environment, StrictUndefined, Template

from mockserver.core.text import Lang, Text
from mockserver.reporting.html_page import PAGE, STYLE
from mockserver.reporting.report import NO_CRITERIA, FailCriteria, Report
from mockserver.reporting.report_texts import (
    MOST_GROUPS,
    WORDS,
    cell_name,
    chosen_readings,
    clean,
    did_text,
    evicted_note,
    mark,
    met_cells,
    missing_cells,
    more_note,
    summary,
    tests_note,
    unnamed_note,
    verdict,
)

_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"
)
"""What the page says of itself in a meta element; a server may send it as a header, too."""


def render_html(
    report: Report, lang: Lang = "en", complaints: Sequence[Text] = (), demands: FailCriteria = NO_CRITERIA
) -> str:
    """The report as a page that stands alone."""
    return _template().render(
        report=report,
        lang=lang,
        complaints=[one.to(lang) for one in complaints],
        word={name: text.to(lang) for name, text in WORDS.items()},
        summary=summary(report, lang),
        unnamed=unnamed_note(report, lang),
        evicted=evicted_note(report, lang),
        verdict=verdict(report, lang, demands),
        mark=lambda group: mark(group, lang),
        tests=lambda requests: tests_note(report, requests, lang),
        groups=report.violations[:MOST_GROUPS],
        more=more_note(report, lang),
        readings=chosen_readings(report.coverage),
        policy=CONTENT_SECURITY_POLICY,
    )


@functools.cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(
        clean=clean,
        did=did_text,
        name=cell_name,
        met=met_cells,
        missing=missing_cells,
        chosen=chosen_readings,
    )
    environment.globals["style"] = STYLE
    return environment.from_string(PAGE)
