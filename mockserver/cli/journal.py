"""`mockserver requests`: list the requests of a running server, one per line, and follow new ones as they arrive."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import click

from mockserver.cli.options import RunningServer, apps_option, json_option, server_options, setting_options
from mockserver.cli.output import local_time, printable, to_json
from mockserver.cli.streams import reader_is_gone
from mockserver.core.errors import AdminError, ConfigurationError
from mockserver.core.text import Lang, Text
from mockserver.testing.admin_client import AdminClient

_PAUSE = 0.25  # Seconds between two queries for new requests.
_LIMIT = 10_000  # Requests per query.
_WIDTHS = (39, 28, 20)  # Columns of operation, key field and outcome.
_EMPTY = Text("no request yet", "尚无请求")
_LEFT_OUT = Text("({count} older requests left out)", "（另有 {count} 个较早的请求未列出）")


@click.command()
@server_options
@click.option("--follow", "-f", is_flag=True, help="Show new requests as they arrive, until Ctrl-C.")
@click.option(
    "--limit",
    type=click.IntRange(0, _LIMIT),
    default=20,
    show_default=True,
    metavar="N",
    help="Number of recent requests to show first.",
)
@apps_option
@json_option
@setting_options("lang")
def requests(
    server: RunningServer, follow: bool, limit: int, appkeys: tuple[str, ...], as_json: bool, lang: Lang
) -> None:
    """List the requests of a running server.

    One line per request, newest last: time in UTC+8, operation, key field, outcome, milliseconds, id, violations and
    faults. With --json each line is an object.
    """
    admin = AdminClient(server.url, server.token, ca=server.ca)
    shown = 0
    for number, (rows, skipped) in enumerate(_poll(admin, appkeys, time.sleep)):
        if number == 0:
            rows = rows[max(len(rows) - limit, 0) :]
        elif skipped:
            click.echo(_LEFT_OUT.to(lang).format(count=skipped), err=True)
        for row in rows:
            click.echo(to_json(row, indent=None) if as_json else request_line(row))
        shown += len(rows)
        if not follow or reader_is_gone():
            break
    if not (shown or as_json or follow):
        click.echo(_EMPTY.to(lang), err=True)


def _poll(
    admin: AdminClient, appkeys: tuple[str, ...], sleep: Callable[[float], None]
) -> Iterator[tuple[list[Mapping[str, Any]], int]]:
    """Yield the new requests of each query and the number of those left out; of all apps if `appkeys` is empty."""
    position = 0
    try:
        for appkey in appkeys:
            admin.get("requests/count", appkey=appkey)
        for number in itertools.count():
            if number:
                sleep(_PAUSE)
            news = admin.get("requests/feed", after=position, limit=_LIMIT)
            rows = [row for row in news["requests"] if not appkeys or row["appkey"] in appkeys]
            position = news["last"]
            yield rows, news["skipped"]
    except AdminError as error:
        place = "--appkey" if error.name == "unknown_appkey" else admin.url
        raise ConfigurationError.at(place, error.text) from None
    except (LookupError, TypeError):
        text = Text("this is not a mock server", "这不是模拟服务器")
        raise ConfigurationError.at(admin.url, text) from None


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
