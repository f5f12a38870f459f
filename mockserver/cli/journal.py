"""`mockserver requests`: what clients sent, a line each, once or as it arrives."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import click

from mockserver.cli.options import RunningServer, json_option, server_options, setting_options
from mockserver.cli.output import local_time, printable, to_json
from mockserver.core.errors import AdminError, ConfigurationError
from mockserver.core.text import Lang, Text
from mockserver.testing.admin_client import AdminClient

_PAUSE = 0.5  # Seconds between two looks at the journal.
_NONE = Text("no requests yet", "尚无请求")
_SKIPPED = Text("… {count} more arrived too fast to be listed", "……另有 {count} 个请求到达过快，未列出")


@click.command("requests")
@server_options
@click.option("--follow", "-f", is_flag=True, help="Print new requests as they arrive, until Ctrl-C.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many to print at first."
)
@click.option("--appkey", metavar="KEY", help="Those of this app only.")
@setting_options("lang")
@json_option
def requests(server: RunningServer, follow: bool, limit: int, appkey: str | None, lang: Lang, as_json: bool) -> None:
    """Print the requests that a running server received.

    A line each, the newest last: time, operation, what it asks about, outcome, violations, faults and the id, which the
    console shows in full.
    """
    admin = AdminClient(server.url, server.token, ca=server.ca)
    try:
        news = admin.get("requests/feed", limit=limit, appkey=appkey)
    except AdminError as error:
        raise ConfigurationError.at("--appkey" if error.name == "unknown_appkey" else admin.url, error.text) from None
    if not news.keys() >= {"requests", "last"}:
        raise ConfigurationError.at(
            admin.url, Text("the server there is too old for this command", "该服务器版本过旧，不支持此命令")
        )
    if not news["requests"] and not follow and not as_json:
        click.echo(_NONE.to(lang), err=True)
    # At first only the newest are wanted; nothing is missing.
    news["skipped"] = 0
    while True:
        for row in news["requests"]:
            click.echo(to_json(row, indent=None) if as_json else _line(row))
        if news["skipped"]:
            click.echo(_SKIPPED.to(lang).format(count=news["skipped"]), err=True)
        if not follow:
            return
        time.sleep(_PAUSE)
        news = admin.get("requests/feed", after=news["last"], limit=1_000, appkey=appkey)


def _line(row: Mapping[str, Any]) -> str:
    fields = " ".join(f"{name}={value}" for name, value in row["fields"].items())
    outcome = click.style(row["error"], fg="red") if row["error"] else click.style("OK", fg="green")
    details = [*row["violations"], *(f"fault {kind}" for kind in row["faults"])]
    parts = [
        local_time(int(row["at"])),
        row["operation"] or row["path"],
        fields,
        outcome,
        ", ".join(details),
        row["id"],
    ]
    return "  ".join(part if "\x1b" in part else printable(part) for part in parts if part)
