"""The reference in tests/README.md is complete, names nothing that does not exist, and its samples run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers.pytest_suites import run, write

from mockserver.testing.app import MockApp
from mockserver.testing.options import Marker, add_options

REFERENCE = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SAMPLES = re.findall(r"^```python\n(.*?)^```$", REFERENCE, re.DOTALL | re.MULTILINE)


def first_column(heading: str) -> set[str]:
    """Return the names in the first column of the table below a heading."""
    table = REFERENCE.partition(f"**{heading}**")[2].split("\n\n")[1]
    cells = [row.replace("\\|", "/").split("|")[1] for row in table.splitlines()[2:]]
    return {name for cell in cells for name in re.findall(r"`(-*[a-z_-]+)", cell)}


def test_the_reference_lists_every_public_name_of_the_handle() -> None:
    """A method that is added or renamed is documented."""
    public = {name for name in dir(MockApp) if not name.startswith("_")} - {"fresh"}
    assert first_column("Handle.") == public


def test_the_reference_lists_every_option_of_the_plugin() -> None:
    """And no option that pytest would refuse."""
    parser = pytest.Parser(_ispytest=True)
    add_options(parser)
    options = {name for option in parser.getgroup("mockserver").options for name in option.names()}
    assert first_column("Options.") == options


def test_the_reference_shows_every_argument_of_the_marker() -> None:
    """In the example of the marker."""
    [example] = re.findall(r"@pytest\.mark\.mockserver\((.*?)\)`", REFERENCE)
    assert re.findall(r"(\w+)=", example) == list(Marker._fields)


def test_the_sample_test_passes_and_the_sample_script_runs(tmp_path: Path) -> None:
    """Both can be copied as they are."""
    test, script = SAMPLES
    write(tmp_path, {"test_sample.py": test})
    done = run(tmp_path, "--mockserver-fail-on-violations")
    assert (done.code, done.outcomes) == (0, {"passed": 1}), done.output
    exec(compile(script, "tests/README.md", "exec"), {"__name__": "sample"})
