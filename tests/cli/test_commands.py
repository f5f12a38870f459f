"""Every command as a shell sees it: exit codes, output streams, JSON for programs, and messages that name the place."""

from __future__ import annotations

import json
import shlex
import subprocess
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from helpers.http_client import Client
from helpers.server_process import ServerProcess, serving
from helpers.shell import run, run_in_terminal
from helpers.signer import APPKEY, APPSECRET, RESTAPIKEY, sha1

from mockserver.cli import cli
from mockserver.core.settings import SETTINGS


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    """One server for the commands that need one."""
    with serving("--scenario", "document") as server:
        yield server


# The whole


def test_every_command_has_help() -> None:
    """`--help` of the program and of each command, with no sentence cut short."""
    done = run("--help")
    assert done.returncode == 0
    for columns in ("40", "80"):
        assert "..." not in run("--help", COLUMNS=columns).stdout.partition("Commands:")[2]
    names = cli.list_commands(click.Context(cli))
    for name in names:
        assert name in done.stdout
    for words in [(name,) for name in names] + [("export", "openapi")]:
        result = run(*words, "-h")
        assert result.returncode == 0
        assert result.stdout.startswith("Usage: mockserver")
    assert run("--version").stdout.startswith("mockserver, version 0.")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nothing",), "nothing"),
        (("chekc",), "No such command 'chekc'; did you mean check?"),
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
def test_wrong_usage_is_2_and_names_the_place(words: tuple[str, ...], message: str) -> None:
    """One line on stderr, no traceback, nothing on stdout."""
    done = run(*words)
    assert done.returncode == 2, done
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_messages_are_chinese_on_request() -> None:
    """By option and by environment variable."""
    assert "未知场景" in run("serve", "--scenario", "documnt", "--lang", "zh").stderr
    assert "未知场景" in run("serve", "--scenario", "documnt", MOCKSERVER_LANG="zh").stderr


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
def test_each_table_has_json_output(name: str) -> None:
    """A list of rows with at least the promised keys; the table shows the same rows."""
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


def test_a_table_on_a_terminal_is_text() -> None:
    """No JSON on a terminal."""
    assert "room_not_found" in run_in_terminal("errors")


def test_the_tables_show_the_values_of_the_registries() -> None:
    """Values, not only keys."""
    errors = {row["name"]: row for row in json.loads(run("errors", "--json").stdout)}
    assert (errors["ok"]["code"], errors["ok"]["source"]) == (0, "document")
    assert (errors["room_not_found"]["code"], errors["room_not_found"]["source"]) == (1301, "assumed")
    assert [row["section"] for row in json.loads(run("operations", "--json").stdout)] == ["§2.1", "§2.2", "§2.3", "§3.1", "§3.2", "§3.3"]  # fmt: skip
    assert {row["environment"] for row in json.loads(run("settings", "--json").stdout)} == {setting.variable for setting in SETTINGS.values()}  # fmt: skip
    assert "通话" in run("operations", "--lang", "zh").stdout


# Signing and asking


def assert_signed(query: str) -> None:
    """Assert that a query string carries the correct checksum."""
    words = dict(urllib.parse.parse_qsl(query, strict_parsing=True))
    assert set(words) == {"appkey", "identifier", "curtime", "checksum", "seq"}
    assert words["appkey"] == APPKEY
    assert words["checksum"] == sha1(APPSECRET + RESTAPIKEY + words["curtime"])


def test_sign_prints_a_query_string() -> None:
    """And nothing else."""
    done = run("sign", "--now", "1575962150", "--seq", "7", "--identifier", "管理员")
    assert done.returncode == 0
    assert_signed(done.stdout.strip())
    assert "curtime=1575962150" in done.stdout
    assert "seq=7" in done.stdout


def test_curl_prints_a_command_that_works(server: ServerProcess) -> None:
    """The command runs in a shell, with quotes and Chinese in its fields too."""
    for words in (("2.2", "RoomId=123456789"), ("query_room", 'RoomId=it\'s 房间 "x" $HOME `id`')):
        done = run("curl", *words, "--url", server.url)
        assert done.returncode == 0
        answer = subprocess.run(["bash", "-c", done.stdout], capture_output=True, text=True, timeout=30, check=True)
        assert json.loads(answer.stdout)["ErrorCode"] == (0 if words[0] == "2.2" else 1301)
        assert json.loads(answer.stdout).get("RoomId", "123456789") == "123456789"


def windows_words(command: str) -> list[str]:
    """Return the arguments of a command line as a Windows program reads them (CommandLineToArgvW)."""
    words, word, quoted, position = [], "", False, 0
    while position < len(command):
        slashes = len(command[position:]) - len(command[position:].lstrip("\\"))
        position += slashes
        char = command[position : position + 1]
        if char == '"':
            word += "\\" * (slashes // 2) + ('"' if slashes % 2 else "")
            quoted ^= not slashes % 2
        elif char == " " and not quoted:
            words, word = [*words, word + "\\" * slashes], ""
        else:
            word += "\\" * slashes + char
        position += 1
    return [*words, word]


@pytest.mark.parametrize(("shell", "start"), [("cmd", ["curl"]), ("powershell", ["curl.exe", "--%"])])
@pytest.mark.parametrize("room", ["123456789", 'it\'s 房间 "x" %PATH% & | < > ^ ! $HOME `id` \\" \\'])
def test_curl_is_quoted_for_windows(shell: str, start: list[str], room: str) -> None:
    """A Windows program gets the words of the posix command; no character is left that the shell interprets."""
    words = ("curl", "2.2", f"RoomId={room}", "--now", "1575962150", "--ca", "C:\\my files\\", "--url", "https://h:1")
    line = run(*words, "--shell", shell).stdout.rstrip("\n")
    *found, body = windows_words(line)
    *posix, posix_body = shlex.split(run(*words).stdout)
    assert found == start + posix[1:]
    assert json.loads(body) == json.loads(posix_body) == {"RoomId": room}
    assert not set("%|<>^!$`'") & set(line.removeprefix("curl.exe --%"))
    assert line.isascii()
    assert run("explain", line).returncode == 0


def test_call_is_0_for_a_success_and_1_for_a_failure(server: ServerProcess) -> None:
    """The answer is JSON in a pipe and a table on a terminal."""
    done = run("call", "2.2", "RoomId=123456789", "--url", server.url)
    assert (done.returncode, json.loads(done.stdout)["ErrorCode"]) == (0, 0)
    done = run("call", "2.2", "RoomId=nobody", "--url", server.url)
    assert (done.returncode, json.loads(done.stdout)["ErrorCode"]) == (1, 1301)
    assert run("call", "2.2", MOCKSERVER_URL=server.url).returncode == 0
    shown = run_in_terminal("call", "2.2", "RoomId=123456789", "--url", server.url)
    assert shown.startswith("OK 0")
    assert "aaaaa" in shown
    assert run("call", "2.2", "--table", "--url", server.url).stdout.startswith("OK 0")


def test_a_day_with_one_call_is_counted_in_the_singular(tmp_path: Path) -> None:
    """Of each thing that is counted; Chinese has no plural."""
    (tmp_path / "scenarios").mkdir()
    room = "{RoomId: a, stays: [{UserId: b, enter: today 00:00, leave: today 00:01}]}"
    text = f"title: One\nworld: {{source: recorded, rooms: [{room}]}}"
    (tmp_path / "scenarios" / "one.yaml").write_text(text)
    words = (
        "world",
        "--fixtures",
        str(tmp_path),
        "--scenario",
        "one",
        "--day",
        "today",
        "--now",
        "2019-12-10T12:00+08:00",
    )
    assert run(*words).stdout.startswith("2019-12-10: 1 room, 1 user, 1 session, ")
    assert run(*words, "--lang", "zh").stdout.startswith("2019-12-10：1 个房间，1 名用户，1 次会话，")


def test_sample_needs_no_server() -> None:
    """It prints the answer that a server gives; 1 for a failure."""
    done = run("sample", "2.2", "--scenario", "document", "--now", "1576000000")
    assert (done.returncode, json.loads(done.stdout)["RoomId"]) == (0, "123456789")
    assert run("sample", "2.2", "RoomId=nobody", "--now", "1576000000").returncode == 1
    assert run("sample", "2.2", "--scenario", "document").stdout == run("sample", "2.2", MOCKSERVER_SCENARIO="document").stdout  # fmt: skip
    assert run_in_terminal("sample", "2.2", "--scenario", "document").startswith("OK 0")


def test_explain_finds_the_mistake_in_a_pasted_url() -> None:
    """0 without mistakes, 1 with a diagnosis; `--json` for programs; the body from standard input."""
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


def test_check_prints_file_line_and_column(tmp_path: Path) -> None:
    """0 and one line when all is fine, 1 with every problem otherwise."""
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


def test_report_is_0_without_findings_and_1_with(tmp_path: Path) -> None:
    """An empty journal fails; violations and coverage fail on request; each format can be written to a file."""
    with serving("--scenario", "document") as server, Client(server.port) as client:
        done = run("report", "--url", server.url)
        assert done.returncode == 1, done
        client.call()
        assert run("report", "--url", server.url, "--fail-on", "violations").returncode == 0
        assert run("report", "--url", server.url, "--min-coverage", "99").returncode == 1
        client.call("query_room_info", {"RoomId": "1", "x": 1})
        done = run("report", "--url", server.url, "--fail-on", "violations")
        assert done.returncode == 1
        assert done.stderr
        for form, start in (
            ("json", "{"),
            ("junit", "<?xml"),
            ("markdown", "## "),
            ("html", "<!doctype html>"),
            ("text", ""),
        ):
            file = tmp_path / f"report.{form}"
            assert run("report", "--url", server.url, "--format", form, "--output", str(file)).returncode == 0
            assert file.read_text(encoding="utf-8").lower().startswith(start)
        assert run("report", "--url", server.url, "--output", "/nowhere/x").returncode == 2
        assert run("report", "--url", server.url, "--appkey", "12345678").returncode in (1, 2)


def test_world_draws_a_day() -> None:
    """Charts on a terminal, JSON for programs."""
    done = run("world", "--now", "1576000000", "--json")
    assert done.returncode == 0
    assert isinstance(json.loads(done.stdout), dict)
    assert run("world", "--now", "1576000000").returncode == 0
    assert "no calls on this day; choose another one with --day" in run("world", "--scenario", "empty").stdout


def test_curl_warns_of_an_unknown_field() -> None:
    """On stderr with a suggestion; the command is printed anyway."""
    done = run("curl", "2.2", "roomid=3", "--now", "2019-12-10")
    assert done.returncode == 0
    assert "curtime=1575907200" in done.stdout
    assert '{"roomid": "3"}' in done.stdout
    assert done.stderr == "(query_room_info has no field roomid; did you mean RoomId?)\n"
    assert "没有字段 roomid；是否为 RoomId？" in run("curl", "2.2", "roomid=3", "--lang", "zh").stderr
    assert run("curl", "2.2", "RoomId=3").stderr == run("curl", "2.2").stderr == ""


def test_an_invalid_now_is_reported_in_both_languages() -> None:
    """By the option's name, in Chinese on request."""
    done = run("sign", "--now", "20191210", "--lang", "zh")
    assert done.returncode == 2
    assert "--now: " in done.stderr
    assert any("一" <= letter <= "鿿" for letter in done.stderr)


def test_an_empty_section_and_an_empty_pointer_are_not_shown() -> None:
    """An override has no section of the document, and the whole body no pointer."""
    query = run("sign", "--now", "2019-12-10").stdout.strip()
    done = run("explain", f"/v2/video/query_room_info?{query}", "--body", "{")
    assert done.stdout.startswith("body: the body is not JSON: ")
    done = run("explain", f"/v2/video/query_room_info?{query}", "--body", '{"RoomId": "mock:fault=nothing"}')
    assert "[invalid_override]" in done.stdout


@pytest.mark.parametrize("words", [("reset", "--appkey", "12345678"), ("requests", "--appkey", "12345678")])
def test_an_unknown_app_of_a_running_server_is_2(server: ServerProcess, words: tuple[str, ...]) -> None:
    """One line that names the option and the likely app."""
    done = run(*words, "--url", server.url)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "--appkey: unknown app '12345678'; did you mean 123456789?\n"
