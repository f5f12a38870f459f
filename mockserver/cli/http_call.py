"""Sends one request to a running server and reads the answer. A broken answer is described in one line."""

from __future__ import annotations

import http.client
import json
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mockserver.cli.output import printable
from mockserver.core.addresses import scheme_advice
from mockserver.core.errors import ConfigurationError, MockServerError
from mockserver.core.text import Text
from mockserver.testing.admin_client import AdminClient
from mockserver.validation.pasted_request import is_violation

_TIMEOUT = 60.0  # Seconds to wait for each part of an answer.
_MAX_EXCERPT = 80
_CLOSED = Text("no answer: the connection was closed without a byte", "没有响应：连接未发送任何字节即关闭")
_SILENT = Text(f"no answer within {_TIMEOUT:g} s", f"{_TIMEOUT:g} 秒内没有响应")
_RESET = Text("no answer: the connection was reset before the first byte", "没有响应：首字节之前连接被重置")
_UNREACHABLE = Text(
    "no answer ({}); is `mockserver serve` running there?", "没有响应（{}）；mockserver serve 是否在运行？"
)
_STALLED = Text(f"no more data for {_TIMEOUT:g} s", f"{_TIMEOUT:g} 秒内没有后续数据")
_CUT_OFF = Text("{received} of {total} bytes of the body arrived", "正文 {total} 字节只到达 {received} 字节")
_RESET_IN_BODY = Text("the connection was reset in the middle of the body", "正文传到一半连接被重置")
_BROKEN_CHUNK = Text("the chunked encoding is broken", "分块编码损坏")
_EMPTY = Text("empty", "空的")


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer of a server."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        """Return the value of a header, or an empty text."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")


def post(admin: AdminClient, target: str, body: bytes) -> Answer:
    """Return the answer to a POST; raise ConfigurationError with the reason if no complete answer arrives."""
    connected, status = False, None

    def reason(error: Exception) -> Text:
        return _no_answer(error, connected) if status is None else _no_body(status, error)

    with admin.with_timeout(_TIMEOUT).connection(reason) as connection:
        connection.connect()
        connected = True
        connection.request("POST", target, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        status = answer.status
        content = answer.read()
    if status == 400 and (advice := scheme_advice(admin.address, content)):
        raise ConfigurationError.at(admin.url, advice)
    return Answer(status, dict(answer.headers.items()), content)


def _no_answer(error: Exception, connected: bool) -> Text:
    """Return the reason why there is no status line."""
    if isinstance(error, http.client.RemoteDisconnected):
        return _CLOSED
    if isinstance(error, http.client.HTTPException):
        start = excerpt(str(error))
        return Text(f"the answer is not HTTP: it begins with '{start}'", f"响应不是 HTTP：开头为 '{start}'")
    if connected and isinstance(error, TimeoutError):
        return _SILENT
    if connected and isinstance(error, ConnectionError):
        return _RESET
    reason = str(error) or type(error).__name__
    return Text(*(text.format(reason) for text in _UNREACHABLE))


def _no_body(status: int, error: Exception) -> Text:
    """Return the reason why the body is incomplete."""
    reason = _BROKEN_CHUNK
    if isinstance(error, TimeoutError):
        reason = _STALLED
    elif isinstance(error, ConnectionError):
        reason = _RESET_IN_BODY
    elif isinstance(error, http.client.IncompleteRead) and error.expected is not None:
        received, total = len(error.partial), len(error.partial) + error.expected
        reason = Text(*(text.format(received=received, total=total) for text in _CUT_OFF))
    return Text(f"the answer (HTTP {status}) is incomplete: {reason.en}", f"响应（HTTP {status}）中断：{reason.zh}")


def read_answer(place: str, answer: Answer) -> dict[str, Any]:
    """Return the JSON object of an answer; raise ConfigurationError about `place` for any other body."""
    try:
        text = answer.body.decode()
        value = json.loads(text)
    except UnicodeDecodeError as error:
        number, byte = error.start + 1, f"0x{answer.body[error.start]:02x}"
        wrong = Text(f"not UTF-8: byte {number} is {byte}", f"不是 UTF-8：第 {number} 字节为 {byte}")
    except (ValueError, RecursionError) as error:
        why = f"({error}): it begins with '{excerpt(text)}'", f"（{error}）：开头为 '{excerpt(text)}'"
        wrong = Text(f"not JSON {why[0]}", f"不是 JSON{why[1]}") if text.strip() else _EMPTY
    else:
        if isinstance(value, dict):
            return value
        wrong = Text(f"not a JSON object: '{excerpt(text)}'", f"不是 JSON 对象：'{excerpt(text)}'")
    kind = printable(answer.header("Content-Type")) or "-"
    raise ConfigurationError.at(
        place,
        Text(
            f"the answer (HTTP {answer.status}, {kind}) is {wrong.en}",
            f"响应（HTTP {answer.status}，{kind}）{wrong.zh}",
        ),
    )


def excerpt(text: str) -> str:
    """Return the beginning of a text on one line."""
    line = " ".join(text.split())
    return printable(line if len(line) <= _MAX_EXCERPT else line[:_MAX_EXCERPT] + "…")


def violations_of(admin: AdminClient, answer: Answer) -> tuple[list[dict[str, Any]], int]:
    """Return the violations that the server recorded for the request, and their number by the answer headers.

    The list is empty when the server is not a mock server or its journal cannot be read.
    """
    number, count = answer.header("X-Mock-Request-Id"), answer.header("X-Mock-Violations")
    if not (number and count.isascii() and count.isdecimal() and len(count) < 10 and int(count)):
        return [], 0
    path = f"requests/{urllib.parse.quote(number, safe='')}"
    try:
        entry = admin.with_timeout(_TIMEOUT).get(path)
        return [dict(row) for row in entry["violations"] if is_violation(row)], int(count)
    except (MockServerError, LookupError, TypeError):
        return [], int(count)
