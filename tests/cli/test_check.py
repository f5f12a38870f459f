"""`mockserver check` reports every problem of a folder, and the result of a single file."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.shell import run

FILES = {
    "README.md": "about these files",
    "apps.yml": "apps: []",
    "Scenarios.yaml": "title: x",
    "scenario/lost.yaml": "title: lost",
    "schemas/query_room_inf.request.json": "{}",
    "scenarios/good.yaml": "title: Good",
    "scenarios/later.yaml": "title: Later\nreadings: {window: x}",
    "scenarios/heir.yaml": "title: Heir\nextends: wrong",
    "scenarios/wrong.yaml": (
        "title: Wrong\nanswers:\n"
        "  - {on: 2.3, reply: {error: 1402}}\n"
        "  - {on: '2.2', reply: {error: server_busy, delay: 3}}\n"
        "  - {on: '*', sequence: [{status: 500, world: true}]}\n"
        "faults:\n  - {fault: latency, fixed_ms: 3, on: 3.3}\n"
    ),
    "scenarios/world.yaml": "title: World\nworld: {source: generated, sed: 3}",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with many problems."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_every_problem_of_a_folder_is_reported(folder: Path) -> None:
    """Files that are not read, and the problems of every file, at whichever stage of loading they appear."""
    done = run("check", str(folder))
    assert (done.returncode, done.stdout) == (1, "")
    lines = [line.removeprefix(f"{folder}/") for line in done.stderr.splitlines()]
    assert lines == [
        "Scenarios.yaml: this is not read; did you mean scenarios?",
        "apps.yml: this is not read; did you mean apps.yaml?",
        "scenario: this is not read; did you mean scenarios?",
        "schemas/query_room_inf.request.json: this is not read; did you mean query_room_info.request.json?",
        "scenarios/later.yaml:2:20: reading window cannot be 'x'; choose overlap, enter, leave, contained",
        "scenarios/world.yaml:2:28: unknown key 'sed'; did you mean seed?",
        "scenarios/wrong.yaml:3:10: 2.3 is a section number; write the name of its operation, query_all_instance_by_time",
        "scenarios/wrong.yaml:3:30: 1402 is an error code; write its name, server_busy",
        "scenarios/wrong.yaml:4:10: 2.2 is a section number; write the name of its operation, query_room_info",
        "scenarios/wrong.yaml:4:45: a reply has no key 'delay'; use a fault: write {fault: latency, fixed_ms: 800} under `faults`, next to `answers`",
        "scenarios/wrong.yaml:5:27: a reply has no key 'status'; use a fault: write {fault: http_status, status: 502} under `faults`, next to `answers`",
        "scenarios/wrong.yaml:7:39: 3.3 is a section number; write the name of its operation, count_qos_by_day",
        "scenarios/heir.yaml: it extends the scenario 'wrong', which has problems",
    ]
    assert "不会被读取；是否为 apps.yaml？" in run("check", str(folder), "--lang", "zh").stderr


def test_a_single_file_is_checked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A good file is fine whatever the others are; one with problems, not read or not checked is not."""
    good = folder / "scenarios" / "good.yaml"
    done = run("check", str(good))
    assert (done.returncode, done.stdout) == (0, f"{good}: fine\n")
    assert done.stderr == f"(8 other files with problems; see `mockserver check {folder}`)\n"
    for name, expected in (
        ("wrong", "is a section number"),
        ("later", "reading window"),
        ("heir", "it extends the scenario 'wrong'"),
    ):
        done = run("check", str(folder / "scenarios" / f"{name}.yaml"))
        assert (done.returncode, done.stdout) == (1, "")
        assert expected in done.stderr
        assert all(f"{name}.yaml" in line for line in done.stderr.splitlines())
    for name, expected in (("apps.yml", "did you mean apps.yaml?"), ("README.md", "this file is not read")):
        done = run("check", str(folder / name))
        assert (done.returncode, expected in done.stderr) == (1, True)
    monkeypatch.chdir(folder / "scenarios")
    assert run("check", "good.yaml").stdout == "good.yaml: fine\n"


def test_nothing_is_checked_against_a_broken_errors_file(tmp_path: Path) -> None:
    """Scenarios use the names of errors.yaml, so none is called fine."""
    (tmp_path / "errors.yaml").write_text("errors: 3", encoding="utf-8")
    (tmp_path / "scenarios").mkdir()
    mine = tmp_path / "scenarios" / "mine.yaml"
    mine.write_text("title: Mine\nanswers: [{on: '*', reply: {error: my_own}}]", encoding="utf-8")
    done = run("check", str(mine))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{mine}: not checked: fix {tmp_path}/errors.yaml first\n"
    # A file that does not exist is not mentioned.
    assert "retries.yaml" not in run("check", str(tmp_path)).stderr


def test_a_scenario_is_checked_with_its_file_of_sessions(tmp_path: Path) -> None:
    """They are one scenario in two files; the number of further mistakes comes last."""
    (tmp_path / "scenarios").mkdir()
    scenario, sessions = (tmp_path / "scenarios" / name for name in ("mine.yaml", "mine.csv"))
    scenario.write_text("title: Mine\nworld: {source: recorded, sessions: mine.csv}\n")
    sessions.write_text("RoomId,UserId,enter\n" + "".join(f",{number},1575962000\n" for number in range(22)))
    for path in (scenario, sessions):
        done = run("check", str(path))
        lines = done.stderr.splitlines()
        assert (done.returncode, done.stdout, len(lines)) == (1, "", 21)
        assert lines[0] == f"{sessions}:2:1: empty: write an id"
        assert lines[-1] == f"{sessions}: 2 more cells are invalid"
    sessions.write_text("RoomId,UserId,enter\n")
    assert run("check", str(scenario)).stdout == f"{scenario}: fine\n"
