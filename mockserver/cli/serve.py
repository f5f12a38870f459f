"""`mockserver serve`: load and check everything, bind, say so in one line, serve until told to stop."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

import click

from mockserver.cli.logs import log_to_stderr
from mockserver.cli.options import setting_options
from mockserver.cli.ready import ReadyFile
from mockserver.core.settings import SETTINGS
from mockserver.engine.build import resolve_settings


@click.command()
@setting_options(*SETTINGS)
def serve(**settings: Any) -> None:
    """Serve the six operations; stop with Ctrl-C."""
    # Imported here: the other commands need neither Flask nor the event loop.
    from mockserver.testing.mock_server import MockServer

    chosen = resolve_settings(settings)
    ready_file = ReadyFile(chosen["ready_file"])
    # That of a server which was killed says nothing about this one.
    ready_file.clear()
    server = MockServer(**chosen)

    def ready(url: str) -> None:
        told = {"url": url, "admin_url": f"{url}/__admin", "pid": os.getpid()}
        trust = {"ca_file": str(server.ca_file)} if server.ca_file else {}
        ready_file.write({**told, "apps": list(server.engine.config.apps), **trust})
        line = f"mockserver ready on {url} (scenario {chosen['scenario']}, pid {os.getpid()}"
        line += f", CA file {server.ca_file})" if server.ca_file else ")"
        if chosen["log_format"] == "json":
            row = {"time": time.time(), "level": "INFO", "message": line, **told, **trust}
            line = json.dumps({**row, "scenario": chosen["scenario"]}, ensure_ascii=False)
        click.echo(line)
        if sys.stdout is not None:
            sys.stdout.flush()

    try:
        with log_to_stderr(chosen["log_format"]):
            server.run(ready)
    finally:
        ready_file.remove()
