"""The judge's rules are data: complete for the shipped catalogue, and a wrong file is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.reports import catalogue, rules

from mockserver.contract.retry_rules import NEXT_STEPS, load_retry_rules
from mockserver.core.errors import ConfigurationError
from mockserver.core.folders import Folders


def test_every_error_has_a_rule_in_both_languages() -> None:
    """The shipped rules speak of every error but `ok`, and use every kind of next step."""
    assert rules().keys() == catalogue().keys() - {"ok"}
    assert {rule.next for rule in rules().values()} == NEXT_STEPS.keys()
    assert all(rule.advice.en.isascii() and not rule.advice.zh.isascii() for rule in rules().values())


def test_what_the_rules_ask_for() -> None:
    """Sign again when a checksum is stale, wait when it is busy, give up without a room, correct a field."""
    wanted = {
        "checksum_expired": "sign_again",
        "duplicate_seq": "new_seq",
        "rate_limited": "wait",
        "server_busy": "wait",
        "room_not_found": "give_up",
        "unknown_appkey": "give_up",
        "missing_field": "not_repeat",
    }
    assert {error: rules()[error].next for error in wanted} == wanted
    assert {rule.error for rule in rules().values() if rule.final}.isdisjoint(
        {"server_busy", "checksum_expired"}
    )


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("rules:\n  - {error: romm_not_found, next: wait, en: a, zh: b}", 2, "did you mean room_not_found?"),
        ("rules:\n  - {error: server_busy, next: wait, en: a, zh: b}\n"
         + "  - {error: server_busy, next: wait, en: a, zh: b}", 3, "has a rule already"),
        ("rules:\n  - {error: server_busy, next: sleep, en: a, zh: b}", 2, "none of sign_again"),
        ("rules:\n  - {error: server_busy, next: wait, en: a}", 2, "missing zh"),
        ("rules:\n  - {error: server_busy, next: wait, tries: 0, en: a, zh: b}", 2, "at least 1"),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_told_with_its_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    """A user's own judge.yaml is checked like every other file."""
    (tmp_path / "judge.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "apps.yaml").write_bytes(Folders().fixture("apps.yaml").read_bytes())
    with pytest.raises(ConfigurationError) as error:
        load_retry_rules(Folders(tmp_path), catalogue())
    [problem] = error.value.problems
    assert problem.line == line
    assert said in problem.text.en
