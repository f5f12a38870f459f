"""Every command as a shell sees it: exit codes, what goes to which stream, JSON for programs, and messages that name the place."""

from __future__ import annotations

import http.client
import json
import re
import socket
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.http_client import Client, Connection
from helpers.server_process import CLEAN, MOCKSERVER, ServerProcess, serving
from helpers.shell import run, run_in_terminal
from helpers.signer import APPKEY, APPSECRET, RESTAPIKEY, sha1

from mockserver.cli import cli
from mockserver.core.settings import SETTINGS


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    """One server for commands that ask one."""
    with serving("--scenario", "document") as one:
        yield one


# The whole


def test_every_command_explains_itself() -> None:
    """`--help` of the whole and of each command, groups and their commands too."""
    done = run("--help")
    assert done.returncode == 0
    for name in cli.commands:
        assert name in done.stdout
    for words in [(name,) for name in cli.commands] + [("export", "openapi")]:
        told = run(*words, "-h")
        assert told.returncode == 0
        assert told.stdout.startswith("Usage: mockserver")
    assert run("--version").stdout.startswith("mockserver, version 0.")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nothing",), "nothing"),
        (("serve", "--prot", "1"), "--port"),
        (("serve", "--port", "x"), "'--port'"),
        (("serve", "--port", "70000"), "70000"),
        (("serve", "--port", "-1"), "-1"),
        (("serve", "--scenario", "documnt"), "did you mean document?"),
        (("serve", "--reading", "windo=enter"), "did you mean window?"),
        (("serve", "--reading", "window=sometimes"), "window"),
        (("serve", "--reading", "window"), "NAME=VALUE"),
        (("serve", "--strictness", "loose"), "strict"),
        (("serve", "--now", "yesterday"), "--now"),
        (("serve", "--fault", "latenzy"), "did you mean latency?"),
        (("serve", "--fault", "latency;fixed=1"), "did you mean fixed_ms?"),
        (("serve", "--fixtures", "/nowhere/at/all"), "/nowhere/at/all"),
        (("serve", "--host", "0.0.0.0"), "--admin-token"),
        (("serve", "--host", "no.such.host.invalid", "--admin-token", "x"), "no.such.host.invalid"),
        (("serve", "--ready-file", "/nowhere/ready.json", "--port", "0"), "--ready-file"),
        (("serve", "--journal-size", "-5"), "--journal-size"),
        (("call", "query_rom_info"), "did you mean query_room_info?"),
        (("call", "query"), "is ambiguous: query_instance_all_records_by_time, query_room_info"),
        (("call", "2.2", "--url", "http://127.0.0.1:9"), "127.0.0.1:9"),
        (("call", "2.2", "RoomId"), "FIELD=VALUE"),
        (("call", "2.2", "--appkey", "12345678"), "did you mean 123456789?"),
        (("curl",), "OPERATION"),
        (("sample", "2.2", "--scenario", "x"), "x"),
        (("sample", "2.2", "--scenario", "gateway-down"), "query_room_info: the answer (HTTP 503, text/html) is not JSON"),
        (("sample", "2.2", "RoomId=mock:fault=malformed_json;how=html"), "is not JSON"),
        (("sample", "count_b"), "is ambiguous: count_business_total_volume_by_day, count_business_distribute"),
        (("curl", "2.9"), "query_room_info (2.2)"),
        (("sign", "--now", "2019-12-10T10:00"), "write 2019-12-10T10:00:00+08:00"),
        (("sign", "--appkey", "x"), "--appkey"),
        (("explain",), "REQUEST"),
        (("explain", "http://h/", "--header", "x"), "--header"),
        (("explain", "http://h/", "--body", "@/nowhere"), "/nowhere"),
        (("check", "/nowhere"), "/nowhere"),
        (("report", "--url", "http://127.0.0.1:9"), "127.0.0.1:9"),
        (("report", "--min-coverage", "101"), "--min-coverage"),
        (("report", "--format", "pdf"), "--format"),
        (("errors", "--fixtures", "/nowhere/at/all"), "/nowhere/at/all"),
        (("errors", "--lang", "fr"), "--lang"),
    ],
)  # fmt: skip
def test_wrong_usage_is_2_and_names_the_place(words: tuple[str, ...], told: str) -> None:
    """One line for people on stderr, no traceback, nothing on stdout."""
    done = run(*words)
    assert done.returncode == 2, done
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_messages_are_chinese_where_asked_for() -> None:
    """By option and by environment."""
    assert "未知场景" in run("serve", "--scenario", "documnt", "--lang", "zh").stderr
    assert "未知场景" in run("serve", "--scenario", "documnt", MOCKSERVER_LANG="zh").stderr


def test_a_reader_that_leaves_is_no_error() -> None:
    """`mockserver errors | head -1`."""
    line = " ".join([*MOCKSERVER, "errors", "--json"])
    done = subprocess.run(["bash", "-o", "pipefail", "-c", f"{line} | head -c 1"], capture_output=True, text=True, timeout=30, env=CLEAN)  # fmt: skip
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


# Tables


TABLES = {
    "operations": {"section", "operation", "path"},
    "scenarios": {"name", "extends", "title"},
    "faults": {"fault", "family"},
    "errors": {"name", "code", "source"},
    "readings": {"name", "default", "choices", "section"},
    "settings": {"option", "environment", "default"},
}


@pytest.mark.parametrize("name", TABLES)
def test_each_table_is_json_on_demand(name: str) -> None:
    """A list of rows with at least the promised keys; for people it is a table with the same rows."""
    done = run(name, "--json")
    rows = json.loads(done.stdout)
    assert done.returncode == 0
    assert done.stderr == ""
    assert all(TABLES[name] <= set(row) for row in rows), rows[0]
    shown = run(name)
    assert shown.returncode == 0
    assert not shown.stdout.startswith("[")
    first = next(iter(TABLES[name] & {"name", "operation", "fault", "option"}))
    for row in rows:
        assert str(row[first]) in shown.stdout


def test_a_table_on_a_terminal_is_for_people() -> None:
    """No JSON where somebody looks at it."""
    assert "room_not_found" in run_in_terminal("errors")


def test_the_tables_hold_what_the_document_says() -> None:
    """Values, not only keys."""
    errors = {row["name"]: row for row in json.loads(run("errors", "--json").stdout)}
    assert (errors["ok"]["code"], errors["ok"]["source"]) == (0, "document")
    assert (errors["room_not_found"]["code"], errors["room_not_found"]["source"]) == (1301, "assumed")
    assert [row["section"] for row in json.loads(run("operations", "--json").stdout)] == ["§2.1", "§2.2", "§2.3", "§3.1", "§3.2", "§3.3"]  # fmt: skip
    assert {row["environment"] for row in json.loads(run("settings", "--json").stdout)} == {one.variable for one in SETTINGS.values()}  # fmt: skip
    assert "通话" in run("operations", "--lang", "zh").stdout


# Signing and asking


def signed_by_hand(query: str) -> None:
    """Asserts that a query string carries the right checksum."""
    words = dict(urllib.parse.parse_qsl(query, strict_parsing=True))
    assert set(words) == {"appkey", "identifier", "curtime", "checksum", "seq"}
    assert words["appkey"] == APPKEY
    assert words["checksum"] == sha1(APPSECRET + RESTAPIKEY + words["curtime"])


def test_sign_prints_a_query_string() -> None:
    """And nothing else."""
    done = run("sign", "--now", "1575962150", "--seq", "7", "--identifier", "管理员")
    assert done.returncode == 0
    signed_by_hand(done.stdout.strip())
    assert "curtime=1575962150" in done.stdout
    assert "seq=7" in done.stdout


def test_curl_prints_a_command_that_works(server: ServerProcess) -> None:
    """Pasted into a shell it is answered, with quotes and Chinese in the fields, too."""
    for words in (("2.2", "RoomId=123456789"), ("query_room", 'RoomId=it\'s 房间 "x" $HOME `id`')):
        done = run("curl", *words, "--url", server.url)
        assert done.returncode == 0
        answer = subprocess.run(
            ["bash", "-c", done.stdout], capture_output=True, text=True, timeout=30, check=True
        )
        assert json.loads(answer.stdout)["ErrorCode"] == (0 if words[0] == "2.2" else 1301)
        assert json.loads(answer.stdout).get("RoomId", "123456789") == "123456789"


def test_call_is_0_for_a_success_and_1_for_a_failure(server: ServerProcess) -> None:
    """In a pipe the answer is JSON, on a terminal a table."""
    done = run("call", "2.2", "RoomId=123456789", "--url", server.url)
    assert (done.returncode, json.loads(done.stdout)["ErrorCode"]) == (0, 0)
    done = run("call", "2.2", "RoomId=nobody", "--url", server.url)
    assert (done.returncode, json.loads(done.stdout)["ErrorCode"]) == (1, 1301)
    assert run("call", "2.2", MOCKSERVER_URL=server.url).returncode == 0
    shown = run_in_terminal("call", "2.2", "RoomId=123456789", "--url", server.url)
    assert shown.startswith("OK 0")
    assert "aaaaa" in shown
    assert run("call", "2.2", "--table", "--url", server.url).stdout.startswith("OK 0")


def test_call_tells_a_broken_network_in_one_line() -> None:
    """A reset, silence and garbage are exit code 2 with the reason."""
    for fault in (
        "connection_reset",
        "empty_response",
        "garbage_response",
        "truncated_body",
        "malformed_json;how=html",
    ):
        with serving("--scenario", "document", "--fault", fault) as one:
            done = run("call", "2.2", "--url", one.url)
            assert done.returncode == 2, (fault, done)
            assert one.url in done.stderr
            assert "Traceback" not in done.stderr


def test_sample_needs_no_server() -> None:
    """The same answer as a server gives, JSON in a pipe; 1 for a failure."""
    done = run("sample", "2.2", "--scenario", "document", "--now", "1576000000")
    assert (done.returncode, json.loads(done.stdout)["RoomId"]) == (0, "123456789")
    assert run("sample", "2.2", "RoomId=nobody", "--now", "1576000000").returncode == 1
    assert run("sample", "2.2", "--scenario", "document").stdout == run("sample", "2.2", MOCKSERVER_SCENARIO="document").stdout  # fmt: skip
    assert run_in_terminal("sample", "2.2", "--scenario", "document").startswith("OK 0")


def test_explain_finds_the_mistake_in_a_pasted_url() -> None:
    """0 when nothing is wrong, 1 with the diagnosis when something is; `--json` for programs; the body from a pipe."""
    curtime = "1575962150"
    start = f"http://h/v2/video/query_room_info?appkey={APPKEY}&identifier=admin&curtime={curtime}&seq=1&checksum="
    right = start + sha1(APPSECRET + RESTAPIKEY + curtime)
    assert run("explain", right, "--body", '{"RoomId": "1"}').returncode == 0
    done = run("explain", start + sha1(APPSECRET + curtime), "--json")
    (row,) = json.loads(done.stdout)
    assert (done.returncode, row["name"], row["error"], row["where"]) == (1, "checksum_mismatch", "checksum_mismatch", "query:checksum")  # fmt: skip
    assert "v1" in row["text"]
    done = run("explain", right, "--body", "-", stdin='{"Roomid": "1"}')
    assert done.returncode == 1
    assert "did you mean RoomId?" in done.stdout
    assert sha1(APPSECRET + RESTAPIKEY + curtime) not in run("explain", start + "0" * 40).stdout


def test_check_tells_file_line_and_column(tmp_path: Path) -> None:
    """0 and a line when all is fine, 1 with every mistake when not."""
    done = run("check")
    assert (done.returncode, done.stderr) == (0, "")
    file = tmp_path / "scenarios" / "mine.yaml"
    file.parent.mkdir()
    file.write_text("title: Mine\nreadings: {windo: enter}\n", encoding="utf-8")
    for path in (str(tmp_path), str(file)):
        done = run("check", path)
        assert done.returncode == 1
        assert f"{file}:2:" in done.stderr
    file.write_text("title: Mine\nextends: default\n", encoding="utf-8")
    assert run("check", str(tmp_path)).returncode == 0
    done = run("check", str(file))
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{file}: fine\n", "")


def test_report_is_0_for_fine_1_for_findings(tmp_path: Path) -> None:
    """An empty journal fails; violations and coverage fail when asked for; each form is written to a file."""
    with serving("--scenario", "document") as one, Client(one.port) as client:
        done = run("report", "--url", one.url)
        assert done.returncode == 1, done
        client.call()
        assert run("report", "--url", one.url, "--fail-on", "violations").returncode == 0
        assert run("report", "--url", one.url, "--min-coverage", "99").returncode == 1
        client.call("query_room_info", {"RoomId": "1", "x": 1})
        done = run("report", "--url", one.url, "--fail-on", "violations")
        assert done.returncode == 1
        assert done.stderr
        for form, start in (("json", "{"), ("junit", "<?xml"), ("html", "<!doctype html>"), ("text", "")):
            file = tmp_path / f"report.{form}"
            assert run("report", "--url", one.url, "--format", form, "--output", str(file)).returncode == 0
            assert file.read_text(encoding="utf-8").lower().startswith(start)
        assert run("report", "--url", one.url, "--output", "/nowhere/x").returncode == 2
        assert run("report", "--url", one.url, "--appkey", "12345678").returncode in (1, 2)


def test_world_shows_a_day() -> None:
    """A picture for people, JSON for programs."""
    done = run("world", "--now", "1576000000", "--json")
    assert done.returncode == 0
    assert isinstance(json.loads(done.stdout), dict)
    assert run("world", "--now", "1576000000").returncode == 0


# serve


def test_serve_says_that_it_is_ready_in_one_line(tmp_path: Path) -> None:
    """With url, scenario and pid; the ready file has them for programs, and is gone afterwards."""
    file = tmp_path / "ready.json"
    with serving("--scenario", "document", "--ready-file", str(file)) as one:
        assert one.line == f"mockserver ready on {one.url} (scenario document, pid {one.process.pid})\n"
        told = json.loads(file.read_text(encoding="utf-8"))
        assert told == {"url": one.url, "admin_url": f"{one.url}/__admin", "pid": one.process.pid, "apps": [APPKEY, "987654321"]}  # fmt: skip
        with Client(one.port) as client:
            assert client.code() == 0
        assert one.stop() == (0, "")
    assert not file.exists()


def test_a_stale_ready_file_is_gone_before_a_server_starts(tmp_path: Path) -> None:
    """A script that waits for the file never finds that of a server which was killed; not after a failed start either."""
    file = tmp_path / "ready.json"
    with serving("--scenario", "document", "--ready-file", str(file)) as one:
        first = file.read_text(encoding="utf-8")
    assert file.read_text(encoding="utf-8") == first
    assert run("serve", "--scenario", "documnt", "--ready-file", str(file)).returncode == 2
    assert not file.exists()
    with serving("--scenario", "document", "--ready-file", str(file)) as one:
        assert json.loads(file.read_text(encoding="utf-8"))["pid"] == one.process.pid
        assert list(tmp_path.iterdir()) == [file]
        with serving("--scenario", "document", "--ready-file", str(file)) as other:
            # The file is the other's now: the end of this one leaves it alone.
            assert one.stop() == (0, "")
            assert json.loads(file.read_text(encoding="utf-8"))["pid"] == other.process.pid
            assert other.stop() == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_a_ready_file_that_cannot_be_is_told_before_anything_starts(tmp_path: Path) -> None:
    """A folder of that name."""
    done = run("serve", "--port", "0", "--ready-file", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"--ready-file: {tmp_path} cannot be written: ")


def test_every_setting_can_come_from_the_environment(tmp_path: Path) -> None:
    """An option on the command line wins."""
    environ = {
        "MOCKSERVER_SCENARIO": "outage", "MOCKSERVER_LANG": "zh", "MOCKSERVER_ANSWER_HEADERS": "off",
        "MOCKSERVER_FAULT": "latency;fixed_ms=0", "MOCKSERVER_READING": "seq=optional,http_status=rest",
        "MOCKSERVER_READY_FILE": str(tmp_path / "r.json"), "MOCKSERVER_NOW": "1576000000", "MOCKSERVER_JOURNAL_SIZE": "2",
    }  # fmt: skip
    with serving(**environ) as one, Client(one.port) as client:
        assert "scenario outage" in one.line
        told = client.call(at=1_576_000_000)
        assert (told.status, told.json["ErrorCode"]) == (503, 1402)
        assert not [name for name in told.headers if name.startswith("x-mock")]
        assert re.search(r"[\u4e00-\u9fff]", told.json["ErrorInfo"])
        assert client.get("faults")["faults"][0]["fault"] == "latency"
        assert (tmp_path / "r.json").exists()
    with serving("--scenario", "document", **environ) as one:
        assert "scenario document" in one.line


@pytest.mark.parametrize(
    "environ",
    [{"MOCKSERVER_PORT": "x"}, {"MOCKSERVER_SCENARIO": "documnt"}, {"MOCKSERVER_READING": "windo=enter"}, {"MOCKSERVER_FAULT": "latenzy"}, {"MOCKSERVER_TLS": "perhaps"}],
)  # fmt: skip
def test_a_wrong_environment_is_2(environ: dict[str, str]) -> None:
    """And told by the option's or the variable's name."""
    done = run("serve", **environ)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    (name,) = environ
    option = f"--{name.removeprefix('MOCKSERVER_').lower()}"
    assert name in done.stderr or option in done.stderr


def test_a_port_that_is_taken_is_2_with_its_number() -> None:
    """Nothing is printed on stdout that a script could take for ready."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", "--port", str(port))
    assert (done.returncode, done.stdout) == (2, "")
    assert str(port) in done.stderr
    assert "Traceback" not in done.stderr


def test_off_loopback_the_token_lets_in() -> None:
    """With a token `serve` starts on every address, and asks for it in each admin call; the API needs none."""
    with serving("--host", "0.0.0.0", "--admin-token", "made-up-token", "--scenario", "document") as one:
        with Connection(one.port) as wire:
            assert wire.ask("GET", "/__admin/health").status == 401
            told = wire.ask(
                "GET", "/__admin/health", Authorization="Bearer made-up-token", Host="mock.internal:8080"
            )
            assert told.status == 200
        with Client(one.port) as client:
            assert client.code() == 0
        assert run("report", "--url", one.url, MOCKSERVER_ADMIN_TOKEN="made-up-token").returncode == 0
        code, log = one.stop()
        assert (code, "made-up-token" in log) == (0, False)


def test_sigterm_finishes_a_request_in_flight() -> None:
    """The delayed answer arrives whole, and the process ends with 0."""
    with serving("--scenario", "document") as one:
        client = Client(one.port)
        client.send("POST", "faults", {"fault": "latency", "fixed_ms": 30_000})
        told: list[Any] = []
        caller = threading.Thread(target=lambda: told.append(client.call()))
        caller.start()
        with Connection(one.port) as wire:
            wire.get("requests", wait_for=1, timeout=15)
        started = time.monotonic()
        assert one.stop() == (0, "")
        caller.join(10)
        assert told[0].json["ErrorCode"] == 0
        assert time.monotonic() - started < 15
        client.close()
        with pytest.raises(ConnectionRefusedError):
            http.client.HTTPConnection("127.0.0.1", one.port, timeout=5).connect()


def test_the_log_can_be_json() -> None:
    """One object a line, the ready line too, with what the ready file has of it."""
    with serving("--scenario", "document", "--log-format", "json") as one, Client(one.port) as client:
        ready = json.loads(one.line)
        assert {"time", "level"} <= ready.keys()
        assert ready["message"].startswith(f"mockserver ready on {one.url} (scenario document, pid ")
        assert (ready["url"], ready["admin_url"]) == (one.url, f"{one.url}/__admin")
        assert (ready["pid"], ready["scenario"]) == (one.process.pid, "document")
        client.send("POST", "answers", {"on": "*", "reply": {"body": {"Status": "{{ 1 }}"}}})
        client.call()
        code, log = one.stop()
        assert code == 0
        rows = [json.loads(line) for line in log.splitlines()]
        assert rows
        assert all({"time", "level", "message"} <= set(row) for row in rows)


def test_a_failure_that_lies_in_a_scenario_is_logged_once(tmp_path: Path) -> None:
    """With file and line, however many requests meet it; and again after a save that has not mended it."""
    file = tmp_path / "scenarios" / "mine.yaml"
    file.parent.mkdir()
    text = "title: Mine\nanswers:\n  - on: query_room_info\n    reply: {body: {RoomId: '{{ 1 // 0 }}'}}\n"
    file.write_text(text, encoding="utf-8")
    words = ("--scenario", "mine", "--fixtures", str(tmp_path), "--no-reload")
    with serving(*words) as one, Client(one.port) as client:
        for _ in range(3):
            assert client.call("query_room_info", {"RoomId": "1"}).json["ErrorCode"] == 1500
        client.send("POST", "reload", {})
        for _ in range(3):
            client.call("query_room_info", {"RoomId": "1"})
        code, log = one.stop()
        lines = [line for line in log.splitlines() if " ERROR " in line]
        assert code == 0
        assert len(lines) == 2
        assert "mine.yaml:4 failed for query_room_info: " in lines[0]
        assert "1 // 0" in lines[0]
