"""`mockserver serve`: load and check everything, bind, say so in one line, serve until told to stop."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mockserver.cli.logs import log_to_stderr
from mockserver.cli.options import setting_options
from mockserver.errors import ConfigurationError
from mockserver.factory import resolve_settings
from mockserver.messages import Text
from mockserver.settings import SETTINGS

if TYPE_CHECKING:
    from mockserver.mock import MockServer


@click.command()
@setting_options(*SETTINGS)
def serve(**settings: Any) -> None:
    """Serve the six operations; stop with Ctrl-C."""
    # Imported here: the other commands need neither Flask nor the event loop.
    from mockserver.mock import MockServer

    chosen = resolve_settings(settings)
    server = MockServer(**chosen)
    ready_file = Path(chosen["ready_file"]) if chosen["ready_file"] else None

    def ready(url: str) -> None:
        if ready_file is not None:
            _write_ready_file(ready_file, server, url)
        trust = f", CA file {server.ca_file}" if server.ca_file else ""
        click.echo(f"mockserver ready on {url} (scenario {chosen['scenario']}, pid {os.getpid()}{trust})")
        sys.stdout.flush()

    try:
        with log_to_stderr(chosen["log_format"]):
            server.run(ready)
    finally:
        if ready_file is not None:
            ready_file.unlink(missing_ok=True)


def _write_ready_file(path: Path, server: MockServer, url: str) -> None:
    """Written aside and moved into place, so that a reader never finds half of it."""
    apps = list(server.engine.library.apps)
    ready = {"url": url, "admin_url": f"{url}/__admin", "pid": os.getpid(), "apps": apps}
    if server.ca_file:
        ready["ca_file"] = str(server.ca_file)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        aside.write_text(json.dumps(ready) + "\n", encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigurationError.one(
            "--ready-file", Text(f"{path} cannot be written: {why}", f"无法写入 {path}：{why}")
        ) from None
