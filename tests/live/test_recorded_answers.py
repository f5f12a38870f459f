"""Requests that were never sent while recording: each answer is the backend's, or `not_recorded`."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.engine_client import shipped_config
from helpers.length import FULL
from live.local_target import START, Time, examine_engine, local_target
from live.second_backend import ALL, CHOICES, DAY, QUALITY, RECORDS, ROOM, SPREAD, TREND, Backend, Refused
from live.test_record import DATA_READINGS, NOW, YESTERDAY, recording, replayed, sorted_rows, span

from mockserver.cli.check import check_folder
from mockserver.contract.readings import resolve
from mockserver.core.folders import Folders
from mockserver.engine.config import load_config
from mockserver.live.pseudonyms import Scrubber
from mockserver.live.recorder import Recorder
from mockserver.live.recording import Recording
from mockserver.live.recording_files import RecordingFiles

Question = tuple[str, dict[str, Any]]
NOT_RECORDED = 1403
UNKNOWN = {1301: "room_not_found", 1302: "user_not_found", 50_019: "room_not_found", 50_020: "user_not_found"}
DAYS = ("20261024", "20261025", "20261026", "20261027")


def questions(draw: random.Random, backend: Backend) -> Iterator[Question]:
    """Yield random requests: known and unknown ids, in windows that often end where a call begins or ends."""
    users, rooms = (sorted({each[name] for each in backend.log}) for name in ("user", "room"))
    edges = [each[name] for each in backend.log for name in ("create", "enter", "leave")]

    def moment() -> int:
        near = draw.choice([draw.choice(edges), draw.randint(YESTERDAY - 2 * DAY, NOW + 4_000), NOW, YESTERDAY])
        return near + draw.randint(-2, 2)

    def window() -> dict[str, str]:
        begin = moment()
        return span(*sorted((begin, draw.choice([moment(), begin + draw.choice([0, 1, 600, 20_000, 90_000])]))))

    while True:
        yield ALL, window()
        yield RECORDS, {"UserId": draw.choice([*users, "nobody"]), **window()}
        room = {"RoomId": draw.choice([*rooms, "room-x", "room-y"])}
        yield ROOM, room
        yield ROOM, {**room, **window()}
        yield ROOM, {**room, **dict([draw.choice(list(window().items()))])}
        day = {"QueryDate": draw.choice(DAYS)}
        yield draw.choice(
            [(QUALITY, day), *((each, {**day, "CountBy": draw.randint(1, 4)}) for each in (SPREAD, TREND))]
        )


def sessions(answer: Any) -> set[str]:
    """The rows of an answer of 2.1 or 2.3, each as a row of 2.3."""
    rows = answer.get("UsersList") or [
        {"UserId": answer["UserId"], "RoomId": room["RoomId"], "CreateTime": room["CreateTime"], **row}
        for room in answer.get("UserRecords", ())
        for row in room["RoomRecords"]
    ]
    return {json.dumps(row, sort_keys=True) for row in rows}


class Checker:
    """Compares answers with those of a backend at the times at which requests were recorded."""

    def __init__(self, backend: Backend, time: Time, times: Iterable[float]) -> None:
        self.backend, self.time, self.times = backend, time, sorted(times)
        always = ALL, span(0, 9_999_999_998)
        self.rows = {row for now in self.times for row in sessions(self.answer(now, always))}

    def is_faithful(self, got: Any, question: Question) -> bool:
        """Whether an answer is the backend's; each call may be as of another of the times, and none is missing."""
        expected = [sorted_rows(got), UNKNOWN.get(got["ErrorCode"])]
        # The newest first: nearly all answers are as of then.
        if any(sorted_rows(self.answer(now, question)) in expected for now in self.times[::-1]):
            return True
        rows, last = sessions(got), self.answer(self.times[-1], question)
        return bool(rows) and rows <= self.rows and not isinstance(last, str) and ids(rows) == ids(sessions(last))

    def answer(self, now: float, question: Question) -> dict[str, Any] | str:
        """Return the backend's answer at a time: a success, or the name of an error."""
        self.time.now = now
        try:
            fields = getattr(self.backend, question[0])(question[1])
        except Refused as refused:
            return str(refused)
        return {"Status": "OK", "ErrorCode": 0, "ErrorInfo": "", **fields}


def ids(rows: Iterable[str]) -> set[tuple[str, ...]]:
    """Return the identifying values of the sessions."""
    return {tuple(json.loads(row)[name] for name in ("UserId", "RoomId", "EnterTime")) for row in rows}


def test_readings_are_concluded_from_what_was_recorded(tmp_path: Path) -> None:
    """Answers that contradict the default correct it; undecided readings are listed, also on the page."""
    time = Time()
    backend = Backend({"window": "enter", "room_window": "room", "ongoing": "empty"}, clock=time)
    room = next(each for each in backend.log if each["enter"] > each["create"] + 60 and each["leave"] < NOW - 3_600)
    with recording(tmp_path, backend, time, learned=False) as session:
        session.ask(ALL, **span(NOW - 4 * DAY, room["enter"]))
        session.recorder.flush()
        page, text = (tmp_path / "recorded.md").read_text(), (tmp_path / "scenarios" / "recorded.yaml").read_text()
        assert 'undecided: {"window": ["enter", "overlap"], "room_window": ["room", "stays"], "room_without' in text
        assert "The answers do not decide the reading window = enter / overlap" in page
        session.ask(ALL, **span(room["enter"] + 1, NOW))
        session.ask(ROOM, RoomId=room["room"], **span(room["create"], room["create"]))
        session.ask(ROOM, RoomId=room["room"], **span(room["create"] - 9, room["create"] - 1))
        session.ask(ROOM, RoomId="no-such-room")
        session.ask(RECORDS, UserId=room["user"], **span(room["create"] - 9, room["create"] - 1))
    page, text = (tmp_path / "recorded.md").read_text(), (tmp_path / "scenarios" / "recorded.yaml").read_text()
    assert 'undecided: {"unknown_user": ["empty", "error"]}' in text  # A user without calls has an empty list.
    assert 'readings: {"window": "enter", "room_window": "room", "ongoing": "empty"}' in text
    assert "the answers show window=enter, not overlap" in page


@pytest.mark.parametrize("how", ["at-once", "over-hours", "not-learned"])
@pytest.mark.parametrize("seed", range(60 if FULL else 2))
def test_a_recording_answers_what_was_never_asked_or_says_so(tmp_path: Path, seed: int, how: str) -> None:
    """Under any readings, known or not, for any recording, also over hours with calls that begin and end."""
    draw, time = random.Random(seed), Time()
    backend = Backend(
        {name: draw.choice(CHOICES[name]) for name in DATA_READINGS} | {"max_range_days": 0},
        clock=time,
        seed=seed,
        habits=frozenset({"selected_rooms"} if seed % 2 else ()),
    )
    source, times, asked = questions(draw, backend), list[int](), list[Question]()
    number = draw.choice([5, 20, 60])
    with recording(tmp_path, backend, time, learned=how != "not-learned") as session:
        for _, (operation, body) in zip(range(number), source, strict=False):
            # A target may fail now and then; what it says then is no data.
            if draw.random() < 0.1:
                session.backend.disturb = lambda: (200, b'{"Status": "FAIL", "ErrorCode": 9, "ErrorInfo": "busy"}')
            answer = session.ask(operation, **body)
            asked += [(operation, body)] if answer["ErrorCode"] != 9 else []
            session.backend.disturb = lambda: None
            times.append(int(time.now))
            time.now += draw.choice([0, 1, 30, 400, 2_000]) if how == "over-hours" else 0
        found = session.recorder
    recorded_at = int(found.recording.known_until or found.recording.recorded_at)
    mock = replayed(tmp_path, backend, later=int(time.now) - NOW + draw.choice([0, 60, 7_200]))
    checker, counts = Checker(backend, time, {*times, recorded_at}), Counter[str]()
    for _, question in zip(range(300), source, strict=False):
        got = mock.ask(question[0], question[1])
        if got["ErrorCode"] == NOT_RECORDED:
            counts["not recorded"] += 1
        elif checker.is_faithful(got, question):
            counts["answered"] += 1
        else:
            pytest.fail(json.dumps([seed, backend.readings, question, got]))
    assert number < 60 or min(counts["not recorded"], counts["answered"]) > 10, (seed, counts)
    if how == "over-hours":
        return  # A later answer may have changed what is known.
    for operation, body in asked:
        if operation != ROOM or len(body) != 2:  # With only one time, the answer cannot be stored.
            got = mock.ask(operation, body)
            assert got["ErrorCode"] != NOT_RECORDED, json.dumps([seed, backend.readings, operation, body])
            assert checker.is_faithful(got, (operation, body)), json.dumps([seed, backend.readings, body, got])


@pytest.mark.parametrize("window", ["overlap", "enter", "leave", "contained"])
@pytest.mark.parametrize("habit", ["", "selected_rooms"])
def test_a_range_without_calls_inside_the_life_of_a_room_is_not_recorded(
    tmp_path: Path, window: str, habit: str
) -> None:
    """With room_window=room the backend may return all users of the room, or none."""
    time = Time()
    backend = Backend({"window": window, "room_window": "room"}, clock=time, habits=frozenset({habit}))
    start = YESTERDAY
    template = backend.log[0]
    backend.log = [
        {**template, "user": user, "room": "r", "create": start, "enter": enter, "leave": enter + 600, "audio": 0, "video": 0}
        for user, enter in (("a", start + 3_600), ("b", start + 7_200))
    ]  # fmt: skip
    for each in backend.log:
        each["create"] = start + 3_600
    with recording(tmp_path, backend, time) as session:
        session.ask(ALL, **span(start, start + DAY))
        session.ask(ROOM, RoomId="r")
    mock = replayed(tmp_path, backend)
    between, around = span(start + 5_000, start + 6_000), span(start + 7_000, start + 9_000)
    assert mock.ask(ROOM, {"RoomId": "r", **between})["ErrorCode"] == NOT_RECORDED
    assert len(mock.ask(ROOM, {"RoomId": "r", **around})["Users"]) == 2


def test_a_range_with_one_bound_is_recorded(tmp_path: Path) -> None:
    """The other bound has to be missing or empty: the answer says nothing about a range with both."""
    time = Time()
    backend = Backend({"room_without_calls": "outside"}, clock=time)
    room = backend.log[0]
    both = span(room["create"], room["leave"])
    bounds = [{name: time} for name, time in both.items()]
    questions = [{"RoomId": name, **bound} for name in (room["room"], "no-such-room") for bound in bounds]
    with recording(tmp_path, backend, time) as session:
        answers = [session.ask(ROOM, **question) for question in questions]
    mock = replayed(tmp_path, backend)
    for question, answer in zip(questions, answers, strict=True):
        for got in (mock.ask(ROOM, question), mock.ask(ROOM, {**dict.fromkeys(both, ""), **question})):
            assert UNKNOWN.get(got["ErrorCode"], got) == UNKNOWN.get(answer["ErrorCode"], answer)
        assert mock.ask(ROOM, {**question, **both})["ErrorCode"] == NOT_RECORDED


@pytest.mark.parametrize("ongoing", ["zero", "empty"])
def test_a_call_in_progress_that_a_later_range_does_not_list_has_ended(tmp_path: Path, ongoing: str) -> None:
    """At an unknown time: ranges that it was in have only the recorded answer, later ones are known."""
    time = Time()
    backend = Backend({"ongoing": ongoing}, clock=time)
    call = {**backend.log[0], "user": "u", "room": "r", "create": NOW - 60, "enter": NOW - 60, "leave": NOW + 6}
    backend.log = [{**call, "audio": 0, "video": 0}]
    with recording(tmp_path, backend, time) as session:
        seen = session.ask(ALL, **span(NOW - 70, NOW + 3))
        time.pause(20)
        assert session.ask(ALL, **span(NOW + 9, NOW + 13))["UsersList"] == []
        assert session.ask(RECORDS, UserId="u", **span(NOW + 9, NOW + 13))["UserRecords"] == []
    assert "is missing from" not in (tmp_path / "recorded.md").read_text()
    mock = replayed(tmp_path, backend)
    assert mock.ask(ALL, span(NOW - 70, NOW + 3)) == seen
    assert mock.ask(ALL, span(NOW - 70, NOW - 50))["ErrorCode"] == NOT_RECORDED
    assert mock.ask(ALL, span(NOW - 70, NOW - 61))["UsersList"] == []
    assert mock.ask(ALL, span(NOW + 10, NOW + 12))["UsersList"] == []
    assert mock.ask(RECORDS, {"UserId": "u", **span(NOW + 9, NOW + 13)})["UserRecords"] == []


def test_a_room_may_be_used_again_if_another_one_was(tmp_path: Path) -> None:
    """Then the last call that was recorded need not be the last one of the room."""
    time = Time()
    backend = Backend({}, clock=time)
    start = YESTERDAY
    template = {**backend.log[0], "user": "u", "audio": 0, "video": 0}
    backend.log = [
        {**template, "room": room, "create": create, "enter": enter, "leave": enter + 600}
        for room, create, enter in (
            ("again", start + 100, start + 100),
            ("again", start + 100, start + 1_000),
            ("once", start + 2_000, start + 2_000),
            ("later", start + 3_000, start + 3_000),
            ("later", start + 3_000, start + 20_000),
        )
    ]
    with recording(tmp_path, backend, time) as session:
        session.ask(ALL, **span(start, start + 10_000))
        assert session.ask(ROOM, RoomId="once")["DestroyTime"] == str(start + 2_600)
    mock = replayed(tmp_path, backend)
    codes = {room: mock.ask(ROOM, {"RoomId": room})["ErrorCode"] for room in ("again", "once", "later")}
    assert codes == {"again": NOT_RECORDED, "once": 0, "later": NOT_RECORDED}
    with recording(tmp_path / "whole", backend, time) as session:
        session.ask(ALL, **span(start, NOW))
    mock = replayed(tmp_path / "whole", backend)
    assert mock.ask(ROOM, {"RoomId": "later"})["DestroyTime"] == str(start + 20_600)


@pytest.mark.parametrize("ahead", [15, 100_000])
def test_a_recording_of_a_target_whose_clock_is_ahead_does_not_hide_its_calls(tmp_path: Path, ahead: int) -> None:
    """Although they are in the future by the clock of the server that returns them."""
    time = Time(START + ahead)
    backend = Backend({}, clock=time)
    now = int(time())
    with recording(tmp_path, backend, time) as session:
        answer = session.ask(ALL, **span(now - DAY, now))
    mock = replayed(tmp_path, backend, later=0)
    assert sorted_rows(mock.ask(ALL, span(now - DAY, now))) == sorted_rows(answer)
    for begin, end in ((now - 4_000, now - 10), (now - 10, now - 5), (now - DAY, now - 3_600)):
        got = mock.ask(ALL, span(begin, end))
        assert got["ErrorCode"] == NOT_RECORDED or sorted_rows(got["UsersList"]) == sorted_rows(
            backend.query_all_instance_by_time(span(begin, end))["UsersList"]
        )
    assert mock.ask(ALL, span(now + 60, now + 120))["ErrorCode"] == NOT_RECORDED


@pytest.mark.parametrize("later", [400, 5_000, 25_000])
def test_a_recording_of_last_month_passes_the_verify_that_the_target_passed(tmp_path: Path, later: int) -> None:
    """What `verify` asked while recording is answered a month later with all times moved, also later on that day."""
    time, config = Time(), shipped_config()
    target = local_target(Backend({}, clock=time).handle, time)
    files = RecordingFiles(tmp_path, "en")
    recorder = Recorder(target, "record", config.schemas, Recording(resolve({})), files, Scrubber(target))
    recorder.start()
    original = examine_engine(config, "empty", time=time, recorder=recorder)
    recorder.stop()
    path = tmp_path / "scenarios" / "recorded.yaml"
    path.write_text(path.read_text().replace("shift: none", "shift: days"))
    assert check_folder(tmp_path)[1] == []
    replay = examine_engine(load_config(Folders(tmp_path), now=time), "recorded", now=START + 30 * DAY + later)
    assert (original.fails("warning"), replay.fails("warning")) == (False, False)
    assert {finding.kind for _, finding in replay.findings()} <= {"not_recorded"}
    assert [replay.verdict(name) for name in original.invariants] == ["holds"] * len(original.invariants)
