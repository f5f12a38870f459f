"""Finds the HTTP request in a pasted text: a URL, a query string, a log line, raw HTTP or a journal entry.

No message here repeats the pasted text, which may hold secrets. The work is bounded: only the first MAX_SEARCHED
characters are searched for a URL.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import io
import json
import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mockserver.core.errors import ConfigurationError
from mockserver.core.messages import messages
from mockserver.core.text import Text
from mockserver.validation.query import PARAMETERS

MAX_SEARCHED = 16_384
_MAX_CANDIDATES = 256
_ROOT = "v2/video/"
_ESCAPES = {"&amp;": "&", "&#38;": "&", "&#x26;": "&", r"\u0026": "&", r"\/": "/"}
"""How HTML and JSON write characters of a URL."""
_CLOSING = dict(zip("\"'`<([{“‘「《", "\"'`>)]}”’」》", strict=True))
_TRAILING = ".,;:!?)>]}\"'`”’」》。，；：！？）】"
_NAMES = "|".join(PARAMETERS)
_PARAMETER = re.compile(rf"(?<![A-Za-z0-9_])(?:{_NAMES})=", re.ASCII)
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_WORD = re.compile(r"[^\s\"'`<>(){}“”‘’]+")
_LABEL = re.compile(r"[\w.-]+[=:](?=/)")  # `url=` or `path:` before a path.
_UNQUOTED = re.compile(rf"\S*(?:[ \t]+[^\s\"'<>/?]*&(?:{_NAMES})=\S*)*", re.ASCII)
"""A URL without quotes around it. A blank belongs to it when another parameter follows."""
_HOST = re.compile(r"(?:\[[^\]/]*\]|localhost|[\w-]+(?:\.[\w-]+)+|[\w.-]+(?=:[0-9]))(?::[0-9]*)?(?=/)")
_METHOD = re.compile(r"(?<![A-Za-z])(GET|HEAD|POST|PUT|DELETE|PATCH|OPTIONS|TRACE)[\s:\"'<]+\Z", re.ASCII)
_REQUEST_LINE = re.compile(r"^(> ?)?([A-Z]{3,7}) (\S+) HTTP/[0-9.]+[ \t]*\r?$", re.ASCII | re.MULTILINE)

_VIOLATION_KEYS = {"name", "where", "text", "section", "diagnosis", "tolerated"}
message = messages(Path(__file__).with_name("pasted_request.yaml"))


@dataclass(slots=True)
class PastedRequest:
    """A request as far as the text contains it; missing parts are None."""

    target: str  # URL, path with query, or query string alone.
    method: str | None = None
    headers: Mapping[str, str] | None = None  # Names in lower case.
    body: bytes | None = None
    notes: list[Text] = field(default_factory=list)  # Assumptions made and parts not checked, for the user.
    received_at: float | None = None  # When a server received it, in Unix seconds.
    checksum_rows: list[dict[str, Any]] | None = None
    """The checksum violations of a journal entry, as JSON rows; None if the whole checksum is known."""
    path: str | None = None  # Percent-encoded; set by `split_target`, like `query`.
    query: str = ""

    def split_target(self) -> None:
        """Set `path` and `query` from `target`; raise ConfigurationError when it has neither."""
        rest, _, fragment = _without_host(self.target).partition("#")
        if not rest:
            raise ConfigurationError.at("REQUEST", message("no_request"))
        if fragment:
            self.notes.append(message("fragment"))
        if not rest.startswith("/"):
            self.query = rest
            self.notes.append(message("no_path"))
            return
        self.path, _, self.query = rest.partition("?")
        if self.query and "&" not in self.query:
            self.notes.append(message("cut_by_shell"))


def is_violation(row: Any) -> bool:
    """Return whether a value from a journal is a violation with all its keys."""
    return isinstance(row, dict) and row.keys() >= _VIOLATION_KEYS


def find_url(text: str) -> PastedRequest:
    """Return the likeliest URL or query string in `text`; raise ConfigurationError when there is none."""
    notes, text = [], text.strip()
    for escape, char in _ESCAPES.items():
        if escape in text:
            text = text.replace(escape, char)
            notes.append(message("escape", escape=escape, char=char))
    text = text[:MAX_SEARCHED]
    urls = {start: text[start : _end(text, start)] for start in _candidates(text)}
    start = max(urls, key=lambda start: url_likeness(urls[start]), default=None)
    if start is None:
        path = text.strip("\"'`")
        if not path.startswith("/") or not _WORD.fullmatch(path):
            raise ConfigurationError.at("REQUEST", message("no_request"))
        return PastedRequest(path, notes=notes)
    signed = {start + len(url) for start, url in urls.items() if len(_PARAMETER.findall(url)) > 1}
    if len(signed) > 1:
        notes.append(message("several"))
    method = _METHOD.search(text[:start])
    return PastedRequest(urls[start], method[1] if method else None, notes=notes)


def url_likeness(url: str) -> tuple[int, bool, bool]:
    """Return a sort key: the more it looks like a request of this API, the greater."""
    return len(_PARAMETER.findall(url)), _ROOT in url, "?" in url


def _candidates(text: str) -> list[int]:
    starts = [match.start() for match in _SCHEME.finditer(text)]
    for match in _WORD.finditer(text):
        if _ROOT in match[0] or _PARAMETER.search(match[0]):
            label = _LABEL.match(match[0])
            starts.append(label.end() + match.start() if label else match.start())
    return starts[:_MAX_CANDIDATES]


def _end(text: str, start: int) -> int:
    """Return where the URL at `start` ends: at the quote that closes it, or at a blank."""
    closing = _CLOSING.get(text[start - 1]) if start else None
    if closing and (end := text.find(closing, start)) >= 0 and "\n" not in text[start:end]:
        return start + len(text[start:end].rstrip("\\"))
    match = _UNQUOTED.match(text, start)
    return start + len(match[0].rstrip(_TRAILING)) if match else start


def _without_host(target: str) -> str:
    """Return path and query of a URL, or a query string as it is."""
    if match := re.match(r"(?:https?:)?//", target, re.IGNORECASE):
        rest = re.search(r"[/?#].*", target[match.end() :], re.DOTALL)
        return "" if rest is None else "/" + rest[0].removeprefix("/")
    if match := _HOST.match(target):
        return target[match.end() :]
    target = target.removeprefix("?")
    return f"/{target}" if "/" in re.split("[?=]", target)[0].lstrip("/") and target[0] != "/" else target


def read_raw_http(text: str) -> PastedRequest | None:
    """Return the request of an HTTP message as it is sent, or as `curl -v` prints it; None for other texts."""
    line = _REQUEST_LINE.search(text)
    if line is None:
        return None
    rest = text[line.end() + 1 :]
    if verbose := line[1] is not None:
        sent = re.match(r"(?:>[^\n]*\n?)*", rest)
        rest = re.sub(r"(?m)^> ?", "", sent[0] if sent else "")
    stream = io.BytesIO(rest.encode("utf-8", "surrogateescape"))
    headers: dict[str, str] = {}
    with contextlib.suppress(http.client.HTTPException):
        headers = {name.lower(): value for name, value in http.client.parse_headers(stream).items()}
    body = None if verbose else _body_of(stream.read())
    notes = [message("several")] if _REQUEST_LINE.search(text, line.end()) else []
    return PastedRequest(line[3], line[2], headers or None, body, notes)


def _body_of(rest: bytes) -> bytes | None:
    """Return the body at the start of `rest`, which may go on with the answer or the next request."""
    rest = rest.lstrip(b"\r\n")
    text = rest.decode("utf-8", "surrogateescape")
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return rest.rstrip(b"\r\n") or None
    # Whatever follows the JSON on its last line belongs to the body too.
    last_line = text[end:].split("\n", 1)[0].rstrip("\r")
    return (text[:end] + last_line).encode("utf-8", "surrogateescape")


def read_journal_entry(text: str) -> PastedRequest | None:
    """Return the request of a journal entry, or of the first one in a list of them; None for other texts."""
    try:
        value = json.loads(text)
        entries = value.get("requests", [value]) if isinstance(value, dict) else value
        entry = entries[0]
        request, at = entry.get("request", entry), entry.get("at")
        query = {str(name): str(value) for name, value in request["query"].items()}
        headers = {name.lower(): str(value) for name, value in request.get("headers", {}).items()}
        body, encoded = request.get("body"), request.get("body_base64")
        sent = base64.b64decode(encoded) if body is None and encoded else None
        path = urllib.parse.quote(request["path"], errors="replace")
        found = PastedRequest(
            f"{path}?{urllib.parse.urlencode(query, errors='replace')}",
            str(request["method"]) if "method" in request else None,
            headers,
            sent if body is None else body.encode("utf-8", "surrogatepass"),
            [message("several")] if len(entries) > 1 else [],
            float(at) if isinstance(at, (int, float)) and abs(at) < 1e12 else None,
        )
        rows = [row for row in entry.get("violations", ()) if is_violation(row)]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    if not request["path"].startswith("/"):
        return None
    if "body_sha256" in request:
        found.notes.append(message("cut_body"))
    if query.get("checksum", "").endswith("…"):
        found.notes.append(message("short_checksum"))
        found.checksum_rows = [row for row in rows if row["where"] == "query:checksum"]
    return found
