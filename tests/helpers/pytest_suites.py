"""Runs a test suite in its own folder and pytest process, as a user of the plugin would."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from helpers.server_process import CLEAN

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


def run(folder: Path, *options: str, alone: bool = True, **environ: str) -> Run:
    """Run the suite in `folder`; with `alone`, without other installed plugins."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *options]
    if alone:
        command += ["-p", "mockserver"]
        environ = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environ}
    done = subprocess.run(
        command,
        cwd=folder,
        env={**CLEAN, **environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Run(done.returncode, done.stdout + done.stderr, folder)
