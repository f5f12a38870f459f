"""The headers of a response: Content-Type and the `X-Mock-…` answer headers."""

from __future__ import annotations

from collections.abc import Sequence

from mockserver.contract.violations import shorten
from mockserver.core.errors import Problem
from mockserver.engine.context import Decision, RequestContext

Headers = tuple[tuple[str, str], ...]
CONTENT_TYPE: Headers = (("Content-Type", "application/json"),)
ANSWER_HEADERS = (
    *("X-Mock-Request-Id", "X-Mock-Scenario", "X-Mock-Answered-By", "X-Mock-Violations"),
    *("X-Mock-Diagnosis", "X-Mock-Fault", "X-Mock-Problems"),
)  # Every answer header that a response may have.
_MAX_VALUE = 300  # Characters of a header value.


def answer_headers(context: RequestContext, decision: Decision, problems: Sequence[Problem]) -> Headers:
    """Return the headers that describe how a request was answered. `problems` are those of the files."""
    headers: Headers = (
        ("X-Mock-Request-Id", context.id),
        ("X-Mock-Scenario", context.scenario.name),
        ("X-Mock-Answered-By", decision.by),
        ("X-Mock-Violations", str(len(context.own_violations)) if context.violations else "0"),
    )
    if context.violations:
        shown = context.refusal or context.violations[0]
        headers += (("X-Mock-Diagnosis", header_value(f"{shown.name}: {shown.text.en}")),)
    elif decision.detail:
        headers += (("X-Mock-Diagnosis", header_value(f"{decision.error}: {decision.detail}")),)
    if problems:
        headers += (("X-Mock-Problems", header_value(f"{len(problems)}; {problems[0].show()}")),)
    return headers


def header_value(text: str) -> str:
    """Return `text` as one short line of ASCII."""
    return shorten(text, _MAX_VALUE).replace("…", "...").encode("ascii", "backslashreplace").decode()
