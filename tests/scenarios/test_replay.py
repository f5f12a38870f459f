"""A recording of a past day is served for today: times in answers move forward, times in requests back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.engine_client import EngineClient, user_config

from mockserver.core.clock import DAY_SECONDS, parse_day
from mockserver.core.errors import ConfigurationError
from mockserver.engine.build import make_engine

DAY = parse_day("20191210")
RECORDED_AT = DAY + 50_000
SCENARIO = {
    "title": "Recorded",
    "world": {
        "source": "recorded",
        "recorded_at": RECORDED_AT,
        "covers": [{"from": DAY, "to": RECORDED_AT}],
        "rooms": [
            {"RoomId": "77", "stays": [{"UserId": "aaa", "enter": DAY + 36_000, "leave": DAY + 36_060, "audio": 9}]}
        ],
    },
    "answers": [
        {
            "on": "count_qos_by_day",
            "when": {"body": {"QueryDate": "20191210"}},
            "reply": {"body": {"QosData": [
                {"TickTime": str(DAY + 36_000), "JoinRoomSuccRate": 100, "AudioPackLossRate": 1, "VideoPackLossRate": 1,
                 "AudioDelayRate": 20, "VideoDelayRate": 20}
            ]}},
        }
    ],
}  # fmt: skip


def client(folder: Path, shift: str, now: int) -> EngineClient:
    files = {"scenarios/recorded.yaml": json.dumps({**SCENARIO, "replay": {"shift": shift}})}
    return EngineClient("recorded", {"signing": "off"}, config=user_config(folder, files), now=now)


@pytest.mark.parametrize(
    ("shift", "later", "moved", "moved_days"),
    [
        ("none", 40 * DAY_SECONDS, 0, 0),
        ("days", 40 * DAY_SECONDS + 3_600, 40 * DAY_SECONDS, 40),
        ("seconds", 40 * DAY_SECONDS + 3_600, 40 * DAY_SECONDS + 3_600, 40),
    ],
)
def test_all_times_of_a_recording_move(tmp_path: Path, shift: str, later: int, moved: int, moved_days: int) -> None:
    """By whole days, or to the second; the statistics of a day always by whole days."""
    mock = client(tmp_path, shift, RECORDED_AT + later)

    def ask(operation: str, **body: Any) -> dict[str, Any]:
        return dict(mock.ask(operation, body))

    enter = DAY + 36_000 + moved
    rows = ask("query_all_instance_by_time", BeginTime=str(enter - 9), EndTime=str(enter + 9))["UsersList"]
    assert rows == [
        {"UserId": "aaa", "RoomId": "77", "CreateTime": str(enter), "EnterTime": str(enter),
         "LeaveTime": str(enter + 60), "AudioDuration": 9, "VideoDuration": 0}
    ]  # fmt: skip
    window = {"BeginTime": str(enter), "EndTime": str(enter + 60)}
    records = ask("query_instance_all_records_by_time", UserId="aaa", **window)["UserRecords"]
    assert records[0]["RoomRecords"][0]["EnterTime"] == str(enter)
    room = ask("query_room_info", RoomId="77")
    assert (room["DestroyTime"], room["Users"][0]["LastLeaveTime"]) == (str(enter + 60), str(enter + 60))
    day = {0: "20191210", 40: "20200119"}[moved_days]
    ticks = ask("count_qos_by_day", QueryDate=day)["QosData"]
    assert ticks[0]["TickTime"] == str(DAY + 36_000 + moved_days * DAY_SECONDS)
    other = {0: "20200119", 40: "20191210"}[moved_days]
    assert ask("count_qos_by_day", QueryDate=other)["ErrorCode"] == 1403
    before = {"BeginTime": str(DAY + moved - 1), "EndTime": str(enter)}
    assert ask("query_all_instance_by_time", **before)["ErrorCode"] == 1403


def test_a_replay_ends_when_the_recording_ended(tmp_path: Path) -> None:
    """A client that asks for the last hour is answered; what came after the recording has not happened."""
    now = RECORDED_AT + 40 * DAY_SECONDS + 3_600
    mock = client(tmp_path, "days", now)
    body = {"BeginTime": str(now - 7_200), "EndTime": str(now)}
    assert mock.ask("query_all_instance_by_time", body)["UsersList"] == []
    response = mock.send({"operation": "query_room_info", "body": {"RoomId": "78"}})
    assert (mock.error(response), dict(response.headers)["X-Mock-Answered-By"]) == ("not_recorded", "recording")


def test_a_replay_needs_to_know_when_it_was_recorded(tmp_path: Path) -> None:
    """Otherwise the distance to move it is unknown."""
    (tmp_path / "scenarios").mkdir()
    file = tmp_path / "scenarios" / "x.yaml"
    file.write_text("title: X\nextends: default\nreplay: {shift: days}\n")
    with pytest.raises(ConfigurationError, match=r"x\.yaml:3:1: replay needs `recorded_at`"):
        make_engine(fixtures=str(tmp_path))
