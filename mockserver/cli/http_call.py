"""Sends one request to a running server and reads the answer. A broken answer is described in one line."""

from __future__ import annotations

import http.client
import json
import urllib.parse
from collections.abc import Mapping
from typing import Any, NamedTuple

from mockserver.cli.output import message, printable
from mockserver.core.addresses import scheme_advice
from mockserver.core.errors import ConfigurationError, MockServerError
from mockserver.core.text import Text
from mockserver.testing.admin_client import AdminClient
from mockserver.validation.pasted_request import is_violation

_TIMEOUT = 60.0  # Seconds to wait for each part of an answer.
_MAX_EXCERPT = 80


class Answer(NamedTuple):
    """A complete answer of a server."""

    status: int
    headers: Mapping[str, str]  # By lower-case name.
    body: bytes


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
    return Answer(status, {name.lower(): value for name, value in answer.headers.items()}, content)


def _no_answer(error: Exception, connected: bool) -> Text:
    """Return the reason why there is no status line."""
    if isinstance(error, http.client.RemoteDisconnected):
        return message("closed")
    if isinstance(error, http.client.HTTPException):
        return message("not_http", start=excerpt(str(error)))
    if connected and isinstance(error, TimeoutError):
        return message("silent", seconds=_TIMEOUT)
    if connected and isinstance(error, ConnectionError):
        return message("reset")
    return message("unreachable", reason=str(error) or type(error).__name__)


def _no_body(status: int, error: Exception) -> Text:
    """Return the reason why the body is incomplete."""
    reason = message("broken_chunk")
    if isinstance(error, TimeoutError):
        reason = message("stalled", seconds=_TIMEOUT)
    elif isinstance(error, ConnectionError):
        reason = message("reset_in_body")
    elif isinstance(error, http.client.IncompleteRead) and error.expected is not None:
        received, total = len(error.partial), len(error.partial) + error.expected
        reason = message("cut_off", received=received, total=total)
    return message("incomplete", status=status, reason=reason)


def read_answer(place: str, answer: Answer) -> dict[str, Any]:
    """Return the JSON object of an answer; raise ConfigurationError about `place` for any other body."""
    try:
        text = answer.body.decode()
        value = json.loads(text)
    except UnicodeDecodeError as error:
        wrong = message("not_utf_8", number=error.start + 1, byte=answer.body[error.start])
    except (ValueError, RecursionError) as error:
        wrong = message("not_json", error=error, start=excerpt(text)) if text.strip() else message("empty")
    else:
        if isinstance(value, dict):
            return value
        wrong = message("not_an_object", start=excerpt(text))
    kind = printable(answer.headers.get("content-type", "")) or "-"
    raise ConfigurationError.at(place, message("unreadable", status=answer.status, kind=kind, wrong=wrong))


def excerpt(text: str) -> str:
    """Return the beginning of a text on one line."""
    line = " ".join(text.split())
    return printable(line if len(line) <= _MAX_EXCERPT else line[:_MAX_EXCERPT] + "…")


def violations_of(admin: AdminClient, answer: Answer) -> tuple[list[dict[str, Any]], int]:
    """Return the violations that the server recorded for the request, and their number by the answer headers.

    The list is empty when the server is not a mock server or its journal cannot be read.
    """
    number, count = (answer.headers.get(name, "") for name in ("x-mock-request-id", "x-mock-violations"))
    if not (number and count.isascii() and count.isdecimal() and len(count) < 10 and int(count)):
        return [], 0
    path = f"requests/{urllib.parse.quote(number, safe='')}"
    try:
        entry = admin.with_timeout(_TIMEOUT).get(path)
        return [dict(row) for row in entry["violations"] if is_violation(row)], int(count)
    except (MockServerError, LookupError, TypeError):
        return [], int(count)
