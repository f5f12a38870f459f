"""`mockserver check` tells all that is wrong with a folder, and answers for the one file that was asked."""

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
    """A folder in which much is wrong."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_everything_wrong_is_told_at_once(folder: Path) -> None:
    """What nothing reads, and the mistakes of every file, whatever stage of reading they show in."""
    done = run("check", str(folder))
    assert (done.returncode, done.stdout) == (1, "")
    lines = [line.removeprefix(f"{folder}/") for line in done.stderr.splitlines()]
    assert lines == [
        "Scenarios.yaml: nothing reads this; did you mean scenarios?",
        "apps.yml: nothing reads this; did you mean apps.yaml?",
        "scenario: nothing reads this; did you mean scenarios?",
        "schemas/query_room_inf.request.json: nothing reads this; did you mean query_room_info.request.json?",
        "scenarios/wrong.yaml:3:10: 2.3 is a section: write query_all_instance_by_time, its operation",
        "scenarios/wrong.yaml:4:10: 2.2 is a section: write query_room_info, its operation",
        "scenarios/wrong.yaml:7:39: 3.3 is a section: write count_qos_by_day, its operation",
        "scenarios/wrong.yaml:3:30: 1402 is a code: write server_busy, its name",
        "scenarios/wrong.yaml:4:45: a reply has no key 'delay': it is a fault, write {fault: latency, fixed_ms: 800} under `faults` beside `answers`",
        "scenarios/wrong.yaml:5:27: a reply has no key 'status': it is a fault, write {fault: http_status, status: 502} under `faults` beside `answers`",
        "scenarios/later.yaml:2:20: reading window cannot be 'x'; choose overlap, enter, leave, contained",
        "scenarios/world.yaml:2:33: unknown parameter 'sed'; did you mean seed?",
        "scenarios/heir.yaml: not judged: the scenario 'wrong' that it extends is wrong",
    ]
    assert "不会被读取；是否为 apps.yaml？" in run("check", str(folder), "--lang", "zh").stderr


def test_one_file_is_answered_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A good one is fine whatever the others are, wherever one stands; one that is wrong, unread or unjudged is not."""
    good = folder / "scenarios" / "good.yaml"
    done = run("check", str(good))
    assert (done.returncode, done.stdout) == (0, f"{good}: fine\n")
    assert done.stderr == f"(not fine: 8 other files; see `mockserver check {folder}`)\n"
    for name, told in (("wrong", "is a section"), ("later", "reading window"), ("heir", "not judged")):
        done = run("check", str(folder / "scenarios" / f"{name}.yaml"))
        assert (done.returncode, done.stdout) == (1, "")
        assert told in done.stderr
        assert all(f"{name}.yaml" in line for line in done.stderr.splitlines())
    for name, told in (("apps.yml", "did you mean apps.yaml?"), ("README.md", "no place in a folder")):
        done = run("check", str(folder / name))
        assert (done.returncode, told in done.stderr) == (1, True)
    monkeypatch.chdir(folder / "scenarios")
    assert run("check", "good.yaml").stdout == "good.yaml: fine\n"


def test_nothing_is_judged_by_errors_that_are_wrong(tmp_path: Path) -> None:
    """Scenarios name the errors of errors.yaml: one that stands on it is not called fine."""
    (tmp_path / "errors.yaml").write_text("errors: 3", encoding="utf-8")
    (tmp_path / "scenarios").mkdir()
    mine = tmp_path / "scenarios" / "mine.yaml"
    mine.write_text("title: Mine\nanswers: [{on: '*', reply: {error: my_own}}]", encoding="utf-8")
    done = run("check", str(mine))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{mine}: not judged: {tmp_path}/errors.yaml has to be right first\n"
