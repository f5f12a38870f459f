"""The options of the commands that call a real backend: `verify`, `learn` and `record`."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import click

from mockserver.cli.options import environment_option, parse_day_option
from mockserver.contract.catalogue import Catalogue
from mockserver.contract.schemas import Schemas
from mockserver.core.text import Lang, Text
from mockserver.live.target import Target, read_target_credentials
from mockserver.live.verify import Focus, Result, examine

Opener = Callable[..., Target]
DAY_HELP = "Day to query: 20191210, today, now-1d …; the latest day with calls by default."


def target_options(command: Callable[..., None], *, rate: float = 5.0) -> Callable[..., None]:
    """Add the options that choose a target. They are passed to the command as a function, `open_target`.

    `open_target(max_requests=N, …)` creates the client; its keywords are those of `Target`. `rate` is the default of
    `--rate`.
    """

    @functools.wraps(command)
    def with_target(
        *,
        target: str | None,
        target_apps: str | None,
        target_appkey: str | None,
        target_ca: str | None,
        target_proxy: str | None,
        rate: float,
        **others: Any,
    ) -> None:
        def open_target(**options: Any) -> Target:
            if target is None:
                raise click.UsageError("Missing option '--target'.")
            credentials = read_target_credentials(target_apps, target_appkey)
            return Target(target, credentials, ca=target_ca, proxy=target_proxy, rate=rate, **options)

        command(open_target=open_target, **others)

    for option in (
        environment_option("--target", "MOCKSERVER_TARGET", metavar="URL", help="Base URL of the backend."),
        environment_option(
            "--target-apps",
            "MOCKSERVER_TARGET_APPS",
            type=click.Path(),
            metavar="FILE",
            help="Credentials of the target, in the format of apps.yaml; otherwise the variables"
            " MOCKSERVER_TARGET_APPKEY, …_APPSECRET, …_RESTAPIKEY and …_IDENTIFIER.",
        ),
        click.option("--target-appkey", metavar="KEY", help="App in that file; the first by default."),
        environment_option(
            "--target-ca",
            "MOCKSERVER_TARGET_CA",
            type=click.Path(),
            metavar="FILE",
            help="Certificates to trust for the target, in addition to those of the system.",
        ),
        environment_option(
            "--target-proxy", "MOCKSERVER_TARGET_PROXY", metavar="URL", help="Proxy to the target; none by default."
        ),
        click.option(
            "--rate", type=click.FloatRange(0), default=rate, metavar="N", help="Requests per second; 0 is unlimited."
        ),
    )[::-1]:
        with_target = option(with_target)
    return with_target


def max_requests_option(default: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the decorator that adds `--max-requests`."""
    return click.option(
        "--max-requests", type=click.IntRange(1), default=default, metavar="N", help="Maximum number of requests."
    )


def examine_target(
    target: Target,
    schemas: Schemas,
    catalogue: Catalogue,
    lang: Lang,
    *,
    day: str | None,
    user: str | None = None,
    room: str | None = None,
    **options: Any,
) -> Result:
    """Examine a target, show the progress on a terminal, and close the target. `options` are those of `examine`."""

    def show(text: Text) -> None:
        if sys.stderr.isatty():
            click.echo(f"{target.requests:4}  {text.to(lang)}", err=True)

    try:
        focus = Focus(user, room, None if day is None else parse_day_option(day, int(target.clock())))
        return examine(target, schemas, catalogue, focus=focus, progress=show, **options)
    finally:
        target.close()
