"""`mockserver reset`: restore the initial state of a running server and of all servers that share its store."""

from __future__ import annotations

import click

from mockserver.cli.options import RunningServer, server_options, setting_options
from mockserver.core.text import Lang, Text
from mockserver.testing.admin_client import AdminClient


@click.command()
@server_options
@click.option("--appkey", metavar="APPKEY", help="Reset this app only.")
@setting_options("lang")
def reset(server: RunningServer, appkey: str | None, lang: Lang) -> None:
    """Restore the initial state of a running server.

    Clears the journal and removes the apps created at run time; with --appkey, resets only that app. Servers that share
    a store restart with the options of the server at the URL.
    """
    AdminClient(server.url, server.token, ca=server.ca).send("POST", "reset", appkey=appkey)
    click.echo(Text(f"{server.url} has been reset", f"{server.url} 已恢复初始状态").to(lang))
