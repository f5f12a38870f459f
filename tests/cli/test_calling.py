"""`mockserver call` on answers of every kind: every mistake of a request is told, and how a broken answer broke."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from helpers.http_client import Client
from helpers.server_process import ServerProcess, serving
from helpers.shell import run, run_in_terminal

from mockserver.faults.kinds.contract_drift import DRIFTS
from mockserver.faults.registry import KINDS


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    """One server whose app gets a fault at a time."""
    with serving("--scenario", "document") as one:
        yield one


@contextmanager
def struck(server: ServerProcess, fault: str, **fields: object) -> Iterator[None]:
    """A fault that is gone afterwards."""
    with Client(server.port) as client:
        client.send("POST", "faults", {"fault": fault, **fields})
        try:
            yield
        finally:
            client.send("DELETE", "faults")


def test_every_mistake_is_told(server: ServerProcess) -> None:
    """On stderr, with its place, beside the answer on stdout; the answer itself names the first only."""
    words = ("2.2", "x=2", "BeginTime=z", "EndTime=4")
    done = run("call", *words, "--url", server.url, "--identifier", "")
    assert done.returncode == 1
    assert json.loads(done.stdout)["Status"] == "FAIL"
    places = [line.partition(": ")[0] for line in done.stderr.splitlines()]
    assert {"body:/RoomId", "body:/x", "body:/BeginTime", "body:/EndTime"} <= set(places)
    assert "body:/EndTime: " in run_in_terminal("call", *words, "--url", server.url)


def test_tolerated_mistakes_are_told_of_a_success() -> None:
    """A forgiving server answers, and the mistake is seen all the same."""
    with serving("--scenario", "document", "--strictness", "lenient") as one:
        done = run("call", "2.2", "RoomId=123456789", "extra=1", "--url", one.url)
        assert (done.returncode, json.loads(done.stdout)["ErrorCode"]) == (0, 0)
        assert done.stderr.startswith("body:/extra: ")


def test_a_request_without_mistakes_has_nothing_on_stderr(server: ServerProcess) -> None:
    """A success, and a failure that is no mistake."""
    for words, code in ((("2.2", "RoomId=123456789"), 0), (("2.2", "RoomId=nobody"), 1)):
        done = run("call", *words, "--url", server.url)
        assert (done.returncode, done.stderr) == (code, "")


def test_a_journal_behind_a_token_is_asked_with_it() -> None:
    """Without it the number of mistakes is told, and how to see them."""
    with serving("--scenario", "document", "--admin-token", "made-up-token") as one:
        words = ("call", "2.2", "x=1", "y=2", "--url", one.url)
        done = run(*words)
        assert (
            done.stderr == "(3 violations; add --admin-token TOKEN to read them from the server's journal)\n"
        )
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


@pytest.mark.parametrize(
    ("fault", "fields", "says"), BROKEN, ids=[f"{name}{more or ''}" for name, more, _ in BROKEN]
)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_broken_answer_is_one_line_that_says_how(
    server: ServerProcess, fault: str, fields: dict[str, object], says: str, lang: str
) -> None:
    """Exit code 2, nothing on stdout that a program could take for an answer."""
    with struck(server, fault, **fields):
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
def test_answers_in_any_shape_are_shown(server: ServerProcess, form: str) -> None:
    """A drifted answer is an answer: it is printed, and the code is that of its ErrorCode."""
    for how in DRIFTS:
        with struck(server, "contract_drift", how=how):
            done = run("call", "2.1", form, "--url", server.url)
        assert done.returncode in (0, 1), (how, done)
        assert done.stdout, how
        assert done.stderr == "", how
    for kind in WHOLE:
        with struck(server, kind):
            done = run("call", "2.2", form, "--url", server.url)
        assert done.returncode in (0, 1), (kind, done)
    with struck(server, "http_status", body="json"):
        assert run("call", "2.2", form, "--url", server.url).returncode == 1


@contextmanager
def answering(content: bytes) -> Iterator[str]:
    """The URL of a server that answers every request with these bytes, and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65_536)
                    connection.sendall(content)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def http(body: bytes, *headers: str) -> bytes:
    """A whole HTTP answer."""
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
def test_what_is_no_answer_of_the_api_is_told(body: bytes, code: int, says: str, form: str) -> None:
    """No traceback, and nothing that a terminal acts on."""
    with answering(http(body)) as url:
        done = run("call", "2.2", form, "--url", url)
    assert done.returncode == code, done
    assert says in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "\x07" not in done.stdout + done.stderr


@pytest.mark.parametrize("number", ["00000001", "../health", "x" * 200, "%00"])
def test_a_server_that_only_looks_like_a_mock_breaks_nothing(number: str) -> None:
    """Its headers promise mistakes that nobody can read."""
    content = http(b'{"ErrorCode": 0}', f"X-Mock-Request-Id: {number}", "X-Mock-Violations: 2")
    with answering(content) as url:
        done = run("call", "2.2", "--url", url)
    assert (done.returncode, len(done.stderr.splitlines())) == (0, 1)
    assert done.stderr.startswith("(2 violations; ")
