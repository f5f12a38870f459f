"""The README of the faults package is correct: its samples run, and its fields and names exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_helpers import fault

from mockserver import MockServer
from mockserver.engine.build import make_engine
from mockserver.faults import base
from mockserver.faults.parsing import Common
from mockserver.faults.registry import KINDS

README = Path(base.__file__).with_name("README.md")
TEXT = README.read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The fenced code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    """The server that the samples call."""
    with MockServer() as running:
        yield running


def test_the_console_samples_print_what_they_show(server: MockServer) -> None:
    """Every command prints the lines shown below it, where `…` stands for anything."""
    environ = {
        **os.environ,
        "MOCKSERVER_URL": server.url,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    steps = [step for block in blocks("console") for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    assert len(steps) == 5
    for step in steps:
        command, _, shown = step.rstrip("\n").partition("\n")
        command = command.replace("http://127.0.0.1:8080", server.url)
        done = subprocess.run(
            ["bash", "-c", command], env=environ, capture_output=True, text=True, timeout=60, check=False
        )
        pattern = ".*".join(re.escape(part) for part in shown.split("…"))
        assert re.fullmatch(pattern, done.stdout.rstrip("\n")), f"$ {command}\n{done.stdout}{done.stderr}"


def test_the_scenario_sample_is_a_scenario(tmp_path: Path) -> None:
    """The YAML block can be served."""
    (sample,) = blocks("yaml")
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "mine.yaml").write_text(sample, encoding="utf-8")
    engine = make_engine(fixtures=str(tmp_path), scenario="mine")
    assert [fault.kind.kind for fault in engine.config.scenarios["mine"].faults] == ["malformed_json", "latency"]


def test_the_option_and_the_fields_are_valid() -> None:
    """The `--fault` sample and the common fields in the text are accepted."""
    (sample,) = blocks("sh")
    assert fault(re.findall(r"--fault '(.*)'", sample)[0]).common.probability == 0.3
    fields = re.search(r"With the same fields, `(.*?)`", TEXT)
    assert fields
    pairs = dict(pair.split(": ") for pair in fields[1].split(", "))
    parsed = fault("hang;" + ";".join(f"{name}={value}" for name, value in pairs.items()))
    assert (parsed.on, parsed.common.after, parsed.common.times) == (("query_room_info",), 2, 3)


def test_the_test_sample_runs() -> None:
    """The Python block that injects faults runs."""
    exec(compile(blocks("python")[0], str(README), "exec"), {"__name__": "sample"})


def test_the_common_fields_are_listed() -> None:
    """The table of common fields has every field with its default."""
    table = TEXT.partition("## Common fields")[2].partition("## Kinds")[0]
    listed = dict(re.findall(r"^\| `(\w+)` \|(?: `?([^`|]+?)`?)? \|", table, re.MULTILINE))
    defaults = {name: schema.get("default") for name, schema in Common.object_schema()["properties"].items()}
    assert {name: listed[name] for name in defaults} == {
        name: "" if default is None else str(default) for name, default in defaults.items()
    }
    assert listed["on"] == "*"
    assert listed["when"] == ""


def test_every_kind_is_in_the_table_of_clients() -> None:
    """Each kind, or the family of checksum kinds, has a row in the table of what clients report."""
    rows = TEXT.partition("## What clients report")[2].partition("## Repeating")[0]
    named = set(re.findall(r"`(\w+)`", rows))
    missing = {name for name, kind in KINDS.items() if kind.family != "checksum"} - named
    assert not missing
    assert "checksum kinds" in rows


def test_the_longest_wait_and_the_order_are_those_of_the_code() -> None:
    """The order of the families and the limit of ten minutes are stated as they are."""
    assert " → ".join(base.FAMILIES) in TEXT
    assert base.MAX_SECONDS == 600
    assert "at most ten minutes" in TEXT
