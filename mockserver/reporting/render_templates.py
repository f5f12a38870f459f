"""A report as text, HTML or Markdown, rendered with the templates `report.*` next to this file.

The HTML page has no script and makes no external request. In HTML and Markdown, text sent by clients is escaped:
characters with a special meaning become entities.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from mockserver.reporting.view import ReportView

FOLDER = Path(__file__).parent
"""The folder of the templates; `page.html` is the frame of every page."""
_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>#!|~&@$^]|:(?=\S)")  # `:` starts an emoji and ends the scheme of a URL.


def render_text(view: ReportView) -> str:
    """Return the whole report for the terminal, problems first; its last line says whether the run passes."""
    return _render("report.txt", view, brief=False)


def render_brief(view: ReportView) -> str:
    """Return the report for the terminal with one line for the coverage."""
    return _render("report.txt", view, brief=True)


def render_verdict(view: ReportView) -> str:
    """Return the reasons why the run fails, or one line saying that it does not."""
    return view.result + "\n"


def render_markdown(view: ReportView) -> str:
    """Return the report in Markdown, for the summary of a CI run: GitHub's step summary, a merge request's comment."""
    return _render("report.markdown", view)


def render_html(view: ReportView) -> str:
    """Return the report as a self-contained page, light and dark."""
    style, policy = page_style()
    return _render("report.html", view, lang=view.lang, title=view.label["title"], style=style, policy=policy)


@functools.cache
def page_style() -> tuple[str, str]:
    """Return the page's style and its Content-Security-Policy, which allows nothing but that style."""
    style = (FOLDER / "report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return style, f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _render(template: str, view: ReportView, **values: object) -> str:
    return _environment(template).get_template(template).render(view=view, label=view.label, **values)


@functools.cache
def _environment(template: str) -> Environment:
    return Environment(
        autoescape=select_autoescape(("html",)),
        finalize=escape_markdown if template == "report.markdown" else None,
        loader=FileSystemLoader(FOLDER),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def escape_markdown(value: object) -> str:
    """Return text that Markdown shows literally, in paragraphs and in table cells."""
    return _MARKDOWN.sub(lambda found: f"&#{ord(found[0])};", str(value))
