"""A client made of curl and openssl calls the served API: the six documented calls, and each kind of invalid call.

Only the command `mockserver serve` is used, no code of the package.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.server_process import serving

HERE = Path(__file__).parent
SAMPLES = json.loads((HERE.parent / "document_samples.json").read_text(encoding="utf-8"))
BODIES = {sample["operation"]: sample["body"] for sample in SAMPLES}
ROOM = json.dumps(BODIES["query_room_info"])
pytestmark = pytest.mark.skipif(
    not all(shutil.which(tool) for tool in ("bash", "curl", "openssl", "od")), reason="needs curl and openssl"
)


@pytest.fixture(scope="module")
def document() -> Iterator[str]:
    """The URL of a server of the document scenario, on the machine's clock."""
    with serving("--scenario", "document") as server:
        yield server.url


@pytest.fixture(scope="module")
def default() -> Iterator[str]:
    """The URL of a server with default settings."""
    with serving() as server:
        yield server.url


def call(url: str, operation: str, body: str, *options: str) -> tuple[int, str]:
    """Return HTTP status and body of one call by the client."""
    process = subprocess.run(
        ["bash", str(HERE / "client.sh"), url, operation, body, *options],
        capture_output=True, check=True, timeout=30,
    )  # fmt: skip
    answer, _, status = process.stdout.decode("utf-8").rpartition("\n")
    return int(status), answer


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["operation"])
def test_the_samples_of_the_api_document_are_answered_exactly(document: str, sample: dict[str, Any]) -> None:
    """Each signed sample body gets the sample answer, with the keys in the document's order."""
    status, answer = call(document, sample["operation"], json.dumps(sample["body"]))
    assert status == 200
    assert json.dumps(json.loads(answer)) == json.dumps(sample["answer"])


INVALID: dict[str, tuple[int, str, list[str], str]] = {
    "the formula of v1": (1105, "restapikey", ["sign=v1"], ROOM),
    "upper-case hex": (1105, "lower", ["sign=upper"], ROOM),
    "md5": (1105, "MD5", ["sign=md5"], ROOM),
    "hmac": (1105, "HMAC", ["sign=hmac"], ROOM),
    "base64": (1105, "base64", ["sign=base64"], ROOM),
    "the document's placeholder": (1105, "checksum", ["sign=nonsense"], ROOM),
    "an old checksum": (1104, "behind", ["clock=-400"], ROOM),
    "a clock that is ahead": (1104, "ahead", ["clock=400"], ROOM),
    "a time-zone shift": (1104, "8", ["clock=28800"], ROOM),
    "milliseconds": (1103, "milliseconds", ["curtime=1576000000000"], ROOM),
    "a fraction": (1103, "fraction", ["curtime=1576000000.5"], ROOM),
    "an unknown appkey": (1102, "555", ["appkey=555"], ROOM),
    "no identifier": (1101, "identifier", ["drop=identifier"], ROOM),
    "an empty identifier": (1106, "identifier", ["identifier="], ROOM),
    "a parameter twice": (1108, "seq", ["twice=seq"], ROOM),
    "an empty seq": (1108, "seq", ["seq="], ROOM),
    "a GET": (1002, "POST", ["method=GET"], ROOM),
    "an unknown command": (1001, "query_room_info", ["path=/v2/video/query_room_infos"], ROOM),
    "the path of §1.1": (1001, "/v2/video/query_room_info", ["path=/v1/test/query_room_info"], ROOM),
    "the content type of a form": (1006, "application/json", ["type=application/x-www-form-urlencoded"], ROOM),
    "no content type": (1006, "missing", ["type=none"], ROOM),
    "no body": (1003, "{}", [], ""),
    "no JSON": (1004, "comma", [], '{"RoomId": "1" "BeginTime": ""}'),
    "no object": (1004, "list", [], "[]"),
    "no RoomId": (1201, "RoomId", [], "{}"),
    "an unknown field": (1205, "Roomid", [], '{"RoomId": "1", "Roomid": "1"}'),
    "a number for a string": (1202, "string", [], '{"RoomId": 1}'),
    "a begin after the end": (
        1203, "swap", [], '{"RoomId": "1", "BeginTime": "1575962851", "EndTime": "1575962850"}'
    ),
    "an unknown room": (1301, "nobody", [], '{"RoomId": "nobody"}'),
}  # fmt: skip


@pytest.mark.parametrize(("code", "text", "options", "body"), INVALID.values(), ids=INVALID)
def test_an_invalid_call_is_diagnosed(document: str, code: int, text: str, options: list[str], body: str) -> None:
    """HTTP 200, only the envelope, the code of the mistake and a helpful word."""
    status, answer = call(document, "query_room_info", body, *options)
    envelope = json.loads(answer)
    assert (status, envelope["Status"], envelope["ErrorCode"]) == (200, "FAIL", code)
    assert text in envelope["ErrorInfo"]
    assert list(envelope) == ["Status", "ErrorCode", "ErrorInfo"]


def test_a_time_range_over_the_limit_is_an_error(document: str) -> None:
    """32 days in one query are too many."""
    body = json.dumps({"BeginTime": "1573000000", "EndTime": str(1_573_000_000 + 32 * 86_400)})
    assert json.loads(call(document, "query_all_instance_by_time", body)[1])["ErrorCode"] == 1204


def successful_call(url: str, operation: str, **body: Any) -> dict[str, Any]:
    """Return the answer to a valid call."""
    status, answer = call(url, operation, json.dumps(body))
    result = json.loads(answer)
    assert (status, result["Status"], result["ErrorCode"], result["ErrorInfo"]) == (200, "OK", 0, "")
    return result


def test_the_answers_of_the_default_scenario_are_consistent(default: str) -> None:
    """All six samples return data, and no answer contradicts another."""
    window = {"BeginTime": "1575962150", "EndTime": "1575962850"}
    begin, end = (int(stamp) for stamp in window.values())
    listed = successful_call(default, "query_all_instance_by_time", **window)["UsersList"]
    records = successful_call(default, "query_instance_all_records_by_time", UserId="123456789", **window)[
        "UserRecords"
    ]
    room = successful_call(default, "query_room_info", RoomId="123456789", **window)
    assert listed
    assert records
    assert room["Users"]

    # 2.3: every session overlaps the window, and its times are consistent.
    for row in listed:
        create, enter, leave = (int(row[name]) for name in ("CreateTime", "EnterTime", "LeaveTime"))
        assert create <= enter < leave
        assert (enter <= end, leave >= begin) == (True, True)
        assert 0 <= row["AudioDuration"] <= leave - enter
        assert 0 <= row["VideoDuration"] <= leave - enter

    # 2.1 returns the same sessions of the user as 2.3.
    fields = ("EnterTime", "LeaveTime", "AudioDuration", "VideoDuration")
    of_user = [
        (record["RoomId"], record["CreateTime"], *(session[name] for name in fields))
        for record in records
        for session in record["RoomRecords"]
    ]
    from_list = [
        (row["RoomId"], row["CreateTime"], *(row[name] for name in fields))
        for row in listed
        if row["UserId"] == "123456789"
    ]
    assert sorted(of_user) == sorted(from_list)

    # 2.2 sums up the sessions of the room that 2.3 lists.
    by_user: dict[str, list[dict[str, Any]]] = {}
    for row in listed:
        if row["RoomId"] == "123456789":
            by_user.setdefault(row["UserId"], []).append(row)
            assert row["CreateTime"] == room["CreateTime"]
            assert int(row["LeaveTime"]) <= int(room["DestroyTime"])
    assert {user["UserId"]: user for user in room["Users"]} == {
        user: {
            "UserId": user,
            "FirstEnterTime": str(min(int(row["EnterTime"]) for row in rows)),
            "LastLeaveTime": str(max(int(row["LeaveTime"]) for row in rows)),
            "AudioDuration": sum(row["AudioDuration"] for row in rows),
            "VideoDuration": sum(row["VideoDuration"] for row in rows),
        }
        for user, rows in by_user.items()
    }

    # 3.1 and 3.2 count the same day, for every CountBy.
    day = {"QueryDate": "20191210"}
    trend = {
        by: successful_call(default, "count_business_total_volume_by_day", CountBy=by, **day)["TrendData"]
        for by in range(5)
    }
    distribution = {
        by: successful_call(default, "count_business_distribute_volume_by_day", CountBy=by, **day)["DistributeData"]
        for by in range(1, 5)
    }
    midnight = 1_575_907_200
    for by in range(1, 5):
        ticks = [int(row["TickTime"]) for row in trend[by]]
        assert ticks == list(range(midnight, midnight + 86_400, 60))
    assert trend[0] == [row for tick in zip(*(trend[by] for by in range(1, 5)), strict=True) for row in tick]
    seconds, rooms, peak, users = ((max if by == 3 else sum)(row["Volume"] for row in trend[by]) for by in range(1, 5))
    assert min(seconds, rooms, peak, users) > 0
    for rows in distribution.values():
        assert sum(row["CommunicateDuration"] for row in rows) == seconds
        assert sum(row["RoomCnt"] for row in rows) == rooms
        assert sum(row["CommunicateNum"] for row in rows) == users
        online = [row["PeakOnlineNum"] for row in rows]
        assert max(online) <= peak <= sum(online)

    # 3.3 lists minutes of that day in order, with percentages; every session's first minute is among them.
    quality = successful_call(default, "count_qos_by_day", **day)["QosData"]
    ticks = [int(row["TickTime"]) for row in quality]
    assert ticks == sorted(set(ticks))
    assert {tick % 60 for tick in ticks} == {0}
    assert midnight <= ticks[0] <= ticks[-1] < midnight + 86_400
    assert {int(row["EnterTime"]) // 60 * 60 for row in listed if int(row["EnterTime"]) >= midnight} <= set(ticks)
    for row in quality:
        assert all(0 <= row[name] <= 100 for name in ("JoinRoomSuccRate", "AudioPackLossRate", "VideoPackLossRate"))
        assert min(row["AudioDelayRate"], row["VideoDelayRate"]) > 0


def test_the_sessions_of_a_day_add_up_to_its_statistics() -> None:
    """Seconds, rooms, peak and users of the recorded day follow from its list of sessions."""
    begin = 1_575_907_200
    end = begin + 86_400
    with serving("--scenario", "recorded-day") as server:
        url = server.url
        listed = successful_call(url, "query_all_instance_by_time", BeginTime=str(begin), EndTime=str(end - 1))[
            "UsersList"
        ]
        volumes = {
            by: [
                row["Volume"]
                for row in successful_call(url, "count_business_total_volume_by_day", CountBy=by, QueryDate="20191210")[
                    "TrendData"
                ]
            ]
            for by in range(1, 5)
        }
    spans = [(max(int(row["EnterTime"]), begin), min(int(row["LeaveTime"]), end)) for row in listed]
    assert sum(volumes[1]) == sum(leave - enter for enter, leave in spans)
    assert sum(volumes[2]) == len({row["RoomId"] for row in listed if begin <= int(row["CreateTime"]) < end})
    online = peak = 0
    for _, step in sorted([(enter, 1) for enter, _ in spans] + [(leave, -1) for _, leave in spans]):
        online += step
        peak = max(peak, online)
    assert max(volumes[3]) == peak
    firsts: dict[tuple[str, str], int] = {}
    for row in listed:
        pair = (row["UserId"], row["RoomId"])
        firsts[pair] = min(firsts.get(pair, end), int(row["EnterTime"]))
    assert sum(volumes[4]) == sum(begin <= first < end for first in firsts.values())
