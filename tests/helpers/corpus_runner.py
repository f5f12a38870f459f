"""Sends a case of the corpus to a server, asserts what holds for any input, and returns a short result."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any, get_args

from helpers import request_builder
from helpers.corpus import Case, case_bytes

from mockserver.core.errors import ConfigurationError
from mockserver.engine.journal import JournalQuery
from mockserver.engine.journal_entry import EntryKind
from mockserver.engine.pipeline import Engine
from mockserver.testing.mock_server import MockServer

PATIENCE = 5.0
"""Seconds within which any input must be answered."""
WRITE = {"Content-Type": "application/json", "X-Mock-Admin": "1"}
_NEVER = (b"<html", b"<!doctype", b"Traceback (most recent", b"access-control-")


def send_raw(mock: MockServer, raw: bytes, *, shut: bool = False) -> bytes:
    """Send raw bytes and return everything received until the server closes; AssertionError after PATIENCE."""
    start, parts = time.monotonic(), []
    with socket.create_connection(("127.0.0.1", mock.port), timeout=PATIENCE) as wire:
        try:
            wire.sendall(raw)
            if shut:
                wire.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it refused before it had heard all
        try:
            while part := wire.recv(65_536):
                parts.append(part)
        except ConnectionResetError:
            pass
    assert time.monotonic() - start < PATIENCE
    answer = b"".join(parts)
    for word in _NEVER:
        assert word not in answer.lower(), answer[:500]
    return answer


def _recorded(mock: MockServer) -> int:
    """How many requests the journal has, strays included."""
    return sum(mock.engine.journal.count(JournalQuery(kind=kind))[0] for kind in get_args(EntryKind))


def split_answers(raw: bytes) -> list[tuple[int, bytes]]:
    """Split received bytes into the status and body of each response."""
    found = []
    while raw:
        head, blank, rest = raw.partition(b"\r\n\r\n")
        assert blank, raw[:200]
        lines = head.split(b"\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in lines[1:])
        length = int(fields.get(b"content-length", 0))
        found.append((int(lines[0].split(b" ")[1]), rest[:length]))
        raw = rest[length:]
    return found


def error_name(mock: MockServer, body: bytes) -> str:
    """The catalogue name in a body that is an envelope and nothing else."""
    answer = json.loads(body)
    assert list(answer)[:3] == ["Status", "ErrorCode", "ErrorInfo"]
    name = mock.engine.config.catalogue.name_of(answer["ErrorCode"])
    assert name
    assert (answer["Status"] == "OK") == (name == "ok")
    return name


def api(mock: MockServer, case: Case) -> str:
    """The error of the API's answer, or the status of the transport's refusal."""
    before = _recorded(mock)
    head = case.get("method") == "HEAD"
    raw = send_raw(mock, request_builder.request_bytes(dict(case), f"127.0.0.1:{mock.port}"))
    if head:
        assert raw.startswith(b"HTTP/1.1 200 ")
        assert raw.endswith(b"\r\n\r\n")
    else:
        ((status, body),) = split_answers(raw)
        name = error_name(mock, body)
        if status != 200:
            assert 400 <= status < 500
            assert _recorded(mock) == before
            return f"HTTP {status}"
    assert _recorded(mock) == before + 1, "a request that reached the app is in the journal"
    return "an empty HEAD" if head else name


def framing(mock: MockServer, case: Case) -> str:
    """The statuses of the responses to raw bytes, or that the connection was closed without any."""
    before = _recorded(mock)
    raw = send_raw(mock, wire_bytes(case), shut=True)
    answers = split_answers(raw.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n"))
    for status, body in answers:
        assert status == 200 or 400 <= status < 500, raw[:300]
        json.loads(body)
    answered = sum(status == 200 for status, _ in answers)
    assert _recorded(mock) == before + answered
    return " ".join(str(status) for status, _ in answers) or "closed"


def wire_bytes(case: Case) -> bytes:
    """The bytes of a framing case, whose text is Latin-1."""
    return case["text"].encode("latin-1")


def admin(mock: MockServer, case: Case) -> str:
    """Status and error of an admin request."""
    body = case_bytes(case) if "fill" in case else case.get("body", "").encode()
    fields: dict[str, Any] = {"Host": f"localhost:{mock.port}", "Connection": "close"}
    if body or case["method"] not in ("GET", "DELETE"):
        fields["Content-Length"] = str(len(body))
    fields |= case.get("headers", WRITE)
    head = f"{case['method']} {case['path']} HTTP/1.1\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    raw = send_raw(mock, head.encode() + b"\r\n" + body)
    if case["method"] == "HEAD":
        assert raw.startswith(b"HTTP/1.1 ")
        return raw.split(b" ", 2)[1].decode()
    ((status, body),) = split_answers(raw)
    assert 200 <= status < 500, body
    answer = json.loads(body)
    if status >= 400 and "error" in answer:
        assert answer["message"]
        return f"{status} {answer['error']}"
    return str(status) if status < 400 else f"{status} {error_name(mock, body)}"


def saved(engine: Engine, folder: Path, case: Case) -> str:
    """The result of a reload after a file was added to the user's folder; the server answers in any case."""
    path = folder / case["file"]
    previous = path.read_bytes() if path.exists() else None
    before, start = engine.config, time.monotonic()
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(case_bytes(case))
    try:
        engine.reload()
    except ConfigurationError as error:
        problems = error.problems
        assert engine.config is before
        assert engine.problems == problems
        problem = problems[0]
        assert problem.show("en")
        assert any("\u4e00" <= letter <= "\u9fff" for letter in problem.show("zh"))
        assert str(folder) in problem.place or problem.place.startswith("--"), problem.show()
        lines = (problem.line, problem.column)
        return "refused" if None in lines else f"refused at {problem.line}:{problem.column}"
    else:
        assert engine.problems == ()
        for body in ({"RoomId": "a" * 200 + "!"}, {"RoomId": ""}):
            answer = json.loads(engine.handle(request_builder.build_request({"body": body})).body)
            assert answer["Status"] in ("OK", "FAIL")
        return "fine"
    finally:
        assert time.monotonic() - start < PATIENCE
        if previous is None:
            path.unlink()
        else:
            path.write_bytes(previous)
