"""`mockserver wait`: wait until a server is ready, for scripts and CI jobs that start a server."""

from __future__ import annotations

import sys
import time

import click

from mockserver.cli.options import RunningServer, server_options, setting_options
from mockserver.cli.output import printable
from mockserver.core.addresses import parse_server_url
from mockserver.core.errors import AdminError, ConfigurationError, Problem
from mockserver.core.machine_time import monotonic
from mockserver.core.text import Lang, Text
from mockserver.testing.admin_client import AdminClient

_PAUSE = 0.1
_MIN_ATTEMPT, _MAX_ATTEMPT = 1.0, 5.0
"""Limits of the seconds that one attempt may take. A server loads its admin API with the first request for it."""
_HELP = "How long to wait; with 0, try once."


@click.command()
@server_options
@click.option("--timeout", type=click.FloatRange(0), default=30.0, show_default=True, metavar="SECONDS", help=_HELP)
@setting_options("lang")
def wait(server: RunningServer, timeout: float, lang: Lang) -> None:
    """Wait until a server is ready.

    Exits with 0 as soon as it is. If it is not ready within the timeout, prints the reason and exits with 1.
    """
    # Both raise ConfigurationError for problems that waiting does not solve: an unusable CA file or token.
    parse_server_url(server.url, server.ca).connection(server.ca, timeout=_MAX_ATTEMPT)
    admin = AdminClient(server.url, server.token, ca=server.ca)
    deadline = monotonic() + timeout
    left = timeout
    while reasons := _why_not_ready(admin.with_timeout(max(_MIN_ATTEMPT, min(_MAX_ATTEMPT, left)))):
        left = deadline - monotonic()
        if not left > 0:
            summary = Text(f"not ready after {timeout:g} s", f"{timeout:g} 秒后仍未就绪").to(lang)
            for reason in reasons:
                click.echo(f"{server.url}: {summary}: {printable(reason.to(lang))}", err=True)
            sys.exit(1)
        time.sleep(min(_PAUSE, left))
    click.echo(Text(f"{server.url} is ready", f"{server.url} 已就绪").to(lang))


def _why_not_ready(admin: AdminClient) -> list[Text]:
    """Return the reasons why a server is not ready; none when it is."""
    try:
        answer = admin.get("ready")
    except AdminError as error:
        return [error.text]
    except ConfigurationError as error:
        return [problem.text for problem in error.problems]
    if answer.get("ready") is True:
        return []
    try:
        lines = [
            Problem(row["place"], Text(row["text"], row["text"]), row["line"], row["column"]).show()
            for row in answer["problems"]
        ]
    except (LookupError, TypeError):
        # Without the admin token, the server does not list its problems.
        lines = []
    return [Text(line, line) for line in lines] or [Text("the server reports problems", "服务器报告有问题")]
