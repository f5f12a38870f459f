"""`mockserver call`: every violation of a request is printed, and a broken answer is described in one line."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from helpers.http_client import Client
from helpers.server_process import ServerProcess, serving
from helpers.shell import run, run_in_terminal

from mockserver.faults.kinds.contract_drift import DRIFTS
from mockserver.faults.registry import KINDS


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    """One server whose app gets one fault at a time."""
    with serving("--scenario", "document") as server:
        yield server


@contextmanager
def with_fault(server: ServerProcess, fault: str, **fields: object) -> Iterator[None]:
    """Add a fault for the length of a block."""
    with Client(server.port) as client:
        client.send("POST", "faults", {"fault": fault, **fields})
        try:
            yield
        finally:
            client.send("DELETE", "faults")


def test_every_violation_is_printed(server: ServerProcess) -> None:
    """On stderr with its place; the answer on stdout names only the first."""
    words = ("2.2", "x=2", "BeginTime=z", "EndTime=4")
    done = run("call", *words, "--url", server.url, "--identifier", "")
    assert done.returncode == 1
    assert json.loads(done.stdout)["Status"] == "FAIL"
    places = [line.partition(": ")[0] for line in done.stderr.splitlines()]
    assert {"body:/RoomId", "body:/x", "body:/BeginTime", "body:/EndTime"} <= set(places)
    assert "body:/EndTime: " in run_in_terminal("call", *words, "--url", server.url)


def test_tolerated_violations_are_printed_for_a_success() -> None:
    """A lenient server answers with success, and the violation is still visible."""
    with serving("--scenario", "document", "--strictness", "lenient") as server:
        done = run("call", "2.2", "RoomId=123456789", "extra=1", "--url", server.url)
        assert (done.returncode, json.loads(done.stdout)["ErrorCode"]) == (0, 0)
        assert done.stderr.startswith("body:/extra: ")


def test_a_valid_request_prints_nothing_on_stderr(server: ServerProcess) -> None:
    """Neither for a success nor for an unknown room, which is no violation."""
    for words, code in ((("2.2", "RoomId=123456789"), 0), (("2.2", "RoomId=nobody"), 1)):
        done = run("call", *words, "--url", server.url)
        assert (done.returncode, done.stderr) == (code, "")


def test_the_admin_token_gives_access_to_the_violations() -> None:
    """Without it only their number is printed, with a hint."""
    with serving("--scenario", "document", "--admin-token", "made-up-token") as server:
        words = ("call", "2.2", "x=1", "y=2", "--url", server.url)
        done = run(*words)
        assert done.stderr == "(3 violations; add --admin-token TOKEN to read them from the server's journal)\n"
        assert "共 3 处" in run(*words, "--lang", "zh").stderr
        assert len(run(*words, "--admin-token", "made-up-token").stderr.splitlines()) == 3
        done = run(*words, "--admin-token", "made-up\ntoken")
        assert "made-up" not in done.stdout + done.stderr


BROKEN = [
    ("connection_reset", {}, "reset before the first byte"),
    ("connection_reset", {"at": "mid_body"}, "reset in the middle of the body"),
    ("empty_response", {}, "closed without a byte"),
    ("garbage_response", {}, "is not HTTP: it begins with"),
    ("truncated_body", {"fraction": 0.25}, "bytes of the body arrived"),
    ("malformed_chunk", {}, "chunked encoding is broken"),
    ("malformed_json", {"how": "cut"}, "not JSON ("),
    ("malformed_json", {"how": "html"}, "it begins with '<html>"),
    ("malformed_json", {"how": "empty"}, "is empty"),
    ("malformed_json", {"how": "bom"}, "not JSON ("),
    ("wrong_charset", {"charset": "gbk"}, "not UTF-8: byte"),
    ("wrong_charset", {"charset": "utf-16"}, "not UTF-8: byte 1 is 0xff"),
    ("http_status", {"status": 502}, "(HTTP 502, text/html) is not JSON"),
    ("http_status", {"status": 504, "body": "empty"}, "(HTTP 504, -) is empty"),
    ("hang", {"max_seconds": 0.1}, "closed without a byte"),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "fields", "says"), BROKEN, ids=[f"{name}{more or ''}" for name, more, _ in BROKEN])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_broken_answer_is_described_in_one_line(
    server: ServerProcess, fault: str, fields: dict[str, object], says: str, lang: str
) -> None:
    """Exit code 2, and nothing on stdout that a program could take for an answer."""
    with with_fault(server, fault, **fields):
        done = run("call", "2.2", "--url", server.url, "--lang", lang)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{server.url}: ")
    assert (says in line) is (lang == "en"), line
    assert "serve` running" not in line
    assert any("一" <= letter <= "鿿" for letter in line) is (lang == "zh")


WHOLE = sorted(
    {*KINDS}
    - {"hang", *(name for name, more, _ in BROKEN if name != "http_status"), "http_status", "rate_limit", "error", "clock_skew", "bandwidth", "latency"}
)  # fmt: skip


@pytest.mark.parametrize("form", ["--json", "--table"])
def test_answers_of_any_shape_are_printed(server: ServerProcess, form: str) -> None:
    """An answer changed by a fault is printed, and the exit code follows its ErrorCode."""
    for how in DRIFTS:
        with with_fault(server, "contract_drift", how=how):
            done = run("call", "2.1", form, "--url", server.url)
        assert done.returncode in (0, 1), (how, done)
        assert done.stdout, how
        assert done.stderr == "", how
    for kind in WHOLE:
        with with_fault(server, kind):
            done = run("call", "2.2", form, "--url", server.url)
        assert done.returncode in (0, 1), (kind, done)
    with with_fault(server, "http_status", body="json"):
        assert run("call", "2.2", form, "--url", server.url).returncode == 1


@contextmanager
def answer_server(content: bytes) -> Iterator[str]:
    """Yield the URL of a server that answers every request with these bytes and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                # OSError: the client has closed the connection first.
                with connection, suppress(OSError):
                    connection.recv(65_536)
                    connection.sendall(content)
                    # Closing with unread data would reset the connection.
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65_536):
                        pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def http_answer(body: bytes, *headers: str) -> bytes:
    """Return a complete HTTP answer."""
    head = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*head, "", ""]).encode() + body


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        (b"[]", 2, "not a JSON object: '[]'"),
        (b"null", 2, "not a JSON object"),
        (b'"text"', 2, "not a JSON object"),
        (b"[" * 100_000, 2, "not JSON ("),
        (b"1" * 5000, 2, "not JSON ("),
        (b"\x1b[31mred\x07", 2, "\\u001b[31mred\\u0007"),
        (b"{}", 1, ""),
        (b'{"ErrorCode": false}', 1, ""),
        (b'{"ErrorCode": "0"}', 1, ""),
        (b'{"ErrorCode": 0, "ErrorInfo": "\\u001b[31m", "Users": [1, [2], {"a": ["b"]}, null], "XTime": "99999999999"}', 0, ""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["--json", "--table"])
def test_an_answer_of_another_server_is_described(body: bytes, code: int, says: str, form: str) -> None:
    """No traceback, and no control characters for the terminal."""
    with answer_server(http_answer(body)) as url:
        done = run("call", "2.2", form, "--url", url)
    assert done.returncode == code, done
    assert says in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "\x07" not in done.stdout + done.stderr


@pytest.mark.parametrize("number", ["00000001", "../health", "x" * 200, "%00"])
def test_misleading_mock_headers_are_harmless(number: str) -> None:
    """The headers promise violations that cannot be read."""
    content = http_answer(b'{"ErrorCode": 0}', f"X-Mock-Request-Id: {number}", "X-Mock-Violations: 2")
    with answer_server(content) as url:
        done = run("call", "2.2", "--url", url)
    assert (done.returncode, len(done.stderr.splitlines())) == (0, 1)
    assert done.stderr.startswith("(2 violations; ")
