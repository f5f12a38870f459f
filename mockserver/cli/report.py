"""`mockserver report`: what the clients of a running server did, and whether that is good enough for CI."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mockserver.client import Admin
from mockserver.errors import ConfigurationError, ControlError
from mockserver.messages import Text


@click.command()
@click.option(
    "--url",
    envvar="MOCKSERVER_URL",
    default="http://127.0.0.1:8080",
    show_default=True,
    help="where the server is",
)
@click.option("--admin-token", envvar="MOCKSERVER_ADMIN_TOKEN", help="its admin token, if it asks for one")
@click.option(
    "--appkey", "appkeys", multiple=True, help="report on this app only; may be given several times"
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "junit", "html"]),
    default="text",
    show_default=True,
)
@click.option("--output", type=click.Path(), help="write the report to this file")
@click.option("--fail-on", type=click.Choice(["violations"]), help="exit 1 when a request left the contract")
@click.option(
    "--min-coverage", type=click.FloatRange(0, 100), help="exit 1 below this percentage of the contract"
)
def report(
    url: str,
    admin_token: str | None,
    appkeys: tuple[str, ...],
    form: str,
    output: str | None,
    fail_on: str | None,
    min_coverage: float | None,
) -> None:
    """Report what clients did from a running server's journal: coverage, violations, error handling.

    An empty journal fails.
    """
    wanted = {"form": form, "fail_on_violations": fail_on == "violations"}
    if appkeys:
        wanted["appkeys"] = list(appkeys)
    if min_coverage is not None:
        wanted["min_coverage"] = min_coverage
    try:
        told = Admin(url, admin_token).send("POST", "report", wanted)
    except ControlError as error:
        raise ConfigurationError.one(url, error.text) from None
    if output is None:
        click.echo(told["rendered"], nl=False)
    else:
        try:
            Path(output).write_text(told["rendered"], encoding="utf-8")
        except OSError as error:
            why = error.strerror or str(error)
            raise ConfigurationError.one("--output", Text(f"{output}: {why}", f"{output}：{why}")) from None
    for complaint in told["complaints"]:
        click.echo(complaint, err=True)
    sys.exit(1 if told["complaints"] else 0)
