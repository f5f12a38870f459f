"""The samples of both READMEs run, and show what they really print."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockserver import MockServer
from mockserver.engine.build import make_engine

ROOT = Path(__file__).parents[2]
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]


def blocks(path: Path, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(
        rf"^```{language}\n(.*?)^```$", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


def steps(block: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a console block with the lines it is shown to print."""
    for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *shown = step.rstrip("\n").split("\n")
        yield command, shown


def agrees(shown: str, line: str) -> bool:
    """Whether a line is the one that is shown, in which `…` stands for anything."""
    return re.fullmatch(".*".join(re.escape(part) for part in shown.split("…")), line) is not None


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    """What `make serve` starts, on a free port."""
    with MockServer() as mock:
        yield mock


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)
def test_the_console_samples_print_what_they_show(path: Path, server: MockServer) -> None:
    """Every `$ command` succeeds, or fails as shown, with the lines that stand below it."""
    environ = {
        **os.environ,
        "MOCKSERVER_URL": server.url,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    commands = [step for block in blocks(path, "console") for step in steps(block)]
    assert len(commands) >= 4
    for command, shown in commands:
        here = command.replace(".venv/bin/mockserver", "mockserver").replace(
            "http://127.0.0.1:8080", server.url
        )
        done = subprocess.run(
            ["bash", "-c", here],
            cwd=ROOT,
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        lines = (done.stdout + done.stderr).rstrip("\n").split("\n")
        if shown:
            assert len(lines) == len(shown), f"$ {command}\n" + "\n".join(lines)
            for expected, line in zip(shown, lines, strict=True):
                assert agrees(expected, line), f"$ {command}\n" + "\n".join(lines)
        else:
            assert done.returncode == 0, f"$ {command}\n" + "\n".join(lines)


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)
def test_the_python_samples_run(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python blocks can be copied into a file and run."""
    samples = blocks(path, "python")
    assert samples
    for sample in samples:
        exec(compile(sample, str(path), "exec"), {"__name__": "sample"})


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)
def test_the_scenario_sample_can_be_served(path: Path, tmp_path: Path) -> None:
    """The YAML block is a scenario that loads without a problem."""
    (sample,) = blocks(path, "yaml")
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "mine.yaml").write_text(sample, encoding="utf-8")
    engine = make_engine(fixtures=str(tmp_path), scenario="mine")
    assert engine.store.scenario == "mine"
