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
from mockserver.messages import Lang


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(), metavar="[FOLDER]…")
@setting_options("lang")
def check(folders: tuple[str, ...], lang: Lang) -> None:
    """Check what the server would read: the shipped files, and each FOLDER laid out like fixtures/ over them."""
    failed = False
    for folder in folders or (None,):
        try:
            library = load_library(Folders(Path(folder) if folder else None), now=Clock().second)
        except ConfigurationError as error:
            failed = True
            click.echo(error.show(lang), err=True)
        else:
            counts = f"{len(library.apps)} apps, {len(library.catalogue)} errors, {len(library.scenarios)} scenarios"
            click.echo(f"{folder or 'shipped files'}: fine ({counts})")
    if failed:
        sys.exit(1)
