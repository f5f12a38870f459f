"""No name in any request makes the server open a file outside its folders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import mockserver
from mockserver.core.errors import ConfigurationError
from mockserver.core.folders import Folders

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SECRET = "zq7secretzq7"
PACKAGE = Path(mockserver.__file__).parent


def test_no_file_outside_the_folders_is_opened(tmp_path, measured):
    """An audit hook records every opened file while path-traversal names are sent everywhere a name is accepted."""
    mine = tmp_path / "mine"
    (mine / "scenarios").mkdir(parents=True)
    (mine / "scenarios/own.yaml").write_text("title: Own\n", encoding="utf-8")
    for place in (tmp_path, mine):
        (place / "secret.yaml").write_text(f"title: {SECRET}\n", encoding="utf-8")
        (place / "secret").write_text(SECRET, encoding="utf-8")
    command = [sys.executable, str(HERE / "opened_files.py"), str(mine), SECRET]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(done.stdout)
    folders = [PACKAGE, PACKAGE.parent / "schemas", PACKAGE.parent / "fixtures", mine]
    # Python may import a module for the first time.
    folders += [Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    strays = [path for path in result["opened"] if not any(str(folder) in path for folder in folders)]
    assert strays == []
    assert not [path for path in result["opened"] if "/secret" in path or "passwd" in path]
    # The reload at the end is recorded, so the hook works.
    assert any("scenarios/own.yaml" in path for path in result["opened"])
    measured(f"traversal: {result['tried']} requests, {len(result['opened'])} files opened, none outside the folders")
    assert result["tried"] > 1_000


@pytest.mark.parametrize("name", ["../secret.yaml", "/etc/passwd", "a/b.yaml", "..", "", ".hidden", "a\x00b", "ａ"])
def test_folders_accept_no_paths(name):
    """`Folders` takes file names, not paths."""
    with pytest.raises(ConfigurationError):
        Folders().fixture(name)
    with pytest.raises(ConfigurationError):
        Folders().schema(name)


@pytest.mark.parametrize("place", ["scenarios/mine.yaml", "apps.yaml", "schemas/envelope.json"])
def test_a_link_out_of_the_folder_is_an_error(tmp_path, place):
    """A symbolic link that leads outside is reported, not followed."""
    mine, outside = tmp_path / "mine", tmp_path / "outside"
    (mine / place).parent.mkdir(parents=True, exist_ok=True)
    outside.write_text("title: a\n", encoding="utf-8")
    (mine / place).symlink_to(outside)
    with pytest.raises(ConfigurationError) as error:
        Folders(mine).fixture("apps.yaml")
    assert "leads out" in error.value.show()
