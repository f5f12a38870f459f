"""Builds requests from a description; what it leaves out is that of a valid request.

The words of a `send` block: operation, path (percent-encoded), method, sign (a way of `signer.checksum`), clock
(seconds the client is off), query (parameters set or, with null, left out, after signing), twice (parameters
repeated), raw_query (the whole query string), headers (set or, with null, left out), and the body as one of
body (a JSON value), text, hex, or fill ({text, times}).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from helpers.signer import APPKEY, checksum, encode

from mockserver.core.http import Request

SAMPLES: dict[str, Any] = {
    sample["operation"]: sample
    for sample in json.loads((Path(__file__).parents[1] / "document_samples.json").read_text(encoding="utf-8"))
}
NOW = 1_576_000_000
"""2019-12-11 01:46:40 in UTC+8: the document's sample day is over."""
WORDS = frozenset(
    ("operation", "path", "method", "sign", "clock", "query", "twice", "raw_query", "headers", "body", "text")
    + ("hex", "fill")
)


def request_path(send: dict[str, Any]) -> str:
    """The percent-encoded path."""
    return send.get("path", f"/v2/video/{send.get('operation', 'query_room_info')}")


def query_string(send: dict[str, Any]) -> str:
    """The percent-encoded query string."""
    if "raw_query" in send:
        return send["raw_query"]
    given = send.get("query", {})
    curtime = str(given.get("curtime") or NOW + send.get("clock", 0))
    values = {
        "appkey": APPKEY,
        "identifier": "admin",
        "curtime": curtime,
        "checksum": checksum(curtime, send.get("sign", "v2")),
        "seq": "1001",
        **given,
    }
    parameters = [(name, value) for name, value in values.items() if value is not None]
    return encode(parameters + [(name, values[name]) for name in send.get("twice", ())])


def request_headers(send: dict[str, Any]) -> dict[str, str]:
    """The headers, names in lower case."""
    headers = {"content-type": "application/json", **send.get("headers", {})}
    return {name: value for name, value in headers.items() if value is not None}


def request_body(send: dict[str, Any]) -> bytes:
    """The body as bytes; by default the document's sample body of the operation."""
    if "text" in send:
        return send["text"].encode()
    if "hex" in send:
        return bytes.fromhex(send["hex"])
    if "fill" in send:
        return send["fill"]["text"].encode() * send["fill"]["times"]
    sample = SAMPLES[send.get("operation", "query_room_info")]["body"]
    return json.dumps(send.get("body", sample)).encode()


def build_request(send: dict[str, Any]) -> Request:
    """The request as an engine receives it."""
    assert set(send) <= WORDS, f"unknown words {set(send) - WORDS}"
    return Request(
        method=send.get("method", "POST"),
        path=unquote_to_bytes(request_path(send)).decode("utf-8", "replace"),
        query=query_string(send),
        headers=request_headers(send),
        body=request_body(send),
    )


def request_bytes(send: dict[str, Any], host: str) -> bytes:
    """The request as it is sent over a socket, chunked if it has a Transfer-Encoding."""
    body, headers = request_body(send), request_headers(send)
    length = {"content-length": str(len(body))}
    if "transfer-encoding" in headers:
        body, length = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body), {}
    fields = {"host": host, "connection": "close", **length, **headers}
    head = f"{send.get('method', 'POST')} {request_path(send)}?{query_string(send)} HTTP/1.1\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return head.encode("latin-1") + b"\r\n" + body
