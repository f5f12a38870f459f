"""`mockserver check`: check schemas, fixtures and scenarios, and report every problem with its place."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click

from mockserver.cli.options import setting_options
from mockserver.contract.schemas import SCHEMA_FILES
from mockserver.core.clock import Clock
from mockserver.core.documents import unreadable
from mockserver.core.errors import ConfigurationError, Problem
from mockserver.core.folders import FIXTURES, RENAMED_FIXTURES, Folders
from mockserver.core.suggestions import suggestion
from mockserver.core.text import Lang, Text, pluralize
from mockserver.core.yaml_reader import read_yaml
from mockserver.engine.config import Config, load_config

_LAYOUT = (*FIXTURES, "scenarios", "schemas")
SCENARIO_SCHEMA = "scenario.schema.json"  # What `mockserver init` puts beside the files, for editors.
_DATA = (".yaml", ".yml", ".json")
_MAX_ROUNDS = 20
_NOT_READ = Text(
    "this file is not read: a folder laid out like fixtures/ holds apps.yaml, errors.yaml, scenarios/NAME.yaml and"
    " schemas/NAME.json",
    "此文件不会被读取：fixtures/ 布局的目录含有 apps.yaml、errors.yaml、scenarios/NAME.yaml、schemas/NAME.json",
)


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(), metavar="[PATH]…")
@setting_options("lang")
def check(paths: tuple[str, ...], lang: Lang) -> None:
    """Check schemas, fixtures and scenarios.

    Checks the shipped files, or each PATH on top of them: a folder laid out like fixtures/, or one file in such a
    folder. Prints every problem with file, line and column, and exits with 1 when there is one.
    """
    for name in paths:
        try:
            os.stat(name)
        except FileNotFoundError:
            text = Text("no such file or folder", "没有这个文件或文件夹")
            raise ConfigurationError.at(name, text) from None
        except (OSError, ValueError) as error:
            raise ConfigurationError([unreadable(Path(name), error)]) from None
    failed = False
    for name in paths or ("",):
        problems = _file(Path(name), lang) if os.path.isfile(name) else _folder(Path(name) if name else None)
        for problem in problems:
            click.echo(problem.show(lang), err=True)
        failed = failed or bool(problems)
    sys.exit(1 if failed else 0)


def _folder(path: Path | None) -> list[Problem]:
    """Print the result for a good folder; return the problems of any other."""
    result = check_folder(path)
    if config := result.config:
        counts = f"{len(config.apps)} apps, {len(config.catalogue)} errors, {len(config.scenarios)} scenarios"
        click.echo(f"{path or 'shipped files'}: fine ({counts})")
    return result.problems + result.unchecked


def _file(file: Path, lang: Lang) -> list[Problem]:
    """Print the result for a good file; return the problems of any other.

    A file may refer to the others of its folder, so the whole folder is read.
    """
    folder = file.parent
    if file.absolute().parent.name in ("scenarios", "schemas"):
        folder = folder.parent if folder.name else folder / ".."
    result = check_folder(folder)
    problems = result.problems + result.unchecked
    own = [problem for problem in problems if _is_same(Path(problem.place), file)]
    if own:
        return own
    if not any(_is_same(path, file) for path in _read_files(folder)):
        return [Problem(str(file), _NOT_READ)]
    click.echo(f"{file}: fine")
    if others := {problem.place for problem in problems}:
        text = Text(
            f"({pluralize(len(others), 'other file')} with problems; see `mockserver check {folder}`)",
            f"（另有 {len(others)} 个文件有问题，见 `mockserver check {folder}`）",
        )
        click.echo(text.to(lang), err=True)
    return []


def _is_same(path: Path, file: Path) -> bool:
    try:
        return os.path.samefile(path, file)
    except OSError:
        return False


def _read_files(folder: Path) -> list[Path]:
    """Return the paths that a server reads in a folder, whether or not they exist."""
    folders = Folders(folder, [])
    fixtures = [folder / name for name in FIXTURES]
    return [*fixtures, *folders.schemas().values(), *folders.scenarios().values()]


@dataclass(slots=True)
class FolderCheck:
    """The result of checking a folder."""

    config: Config | None = None  # The configuration that a server would use; None when there is a problem.
    problems: list[Problem] = field(default_factory=list)
    unchecked: list[Problem] = field(default_factory=list)
    """Files that were not checked because they depend on one with a problem."""


def check_folder(user: Path | None) -> FolderCheck:
    """Return every problem of a folder, or of the shipped files for None.

    Loading stops at the first files with problems. They are left out and the rest is loaded again, until it loads or
    nothing is left to leave out.
    """
    result = FolderCheck(problems=list(_unread_files(user)) if user else [])
    Folders(user, result.problems)
    left_out: set[str] = set()
    for _ in range(_MAX_ROUNDS):
        try:
            config = load_config(_FoldersWithout(user, left_out), now=Clock().second)
        except ConfigurationError as error:
            result.problems += [problem for problem in error.problems if problem not in result.problems]
            wrong = {problem.place for problem in error.problems} - left_out
            left_out |= wrong
            if not wrong:
                break
            if needed := sorted(place for place in wrong if _others_depend_on(Path(place))):
                result.unchecked += _all_unchecked(user, needed[0], left_out)
                break
            result.unchecked += _leave_out_heirs(user, left_out)
        else:
            result.config = None if result.problems else config
            break
    return result


class _FoldersWithout(Folders):
    """Folders in which the shipped files replace some of the user's."""

    def __init__(self, user: Path | None, left_out: set[str]) -> None:
        super().__init__(user, [])
        self._left_out = left_out

    def fixture(self, name: str) -> Path:
        try:
            path = super().fixture(name)
        except ConfigurationError as error:
            if self._left_out.isdisjoint(problem.place for problem in error.problems):
                raise
            return Folders().fixture(name)
        return Folders().fixture(name) if str(path) in self._left_out else path

    def scenarios(self) -> dict[str, Path]:
        kept = {name: path for name, path in super().scenarios().items() if str(path) not in self._left_out}
        return dict(sorted({**Folders().scenarios(), **kept}.items())) if self._left_out else kept


def _others_depend_on(path: Path) -> bool:
    return path.parent.name != "scenarios" and path.name not in ("apps.yaml", "retries.yaml", *RENAMED_FIXTURES)


def _all_unchecked(user: Path | None, wrong: str, left_out: set[str]) -> Iterator[Problem]:
    text = Text(f"not checked: fix {wrong} first", f"未检查：须先修正 {wrong}")
    files = [*Folders(user, []).scenarios().values(), *(user / name for name in FIXTURES)] if user else []
    yield from (Problem(str(path), text) for path in files if str(path) not in left_out)


def _leave_out_heirs(user: Path | None, left_out: set[str]) -> Iterator[Problem]:
    """Leave out the scenarios that extend one that was left out."""
    paths = {str(path): name for name, path in Folders(user, []).scenarios().items()}
    parents: dict[str, object] = {}
    for place in paths.keys() - left_out:
        value = read_yaml(Path(place)).value
        parents[place] = value.get("extends") if isinstance(value, dict) else None
    gone = {paths[place] for place in left_out if place in paths}
    while heirs := sorted(place for place in parents if parents[place] in gone and place not in left_out):
        for place in heirs:
            parent = parents[place]
            text = Text(
                f"not checked: it extends the scenario {parent!r}, which has problems",
                f"未检查：所继承的场景 {parent!r} 有误",
            )
            left_out.add(place)
            gone.add(paths[place])
            yield Problem(place, text)


def _unread_files(user: Path) -> Iterator[Problem]:
    """Yield the data files and folders of data files that a server does not read."""
    for path in _listed(user):
        if path.name not in (*_LAYOUT, *RENAMED_FIXTURES, SCENARIO_SCHEMA) and (
            _is_data(path) or any(map(_is_data, _listed(path)))
        ):
            yield _unread(path, suggestion(path.name.lower(), _LAYOUT))
    for path in _listed(user / "schemas"):
        if _is_data(path) and path.name not in SCHEMA_FILES and path.suffix != ".yml":
            yield _unread(path, suggestion(path.name, SCHEMA_FILES))
    for path in _listed(user / "scenarios"):
        if os.path.isdir(path) or (_is_data(path) and path.suffix not in (".yaml", ".yml")):
            yield _unread(path, suggestion("", ("NAME.yaml",)))


def _unread(path: Path, hint: Text) -> Problem:
    return Problem(str(path), Text(f"nothing reads this{hint.en}", f"此文件不会被读取{hint.zh}"))


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        return []


def _is_data(path: Path) -> bool:
    return path.suffix.lower() in _DATA and os.path.isfile(path)
