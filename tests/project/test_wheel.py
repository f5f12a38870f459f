"""What is built is what is used: the wheel carries the data and serves from any folder, in an empty environment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the tree, so that nothing is left behind in it."""
    folder = tmp_path_factory.mktemp("wheel")
    tree = folder / "tree"
    skipped = shutil.ignore_patterns(
        ".venv", ".git", "build", "dist", "*.egg-info", ".*_cache", "__pycache__"
    )
    shutil.copytree(ROOT, tree, ignore=skipped)
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder / "dist"), str(tree)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next((folder / "dist").glob("*.whl"))


def _packed(tree: str, *patterns: str) -> set[str]:
    return {
        f"mockserver/{path.relative_to(ROOT / tree).as_posix() if tree == 'mockserver' else path.relative_to(ROOT).as_posix()}"
        for pattern in patterns
        for path in (ROOT / tree).rglob(pattern)
    }


def test_the_wheel_holds_exactly_the_package_its_schemas_and_its_fixtures(wheel: Path) -> None:
    """No file is forgotten and no test, build or editor file travels along."""
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = (
        _packed("mockserver", "*.py", "py.typed", "*.html", "*.js", "*.css")
        | _packed("schemas", "*.json")
        | _packed("fixtures", "*.yaml")
    )
    assert held == expected


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python in which nothing but the wheel and what it asks for is installed."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    return python


def test_an_installed_wheel_serves_from_any_folder(environment: Path, tmp_path: Path) -> None:
    """Schemas and fixtures are found inside the package, whatever the working directory is."""
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    command = [
        str(environment),
        "-m",
        "mockserver",
        "sample",
        "query_room_info",
        "--scenario",
        "document",
        "--json",
    ]
    done = subprocess.run(command, cwd=tmp_path, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["RoomId"] == "123456789"
    with subprocess.Popen(
        [str(environment), "-m", "mockserver", "serve", "--port", "0"],
        cwd=tmp_path,
        env=clean,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        line = server.stdout.readline()
        server.terminate()
        assert server.wait(10) == 0
    assert line.startswith("mockserver ready on http://127.0.0.1:")
