"""`mockserver check`: are schemas, fixtures and scenarios right? Every problem with its place, exit 1 when there is one."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mockserver.cli.judging import Judged, judge
from mockserver.cli.options import setting_options
from mockserver.core.errors import ConfigurationError, Problem
from mockserver.core.folders import Folders
from mockserver.core.text import Lang, Text, pluralize

_NO_PLACE = Text(
    "this file has no place in a folder laid out like fixtures/: apps.yaml, errors.yaml, scenarios/NAME.yaml,"
    " schemas/NAME.json",
    "该文件不在 fixtures/ 布局中：apps.yaml、errors.yaml、scenarios/NAME.yaml、schemas/NAME.json",
)


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(), metavar="[PATH]…")
@setting_options("lang")
def check(paths: tuple[str, ...], lang: Lang) -> None:
    """Check what the server would read: the shipped files, and each PATH over them.

    A PATH is a folder laid out like fixtures/, or one file in such a folder.
    """
    for path in paths:
        if not Path(path).exists():
            raise ConfigurationError.at(path, Text("there is no such file or folder", "没有这个文件或文件夹"))
    failed = False
    for one in paths or (None,):
        problems = _file(Path(one), lang) if one and Path(one).is_file() else _folder(one)
        for problem in problems:
            click.echo(problem.show(lang), err=True)
        failed = failed or bool(problems)
    if failed:
        sys.exit(1)


def _folder(path: str | None) -> list[Problem]:
    judged = judge(Path(path) if path else None)
    if config := judged.config:
        counts = f"{len(config.apps)} apps, {len(config.catalogue)} errors, {len(config.scenarios)} scenarios"
        click.echo(f"{path or 'shipped files'}: fine ({counts})")
    return [*judged.problems, *(Problem(place, text) for place, text in judged.unjudged.items())]


def _file(file: Path, lang: Lang) -> list[Problem]:
    """What is wrong with one file; it is judged among the others of its folder, as it may refer to them."""
    inner = file.absolute().parent.name in ("scenarios", "schemas")
    folder = file.parent / ".." if inner and not file.parent.name else file.parent
    folder = folder.parent if inner and file.parent.name else folder
    judged = judge(folder)
    own = [one for one in judged.problems if _same(one.place, file)]
    own += [Problem(place, text) for place, text in judged.unjudged.items() if _same(place, file)]
    if not own and not _is_read(file, folder):
        return [Problem(str(file), _NO_PLACE)]
    if not own:
        click.echo(f"{file}: fine")
        _tell_others(judged, folder, lang)
    return own


def _tell_others(judged: Judged, folder: Path, lang: Lang) -> None:
    others = {one.place for one in judged.problems} | judged.unjudged.keys()
    if others:
        text = Text(
            f"(not fine: {pluralize(len(others), 'other file')}; see `mockserver check {folder}`)",
            f"（另有 {len(others)} 个文件有问题，见 `mockserver check {folder}`）",
        )
        click.echo(text.to(lang), err=True)


def _same(place: str, file: Path) -> bool:
    return Path(place).exists() and file.samefile(place)


def _is_read(file: Path, folder: Path) -> bool:
    """Whether a server that reads the folder reads this file."""
    folders = Folders(folder)
    tops = [folder / name for name in ("apps.yaml", "errors.yaml", "retries.yaml")]
    return any(
        _same(str(path), file) for path in (*tops, *folders.schemas().values(), *folders.scenarios().values())
    )
