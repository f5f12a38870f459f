"""`mockserver check`: are schemas, fixtures and scenarios right? Every problem with its place, exit 1 when there is one."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mockserver.cli.options import setting_options
from mockserver.clock import Clock
from mockserver.data import Folders
from mockserver.errors import ConfigurationError
from mockserver.library import load_library
from mockserver.messages import Lang, Text


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(), metavar="[PATH]…")
@setting_options("lang")
def check(paths: tuple[str, ...], lang: Lang) -> None:
    """Check what the server would read: the shipped files, and each PATH over them.

    A PATH is a folder laid out like fixtures/, or one file in such a folder.
    """
    failed = False
    for path in paths or (None,):
        try:
            library = load_library(Folders(_folder(path)), now=Clock().second)
        except ConfigurationError as error:
            failed = True
            click.echo(error.show(lang), err=True)
        else:
            counts = f"{len(library.apps)} apps, {len(library.catalogue)} errors, {len(library.scenarios)} scenarios"
            click.echo(f"{path or 'shipped files'}: fine ({counts})")
    if failed:
        sys.exit(1)


def _folder(path: str | None) -> Path | None:
    """The folder that a file belongs to: files refer to each other, so one alone cannot be judged."""
    if path is None or not Path(path).is_file():
        return None if path is None else Path(path)
    file = Path(path)
    inner = file.parent.name in ("scenarios", "schemas")
    if file.suffix not in (".yaml", ".json") or (file.suffix == ".json") != (file.parent.name == "schemas"):
        text = Text(
            "this file has no place in a folder laid out like fixtures/: apps.yaml, errors.yaml, scenarios/NAME.yaml,"
            " schemas/NAME.json",
            "该文件不在 fixtures/ 布局中：apps.yaml、errors.yaml、scenarios/NAME.yaml、schemas/NAME.json",
        )
        raise ConfigurationError.one(path, text)
    return file.parent.parent if inner else file.parent
