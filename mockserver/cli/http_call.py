"""Sends one request to a running server and reads the answer, or says in one line how the answer is broken."""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mockserver.cli.output import is_violation, printable
from mockserver.core.addresses import certificate_advice, parse_server_url
from mockserver.core.errors import ConfigurationError, MockServerError
from mockserver.core.text import Text
from mockserver.testing.admin_client import AdminClient

_TIMEOUT = 60.0
"""Seconds to wait for each part of an answer."""
_MAX_EXCERPT = 80


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer of a server."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        """Return the value of a header, or an empty text."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")


def exchange(
    url: str,
    method: str,
    target: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    ca: str | None,
    timeout: float = _TIMEOUT,
) -> Answer:
    """Return the answer to a request; raise ConfigurationError with the reason when none arrives complete."""
    address = parse_server_url(url, ca)
    connection = address.connection(ca, timeout=timeout)
    connected, status = False, None
    try:
        connection.connect()
        connected = True
        connection.request(method, target, body, dict(headers or {}))
        answer = connection.getresponse()
        status = answer.status
        return Answer(status, dict(answer.headers.items()), answer.read())
    except ssl.SSLCertVerificationError as error:
        raise ConfigurationError.at(address.url, certificate_advice(error)) from None
    # ValueError: a host name that cannot be looked up.
    except (OSError, ValueError, http.client.HTTPException) as error:
        failed = _no_answer(error, connected, timeout) if status is None else _no_body(status, error, timeout)
        raise ConfigurationError.at(address.url, failed) from None
    finally:
        connection.close()


def _no_answer(error: Exception, connected: bool, timeout: float) -> Text:
    """Return why there is no status line."""
    if isinstance(error, http.client.RemoteDisconnected):
        return Text(
            "no answer: the connection was closed without a byte", "没有应答：连接未发送任何字节即关闭"
        )
    if isinstance(error, http.client.HTTPException):
        start = excerpt(str(error))
        return Text(f"the answer is not HTTP: it begins with '{start}'", f"应答不是 HTTP：开头为 '{start}'")
    if connected and isinstance(error, TimeoutError):
        return Text(f"no answer within {timeout:g} s", f"{timeout:g} 秒内没有应答")
    if connected and isinstance(error, ConnectionError):
        return Text(
            "no answer: the connection was reset before the first byte", "没有应答：首字节之前连接被重置"
        )
    reason = str(error) or type(error).__name__
    return Text(
        f"no answer ({reason}); is `mockserver serve` running there?",
        f"没有应答（{reason}）；mockserver serve 是否在运行？",
    )


def _no_body(status: int, error: Exception, timeout: float) -> Text:
    """Return why the body is incomplete."""
    if isinstance(error, TimeoutError):
        reason = Text(f"no more data for {timeout:g} s", f"{timeout:g} 秒内没有后续数据")
    elif isinstance(error, http.client.IncompleteRead) and error.expected is not None:
        received, total = len(error.partial), len(error.partial) + error.expected
        reason = Text(
            f"{received} of {total} bytes of the body arrived", f"正文 {total} 字节只到达 {received} 字节"
        )
    elif isinstance(error, ConnectionError):
        reason = Text("the connection was reset in the middle of the body", "正文传到一半连接被重置")
    else:
        reason = Text("the chunked encoding is broken", "分块编码损坏")
    return Text(
        f"the answer (HTTP {status}) is incomplete: {reason.en}", f"应答（HTTP {status}）中断：{reason.zh}"
    )


def read_answer(place: str, answer: Answer) -> dict[str, Any]:
    """Return the JSON object of an answer; raise ConfigurationError about `place` for any other body."""
    try:
        text = answer.body.decode()
        value = json.loads(text)
    except UnicodeDecodeError as error:
        number, byte = error.start + 1, answer.body[error.start]
        wrong = Text(
            f"not UTF-8: byte {number} is 0x{byte:02x}", f"不是 UTF-8：第 {number} 字节为 0x{byte:02x}"
        )
    except (ValueError, RecursionError) as error:
        start = excerpt(text)
        wrong = Text(
            f"not JSON ({error}): it begins with '{start}'", f"不是 JSON（{error}）：开头为 '{start}'"
        )
        if not text.strip():
            wrong = Text("empty", "空的")
    else:
        if isinstance(value, dict):
            return value
        wrong = Text(f"not a JSON object: '{excerpt(text)}'", f"不是 JSON 对象：'{excerpt(text)}'")
    kind = printable(answer.header("Content-Type")) or "-"
    raise ConfigurationError.at(
        place,
        Text(
            f"the answer (HTTP {answer.status}, {kind}) is {wrong.en}",
            f"应答（HTTP {answer.status}，{kind}）{wrong.zh}",
        ),
    )


def excerpt(text: str) -> str:
    """Return the beginning of a text on one line."""
    line = " ".join(text.split())
    return printable(line if len(line) <= _MAX_EXCERPT else line[:_MAX_EXCERPT] + "…")


def violations_of(
    url: str, answer: Answer, token: str | None, ca: str | None
) -> tuple[list[dict[str, Any]], int]:
    """Return the violations that the server recorded for the request, and their number by the answer headers.

    The list is empty when the server is not a mock server or its journal cannot be read.
    """
    number, count = answer.header("X-Mock-Request-Id"), answer.header("X-Mock-Violations")
    if not (number and count.isascii() and count.isdecimal() and len(count) < 10 and int(count)):
        return [], 0
    path = f"requests/{urllib.parse.quote(number, safe='')}"
    try:
        entry = AdminClient(url, token, timeout=_TIMEOUT, ca=ca).get(path)
        return [dict(row) for row in entry["violations"] if is_violation(row)], int(count)
    except (MockServerError, LookupError, TypeError):
        return [], int(count)
