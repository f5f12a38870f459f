"""`mockserver verify`: check a real backend against the contract, with an exit code for CI."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mockserver.cli.options import report_options, setting_options, user_folders
from mockserver.cli.output import write_report
from mockserver.cli.target import DAY_HELP, Opener, examine_target, max_requests_option, target_options
from mockserver.core.text import Lang
from mockserver.engine.build import parse_readings
from mockserver.engine.config import load_contract
from mockserver.live.har import check_har
from mockserver.live.render import FORMATS, View


@click.command()
@target_options
@max_requests_option(200)
@click.option("--user", metavar="ID", help="Also query this user.")
@click.option("--room", metavar="ID", help="Also query this room.")
@click.option("--day", metavar="DAY", help=DAY_HELP)
@click.option(
    "--har",
    type=click.Path(),
    metavar="FILE",
    help="Check the answers in a captured HAR file instead of calling a target.",
)
@report_options(FORMATS)
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "info"]),
    default="error",
    help="Exit with 1 for a finding of this severity or worse.",
)
@setting_options("lang", "fixtures", reading="expect this reading of the target; repeatable")
def verify(
    open_target: Opener,
    max_requests: int,
    user: str | None,
    room: str | None,
    day: str | None,
    har: str | None,
    form: str,
    output: str | None,
    fail_on: str,
    lang: Lang,
    fixtures: str | None,
    reading: tuple[str, ...],
) -> None:
    """Check a real backend against the contract.

    Queries the latest calls, provokes every error, compares records with statistics, and reports how the backend reads
    the document. Only reads data. Exits with 1 for findings or when nothing could be checked, and with 2 when the
    backend cannot be reached. Credentials come from --target-apps or the environment, never from the command line.
    """
    schemas, catalogue = load_contract(user_folders(fixtures))
    expected = parse_readings(reading)
    if har is not None:
        result = check_har(Path(har), schemas)
    else:
        target = open_target(max_requests=max_requests)
        result = examine_target(target, schemas, catalogue, lang, day=day, user=user, room=room, expected=expected)
    rendered = FORMATS[form](View(result, lang, fail_on))
    write_report(rendered, output, utf8=form != "text")
    sys.exit(1 if result.fails(fail_on) else 0)
