"""The shipped files: error catalogue, made-up credentials, samples of the document, and a consistent recorded day."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from mockserver.contract.operations import OPERATIONS
from mockserver.core.clock import parse_day, parse_time
from mockserver.core.folders import Folders
from mockserver.core.json_reader import read_json
from mockserver.core.yaml_reader import read_yaml

FOLDERS = Folders()
SCENARIOS = {name: read_yaml(path).value for name, path in FOLDERS.scenarios().items()}
SAMPLES = json.loads((Path(__file__).parents[1] / "document_samples.json").read_text(encoding="utf-8"))
ERRORS = read_yaml(FOLDERS.fixture("errors.yaml")).value["errors"]
APPS = read_yaml(FOLDERS.fixture("apps.yaml")).value["apps"]
ROOMS = {room["RoomId"]: room for room in SCENARIOS["recorded-day"]["world"]["rooms"]}
BEGIN, END = 1575962150, 1575962850

CODES = """
0 ok · 1001 unknown_command · 1002 method_not_allowed · 1003 empty_body · 1004 malformed_json ·
1005 body_too_large · 1006 unsupported_content_type · 1101 missing_parameter · 1102 unknown_appkey ·
1103 invalid_curtime ·
1104 checksum_expired · 1105 checksum_mismatch · 1106 identifier_not_allowed · 1107 duplicate_seq ·
1108 invalid_parameter · 1201 missing_field · 1202 invalid_field · 1203 invalid_time_range ·
1204 range_too_large · 1205 unknown_field · 1301 room_not_found · 1302 user_not_found · 1401 rate_limited ·
1402 server_busy · 1403 not_recorded ·
1500 internal_error
"""


def session_times(row: dict[str, Any]) -> tuple[int, int]:
    """Return enter and leave in seconds; the recorded day uses no relative times."""
    return parse_time(row["enter"], 0), parse_time(row["leave"], 0)


def sessions_of(user: str) -> list[tuple[int, int, str]]:
    """Return the sessions of a user with their rooms, by time."""
    return sorted(
        (*session_times(row), room_id)
        for room_id, room in ROOMS.items()
        for row in room["stays"]
        if row["UserId"] == user
    )


def span(room_id: str) -> tuple[int, int]:
    """Return when the room was created and destroyed."""
    times = [session_times(row) for row in ROOMS[room_id]["stays"]]
    return min(enter for enter, _ in times), max(leave for _, leave in times)


@pytest.mark.parametrize(
    ("schema", "path"),
    [("errors.json", FOLDERS.fixture("errors.yaml")), ("apps.json", FOLDERS.fixture("apps.yaml"))]
    + [("scenario.json", path) for path in FOLDERS.scenarios().values()],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_shipped_file_is_valid_by_its_schema(schema: str, path: Path) -> None:
    """The same schemas validate the users' files."""
    jsonschema_rs.Draft202012Validator(read_json(FOLDERS.schema(schema)).value).validate(read_yaml(path).value)


def test_the_catalogue_has_the_promised_names_and_codes() -> None:
    """And only the row of success comes from the document."""
    assert {(row["code"], row["name"]) for row in ERRORS} == {
        (int(code), name) for code, name in (pair.split() for pair in CODES.split("·"))
    }
    assert len({row["code"] for row in ERRORS}) == len({row["name"] for row in ERRORS}) == len(ERRORS) == 26
    assert [row["name"] for row in ERRORS if row["source"] == "document"] == ["ok"]


def test_a_status_is_4xx_for_the_client_and_5xx_for_the_server() -> None:
    """With http_status=rest; success is 200."""
    for row in ERRORS:
        first = {0: 2, 14: 4, 15: 5}.get(row["code"] // 100, 4)
        assert row["status"] // 100 == (5 if row["name"] == "server_busy" else first), row["name"]
    status = {row["name"]: row["status"] for row in ERRORS}
    assert (status["unknown_command"], status["method_not_allowed"], status["rate_limited"]) == (404, 405, 429)


def test_the_credentials_are_obviously_made_up() -> None:
    """Two apps, the first the document's sample; secrets look like base64 and say they are fake."""
    assert [app["appkey"] for app in APPS] == ["123456789", "987654321"]
    for app in APPS:
        assert app["appsecret"].startswith("MADE/UP+")
        assert app["appsecret"].endswith("==")
        assert app["restapikey"].startswith("made-up-")
        assert "admin" in app["identifiers"]
    assert len({app["appsecret"] for app in APPS} | {app["restapikey"] for app in APPS}) == 4


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_says_what_a_good_client_does(name: str) -> None:
    """Every shipped scenario has texts in both languages and a comment about the client."""
    assert {"title", "title_zh", "description", "description_zh"} <= SCENARIOS[name].keys()
    comment = "".join(
        line for line in FOLDERS.scenarios()[name].read_text(encoding="utf-8").splitlines() if line.startswith("#")
    )
    assert "good client" in comment
    assert SCENARIOS[name].get("extends", "default") in SCENARIOS


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda each: each["operation"])
def test_the_document_scenario_answers_the_samples_exactly(sample: dict[str, Any]) -> None:
    """The rule of each operation matches the sample body and has the sample answer: values, types, key order."""
    (rule,) = [each for each in SCENARIOS["document"]["answers"] if each["on"] == sample["operation"]]
    assert rule["when"] == {"body": sample["body"]}
    assert json.dumps(rule["reply"]) == json.dumps({"body": sample["answer"]})


def test_the_samples_cover_every_operation() -> None:
    """Six operations, six samples, in the document's order."""
    assert [each["operation"] for each in SAMPLES] == list(OPERATIONS)


def test_outage_always_fails_and_recovering_fails_twice() -> None:
    """Both apply to every operation; in recovering, the world answers afterwards."""
    (outage,), (recovering,) = SCENARIOS["outage"]["answers"], SCENARIOS["recovering"]["answers"]
    assert outage == {"on": "*", "reply": {"error": "server_busy"}}
    assert recovering == {"on": "*", "sequence": [{"error": "server_busy"}, {"error": "server_busy"}, {"world": True}]}
    assert SCENARIOS["recovering"]["extends"] == "default"
    assert SCENARIOS["empty"]["world"] == {"source": "recorded", "rooms": []}


def test_the_recorded_day_is_one_day() -> None:
    """Every session lies in 10 December 2019, UTC+8, and is at least as long as its audio and video."""
    first = parse_day("20191210")
    rows = [row for room in ROOMS.values() for row in room["stays"]]
    assert len(rows) >= 60
    for row in rows:
        enter, leave = session_times(row)
        assert first <= enter < leave < first + 86_400
        assert max(row["audio"], row["video"]) <= leave - enter
    assert len({(session_times(row)[0] - first) // 3_600 for row in rows}) >= 12


def test_no_user_of_the_recorded_day_is_in_two_rooms_at_once() -> None:
    """The sessions of a user are disjoint over all rooms."""
    for user in {row["UserId"] for room in ROOMS.values() for row in room["stays"]}:
        times = sessions_of(user)
        assert all(before[1] < after[0] for before, after in pairwise(times)), user


def test_a_room_of_the_recorded_day_is_never_empty_until_it_ends() -> None:
    """Each room has a user from its first to its last second, and joins fail only while it exists."""
    for room_id, room in ROOMS.items():
        made, ended = span(room_id)
        covered = made
        for enter, leave in sorted(session_times(row) for row in room["stays"]):
            assert enter <= covered, room_id
            covered = max(covered, leave)
        assert all(made <= parse_time(each, 0) <= ended for each in room.get("failed_joins", ()))


def test_the_recorded_day_has_several_places_and_networks() -> None:
    """Each city is in one province, each province in one country."""
    above: dict[str, set[str]] = defaultdict(set)
    rows = [row for room in ROOMS.values() for row in room["stays"]]
    for row in rows:
        above["city " + row["city"]].add(row["province"])
        above["province " + row["province"]].add(row["country"])
    assert all(len(holders) == 1 for holders in above.values())
    assert len({row["city"] for row in rows}) >= 6
    assert len({row["network"] for row in rows}) >= 3


def test_the_recorded_day_answers_the_sample_of_2_1() -> None:
    """User 123456789 is in both rooms of §2.1.6 inside the window of §2.1.5, several times in one."""
    inside = [room for enter, leave, room in sessions_of("123456789") if enter <= END and leave >= BEGIN]
    assert inside == ["123456789", "123456789", "987654321"]


def test_the_recorded_day_answers_the_sample_of_2_2() -> None:
    """Room 123456789 has the times and users of §2.2.6, and the window selects sessions of each user."""
    assert span("123456789") == (1575961850, 1575963822)
    inside = {
        row["UserId"]
        for row in ROOMS["123456789"]["stays"]
        if session_times(row)[0] <= END and session_times(row)[1] >= BEGIN
    }
    assert inside == {"aaaaa", "bbbbb", "123456789"}


def test_the_recorded_day_holds_the_rows_of_2_3() -> None:
    """Both rows of §2.3.6 are sessions of the log, field by field, in rooms created at the documented time."""
    for row in SAMPLES[2]["answer"]["UsersList"]:
        (found,) = [each for each in ROOMS[row["RoomId"]]["stays"] if each["UserId"] == row["UserId"]]
        assert span(row["RoomId"])[0] == int(row["CreateTime"])
        assert session_times(found) == (int(row["EnterTime"]), int(row["LeaveTime"]))
        assert (found["audio"], found["video"]) == (row["AudioDuration"], row["VideoDuration"])
