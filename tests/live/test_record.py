"""`record`: answers of a target are returned unchanged and recorded, and the recording covers other requests."""

from __future__ import annotations

import hashlib
import json
import queue
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.engine_client import EngineClient, user_config
from helpers.length import length
from helpers.signer import APPSECRET, RESTAPIKEY, checksum
from live.local_target import CREDENTIALS, START, Time, local_target
from live.second_backend import ALL, APP, DAY, EAST, RECORDS, ROOM, SPREAD, TREND, Backend

from mockserver.cli.check import check_folder
from mockserver.cli.record import _known_readings, _unknown_codes
from mockserver.contract.catalogue import Catalogue
from mockserver.contract.readings import resolve
from mockserver.core.documents import MAX_VALUES
from mockserver.core.text import Text
from mockserver.live import recording_files
from mockserver.live.pseudonyms import Pseudonyms, Scrubber
from mockserver.live.recorder import Mode, Recorder, _Received
from mockserver.live.recording import Recording
from mockserver.live.recording_files import RecordingFiles
from mockserver.live.target import Answer, TargetError

NOW = int(START)
YESTERDAY = (NOW + EAST) // DAY * DAY - EAST - DAY
DATA_READINGS = (
    "window", "room_window", "ongoing", "unknown_room", "unknown_user", "room_without_calls", "user_without_calls",
)  # fmt: skip


class UnstableBackend:
    """A backend that can be disturbed: `disturb` answers, raises, or returns None."""

    def __init__(self, backend: Backend) -> None:
        self.backend, self.received = backend, []  # type: ignore[var-annotated]
        self.disturb: Any = lambda: None

    def handle(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        self.received.append((method, path, query, dict(headers), body))
        return self.disturb() or self.backend.handle(method, path, query, headers, body)


class Session:
    """A recorder in front of a backend, and the clients before it."""

    def __init__(self, client: EngineClient, backend: UnstableBackend, recorder: Recorder) -> None:
        self.client, self.backend, self.recorder = client, backend, recorder

    def ask(self, operation: str, **body: Any) -> Any:
        return self.client.ask(operation, body)


@contextmanager
def recording(
    folder: Path, backend: Backend, time: Time, *, mode: Mode = "record", scenario: str = "empty", signing: str = "off",
    pseudonyms: bytes = b"", texts: tuple[str, ...] = (), learned: bool = True,
) -> Iterator[Session]:  # fmt: skip
    """A recorder that writes `folder`; with `learned`, its mock has the readings of the backend."""
    readings = {name: backend.readings[name] for name in DATA_READINGS} if learned else {}
    client = EngineClient(scenario, {**readings, "signing": signing}, now=NOW)
    unstable = UnstableBackend(backend)
    target = local_target(unstable.handle, time)
    recorder = Recorder(
        target, mode, client.engine.config.schemas, Recording(resolve(readings), known=frozenset(readings)), RecordingFiles(folder, "en"),
        Scrubber(target, texts, client.engine.redactor), Pseudonyms(pseudonyms) if pseudonyms else None,
        unknown_codes=frozenset({backend.codes["room_not_found"], backend.codes["user_not_found"]}),
    )  # fmt: skip
    recorder.start()
    client.engine.backend = recorder
    client.engine.redactor.add_secrets(CREDENTIALS.keys.secrets)
    try:
        yield Session(client, unstable, recorder)
    finally:
        recorder.stop()


def replayed(folder: Path, backend: Backend, later: int = 7_200) -> EngineClient:
    """A mock that serves what was recorded; `check` has nothing against it."""
    assert check_folder(folder)[1] == []
    files = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}
    return EngineClient("recorded", {"signing": "off"}, config=user_config(folder, files), now=NOW + later)


def sorted_rows(value: Any) -> Any:
    """Return the answer with sorted lists."""
    if isinstance(value, dict):
        return {name: sorted_rows(item) for name, item in value.items()}
    return sorted(map(sorted_rows, value), key=str) if isinstance(value, list) else value


def span(begin: int, end: int) -> dict[str, str]:
    return {"BeginTime": str(begin), "EndTime": str(end)}


def test_answers_go_back_unchanged_and_are_signed_anew(tmp_path: Path) -> None:
    """Clients sign with mock keys, the recorder with the target's and a new seq; status and bytes are the target's."""
    time = Time()
    backend = Backend({"http_status": "rest", "seq": "unique", "identifier": "admin"}, clock=time)
    with recording(tmp_path, backend, time, signing="v2") as session:
        clock = {"curtime": str(NOW)}
        success = {"Status": "OK", "ErrorCode": 0, "ErrorInfo": "", **getattr(backend, ALL)(span(NOW - 900, NOW))}
        expected = backend.respond(ALL, success)[1]
        first = session.client.send({"operation": ALL, "body": span(NOW - 900, NOW), "query": clock})
        wrong = session.client.send(
            {"operation": ROOM, "body": {"RoomId": "no-such-room"}, "query": {**clock, "seq": "2"}}
        )
        broken = session.client.send({"operation": ROOM, "text": "{", "query": {**clock, "seq": "2"}})
        assert first.body == expected
        assert (wrong.status, json.loads(wrong.body)["ErrorCode"]) == (418, backend.codes["room_not_found"])
        assert (broken.status, json.loads(broken.body)["ErrorCode"]) == (418, backend.codes["malformed_json"])
        assert [found.error for found in session.client.violations] == ["malformed_json"]
        queries = [query for _, _, query, _, _ in session.backend.received]
        assert all(f"appkey={APP['appkey']}&identifier={APP['identifier']}" in query for query in queries)
        # The refusal of a curtime that was used before might be for that, so this request was sent twice.
        assert len({query.partition("seq=")[2] for query in queries}) == len(queries) == 4
        before = len(session.backend.received)
        refused = session.client.send({"operation": ROOM, "query": {**clock, "checksum": "0" * 40}})
        assert json.loads(refused.body)["ErrorCode"] == 1105
        assert len(session.backend.received) == before


def test_parameters_that_are_replaced_do_not_keep_an_answer_from_the_recording(tmp_path: Path) -> None:
    """A used checksum and a wrong identifier are journalled; the answer is one to a valid request."""
    time = Time()
    backend = Backend({"checksum_reuse": "once"}, clock=time)
    with recording(tmp_path, backend, time, signing="v2") as session:
        session.client.engine.store.set_readings({"checksum_reuse": "once", "identifier": "admin"})
        query, body = {"curtime": str(NOW)}, span(NOW - 7_200, NOW - 3_600)
        session.client.send({"operation": ALL, "body": span(NOW - 60, NOW), "query": query})
        answer = json.loads(session.client.send({"operation": ALL, "body": body, "query": query}).body)
        assert [found.name for found in session.client.violations] == ["checksum_reused"]
        query["identifier"] = "someone"
        other = session.client.send({"operation": ALL, "body": body, "query": query})
        assert [found.name for found in session.client.violations] == ["identifier_not_allowed"]
    assert answer["UsersList"]
    assert json.loads(other.body) == answer
    assert sorted_rows(replayed(tmp_path, backend).ask(ALL, body)) == sorted_rows(answer)


@pytest.mark.parametrize(
    ("disturbance", "reason"),
    [
        ((502, b"<html>Bad Gateway</html>"), "the target answered HTTP 502"),
        ((200, b"[]"), "the target answered HTTP 200"),
        ((200, b"\xff"), "the target answered HTTP 200"),
        (
            TargetError.of("unreachable", "target", Text("no complete answer in time", "未在时限内收到完整响应")),
            "no complete answer",
        ),
    ],
)
def test_a_failing_target_is_an_envelope_with_a_diagnosis(tmp_path: Path, disturbance: Any, reason: str) -> None:
    """In mode record; a spy returns the mock's answer; the earlier recording remains."""

    def disturb() -> tuple[int, bytes]:
        if isinstance(disturbance, Exception):
            raise disturbance
        return disturbance

    time = Time()
    backend = Backend({}, clock=time)
    with recording(tmp_path / "a", backend, time) as session:
        rows = session.ask(ALL, **span(YESTERDAY, YESTERDAY + 9_000))["UsersList"]
        session.backend.disturb = disturb
        answer = session.ask(ALL, **span(YESTERDAY, YESTERDAY + 9_000))
        assert (answer["Status"], answer["ErrorCode"]) == ("FAIL", 1500)
        assert reason in answer["ErrorInfo"]
    assert len(replayed(tmp_path / "a", backend).ask(ALL, span(YESTERDAY, YESTERDAY + 9_000))["UsersList"]) == len(rows)
    assert reason in (tmp_path / "a" / "recorded.md").read_text()
    with recording(tmp_path / "b", backend, time, mode="spy") as session:
        session.backend.disturb = disturb
        assert session.ask(ALL, **span(YESTERDAY, YESTERDAY + 9_000))["UsersList"] == []


def test_a_spy_asks_only_for_what_the_mock_does_not_know(tmp_path: Path) -> None:
    """A room of the scenario is the mock's; another one is the target's."""
    time = Time()
    backend = Backend({}, clock=time)
    with recording(tmp_path, backend, time, mode="spy", scenario="recorded-day") as session:
        assert session.ask(ROOM, RoomId="R001")["Status"] == "OK"
        assert session.backend.received == []
        assert session.ask(ROOM, RoomId=backend.log[0]["room"])["Status"] == "OK"
        assert len(session.backend.received) == 1
    assert replayed(tmp_path, backend).ask(ROOM, {"RoomId": backend.log[0]["room"]})["Status"] == "OK"


def test_a_shadow_reports_differences_by_severity(tmp_path: Path) -> None:
    """The client gets the mock's answer, and the page says how the target's differs."""
    time = Time()
    backend = Backend({}, clock=time, defects=frozenset({"extra_field"}))
    room = backend.log[0]["room"]
    for each in backend.log:
        each["room"] = "R001" if each["room"] == room else each["room"]
    with recording(tmp_path, backend, time, mode="shadow", scenario="recorded-day") as session:
        assert session.ask(ROOM, RoomId="R001")["Users"][0]["UserId"] == "heyu"
        assert session.ask(ROOM, RoomId="R002")["RoomId"] == "R002"
        assert session.ask(RECORDS, UserId="heyu", **span(1_575_907_200, 1_575_993_599))["UserRecords"]
    page = (tmp_path / "recorded.md").read_text()
    assert "error: query_room_info: /Secret is only in the target's answer" in page
    assert "info: query_instance_all_records_by_time: the rows differ" in page
    assert "error: query_instance" not in page
    assert f"error: query_room_info: the target returns FAIL {backend.codes['room_not_found']}, the mock OK" in page


def test_conflicts_and_what_is_off_the_contract_are_reported(tmp_path: Path) -> None:
    """The newer answer wins, and the page lists both."""
    time = Time()
    backend = Backend({}, clock=time, defects=frozenset({"types"}))
    with recording(tmp_path, backend, time) as session:
        session.ask(ALL, **span(YESTERDAY, YESTERDAY + DAY))
        backend.defects = frozenset()
        session.ask(ALL, **span(YESTERDAY, YESTERDAY + DAY))
        user = backend.log[-30]["user"]
        backend.defects = frozenset({"durations"})
        session.ask(RECORDS, UserId=user, **span(YESTERDAY - DAY, NOW))
        backend.defects = frozenset({"outside_window"})
        session.ask(ALL, **span(YESTERDAY, YESTERDAY + 20_000))
    page = (tmp_path / "recorded.md").read_text()
    assert "warning: query_all_instance_by_time: an answer that violates the contract was not recorded (1)" in page
    assert f"- {user} in " in page
    assert "against the reading window=overlap" in page


def test_answers_with_another_id_or_status_are_not_recorded(tmp_path: Path) -> None:
    """A cache or a gateway in front of the target has mixed them up."""
    time = Time()
    backend = Backend({}, clock=time)
    user, room, whole = backend.log[0]["user"], backend.log[0]["room"], span(YESTERDAY - DAY, NOW)
    with recording(tmp_path, backend, time) as session:
        for operation, body, asked in (
            (ROOM, {"RoomId": room}, {"RoomId": "another"}),
            (RECORDS, {"UserId": user, **whole}, {"UserId": "another", **whole}),
        ):
            success = {"Status": "OK", "ErrorCode": 0, "ErrorInfo": "", **getattr(backend, operation)(body)}
            answer = backend.respond(operation, success)
            session.backend.disturb = lambda answer=answer: answer
            assert session.ask(operation, **asked)["ErrorCode"] == 0
        session.backend.disturb = lambda: (500, backend.respond(operation, success)[1])
        session.ask(operation, **body)
    page, text = (tmp_path / "recorded.md").read_text(), (tmp_path / "scenarios" / "recorded.yaml").read_text()
    assert f"warning: {RECORDS}: an answer that violates the contract was not recorded (1)" in page
    assert user not in text
    for operation in (ROOM, RECORDS):
        assert f"warning: {operation}: an answer with another id than its request was not recorded (1)" in page
    assert "another" not in text


def test_conflicts_end_when_the_reading_is_corrected() -> None:
    """Calls that are missing under the default of `window` are not missing under the right value."""
    kept = Recording(resolve({}))
    row = {"UserId": "u", "RoomId": "r", "CreateTime": "1000", "AudioDuration": 1, "VideoDuration": 1}
    calls = [{**row, "EnterTime": str(time), "LeaveTime": str(time + 100)} for time in (1_000, 2_000)]
    kept.add(ALL, span(900, 3_000), {"UsersList": calls}, 9_000.0)
    for begin, end, found in ((1_050, 2_050, calls[:1]), (1_950, 2_150, calls[1:])):
        records = [
            {name: each[name] for name in each if name not in ("UserId", "RoomId", "CreateTime")} for each in found
        ]
        answer = {"UserId": "u", "UserRecords": [{"RoomId": "r", "CreateTime": "1000", "RoomRecords": records}]}
        kept.add(RECORDS, {"UserId": "u", **span(begin, end)}, answer, 9_000.0)
    assert len(kept.conflicts) == kept.counts["conflicts"] == 1
    kept.conclude_readings()
    assert kept.readings["window"] == "leave"
    assert (kept.conflicts, kept.counts["conflicts"]) == ([], 0)


@pytest.mark.parametrize("answer", [{"Status": "FAIL"}, {"CreateTime": "", "DestroyTime": "", "Users": []}])
def test_a_room_that_is_unknown_in_a_time_range_is_not_unknown(answer: dict[str, Any]) -> None:
    """Only the same time range is answered so again; the reading room_without_calls is not `known`."""
    row = {"UserId": "u", "RoomId": "r", "CreateTime": "1000", "EnterTime": "1000", "LeaveTime": "1100"}
    known = frozenset({"window", "room_window", "unknown_user"})
    kept = Recording(resolve({"unknown_room": "error"}), known=known)
    kept.add(ALL, span(900, 1_200), {"UsersList": [{**row, "AudioDuration": 1, "VideoDuration": 1}]}, 5_000.0)
    body = {"RoomId": "r", **span(900, 950)}
    if "Status" in answer:
        kept.add_failure(ROOM, body, answer)
    else:
        kept.add(ROOM, body, answer, 5_000.0)
    kept.conclude_readings()
    assert kept.failures == {}
    assert [json.loads(body) for _, body in kept.answers] == [body]
    assert kept.undecided == {"room_without_calls": ["outside", "unknown"]}


def test_an_answer_without_users_does_not_decide_room_window() -> None:
    """A target with room_window=room may return all users only if the time range selects one of them."""
    row = {"UserId": "u", "RoomId": "r", "CreateTime": "1000", "EnterTime": "1000", "LeaveTime": "1100"}
    kept = Recording(resolve({"window": "enter"}), known=frozenset({"window", "unknown_room", "unknown_user"}))
    kept.add(ALL, span(900, 1_200), {"UsersList": [{**row, "AudioDuration": 1, "VideoDuration": 1}]}, 5_000.0)
    kept.add(ROOM, {"RoomId": "r", **span(1_050, 1_060)}, {**row, "DestroyTime": "1100", "Users": []}, 5_000.0)
    kept.conclude_readings()
    assert kept.undecided == {"room_window": ["room", "stays"], "room_without_calls": ["known", "outside"]}


def test_statistics_are_kept_as_they_were(tmp_path: Path) -> None:
    """For the same request only."""
    time = Time()
    backend = Backend({}, clock=time)
    day = {"QueryDate": "20261025"}
    with recording(tmp_path, backend, time) as session:
        expected = session.ask(SPREAD, **day, CountBy=2)
    mock = replayed(tmp_path, backend)
    assert mock.ask(SPREAD, {**day, "CountBy": 2}) == expected
    assert mock.ask(SPREAD, {**day, "CountBy": 3})["ErrorCode"] == 1403
    assert mock.ask(SPREAD, {"QueryDate": "20261024", "CountBy": 2})["ErrorCode"] == 1403


def test_no_secret_reaches_a_file_or_the_journal(tmp_path: Path) -> None:
    """A target that repeats every secret in its data and failures, and clients that repeat theirs."""
    time = Time()
    backend = Backend({}, clock=time, defects=frozenset({"leaks", "secret_ids"}))
    with recording(tmp_path, backend, time, texts=("private-word",)) as session:
        for each in backend.log:
            each["user"] = each["user"].replace("user1", "private-word")
        rows = session.ask(ALL, **span(YESTERDAY, YESTERDAY + DAY))["UsersList"]
        assert APP["appsecret"] in rows[0]["UserId"]
        session.ask(ROOM, RoomId="no-such-room")
        session.ask(ROOM, RoomId=rows[0]["RoomId"])
        session.client.send({"operation": ROOM, "text": f'{{"{APP["appsecret"]}"'})
        for each in backend.log:
            each["room"], each["user"] = f"room-of-{APP['identifier']}-{each['room']}", f"{APP['appkey']}{each['user']}"
        session.ask(ALL, **span(YESTERDAY, YESTERDAY + DAY))
        failure = json.dumps({"Status": "FAIL", "ErrorCode": 9, "ErrorInfo": "".join(backend.seen)})
        escaped = re.sub("[0-9a-f]", lambda found: f"\\\\u{ord(found[0]):04x}", failure.partition("ErrorInfo")[2])
        session.backend.disturb = lambda: (200, f"{failure.partition('ErrorInfo')[0]}ErrorInfo{escaped}".encode())
        session.ask(ROOM, RoomId="no-such-room")
        shown = "".join(str(entry) + str(entry.answer) for entry in session.client.journal.select().entries)
    files = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    secrets = {*APP.values(), *backend.seen, "private-word"}
    assert [secret for secret in secrets if secret in files] == []
    assert [secret for secret in (APP["appsecret"], APP["restapikey"]) if secret in shown] == []
    assert check_folder(tmp_path)[1] == []


def test_secrets_in_requests_reach_neither_a_file_nor_the_journal(tmp_path: Path) -> None:
    """Ids that are or contain a secret of the target, of the mock, or of the request, even if the target repeats them."""
    time = Time()
    backend = Backend({"unknown_room": "empty"}, clock=time)
    seq, operator = "seq-of-a-client-1", "operator-of-a-client"
    planted = [*APP.values(), APPSECRET, RESTAPIKEY, checksum(str(NOW)), seq, operator, "private-word"]
    with recording(tmp_path, backend, time, texts=("private-word",)) as session:
        answers = []
        for secret in planted:
            for operation, body in (
                (ROOM, {"RoomId": secret}),
                (ROOM, {"RoomId": secret, **span(NOW - 60, NOW)}),
                (RECORDS, {"UserId": secret, **span(NOW - 900, NOW)}),
            ):
                query = {"seq": seq, "identifier": operator, "curtime": str(NOW)}
                session.client.send({"operation": operation, "body": body, "query": query})
                answers.append(str(session.client.journal.select().entries[-1].answer))
    files = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert "a request that contains a secret was not recorded" in files
    assert [secret for secret in planted if secret in files] == []
    assert [secret for secret in (*APP.values(), APPSECRET, RESTAPIKEY) if secret in "".join(answers)] == []


def test_ids_that_look_like_a_checksum_are_recorded(tmp_path: Path) -> None:
    """Only checksums that were sent are masked."""
    time = Time()
    backend = Backend({}, clock=time)
    for each in backend.log:
        each["user"] = hashlib.sha1(each["user"].encode()).hexdigest()
    whole = span(YESTERDAY, YESTERDAY + DAY)
    with recording(tmp_path, backend, time) as session:
        rows = session.ask(ALL, **whole)["UsersList"]
        session.ask(RECORDS, UserId=rows[0]["UserId"], **whole)
    mock = replayed(tmp_path, backend)
    assert sorted_rows(mock.ask(ALL, whole)["UsersList"]) == sorted_rows(rows)
    for user in (rows[0]["UserId"], rows[-1]["UserId"]):
        expected = backend.query_instance_all_records_by_time({"UserId": user, **whole})
        assert mock.ask(RECORDS, {"UserId": user, **whole})["UserRecords"] == expected["UserRecords"]


def test_an_id_that_is_masked_is_not_reported_as_unknown(tmp_path: Path) -> None:
    """The target's identifier can also be the id of a user or a room; it is not written."""
    time, own = Time(), APP["identifier"]
    backend = Backend({}, clock=time)
    chosen = next(each for each in backend.log if each["enter"] > YESTERDAY and each["leave"] < YESTERDAY + DAY)
    user, room = chosen["user"], chosen["room"]
    for each in backend.log:
        each["user"] = own if each["user"] == user else each["user"]
        each["room"] = own if each["room"] == room else each["room"]
    whole = span(YESTERDAY, YESTERDAY + DAY)
    with recording(tmp_path, backend, time) as session:
        session.ask(ALL, **whole)
        session.ask(RECORDS, UserId=own, **whole)
    assert own not in "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    mock = replayed(tmp_path, backend)
    assert mock.ask(RECORDS, {"UserId": own, **whole})["ErrorCode"] == 1403
    assert mock.ask(ROOM, {"RoomId": own, **whole})["ErrorCode"] == 1403


def test_pseudonyms_are_the_same_everywhere(tmp_path: Path) -> None:
    """No id is written, and the records of a user are still those of one user."""
    time = Time()
    backend = Backend({}, clock=time)
    with recording(tmp_path, backend, time, pseudonyms=b"key") as session:
        rows = session.ask(ALL, **span(YESTERDAY, YESTERDAY + DAY))["UsersList"]
        room = session.ask(ROOM, RoomId=rows[0]["RoomId"])
        session.ask(ROOM, RoomId="no-such-room")
    files = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert [
        name
        for name in {row[key] for row in rows for key in ("UserId", "RoomId")}
        if f'"{name}"' in files or f"{name}," in files
    ] == []
    names = Pseudonyms(b"key")
    mock = replayed(tmp_path, backend)
    copies = mock.ask(ALL, span(YESTERDAY, YESTERDAY + DAY))["UsersList"]
    assert sorted_rows(copies) == sorted_rows(names.replace(rows))
    got = mock.ask(ROOM, {"RoomId": names.stand_in("RoomId", room["RoomId"])})
    assert sorted_rows(got) == sorted_rows(names.replace(room))


def test_the_file_is_written_while_recording(tmp_path: Path) -> None:
    """A killed server loses a few seconds of the recording, and every state of the folder is valid."""
    time = Time()
    backend = Backend({}, clock=time)
    with recording(tmp_path, backend, time) as session:
        assert check_folder(tmp_path)[1] == []
        session.ask(ALL, **span(YESTERDAY, YESTERDAY + DAY))
        session.recorder.flush()
        assert len(replayed(tmp_path, backend).ask(ALL, span(YESTERDAY, YESTERDAY + 900))) > 0
        assert (tmp_path / "scenarios" / "recorded.csv").read_text().count("\n") > 10


class Schedule:
    """A queue and a clock: answers arrive at given times, and waiting and writing moves the clock."""

    def __init__(self, arrivals: Sequence[tuple[float, Any]], recorder: Recorder, writing: float) -> None:
        self.now, self.written = 0.0, {}  # type: ignore[var-annotated]
        self.arrivals, self.recorder, self.writing = deque(arrivals), recorder, writing

    def __call__(self) -> float:
        return self.now

    def get(self, timeout: float) -> Any:
        """Return the next answer, or raise queue.Empty after `timeout` seconds; None after the last one."""
        if self.arrivals[0][0] <= self.now + timeout:
            time, received = self.arrivals.popleft()
            self.now = max(self.now, time)
            return received
        self.now += timeout
        raise queue.Empty

    def task_done(self) -> None:
        pass

    def write(self, recording: Recording, notes: object) -> None:
        """Write for some seconds what was merged when it began; note when each answer is on disk."""
        merged = set(recording.answers)
        self.now += self.writing
        for key in merged:
            self.written.setdefault(key, self.now)


@pytest.mark.parametrize("writing", [0.0, 1.0, 4.0])
@pytest.mark.parametrize(
    "times", [range(60), [0.0, 0.1, 31.0], [step * 0.01 for step in range(2_000)], [4.99, 5.01, 9.99]]
)
def test_an_answer_is_on_disk_within_ten_seconds(times: Sequence[float], writing: float, tmp_path: Path) -> None:
    """Whenever the recorder is killed, what it answered more than ten seconds before is in the files."""
    backend = Backend({}, clock=Time())
    with recording(tmp_path, backend, Time()) as session:
        recorder = session.recorder
    answer = {"Status": "OK", "ErrorCode": 0, "ErrorInfo": "", "TrendData": []}
    raw = Answer(200, {"content-type": "application/json"}, json.dumps(answer).encode(), 0.0)
    days = [f"{10_000_000 + number}" for number in range(len(times))]
    received = [_Received(TREND, {"QueryDate": day, "CountBy": 1}, True, False, raw, answer, None) for day in days]
    end = (max(times) + 60.0, None)
    schedule = Schedule([*zip(times, received, strict=True), end], recorder, writing)
    recorder._received, recorder._seconds, recorder._files = schedule, schedule, schedule  # type: ignore[assignment]
    recorder._work()
    on_disk = {json.loads(body)["QueryDate"]: time for (_, body), time in schedule.written.items()}
    assert {day: on_disk[day] - time for day, time in zip(days, times, strict=True) if on_disk[day] - time > 10} == {}


def test_a_recorder_killed_while_it_writes_leaves_valid_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before each of the files is replaced, the folder is valid and has the old sessions or the new ones."""
    time, states = Time(), []
    backend = Backend({}, clock=time)
    with recording(tmp_path, backend, time) as session:
        session.ask(ALL, **span(YESTERDAY, YESTERDAY + 900))
        session.recorder.flush()
        session.ask(ALL, **span(YESTERDAY, YESTERDAY + DAY))
        session.recorder._received.join()
        replace = Path.replace

        def observed(path: Path, to: Path) -> Path:
            states.append(check_folder(tmp_path)[1])
            return replace(path, to)

        monkeypatch.setattr(Path, "replace", observed)
        session.recorder.flush()
    assert states
    assert states == [[]] * len(states)


def test_many_answers_go_to_several_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file has limits; scenarios that extend each other have none."""
    days = length(5, 40)
    names = [f"2025{10 + day // 20}{day % 20 + 1:02}" for day in range(days)]
    monkeypatch.setattr(recording_files, "MAX_VALUES", MAX_VALUES * days // 40)
    ticks = [
        {"TickTime": str(YESTERDAY + 60 * n), "JoinRoomSuccRate": 99.5, "AudioPackLossRate": 1, "VideoPackLossRate": 1,
         "AudioDelayRate": 20, "VideoDelayRate": 20} for n in range(1_440)
    ]  # fmt: skip
    kept = Recording(resolve({}), recorded_at=NOW)
    for day in names:
        kept.add(
            "count_qos_by_day",
            {"QueryDate": day},
            {"Status": "OK", "ErrorCode": 0, "ErrorInfo": "", "QosData": ticks},
            NOW,
        )
    RecordingFiles(tmp_path, "zh").write(kept, [])
    files = sorted(path.name for path in (tmp_path / "scenarios").glob("*.yaml"))
    assert files[:2] == ["recorded-2.yaml", "recorded-3.yaml"]
    mock = EngineClient("recorded", {"signing": "off"}, config=user_config(tmp_path, {}), now=NOW)
    for day in (names[0], names[-1]):
        assert len(mock.ask("count_qos_by_day", {"QueryDate": day})["QosData"]) == 1_440


def test_an_answer_that_is_larger_than_a_file_is_omitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page says so, and the sessions of the answer are recorded."""
    monkeypatch.setattr(recording_files, "MAX_VALUES", 400)
    row = {
        "RoomId": "r",
        "CreateTime": "1000",
        "EnterTime": "1000",
        "LeaveTime": "",
        "AudioDuration": 1,
        "VideoDuration": 1,
    }
    kept = Recording(resolve({"window": "leave"}), known=frozenset({"window"}))
    kept.add(ALL, span(900, NOW), {"UsersList": [{"UserId": f"u{number}", **row} for number in range(60)]}, float(NOW))
    RecordingFiles(tmp_path, "en").write(kept, [])
    assert "answers:" not in (tmp_path / "scenarios" / "recorded.yaml").read_text()
    assert "1 entries exceed the size of the file and were omitted" in (tmp_path / "recorded.md").read_text()
    assert (tmp_path / "scenarios" / "recorded.csv").read_text().count("\n") == 61


TEMPLATES = ("{{ now }}", "{{ 7 * 7 }}", "{% raw %}x", "{{", "{# c #}x", "{{ '{{' }}", "a{{ fake.name() }}")


@pytest.mark.parametrize("window", ["enter", "contained"])
def test_ids_of_the_target_are_never_templates(tmp_path: Path, window: str) -> None:
    """They are returned as they were recorded, also in answers that are stored as they are."""
    time = Time()
    backend = Backend({"window": window, "unknown_user": "error"}, clock=time)
    for number, call in enumerate(backend.log):
        call["user"] = f"{call['user']}{TEMPLATES[number % len(TEMPLATES)]}"
        call["room"] = f"{call['room']}{TEMPLATES[sum(map(ord, call['room'])) % len(TEMPLATES)]}"
    user = {"UserId": backend.log[-1]["user"], **span(NOW - DAY, NOW - 60)}
    questions: list[tuple[str, Mapping[str, Any]]] = [
        (ALL, span(NOW - DAY, NOW - 60)),
        (ALL, span(NOW - 900, NOW)),
        (RECORDS, user),
        (RECORDS, {**user, "UserId": "nobody {{ now }}"}),
        (ROOM, {"RoomId": backend.log[-1]["room"]}),
        (ROOM, {"RoomId": backend.log[-1]["room"], **span(NOW - 900, NOW)}),
    ]
    with recording(tmp_path, backend, time) as session:
        answers = [session.ask(operation, **body) for operation, body in questions]
    mock = replayed(tmp_path, backend)
    for (operation, body), answer in zip(questions, answers, strict=True):
        assert sorted_rows(mock.ask(operation, body)) == sorted_rows(answer), (operation, body)


def test_an_id_that_no_file_can_contain_does_not_spoil_the_recording(tmp_path: Path) -> None:
    """Answers with such an id are not recorded, all others are."""
    time = Time()
    backend = Backend({}, clock=time)
    odd = backend.log[len(backend.log) // 2]
    for character in "\t\n\r\0\x7f\x85\u2028":
        odd["user"] += character
    others = span(odd["leave"] + 1, NOW - 60)
    with recording(tmp_path, backend, time) as session:
        assert session.ask(ALL, **span(odd["enter"], odd["leave"]))["ErrorCode"] == 0
        answer = session.ask(ALL, **others)
    mock = replayed(tmp_path, backend)
    assert sorted_rows(mock.ask(ALL, others)) == sorted_rows(answer)
    assert mock.ask(ALL, span(odd["enter"], odd["leave"]))["ErrorCode"] == 1403
    assert "control characters in an id was not recorded" in (tmp_path / "recorded.md").read_text()


def test_a_code_of_several_errors_does_not_mean_that_a_room_is_unknown() -> None:
    """Unless a request that conforms to the contract cannot be refused for the others."""
    catalogue = Catalogue(EngineClient().engine.config.catalogue)
    rooms, users = (catalogue[name].code for name in ("room_not_found", "user_not_found"))
    assert _unknown_codes(catalogue) == {rooms, users}
    catalogue["missing_field"] = replace(catalogue["missing_field"], code=rooms)
    assert _unknown_codes(catalogue) == {rooms, users}
    catalogue["server_busy"] = replace(catalogue["server_busy"], code=rooms)
    assert _unknown_codes(catalogue) == {users}
    catalogue["user_not_found"] = replace(catalogue["user_not_found"], code=rooms)
    assert _unknown_codes(catalogue) == set()


def test_a_listed_call_in_progress_shows_that_ranges_select_more_than_ended_calls() -> None:
    """It cannot have ended within a time range that is over."""
    kept = Recording(resolve({}), known=frozenset())
    row = {
        "UserId": "u",
        "RoomId": "r",
        "CreateTime": str(NOW - 9_000),
        "EnterTime": str(NOW - 9_000),
        "LeaveTime": str(NOW),
    }
    rows = [{**row, "AudioDuration": 0, "VideoDuration": 0}]
    kept.add(ALL, span(NOW - 10_000, NOW - 5_000), {"UsersList": rows}, NOW)
    kept.conclude_readings()
    assert kept.undecided["window"] == ["enter", "overlap"]


def test_readings_that_learn_left_undecided_are_not_known(tmp_path: Path) -> None:
    """Their values in the scenario are only the defaults."""
    scenario = """
        title: Learned
        readings: {window: overlap, room_window: stays, ongoing: zero}
        world: {source: recorded, recorded_at: 1793001600, rooms: [], covers: [], undecided: {window: [overlap, enter]}}
    """
    config = user_config(tmp_path, {"scenarios/live.yaml": scenario})
    assert _known_readings(config, "live") == {"room_window", "ongoing"}
    chosen = replace(config, reading_overrides={"window": "enter"})
    assert _known_readings(chosen, "live") == {"room_window", "ongoing", "window"}
