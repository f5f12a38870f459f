"""The wheel contains the package and its data, declares its dependencies, and serves from any folder."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from helpers.dockerfile import copied_sources
from helpers.length import FULL

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built as in the Dockerfile, from a copy of what it copies, so that the build leaves nothing behind."""
    folder = tmp_path_factory.mktemp("wheel")
    tree = folder / "tree"
    tree.mkdir()
    for name in copied_sources():
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, tree / name)
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder / "dist"), str(tree)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next((folder / "dist").glob("*.whl"))


def packed(tree: str, *patterns: str) -> set[str]:
    """Return the names in the wheel of the files of a folder."""
    root = ROOT / "mockserver" if tree.startswith("mockserver") else ROOT
    return {
        f"mockserver/{path.relative_to(root).as_posix()}"
        for pattern in patterns
        for path in (ROOT / tree).rglob(pattern)
        if path.parent.name != "__pycache__"
    }


def test_the_wheel_contains_exactly_the_package_its_schemas_and_its_fixtures(wheel: Path) -> None:
    """No file is missing, and no test, build or editor file is included."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = (
        packed(
            "mockserver", "*.py", "*.yaml", "*.json", "py.typed", "*.html", "*.js", "*.mjs", "*.css", "*.svg", "NOTICE"
        )
        | packed("mockserver/engine", "*.lua")
        | packed("mockserver/reporting", "report.*")
        | packed("schemas", "*.json")
        | packed("fixtures", "*.yaml")
    )
    assert names == expected


def test_the_wheel_requires_every_package_that_it_imports(wheel: Path) -> None:
    """Each third-party import of the package belongs to a declared dependency, of an extra at least."""
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        lines = archive.read(metadata).decode().splitlines()
        sources = [archive.read(name) for name in archive.namelist() if name.endswith(".py")]
    required = {
        re.split("[^A-Za-z0-9._-]", line.partition(": ")[2])[0].lower().replace("_", "-")
        for line in lines
        if line.startswith("Requires-Dist: ")
    }
    imported = {
        name.partition(".")[0]
        for source in sources
        for node in ast.walk(ast.parse(source))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    distributions = importlib.metadata.packages_distributions()
    third_party = imported - sys.stdlib_module_names - {"mockserver", "_typeshed"}
    assert "flask" in third_party
    for name in sorted(third_party):
        candidates = {owner.lower().replace("_", "-") for owner in distributions.get(name, [])}
        assert candidates & required, f"{name} is imported and belongs to {candidates or 'no distribution'}"


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the wheel and its dependencies: those of this environment, or at full length freshly installed."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=FULL)
    python = folder / "bin" / "python"
    if FULL:
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(wheel)]
        subprocess.run(command, check=True, capture_output=True)
    else:
        packages = next((folder / "lib").glob("python*/site-packages"))
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(packages)
        # Plain paths in a .pth file do not activate the editable install of this environment.
        paths = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
        (packages / "dependencies.pth").write_text("\n".join(paths), encoding="utf-8")
    return python


def test_an_installed_wheel_serves_from_any_folder(environment: Path, tmp_path: Path) -> None:
    """Schemas and fixtures are found inside the installed package, whatever the working directory is."""
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}

    def python(*words: str) -> str:
        done = subprocess.run(
            [str(environment), *words], cwd=tmp_path, env=clean, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    installed = python("-c", "import mockserver; print(mockserver.__file__)")
    assert Path(installed).is_relative_to(environment.parents[1])
    answer = python("-m", "mockserver", "sample", "query_room_info", "--scenario", "document", "--json")
    assert json.loads(answer)["RoomId"] == "123456789"
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
