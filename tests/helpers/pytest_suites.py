"""Runs a suite of tests in a folder of its own, in a pytest of its own: what a user of the plugin sees."""

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
"""A suite that forgives nothing."""
ASK = '''
import json
import urllib.request


def ask(mock, body, query=None, operation="query_room_info"):
    """One call; its answer."""
    url = f"{mock.url}/v2/video/{operation}?{query or mock.sign()}"
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())
'''
"""`helper.py`: a client for suites that are not about clients."""


@dataclass(frozen=True)
class Run:
    """What came of a run."""

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
        """What stands in the plugin's section; empty when there is none."""
        found = re.search(r"^=+ mockserver =+\n(.*?)(?=^=+ |\Z)", self.output, re.DOTALL | re.MULTILINE)
        return found[1] if found else ""


def write(folder: Path, files: Mapping[str, str]) -> None:
    """The files of a suite, with `helper.py` and a strict `pytest.ini` unless there is another."""
    for name, text in {"pytest.ini": STRICT, "helper.py": ASK, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")


def run(folder: Path, *options: str, alone: bool = True, **environ: str) -> Run:
    """Run the suite in `folder`; `alone`: without the other plugins that happen to be installed."""
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
