"""The OpenAPI document follows every reading: in its texts, parameters, paths, bodies and answers."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.engine_client import EngineClient, shipped_config
from helpers.length import length
from helpers.openapi import READING_SETS, answers, document, parameters, schema_of
from helpers.request_builder import NOW
from jsonschema import Draft202012Validator

from mockserver.contract.operations import OPERATIONS
from mockserver.contract.readings import READINGS
from mockserver.core.clock import parse_day


@pytest.mark.parametrize("readings", READING_SETS, ids=range(len(READING_SETS)))
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_reading_is_explained_where_it_applies(lang: Any, readings: dict[str, Any]) -> None:
    """Value and reason stand in the description of the API, a parameter or an operation."""
    found = document(lang, **readings)
    places = [found["info"], *found["components"]["parameters"].values()]
    places += [path["post"] for path in found["paths"].values()]
    lines = {line for place in places for line in place["description"].split("\n")}
    assert {f"- `{name}={value}`: {READINGS[name].why.to(lang)}" for name, value in readings.items()} <= lines
    assert {row["name"]: row["value"] for row in found["x-readings"]} == readings


@pytest.mark.parametrize(
    ("signing", "formula"),
    [
        ("v2", "`appsecret + restapikey + curtime`"),
        ("v1", "`appsecret + curtime`"),
        ("either", "`appsecret + restapikey + curtime` or `appsecret + curtime`"),
    ],
)
def test_the_formula_is_that_of_the_reading_signing(signing: str, formula: str) -> None:
    """It is in the description of the API, of the security scheme and of the parameter `checksum`, and no other is."""
    found = document(signing=signing)
    schemes = found["components"]["securitySchemes"]
    for place in (found["info"], schemes["signature"], found["components"]["parameters"]["checksum"]):
        assert f"SHA-1 of {formula};" in place["description"]


def test_the_security_scheme_is_the_signed_query() -> None:
    """Every operation needs it."""
    found = document()
    scheme = found["components"]["securitySchemes"]["signature"]
    assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "query", "checksum")
    assert found["security"] == [{"signature": []}]


def test_readings_change_the_parameters() -> None:
    """What a signature looks like, how long it is valid, and which parameters may be missing."""
    assert parameters()["seq"]["required"] is True
    assert parameters(seq="optional")["seq"]["required"] is False
    assert Draft202012Validator(parameters(seq="optional")["seq"]["schema"]).is_valid("")
    assert not Draft202012Validator(parameters()["seq"]["schema"]).is_valid("")
    for readings, valid in (({}, False), ({"curtime": "fraction"}, True)):
        schema = parameters(**readings)["curtime"]["schema"]
        assert Draft202012Validator(schema).is_valid("1575962850.25") is valid
    assert "valid for 60 seconds" in parameters(freshness_seconds=60)["checksum"]["description"]
    assert "valid for 60 seconds" in document(freshness_seconds=60)["info"]["description"]
    assert "only once" in parameters(checksum_reuse="once")["checksum"]["description"]
    assert "only once" not in parameters()["checksum"]["description"]
    assert "enum" not in parameters()["identifier"]["schema"]
    accounts = {account for app in shipped_config().apps.values() for account in app.identifiers}
    assert parameters(identifier="admin")["identifier"]["schema"]["enum"] == sorted(accounts)


def test_readings_change_the_paths() -> None:
    """`paths=document` adds the paths of the text, with operations of their own name."""
    found = document(paths="document")["paths"]
    assert len(found) == 4 * len(OPERATIONS)
    assert {"/v1/test/count_qos_by_day", "/v1/video/query_room_info", "/v2/test/query_room_info"} <= set(found)
    assert len({path["post"]["operationId"] for path in found.values()}) == len(found)


def test_strictness_changes_the_bodies() -> None:
    """Lenient: integers for timestamps and days, texts for numbers, unknown fields."""
    lenient = {"strictness": "lenient"}
    for field, value in (("QueryDate", 20191210), ("CountBy", "2")):
        name = f"CountBusinessTotalVolumeByDayRequest/{field}"
        assert Draft202012Validator(schema_of(name, **lenient)).is_valid(value)
        assert not Draft202012Validator(schema_of(name)).is_valid(value)
    window = Draft202012Validator(schema_of("QueryAllInstanceByTimeRequest/BeginTime", **lenient))
    assert [window.is_valid(value) for value in (1575962150, "1575962150", 15759621, "x")] == [True, True, False, False]
    request = Draft202012Validator(schema_of("QueryRoomInfoRequest", **lenient))
    assert [request.is_valid({"RoomId": room, "Extra": 1}) for room in ("7", 7)] == [True, False]
    assert not Draft202012Validator(schema_of("QueryRoomInfoRequest")).is_valid({"RoomId": "7", "Extra": 1})


def test_readings_change_the_answers() -> None:
    """Fields that a reading adds exist only with it; the times of calls in progress and unknown rooms follow theirs."""
    assert schema_of("TrendPoint/CountBy") is None
    assert schema_of("TrendPoint/CountBy", count_by_zero="error") is None
    assert schema_of("TrendPoint/CountBy", count_by_zero="labelled")["enum"] == [1, 2, 3, 4]
    assert "Name" not in schema_of("DistributionRow")["properties"]
    assert "Name" in schema_of("DistributionRow", labels="on")["required"]
    total = "CountBusinessTotalVolumeByDayRequest/CountBy"
    assert schema_of(total)["enum"] == [0, 1, 2, 3, 4]
    assert schema_of(total, count_by_zero="error")["enum"] == [1, 2, 3, 4]

    def accepted(field: str, **readings: Any) -> list[str]:
        validator = Draft202012Validator(schema_of(field, **readings))
        return [value for value in ("1575962850", "0", "") if validator.is_valid(value)]

    for field in (
        "Call/LeaveTime",
        "RoomRecord/LeaveTime",
        "RoomUser/LastLeaveTime",
        "QueryRoomInfoSuccess/DestroyTime",
    ):
        assert accepted(field) == accepted(field, ongoing="exclude") == ["1575962850"]
        assert accepted(field, ongoing="zero") == ["1575962850", "0"]
        assert accepted(field, ongoing="empty") == ["1575962850", ""]
    assert accepted("QueryRoomInfoSuccess/CreateTime") == ["1575962850"]
    assert accepted("QueryRoomInfoSuccess/CreateTime", unknown_room="empty") == ["1575962850", "0", ""]
    assert "" in accepted("QueryRoomInfoSuccess/DestroyTime", unknown_room="empty")


@pytest.mark.parametrize("readings", READING_SETS, ids=range(len(READING_SETS)))
def test_answers_are_valid_under_every_reading(readings: dict[str, Any]) -> None:
    """What a server with calls in progress answers is valid by the document of the same readings."""
    # The requests are signed by v2, in the same second.
    readings = {**readings, "signing": "either", "checksum_reuse": "allowed", "freshness_seconds": 300}
    client, found = EngineClient("live-calls", readings), document(**readings)
    hour = {"BeginTime": str(NOW - 3_600), "EndTime": str(NOW)}
    calls = client.ask("query_all_instance_by_time", hour)
    assert calls["UsersList"]
    bodies = {
        "query_all_instance_by_time": [hour],
        "query_instance_all_records_by_time": [{**hour, "UserId": calls["UsersList"][-1]["UserId"]}],
        "query_room_info": [{"RoomId": row["RoomId"]} for row in calls["UsersList"][:: length(5, 1)]]
        + [{"RoomId": "nobody's"}],
        "count_business_total_volume_by_day": [{"CountBy": by, "QueryDate": "20191210"} for by in range(5)],
        "count_business_distribute_volume_by_day": [{"CountBy": 1, "QueryDate": "20191210"}],
        "count_qos_by_day": [{"QueryDate": "20191210"}],
    }
    for operation in OPERATIONS:
        validator = answers(found, operation)
        for body in bodies[operation]:
            answer = client.ask(operation, body)
            assert (
                answer["Status"] == "OK" or answer["ErrorCode"] in found["components"]["schemas"]["FailureCode"]["enum"]
            )
            if not (answer["Status"] == "FAIL" and readings["http_status"] == "rest"):
                assert [error.message for error in validator.iter_errors(answer)] == []


@pytest.mark.parametrize(
    ("day", "exists"),
    [
        *((day, True) for day in ("20191210", "00010101", "20200229", "20000229", "99991231", "20190430", "04040229")),
        *((day, False) for day in ("00000000", "00001231", "20190229", "21000229", "20191301", "20190431", "20190100")),
        *((day, False) for day in ("2019121", "201912100", "2019-1-1", "")),
    ],
)
def test_a_query_date_is_a_day_of_the_calendar(day: str, exists: bool) -> None:
    """By the document, as by the server."""
    for operation in ("CountQosByDay", "CountBusinessTotalVolumeByDay", "CountBusinessDistributeVolumeByDay"):
        assert Draft202012Validator(schema_of(f"{operation}Request/QueryDate")).is_valid(day) is exists
    if exists:
        assert parse_day(day) <= parse_day("99991231")
    else:
        with pytest.raises(ValueError):  # noqa: PT011
            parse_day(day)
