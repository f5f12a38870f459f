"""`mockserver serve`: load and check everything, bind, print the ready line, and serve until stopped."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from mockserver.cli.logs import log_to_stderr
from mockserver.cli.options import setting_options
from mockserver.core.errors import ConfigurationError
from mockserver.core.machine_time import machine_time
from mockserver.core.settings import SETTINGS
from mockserver.core.text import Text
from mockserver.engine.build import resolve_settings


@click.command()
@setting_options(*SETTINGS)
def serve(**settings: Any) -> None:
    """Serve the mock API until Ctrl-C.

    Loads and checks all files, binds, and prints one line with the URL as soon as requests are accepted.
    """
    # The other commands need neither Flask nor the event loop.
    from mockserver.testing.mock_server import MockServer

    chosen = resolve_settings(settings)
    ready_file = ReadyFile(chosen["ready_file"])
    # A server that was killed may have left its file.
    ready_file.clear()
    server = MockServer(**chosen)

    def ready(url: str) -> None:
        details: dict[str, Any] = {"url": url, "admin_url": f"{url}/__admin", "pid": os.getpid()}
        ca = {"ca_file": str(server.ca_file)} if server.ca_file else {}
        ready_file.write({**details, "apps": list(server.engine.config.apps), **ca})
        ca_text = f", CA file {server.ca_file}" if ca else ""
        off = server.engine.config.readings(chosen["scenario"])["signing"] == "off"
        signing = ", signing off" if off else ""
        line = (
            f"mockserver ready on {url} (scenario {chosen['scenario']}{signing}, pid {os.getpid()}{ca_text})"
        )
        if chosen["log_format"] == "json":
            entry = {"time": machine_time(), "level": "INFO", "message": line, **details, **ca}
            line = json.dumps({**entry, "scenario": chosen["scenario"]}, ensure_ascii=False)
        click.echo(line)
        if sys.stdout is not None:
            sys.stdout.flush()

    try:
        with log_to_stderr(chosen["log_format"]):
            server.run(ready)
    finally:
        ready_file.remove()


class ReadyFile:
    """The file of `--ready-file`, which exists while the server is ready; without a path nothing is written."""

    def __init__(self, path: str | None) -> None:
        self._path = Path(path) if path else None
        self._written = ""

    def clear(self) -> None:
        """Remove the file of an earlier server; raise ConfigurationError when that fails."""
        if self._path is not None:
            try:
                self._path.unlink(missing_ok=True)
            except OSError as error:
                raise _not_writable(self._path, error) from None

    def write(self, details: Mapping[str, Any]) -> None:
        """Write JSON to a temporary file and rename it, so that a reader never sees half of it."""
        if self._path is None:
            return
        self._written = json.dumps(details) + "\n"
        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            temporary.write_text(self._written, encoding="utf-8")
            temporary.replace(self._path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise _not_writable(self._path, error) from None

    def remove(self) -> None:
        """Remove the file, unless another server has replaced it since."""
        if self._path is None or not self._written:
            return
        try:
            if self._path.read_text(encoding="utf-8") == self._written:
                self._path.unlink(missing_ok=True)
        except (OSError, ValueError):
            # It is gone, or another program has replaced it.
            return


def _not_writable(path: Path, error: OSError) -> ConfigurationError:
    reason = error.strerror or str(error)
    text = Text(f"{path} cannot be written: {reason}", f"无法写入 {path}：{reason}")
    return ConfigurationError.at("--ready-file", text)
