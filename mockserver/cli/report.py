"""`mockserver report`: report on the requests of a running server, with an exit code for CI."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from mockserver.cli.options import RunningServer, apps_option, report_options, server_options, setting_options
from mockserver.cli.output import not_writable
from mockserver.cli.streams import write_utf8
from mockserver.core.errors import AdminError, ConfigurationError
from mockserver.core.text import Lang, Text
from mockserver.reporting.formats import FORMATS
from mockserver.testing.admin_client import AdminClient


@click.command()
@server_options
@apps_option
@report_options(FORMATS)
@click.option(
    "--fail-on",
    type=click.Choice(["violations"]),
    help="Exit with 1 when a request violates the contract, when the client handled an error wrongly (a mistake in the"
    " report's error handling), or when the journal lost requests.",
)
@click.option(
    "--min-coverage",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Exit with 1 when the requests cover less of the contract.",
)
@setting_options(lang="language of messages; the report is in the language of the server")
def report(server: RunningServer, appkeys: tuple[str, ...], output: str | None, lang: Lang, **chosen: Any) -> None:
    """Report coverage, violations and error handling.

    Reads the journal of a running server. Exits with 1 when a criterion fails or the journal is empty, and with 2 when
    there is no report.
    """
    criteria = {"form": chosen["form"], "fail_on_violations": chosen["fail_on"] == "violations"}
    criteria |= {"appkeys": list(appkeys)} if appkeys else {}
    criteria |= {} if chosen["min_coverage"] is None else {"min_coverage": chosen["min_coverage"]}
    result = _request_report(AdminClient(server.url, server.token, ca=server.ca), appkeys, criteria)
    if output is None:
        if chosen["form"] in ("json", "junit", "html"):
            write_utf8()
        click.echo(result["rendered"], nl=False)
    else:
        try:
            Path(output).write_text(result["rendered"], encoding="utf-8")
        except (OSError, ValueError) as error:
            raise not_writable("--output", Path(output), error) from None
    for complaint in result["complaints"]:
        click.echo(complaint, err=True)
    sys.exit(1 if result["complaints"] else 0)


def _request_report(admin: AdminClient, appkeys: Sequence[str], criteria: Mapping[str, Any]) -> dict[str, Any]:
    """Return the report; raise ConfigurationError for an unknown app."""
    try:
        for appkey in appkeys:
            admin.get("requests/count", appkey=appkey)
        result = admin.send("POST", "report", criteria)
    except AdminError as error:
        place = "--appkey" if error.name == "unknown_appkey" else admin.url
        raise ConfigurationError.at(place, error.text) from None
    if not {"rendered", "complaints"} <= result.keys():
        raise ConfigurationError.at(admin.url, Text("this is not a mock server", "这不是模拟服务器"))
    return result
