"""`mockserver wait`: wait until a server is ready, for scripts and CI jobs that start one."""

from __future__ import annotations

import json
import sys
import time

import click

from mockserver.cli.http_call import exchange
from mockserver.cli.options import ca_option, setting_options, token_option, url_option
from mockserver.cli.output import printable
from mockserver.core.addresses import parse_server_url
from mockserver.core.errors import ConfigurationError, Problem
from mockserver.core.machine_time import monotonic
from mockserver.core.text import Lang, Text

_PAUSE = 0.1
_MAX_ATTEMPT = 5.0
"""Seconds that one attempt may take at most."""


@click.command()
@url_option()
@ca_option
@token_option
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait; 0 asks once.",
)
@setting_options("lang")
def wait(url: str, ca: str | None, admin_token: str | None, timeout: float, lang: Lang) -> None:
    """Wait until a server is ready.

    Exits with 0 as soon as it is, and with 1 and the reason when it is not within the timeout.
    """
    # An unusable --ca will not become usable.
    parse_server_url(url, ca).connection(ca, timeout=_MAX_ATTEMPT)
    deadline = monotonic() + timeout
    while reasons := _why_not_ready(
        url, ca, admin_token, max(_PAUSE, min(_MAX_ATTEMPT, deadline - monotonic()))
    ):
        if not deadline - monotonic() > 0:
            summary = Text(f"not ready after {timeout:g} s", f"{timeout:g} 秒后仍未就绪").to(lang)
            for reason in reasons:
                click.echo(f"{url}: {summary}: {printable(reason.to(lang))}", err=True)
            sys.exit(1)
        time.sleep(_PAUSE)
    click.echo(Text(f"{url} is ready", f"{url} 已就绪").to(lang))


def _why_not_ready(url: str, ca: str | None, token: str | None, timeout: float) -> list[Text]:
    """Return the reasons why a server is not ready; none when it is."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        answer = exchange(url, "GET", "/__admin/ready", headers=headers, ca=ca, timeout=timeout)
    except ConfigurationError as error:
        return [problem.text for problem in error.problems]
    if answer.status == 200:
        return []
    try:
        lines = [
            Problem(row["place"], Text(row["text"], row["text"]), row["line"], row["column"]).show()
            for row in json.loads(answer.body)["problems"]
        ]
    except (ValueError, LookupError, TypeError):
        # Another server, or one that names its problems only to those who have its token.
        lines = []
    return [Text(line, line) for line in lines or [f"HTTP {answer.status}"]]
