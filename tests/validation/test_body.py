"""Violations of a body: each field once, in an order that helps, with the error by name."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.engine_client import shipped_config

from mockserver.contract.operations import OPERATIONS
from mockserver.contract.readings import DEFAULTS
from mockserver.contract.violations import Violation, format_duration
from mockserver.core.http import Request
from mockserver.core.text import Text
from mockserver.validation.body import check_body

JSON = {"content-type": "application/json"}


def violations_of(operation: str, body: Any, **readings: Any) -> list[Violation]:
    """Return the violations of a body with this JSON value."""
    request = Request("POST", "", "", JSON, json.dumps(body).encode())
    validator = shipped_config().schemas.request(operation)
    return check_body(request, validator, {**DEFAULTS, **readings}, OPERATIONS[operation].section)[1]


def test_missing_fields_come_first_then_wrong_then_unknown_ones() -> None:
    """Missing, wrong and unknown fields are reported in this order."""
    found = violations_of("query_instance_all_records_by_time", {"x": 1, "EndTime": 5, "BeginTime": "abc", "y": 2})
    assert [(violation.name, violation.where) for violation in found] == [
        ("missing_field", "body:/UserId"),
        ("wrong_type", "body:/EndTime"),
        ("invalid_value", "body:/BeginTime"),
        ("unknown_field", "body:/x"),
        ("unknown_field", "body:/y"),
    ]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_violation_names_the_section_of_its_operation(operation: str) -> None:
    """Every violation of a body points to the section on the operation's request parameters."""
    (section,) = {violation.section for violation in violations_of(operation, {})}
    assert section == f"{OPERATIONS[operation].section}.4"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("1575962150000", "milliseconds"),
        ("1575962150000000", "microseconds"),
        ("157599250", "expected 10 digits, received 9"),
        ("15759621501", "expected 10 digits, received 11"),
        ("-1575962150", "negative"),
        ("+1575962150", "sign"),
        ("1575962150.5", "fraction"),
        ("1.5e9", "exponent"),
        ("2019-12-10 15:15:50", "calendar date"),
        (" 1575962150", "whitespace"),
        ("1575962150\n", "whitespace"),
        ("１５７５９６２１５０", "not ASCII"),
        ("now", "not a number"),
        ("", "empty"),
    ],
)
def test_an_invalid_timestamp_is_explained(value: str, reason: str) -> None:
    """One violation with one reason, and what a timestamp looks like."""
    (violation,) = violations_of("query_all_instance_by_time", {"BeginTime": value, "EndTime": "1575962850"})
    assert (violation.name, violation.where) == ("invalid_value", "body:/BeginTime")
    assert reason in violation.text.en
    assert "10 digits" in violation.text.en


@pytest.mark.parametrize(
    ("value", "name", "reason"),
    [
        ("2019-12-10", "invalid_value", "separators"),
        ("2019/1/1", "invalid_value", "separators"),
        ("1575962850", "invalid_value", "stamp"),
        ("2019121", "invalid_value", "eight digits"),
        ("20191232", "no_such_day", "not a valid date"),
        ("20190229", "no_such_day", "not a valid date"),
        ("20191300", "no_such_day", "not a valid date"),
        ("00000000", "no_such_day", "not a valid date"),
    ],
)
def test_an_invalid_day_is_explained(value: str, name: str, reason: str) -> None:
    """The text says whether its format is wrong or the calendar has no such day."""
    (violation,) = violations_of("count_qos_by_day", {"QueryDate": value})
    assert (violation.name, violation.where) == (name, "body:/QueryDate")
    assert reason in violation.text.en


@pytest.mark.parametrize("value", [None, True, False, 1.5, [], {}, [1], {"a": 1}, 5])
def test_a_wrong_type_is_reported_once(value: Any) -> None:
    """Anything but a string gives one wrong_type and nothing else."""
    (violation,) = violations_of("query_room_info", {"RoomId": value})
    assert violation.name == "wrong_type"
    assert "send a string" in violation.text.en


@pytest.mark.parametrize("operation", ["count_business_total_volume_by_day", "count_business_distribute_volume_by_day"])
@pytest.mark.parametrize("value", ["2", 2.0, True, None, [2]])
def test_the_text_on_a_wrong_count_by_asks_for_an_integer(operation: str, value: Any) -> None:
    """`"2"` looks like one of 1, 2, 3, 4: the text names the type."""
    (violation,) = violations_of(operation, {"QueryDate": "20191210", "CountBy": value})
    assert violation.name == "wrong_type"
    assert "an integer, one of" in violation.text.en


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("roomid", "RoomId"),
        ("room_id", "RoomId"),
        ("ROOMID", "RoomId"),
        ("begin_time", "BeginTime"),
        ("endtime", "EndTime"),
    ],
)
def test_a_misspelled_field_is_reported_with_the_right_name(sent: str, meant: str) -> None:
    """Differences in case and underscores are recognized."""
    violation = next(
        violation for violation in violations_of("query_room_info", {sent: "1"}) if violation.name == "unknown_field"
    )
    assert f"did you mean {meant}?" in violation.text.en
    assert f"是否为 {meant}" in violation.text.zh


def test_a_missing_field_is_reported_with_its_misspelling() -> None:
    """Each misspelled field belongs to one missing field only; a different one to none."""
    sent = {"begintime": "1575962220", "EndTIME": "1575962280", "page": 1}
    texts = {violation.where: violation.text for violation in violations_of("query_all_instance_by_time", sent)}
    assert texts["body:/BeginTime"].en.startswith("BeginTime is missing (you sent begintime); send ")
    assert texts["body:/BeginTime"].zh.startswith("未提供 BeginTime（发送的是 begintime）；应为")
    assert texts["body:/EndTime"].en.startswith("EndTime is missing (you sent EndTIME); send ")
    (violation,) = [
        violation for violation in violations_of("query_room_info", {"page": 1}) if violation.name == "missing_field"
    ]
    assert violation.text.en.startswith("RoomId is missing; send ")


def test_lenient_converts_integers_and_digits() -> None:
    """Integers for dates and digits for integers are tolerated; ids that are not text, booleans, fractions and negative numbers are not."""
    day = "count_business_total_volume_by_day"
    for value in ("2", 2.0):
        assert [
            violation.tolerated
            for violation in violations_of(day, {"QueryDate": 20191210, "CountBy": value}, strictness="lenient")
        ] == [*(True, True)]
    found = violations_of("query_room_info", {"RoomId": 7}, strictness="lenient")
    assert [violation.tolerated for violation in found] == [False]
    for value in (True, 2.5, "2.0", "two", "-1", "", None, "２"):
        found = violations_of(day, {"QueryDate": "20191210", "CountBy": value}, strictness="lenient")
        assert [violation.tolerated for violation in found][-1] is False, value


def test_rules_apply_to_converted_fields() -> None:
    """Timestamps sent as integers are compared like others."""
    body = {"BeginTime": 1575962851, "EndTime": 1575962850}
    assert [
        violation.name for violation in violations_of("query_all_instance_by_time", body, strictness="lenient")
    ] == [*("wrong_type", "wrong_type", "begin_after_end")]


def test_rules_look_at_valid_fields_only() -> None:
    """A range is reported beside other violations, but not if one of its timestamps is invalid."""
    long = {"BeginTime": "1000000000", "EndTime": "1575962850"}
    names = [violation.name for violation in violations_of("query_all_instance_by_time", {**long, "x": 1})]
    assert names == ["unknown_field", "range_too_large"]
    assert [violation.name for violation in violations_of("query_all_instance_by_time", {**long, "EndTime": 5})] == [
        "wrong_type"
    ]
    assert violations_of("query_room_info", {**long, "RoomId": "1"}) == []
    assert [violation.name for violation in violations_of("query_room_info", {**long, "RoomId": 1})] == ["wrong_type"]


def test_texts_are_spaced_correctly():
    """No double space for an empty value, and a space between Chinese and ASCII."""
    (violation,) = violations_of("query_room_info", {"RoomId": ""})
    assert violation.text.en == "RoomId is empty; send a string of 1…256 characters"
    assert violation.text.zh == "RoomId 为空；应为 1…256 个字符的字符串"
    (violation,) = violations_of("query_room_info", {"RoomId": 7})
    assert violation.text.zh == "RoomId 为数字 7；应为 1…256 个字符的字符串"


def test_a_long_duration_is_given_in_days_and_hours():
    """They stand beside the seconds, and are never rounded to what would be allowed."""
    assert format_duration(301) == Text("301 s", "301 秒")
    assert format_duration(28_800) == Text("28800 s (8 h)", "28800 秒（8 小时）")
    assert format_duration(31 * 86_400 + 1) == Text("2678401 s (over 31 days)", "2678401 秒（31 天多）")


def test_tens_of_thousands_of_unknown_fields_are_reported_like_twenty() -> None:
    """Only the reported fields are compared with known names, however many there are."""
    crowd = {f"room{number}": 1 for number in range(60_000)}
    found = violations_of("query_room_info", crowd)
    assert len(found) == 21
    assert "(you sent room0)" in found[0].text.en
