"""A sample suite for a small client passes with the correct client and finds each mistake of the broken ones."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from helpers.pytest_suites import STRICT, Run, run

SUITE = Path(__file__).with_name("sample_client")
FAIL = "--mockserver-fail-on-violations"
Runs = Callable[..., Run]


@pytest.fixture
def suite(tmp_path: Path) -> Runs:
    """Run the suite, copied to a new folder, with one of the clients."""
    folder = tmp_path / "suite"
    shutil.copytree(SUITE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "pytest.ini").write_text(STRICT, encoding="utf-8")

    def runs(client: str, *options: str) -> Run:
        return run(folder, "client_suite.py", "--client", client, *options)

    return runs


def test_the_correct_client_passes(suite: Runs) -> None:
    """No violation, no mistake in error handling; the report has the coverage."""
    done = suite("call_records:CallRecords", FAIL, "--mockserver-report=report.json")
    assert (done.code, done.outcomes) == (0, {"passed": 4}), done.output
    report = json.loads((done.folder / "report.json").read_text(encoding="utf-8"))
    assert (report["requests"], report["apps"], report["complaints"]) == (6, 4, [])
    (busy,) = [row for row in report["error_handling"] if row["error"] == "server_busy"]
    assert (busy["did"], busy["findings"]) == ({"waited": 2}, [])
    assert "after" not in done.section
    assert "no problems found" in done.section


def test_a_wrong_signature_is_found_and_diagnosed(suite: Runs) -> None:
    """The failed test and the report say which formula the client used."""
    done = suite("broken:WrongSignature", FAIL, "--mockserver-report=report.xml")
    assert done.code == 1
    assert "v1 formula; v2 needs the restapikey in the middle [checksum_mismatch, §1.1.2]" in done.output
    assert "FAILED client_suite.py::test_a_room_has_its_users" in done.output
    assert "× checksum_mismatch query:checksum" in done.section
    root = ElementTree.parse(done.folder / "report.xml").getroot()
    failures = {row.get("type") for row in root.iter("failure")}
    assert {"checksum_mismatch", "run"} <= failures


def test_missing_retries_are_found(suite: Runs) -> None:
    """The number of requests is too low."""
    done = suite("broken:NoRetries")
    assert (done.code, done.outcomes) == (1, {"failed": 1, "passed": 3})
    assert "FAILED client_suite.py::test_a_busy_server_is_retried" in done.output
    assert "expected 3 requests to query_instance_all_records_by_time" in done.output
    assert "found 1 of 1 in the journal" in done.output
    assert "1 × server_busy (query_instance_all_records_by_time): gave up ×1" in done.section


def test_retries_without_a_pause_fail_the_run_although_every_test_passes(suite: Runs) -> None:
    """Retry analysis finds what no assertion of the suite checks."""
    done = suite("broken:Impatient", FAIL)
    assert (done.code, done.outcomes) == (1, {"passed": 4}), done.output
    assert "after server_busy the client retried within 1 s twice" in done.section
    assert suite("broken:Impatient").code == 0


def test_a_wrong_field_name_is_found_with_the_right_one(suite: Runs) -> None:
    """The message names the documented field; with the option, a suite without assertions fails too."""
    done = suite("broken:WrongField", FAIL, "--mockserver-report=report.html", "-k", "smoke")
    assert (done.code, done.outcomes) == (1, {"passed": 1})
    assert "RoomID is not documented (did you mean RoomId?)" in done.section
    assert "failed: 2 violations of the contract" in done.section
    assert "RoomID is not documented" in (done.folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_five_lines_of_the_readme_are_true(suite: Runs, tmp_path: Path, name: str) -> None:
    """The sample runs with a real client, and every call, marker and option named beside it works."""
    text = (Path(__file__).parents[2] / name).read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    (sample,) = [block for block in blocks if "mockserver.assert_called" in block]
    below = text.split(sample)[1].split("\n## ")[0].split("```sh")[0]
    calls = re.findall(r"`\.(\w+(?:\([^`]*\))?)`", below)
    (marker,) = re.findall(r"`(@pytest\.mark\.mockserver\([^`]*\))`", below)
    options = set(re.findall(r"--mockserver-[a-z-]+", below))
    assert len(calls) >= 8
    assert {"--mockserver-url", "--mockserver-report", "--mockserver-fail-on-violations"} <= options
    lines = [
        "import pytest",
        "from call_records import CallRecords",
        "class MyClient(CallRecords):",
        "    def __init__(self, *words):",
        "        super().__init__(*words, sleep=lambda seconds: None)",
        sample,
        marker,
        "def test_every_call(mockserver, client):",
        "    client.room('987654321')",
        "    client.room('987654321')",
        *(f"    assert mockserver.{call} != []" for call in calls),
    ]
    folder = tmp_path / "suite"
    (folder / "client_suite.py").write_text("\n".join(lines), encoding="utf-8")
    done = suite("call_records:CallRecords")
    assert (done.code, done.outcomes) == (0, {"passed": 2}), done.output
    assert "Coverage: " in done.section
    shown = run(folder, "--help").output
    assert all(option in shown for option in options)
