"""Near misses: the closest rule and what a request lacks for it."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.contract.matching import compile_when
from mockserver.scenarios.model import Action, Rule
from mockserver.scenarios.near_misses import nearest_rule, show_condition

HERE = "query_room_info"
OPEN = Action("world", "here")


def rule(key: str, when: dict[str, Any] | None, *on: str) -> Rule:
    """A rule for an operation."""
    return Rule(key, frozenset(on or {HERE}), compile_when(when), (OPEN,))


def near(when: dict[str, Any], body: dict[str, Any], query: dict[str, str] | None = None) -> str:
    """What is said of one rule."""
    found = nearest_rule([rule("answer 1", when)], HERE, body, query or {})
    assert found is not None
    return found.text.en


def test_the_rule_with_the_fewest_unmet_conditions_is_the_nearest() -> None:
    """The first of equals; rules of other operations do not count."""
    rules = [
        rule("answer 1", {"body": {"RoomId": "1", "BeginTime": "1"}}),
        rule("answer 2", {"body": {"RoomId": "2"}}),
        rule("answer 3", {"body": {"RoomId": "3"}}),
        rule("answer 4", None, "count_qos_by_day"),
    ]
    found = nearest_rule(rules, HERE, {"RoomId": "4"}, {})
    assert found is not None
    assert found.rule == "answer 2"
    assert found.text == (
        'answer 2: body RoomId is "4", wanted "2"',
        'answer 2：body RoomId 为 "4"，应为 "2"',
    )
    assert nearest_rule(rules, "query_all_instance_by_time", {}, {}) is None
    assert nearest_rule([], HERE, {}, {}) is None


@pytest.mark.parametrize(
    ("when", "body", "said"),
    [
        ({"body": {"RoomId": "77"}}, {}, 'body RoomId is missing, wanted "77"'),
        ({"body": {"RoomId": "77"}}, {"roomID": "77"}, 'body RoomId is missing (it has roomID), wanted "77"'),
        ({"body": {"RoomId": "77"}}, {"room_id": "77"}, 'body RoomId is missing (it has room_id), wanted "77"'),
        ({"body": {"RoomId": "77"}}, {"RoomId": 77}, 'body RoomId is 77, wanted "77"'),
        ({"body": {"RoomId": {"matches": "^v"}}}, {"RoomId": "x"}, 'body RoomId is "x", wanted matching /^v/'),
        ({"body": {"CountBy": {"schema": {"minimum": 2}}}}, {"CountBy": 1},
         'body CountBy is 1, wanted meeting the schema {"minimum": 2}'),
        ({"body": {"RoomId": "房"}}, {"RoomId": "\x1b[31m\n"}, 'body RoomId is "\\u001b[31m\\n", wanted "房"'),
    ],
)  # fmt: skip
def test_a_difference_is_said_so_that_both_sides_can_be_seen(
    when: dict[str, Any], body: dict[str, Any], said: str
) -> None:
    """Types show by their quotes, a missing field tells the one that looks like it, nothing breaks the line."""
    assert near(when, body) == f"answer 1: {said}"


def test_a_rule_that_matches_was_used_up() -> None:
    """Without an unmet condition only its `times` can have been in the way."""
    assert near({"body": {"RoomId": "77"}}, {"RoomId": "77"}) == "answer 1 matches but is used up"


def test_a_checksum_is_not_told_in_full() -> None:
    """Not even when a scenario asks for it."""
    said = near({"query": {"checksum": "no"}}, {}, {"checksum": "0123456789" * 4})
    assert said == 'answer 1: query checksum is "012345…", wanted "no"'


def test_a_huge_request_is_not_searched_for_long() -> None:
    """Long values are cut and long names are not compared."""
    body = {f"{'x' * 10_000}{n}": "y" * 100_000 for n in range(300)}
    assert near({"body": {"RoomId": "77"}}, body) == 'answer 1: body RoomId is missing, wanted "77"'
    assert len(near({"body": {"RoomId": "77"}}, {"RoomId": "y" * 100_000})) < 200


def test_a_condition_can_be_shown() -> None:
    """As the questions of `verify` show it."""
    when = compile_when({"body": {"RoomId": "77"}, "query": {"seq": {"matches": "^1"}}})
    assert [show_condition(one) for one in when.conditions] == [
        'body RoomId = "77"',
        "query seq matching /^1/",
    ]
