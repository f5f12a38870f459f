"""`mockserver report`: report on the requests of a running server, with an exit code for CI."""

from __future__ import annotations

import sys
from typing import Any

import click

from mockserver.cli.options import apps_option, report_options, server_options, setting_options
from mockserver.cli.output import message, write_report
from mockserver.core.errors import ConfigurationError
from mockserver.core.text import Lang
from mockserver.reporting.render import FORMATS
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
def report(admin: AdminClient, appkeys: tuple[str, ...], output: str | None, lang: Lang, **chosen: Any) -> None:
    """Report coverage, violations and error handling.

    Reads the journal of a running server. Exits with 1 when a criterion fails or the journal is empty, and with 2 when
    there is no report.
    """
    criteria = {"form": chosen["form"], "fail_on_violations": chosen["fail_on"] == "violations"}
    criteria |= {"appkeys": list(appkeys)} if appkeys else {}
    criteria |= {} if chosen["min_coverage"] is None else {"min_coverage": chosen["min_coverage"]}
    for appkey in appkeys:
        admin.get("requests/count", appkey=appkey)
    result = admin.send("POST", "report", criteria)
    if not {"rendered", "complaints"} <= result.keys():
        raise ConfigurationError.at(admin.url, message("no_mock_server"))
    write_report(result["rendered"], output, utf8=chosen["form"] in ("json", "junit", "html"))
    for complaint in result["complaints"]:
        click.echo(complaint, err=True)
    sys.exit(1 if result["complaints"] else 0)
