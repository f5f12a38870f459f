"""Finds the files: the user's folder first, then what came with the package.

Knows names and folders, never what is in a file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from mockserver.core.errors import ConfigurationError
from mockserver.core.text import Text

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_FIXTURES = ("apps.yaml", "errors.yaml", "retries.yaml")
RENAMED_FIXTURES = {"judge.yaml": "retries.yaml"}
"""Former names of fixture files: a file of such a name is refused, not ignored."""
_LAYOUT = (*_FIXTURES, "scenarios/*.yaml", "schemas/*.json")
_PACKAGE = Path(__file__).parents[1]
# A wheel carries both folders inside the package; in a checkout they are beside it.
_SHIPPED = _PACKAGE if (_PACKAGE / "fixtures").is_dir() else _PACKAGE.parent


class Folders:
    """Finds schemas and fixtures as they are now: the user's first, then those that came with the package.

    A user's folder is laid out like `fixtures/` (apps.yaml, errors.yaml, scenarios/NAME.yaml) and may hold
    schemas/NAME.json; each of its files stands in for the shipped one of the same name.
    """

    def __init__(self, user: Path | None = None) -> None:
        self.user = user
        if user is not None:
            if not user.is_dir():
                _refuse(user, "there is no such folder", "没有这个文件夹")
            if not any(next(user.glob(pattern), None) for pattern in (*_LAYOUT, *RENAMED_FIXTURES)):
                layout = ", ".join(_LAYOUT)
                _refuse(
                    user, f"nothing to use in it: it may hold {layout}", f"其中没有可用的文件：可放 {layout}"
                )
        self._schemas = self._many("schemas", "", ".json")
        self._scenarios = self._many("fixtures", "scenarios", ".yaml")

    def fixture(self, name: str) -> Path:
        """The file `name` ("apps.yaml", "errors.yaml"); ConfigurationError when there is none."""
        roots = _roots(self.user, "fixtures")
        _check_name(name, roots[0])
        for former, current in RENAMED_FIXTURES.items():
            if name == current and (path := roots[0] / former).is_file():
                _refuse(
                    path, f"renamed to {current}: rename this file", f"已改名为 {current}：请重命名此文件"
                )
        for root in roots:
            if (path := root / name).is_file():
                return _inside(path, root.resolve()) if path.is_symlink() else path
        _lost(roots[0] / name)

    def schema(self, name: str) -> Path:
        """The schema file `name` ("query_room_info.request.json"); ConfigurationError when there is none."""
        root = _roots(self.user, "schemas")[0]
        _check_name(name, root)
        if name not in self._schemas:
            _lost(root / name)
        return self._schemas[name]

    def schemas(self) -> dict[str, Path]:
        """Every schema file by its file name, sorted."""
        return dict(self._schemas)

    def scenarios(self) -> dict[str, Path]:
        """Every scenario file by the scenario's name, sorted."""
        return {name.removesuffix(".yaml"): path for name, path in self._scenarios.items()}

    def _many(self, kind: str, folder: str, suffix: str) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for root in reversed(_roots(self.user, kind)):
            whole = root.resolve()
            there = _inside(root / folder, whole)
            for entry in _entries(there):
                path = root / folder / entry.name
                if path.suffix == ".yml":
                    _refuse(path, "rename it: the ending is .yaml", "请改名：扩展名应为 .yaml")
                if path.suffix != suffix or entry.name.startswith(".") or not entry.is_file():
                    continue
                if not _NAME.fullmatch(entry.name.removesuffix(suffix)):
                    _refuse(
                        path,
                        "rename it: up to 64 of A-Z a-z 0-9 . _ - and a letter or digit first",
                        "请改名：最多 64 个字符，限 A-Z a-z 0-9 . _ -，并以字母或数字开头",
                    )
                found[entry.name] = _inside(path, whole) if entry.is_symlink() else path
        return dict(sorted(found.items()))


def watched_files(user: Path | None) -> Iterator[Path]:
    """Every file that is used, would be used if another were not there, or is refused for its name.

    Nothing is opened, and no more is asked of the system than which names there are: this is done twice a second.
    """
    for kind, folder, suffixes in (
        ("fixtures", "scenarios", (".yaml", ".yml")),
        ("schemas", "", (".json", ".yml")),
    ):
        for root in _roots(user, kind):
            yield from (root / name for name in (*_FIXTURES, *RENAMED_FIXTURES) if kind == "fixtures")
            yield from (
                Path(entry.path)
                for entry in _entries(root / folder)
                if entry.name.endswith(suffixes) and not entry.name.startswith(".")
            )


def escapes_folder(path: Path, user: Path | None) -> bool:
    """Whether a link leads out of the folder that it stands in: it is refused, and must not be opened."""
    roots = [
        root for kind in ("fixtures", "schemas") for root in _roots(user, kind) if path.is_relative_to(root)
    ]
    return not any(path.resolve().is_relative_to(root.resolve()) for root in roots)


def _roots(user: Path | None, kind: str) -> list[Path]:
    """The folders that may hold `kind`, the user's first."""
    mine = [] if user is None else [user if kind == "fixtures" else user / kind]
    return [*mine, _SHIPPED / kind]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder, by name; nothing when there is none."""
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError:
        return []


def _check_name(name: str, root: Path) -> None:
    if not _NAME.fullmatch(name):
        _refuse(root, f"{name!r} is no file name", f"{name!r} 不是文件名")


def _inside(path: Path, root: Path) -> Path:
    """The path, unless it is a link that leads out of the folder `root`, which is told without links."""
    if not path.resolve().is_relative_to(root):
        _refuse(path, f"the link leads out of {root}: copy the file", f"链接指向 {root} 之外：请复制文件")
    return path


def _lost(path: Path) -> NoReturn:
    _refuse(path, "there is no such file", "没有这个文件")


def _refuse(path: Path, en: str, zh: str) -> NoReturn:
    raise ConfigurationError.at(str(path), Text(en, zh))
