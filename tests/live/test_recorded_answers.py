"""A client that asks a recording what was never asked while recording: each answer is the backend's, or says that it was not recorded."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from helpers.length import FULL
from live.local_target import Time
from live.second_backend import (
    ALL,
    CHOICES,
    DAY,
    QUALITY,
    RECORDS,
    ROOM,
    SPREAD,
    TREND,
    Backend,
    Refused,
)
from live.test_record import (
    DATA_READINGS,
    NOW,
    YESTERDAY,
    recording,
    replayed,
    sorted_rows,
    span,
)

Question = tuple[str, dict[str, Any]]
NOT_RECORDED, UNKNOWN = 1403, {1301: "room_not_found", 1302: "user_not_found"}
DAYS = ("20261024", "20261025", "20261026", "20261027")


def questions(draw: random.Random, backend: Backend) -> Iterator[Question]:
    """Questions without end: about ids that exist and that do not, in windows that often end where a call begins or ends."""
    users, rooms = (
        sorted({each[name] for each in backend.log}) for name in ("user", "room")
    )
    edges = [
        each[name] for each in backend.log for name in ("create", "enter", "leave")
    ]

    def moment() -> int:
        near = draw.choice(
            [
                draw.choice(edges),
                draw.randint(YESTERDAY - 2 * DAY, NOW + 4_000),
                NOW,
                YESTERDAY,
            ]
        )
        return near + draw.randint(-2, 2)

    def window() -> dict[str, str]:
        begin = moment()
        return span(
            *sorted(
                (
                    begin,
                    draw.choice(
                        [moment(), begin + draw.choice([0, 1, 600, 20_000, 90_000])]
                    ),
                )
            )
        )

    while True:
        yield ALL, window()
        yield RECORDS, {"UserId": draw.choice([*users, "nobody"]), **window()}
        room = {"RoomId": draw.choice([*rooms, "room-x", "room-y"])}
        yield ROOM, room
        yield ROOM, {**room, **window()}
        yield ROOM, {**room, **dict([draw.choice(list(window().items()))])}
        day = {"QueryDate": draw.choice(DAYS)}
        yield draw.choice(
            [
                (QUALITY, day),
                *(
                    (each, {**day, "CountBy": draw.randint(1, 4)})
                    for each in (SPREAD, TREND)
                ),
            ]
        )


def answer_at(
    backend: Backend, time: Time, now: float, question: Question
) -> dict[str, Any] | str:
    """What the backend answers at a time: a success, or the name of an error."""
    time.now = now
    try:
        return {
            "Status": "OK",
            "ErrorCode": 0,
            "ErrorInfo": "",
            **getattr(backend, question[0])(question[1]),
        }
    except Refused as refused:
        return str(refused)


def sessions(answer: Any) -> dict[tuple[str, ...], Any]:
    """The rows of an answer of 2.1 or 2.3, by what identifies a session."""
    if "UsersList" in answer:
        return {
            (row["UserId"], row["RoomId"], row["EnterTime"]): row
            for row in answer["UsersList"]
        }
    rooms = answer["UserRecords"]
    return {
        (room["RoomId"], row["EnterTime"]): (room["CreateTime"], row)
        for room in rooms
        for row in room["RoomRecords"]
    }


def is_faithful(
    got: Any, question: Question, backend: Backend, time: Time, times: Iterable[float]
) -> bool:
    """Whether an answer is the backend's at one of these times; each row of calls may be of another one, but none is missing."""
    answers = [answer_at(backend, time, now, question) for now in times]
    if got["Status"] == "FAIL":
        return UNKNOWN.get(got["ErrorCode"]) in answers
    if any(sorted_rows(got) == sorted_rows(answer) for answer in answers):
        return True
    last, always = answers[-1], {**question[1], **span(0, 9_999_999_998)}
    if (
        question[0] not in (ALL, RECORDS)
        or isinstance(last, str)
        or sessions(got).keys() != sessions(last).keys()
    ):
        return False
    seen: list[Any] = [
        answer_at(backend, time, now, (question[0], always)) for now in times
    ]
    return all(
        any(sessions(each).get(key) == row for each in seen)
        for key, row in sessions(got).items()
    )


def is_unknown(got: Any, body: Mapping[str, Any], recorded: set[str]) -> bool:
    """Whether the answer says that there is no such id, which the recording has in none of its windows."""
    names = {body.get("RoomId"), body.get("UserId")} - {None}
    return (
        got["ErrorCode"] in UNKNOWN or got.get("CreateTime") == ""
    ) and not names & recorded


@pytest.mark.parametrize("moving", [False, True], ids=["at-once", "over-hours"])
@pytest.mark.parametrize("seed", range(60 if FULL else 3))
def test_a_recording_answers_what_was_never_asked_or_says_so(
    tmp_path: Path, seed: int, moving: bool
) -> None:
    """Under any reading of the data, whatever was recorded, in a second or over hours with calls that begin and end meanwhile."""
    draw, time = random.Random(seed), Time()
    backend = Backend(
        {name: draw.choice(CHOICES[name]) for name in DATA_READINGS}
        | {"max_range_days": 0},
        clock=time,
        seed=seed,
    )
    source, times = questions(draw, backend), []
    with recording(tmp_path, backend, time) as session:
        for _, (operation, body) in zip(
            range(draw.choice([5, 20, 60])), source, strict=False
        ):
            # A target may fail now and then; what it says then is no data.
            if draw.random() < 0.1:
                session.weather.disturb = lambda: (
                    200,
                    b'{"Status": "FAIL", "ErrorCode": 9, "ErrorInfo": "busy"}',
                )
            session.ask(operation, **body)
            session.weather.disturb = lambda: None
            times.append(int(time.now))
            time.now += draw.choice([0, 1, 30, 400, 2_000]) if moving else 0
        found = session.recorder
    recorded_at = int(found.recording.known_until or found.recording.recorded_at)
    mock = replayed(
        tmp_path, backend, later=int(time.now) - NOW + draw.choice([0, 60, 7_200])
    )
    recorded = {
        name for user, room, _ in found.recording.sessions for name in (user, room)
    }
    counts: Counter[str] = Counter()
    for _, question in zip(range(300), source, strict=False):
        got = mock.ask(question[0], question[1])
        if got["ErrorCode"] == NOT_RECORDED:
            counts["not recorded"] += 1
        elif is_faithful(got, question, backend, time, sorted({*times, recorded_at})):
            counts["answered"] += 1
        else:
            assert is_unknown(got, question[1], recorded), json.dumps(
                [seed, backend.readings, question, got]
            )
            assert not inside(backend, question[1])
    assert counts["not recorded"] and counts["answered"], counts


def inside(backend: Backend, body: Mapping[str, Any]) -> bool:
    """Whether the backend has a session of this room, or of this user, in this window."""
    names = {"room": body.get("RoomId"), "user": body.get("UserId")}
    begin, end = int(body.get("BeginTime", 0)), int(body.get("EndTime", 9_999_999_999))
    calls = (each for each in backend.calls() if backend.within(each, begin, end))
    return any(each[name] == value for each in calls for name, value in names.items())
