"""One request to a running server, and what came back: an answer, or one line that says how it broke."""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mockserver.cli.show import plain
from mockserver.core.addresses import ServerAddress, certificate_advice, parse_server_url
from mockserver.core.errors import ConfigurationError, MockServerError
from mockserver.core.text import Text
from mockserver.testing.admin_client import AdminClient

_HEADERS = {"Content-Type": "application/json"}
_PATIENCE = 60.0
"""Seconds that a call waits for each piece of an answer."""
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server sent, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        """A header's value; empty when there is none."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")


def post(url: str, target: str, body: bytes, ca: str | None) -> Answer:
    """The answer to one POST; ConfigurationError says in a line why there is none that is whole."""
    address = parse_server_url(url, ca)
    connection = address.connection(ca, timeout=_PATIENCE)
    try:
        return _exchange(address, connection, target, body)
    finally:
        connection.close()


def _exchange(
    address: ServerAddress, connection: http.client.HTTPConnection, target: str, body: bytes
) -> Answer:
    try:
        connection.connect()
    except ssl.SSLCertVerificationError as error:
        raise ConfigurationError.at(address.url, certificate_advice(error)) from None
    except (OSError, ValueError) as error:
        raise ConfigurationError.at(address.url, _nobody(error)) from None
    try:
        connection.request("POST", target, body, _HEADERS)
        answer = connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        raise ConfigurationError.at(address.url, _no_head(error)) from None
    try:
        return Answer(answer.status, dict(answer.headers.items()), answer.read())
    except (OSError, http.client.HTTPException) as error:
        raise ConfigurationError.at(address.url, _no_body(answer.status, error)) from None


def _nobody(error: Exception) -> Text:
    why = str(error) or type(error).__name__
    return Text(
        f"no answer ({why}); is `mockserver serve` running there?",
        f"没有应答（{why}）；mockserver serve 是否在运行？",
    )


def _no_head(error: Exception) -> Text:
    """Why not even a status line came."""
    if isinstance(error, TimeoutError):
        return Text(f"no answer within {_PATIENCE:g} s", f"{_PATIENCE:g} 秒内没有应答")
    if isinstance(error, http.client.RemoteDisconnected):
        return Text(
            "no answer: the connection was closed without a byte", "没有应答：连接未发送任何字节即关闭"
        )
    if isinstance(error, ConnectionError):
        return Text(
            "no answer: the connection was reset before the first byte", "没有应答：首字节之前连接被重置"
        )
    if isinstance(error, http.client.HTTPException):
        came = shown(str(error))
        return Text(f"the answer is no HTTP: it begins with '{came}'", f"应答不是 HTTP：开头为 '{came}'")
    return _nobody(error)


def _no_body(status: int, error: Exception) -> Text:
    """Why the body is not whole, after a status line that was."""
    if isinstance(error, TimeoutError):
        return Text(
            f"the answer (HTTP {status}) broke off: nothing more came for {_PATIENCE:g} s",
            f"应答（HTTP {status}）中断：{_PATIENCE:g} 秒内没有后续数据",
        )
    if isinstance(error, http.client.IncompleteRead) and error.expected is not None:
        came, whole = len(error.partial), len(error.partial) + error.expected
        return Text(
            f"the answer (HTTP {status}) broke off: {came} of {whole} bytes of its body came",
            f"应答（HTTP {status}）中断：正文 {whole} 字节只到达 {came} 字节",
        )
    if isinstance(error, ConnectionError):
        return Text(
            f"the answer (HTTP {status}) broke off: the connection was reset in the middle of its body",
            f"应答（HTTP {status}）中断：正文传到一半连接被重置",
        )
    return Text(
        f"the answer (HTTP {status}) broke off: its chunked encoding is broken",
        f"应答（HTTP {status}）中断：分块编码损坏",
    )


def read_answer(url: str, answer: Answer) -> dict[str, Any]:
    """The JSON object that an answer holds; ConfigurationError says in a line what it holds instead."""
    try:
        text = answer.body.decode()
    except UnicodeDecodeError as error:
        byte = answer.body[error.start]
        why = Text(
            f"no UTF-8: byte {error.start + 1} is 0x{byte:02x}",
            f"不是 UTF-8：第 {error.start + 1} 字节为 0x{byte:02x}",
        )
        raise _unreadable(url, answer, why) from None
    if not text.strip():
        raise _unreadable(url, answer, Text("empty", "空的"))
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        why = Text(
            f"no JSON ({error}): it begins with '{shown(text)}'",
            f"不是 JSON（{error}）：开头为 '{shown(text)}'",
        )
        raise _unreadable(url, answer, why) from None
    if not isinstance(told, dict):
        begin = shown(text)
        raise _unreadable(url, answer, Text(f"no JSON object: '{begin}'", f"不是 JSON 对象：'{begin}'"))
    return told


def _unreadable(url: str, answer: Answer, what: Text) -> ConfigurationError:
    kind = plain(answer.header("Content-Type")) or "-"
    return ConfigurationError.at(
        url,
        Text(
            f"the answer (HTTP {answer.status}, {kind}) is {what.en}",
            f"应答（HTTP {answer.status}，{kind}）{what.zh}",
        ),
    )


def shown(text: str) -> str:
    """The beginning of what somebody sent, in a line."""
    line = " ".join(text.split())
    return plain(line if len(line) <= _SHOWN else line[:_SHOWN] + "…")


_TOLD = {"name", "where", "text", "section", "diagnosis"}


def violations_of(
    url: str, answer: Answer, token: str | None, ca: str | None
) -> tuple[list[dict[str, Any]], int]:
    """Every departure from the document that the server's journal tells of the request, and how many there are.

    The list is empty when the server is no mock, or lets nobody read its journal.
    """
    number, count = answer.header("X-Mock-Request-Id"), answer.header("X-Mock-Violations")
    if not (number and count.isascii() and count.isdecimal() and len(count) < 10 and int(count)):
        return [], 0
    path = f"requests/{urllib.parse.quote(number, safe='')}"
    try:
        told = AdminClient(url, token, timeout=_PATIENCE, ca=ca).get(path)
        return [dict(one) for one in told["violations"] if one.keys() >= _TOLD], int(count)
    except (MockServerError, LookupError, TypeError, AttributeError):
        return [], int(count)
