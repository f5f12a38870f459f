"""The samples of the documentation run, and print what they show.

Every Markdown file of the tree takes part. Console blocks run in a shell, Python blocks are executed, and YAML blocks
are loaded as the file that their first line names (`# apps.yaml`), by default as a scenario.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.markdown import blocks

from mockserver import MockServer
from mockserver.engine.build import make_engine
from tests.project.doc_tables import CHINESE, ROOT, english_original, markdown_files

FILE_NAME = re.compile(r"# ([a-z]+\.yaml|scenarios/[\w-]+\.yaml)$", re.MULTILINE)
URL = "http://127.0.0.1:8080"


def documents(language: str) -> list[Path]:
    """Return the documents with blocks of one language, without translations whose blocks are those of the original."""
    found = {path: blocks(path, language) for path in markdown_files()}
    originals = {path: english_original(path) for path in found if path.name.endswith(CHINESE) and path.parent != ROOT}
    return [path for path in found if found[path] and found[path] != found.get(originals.get(path, Path()))]


def name(path: Path) -> str:
    """Return the path that names a parametrized case."""
    return str(path.relative_to(ROOT))


def steps(block: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each command of a console block with the lines that it is shown to print."""
    for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *shown = step.rstrip("\n").split("\n")
        yield command, shown


def agrees(shown: str, line: str) -> bool:
    """Return whether a line is the one shown, in which `…` stands for any text."""
    return re.fullmatch(".*".join(re.escape(part) for part in shown.split("…")), line) is not None


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    """A server like that of `make serve`, on a free port."""
    with MockServer() as mock:
        yield mock


@pytest.mark.parametrize("path", [ROOT / "README.md", ROOT / "README.zh-CN.md"], ids=name)
def test_the_readme_has_samples_of_each_kind(path: Path) -> None:
    """The tests below find the samples of both READMEs."""
    commands = [step for block in blocks(path, "console") for step in steps(block)]
    assert len(commands) >= 4
    assert path in documents("python")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_scenario_is_shown(lang: str) -> None:
    """At least one document in each language has a YAML sample."""
    assert [path for path in documents("yaml") if path.name.endswith(".zh-CN.md") is (lang == "zh")]


@pytest.mark.parametrize("path", [path for path in documents("console") if path.parent.name != "live"], ids=name)
def test_console_samples_print_what_they_show(path: Path, server: MockServer) -> None:
    """Every `$ command` prints the lines below it, or succeeds if none are shown. `tests/live` runs the others."""
    environ = {
        **os.environ,
        "MOCKSERVER_URL": server.url,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    for command, shown in [step for block in blocks(path, "console") for step in steps(block)]:
        here = command.replace(".venv/bin/mockserver", "mockserver").replace(URL, server.url)
        done = subprocess.run(["bash", "-c", here], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60)
        printed = f"$ {command}\n{done.stdout}{done.stderr}"
        if not shown:
            assert done.returncode == 0, printed
            continue
        lines = (done.stdout + done.stderr).rstrip("\n").split("\n")
        assert len(lines) == len(shown), printed
        for expected, line in zip(shown, lines, strict=True):
            assert agrees(expected, line), printed


@pytest.mark.parametrize("path", documents("python"), ids=name)
def test_python_samples_run(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python blocks can be copied into a file and run."""
    for sample in blocks(path, "python"):
        module = types.ModuleType("sample")
        # Dataclasses look their module up.
        monkeypatch.setitem(sys.modules, "sample", module)
        exec(compile(sample, str(path), "exec"), module.__dict__)


@pytest.mark.parametrize("path", documents("yaml"), ids=name)
def test_yaml_samples_load(path: Path, tmp_path: Path) -> None:
    """Each YAML block loads without a problem in a folder laid out like fixtures/."""
    for number, sample in enumerate(blocks(path, "yaml")):
        named = FILE_NAME.match(sample)
        file = tmp_path / str(number) / (named[1] if named else "scenarios/mine.yaml")
        file.parent.mkdir(parents=True)
        file.write_text(sample, encoding="utf-8")
        scenario = file.stem if file.parent.name == "scenarios" else "default"
        engine = make_engine(fixtures=str(tmp_path / str(number)), scenario=scenario)
        assert engine.store.scenario == scenario
