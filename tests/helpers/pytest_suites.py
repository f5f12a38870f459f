"""Runs a test suite in its own folder and pytest process, as a user of the plugin would."""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest
from helpers.server_process import CLEAN, FORKS

STRICT = "[pytest]\naddopts = --strict-markers --strict-config\nfilterwarnings = error\n"
"""A configuration that turns every warning into an error."""
HELPER = '''
import json
import urllib.request


def call(mock, body, query=None, operation="query_room_info"):
    """Return the answer to one call."""
    url = f"{mock.url}/v2/video/{operation}?{query or mock.sign()}"
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())
'''
"""`helper.py`: a minimal client for the suites."""


@dataclass(frozen=True)
class Run:
    """The result of a pytest run."""

    code: int
    output: str
    folder: Path

    @property
    def outcomes(self) -> dict[str, int]:
        """The counts of the last line: `{"passed": 2, "error": 1}`."""
        line = self.output.rstrip().rsplit("\n", 1)[-1]
        return {word: int(count) for count, word in re.findall(r"(\d+) (passed|failed|error)", line)}

    @property
    def section(self) -> str:
        """The text of the plugin's section; empty if there is none."""
        found = re.search(r"^=+ mockserver =+\n(.*?)(?=^=+ |\Z)", self.output, re.DOTALL | re.MULTILINE)
        return found[1] if found else ""


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write the files of a suite, with `helper.py` and a strict `pytest.ini` unless given."""
    for name, text in {"pytest.ini": STRICT, "helper.py": HELPER, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")


def run(folder: Path, *options: str, alone: bool = True, fresh: bool = False, **environ: str) -> Run:
    """Run the suite in `folder`; with `alone`, without other installed plugins; `fresh`: in a new interpreter.

    Otherwise the run is forked from a process that has imported pytest and the package already, to save the time.
    """
    words = ["-p", "no:cacheprovider", "-q", *options]
    if alone:
        words += ["-p", "mockserver"]
        environ = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environ}
    environ = {**CLEAN, **environ}
    if fresh:
        command = [sys.executable, "-m", "pytest", *words]
        done = subprocess.run(
            command, cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=False
        )
        return Run(done.returncode, done.stdout + done.stderr, folder)
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as output:
        process = FORKS.Process(target=_run_pytest, args=(words, folder, environ, output.name))
        process.start()
        process.join(120)
        if process.exitcode is None:
            process.kill()
        return Run(process.exitcode or 0, output.read(), folder)


def _run_pytest(words: list[str], folder: Path, environ: dict[str, str], output: str) -> None:
    """Be `python -m pytest` in a forked process."""
    # The many collections of pytest need not look at what was loaded before.
    gc.freeze()
    file = os.open(output, os.O_WRONLY)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    paths = environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [os.path.abspath(path) for path in ("", *paths)]
    # pytest would warn that it cannot rewrite the assertions of a package that is already imported.
    sys.modules["mockserver"].__doc__ = "PYTEST_DONT_REWRITE"
    sys.argv = ["pytest", *words]
    sys.exit(pytest.console_main())
