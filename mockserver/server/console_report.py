"""The console's report page: coverage as a heat map, groups of violations, and error handling."""

from __future__ import annotations

from flask import Response

from mockserver.contract.operations import OPERATIONS
from mockserver.reporting.coverage import Coverage
from mockserver.reporting.report import FailCriteria, report_on_journal
from mockserver.reporting.view import ReportView
from mockserver.server.admin_request import AdminContext, AdminRequest, Routes
from mockserver.server.console_pages import page_language, render

PAGES = Routes()
_LEVELS = (1, 10, 100, 1_000)  # Minimum number of requests for each shade of the heat map.


@PAGES.add("GET", "console/report", "报告", query=None)
def report(context: AdminContext, request: AdminRequest) -> Response:
    """Return the page with the coverage of the contract and the violations so far."""
    lang, engine = page_language(context, request), context.engine
    appkeys = None if request.appkey is None else [request.appkey]
    found = report_on_journal(engine.journal, engine.config, appkeys)
    return render(
        context,
        request,
        "report.html",
        view=ReportView(found, lang, FailCriteria()),
        operations=[(operation, operation.title.to(lang)) for operation in OPERATIONS.values()],
        heat=heat_map(found.coverage),
        groups=found.violations,
        appkey=request.appkey or "",
        appkeys=[*engine.config.apps, *list(engine.apps)],
    )


def heat_map(coverage: Coverage) -> list[tuple[str, list[tuple[int, int] | None]]]:
    """Return a row per outcome: for each operation the requests and the shade, or None if the outcome is impossible."""
    columns = [{cell.name: cell for cell in part.outcomes} for part in coverage.operations]
    names = dict.fromkeys(name for column in columns for name in column)
    return [
        (
            name,
            [
                (column[name].times, sum(column[name].times >= least for least in _LEVELS)) if name in column else None
                for column in columns
            ],
        )
        for name in names
    ]
