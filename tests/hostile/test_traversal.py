"""No name, wherever it is given, makes the server open anything outside its folders."""

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


def test_nothing_outside_the_folders_is_opened(tmp_path, measured):
    """An audit hook sees every file that is opened while names of thirty kinds are tried in every place that takes one."""
    mine = tmp_path / "mine"
    (mine / "scenarios").mkdir(parents=True)
    (mine / "scenarios/own.yaml").write_text("title: Own\n", encoding="utf-8")
    for place in (tmp_path, mine):
        (place / "secret.yaml").write_text(f"title: {SECRET}\n", encoding="utf-8")
        (place / "secret").write_text(SECRET, encoding="utf-8")
    words = [sys.executable, str(HERE / "opened_files.py"), str(mine), SECRET]
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    folders = [PACKAGE, PACKAGE.parent / "schemas", PACKAGE.parent / "fixtures", mine]
    # Python itself may still be importing something for the first time.
    folders += [Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    strays = [one for one in told["opened"] if not any(str(folder) in one for folder in folders)]
    assert strays == []
    assert not [one for one in told["opened"] if "/secret" in one or "passwd" in one]
    # The reload at the end is seen, so the hook does see.
    assert any("scenarios/own.yaml" in one for one in told["opened"])
    measured(f"traversal: {told['tried']} requests, {len(told['opened'])} files opened, all of them ours")
    assert told["tried"] > 1_000


@pytest.mark.parametrize(
    "name", ["../secret.yaml", "/etc/passwd", "a/b.yaml", "..", "", ".hidden", "a\x00b", "ａ"]
)
def test_a_file_is_named_by_its_name_alone(name):
    """`Folders` takes no path for a name."""
    with pytest.raises(ConfigurationError):
        Folders().fixture(name)
    with pytest.raises(ConfigurationError):
        Folders().schema(name)


@pytest.mark.parametrize("place", ["scenarios/mine.yaml", "apps.yaml", "schemas/envelope.json"])
def test_a_link_out_of_the_folder_is_refused(tmp_path, place):
    """A link among the files that leads outside is told, not followed."""
    mine, outside = tmp_path / "mine", tmp_path / "outside"
    (mine / place).parent.mkdir(parents=True, exist_ok=True)
    outside.write_text("title: a\n", encoding="utf-8")
    (mine / place).symlink_to(outside)
    with pytest.raises(ConfigurationError) as caught:
        Folders(mine).fixture("apps.yaml")
    assert "leads out" in caught.value.show()
