"""Samples for a scenario that lacks the rooms and users of the document: in the console, `call` and `sample`."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.shell import run

from mockserver import MockServer
from mockserver.core.clock import parse_day, show_time

SCENARIOS = {
    "ours": """\
title: Ours
world:
  source: recorded
  rooms:
    - {RoomId: second, stays: [{UserId: bob, enter: now-50m, leave: now-40m}]}
    - {RoomId: first, stays: [{UserId: alice, enter: now-60m, leave: now-20m}]}
    - {RoomId: future, stays: [{UserId: eve, enter: now+60m}]}
""",
    "generated": "title: Generated\nworld: {source: generated, pins: []}\n",
    "future": "title: F\nworld: {source: recorded, rooms: [{RoomId: f, stays: [{UserId: e, enter: now+60m}]}]}\n",
    "impossible": "title: I\nworld: {source: recorded, rooms: [{RoomId: i, stays: [{UserId: e, enter: today 12:00,"
    " leave: now}]}]}\n",
}
NOW = parse_day("20191211") + 13 * 3_600


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder with these scenarios."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "scenarios").mkdir()
    for name, text in SCENARIOS.items():
        (folder / "scenarios" / f"{name}.yaml").write_text(text)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[MockServer]:
    """A server of these scenarios."""
    with MockServer(fixtures=str(folder), now=show_time(NOW)) as server:
        yield server


def samples(server: MockServer, scenario: str) -> dict[str, Any]:
    """Return the sample body of each operation under a scenario."""
    server.admin.send("PUT", "scenario", {"name": scenario})
    return server.admin.get("samples")["samples"]


def test_the_first_call_of_a_scenario_of_ones_own(server: MockServer) -> None:
    """Its user, room, times and day; other fields are the document's."""
    times = {"BeginTime": str(NOW - 3_600), "EndTime": str(NOW - 1_200)}
    assert samples(server, "ours") == {
        "query_instance_all_records_by_time": {"UserId": "alice", **times},
        "query_room_info": {"RoomId": "first", **times},
        "query_all_instance_by_time": times,
        "count_business_total_volume_by_day": {"QueryDate": "20191211", "CountBy": 2},
        "count_business_distribute_volume_by_day": {"QueryDate": "20191211", "CountBy": 2},
        "count_qos_by_day": {"QueryDate": "20191211"},
    }


@pytest.mark.parametrize("scenario", ["default", "ours", "generated"])
def test_every_sample_is_answered_with_data(server: MockServer, scenario: str) -> None:
    """Whatever the world is."""
    for operation, body in samples(server, scenario).items():
        answer = server.admin.get("preview", operation=operation, body=json.dumps(body))
        assert answer["ErrorCode"] == 0
        assert any(value for name, value in answer.items() if name not in ("Status", "ErrorCode", "ErrorInfo"))


@pytest.mark.parametrize("scenario", ["default", "empty", "future", "document"])
def test_otherwise_samples_are_the_documents(server: MockServer, scenario: str) -> None:
    """If the world has its calls, or none so far."""
    for operation, body in samples(server, scenario).items():
        assert body == server.engine.config.schemas.request(operation).schema["examples"][0]


def test_a_world_that_is_impossible_now_leaves_the_console_working(server: MockServer) -> None:
    """Its samples are the document's."""
    samples(server, "impossible")
    server.admin.send("PUT", "clock", {"now": NOW - 3_600})
    try:
        assert server.admin.get("samples")["samples"]["query_room_info"]["RoomId"] == "123456789"
    finally:
        server.admin.send("DELETE", "clock")


def test_the_console_and_the_commands_use_them(server: MockServer, folder: Path) -> None:
    """The command to copy, the form, `call` and `sample`."""
    samples(server, "ours")
    for page, text in {"": '"RoomId": "first"', "/try": 'value="first"'}.items():
        with urllib.request.urlopen(f"{server.url}/__admin/console{page}") as answer:
            assert text in answer.read().decode().replace("&#34;", '"')
    for operation, name in {"2.1": "alice", "2.2": "alice", "2.3": "bob"}.items():
        options = ("--fixtures", str(folder), "--now", show_time(NOW))
        for done in (
            run("call", operation, "--url", server.url, *options),
            run("sample", operation, "--scenario", "ours", *options),
        ):
            assert (done.returncode, name in done.stdout, done.stderr) == (0, True, "")
