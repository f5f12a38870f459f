"""`mockserver open`: the console of a running server in the browser; `serve --open` does the same once it is ready."""

from __future__ import annotations

import threading
import webbrowser

import click

from mockserver.cli.options import RunningServer, server_options, setting_options
from mockserver.core.text import Lang
from mockserver.testing.admin_client import AdminClient


@click.command("open")
@server_options
@setting_options("lang")
def open_command(server: RunningServer, lang: Lang) -> None:
    """Open the console in the browser.

    Also prints its URL, for machines without a browser. Exits with 2 when no mock server answers. A server with an
    admin token asks for it in the browser: any name, and the token as password.
    """
    AdminClient(server.url, server.token, ca=server.ca).get("health")
    open_console(server.url).join()
    click.echo(console_url(server.url))


def console_url(url: str) -> str:
    """Return the URL of the console of a server."""
    return f"{url.rstrip('/')}/__admin/console"


def open_console(url: str) -> threading.Thread:
    """Open the console in the browser. Return the thread that does it, because it may take a while or fail."""
    thread = threading.Thread(target=webbrowser.open, args=(console_url(url),), name="mockserver-open", daemon=True)
    thread.start()
    return thread
