"""What an installation brings along, and what pytest loads because of it."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

from helpers.server_process import CLEAN
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

BLOCKED = ("anyio", "hypothesispytest", "schemathesis", "xdist", "xdist.looponfail", "rerunfailures")
"""Plugins of the packages for this project's own tests."""


def installed_with(name: str) -> set[str]:
    """Return the packages that an installation of `name` without extras needs, with itself."""
    found, todo = set(), [name]
    while todo:
        if (current := canonicalize_name(todo.pop())) in found:
            continue
        found.add(current)
        requirements = [Requirement(each) for each in distribution(current).requires or ()]
        todo += [each.name for each in requirements if not each.marker or each.marker.evaluate({"extra": ""})]
    return found


def test_an_installation_adds_only_its_own_plugin_and_fakers_to_pytest() -> None:
    """Every plugin that an installed package has is loaded in every run of pytest, used or not."""
    plugins = {
        entry.name
        for name in installed_with("mockserver")
        for entry in distribution(name).entry_points.select(group="pytest11")
    }
    assert plugins == {"mockserver", "faker"}


def test_a_run_without_fakers_plugin_loads_nothing_heavy(tmp_path: Path) -> None:
    """With `-p no:faker`, as tests/README.md says, only a few small modules of this package are imported."""
    (tmp_path / "test_modules.py").write_text(
        "import sys\n\n\ndef test_modules():\n"
        '    heavy = {"faker", "anyio", "numpy", "flask", "uvicorn", "yaml", "jsonschema", "asyncio"}\n'
        "    assert not heavy & set(sys.modules)\n"
        '    assert sum(name.startswith("mockserver") for name in sys.modules) < 12\n'
    )
    words = [word for name in BLOCKED for word in ("-p", f"no:{name}")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:faker", *words],
        cwd=tmp_path, env=CLEAN, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
