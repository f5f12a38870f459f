"""`mockserver report`: what the clients of a running server did, and whether that is good enough for CI."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from mockserver.cli.options import ca_option, setting_options, token_option, url_option
from mockserver.core.errors import AdminError, ConfigurationError
from mockserver.core.text import Lang, Text
from mockserver.testing.admin_client import AdminClient


@click.command()
@url_option()
@ca_option
@token_option
@click.option(
    "--appkey",
    "appkeys",
    multiple=True,
    metavar="KEY",
    help="report on this app only; may be given several times",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "junit", "html"]),
    default="text",
    show_default=True,
    help="form of the report",
)
@click.option("--output", type=click.Path(), metavar="FILE", help="write the report to this file")
@click.option("--fail-on", type=click.Choice(["violations"]), help="exit 1 when a request left the contract")
@click.option(
    "--min-coverage",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="exit 1 below this percentage of the contract",
)
@setting_options(lang="language of messages; the report is in the server's")
def report(
    url: str,
    ca: str | None,
    admin_token: str | None,
    appkeys: tuple[str, ...],
    form: str,
    output: str | None,
    fail_on: str | None,
    min_coverage: float | None,
    lang: Lang,
) -> None:
    """Report what clients did from a running server's journal: coverage, violations, error handling.

    An empty journal fails. Exit 1 when something fails the run, 2 when there is no report.
    """
    wanted: dict[str, Any] = {"form": form, "fail_on_violations": fail_on == "violations"}
    if appkeys:
        wanted["appkeys"] = list(appkeys)
    if min_coverage is not None:
        wanted["min_coverage"] = min_coverage
    told = _ask(AdminClient(url, admin_token, ca=ca), appkeys, wanted)
    if output is None:
        click.echo(told["rendered"], nl=False)
    else:
        try:
            Path(output).write_text(told["rendered"], encoding="utf-8")
        except OSError as error:
            why = error.strerror or str(error)
            raise ConfigurationError.at("--output", Text(f"{output}: {why}", f"{output}：{why}")) from None
    for complaint in told["complaints"]:
        click.echo(complaint, err=True)
    sys.exit(1 if told["complaints"] else 0)


def _ask(admin: AdminClient, appkeys: Sequence[str], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The report; ConfigurationError for an app that never was: its silence would be taken for a client's."""
    try:
        for appkey in appkeys:
            admin.get("requests/count", appkey=appkey)
        told = admin.send("POST", "report", wanted)
    except AdminError as error:
        place = "--appkey" if error.name == "unknown_appkey" else admin.url
        raise ConfigurationError.at(place, error.text) from None
    if not {"rendered", "complaints"} <= told.keys():
        raise ConfigurationError.at(
            admin.url, Text("what answers there is no mock server", "应答方不是模拟服务器")
        )
    return told
