"""A client of curl and openssl against the served program: the six documented calls, and each wrong one.

Nothing of the package is used here but its command.
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
    """A server of the document's own samples, on the machine's clock."""
    with serving("--scenario", "document") as one:
        yield one.url


@pytest.fixture(scope="module")
def default() -> Iterator[str]:
    """A server as it comes."""
    with serving() as one:
        yield one.url


def call(url: str, operation: str, body: str, *words: str) -> tuple[int, str]:
    """HTTP status and body of one call by the client."""
    told = subprocess.run(
        ["bash", str(HERE / "client.sh"), url, operation, body, *words],
        capture_output=True, check=True, timeout=30,
    )  # fmt: skip
    answer, _, status = told.stdout.decode("utf-8").rpartition("\n")
    return int(status), answer


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["operation"])
def test_the_documents_samples_are_answered_to_the_letter(document: str, sample: dict[str, Any]) -> None:
    """Each sample body, signed, gets the document's sample answer: each value, and the keys in the document's order."""
    status, answer = call(document, sample["operation"], json.dumps(sample["body"]))
    assert status == 200
    assert json.dumps(json.loads(answer)) == json.dumps(sample["answer"])


WRONG: dict[str, tuple[int, str, list[str], str]] = {
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


@pytest.mark.parametrize(("code", "word", "words", "body"), WRONG.values(), ids=WRONG)
def test_a_wrong_call_is_told_what_is_wrong(
    document: str, code: int, word: str, words: list[str], body: str
) -> None:
    """HTTP 200, the envelope alone, the code of the mistake and a word that helps."""
    status, answer = call(document, "query_room_info", body, *words)
    told = json.loads(answer)
    assert (status, told["Status"], told["ErrorCode"]) == (200, "FAIL", code)
    assert word in told["ErrorInfo"]
    assert list(told) == ["Status", "ErrorCode", "ErrorInfo"]


def test_a_range_too_large_is_told(document: str) -> None:
    """32 days in one question are too many."""
    body = json.dumps({"BeginTime": "1573000000", "EndTime": str(1_573_000_000 + 32 * 86_400)})
    assert json.loads(call(document, "query_all_instance_by_time", body)[1])["ErrorCode"] == 1204


def ask(url: str, operation: str, **body: Any) -> dict[str, Any]:
    """The answer to a right call."""
    status, answer = call(url, operation, json.dumps(body))
    told = json.loads(answer)
    assert (status, told["Status"], told["ErrorCode"], told["ErrorInfo"]) == (200, "OK", 0, "")
    return told


def test_the_default_answers_the_samples_and_they_agree(default: str) -> None:
    """The six sample bodies get data, and what one answer tells no other contradicts."""
    window = {"BeginTime": "1575962150", "EndTime": "1575962850"}
    begin, end = (int(stamp) for stamp in window.values())
    listed = ask(default, "query_all_instance_by_time", **window)["UsersList"]
    records = ask(default, "query_instance_all_records_by_time", UserId="123456789", **window)["UserRecords"]
    room = ask(default, "query_room_info", RoomId="123456789", **window)
    assert listed
    assert records
    assert room["Users"]

    # 2.3: every stay overlaps the window and makes sense in itself.
    for row in listed:
        create, enter, leave = (int(row[name]) for name in ("CreateTime", "EnterTime", "LeaveTime"))
        assert create <= enter < leave
        assert (enter <= end, leave >= begin) == (True, True)
        assert 0 <= row["AudioDuration"] <= leave - enter
        assert 0 <= row["VideoDuration"] <= leave - enter

    # 2.1 tells the same stays as 2.3, for the user asked for.
    stay = ("EnterTime", "LeaveTime", "AudioDuration", "VideoDuration")
    of_user = [
        (record["RoomId"], record["CreateTime"], *(one[name] for name in stay))
        for record in records
        for one in record["RoomRecords"]
    ]
    from_list = [
        (row["RoomId"], row["CreateTime"], *(row[name] for name in stay))
        for row in listed
        if row["UserId"] == "123456789"
    ]
    assert sorted(of_user) == sorted(from_list)

    # 2.2 sums the stays that 2.3 lists of the room.
    mine: dict[str, list[dict[str, Any]]] = {}
    for row in listed:
        if row["RoomId"] == "123456789":
            mine.setdefault(row["UserId"], []).append(row)
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
        for user, rows in mine.items()
    }

    # 3.1 and 3.2 count the same day, whatever it is divided by.
    day = {"QueryDate": "20191210"}
    trend = {
        by: ask(default, "count_business_total_volume_by_day", CountBy=by, **day)["TrendData"]
        for by in range(5)
    }
    spread = {
        by: ask(default, "count_business_distribute_volume_by_day", CountBy=by, **day)["DistributeData"]
        for by in range(1, 5)
    }
    midnight = 1_575_907_200
    for by in range(1, 5):
        ticks = [int(row["TickTime"]) for row in trend[by]]
        assert ticks == list(range(midnight, midnight + 86_400, 60))
    assert trend[0] == [row for tick in zip(*(trend[by] for by in range(1, 5)), strict=True) for row in tick]
    seconds, made, peak, people = (
        (max if by == 3 else sum)(row["Volume"] for row in trend[by]) for by in range(1, 5)
    )
    assert min(seconds, made, peak, people) > 0
    for rows in spread.values():
        assert sum(row["CommunicateDuration"] for row in rows) == seconds
        assert sum(row["RoomCnt"] for row in rows) == made
        assert sum(row["CommunicateNum"] for row in rows) == people
        online = [row["PeakOnlineNum"] for row in rows]
        assert max(online) <= peak <= sum(online)

    # 3.3 tells of ticks of that day, in order, in percent; every minute of the window has somebody in a call.
    quality = ask(default, "count_qos_by_day", **day)["QosData"]
    ticks = [int(row["TickTime"]) for row in quality]
    assert ticks == sorted(set(ticks))
    assert {tick % 60 for tick in ticks} == {0}
    assert midnight <= ticks[0] <= ticks[-1] < midnight + 86_400
    assert {int(row["EnterTime"]) // 60 * 60 for row in listed if int(row["EnterTime"]) >= midnight} <= set(
        ticks
    )
    for row in quality:
        assert all(
            0 <= row[name] <= 100 for name in ("JoinRoomSuccRate", "AudioPackLossRate", "VideoPackLossRate")
        )
        assert min(row["AudioDelayRate"], row["VideoDelayRate"]) > 0


def test_the_stays_of_a_day_add_up_to_its_statistics() -> None:
    """The recorded day, asked for stay by stay, gives the trend's seconds, rooms, peak and people by arithmetic."""
    begin = 1_575_907_200
    end = begin + 86_400
    with serving("--scenario", "recorded-day") as one:
        url = one.url
        listed = ask(url, "query_all_instance_by_time", BeginTime=str(begin), EndTime=str(end - 1))[
            "UsersList"
        ]
        volumes = {
            by: [
                row["Volume"]
                for row in ask(url, "count_business_total_volume_by_day", CountBy=by, QueryDate="20191210")[
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
