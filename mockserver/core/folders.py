"""Finds the schema and fixture files, and takes snapshots of them to notice changes.

A user's folder is laid out like `fixtures/` and may also hold `schemas/NAME.json`. Each of its files replaces the
shipped file of the same name. Only a file that does not exist is replaced by the shipped one: a file that cannot be
read is a problem. Knows names and bytes of files, not their meaning.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeVar

from mockserver.core.documents import MAX_BYTES, read_bytes, unreadable
from mockserver.core.errors import ConfigurationError, Problem, Problems
from mockserver.core.machine_time import machine_time_ns
from mockserver.core.messages import message

T = TypeVar("T")
FIXTURES = ("apps.yaml", "errors.yaml", "retries.yaml")
RENAMED_FIXTURES = {"judge.yaml": "retries.yaml"}
"""Former names of fixture files. A file with such a name is an error, so that it is never ignored silently."""
_PLACES = {
    "fixtures": ("fixtures", "."),
    "scenarios": ("fixtures/scenarios", "scenarios"),
    "schemas": ("schemas", "schemas"),
    "sessions": ("fixtures/scenarios", "scenarios"),
}  # Where each kind of file is: among the shipped files, and in a user's folder.
_SUFFIXES = {"scenarios": (".yaml", ".yml"), "schemas": (".json", ".yml"), "sessions": (".csv",)}
_LAYOUT = ", ".join((*FIXTURES, "scenarios/*.yaml", "schemas/*.json"))
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_PACKAGE = Path(__file__).parents[1]
# A wheel has both folders inside the package; a checkout has them beside it.
_SHIPPED = _PACKAGE if (_PACKAGE / "fixtures").is_dir() else _PACKAGE.parent
_SETTLED_NS = 2_000_000_000
"""Longer than the timestamp resolution of any file system: two writes this far apart have different times."""


class Folders:
    """The schema and fixture files: the user's file if there is one, otherwise the shipped file.

    Raises ConfigurationError with every problem of the user's folder and of the names in it. With `problems`, they are
    added to that list instead, and the files concerned count as missing.
    """

    def __init__(self, user: Path | None = None, problems: list[Problem] | None = None) -> None:
        found = Problems()
        self.user = user
        if user is not None:
            if _is_missing(user):
                _fail(user, "no_folder")
            _call(os.listdir, user)
        self._files = {kind: self._find_all(kind, found) for kind in _PLACES}
        own = {folder for kind in _PLACES for folder in _folders(kind, user)[1:]}
        paths = (path for files in self._files.values() for path in files.values())
        if user is not None and not found and not any(path.parent in own for path in paths):
            _fail(user, "no_known_file", layout=_LAYOUT)
        if problems is None:
            found.check()
        else:
            problems += dict.fromkeys(found)  # One folder may hold two kinds of files.

    def fixture(self, name: str) -> Path:
        """Return the path of a fixture file such as `apps.yaml`; raise ConfigurationError if there is none."""
        return self._get("fixtures", name)

    def schema(self, name: str) -> Path:
        """Return the path of a schema file such as `apps.json`; raise ConfigurationError if there is none."""
        return self._get("schemas", name)

    def schemas(self) -> dict[str, Path]:
        """Return all schema files by file name, sorted."""
        return dict(self._files["schemas"])

    def scenarios(self) -> dict[str, Path]:
        """Return all scenario files by scenario name, sorted."""
        return {name.removesuffix(".yaml"): path for name, path in self._files["scenarios"].items()}

    def _get(self, kind: str, name: str) -> Path:
        if name not in self._files[kind]:
            _fail(_folders(kind, self.user)[-1] / name, "no_file")
        return self._files[kind][name]

    def _find_all(self, kind: str, problems: Problems) -> dict[str, Path]:
        files = {path.name: path for path in _candidates(kind, _folders(kind, None)[0])}
        if self.user is not None:
            with problems.collect():
                for path in _candidates(kind, _folders(kind, self.user)[-1]):
                    with problems.collect():
                        _check_file(path, self.user)
                        files[path.name] = path
        return dict(sorted(files.items()))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of all files at one time. Two equal snapshots mean that nothing was written between them."""

    contents: dict[str, bytes]  # A digest of each file, or of the reason why a file or folder cannot be read.
    times: dict[str, int]  # When each file was last changed, in nanoseconds of the file system's clock.

    def changed(self, other: Snapshot) -> list[str]:
        """Return the files that were changed, added or removed between the two snapshots, sorted."""
        names = self.contents.keys() | other.contents.keys()
        return sorted(name for name in names if self.contents.get(name) != other.contents.get(name))


def take_snapshot(user: Path | None, before: Snapshot | None = None) -> Snapshot:
    """Return a snapshot of every file that is or could be in use. Never raises.

    Contents decide whether a file changed, because mounted folders may send no events, or too many. Files whose time
    is unchanged since `before` are not read again, unless they were written so recently that a second write could
    have the same time.
    """
    contents: dict[str, bytes] = {}
    times: dict[str, int] = {}
    now = machine_time_ns()
    places = [(kind, folder) for kind in _PLACES for folder in _folders(kind, user)]
    for kind, folder in places:
        try:
            paths = _candidates(kind, folder)
        except ConfigurationError as error:
            contents[str(folder)] = _digest(repr(error).encode())
            continue
        for path in paths:
            name = str(path)
            try:
                if user is not None and folder in _folders(kind, user)[1:]:
                    _check_link(path, user)
                status = _call(os.stat, path)
                times[name] = changed_at = status.st_ctime_ns
                if before and before.times.get(name) == changed_at < now - _SETTLED_NS:
                    contents[name] = before.contents[name]
                else:
                    # Opening a named pipe would block.
                    regular = stat.S_ISREG(status.st_mode)
                    contents[name] = _digest_file(path) if regular else _digest(b"not a file")
            except ConfigurationError as error:
                contents[name] = _digest(repr(error).encode())
    return Snapshot(contents, times)


def _folders(kind: str, user: Path | None) -> list[Path]:
    """Return the folders that may hold a kind of file; the user's is the last one."""
    shipped, own = _PLACES[kind]
    return [_SHIPPED / shipped, *([user / own] if user is not None else [])]


def _candidates(kind: str, folder: Path) -> list[Path]:
    """Return the files of a kind that are used or refused, sorted; none if there is no such folder.

    Runs several times a second, so it opens no file. Raises ConfigurationError if the folder cannot be read.
    """
    if _is_missing(folder):
        return []
    names = sorted(_call(os.listdir, folder))
    if kind == "fixtures":
        return [folder / name for name in names if name in (*FIXTURES, *RENAMED_FIXTURES)]
    return [folder / name for name in names if name.endswith(_SUFFIXES[kind]) and not name.startswith(".")]


def _check_file(path: Path, root: Path) -> None:
    """Raise ConfigurationError unless the name is valid and belongs to a file inside `root`."""
    if current := RENAMED_FIXTURES.get(path.name):
        _fail(path, "renamed", current=current)
    if path.suffix == ".yml":
        _fail(path, "suffix")
    if not _NAME.fullmatch(path.stem):
        _fail(path, "file_name")
    _check_link(path, root)
    mode = _call(os.stat, path).st_mode
    if stat.S_ISDIR(mode):
        raise ConfigurationError([unreadable(path, OSError(errno.EISDIR, ""))])
    if not stat.S_ISREG(mode):
        _fail(path, "not_a_file")


def _check_link(path: Path, root: Path) -> None:
    """Raise ConfigurationError if `path` is, or is below, a link that leads out of `root`."""
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root)):
        _fail(path, "link_leads_out", root=root)


def _is_missing(path: Path) -> bool:
    """Whether the path certainly does not exist; False if that is unknown."""
    try:
        os.lstat(path)
    except (OSError, ValueError) as error:
        return isinstance(error, FileNotFoundError)
    return False


def _call(function: Callable[[Path], T], path: Path) -> T:
    """Return the result of an operating system call on a path; raise ConfigurationError with the reason if it fails."""
    try:
        return function(path)
    except (OSError, ValueError) as error:
        raise ConfigurationError([unreadable(path, error)]) from None


def _digest_file(path: Path) -> bytes:
    """Return a digest of a file; of one that is too large to be read twice, its size and its time."""
    data = read_bytes(path)
    if len(data) > MAX_BYTES:
        status = _call(os.stat, path)
        data = f"{status.st_size} {status.st_mtime_ns}".encode()
    return _digest(data)


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _fail(path: Path, reason: str, **values: object) -> NoReturn:
    raise ConfigurationError.at(str(path), message(reason, **values))
