"""A report as one HTML file: no script, no external request, light and dark; the template is `report.html`."""

from __future__ import annotations

import base64
import functools
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mockserver.reporting.view import ReportView

_FOLDER = Path(__file__).parent


def render_html(view: ReportView) -> str:
    """Return the report as a self-contained page."""
    style, policy = page_style()
    template = _environment().get_template("report.html")
    coverage = view.report.coverage
    return template.render(view=view, label=view.label, coverage=coverage, style=style, policy=policy)


@functools.cache
def page_style() -> tuple[str, str]:
    """Return the page's style and its Content-Security-Policy, which allows nothing but that style."""
    style = (_FOLDER / "report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return style, f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@functools.cache
def _environment() -> Environment:
    loader = FileSystemLoader(_FOLDER)
    return Environment(autoescape=True, loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
