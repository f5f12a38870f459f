"""`mockserver requests`: the journal in a terminal, and what arrives while it is watched."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator

import pytest
from helpers.http_client import Client
from helpers.server_process import CLEAN, MOCKSERVER
from helpers.shell import run

from mockserver import MockServer
from mockserver.cli.running import key_field
from mockserver.contract.operations import OPERATIONS
from mockserver.core.clock import show_time


@pytest.fixture(scope="module")
def shared() -> Iterator[MockServer]:
    """One server."""
    with MockServer("document") as server:
        yield server


@pytest.fixture
def server(shared: MockServer) -> MockServer:
    """The server with an empty journal."""
    shared.admin.send("DELETE", "requests")
    return shared


def call_twice(server: MockServer) -> None:
    """Send a good request and one with two violations."""
    with Client(server.port) as client:
        client.call("query_room_info", {"RoomId": "123456789"})
        client.call("query_room_info", {"RoomId": "123456789", "a": 1, "b\x1b[2J": 2})


def follow(server: MockServer, *words: str) -> subprocess.Popen[str]:
    """Start `requests --follow`."""
    line = [*MOCKSERVER, "requests", "--follow", "--url", server.url, *words]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=CLEAN)


def test_a_request_is_a_line(server: MockServer) -> None:
    """Time, operation, key field, outcome, milliseconds and the names of the violations, each once; oldest first."""
    call_twice(server)
    done = run("requests", "--url", server.url)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [re.split(r"\s{2,}", line) for line in done.stdout.splitlines()]
    times = [entry["at"] for entry in server.admin.get("requests")["requests"]]
    assert [line[0] for line in lines] == [show_time(int(at))[11:19] for at in times]
    assert [line[1:4] for line in lines] == [
        ["query_room_info", "123456789", "OK"],
        ["query_room_info", "123456789", "unknown_field"],
    ]
    assert [re.fullmatch(r"[\d.]+ ms", line[4]) is not None for line in lines] == [True, True]
    ids = [entry["id"] for entry in server.admin.get("requests")["requests"]]
    assert [line[5:] for line in lines] == [[ids[0]], [ids[1], "unknown_field"]]


def test_json_is_a_line_for_each_request(server: MockServer) -> None:
    """The last ones only, of one app only; an unknown app is wrong usage."""
    call_twice(server)
    words = ("requests", "--json", "--url", server.url)
    rows = [json.loads(line) for line in run(*words).stdout.splitlines()]
    assert [(row["operation"], row["error"]) for row in rows] == [("query_room_info", ""), ("query_room_info", "unknown_field")]  # fmt: skip
    assert [json.loads(line) for line in run(*words, "--limit", "1").stdout.splitlines()] == rows[1:]
    assert run(*words, "--limit", "0").stdout == ""
    assert len(run(*words, "--appkey", "123456789").stdout.splitlines()) == 2
    assert run(*words, "--appkey", "987654321").stdout == ""
    done = run(*words, "--appkey", "12345678")
    assert (done.returncode, done.stderr) == (2, "--appkey: unknown app '12345678'; did you mean 123456789?\n")


def test_an_empty_journal_says_so(server: MockServer) -> None:
    """On stderr, in both languages; without a server the exit code is 2."""
    assert run("requests", "--url", server.url).stderr == "no request yet\n"
    assert run("requests", "--url", server.url, "--lang", "zh").stderr == "尚无请求\n"
    assert run("requests", "--url", "http://127.0.0.1:9").returncode == 2


def test_follow_shows_what_arrives_until_ctrl_c(server: MockServer) -> None:
    """Earlier requests first; Ctrl-C ends it without a message."""
    call_twice(server)
    process = follow(server, "--limit", "1", "--json")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["error"] == "unknown_field"
    with Client(server.port) as client:
        client.call("count_qos_by_day")
    assert json.loads(process.stdout.readline())["operation"] == "count_qos_by_day"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20) == ("", "")
    assert process.returncode == 130


def test_follow_ends_when_nobody_reads(server: MockServer) -> None:
    """As with `| head -1`: at once, though no further request arrives."""
    call_twice(server)
    process = follow(server)
    assert process.stdout is not None
    assert process.stderr is not None
    assert "query_room_info" in process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=20) == 0
    assert process.stderr.read() == ""
    process.stderr.close()


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"RoomId": "r1"}, "r1"),
        ({"UserId": "u", "BeginTime": "1575962150", "EndTime": 1575962850}, "u 12-10 15:15–12-10 15:27"),
        ({"UserId": "u", "BeginTime": "soon"}, "u soon"),
        ({"QueryDate": "20191210", "CountBy": 3}, "20191210/3"),
        ({"QueryDate": "20191210"}, "20191210"),
        ({}, ""),
    ],
)
def test_the_key_field_says_what_a_request_is_about(fields: dict[str, object], shown: str) -> None:
    """Names, a time range, or a day and what is counted."""
    assert key_field(fields) == shown


def test_every_operation_has_a_key_field(server: MockServer) -> None:
    """Of the document's sample."""
    for operation in OPERATIONS:
        sample = server.engine.config.schemas[f"{operation}.request.json"].schema["examples"][0]
        assert key_field(sample) != ""
