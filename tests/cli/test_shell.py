"""Common features of the commands: URLs, help, exit codes, pipes, Ctrl-C, full disks, tables, and unique seqs."""

from __future__ import annotations

import errno
import io
import json
import re
import signal
import socket
import subprocess
import sys
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import click
import pytest
from helpers.http_client import Client
from helpers.server_process import CLEAN, MOCKSERVER, ForkedProcess, serving
from helpers.shell import run, run_in_terminal

from mockserver.cli import cli, main
from mockserver.core.addresses import normalize_server_url
from mockserver.core.errors import ConfigurationError

ASKING = (("call", "2.2"), ("curl", "2.2"), ("report",), ("export", "openapi"), ("export", "postman"), ("export", "http"))  # fmt: skip
"""The commands that take a server's URL."""


# URLs


@pytest.mark.parametrize("words", ASKING, ids=" ".join)
@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("", "--url"), ("  ", "--url"), ("localhost", "localhost"), ("ftp://h:1", "ftp://h:1"), ("http://", "http://"),
        ("http://h:1/v2", "http://h:1/v2"), ("h:1/__admin", "h:1/__admin"), ("http://h:1?x=1", "http://h:1?x=1"),
        ("http://h:x", "http://h:x"), ("http://h:99999", "http://h:99999"), ("http://[oops", "http://[oops"),
        ("http://[oops]", "http://[oops]"), ("http://[1.2.3.4]:80", "http://[1.2.3.4]:80"), ("http://x[::1]y:8", "http://x[::1]y:8"),
        ("http://me:made-up@h:1", "http://…@h:1"), ("ftp://me:made-up@h", "ftp://…@h"), ("http://a b", "http://a b"),
        ("//h:1", "//h:1"), ("8080", "8080"), (":8080", ":8080"),
    ],
)  # fmt: skip
def test_an_invalid_url_gives_the_same_message_in_every_command(words: tuple[str, ...], url: str, place: str) -> None:
    """One line with the URL and the expected form, exit code 2; a password in it is not printed."""
    for lang, says in (
        ("en", "not the URL of a mock server; expected http://HOST:PORT"),
        ("zh", "应为 http://HOST:PORT"),
    ):
        done = run(*words, "--url", url, "--lang", lang)
        assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
        assert done.stderr.startswith(f"{place}: ")
        assert says in done.stderr
        assert "made-up" not in done.stderr


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("localhost:8080", "http://localhost:8080"), ("127.0.0.1:1/", "http://127.0.0.1:1"), (" h:1 ", "http://h:1"),
        ("[::1]:8080", "http://[::1]:8080"), ("http://h", "http://h"), ("https://h:1/", "https://h:1"),
        ("HTTP://H:1", "http://h:1"), ("http://[::1]:1", "http://[::1]:1"),
    ],
)  # fmt: skip
def test_short_forms_of_a_url_are_accepted(given: str, meant: str) -> None:
    """HOST:PORT means http, and a final slash is ignored."""
    assert normalize_server_url(given) == meant
    assert f"'{meant}/v2/video/" in run("curl", "2.2", "--url", given).stdout


def test_host_and_port_are_enough() -> None:
    """For `call` and for `report`."""
    with serving("--scenario", "document") as server:
        for host in ("127.0.0.1", "localhost"):
            assert run("call", "2.2", "--url", f"{host}:{server.port}").returncode == 0
        assert run("report", "--url", f"127.0.0.1:{server.port}/").returncode == 0


def test_an_unresolvable_host_is_reported() -> None:
    """A label too long for a host name gives one line, not a traceback."""
    for words in ASKING[0], ASKING[2]:
        done = run(*words, "--url", f"http://{'a' * 70}.example:80")
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done


def test_report_over_https() -> None:
    """`--ca FILE`, or its variable, makes `call` and `report` trust the server; the message without it says so."""
    with serving("--scenario", "document", "--tls") as server:
        found = re.search(r"CA file (\S+)\)", server.line)
        assert found
        assert run("call", "2.2", "--url", server.url, "--ca", found[1], "x=1").stderr.startswith("body:/RoomId: ")
        assert run("report", "--url", server.url, "--ca", found[1]).returncode == 0
        assert run("report", "--url", server.url, MOCKSERVER_CA=found[1]).returncode == 0
        for words in ASKING[0], ASKING[2]:
            bad = run(*words, "--url", server.url)
            assert (bad.returncode, len(bad.stderr.splitlines())) == (2, 1)
            assert "not trusted" in bad.stderr
            assert "--ca FILE" in bad.stderr
        for words in ASKING[0], ASKING[1], ASKING[2]:
            done = run(*words, "--url", server.url.replace("https", "http"), "--ca", found[1])
            assert (done.returncode, done.stdout, done.stderr[:5]) == (2, "", "--ca:")


def test_a_report_on_an_unknown_app_is_wrong_usage() -> None:
    """Exit code 2 with the nearest name in each format; a known app without requests is an empty report, 1."""
    with serving("--scenario", "document") as server, Client(server.port) as client:
        client.call()
        for form in ("text", "json", "junit", "html"):
            done = run("report", "--url", server.url, "--format", form, "--appkey", "12345678")
            assert (done.returncode, done.stdout) == (2, "")
            assert done.stderr == "--appkey: unknown app '12345678'; did you mean 123456789?\n"
        assert run("report", "--url", server.url, "--appkey", "123456789", "--appkey", "x").returncode == 2
        assert run("report", "--url", server.url, "--appkey", "123456789").returncode == 0
        assert run("report", "--url", server.url, "--appkey", "987654321").returncode == 1


# Help


def commands() -> list[tuple[str, ...]]:
    """Return the words of every command."""
    found: list[tuple[str, ...]] = []
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        inner = command.list_commands(context) if isinstance(command, click.Group) else []
        found += [(name, inner_name) for inner_name in inner] or [(name,)]
    return found


def command_of(words: tuple[str, ...]) -> click.Command:
    """Return the command with these words."""
    command: click.Command = cli
    for word in words:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), word)
        assert found is not None
        command = found
    return command


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_help_is_complete(words: tuple[str, ...]) -> None:
    """Every option has a text and shows its environment variable, and every command takes --lang."""
    command = command_of(words)
    options = [option for option in command.params if isinstance(option, click.Option)]
    assert command.help
    for option in options:
        assert option.help, option.name
        assert option.envvar is None or option.show_envvar, option.name
    names = {name for option in options for name in option.opts}
    assert "--lang" in names
    shown = run(*words, "--help").stdout
    assert all(name in shown for name in names)


def test_the_same_option_is_the_same_everywhere() -> None:
    """One help text and one variable, except where an option means something else."""
    texts: dict[str, set[tuple[object, ...]]] = {}
    for words in commands():
        for option in command_of(words).params:
            if isinstance(option, click.Option):
                texts.setdefault(option.opts[0], set()).add((option.envvar, option.help))
    several = {name for name, found in texts.items() if len(found) > 1}
    # The server or the API; the token given or required; flag or choice; one app or several; a fixed clock or a signing time;
    # a day to draw or to ask about; violations or severities; a file or a folder; readings chosen or expected.
    names = (
        "--url",
        "--admin-token",
        "--json",
        "--appkey",
        "--lang",
        "--now",
        "--day",
        "--fail-on",
        "--output",
        "--reading",
        "--limit",
        "--force",
    )
    assert several == set(names)


# seq


def signed_parameters(*words: str, **environ: str) -> dict[str, str]:
    """Return the parameters of a query string signed by a separate process."""
    process = ForkedProcess(("sign", *words), 2, {**CLEAN, **environ})
    return dict(urllib.parse.parse_qsl(process.communicate()[0].strip()))


def test_processes_do_not_share_seq_values() -> None:
    """Several processes in the same second, as in a shell loop."""
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: signed_parameters()["seq"], range(6)))
    assert len(set(found)) == 6
    assert all(re.fullmatch(r"[0-9]{26}", seq) for seq in found)


def test_forks_do_not_share_seq_values() -> None:
    """A fork inherits the random state of its parent."""
    code = (
        "import os, sys\nfrom mockserver.contract.apps import Credentials\nfrom mockserver.contract.checksum import sign\n"
        "keys = Credentials('a', 'b', 'c')\nsign(keys, 1.0)\n"
        "for _ in range(8):\n    if os.fork() == 0:\n        os.write(1, (sign(keys, 1.0) + '\\n').encode())\n        os._exit(0)\n"
        "for _ in range(8):\n    os.wait()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True, env=CLEAN)  # fmt: skip
    assert len(set(done.stdout.split())) == 8


def test_output_at_a_fixed_time_is_reproducible() -> None:
    """With `--now` the same arguments print the same bytes; with a running clock each seq is new."""
    at = "1575962150"
    assert run("sign", "--now", at).stdout == run("sign", MOCKSERVER_NOW=at).stdout
    assert "seq=1575962150000001\n" in run("sign", "--now", at).stdout
    for words in (("curl", "2.2"), ("export", "http", "--signed")):
        first, again = run(*words, "--now", at).stdout, run(*words, "--now", at).stdout
        assert first == again
        seqs = re.findall(r"seq=([0-9]+)", first)
        assert len(set(seqs)) == len(seqs) == (1 if words[0] == "curl" else 6)
    assert run("sign", "--now", "now-1m").stdout.partition("seq=")[2] != run("sign", "--now", "now-1m").stdout.partition("seq=")[2]  # fmt: skip


# Endings


def test_ctrl_c_is_130_and_quiet() -> None:
    """While a command waits for an answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        words = ("call", "2.2", "RoomId=77", "--url", f"127.0.0.1:{listener.getsockname()[1]}")
        process = subprocess.Popen([*MOCKSERVER, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=CLEAN)  # fmt: skip
        listener.settimeout(30)
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(10) == b"POST /v2/v"
            process.send_signal(signal.SIGINT)
            result = process.communicate(timeout=30)
    assert (process.returncode, *result) == (130, "", "")


def test_ctrl_c_while_loading_is_130_and_quiet() -> None:
    """Importing the commands takes half a second."""
    code = (
        "import sys\nclass Late:\n    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'mockserver.cli.serve':\n            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Late())\nfrom mockserver.__main__ import main\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=CLEAN)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


class FullDisk(io.StringIO):
    """A file on a full disk."""

    def flush(self) -> None:
        """Fail like the operating system."""
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("words", [("errors",), ("export", "openapi"), ("world", "--json")], ids=" ".join)
def test_a_full_disk_is_reported(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """One line, exit code 2."""
    with (
        mock.patch.object(sys, "argv", ["mockserver", *words]),
        mock.patch.object(sys, "stdout", FullDisk()),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == "cannot write to standard output: No space left on device\n"


# Tables


@pytest.mark.parametrize("name", ["operations", "scenarios", "faults", "errors", "readings", "settings"])
@pytest.mark.parametrize("columns", ["20", "80"])
def test_in_a_pipe_a_row_is_a_line(name: str, columns: str) -> None:
    """Whatever COLUMNS says, so that grep finds whole rows: nothing is folded or cut."""
    rows = json.loads(run(name, "--json").stdout)
    head, *lines = run(name, COLUMNS=columns).stdout.splitlines()
    assert len(lines) == len(rows)
    for row, line in zip(rows, lines, strict=True):
        assert all(value in line for value in row.values() if isinstance(value, str) and value.isprintable())
        assert line == line.rstrip()
    assert head.split("  ")[0] == next(iter(rows[0]))


def test_columns_with_chinese_text_line_up() -> None:
    """A Chinese character takes two columns."""

    def cell_len(text: str) -> int:
        # The others in these texts are § and the like.
        return len(text) + sum(char > "\u2e80" for char in text)

    titles = [row["title"] for row in json.loads(run("operations", "--lang", "zh", "--json").stdout)]
    head, *lines = run("operations", "--lang", "zh").stdout.splitlines()
    at = head.index("title")
    assert {cell_len(line[: line.index(title)]) for line, title in zip(lines, titles, strict=True)} == {at}
    shown = run("faults", "http_status", "--lang", "zh").stdout.splitlines()
    start = next(line for line in shown if line.startswith("field"))
    rows = [line for line in shown if line.startswith(("status ", "body ", "retry_after "))]
    assert {cell_len(row[: row.index(word)]) for row, word in zip(rows, ("HTTP 状态码", "nginx 错误页、", "Retry-After 的"), strict=True)} == {start.index("meaning")}  # fmt: skip


def test_on_a_terminal_only_the_last_column_is_folded() -> None:
    """At word boundaries and indented; names and codes stay whole."""
    lines = run_in_terminal("faults").splitlines()
    found = [line for line in lines if line.startswith("clock_skew ")]
    assert len(found) == 1
    assert len(lines) > 24
    assert all(len(re.sub(r"\x1b\[\d+m", "", line)) <= 120 for line in lines)


# Faults


def test_a_fault_kind_is_explained_in_both_languages() -> None:
    """Its fields with values, defaults and required ones, the common fields, and an example in each notation."""
    result = run("faults", "latency").stdout
    for line in (
        r"fixed_ms +a number, at least 0, at most 600000 +Constant delay in milliseconds\.",
        r"lognormal\.sigma +a number, at least 0, at most 5 +required +Standard deviation",
        r"lognormal\.max_ms +a number, .* 600000 +Longest delay",
        r"exactly one of fixed_ms, uniform, lognormal is required",
        r"probability +a number, .* 1 +Probability",
        r"    - \{fault: latency, fixed_ms: 800, on: query_room_info, times: 1\}",
        r"  X-Mock-Fault: latency;fixed_ms=800",
        r"  mockserver serve --fault 'latency;fixed_ms=800;on=query_room_info;times=1'",
    ):
        assert re.search(f"^{line}", result, re.MULTILINE), line
    assert "固定延迟" in run("faults", "latency", "--lang", "zh").stdout
    row = json.loads(run("faults", "latency", "--json").stdout)
    assert (row["fault"], row["example"]["fixed_ms"]) == ("latency", 800)
    assert re.search(r"^every +.* 3 +Fire", run("faults", "checksum_flaky").stdout, re.MULTILINE)
    assert "X-Mock-Fault" not in run("faults", "rate_limit").stdout


def test_an_unknown_fault_points_to_the_help() -> None:
    """For `faults` and for `serve --fault`."""
    done = run("faults", "latenzy")
    assert (done.returncode, done.stderr) == (2, "KIND: unknown fault 'latenzy'; did you mean latency?\n")
    assert "(see `mockserver faults latency`)" in run("serve", "--fault", "latency;fixed=1").stderr
    assert "(see `mockserver faults`)" in run("serve", "--fault", "latenzy").stderr
    assert "（见 `mockserver faults latency`）" in run("serve", "--fault", "latency", "--lang", "zh").stderr


def test_an_invalid_url_raises_configuration_error() -> None:
    """Code gets the same message as an exception."""
    with pytest.raises(ConfigurationError, match=r"http://h:1/v2: not the URL of a mock server; .*, without /v2"):
        normalize_server_url("http://h:1/v2")


def test_ctrl_c_stops_serve() -> None:
    """Exit code 0 and nothing in the log."""
    with serving("--scenario", "document") as server:
        server.process.send_signal(signal.SIGINT)
        server.process.communicate(timeout=20)
        assert (server.process.returncode, server.log) == (0, "")
