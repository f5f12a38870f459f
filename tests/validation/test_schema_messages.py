"""What is told of a body: each field once, in an order that helps, with the mistake by name."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.bench import shipped

from mockserver.contract.operations import OPERATIONS
from mockserver.contract.readings import DEFAULTS
from mockserver.contract.timestamps import format_duration
from mockserver.contract.violations import Violation
from mockserver.core.http import Request
from mockserver.core.text import Text
from mockserver.validation.body import check_body

JSON = {"content-type": "application/json"}


def told(operation: str, body: Any, **readings: Any) -> list[Violation]:
    """The violations of a body of that value."""
    call = Request("POST", "", "", JSON, json.dumps(body).encode())
    validator = shipped().schemas.request(operation)
    return check_body(call, validator, {**DEFAULTS, **readings}, OPERATIONS[operation].section)[1]


def test_missing_fields_come_first_then_wrong_then_unknown_ones() -> None:
    """The order is that of repairing: what is not there, what is wrong, what is too much."""
    found = told("query_instance_all_records_by_time", {"x": 1, "EndTime": 5, "BeginTime": "abc", "y": 2})
    assert [(one.name, one.where) for one in found] == [
        ("missing_field", "body:/UserId"),
        ("wrong_type", "body:/EndTime"),
        ("invalid_value", "body:/BeginTime"),
        ("unknown_field", "body:/x"),
        ("unknown_field", "body:/y"),
    ]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_violation_names_the_section_of_its_operation(operation: str) -> None:
    """Whoever reads it finds the paragraph."""
    (section,) = {one.section for one in told(operation, {})}
    assert section == f"{OPERATIONS[operation].section}.4"


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("1575962150000", "milliseconds"),
        ("1575962150000000", "microseconds"),
        ("157599250", "10 digits are needed, 9 were sent"),
        ("15759621501", "10 digits are needed, 11 were sent"),
        ("-1575962150", "negative"),
        ("+1575962150", "sign"),
        ("1575962150.5", "fraction"),
        ("1.5e9", "exponent"),
        ("2019-12-10 15:15:50", "calendar date"),
        (" 1575962150", "blanks"),
        ("1575962150\n", "blanks"),
        ("１５７５９６２１５０", "not ASCII"),
        ("now", "no number"),
        ("", "empty"),
    ],
)
def test_a_stamp_that_is_none_is_told_why(value: str, word: str) -> None:
    """One mistake, one reason, and what a stamp looks like."""
    (one,) = told("query_all_instance_by_time", {"BeginTime": value, "EndTime": "1575962850"})
    assert (one.name, one.where) == ("invalid_value", "body:/BeginTime")
    assert word in one.text.en
    assert "10 digits" in one.text.en


@pytest.mark.parametrize(
    ("value", "name", "word"),
    [
        ("2019-12-10", "invalid_value", "separators"),
        ("2019/1/1", "invalid_value", "separators"),
        ("1575962850", "invalid_value", "stamp"),
        ("2019121", "invalid_value", "eight digits"),
        ("20191232", "no_such_day", "calendar"),
        ("20190229", "no_such_day", "calendar"),
        ("20191300", "no_such_day", "calendar"),
        ("00000000", "no_such_day", "calendar"),
    ],
)
def test_a_day_that_is_none_is_told_why(value: str, name: str, word: str) -> None:
    """In form or on the calendar."""
    (one,) = told("count_qos_by_day", {"QueryDate": value})
    assert (one.name, one.where) == (name, "body:/QueryDate")
    assert word in one.text.en


@pytest.mark.parametrize("value", [None, True, False, 1.5, [], {}, [1], {"a": 1}, 5])
def test_every_other_type_is_told_as_what_it_is(value: Any) -> None:
    """A string is due; anything else is one wrong_type and nothing more."""
    (one,) = told("query_room_info", {"RoomId": value})
    assert one.name == "wrong_type"
    assert "send a string" in one.text.en


@pytest.mark.parametrize(
    "operation", ["count_business_total_volume_by_day", "count_business_distribute_volume_by_day"]
)
@pytest.mark.parametrize("value", ["2", 2.0, True, None, [2]])
def test_a_count_by_of_another_type_is_told_to_be_an_integer(operation: str, value: Any) -> None:
    """`"2"` looks like one of 1, 2, 3, 4: the type is said."""
    (one,) = told(operation, {"QueryDate": "20191210", "CountBy": value})
    assert one.name == "wrong_type"
    assert "an integer, one of" in one.text.en


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("roomid", "RoomId"),
        ("room_id", "RoomId"),
        ("ROOMID", "RoomId"),
        ("begin_time", "BeginTime"),
        ("endtime", "EndTime"),
    ],
)
def test_a_misspelt_field_is_told_with_the_one_that_was_meant(given: str, meant: str) -> None:
    """Case and underscores are the usual slips."""
    one = next(one for one in told("query_room_info", {given: "1"}) if one.name == "unknown_field")
    assert f"did you mean {meant}?" in one.text.en
    assert f"是否为 {meant}" in one.text.zh


def test_a_missing_field_is_told_with_what_was_sent_in_its_place() -> None:
    """Each misspelt field stands for one missing field only; a field of another kind for none."""
    sent = {"begintime": "1575962220", "EndTIME": "1575962280", "page": 1}
    texts = {one.where: one.text for one in told("query_all_instance_by_time", sent)}
    assert texts["body:/BeginTime"].en.startswith("BeginTime is missing (you sent begintime); send ")
    assert texts["body:/BeginTime"].zh.startswith("未提供 BeginTime（发送的是 begintime）；应为")
    assert texts["body:/EndTime"].en.startswith("EndTime is missing (you sent EndTIME); send ")
    (one,) = [one for one in told("query_room_info", {"page": 1}) if one.name == "missing_field"]
    assert one.text.en.startswith("RoomId is missing; send ")


def test_lenient_mends_what_a_forgiving_backend_would() -> None:
    """Integers for text and digits for integers, no more: not true, not a fraction, not a negative choice."""
    day = "count_business_total_volume_by_day"
    for value in ("2", 2.0):
        assert [
            one.tolerated
            for one in told(day, {"QueryDate": 20191210, "CountBy": value}, strictness="lenient")
        ] == [*(True, True)]
    for value in (True, 2.5, "2.0", "two", "-1", "", None, "２"):
        found = told(day, {"QueryDate": "20191210", "CountBy": value}, strictness="lenient")
        assert [one.tolerated for one in found][-1] is False, value


def test_lenient_rules_hold_for_mended_fields() -> None:
    """Stamps given as integers are compared as stamps."""
    body = {"BeginTime": 1575962851, "EndTime": 1575962850}
    assert [one.name for one in told("query_all_instance_by_time", body, strictness="lenient")] == [
        *("wrong_type", "wrong_type", "begin_after_end")
    ]


def test_rules_ask_sound_fields_only() -> None:
    """A range is told beside other mistakes, but never of a stamp that is none."""
    long = {"BeginTime": "1000000000", "EndTime": "1575962850"}
    names = [one.name for one in told("query_all_instance_by_time", {**long, "x": 1})]
    assert names == ["unknown_field", "range_too_large"]
    assert [one.name for one in told("query_all_instance_by_time", {**long, "EndTime": 5})] == ["wrong_type"]
    assert told("query_room_info", {**long, "RoomId": "1"}) == []
    assert [one.name for one in told("query_room_info", {**long, "RoomId": 1})] == ["wrong_type"]


def test_an_empty_text_is_said_to_be_empty():
    """No two blanks where a value would stand, and Chinese is parted from what is not."""
    (one,) = told("query_room_info", {"RoomId": ""})
    assert one.text.en == "RoomId is empty; send a string of 1…256 characters"
    assert one.text.zh == "RoomId 为空；应为 1…256 个字符的字符串"
    (one,) = told("query_room_info", {"RoomId": 7})
    assert one.text.zh == "RoomId 为 数字 7；应为 1…256 个字符的字符串"


def test_a_long_span_is_told_in_days_and_hours():
    """Beside the seconds, never rounded to what would be allowed."""
    assert format_duration(301) == Text("301 s", "301 秒")
    assert format_duration(28_800) == Text("28800 s (8 h)", "28800 秒（8 小时）")
    assert format_duration(31 * 86_400 + 1) == Text("2678401 s (over 31 days)", "2678401 秒（31 天多）")


def test_tens_of_thousands_of_unknown_fields_are_told_like_twenty() -> None:
    """Only those that are told are looked at closely, however many there are."""
    crowd = {f"room{number}": 1 for number in range(60_000)}
    found = told("query_room_info", crowd)
    assert len(found) == 21
    assert "(you sent room0)" in found[0].text.en
