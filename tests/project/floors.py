"""Try the lower bounds in `setup.cfg`: install exactly those versions, and run a part of the tests. `make test-floors`.

The package's own bounds are tried on the oldest Python at hand, the tools' bounds on the one that runs this: some tools
require newer versions of packages that the package requires, too.
"""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.world.every_python import pythons

ROOT = Path(__file__).parents[2]
APART = {"openapi-python-client", "schemathesis"}
"""Test libraries that accept only the newest versions of what the package requires."""
PACKAGE_TESTS = [
    # click, rich, PyYAML; jsonschema, jsonschema-rs, referencing, orjson; Jinja2, Faker; numpy
    "tests/cli/test_explain.py", "tests/contract/test_fixtures.py", "tests/contract/test_schemas.py",
    "tests/scenarios/test_templates.py", "tests/world/test_people.py", "tests/world/test_generated_determinism.py",
    # Flask, Werkzeug, httptools, uvloop; openapi-spec-validator
    "tests/transport/test_framing.py", "tests/server/test_openapi.py",
    # cryptography, trustme; requests, urllib3; pytest, pytest-xdist
    "tests/server/test_tls_options.py", "tests/faults/test_client_errors.py", "tests/testing/test_plugin_use.py",
    # greenlet, hiredis
    "tests/store/test_contract.py",
]  # fmt: skip
TOOL_TESTS = [
    # schemathesis, hypothesis; build; freezegun, gevent, pytest-rerunfailures; gunicorn
    "tests/server/test_schemathesis.py", "tests/project/test_wheel.py",
    "tests/testing/test_plugin_neighbours.py", "tests/server/test_processes.py",
]  # fmt: skip


def floors(section: str, key: str) -> list[str]:
    """Return the requirements of one entry of `setup.cfg`, each pinned to its lower bound."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = [line.strip() for line in config[section][key].splitlines()]
    requirements = [line for line in lines if line and not line.startswith(("#", "%"))]
    without = [line for line in requirements if ">=" not in line]
    assert not without, f"no lower bound: {without}"
    return [line.replace(">=", "==", 1) for line in requirements]


def environment(name: str, python: str, pinned: Sequence[str]) -> Path:
    """Return the folder of the programs of an environment with the package and exactly these versions."""
    home = ROOT / "build" / "floors" / name
    if not (home / "bin" / "python").exists():
        subprocess.run([python, "-m", "venv", str(home)], check=True)
    pip = [str(home / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "--editable", ".[docs,redis,tls]", *pinned], cwd=ROOT, check=True)
    return home / "bin"


def run(programs: Path, *command: str) -> None:
    """Run a program of an environment in the tree; raise CalledProcessError when it fails."""
    print("$", *command, flush=True)
    path = os.pathsep.join((str(programs), os.environ["PATH"]))
    subprocess.run([str(programs / command[0]), *command[1:]], cwd=ROOT, env={**os.environ, "PATH": path}, check=True)


def main() -> int:
    """Try both environments; return 1 when a command fails."""
    tests = floors("options.extras_require", "test")
    package = [
        *floors("options", "install_requires"),
        *floors("options.extras_require", "docs"),
        *floors("options.extras_require", "redis"),
        *floors("options.extras_require", "tls"),
        *(pin for pin in tests if re.split("==", pin)[0] not in APART),
    ]
    tools = [*tests, *(pin for extra in ("audit", "bench", "dev") for pin in floors("options.extras_require", extra))]
    version, python = next(iter(pythons().items()), ("this Python", sys.executable))
    try:
        print(f"The package on {version}:", *package, flush=True)
        programs = environment("package", python, package)
        with ThreadPoolExecutor(1) as pool:
            installing = pool.submit(environment, "tools", sys.executable, tools)
            run(programs, "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "-m", "not alone", *PACKAGE_TESTS)
        print("The tools:", *tools, flush=True)
        programs = installing.result()
        run(programs, "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", *TOOL_TESTS)
        subprocess.run(["make", f"VENV={programs.parent}", "format-check", "lint", "types"], cwd=ROOT, check=True)
        run(programs, "bandit", "--quiet", "--recursive", "--configfile", "pyproject.toml", "mockserver")
        run(programs, "pip-audit", "--version")
    except subprocess.CalledProcessError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
