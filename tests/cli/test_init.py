"""`mockserver init` writes a folder that works as it is, and overwrites nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema
import pytest
from helpers.shell import run

from mockserver.core.yaml_reader import read_yaml


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_folder_works_as_it_is(tmp_path: Path, lang: str) -> None:
    """`check` finds nothing, the scenario answers, and its comments are in the chosen language."""
    folder = tmp_path / "own files"
    done = run("init", str(folder), "--lang", lang)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"mockserver serve --fixtures '{folder}' --scenario mine" in done.stdout
    assert run("check", str(folder)).returncode == 0
    words = ("sample", "2.2", "--fixtures", str(folder), "--scenario", "mine")
    assert [json.loads(run(*words, room).stdout)["ErrorCode"] for room in ("RoomId=404", "RoomId=busy1")] == [1301, 1402]  # fmt: skip
    text = (folder / "scenarios" / "mine.yaml").read_text(encoding="utf-8")
    assert any("一" <= char <= "鿿" for char in text.partition("answers:")[0]) is (lang == "zh")


def test_an_editor_finds_the_schema_of_the_scenario(tmp_path: Path) -> None:
    """The first line names a file that exists, describes the scenario, and refuses a misspelt fault field."""
    run("init", str(tmp_path))
    file = tmp_path / "scenarios" / "mine.yaml"
    text = file.read_text(encoding="utf-8")
    first = text.partition("\n")[0]
    name = first.removeprefix("# yaml-language-server: $schema=")
    schema = json.loads((file.parent / name).read_text(encoding="utf-8"))
    assert schema == json.loads(run("export", "scenario-schema").stdout)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(read_yaml(file).value)
    file.write_text(text.replace("fixed_ms", "fixed"), encoding="utf-8")
    assert not validator.is_valid(read_yaml(file).value)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """An existing file stops it before the first is written, a dangling link too; other files of the folder stay."""
    mine = tmp_path / "scenarios" / "mine.yaml"
    mine.parent.mkdir()
    mine.write_text("title: Mine\n", encoding="utf-8")
    done = run("init", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{mine}: already exists; nothing was written\n"
    assert [path.name for path in tmp_path.iterdir()] == ["scenarios"]
    mine.rename(mine.with_name("other.yaml"))
    os.symlink("nowhere", mine)
    assert run("init", str(tmp_path), "--lang", "zh").stderr == f"{mine}: 已存在；未写入任何文件\n"
    mine.unlink()
    assert run("init", str(tmp_path)).returncode == 0
    assert mine.with_name("other.yaml").read_text(encoding="utf-8") == "title: Mine\n"


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    """In one line, with the reason."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    for name in ("file", "file/inner"):
        done = run("init", f"{tmp_path}/{name}")
        assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
        assert "cannot be written" in done.stderr
