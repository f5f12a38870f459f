"""The retry rules are data: complete for the shipped catalogue, and a mistake is reported with its line."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from helpers.reports import catalogue, rules

from mockserver.contract.catalogue import NextStep
from mockserver.core.clock import Clock
from mockserver.core.errors import ConfigurationError
from mockserver.core.folders import Folders
from mockserver.engine.config import load_config


def test_every_error_has_a_rule_in_both_languages() -> None:
    """The shipped rules cover every error but `ok`, and use every next step."""
    assert rules().keys() == catalogue().keys() - {"ok"}
    assert {rule.next for rule in rules().values()} == set(get_args(NextStep))
    assert all(rule.advice.en.isascii() and not rule.advice.zh.isascii() for rule in rules().values())


def test_the_next_step_after_an_error() -> None:
    """Sign again when a checksum is stale, wait when the server is busy, give up without a room, correct a field."""
    expected = {
        "checksum_expired": "sign_again",
        "duplicate_seq": "new_seq",
        "rate_limited": "wait",
        "server_busy": "wait",
        "room_not_found": "give_up",
        "unknown_appkey": "give_up",
        "missing_field": "not_repeat",
    }
    assert {error: rules()[error].next for error in expected} == expected
    assert {rule.error for rule in rules().values() if rule.final}.isdisjoint({"server_busy", "checksum_expired"})


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("rules:\n  - {error: romm_not_found, next: wait, en: a, zh: b}", 2, "did you mean room_not_found?"),
        ("rules:\n  - {error: server_busy, next: wait, en: a, zh: b}\n"
         + "  - {error: server_busy, next: wait, en: a, zh: b}", 3, "already has a rule"),
        ("rules:\n  - {error: server_busy, next: sleep, en: a, zh: b}", 2, "sign_again, new_seq"),
        ("rules:\n  - {error: server_busy, next: wait, en: a}", 2, "missing zh"),
        ("rules:\n  - {error: server_busy, next: wait, tries: 0, en: a, zh: b}", 2, "at least 1"),
    ],
)  # fmt: skip
def test_a_mistake_in_retries_yaml_is_reported_with_its_line(
    tmp_path: Path, text: str, line: int, message: str
) -> None:
    """A user's own retries.yaml is checked like every other file."""
    (tmp_path / "retries.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as error:
        load_config(Folders(tmp_path), now=Clock().second)
    [problem] = error.value.problems
    assert (problem.place, problem.line) == (str(tmp_path / "retries.yaml"), line)
    assert message in problem.text.en


@pytest.mark.parametrize("others", [(), ("retries.yaml",), ("apps.yaml",)], ids=str)
def test_a_folder_with_the_former_judge_yaml_is_refused(tmp_path: Path, others: tuple[str, ...]) -> None:
    """judge.yaml was renamed: it is reported, never ignored, whatever else the folder holds."""
    for name in others:
        (tmp_path / name).write_bytes(Folders().fixture(name).read_bytes())
    (tmp_path / "judge.yaml").write_text("rules: []\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as error:
        load_config(Folders(tmp_path), now=Clock().second)
    assert error.value.show().startswith(f"{tmp_path}/judge.yaml: renamed to retries.yaml")
    assert "已改名为 retries.yaml" in error.value.show("zh")
