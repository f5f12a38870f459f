"""`mockserver verify` and `learn`, which examine a real backend, and their options, which `record` shares."""

from __future__ import annotations

import functools
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from mockserver.cli.options import (
    certificates_option,
    environment_option,
    parse_day_option,
    report_options,
    setting_options,
    user_folders,
)
from mockserver.cli.output import message, not_writable, write_report
from mockserver.contract.catalogue import Catalogue
from mockserver.contract.schemas import Schemas
from mockserver.core.text import Lang, Text
from mockserver.engine.build import parse_readings
from mockserver.engine.config import load_contract
from mockserver.live.har import check_har
from mockserver.live.learn import SCENARIO, Data, check_output, learned_files, write_folder
from mockserver.live.render import FORMATS, View, render_text
from mockserver.live.target import Target, read_target_credentials
from mockserver.live.verify import Focus, Result, examine

Opener = Callable[..., Target]
_KEYWORDS = ("target_ca", "target_proxy", "target_timeout", "rate", "max_requests")
"""The options that are keywords of `Target`, which have no prefix there."""
DAY_HELP = "Day to query: 20191210, today, now-1d …; the latest day with calls by default."


def target_options(command: Callable[..., None], *, rate: float = 5.0) -> Callable[..., None]:
    """Add the options that choose a target. They are passed to the command as a function, `open_target`.

    `open_target(…)` creates the client; its keywords are those of `Target` without an option. `rate` is the default of
    `--rate`.
    """

    @functools.wraps(command)
    def with_target(*, target: str | None, target_apps: str | None, target_appkey: str | None, **others: Any) -> None:
        chosen = {name.removeprefix("target_"): others.pop(name) for name in _KEYWORDS if name in others}

        def open_target(**more: Any) -> Target:
            if target is None:
                raise click.UsageError("Missing option '--target'.")
            return Target(target, read_target_credentials(target_apps, target_appkey), **chosen, **more)

        command(open_target=open_target, **others)

    for option in (
        environment_option("--target", metavar="URL", help="Base URL of the backend."),
        environment_option(
            "--target-apps",
            type=click.Path(),
            metavar="FILE",
            help="Credentials of the target, in the format of apps.yaml; otherwise the variables"
            " MOCKSERVER_TARGET_APPKEY, …_APPSECRET, …_RESTAPIKEY and …_IDENTIFIER.",
        ),
        click.option("--target-appkey", metavar="KEY", help="App in that file; the first by default."),
        certificates_option("--target-ca", "for the target, in addition to those of the system"),
        environment_option("--target-proxy", metavar="URL", help="Proxy to the target; none by default."),
        click.option(
            "--rate", type=click.FloatRange(0), default=rate, metavar="N", help="Requests per second; 0 is unlimited."
        ),
    )[::-1]:
        with_target = option(with_target)
    return with_target


max_requests_option = functools.partial(
    click.option, "--max-requests", type=click.IntRange(1), metavar="N", help="Maximum number of requests."
)


def examine_target(
    target: Target, schemas: Schemas, catalogue: Catalogue, lang: Lang, *, focus: Mapping[str, Any], **options: Any
) -> Result:
    """Examine a target, show the progress on a terminal, and close the target. `options` are those of `examine`."""

    def show(text: Text) -> None:
        if sys.stderr.isatty():
            click.echo(f"{target.requests:4}  {text.to(lang)}", err=True)

    try:
        if (day := focus["day"]) is not None:
            focus = {**focus, "day": parse_day_option(day, int(target.clock()))}
        return examine(target, schemas, catalogue, focus=Focus(**focus), progress=show, **options)
    finally:
        target.close()


@click.command()
@target_options
@max_requests_option(default=200)
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
    har: str | None,
    form: str,
    output: str | None,
    fail_on: str,
    lang: Lang,
    fixtures: str | None,
    reading: tuple[str, ...],
    **focus: str | None,
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
        target = open_target()
        result = examine_target(target, schemas, catalogue, lang, focus=focus, expected=expected)
    rendered = FORMATS[form](View(result, lang, fail_on))
    write_report(rendered, output, utf8=form != "text")
    sys.exit(1 if result.fails(fail_on) else 0)


@click.command()
@target_options
@click.option("--output", type=click.Path(path_type=Path), metavar="DIR", required=True, help="Folder to write.")
@click.option(
    "--data",
    type=click.Choice(["none", "recorded"]),
    default="none",
    help="Data of the scenario: generated calls, or the calls and statistics that the target returned.",
)
@click.option("--force", is_flag=True, help="Write into a folder that is not empty, replacing files of the same name.")
@max_requests_option(default=300)
@click.option("--day", metavar="DAY", help=DAY_HELP)
@setting_options("lang", "fixtures")
def learn(
    open_target: Opener, output: Path, data: Data, force: bool, day: str | None, lang: Lang, fixtures: str | None
) -> None:
    """Find out how a real backend behaves.

    Runs the checks of `verify` and determines how the backend reads the document and which error codes it uses. Writes
    errors.yaml, scenarios/live.yaml and learned.md, which lists the evidence for each reading; readings that the
    backend's data cannot decide remain undecided. Then `serve --fixtures DIR --scenario live` answers as the backend
    does. Exits with 1 when the backend breaks the contract, and with 2, without writing anything, when it cannot be
    reached.
    """
    check_output(output, force=force)
    schemas, catalogue = load_contract(user_folders(fixtures))
    target = open_target()
    result = examine_target(target, schemas, catalogue, lang, focus={"day": day}, thorough=True)
    learned = learned_files(result, target, catalogue, schemas, data)
    try:
        write_folder(output, learned.files)
    except (OSError, ValueError) as error:
        raise not_writable("--output", output, error) from None
    click.echo(render_text(View(result, lang, "error")))
    files, folder = ", ".join(str(output / name) for name in learned.files), shlex.quote(str(output))
    click.echo(message("written_fixtures", files=files, folder=folder, scenario=SCENARIO).to(lang))
    sys.exit(1 if any(finding.severity == "error" for _, finding in result.findings()) else 0)
