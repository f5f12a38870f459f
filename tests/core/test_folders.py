"""Folders finds schemas and fixtures: the user's first, then the shipped ones, and nothing outside of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockserver.core.errors import ConfigurationError
from mockserver.core.folders import Folders, take_snapshot
from mockserver.core.json_reader import read_json
from mockserver.core.yaml_reader import read_yaml


def write(folder: Path, **files: str) -> Path:
    """Write these files into `folder` and return it; `__` in a name stands for a slash."""
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def test_the_shipped_files_are_found_by_default() -> None:
    """Every fixture, scenario and schema exists, can be read, and is part of a snapshot."""
    folders = Folders()
    assert {"default", "document", "empty", "outage", "recovering", "recorded-day"} <= folders.scenarios().keys()
    assert "query_room_info.request.json" in folders.schemas()
    files = [folders.fixture("apps.yaml"), folders.fixture("errors.yaml"), folders.fixture("retries.yaml")]
    files += [*folders.scenarios().values(), *folders.schemas().values()]
    for path in files:
        assert (read_json if path.suffix == ".json" else read_yaml)(path).value
    assert set(take_snapshot(None).contents) == set(map(str, files))


def test_a_users_file_replaces_the_shipped_file_of_its_name(tmp_path: Path) -> None:
    """And no other; files with new names are added."""
    write(tmp_path, **{"apps.yaml": "apps: []", "scenarios__default.yaml": "title: mine",
                       "scenarios__my-own.yaml": "title: mine", "schemas__query.json": "{}"})  # fmt: skip
    own, shipped = Folders(tmp_path), Folders()
    assert own.fixture("apps.yaml") == tmp_path / "apps.yaml"
    assert own.fixture("errors.yaml") == shipped.fixture("errors.yaml")
    assert own.schema("query.json") == tmp_path / "schemas" / "query.json"
    assert own.schema("envelope.json") == shipped.schema("envelope.json")
    assert own.scenarios() == shipped.scenarios() | {
        "default": tmp_path / "scenarios" / "default.yaml",
        "my-own": tmp_path / "scenarios" / "my-own.yaml",
    }
    assert list(own.scenarios()) == sorted(own.scenarios())
    seen = {Path(name) for name in take_snapshot(tmp_path).contents}
    assert {path for path in seen if path.is_relative_to(tmp_path)} == {
        path for path in tmp_path.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("name", ["../apps.yaml", "/etc/passwd", "a/b.yaml", "..", "", ".hidden", "a\n"])
def test_a_name_that_could_leave_the_folder_is_rejected(name: str, tmp_path: Path) -> None:
    """Only the names that were listed are found."""
    write(tmp_path / "in", **{"apps.yaml": "apps: []"})
    folders = Folders(tmp_path / "in")
    for find in (folders.fixture, folders.schema):
        with pytest.raises(ConfigurationError, match="there is no such file"):
            find(name)


def test_a_missing_file_is_reported_with_the_users_path(tmp_path: Path) -> None:
    """The path is where the user could put the file."""
    write(tmp_path, **{"apps.yaml": "apps: []"})
    with pytest.raises(ConfigurationError, match="there is no such file") as caught:
        Folders(tmp_path).fixture("nothing.yaml")
    assert caught.value.problems[0].place == str(tmp_path / "nothing.yaml")


@pytest.mark.parametrize("target", ["outside.yaml", "/etc/passwd"])
def test_a_link_out_of_the_folder_is_rejected(target: str, tmp_path: Path) -> None:
    """Its target is not opened."""
    write(tmp_path, **{"outside.yaml": "title: x", "in__apps.yaml": "apps: []", "in__scenarios__a.yaml": "title: a"})
    inside = tmp_path / "in"
    (inside / "scenarios" / "b.yaml").symlink_to(Path(target) if target.startswith("/") else tmp_path / target)
    with pytest.raises(ConfigurationError, match="leads out of"):
        Folders(inside)


def test_links_inside_the_folder_are_followed(tmp_path: Path) -> None:
    """Container platforms mount files this way: as links into a sibling folder."""
    write(tmp_path, **{"..data__apps.yaml": "apps: []"})
    (tmp_path / "apps.yaml").symlink_to(Path("..data") / "apps.yaml")
    assert Folders(tmp_path).fixture("apps.yaml") == tmp_path / "apps.yaml"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("scenarios__my.yml", "the suffix is .yaml"),
        ("scenarios__my own.yaml", "rename it"),
        ("scenarios__é.yaml", "rename it"),
        (f"scenarios__{'x' * 65}.yaml", "rename it"),
        ("schemas__-x.json", "rename it"),
    ],
)
def test_a_file_with_an_unusable_name_is_reported(name: str, message: str, tmp_path: Path) -> None:
    """It is never skipped silently."""
    with pytest.raises(ConfigurationError, match=message):
        Folders(write(tmp_path, **{"apps.yaml": "apps: []", name: "{}"}))


@pytest.mark.parametrize("name", [".my.yaml.swp", "my.yaml~", ".#my.yaml", "notes.txt"])
def test_backup_files_of_editors_are_skipped(name: str, tmp_path: Path) -> None:
    """Backup and swap files are not scenarios."""
    write(tmp_path, **{"scenarios__my.yaml": "title: x", "scenarios__" + name: "\x00"})
    assert Folders(tmp_path).scenarios().keys() == Folders().scenarios().keys() | {"my"}


def test_a_missing_or_empty_folder_is_rejected(tmp_path: Path) -> None:
    """A mistyped --fixtures never falls back to the shipped files silently."""
    file = write(tmp_path, **{"a.txt": "x"}) / "a.txt"
    for folder, message in (
        (tmp_path / "gone", "no such folder"),
        (file, "a folder is expected here, not a file"),
        (file / "deeper", "a folder is expected here, not a file"),
        (tmp_path, "contains none of the files"),
    ):
        with pytest.raises(ConfigurationError, match=message) as caught:
            Folders(folder)
        assert caught.value.problems[0].place == str(folder)


def test_an_unreadable_file_is_reported(tmp_path: Path) -> None:
    """A directory, a missing file and an invalid path raise ConfigurationError with the path."""
    for path in (tmp_path, tmp_path / "gone.yaml", Path("a\0b")):
        with pytest.raises(ConfigurationError, match="cannot be read") as caught:
            read_yaml(path)
        assert caught.value.problems[0].place == str(path)
