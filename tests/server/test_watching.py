"""What the watcher treats as a change, and what a failed reload leaves unchanged."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from helpers.request_builder import NOW
from watched_files import MISTAKES, SCENARIO, files_of, write

from mockserver.core.folders import take_snapshot
from mockserver.engine.build import make_engine
from mockserver.server import watching
from mockserver.server.watching import Watcher


@pytest.fixture
def folder(tmp_path) -> Path:
    """A user's folder in its first generation."""
    return write(tmp_path / "mine", files_of(1))


@pytest.fixture
def watcher(folder, monkeypatch) -> Watcher:
    """A watcher that checks only when called, without waiting for files to settle."""
    monkeypatch.setattr(watching, "SETTLE_SECONDS", 0.001)
    seen = take_snapshot(folder)
    return Watcher(make_engine(scenario="watched", fixtures=str(folder), now=str(NOW)), folder, seen)


def test_a_change_is_a_change_of_content(watcher, folder):
    """A touched or rewritten file with the same content is not reloaded; one more character is enough."""
    before = watcher._engine.config
    path = folder / "apps.yaml"
    path.write_bytes(path.read_bytes())
    os.utime(path, (1, 1))
    assert watcher.check() is False
    assert watcher._engine.config is before
    path.write_text(path.read_text(encoding="utf-8") + "#", encoding="utf-8")
    assert watcher.check() is True
    assert watcher._engine.config is not before


@pytest.mark.parametrize(
    ("name", "text", "mistake"),
    [
        pytest.param(name, text, mistake, id=f"{name}: {reason}")
        for name, mistakes in MISTAKES.items()
        for text, mistake, reason in mistakes
    ],
)
def test_a_mistake_keeps_the_last_valid_files_and_is_located(watcher, folder, caplog, name, text, mistake):
    """The log and the problems contain file, line and column; the next valid save clears them."""
    engine = watcher._engine
    before = engine.config
    path = folder / name
    valid = path.read_text(encoding="utf-8")
    assert text in valid
    path.write_text(valid.replace(text, mistake, 1), encoding="utf-8")
    assert watcher.check() is True
    assert engine.config is before
    problem = engine.problems[0]
    assert problem.place == str(path), problem.show()
    assert None not in (problem.line, problem.column), problem.show()
    assert f"{path}:{problem.line}:{problem.column}: " in caplog.text
    path.write_text(valid, encoding="utf-8")
    assert watcher.check() is True
    assert engine.problems == ()


def test_a_missing_folder_keeps_the_last_valid_files(watcher, folder):
    """The shipped files do not replace the user's because the folder was moved."""
    before = watcher._engine.config
    folder.rename(folder.with_name("away"))
    assert watcher.check() is True
    assert watcher._engine.config is before
    assert "no such folder" in watcher._engine.problems[0].show()
    folder.with_name("away").rename(folder)
    assert watcher.check() is True
    assert watcher._engine.problems == ()


def test_an_active_scenario_cannot_be_removed(watcher, folder):
    """When its file is deleted, that is reported, and the scenario stays in use."""
    engine = watcher._engine
    (folder / "scenarios/watched.yaml").unlink()
    assert watcher.check() is True
    assert "watched" in engine.config.scenarios
    assert "unknown scenario 'watched'" in engine.problems[0].show()


def test_files_saved_in_a_row_are_one_change(watcher, folder, monkeypatch):
    """Nothing is reloaded while files are still being written."""
    reloads = []
    monkeypatch.setattr(watcher._engine, "reload", lambda: reloads.append(take_snapshot(folder)))
    later = iter(files_of(2).items())

    def wait(seconds: float) -> bool:
        write(folder, dict([file]) if (file := next(later, None)) else {})
        return False

    monkeypatch.setattr(watcher._stopping, "wait", wait)
    write(folder, {"scenarios/watched.yaml": SCENARIO.format(number=9)})
    assert watcher.check() is True
    assert reloads == [take_snapshot(folder)]
    assert "Generation 2" in (folder / "scenarios/watched.yaml").read_text(encoding="utf-8")


def test_files_that_change_while_they_are_loaded_are_loaded_again(folder, monkeypatch):
    """The result is never a mixture of two generations, nor an error about half a file."""
    from mockserver.engine import build

    load_config, loads = build.load_config, []

    def slow_load(*args, **kwargs):
        config = load_config(*args, **kwargs)
        loads.append(1)
        if len(loads) < 3:
            write(folder, files_of(len(loads) + 1))
        return config

    monkeypatch.setattr(build, "load_config", slow_load)
    engine = make_engine(scenario="watched", fixtures=str(folder), now=str(NOW))
    assert len(loads) == 3
    assert engine.config.catalogue["room_not_found"].code == 20_003
