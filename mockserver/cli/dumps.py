"""Whole requests in what somebody pasted: raw HTTP, `curl -v`, a browser's fetch(…), an entry of this server's journal."""

from __future__ import annotations

import base64
import binascii
import json
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mockserver.contract.violations import VIOLATIONS, Violation
from mockserver.core.text import Text

_REQUEST_LINE = re.compile(r"^(> ?)?([A-Z]{3,7}) (\S+) HTTP/[0-9.]+[ \t]*\r?$", re.ASCII | re.MULTILINE)
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):(.*)", re.ASCII)
_FETCH = re.compile(r"""\bfetch\(\s*(["'`])(\S+?)\1\s*,\s*(?=\{)""")
_ONE_ENTRY = Text("it holds several requests: only the first was judged", "其中有多个请求：只检查了第一个")
_SHORT_CHECKSUM = Text(
    "the journal keeps six digits of a checksum: what it says of the checksum is told as it stands",
    "日志只保留 checksum 的前六位：其中关于 checksum 的结论照原样给出",
)
_CUT_BODY = Text("the journal kept only the beginning of the body", "日志只保留了包体的开头部分")


@dataclass(frozen=True, slots=True)
class Dump:
    """A request that came whole, or nearly."""

    target: str
    """URL or path with its query, still percent-encoded."""
    method: str | None = None
    headers: Mapping[str, str] | None = None
    """Names in lower case."""
    body: bytes | None = None
    notes: tuple[Text, ...] = ()
    at: float | None = None
    """When it came, by the clock of the server that kept it."""
    told: tuple[Violation, ...] | None = None
    """What that server said of the checksum, which it does not keep; None when it is whole."""


def read_dump(text: str) -> Dump | None:
    """The first whole request in a text; None when it holds but a URL or a line of a log."""
    return _entry(text) or _raw(text) or _fetch(text)


def _raw(text: str) -> Dump | None:
    """HTTP as it goes over the wire, or as `curl -v` and HTTPie show it."""
    found = _REQUEST_LINE.search(text)
    if found is None:
        return None
    mark, method, target = found.groups()
    headers: dict[str, str] = {}
    at = found.end() + 1
    body = None
    for line in text[at:].splitlines(keepends=True):
        at += len(line)
        plain = line.removeprefix(mark or "").strip() if not mark or line.startswith(">") else ""
        header = _HEADER.fullmatch(plain)
        if header is None:
            if not plain and not mark:
                body = _body(text[at:], headers)
            break
        headers[header[1].lower()] = header[2].strip()
    more = _REQUEST_LINE.search(text, found.end())
    return Dump(target, method, headers or None, body, (_ONE_ENTRY,) if more else ())


def _body(rest: str, headers: Mapping[str, str]) -> bytes | None:
    """The body at the beginning of what follows a request's head: up to the end of the line in which its JSON ends."""
    rest = rest.lstrip("\r\n")
    try:
        _, end = json.JSONDecoder().raw_decode(rest)
    except (ValueError, RecursionError):
        raw = rest.encode("utf-8", "surrogateescape")
        length = headers.get("content-length", "")
        if length.isascii() and length.isdecimal() and len(length) < 10 and int(length) <= len(raw):
            raw = raw[: int(length)]
        return raw.rstrip(b"\r\n") or None
    close = rest.find("\n", end)
    whole = rest[: close if close >= 0 else len(rest)]
    return whole.rstrip("\r").encode("utf-8", "surrogateescape")


def _fetch(text: str) -> Dump | None:
    """What a browser copies as fetch(URL, {…})."""
    found = _FETCH.search(text)
    if found is None:
        return None
    try:
        options, _ = json.JSONDecoder().raw_decode(text, found.end())
    except (ValueError, RecursionError):
        return None
    headers = {str(name).lower(): str(value) for name, value in _mapping(options.get("headers")).items()}
    body, method = options.get("body"), options.get("method")
    more = (_ONE_ENTRY,) if _FETCH.search(text, found.end()) else ()
    return Dump(
        found[2],
        method if isinstance(method, str) else "GET",
        headers,
        body.encode("utf-8", "surrogatepass") if isinstance(body, str) else b"",
        more,
    )


def _entry(text: str) -> Dump | None:
    """One entry of the journal, or the first of an answer that lists them."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    entries = value.get("requests") if isinstance(value, dict) and "requests" in value else value
    entries = entries if isinstance(entries, list) else [entries]
    entry = _mapping(entries[0]) if entries else {}
    request = _mapping(entry.get("request", entry))
    path, query = request.get("path"), request.get("query")
    if not isinstance(path, str) or not path.startswith("/") or not isinstance(query, dict):
        return None
    words = {str(name): str(value) for name, value in query.items()}
    target = f"{urllib.parse.quote(path, errors='replace')}?{urllib.parse.urlencode(words, errors='replace')}"
    body = request.get("body")
    notes = (
        *((_ONE_ENTRY,) if len(entries) > 1 else ()),
        *((_CUT_BODY,) if "body_sha256" in request else ()),
    )
    told = None
    if words.get("checksum", "").endswith("…"):
        told = tuple(_told(entry.get("violations")))
        notes = (*notes, _SHORT_CHECKSUM)
    at, method = entry.get("at"), request.get("method")
    return Dump(
        target,
        method if isinstance(method, str) else None,
        {str(name).lower(): str(value) for name, value in _mapping(request.get("headers")).items()},
        body.encode("utf-8", "surrogatepass") if isinstance(body, str) else _decoded(request),
        notes,
        float(at) if isinstance(at, (int, float)) and abs(at) < 1e12 else None,
        told,
    )


def _decoded(request: Mapping[str, Any]) -> bytes | None:
    """A body that is no text."""
    try:
        return base64.b64decode(str(request["body_base64"]), validate=True)
    except (LookupError, binascii.Error, ValueError):
        return None


def _told(rows: Any) -> Iterator[Violation]:
    """What a journal says of a checksum."""
    for row in rows if isinstance(rows, list) else ():
        row = _mapping(row)
        texts = _mapping(row.get("texts"))
        en = texts.get("en", row.get("text"))
        if row.get("where") == "query:checksum" and row.get("name") in VIOLATIONS and isinstance(en, str):
            words = {name: str(row.get(name, "")) for name in ("name", "error", "where", "expected", "got")}
            yield Violation(
                **words,
                section=str(row.get("section", "")),
                text=Text(en, str(texts.get("zh", en))),
                diagnosis=str(row.get("diagnosis", "")),
                tolerated=bool(row.get("tolerated")),
            )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
