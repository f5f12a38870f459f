"""Commands for a running server, over its admin API: `open`, `requests`, `reset` and `wait`."""

from __future__ import annotations

import itertools
import sys
import threading
import time
import webbrowser
from collections.abc import Mapping
from typing import Any

import click

from mockserver.cli.options import apps_option, json_option, server_options, setting_options
from mockserver.cli.output import local_time, message, printable, to_json
from mockserver.cli.streams import reader_is_gone
from mockserver.core.errors import AdminError, ConfigurationError, Problem
from mockserver.core.machine_time import monotonic
from mockserver.core.text import Lang, Text
from mockserver.testing.admin_client import AdminClient

_POLL_PAUSE = 0.25  # Seconds between two queries for new requests.
_LIMIT = 10_000  # Requests per query.
_WIDTHS = (39, 28, 20)  # Columns of operation, key field and outcome.
_ATTEMPT_PAUSE = 0.1
_MIN_ATTEMPT, _MAX_ATTEMPT = 1.0, 5.0
"""Limits of the seconds that one attempt may take. A server loads its admin API with the first request for it."""
_TIMEOUT = "How long to wait; with 0, try once."


@click.command("open")
@server_options
@setting_options("lang")
def open_command(admin: AdminClient, lang: Lang) -> None:
    """Open the console in the browser.

    Also prints its URL, for machines without a browser. Exits with 2 when no mock server answers. A server with an
    admin token asks for it in the browser: any name, and the token as password.
    """
    admin.get("health")
    open_console(admin.url).join()
    click.echo(f"{admin.url}/__admin/console")


def open_console(url: str) -> threading.Thread:
    """Open the console in the browser. Return the thread that does it, because it may take a while or fail."""
    page = f"{url}/__admin/console"
    thread = threading.Thread(target=webbrowser.open, args=(page,), name="mockserver-open", daemon=True)
    thread.start()
    return thread


@click.command()
@server_options
@click.option("--follow", "-f", is_flag=True, help="Show new requests as they arrive, until Ctrl-C.")
@click.option(
    "--limit", type=click.IntRange(0, _LIMIT), default=20, metavar="N", help="Number of recent requests to show first."
)
@apps_option
@json_option
@setting_options("lang")
def requests(admin: AdminClient, follow: bool, limit: int, appkeys: tuple[str, ...], as_json: bool, lang: Lang) -> None:
    """List the requests of a running server.

    One line per request, newest last: time in UTC+8, operation, key field, outcome, milliseconds, id, violations and
    faults. With --json each line is an object.
    """
    for appkey in appkeys:
        admin.get("requests/count", appkey=appkey)
    position = shown = 0
    for number in itertools.count():
        news = admin.get("requests/feed", after=position, limit=_LIMIT)
        try:
            rows = [row for row in news["requests"] if not appkeys or row["appkey"] in appkeys]
            position, skipped = news["last"], news["skipped"]
        except (LookupError, TypeError):
            raise ConfigurationError.at(admin.url, message("no_mock_server")) from None
        if number == 0:
            rows = rows[max(len(rows) - limit, 0) :]
        elif skipped:
            click.echo(message("left_out", count=skipped).to(lang), err=True)
        for row in rows:
            click.echo(to_json(row, indent=None) if as_json else request_line(row))
        shown += len(rows)
        if not follow or reader_is_gone():
            break
        time.sleep(_POLL_PAUSE)
    if not (shown or as_json or follow):
        click.echo(message("no_request").to(lang), err=True)


def request_line(row: Mapping[str, Any]) -> str:
    """Return a request of the feed as a line; its outcome is coloured on a terminal."""
    status = "" if row["status"] == 200 else f" {row['status']}"
    outcome = (row["error"] or ("OK, empty" if row["empty"] else "OK")) + status
    cells = (row["operation"] or row["path"], key_field(row["fields"]), outcome)
    operation, key, outcome = (f"{printable(cell):{width}}" for cell, width in zip(cells, _WIDTHS, strict=True))
    outcome = click.style(outcome, fg="red" if row["error"] else "green")
    more = printable(" ".join([*row["violations"], *(f"fault:{kind}" for kind in row["faults"])]))
    time, number = local_time(int(row["at"]))[11:], printable(row["id"])
    return f"{time}  {operation}  {key}  {outcome}  {row['ms']:8.1f} ms  {number}  {more}".rstrip()


def key_field(fields: Mapping[str, Any]) -> str:
    """Return what a request is about: user and room, the time range, or the day and what is counted."""
    names = [str(fields[name]) for name in ("UserId", "RoomId") if name in fields]
    stamps = [_short_time(fields[name]) for name in ("BeginTime", "EndTime") if name in fields]
    days = [str(fields[name]) for name in ("QueryDate", "CountBy") if name in fields]
    return " ".join([*names, *(["–".join(stamps)] if stamps else []), *(["/".join(days)] if days else [])])


def _short_time(value: Any) -> str:
    """Return a stamp as `12-10 15:15` in UTC+8, and anything else as it is."""
    text = str(value)
    return local_time(int(text))[5:16] if text.isascii() and text.isdecimal() and len(text) in (9, 10) else text


@click.command()
@server_options
@click.option("--appkey", metavar="KEY", help="Only this app.")
@setting_options("lang")
def reset(admin: AdminClient, appkey: str | None, lang: Lang) -> None:
    """Restore the initial state of a running server.

    Clears the journal and removes the apps created at run time; with --appkey, resets only that app. Servers that share
    a store restart with the options of the server at the URL.
    """
    admin.send("POST", "reset", appkey=appkey)
    click.echo(message("has_been_reset", url=admin.url).to(lang))


@click.command()
@server_options
@click.option("--timeout", type=click.FloatRange(0), default=30.0, metavar="SECONDS", help=_TIMEOUT)
@setting_options("lang")
def wait(admin: AdminClient, timeout: float, lang: Lang) -> None:
    """Wait until a server is ready.

    Exits with 0 as soon as it is. If it is not ready within the timeout, prints the reason and exits with 1.
    """
    deadline = monotonic() + timeout
    left = timeout
    while reasons := _why_not_ready(admin.with_timeout(max(_MIN_ATTEMPT, min(_MAX_ATTEMPT, left)))):
        left = deadline - monotonic()
        if not left > 0:
            summary = message("not_ready", seconds=timeout).to(lang)
            for reason in reasons:
                click.echo(f"{admin.url}: {summary}: {printable(reason.to(lang))}", err=True)
            sys.exit(1)
        time.sleep(min(_ATTEMPT_PAUSE, left))
    click.echo(message("is_ready", url=admin.url).to(lang))


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
    return [Text(line, line) for line in lines] or [message("has_problems")]
