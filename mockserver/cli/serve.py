"""`mockserver serve`: load and check everything, bind, print the ready line, and serve until stopped."""

from __future__ import annotations

import json
import logging
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import click

from mockserver.cli.options import DEFAULT_URL, setting_options, user_folders
from mockserver.cli.output import not_writable, to_json
from mockserver.cli.running import open_console
from mockserver.cli.streams import log_to_stderr
from mockserver.core.errors import ConfigurationError
from mockserver.core.machine_time import machine_time
from mockserver.core.settings import SETTINGS, environment_warnings
from mockserver.engine.build import resolve_settings
from mockserver.engine.pipeline import Engine

_log = logging.getLogger("mockserver")


@click.command()
@setting_options(*SETTINGS)
@click.option("--open", "open_browser", is_flag=True, help="Open the console in the browser once ready.")
def serve(open_browser: bool, **settings: Any) -> None:
    """Serve the mock API until Ctrl-C.

    Loads and checks all files, binds, and prints one line with the URL as soon as requests are accepted.
    """
    run_server(resolve_settings(settings), open_browser=open_browser)


def run_server(
    chosen: Mapping[str, Any],
    around: Callable[[Engine], AbstractContextManager[object]] = nullcontext,
    *,
    open_browser: bool = False,
    **more: str,
) -> None:
    """Serve with resolved settings until stopped, within the context that `around` returns for the engine.

    `more` are named parts of the ready line.
    """
    # The other commands need neither Flask nor the event loop.
    from mockserver.testing.mock_server import MockServer

    with _ready_file(chosen["ready_file"]) as write_ready_file, log_to_stderr(chosen["log_format"]):
        for warning in environment_warnings():
            _log.warning("%s", warning.to(chosen["lang"]))
        server = MockServer(**chosen)
        if text := server.engine.store.problem:
            raise ConfigurationError.at("--store", text)

        def ready(url: str) -> None:
            details: dict[str, Any] = {"url": url, "admin_url": f"{url}/__admin", "pid": os.getpid()}
            if server.ca_file:
                details["ca_file"] = str(server.ca_file)
            apps = list(server.engine.config.apps)
            write_ready_file({**details, "apps": apps})
            # A shared store may already have another scenario than the chosen one.
            scenario = server.engine.store.scenario
            off = server.engine.config.readings[scenario]["signing"] == "off"
            parts = {
                "scenario": f"{scenario}, signing off" if off else scenario,
                "pid": os.getpid(),
                "console": f"{url}/__admin/console",
                f"keys of app {apps[0]} in": user_folders(chosen["fixtures"]).fixture("apps.yaml"),
                **more,
            }
            line = _ready_line(details, parts)
            if chosen["log_format"] == "json":
                entry = {"time": machine_time(), "level": "INFO", "message": line, **details}
                line = to_json({**entry, "scenario": scenario, **more}, indent=None)
            click.echo(line)
            if open_browser:
                open_console(url)

        if chosen["workers"] > 1:
            sys.exit(server.run_workers(chosen["workers"], ready, lambda: log_to_stderr(chosen["log_format"])))
        with around(server.engine):
            server.run(ready)


def _ready_line(details: Mapping[str, Any], parts: dict[str, Any]) -> str:
    """Return the line that scripts wait for. Do not change its beginning, up to the pid."""
    if details["url"] != DEFAULT_URL:
        parts["for other commands: export"] = f"MOCKSERVER_URL={details['url']}"
    if "ca_file" in details:
        parts["for other commands: export"] += f" MOCKSERVER_CA={shlex.quote(details['ca_file'])}"
        parts["CA file"] = details["ca_file"]
    return f"mockserver ready on {details['url']} ({', '.join(f'{name} {part}' for name, part in parts.items())})"


@contextmanager
def _ready_file(given: str | None) -> Iterator[Callable[[Mapping[str, Any]], object]]:
    """Yield a function that writes the file of `--ready-file`, which exists while the server is ready."""
    if given is None:
        yield lambda details: None
        return
    path, written = Path(given), ""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")

    def write(details: Mapping[str, Any]) -> None:
        nonlocal written
        written = json.dumps(details) + "\n"
        try:
            # Rename it, so that a reader never sees an incomplete file.
            temporary.write_text(written, encoding="utf-8")
            temporary.replace(path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise not_writable("--ready-file", path, error) from None

    try:
        # A killed server may have left its file behind.
        path.unlink(missing_ok=True)
    except OSError as error:
        raise not_writable("--ready-file", path, error) from None
    try:
        yield write
    finally:
        # Another server may have replaced the file.
        with suppress(OSError, ValueError):
            if written and path.read_text(encoding="utf-8") == written:
                path.unlink()
