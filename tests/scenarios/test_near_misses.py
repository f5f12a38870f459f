"""Near misses: the closest rule, and the differences between it and a request."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.contract.matching import compile_when
from mockserver.scenarios.model import Reply, Rule
from mockserver.scenarios.near_misses import nearest_rule, show_condition

OPERATION = "query_room_info"
WORLD_REPLY = Reply("world", "file.yaml:1")


def rule(key: str, when: dict[str, Any] | None, *on: str) -> Rule:
    """A rule for query_room_info or the given operations."""
    return Rule(key, frozenset(on or {OPERATION}), compile_when(when), (WORLD_REPLY,))


def near(when: dict[str, Any], body: dict[str, Any], query: dict[str, str] | None = None) -> str:
    """The text of the near miss of a single rule."""
    found = nearest_rule([rule("answer 1", when)], OPERATION, body, query or {})
    assert found is not None
    return found.en


def test_the_rule_with_the_fewest_unmet_conditions_is_the_nearest() -> None:
    """The first of equals is chosen, and rules of other operations are ignored."""
    rules = [
        rule("answer 1", {"body": {"RoomId": "1", "BeginTime": "1"}}),
        rule("answer 2", {"body": {"RoomId": "2"}}),
        rule("answer 3", {"body": {"RoomId": "3"}}),
        rule("answer 4", None, "count_qos_by_day"),
    ]
    found = nearest_rule(rules, OPERATION, {"RoomId": "4"}, {})
    assert found is not None
    assert found == ('answer 2: body RoomId is "4", expected "2"', 'answer 2：body RoomId 为 "4"，应为 "2"')
    assert nearest_rule(rules, "query_all_instance_by_time", {}, {}) is None
    assert nearest_rule([], OPERATION, {}, {}) is None


@pytest.mark.parametrize(
    ("when", "body", "text"),
    [
        ({"body": {"RoomId": "77"}}, {}, 'body RoomId is missing, expected "77"'),
        ({"body": {"RoomId": "77"}}, {"roomID": "77"}, 'body RoomId is missing (found roomID), expected "77"'),
        ({"body": {"RoomId": "77"}}, {"room_id": "77"}, 'body RoomId is missing (found room_id), expected "77"'),
        ({"body": {"RoomId": "77"}}, {"RoomId": 77}, 'body RoomId is 77, expected "77"'),
        ({"body": {"RoomId": {"matches": "^v"}}}, {"RoomId": "x"}, 'body RoomId is "x", expected matching /^v/'),
        ({"body": {"CountBy": {"schema": {"minimum": 2}}}}, {"CountBy": 1},
         'body CountBy is 1, expected matching the schema {"minimum": 2}'),
        ({"body": {"EndTime": {"absent": True}}}, {"EndTime": "9"}, 'body EndTime is "9", expected absent'),
        ({"body": {"RoomId": "房"}}, {"RoomId": "\x1b[31m\n"}, 'body RoomId is "\\u001b[31m\\n", expected "房"'),
    ],
)  # fmt: skip
def test_a_difference_shows_both_sides(when: dict[str, Any], body: dict[str, Any], text: str) -> None:
    """Quotes show the type, a missing field names a similar one, and control characters are escaped."""
    assert near(when, body) == f"answer 1: {text}"


def test_a_matching_rule_has_reached_its_times() -> None:
    """A rule without unmet conditions can only have been skipped because of `times`."""
    assert near({"body": {"RoomId": "77"}}, {"RoomId": "77"}) == "answer 1 matches but has reached its times"


def test_a_checksum_is_shortened() -> None:
    """A checksum is cut even if a rule has a condition on it."""
    text = near({"query": {"checksum": "no"}}, {}, {"checksum": "0123456789" * 4})
    assert text == 'answer 1: query checksum is "012345…", expected "no"'


def test_a_huge_request_is_cheap() -> None:
    """Long values are cut and long names are not compared."""
    body = {f"{'x' * 10_000}{n}": "y" * 100_000 for n in range(300)}
    assert near({"body": {"RoomId": "77"}}, body) == 'answer 1: body RoomId is missing, expected "77"'
    assert len(near({"body": {"RoomId": "77"}}, {"RoomId": "y" * 100_000})) < 200


def test_a_condition_can_be_shown() -> None:
    """The text of a condition, as failed verifications show it."""
    when = compile_when({"body": {"RoomId": "77"}, "query": {"seq": {"matches": "^1"}}})
    assert [show_condition(condition) for condition in when.conditions] == [
        'body RoomId = "77"',
        "query seq matching /^1/",
    ]
