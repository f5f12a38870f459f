"""Finds the schema and fixture files, and takes snapshots of them to notice changes.

A user's folder is laid out like `fixtures/` and may also hold `schemas/NAME.json`. Each of its files replaces the shipped file of
the same name. This module knows names and bytes of files, not what they mean.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from mockserver.core.documents import read_bytes
from mockserver.core.errors import ConfigurationError
from mockserver.core.text import Text

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_FIXTURES = ("apps.yaml", "errors.yaml", "retries.yaml")
RENAMED_FIXTURES = {"judge.yaml": "retries.yaml"}
"""Former names of fixture files. A file with such a name is an error, so that it is never ignored silently."""
_LAYOUT = (*_FIXTURES, "scenarios/*.yaml", "schemas/*.json")
_PACKAGE = Path(__file__).parents[1]
# A wheel has both folders inside the package; a checkout has them beside it.
_SHIPPED = _PACKAGE if (_PACKAGE / "fixtures").is_dir() else _PACKAGE.parent
_SETTLED_NS = 2_000_000_000
"""Longer than the timestamp resolution of any file system: two writes this far apart have different times."""


class Folders:
    """The schema and fixture files: the user's where there are any, the shipped ones otherwise."""

    def __init__(self, user: Path | None = None) -> None:
        self.user = user
        if user is not None:
            if not user.is_dir():
                _fail(user, "there is no such folder", "没有这个文件夹")
            if not any(next(user.glob(pattern), None) for pattern in (*_LAYOUT, *RENAMED_FIXTURES)):
                layout = ", ".join(_LAYOUT)
                _fail(user, f"contains none of the files {layout}", f"其中没有可用的文件：可放 {layout}")
        self._schemas = self._find_all("schemas", "", ".json")
        self._scenarios = self._find_all("fixtures", "scenarios", ".yaml")

    def fixture(self, name: str) -> Path:
        """Return the path of `apps.yaml`, `errors.yaml` or `retries.yaml`; raise ConfigurationError if there is none."""
        roots = _roots(self.user, "fixtures")
        _check_name(name, roots[0])
        for former, current in RENAMED_FIXTURES.items():
            if name == current and (path := roots[0] / former).is_file():
                _fail(path, f"renamed to {current}: rename this file", f"已改名为 {current}：请重命名此文件")
        for root in roots:
            if (path := root / name).is_file():
                return _check_link(path, root.resolve()) if path.is_symlink() else path
        _fail_missing(roots[0] / name)

    def schema(self, name: str) -> Path:
        """Return the path of a schema such as `query_room_info.request.json`; raise ConfigurationError if there is none."""
        root = _roots(self.user, "schemas")[0]
        _check_name(name, root)
        if name not in self._schemas:
            _fail_missing(root / name)
        return self._schemas[name]

    def schemas(self) -> dict[str, Path]:
        """Return all schema files by file name, sorted."""
        return dict(self._schemas)

    def scenarios(self) -> dict[str, Path]:
        """Return all scenario files by scenario name, sorted."""
        return {name.removesuffix(".yaml"): path for name, path in self._scenarios.items()}

    def _find_all(self, kind: str, folder: str, suffix: str) -> dict[str, Path]:
        files: dict[str, Path] = {}
        for root in reversed(_roots(self.user, kind)):
            resolved = root.resolve()
            for entry in _entries(_check_link(root / folder, resolved)):
                path = root / folder / entry.name
                if path.suffix == ".yml":
                    _fail(path, "rename it: the suffix is .yaml", "请改名：扩展名应为 .yaml")
                if path.suffix != suffix or entry.name.startswith(".") or not entry.is_file():
                    continue
                if not _NAME.fullmatch(entry.name.removesuffix(suffix)):
                    _fail(
                        path,
                        "rename it: up to 64 of A-Z a-z 0-9 . _ - and a letter or digit first",
                        "请改名：最多 64 个字符，限 A-Z a-z 0-9 . _ -，并以字母或数字开头",
                    )
                files[entry.name] = _check_link(path, resolved) if entry.is_symlink() else path
        return dict(sorted(files.items()))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of all files at one time. Two equal snapshots mean that nothing was written between them."""

    contents: dict[str, bytes]
    """A digest of each file, or of the reason why it cannot be read."""
    times: dict[str, int]
    """When each file was last changed, in nanoseconds of the file system's clock."""

    def changed(self, other: Snapshot) -> list[str]:
        """Return the files that were changed, added or removed between the two snapshots, sorted."""
        names = self.contents.keys() | other.contents.keys()
        return sorted(name for name in names if self.contents.get(name) != other.contents.get(name))


def take_snapshot(user: Path | None, before: Snapshot | None = None) -> Snapshot:
    """Return a snapshot of every file that is or could be in use; raises nothing.

    Contents decide whether a file changed, because mounted folders may send no events, or too many. Files whose time is
    unchanged since `before` are not read again, unless they were written so recently that a second write could have the same time.
    """
    contents: dict[str, bytes] = {}
    times: dict[str, int] = {}
    now = time.time_ns()
    for path in _watched_files(user):
        name = str(path)
        try:
            status = path.lstat()
            if stat.S_ISLNK(status.st_mode):
                if _leaves_folder(path, user):
                    contents[name] = _digest(b"a link out of the folder")
                    continue
                status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                continue
            times[name] = changed_at = status.st_ctime_ns
            if (
                before is not None
                and name in before.contents
                and before.times.get(name) == changed_at
                and now - changed_at > _SETTLED_NS
            ):
                contents[name] = before.contents[name]
            else:
                contents[name] = _digest(read_bytes(path))
        except FileNotFoundError:
            continue
        except (OSError, ConfigurationError) as error:
            contents[name] = _digest(repr(error).encode())
    return Snapshot(contents, times)


def _watched_files(user: Path | None) -> Iterator[Path]:
    """Yield every file that is used, would be used if another were missing, or is refused for its name.

    Runs twice a second, so it only lists folders and opens nothing.
    """
    for kind, folder, suffixes in (
        ("fixtures", "scenarios", (".yaml", ".yml")),
        ("schemas", "", (".json", ".yml")),
    ):
        for root in _roots(user, kind):
            if kind == "fixtures":
                yield from (root / name for name in (*_FIXTURES, *RENAMED_FIXTURES))
            for entry in _entries(root / folder):
                if entry.name.endswith(suffixes) and not entry.name.startswith("."):
                    yield Path(entry.path)


def _leaves_folder(path: Path, user: Path | None) -> bool:
    """Whether the link leads out of its folder; such a link must not be opened."""
    roots = [
        root for kind in ("fixtures", "schemas") for root in _roots(user, kind) if path.is_relative_to(root)
    ]
    return not any(path.resolve().is_relative_to(root.resolve()) for root in roots)


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _roots(user: Path | None, kind: str) -> list[Path]:
    """Return the folders that may hold `kind`, the user's first."""
    own = [] if user is None else [user if kind == "fixtures" else user / kind]
    return [*own, _SHIPPED / kind]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """Return the entries of a folder, sorted by name; none when it does not exist."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def _check_name(name: str, root: Path) -> None:
    if not _NAME.fullmatch(name):
        _fail(root, f"{name!r} is not a valid file name", f"{name!r} 不是有效的文件名")


def _check_link(path: Path, root: Path) -> Path:
    """Return `path`; raise ConfigurationError if it is a link that leads out of `root`, which is resolved."""
    if not path.resolve().is_relative_to(root):
        _fail(path, f"the link leads out of {root}: copy the file", f"链接指向 {root} 之外：请复制文件")
    return path


def _fail_missing(path: Path) -> NoReturn:
    _fail(path, "there is no such file", "没有这个文件")


def _fail(path: Path, en: str, zh: str) -> NoReturn:
    raise ConfigurationError.at(str(path), Text(en, zh))
