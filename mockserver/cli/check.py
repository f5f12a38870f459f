"""`mockserver check`, which reports every problem of a folder for --fixtures, and `init`, which writes such a folder."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from mockserver.cli.options import setting_options
from mockserver.cli.output import message, not_writable
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
SCENARIO_SCHEMA = "scenario.schema.json"  # Written by `mockserver init`, for editors.
_DATA = (".yaml", ".yml", ".json")
_SCENARIO = "mine"  # The scenario that `init` writes.


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
            raise ConfigurationError.at(name, message("no_such_path")) from None
        except (OSError, ValueError) as error:
            raise ConfigurationError([unreadable(Path(name), error)]) from None
    failed = False
    for name in paths or ("",):
        problems = _file(Path(name), lang) if os.path.isfile(name) else _folder(Path(name) if name else None, lang)
        _show(problems, lang)
        failed = failed or bool(problems)
    sys.exit(1 if failed else 0)


def _folder(path: Path | None, lang: Lang) -> list[Problem]:
    """Print the result for a folder without problems. Return the problems."""
    config, problems = check_folder(path)
    if config and not problems:
        _show(config.warnings, lang)
        numbers = {"app": len(config.apps), "error": len(config.catalogue), "scenario": len(config.scenarios)}
        counts = ", ".join(pluralize(number, noun) for noun, number in numbers.items())
        click.echo(f"{path or 'shipped files'}: fine ({counts})")
    return problems


def _file(file: Path, lang: Lang) -> list[Problem]:
    """Print the result for a file without problems. Return the problems.

    A file may refer to the others of its folder, so the whole folder is read.
    """
    folder = file.parent
    if file.absolute().parent.name in ("scenarios", "schemas"):
        folder = folder.parent if folder.name else folder / ".."
    config, problems = check_folder(folder)
    parts = [file]
    with contextlib.suppress(ConfigurationError, LookupError, TypeError):
        parts.append(file.parent / read_yaml(file).value["world"]["sessions"])
    own = [problem for problem in problems if any(_is_same(Path(problem.place), part) for part in parts)]
    if own:
        return own
    if not any(_is_same(path, file) for path in _read_files(Folders(folder, []))):
        return [Problem(str(file), message("not_read"))]
    _show([warning for warning in config.warnings if _is_same(Path(warning.place), file)] if config else [], lang)
    click.echo(f"{file}: fine")
    if others := {problem.place for problem in problems}:
        counted = pluralize(len(others), "other file")
        click.echo(message("other_files", count=len(others), counted=counted, folder=folder).to(lang), err=True)
    return []


def _show(problems: Iterable[Problem], lang: Lang) -> None:
    for problem in problems:
        click.echo(problem.show(lang), err=True)


def _is_same(path: Path, file: Path) -> bool:
    try:
        return os.path.samefile(path, file)
    except OSError:
        return False


def _read_files(folders: Folders) -> list[Path]:
    """Return the paths that a server reads in a user's folder, whether or not they exist."""
    assert folders.user is not None
    fixtures = [folders.user / name for name in FIXTURES]
    files = [*folders.schemas().values(), *folders.scenarios().values()]
    return [*fixtures, *(path for path in files if folders.user in path.parents)]


def check_folder(user: Path | None) -> tuple[Config | None, list[Problem]]:
    """Return the configuration of a folder, or of the shipped files for None, and every problem.

    The last problems are those of files that depend on one with problems.
    """
    problems = list(_unread_files(user)) if user else []
    folders = Folders(user, problems)
    try:
        return load_config(folders, now=Clock().second), problems
    except ConfigurationError as error:
        problems += error.problems
    wrong = {problem.place for problem in problems}
    if needed := next((place for place in sorted(wrong) if _others_depend_on(Path(place))), None):
        text = message("not_checked", needed=needed)
        places = map(str, _read_files(folders))
        return None, [
            *problems,
            *(Problem(place, text) for place in places if place not in wrong and Path(place).exists()),
        ]
    return None, [*problems, *_broken_parents(folders.scenarios(), wrong)]


def _others_depend_on(path: Path) -> bool:
    return path.name == "errors.yaml" or (path.parent.name == "schemas" and path.name in SCHEMA_FILES)


def _broken_parents(paths: Mapping[str, Path], wrong: Collection[str]) -> Iterator[Problem]:
    """Yield a problem for every scenario that has no problems itself but extends a scenario with problems."""
    parents: dict[str, Any] = {}
    for name, path in paths.items():
        with contextlib.suppress(ConfigurationError, AttributeError):
            parents[name] = read_yaml(path).value.get("extends")
    for name, path in paths.items():
        chain = [name]
        while (parent := str(parents.get(chain[-1]))) in paths and parent not in chain:
            chain.append(parent)
        broken = [ancestor for ancestor in chain if str(paths[ancestor]) in wrong]
        if broken and name not in broken:
            yield Problem(str(path), message("broken_parent", name=broken[0]))


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
    return Problem(str(path), Text(f"this is not read{hint.en}", f"此文件不会被读取{hint.zh}"))


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        return []


def _is_data(path: Path) -> bool:
    return path.suffix.lower() in _DATA and os.path.isfile(path)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@setting_options("lang")
def init(folder: Path, lang: Lang) -> None:
    """Create a folder with a scenario of your own.

    DIR works with `serve --fixtures DIR --scenario mine`. The scenario is commented in the chosen language, and editors
    complete it by the schema beside it. Existing files are not overwritten.
    """
    # `check` does not need Flask.
    from mockserver.server.admin_catalog import full_scenario_schema

    schema = full_scenario_schema(load_config(Folders(), now=Clock().second))
    template = Path(__file__).with_name(f"scenario.{lang}.yaml")
    files = {
        folder / SCENARIO_SCHEMA: json.dumps(schema, ensure_ascii=False, indent=2) + "\n",
        folder / "scenarios" / f"{_SCENARIO}.yaml": template.read_text("utf-8"),
    }
    try:
        if existing := [Problem(str(file), message("exists")) for file in files if os.path.lexists(file)]:
            raise ConfigurationError(existing)
        for file, content in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8") as opened:
                opened.write(content)
    except (OSError, ValueError) as error:
        raise not_writable("DIR", folder, error) from None
    written = {"files": ", ".join(map(str, files)), "folder": shlex.quote(str(folder)), "scenario": _SCENARIO}
    click.echo(message("written_scenario", **written).to(lang))
