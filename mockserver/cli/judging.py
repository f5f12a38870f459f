"""Judges a folder of fixtures as far as it goes: a file that is wrong is told and left out, and the rest is judged on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mockserver.contract.schemas import SCHEMA_FILES
from mockserver.core.clock import Clock
from mockserver.core.errors import ConfigurationError, Problem
from mockserver.core.folders import RENAMED_FIXTURES, Folders
from mockserver.core.suggestions import suggestion
from mockserver.core.text import Text
from mockserver.core.yaml_reader import read_yaml
from mockserver.engine.config import Config, load_config

_TOP = ("apps.yaml", "errors.yaml", "retries.yaml", "scenarios", "schemas")
_DATA = (".yaml", ".yml", ".json")
_ROUNDS = 20


@dataclass(slots=True)
class Judged:
    """What was found in a folder."""

    config: Config | None = None
    """What a server would read; None when something is wrong."""
    problems: list[Problem] = field(default_factory=list)
    unjudged: dict[str, Text] = field(default_factory=dict)
    """Files that could not be judged, and why: they build on one that is wrong."""


class _Left(Folders):
    """A folder without some of its files: those that came with the package stand in for them."""

    def __init__(self, user: Path | None, out: set[str]) -> None:
        super().__init__(user)
        self._out = out

    def fixture(self, name: str) -> Path:
        try:
            path = super().fixture(name)
        except ConfigurationError as error:
            if self._out.isdisjoint(problem.place for problem in error.problems):
                raise
            return Folders().fixture(name)
        return Folders().fixture(name) if str(path) in self._out else path

    def scenarios(self) -> dict[str, Path]:
        mine = {name: path for name, path in super().scenarios().items() if str(path) not in self._out}
        return dict(sorted({**Folders().scenarios(), **mine}.items())) if self._out else mine


def judge(user: Path | None) -> Judged:
    """Every mistake that can be told of a folder, or of the shipped files alone."""
    judged = Judged(problems=list(misplaced(user)) if user else [])
    out: set[str] = set()
    for _ in range(_ROUNDS):
        try:
            config = load_config(_Left(user, out), now=Clock().second)
        except ConfigurationError as error:
            judged.problems += [one for one in error.problems if one not in judged.problems]
            wrong = {one.place for one in error.problems} - out
            if not wrong:
                break
            out |= wrong
            if not all(_stands_alone(Path(one)) for one in wrong):
                _leave_all(user, judged, out, sorted(wrong)[0])
                break
            _leave_heirs(user, judged, out)
        else:
            judged.config = None if judged.problems else config
            break
    return judged


def misplaced(user: Path) -> Iterator[Problem]:
    """Files of a folder that look as if they were meant to be read, and are not."""
    for path in _listed(user):
        if path.name not in (*_TOP, *RENAMED_FIXTURES) and (
            _is_data(path) or (path.is_dir() and any(map(_is_data, _listed(path))))
        ):
            yield _unread(path, suggestion(path.name.lower(), _TOP))
    for path in _listed(user / "schemas"):
        if _is_data(path) and path.name not in SCHEMA_FILES and path.suffix != ".yml":
            yield _unread(path, suggestion(path.name, SCHEMA_FILES))
    for path in _listed(user / "scenarios"):
        if path.is_dir() or (_is_data(path) and path.suffix not in (".yaml", ".yml")):
            yield _unread(path, suggestion("", ("NAME.yaml",)))


def _unread(path: Path, hint: Text) -> Problem:
    return Problem(str(path), Text(f"nothing reads this{hint.en}", f"此文件不会被读取{hint.zh}"))


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        return []


def _is_data(path: Path) -> bool:
    return path.suffix.lower() in _DATA and path.is_file()


def _stands_alone(path: Path) -> bool:
    """Whether the other files mean the same without it."""
    return path.parent.name == "scenarios" or path.name in ("apps.yaml", "retries.yaml", *RENAMED_FIXTURES)


def _leave_all(user: Path | None, judged: Judged, out: set[str], wrong: str) -> None:
    """Nothing more can be judged."""
    files = [*Folders(user).scenarios().values(), *((user / name) for name in _TOP[:3])] if user else []
    for path in files:
        if str(path) not in out:
            judged.unjudged[str(path)] = Text(
                f"not judged: {wrong} has to be right first", f"未检查：须先修正 {wrong}"
            )


def _leave_heirs(user: Path | None, judged: Judged, out: set[str]) -> None:
    """Leave out what extends a scenario that was left out."""
    paths = Folders(user).scenarios()
    names = {str(path): name for name, path in paths.items()}
    parents: dict[str, object] = {}
    for place in names.keys() - out:
        value = read_yaml(Path(place)).value
        parents[place] = value.get("extends") if isinstance(value, dict) else None
    gone = {names[place] for place in out if place in names}
    while heirs := {place for place, parent in parents.items() if parent in gone and place not in out}:
        for place in sorted(heirs):
            parent = parents[place]
            judged.unjudged[place] = Text(
                f"not judged: the scenario {parent!r} that it extends is wrong",
                f"未检查：所继承的场景 {parent!r} 有误",
            )
        out |= heirs
        gone |= {names[place] for place in heirs}
