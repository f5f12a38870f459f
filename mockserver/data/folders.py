"""Finds the files: the user's folder first, then what came with the package.

Knows names and folders, never what is in a file.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NoReturn

from mockserver.errors import ConfigurationError
from mockserver.messages import Text

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_FIXTURES = ("apps.yaml", "errors.yaml", "judge.yaml")
_LAYOUT = (*_FIXTURES, "scenarios/*.yaml", "schemas/*.json")


class Folders:
    """Finds schemas and fixtures: the user's first, then those that came with the package.

    A user's folder is laid out like `fixtures/` (apps.yaml, errors.yaml, scenarios/NAME.yaml) and may hold
    schemas/NAME.json; each of its files stands in for the shipped one of the same name.
    """

    def __init__(self, user: Path | None = None) -> None:
        self.user = user
        package = Path(__file__).parents[1]
        # A wheel carries both folders inside the package; in a checkout they are beside it.
        self._shipped = package if (package / "fixtures").is_dir() else package.parent
        if user is None:
            return
        if not user.is_dir():
            self._refuse(user, "there is no such folder", "没有这个文件夹")
        if not any(next(user.glob(pattern), None) for pattern in _LAYOUT):
            layout = ", ".join(_LAYOUT)
            self._refuse(
                user, f"nothing to use in it: it may hold {layout}", f"其中没有可用的文件：可放 {layout}"
            )
        self.files()

    def fixture(self, name: str) -> Path:
        """The file `name` ("apps.yaml", "errors.yaml"); ConfigurationError when there is none."""
        return self._one("fixtures", name)

    def schema(self, name: str) -> Path:
        """The schema file `name` ("query_room_info.request.json"); ConfigurationError when there is none."""
        return self._one("schemas", name)

    def schemas(self) -> dict[str, Path]:
        """Every schema file by its file name, sorted."""
        return self._many("schemas", "", ".json")

    def scenarios(self) -> dict[str, Path]:
        """Every scenario file by the scenario's name, sorted."""
        return {
            name.removesuffix(".yaml"): path
            for name, path in self._many("fixtures", "scenarios", ".yaml").items()
        }

    def files(self) -> tuple[Path, ...]:
        """Every file that counts, each once: what a watcher has to compare."""
        fixtures = (self.fixture(name) for name in _FIXTURES)
        return (*fixtures, *self.scenarios().values(), *self.schemas().values())

    def _roots(self, kind: str) -> list[Path]:
        """The folders that may hold `kind`, the user's first."""
        mine = [] if self.user is None else [self.user if kind == "fixtures" else self.user / kind]
        return [*mine, self._shipped / kind]

    def _one(self, kind: str, name: str) -> Path:
        if not _NAME.fullmatch(name):
            self._refuse(Path(kind), f"{name!r} is no file name", f"{name!r} 不是文件名")
        for root in self._roots(kind):
            if (path := root / name).is_file():
                return self._inside(path, root)
        self._refuse(self._roots(kind)[0] / name, "there is no such file", "没有这个文件")

    def _many(self, kind: str, folder: str, suffix: str) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for root in reversed(self._roots(kind)):
            for path in sorted((root / folder).glob("*")):
                if path.suffix == ".yml":
                    self._refuse(path, "rename it: the ending is .yaml", "请改名：扩展名应为 .yaml")
                if path.suffix != suffix or path.name.startswith(".") or not path.is_file():
                    continue
                if not _NAME.fullmatch(path.name.removesuffix(suffix)):
                    self._refuse(
                        path,
                        "rename it: up to 64 of A-Z a-z 0-9 . _ - and a letter or digit first",
                        "请改名：最多 64 个字符，限 A-Z a-z 0-9 . _ -，并以字母或数字开头",
                    )
                found[path.name] = self._inside(path, root)
        return dict(sorted(found.items()))

    def _inside(self, path: Path, root: Path) -> Path:
        if not path.resolve().is_relative_to(root.resolve()):
            self._refuse(
                path, f"the link leads out of {root}: copy the file", f"链接指向 {root} 之外：请复制文件"
            )
        return path

    @staticmethod
    def _refuse(path: Path, en: str, zh: str) -> NoReturn:
        raise ConfigurationError.one(str(path), Text(en, zh))
