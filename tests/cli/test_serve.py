"""`mockserver serve`: the ready line and file, environment variables, signals, and the log."""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from helpers.http_client import Client, Connection
from helpers.server_process import serving
from helpers.shell import run
from helpers.signer import APPKEY

from mockserver.core.folders import Folders


def test_serve_prints_one_ready_line(tmp_path: Path) -> None:
    """With URL, scenario, pid, console and the place of the keys, as the ready file, which is removed at the end."""
    file = tmp_path / "ready.json"
    with serving("--scenario", "document", "--ready-file", str(file)) as server:
        assert server.line == (
            f"mockserver ready on {server.url} (scenario document, pid {server.process.pid}, console {server.url}/__admin/console,"
            f" keys of app {APPKEY} in {Folders().fixture('apps.yaml')}, for other commands: export MOCKSERVER_URL={server.url})\n"
        )
        result = json.loads(file.read_text(encoding="utf-8"))
        assert result == {"url": server.url, "admin_url": f"{server.url}/__admin", "pid": server.process.pid, "apps": [APPKEY, "987654321"]}  # fmt: skip
        with Client(server.port) as client:
            assert client.code() == 0
        assert server.stop() == (0, "")
    assert not file.exists()


def test_a_stale_ready_file_is_removed_before_the_start(tmp_path: Path) -> None:
    """A script never finds the file of a killed server, not after a failed start either."""
    file = tmp_path / "ready.json"
    with serving("--scenario", "document", "--ready-file", str(file)) as server:
        first = file.read_text(encoding="utf-8")
    assert file.read_text(encoding="utf-8") == first
    assert run("serve", "--scenario", "documnt", "--ready-file", str(file)).returncode == 2
    assert not file.exists()
    with serving("--scenario", "document", "--ready-file", str(file)) as server:
        assert json.loads(file.read_text(encoding="utf-8"))["pid"] == server.process.pid
        assert list(tmp_path.iterdir()) == [file]
        with serving("--scenario", "document", "--ready-file", str(file)) as other:
            # The file is the other's now: the end of this one leaves it alone.
            assert server.stop() == (0, "")
            assert json.loads(file.read_text(encoding="utf-8"))["pid"] == other.process.pid
            assert other.stop() == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_an_impossible_ready_file_is_rejected_before_the_start(tmp_path: Path) -> None:
    """The path of a folder, for example."""
    done = run("serve", "--port", "0", "--ready-file", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"--ready-file: {tmp_path} cannot be written: ")


def test_every_setting_can_come_from_the_environment(tmp_path: Path) -> None:
    """An option on the command line takes precedence."""
    environ = {
        "MOCKSERVER_SCENARIO": "outage", "MOCKSERVER_LANG": "zh", "MOCKSERVER_ANSWER_HEADERS": "off",
        "MOCKSERVER_FAULT": "latency;fixed_ms=0", "MOCKSERVER_READING": "seq=optional,http_status=rest",
        "MOCKSERVER_READY_FILE": str(tmp_path / "r.json"), "MOCKSERVER_NOW": "1576000000", "MOCKSERVER_JOURNAL_SIZE": "2",
    }  # fmt: skip
    with serving(**environ) as server, Client(server.port) as client:
        assert "scenario outage" in server.line
        result = client.call(at=1_576_000_000)
        assert (result.status, result.json["ErrorCode"]) == (503, 1402)
        assert not [name for name in result.headers if name.startswith("x-mock")]
        assert re.search(r"[\u4e00-\u9fff]", result.json["ErrorInfo"])
        assert client.get("faults")["faults"][0]["fault"] == "latency"
        assert (tmp_path / "r.json").exists()
    with serving("--scenario", "document", **environ) as server:
        assert "scenario document" in server.line


@pytest.mark.parametrize(
    "environ",
    [{"MOCKSERVER_PORT": "x"}, {"MOCKSERVER_SCENARIO": "documnt"}, {"MOCKSERVER_READING": "windo=enter"}, {"MOCKSERVER_FAULT": "latenzy"}, {"MOCKSERVER_TLS": "perhaps"}],
)  # fmt: skip
def test_a_wrong_environment_variable_is_2(environ: dict[str, str]) -> None:
    """The message has the name of the option or of the variable."""
    done = run("serve", **environ)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    (name,) = environ
    option = f"--{name.removeprefix('MOCKSERVER_').lower()}"
    assert name in done.stderr or option in done.stderr


def test_a_port_in_use_is_2_with_its_number() -> None:
    """Nothing on stdout that a script could take for the ready line."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", "--port", str(port))
    assert (done.returncode, done.stdout) == (2, "")
    assert str(port) in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "environ"),
    [(("--signing", "off"), {}), (("--reading", "signing=off"), {}), ((), {"MOCKSERVER_SIGNING": "off"})],
    ids=str,
)
def test_the_ready_line_says_that_signing_is_off(words: tuple[str, ...], environ: dict[str, str]) -> None:
    """Nobody takes such a server for one that checks signatures; an unsigned request is answered."""
    with serving("--scenario", "document", *words, **environ) as server:
        assert "(scenario document, signing off, pid " in server.line
        with Connection(server.port) as wire:
            answer = wire.ask(
                "POST", "/v2/video/query_room_info", b'{"RoomId": "123456789"}', Content_Type="application/json"
            )
            assert answer.json["Status"] == "OK"
            assert answer.headers["x-mock-violations"] == "5"


def test_off_loopback_the_admin_api_requires_the_token() -> None:
    """With a token of any characters `serve` listens on every address; the API itself needs none."""
    token = "Schlüssel: 钥匙"
    bearer = f"Bearer {token}".encode().decode("latin-1")
    with serving("--host", "0.0.0.0", "--admin-token", token, "--scenario", "document") as server:
        with Connection(server.port) as wire:
            assert wire.ask("GET", "/__admin/apps").status == 401
            result = wire.ask("GET", "/__admin/apps", Authorization=bearer, Host="mock.internal:8080")
            assert result.status == 200
            assert wire.ask("GET", "/__admin/health", Host="10.244.1.7:8080").json == {"status": "ok"}
        with Client(server.port) as client:
            assert client.code() == 0
        assert run("report", "--url", server.url, MOCKSERVER_ADMIN_TOKEN=f"{token}\n").returncode == 0
        assert run("report", "--url", server.url, "--admin-token", token).returncode == 0
        code, log = server.stop()
        assert (code, token in log) == (0, False)


def test_sigterm_finishes_a_request_in_flight() -> None:
    """The delayed answer arrives complete, and the process exits with 0."""
    with serving("--scenario", "document") as server:
        client = Client(server.port)
        client.send("POST", "faults", {"fault": "latency", "fixed_ms": 30_000})
        result: list[Any] = []
        caller = threading.Thread(target=lambda: result.append(client.call()))
        caller.start()
        with Connection(server.port) as wire:
            wire.get("requests", wait_for=1, timeout=15)
        started = time.monotonic()
        assert server.stop() == (0, "")
        caller.join(10)
        assert result[0].json["ErrorCode"] == 0
        assert time.monotonic() - started < 15
        client.close()
        with pytest.raises(ConnectionRefusedError):
            http.client.HTTPConnection("127.0.0.1", server.port, timeout=5).connect()


def test_the_log_has_the_zone_of_the_api() -> None:
    """As `mockserver requests` and the console, with the offset."""
    with serving("--scenario", "document") as server, Client(server.port) as client:
        before = int(time.time())
        assert client.call(body={}).json["ErrorCode"] != 0
        _, log = server.stop()
        moment, level, request_id = log.split(" ")[:3]
        assert (moment[-6:], level, request_id) == ("+08:00", "WARNING", "00000001")
        assert before <= datetime.fromisoformat(moment).timestamp() <= time.time()


def test_the_log_can_be_json() -> None:
    """One object a line, the ready line included."""
    with serving("--scenario", "document", "--log-format", "json") as server, Client(server.port) as client:
        ready = json.loads(server.line)
        assert {"time", "level"} <= ready.keys()
        assert ready["message"].startswith(f"mockserver ready on {server.url} (scenario document, pid ")
        assert (ready["url"], ready["admin_url"]) == (server.url, f"{server.url}/__admin")
        assert (ready["pid"], ready["scenario"]) == (server.process.pid, "document")
        client.send("POST", "answers", {"on": "*", "reply": {"body": {"Status": "{{ 1 }}"}}})
        client.call()
        code, log = server.stop()
        assert code == 0
        rows = [json.loads(line) for line in log.splitlines()]
        assert rows
        assert all({"time", "level", "message"} <= set(row) for row in rows)


def test_a_failure_of_a_scenario_is_logged_once(tmp_path: Path) -> None:
    """With file and line, however many requests it affects, and again after a reload."""
    file = tmp_path / "scenarios" / "mine.yaml"
    file.parent.mkdir()
    text = "title: Mine\nanswers:\n  - on: query_room_info\n    reply: {body: {RoomId: '{{ 1 // 0 }}'}}\n"
    file.write_text(text, encoding="utf-8")
    words = ("--scenario", "mine", "--fixtures", str(tmp_path), "--no-reload")
    with serving(*words) as server, Client(server.port) as client:
        for _ in range(3):
            assert client.call("query_room_info", {"RoomId": "1"}).json["ErrorCode"] == 1500
        client.send("POST", "reload", {})
        for _ in range(3):
            client.call("query_room_info", {"RoomId": "1"})
        code, log = server.stop()
        lines = [line for line in log.splitlines() if " ERROR " in line]
        assert code == 0
        assert len(lines) == 2
        assert "mine.yaml:4 failed for query_room_info: " in lines[0]
        assert "1 // 0" in lines[0]
