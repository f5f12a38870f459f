"""Only a file that does not exist is replaced by the shipped one: a file or folder that cannot be read is a problem."""

from __future__ import annotations

import errno
import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.permissions import permissions_count
from helpers.request_builder import NOW
from helpers.shell import run

from mockserver.core import folders
from mockserver.core.errors import ConfigurationError
from mockserver.core.folders import Folders, take_snapshot
from mockserver.engine.build import make_engine
from mockserver.server.watching import Watcher

SCENARIO = "title: Mine\nextends: document\n"
PERMISSION = "cannot be read: permission denied; let this user read it"
NO_FOLDER = "cannot be read: a folder is expected here, not a file"
NO_FILE = "cannot be read: a file is expected here, not a folder"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's folder with one file of each kind."""
    mine = tmp_path / "above" / "mine"
    for path in (mine / "scenarios", mine / "schemas"):
        path.mkdir(parents=True)
    (mine / "scenarios" / "mine.yaml").write_text(SCENARIO)
    for name in ("apps.yaml", "errors.yaml", "retries.yaml"):
        shutil.copy(Folders().fixture(name), mine)
    shutil.copy(Folders().schema("query.json"), mine / "schemas")
    return mine


def close(path: Path) -> None:
    """Take all access away."""
    path.chmod(0)


def open_again(path: Path) -> None:
    """Give access back."""
    path.chmod(0o755)


def replace_by_file(path: Path) -> None:
    """Put a file in the place of a folder."""
    shutil.rmtree(path)
    path.write_text("x")


def replace_by_folder(path: Path) -> None:
    """Put a folder in the place of a file."""
    path.unlink()
    path.mkdir()


def replace_by_link(target: str) -> Callable[[Path], None]:
    """Put a link in the place of a file or folder."""

    def replace(path: Path) -> None:
        path.rename(path.with_name("away"))
        path.symlink_to(target)

    return replace


def replace_by_pipe(path: Path) -> None:
    """Put a named pipe in the place of a file."""
    path.unlink()
    os.mkfifo(path)


CASES = [
    ("..", close, ".", PERMISSION),
    (".", close, ".", PERMISSION),
    ("scenarios", close, "scenarios", PERMISSION),
    ("schemas", close, "schemas", PERMISSION),
    ("apps.yaml", close, "apps.yaml", PERMISSION),
    ("errors.yaml", close, "errors.yaml", PERMISSION),
    ("scenarios/mine.yaml", close, "scenarios/mine.yaml", PERMISSION),
    ("schemas/query.json", close, "schemas/query.json", PERMISSION),
    ("scenarios", replace_by_file, "scenarios", NO_FOLDER),
    ("schemas", replace_by_file, "schemas", NO_FOLDER),
    ("..", replace_by_file, ".", NO_FOLDER),
    ("apps.yaml", replace_by_folder, "apps.yaml", NO_FILE),
    ("retries.yaml", replace_by_folder, "retries.yaml", NO_FILE),
    ("scenarios/mine.yaml", replace_by_folder, "scenarios/mine.yaml", NO_FILE),
    ("schemas/query.json", replace_by_folder, "schemas/query.json", NO_FILE),
    ("apps.yaml", replace_by_pipe, "apps.yaml", "not a regular file"),
    ("scenarios/mine.yaml", replace_by_pipe, "scenarios/mine.yaml", "not a regular file"),
    ("scenarios", replace_by_link("nowhere"), "scenarios", "cannot be read: the link leads to nothing"),
    ("apps.yaml", replace_by_link("nowhere"), "apps.yaml", "cannot be read: the link leads to nothing"),
    ("schemas/query.json", replace_by_link("nowhere"), "schemas/query.json", "the link leads to nothing"),
    ("apps.yaml", replace_by_link("apps.yaml"), "apps.yaml", "the link leads back to itself"),
    ("scenarios", replace_by_link("scenarios"), "scenarios", "the link leads back to itself"),
]


@pytest.mark.parametrize(("name", "spoil", "place", "message"), CASES)
def test_what_cannot_be_read_stops_the_start(
    folder: Path, name: str, spoil: Callable[[Path], None], place: str, message: str
) -> None:
    """`serve` exits with 2, `check` with 1 or 2, and both name the path and the reason in two languages."""
    spoil(folder / name if name != ".." else folder.parent)
    with permissions_count():
        serve = run("serve", "--port", "0", "--fixtures", str(folder))
        check = run("check", str(folder))
        chinese = run("check", str(folder), "--lang", "zh")
    assert (serve.returncode, serve.stdout) == (2, "")
    assert f"{folder / place}: " in serve.stderr
    assert message in serve.stderr
    assert check.returncode in (1, 2)
    assert "fine" not in check.stdout
    assert f"{folder / place}: " in check.stderr
    assert message in check.stderr
    assert len(check.stderr.splitlines()) == len(set(check.stderr.splitlines()))
    assert message not in chinese.stderr
    assert f"{folder / place}: " in chinese.stderr


@pytest.mark.parametrize(
    "name", ["..", ".", "scenarios", "schemas", "apps.yaml", "scenarios/mine.yaml", "schemas/query.json"]
)
def test_what_becomes_unreadable_keeps_the_last_good_files(folder: Path, name: str) -> None:
    """`ready` has the path and the reason; once the files can be read again, all is well."""
    path = folder.parent if name == ".." else folder / name
    engine = make_engine(fixtures=str(folder), now=str(NOW))
    watcher = Watcher(engine, folder, take_snapshot(folder))
    before = engine.config
    close(path)
    with permissions_count():
        assert watcher.check() is True
        assert watcher.check() is False
    assert engine.config is before
    (problem,) = engine.problems
    assert (problem.place, problem.text.en) == (str(folder if name in ("..", ".") else path), PERMISSION)
    open_again(path)
    assert watcher.check() is True
    assert engine.problems == ()
    assert "mine" in engine.config.scenarios


def test_running_out_of_descriptors_is_not_the_absence_of_files(folder: Path) -> None:
    """Neither at a start nor at a reload; afterwards the files are read again."""
    engine = make_engine(fixtures=str(folder), now=str(NOW))
    watcher = Watcher(engine, folder, take_snapshot(folder))
    before = engine.config
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = os.dup(0)
    os.close(taken)
    resource.setrlimit(resource.RLIMIT_NOFILE, (taken, hard))
    try:
        with pytest.raises(ConfigurationError, match="cannot be read: too many open files; raise the limit"):
            Folders(folder)
        assert watcher.check() is True
        assert watcher.check() is False
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert engine.config is before
    assert "too many open files" in engine.problems[0].show()
    assert watcher.check() is True
    assert engine.problems == ()


@pytest.mark.parametrize("function", ["listdir", "stat"])
@pytest.mark.parametrize("number", [errno.EIO, errno.ENAMETOOLONG, errno.ESTALE, errno.ENFILE])
def test_any_other_error_of_the_system_is_a_problem(
    folder: Path, function: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason is the one that the system gives."""
    original = getattr(os, function)

    def fail(path, *args, **kwargs):
        if str(path).startswith(str(folder / "scenarios")):
            raise OSError(number, os.strerror(number), str(path))
        return original(path, *args, **kwargs)

    monkeypatch.setattr(folders.os, function, fail)
    with pytest.raises(ConfigurationError, match=f"{folder}/scenarios.*: cannot be read: "):
        Folders(folder)
    assert take_snapshot(folder) == take_snapshot(folder)


def test_everything_unreadable_is_reported_at_once(folder: Path) -> None:
    """One start shows all of it."""
    close(folder / "scenarios")
    replace_by_file(folder / "schemas")
    replace_by_folder(folder / "apps.yaml")
    with permissions_count(), pytest.raises(ConfigurationError) as caught:
        Folders(folder)
    assert {Path(problem.place).name for problem in caught.value.problems} == {"apps.yaml", "scenarios", "schemas"}
    with permissions_count():
        done = run("check", str(folder))
    assert [line.split(": ")[0] for line in done.stderr.splitlines()] == [
        str(folder / name) for name in ("apps.yaml", "scenarios", "schemas")
    ]


def test_what_is_missing_is_replaced(folder: Path) -> None:
    """A folder with any one of the files is fine."""
    for name in ("scenarios", "schemas"):
        shutil.rmtree(folder / name)
    (folder / "errors.yaml").unlink()
    assert run("check", str(folder)).returncode == 0
    assert Folders(folder).scenarios() == Folders().scenarios()
    assert Folders(folder).fixture("errors.yaml") == Folders().fixture("errors.yaml")
