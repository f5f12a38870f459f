"""The request log: one line per failed request with the reason; a client cannot forge lines."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from helpers.engine_client import EngineClient
from helpers.http_client import Client
from helpers.server_process import CLEAN, MOCKSERVER, serving
from helpers.signer import APPKEY, APPSECRET, RESTAPIKEY, SECRETS

from mockserver.engine.request_log import RequestLog, log

RIGHT = {"operation": "query_room_info", "body": {"RoomId": "77"}}


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def lines() -> Iterator[list[logging.LogRecord]]:
    """The log records of requests."""
    collected, before = _Collector(), log.level
    log.addHandler(collected)
    log.setLevel(logging.INFO)
    yield collected.records
    log.removeHandler(collected)
    log.setLevel(before)


def test_a_wrong_signature_is_logged_with_its_diagnosis(lines: list[logging.LogRecord]) -> None:
    """The line has the diagnosis, the operation and the app, and no secret."""
    EngineClient("default").send({**RIGHT, "sign": "v1"})
    [line] = [each.getMessage() for each in lines]
    assert line.startswith("00000001 POST query_room_info checksum_mismatch by contract ")
    assert line.endswith(
        f" app {APPKEY}: checksum is wrong: matches sha1(appsecret+curtime): the v1 formula;"
        " v2 needs the restapikey in the middle"
    )
    assert not any(secret in line for secret in SECRETS)


def test_a_name_is_logged_once(lines: list[logging.LogRecord]) -> None:
    """The violations of another name than the answered error keep theirs."""
    EngineClient("default").send({**RIGHT, "sign": "v1", "body": {"RoomId": "77", "page": 1}})
    [line] = [each.getMessage() for each in lines]
    assert line.count("checksum_mismatch") == 1
    assert "unknown_field: page is not documented" in line


def test_what_is_logged_can_be_chosen(lines: list[logging.LogRecord]) -> None:
    """Failures and violations by default; all; none."""
    logged = {}
    for which in ("failures", "all", "none"):
        bench = EngineClient("document")
        bench.engine._log = RequestLog(which)  # type: ignore[arg-type]
        bench.ask("query_room_info", {"RoomId": "unknown"})
        bench.ask("count_qos_by_day", {"QueryDate": "20191210"})
        logged[which] = [each.getMessage().split(" ")[3:6] for each in lines]
        lines.clear()
    failed, fine = ["room_not_found", "by", "world"], ["ok", "by", "document#sample-3.3"]
    assert logged == {"failures": [failed], "all": [failed, fine], "none": []}


def test_a_tolerated_violation_is_logged_too(lines: list[logging.LogRecord]) -> None:
    """A lenient backend accepts it, but the document does not."""
    bench = EngineClient("document", {"strictness": "lenient"})
    bench.send({"operation": "count_qos_by_day", "body": {"QueryDate": "20191210", "page": 1}})
    [line] = [each.getMessage() for each in lines]
    assert " count_qos_by_day ok by " in line
    assert line.endswith("unknown_field: page is not documented; remove it")


def test_the_language_is_that_of_the_server(lines: list[logging.LogRecord]) -> None:
    """The details are Chinese if ErrorInfo is."""
    EngineClient("document", lang="zh").send({**RIGHT, "body": {"roomid": "77"}})
    assert "未提供 RoomId（发送的是 roomid）" in lines[0].getMessage()


@pytest.mark.parametrize("path", ["/v2/video/x%0a2026-01-01%20forged", "/%1b[31mred", "/" + "x" * 5_000])
def test_a_client_cannot_forge_or_flood_a_line(path: str, lines: list[logging.LogRecord]) -> None:
    """Any path and method stay in one line of limited length."""
    EngineClient("document").send({**RIGHT, "path": path, "method": "POST\r\nX", "body": {"a\nb" * 500: 1}})
    [line] = [each.getMessage() for each in lines]
    assert line.isprintable()
    assert len(line) < 700


def test_json_lines_have_the_fields_of_a_request() -> None:
    """Each line of `--log-format json` is an object."""
    with serving("--log-format", "json", "--no-reload") as server:
        with Client(server.port, APPKEY, APPSECRET, RESTAPIKEY + "\n") as client:
            client.call("query_room_info", {"RoomId": "77"})
        code, log = server.stop()
    assert code == 0
    [logged] = [each for each in map(json.loads, log.splitlines()) if "operation" in each]
    assert (logged["level"], logged["operation"], logged["error"]) == (
        "WARNING",
        "query_room_info",
        "checksum_mismatch",
    )
    assert logged["violations"] == ["checksum_mismatch"]
    assert logged["diagnoses"] == ["key_newline"]
    assert (logged["appkey"], logged["by"], logged["faults"]) == (APPKEY, "contract", [])


def test_without_logging_nothing_is_printed() -> None:
    """A library does not write to the terminal."""
    script = (
        "from mockserver import MockServer\nimport urllib.request\n"
        "with MockServer() as server:\n"
        "    urllib.request.urlopen(server.url + '/nothing').read()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=CLEAN, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_unread_log_pipe_does_not_block_requests() -> None:
    """The server keeps answering and stops when the pipe of its log is full."""
    process = subprocess.Popen(
        [*MOCKSERVER, "serve", "--port", "0", "--no-reload"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=CLEAN,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline().split(" on ")[1].split()[0].rpartition(":")[2])
        with Client(port, APPKEY, "wrong secret", RESTAPIKEY) as client:
            codes = {client.call().json["ErrorCode"] for _ in range(1_000)}
        assert len(codes) == 1
        process.send_signal(signal.SIGTERM)
        # Not communicate(): it would read.
        assert process.wait(timeout=10) == 0
    finally:
        process.kill()
        process.communicate()
