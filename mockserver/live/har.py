"""HAR 1.2 (HTTP Archive): exports a journal, and checks captured traffic against the contract."""

from __future__ import annotations

import base64
import binascii
import json
import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from mockserver import __version__
from mockserver.contract.operations import OPERATIONS
from mockserver.contract.schemas import Schemas
from mockserver.core.documents import unreadable
from mockserver.core.errors import ConfigurationError
from mockserver.core.machine_time import machine_time
from mockserver.core.text import MASK, Text
from mockserver.live.answers import Finding, check_answer, parse_answer
from mockserver.live.call_log import CallLog
from mockserver.live.probing import Invariant
from mockserver.live.target import DEFAULT_IDENTIFIER, Answer
from mockserver.live.verify import Result

_MASKED = ("checksum", "seq", "identifier")
_SIGNATURE = ("appkey", *_MASKED)
_MAX_BYTES = 512 * 1024 * 1024
_INCOMPLETE = Text("an answer is missing or incomplete, and was not checked", "有响应缺失或不完整，未检查")
_NOT_HAR = Text("not a HAR file: expected JSON with log.entries", "不是 HAR 文件：应为含 log.entries 的 JSON")


def har_of_journal(entries: Iterable[Mapping[str, Any]], url: str) -> dict[str, Any]:
    """Return journal entries (in the JSON shape of the admin API) as a HAR document with masked signatures."""
    creator = {"name": "mockserver", "version": __version__}
    return {"log": {"version": "1.2", "creator": creator, "entries": [_entry(entry, url) for entry in entries]}}


def _entry(entry: Mapping[str, Any], url: str) -> dict[str, Any]:
    request, answer = entry["request"], entry["answer"]
    query = {name: MASK if name in _MASKED else str(value) for name, value in request["query"].items()}
    text = "&".join(f"{quote(name)}={quote(value, safe='*')}" for name, value in query.items())
    milliseconds = round(1_000 * (entry["seconds"] + entry["delivery_seconds"]), 3)
    body, content = request.get("body", ""), answer.get("body", "")
    cut = len(content.encode()) < answer["body_length"]
    return {
        "startedDateTime": entry["time"],
        "time": milliseconds,
        "request": {
            "method": request["method"],
            "url": f"{url}{quote(request['path'])}{'?' if text else ''}{text}",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _pairs(request["headers"]),
            "queryString": _pairs(query),
            "postData": {"mimeType": request["headers"].get("content-type", ""), "text": body},
            "headersSize": -1,
            "bodySize": request["body_length"],
        },
        "response": {
            "status": answer["status"],
            "statusText": "",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": [{"name": "Content-Type", "value": "application/json"}],
            "content": {
                "size": answer["body_length"],
                "mimeType": "application/json",
                "text": content,
                **({"comment": "cut by the journal"} if cut else {}),
            },
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": answer["body_length"],
        },
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
        "comment": f"{entry['id']} {entry['operation']} {entry['error'] or 'ok'}",
    }


def _pairs(values: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"name": name, "value": str(value)} for name, value in values.items()]


def read_har(path: Path) -> list[Mapping[str, Any]]:
    """Return the entries of a HAR file. Raise ConfigurationError if it is invalid."""
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ConfigurationError([unreadable(path, error)]) from None
    try:
        entries = json.loads(data[:_MAX_BYTES].decode("utf-8-sig"))["log"]["entries"]
    except (ValueError, KeyError, TypeError, RecursionError):
        entries = None
    if not isinstance(entries, list):
        raise ConfigurationError.at(str(path), _NOT_HAR)
    return [entry for entry in entries if isinstance(entry, dict)]


def check_har(path: Path, schemas: Schemas) -> Result:
    """Return the contract violations in captured answers of the six operations. Sends no requests.

    Incomplete answers are only reported, requests to other paths skipped.
    """
    operations: dict[str, list[Finding]] = {name: [] for name in OPERATIONS}
    asked = dict.fromkeys(OPERATIONS, 0)
    known: set[tuple[str, str]] = set()
    for operation, query, body, answer in _captured(read_har(path)):
        if answer is None:
            if (operation, "incomplete") not in known:
                known.add((operation, "incomplete"))
                operations[operation].append(
                    Finding("info", "incomplete", _INCOMPLETE, _mask(_line(operation, body), query))
                )
            continue
        asked[operation] += 1
        value, wrong = parse_answer(answer.body)
        for finding in check_answer(schemas, operation, answer, value, wrong):
            if (operation, finding.kind) not in known:
                known.add((operation, finding.kind))
                text = Text(*(_mask(each, query) for each in finding.text))
                line = _mask(_line(operation, body), query)
                operations[operation].append(Finding(finding.severity, finding.kind, text, line))
    count, at = sum(asked.values()), machine_time()
    checked = Invariant(count, reason=Text("the file has no answer of the API", "文件中没有本 API 的响应"))
    return Result(str(path), at, count, operations, asked, {"captured_answers": checked}, [], {}, {}, CallLog(at), None)


def _captured(entries: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, dict[str, str], str, Answer | None]]:
    """Yield the operation, query, body and answer of each request; None for an incomplete answer."""
    for entry in entries:
        try:
            request, response = entry["request"], entry["response"]
            parts = urlsplit(request["url"])
            operation = parts.path.rstrip("/").rpartition("/")[2]
            content = response["content"]
            body = _content(content)
            if operation not in OPERATIONS or request["method"] != "POST" or not response["status"]:
                continue
            headers = {str(each["name"]).lower(): str(each["value"]) for each in response.get("headers", ())}
            headers.setdefault("content-type", str(content.get("mimeType", "")))
            sent = str((request.get("postData") or {}).get("text", ""))
            answer = None if body is None else Answer(int(response["status"]), headers, body, 0.0)
            yield operation, dict(parse_qsl(parts.query)), sent, answer
        except (KeyError, TypeError, ValueError, AttributeError):
            continue


def _content(content: Mapping[str, Any]) -> bytes | None:
    """Return a captured body; None if it is incomplete."""
    text = content.get("text")
    if not isinstance(text, str) or not text:
        return None
    if content.get("encoding") == "base64":
        try:
            return base64.b64decode(text, validate=True)
        except binascii.Error:
            return None
    body = text.encode("utf-8", "replace")
    return None if "cut" in str(content.get("comment", "")) else body


def _line(operation: str, body: str) -> str:
    """Return the request as a shell command, without its signature."""
    try:
        fields = json.loads(body)
        return shlex.join(["mockserver", "call", operation, *(f"{name}={value}" for name, value in fields.items())])
    except (ValueError, AttributeError, RecursionError):
        return f"mockserver call {operation}"


def _mask(text: str, query: Mapping[str, str]) -> str:
    """Return a text in which the signature of its request is masked."""
    for name in _SIGNATURE:
        value = query.get(name, "")
        if len(value) > 3 and value not in (MASK, DEFAULT_IDENTIFIER):
            text = text.replace(value, MASK)
    return text
