"""A strict parser rejects the body, whose Content-Type and Content-Length are as usual."""

import json
import math
import re
from collections.abc import Callable

from mockserver.faults.base import Draw, FaultContext, PayloadKind, Response, Text, choice
from mockserver.faults.payloads import decode, gateway_page, nodes, with_body

_STRING = re.compile(rb'"((?:[^"\\]|\\.)*)"')


def _cut(body: bytes, draw: Draw) -> tuple[bytes, str]:
    at = 1 + draw.below(len(body) - 1, "cut")
    return body[:at], f"cut after {at} of {len(body)} bytes"


def _trailing_comma(body: bytes, draw: Draw) -> tuple[bytes, str]:
    # The closing brackets at the very end cannot be inside a string, so they are found without parsing.
    body = body.rstrip()
    last = len(body.rstrip(b"]}"))
    ends = [at for at in range(last, len(body)) if body[at - 1 : at] not in (b"[", b"{")]
    at = ends[draw.below(len(ends), "comma")]
    return body[:at] + b"," + body[at:], f"comma before byte {at}"


def _nan(body: bytes, draw: Draw) -> tuple[bytes, str]:
    document = json.loads(body)
    numbers = [node for node in nodes(document) if node.is_number]
    if not numbers:
        return b'{"ErrorCode":NaN,' + body[body.index(b"{") + 1 :], "NaN for /ErrorCode"
    node = numbers[draw.below(len(numbers), "nan")]
    node.container[node.key] = math.nan
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return body, f"NaN for {node.pointer}"


_CHANGES: dict[str, Callable[[bytes, Draw], tuple[bytes, str]]] = {
    "cut": _cut,
    "trailing_comma": _trailing_comma,
    "single_quotes": lambda body, _: (_STRING.sub(rb"'\1'", body), "single quotes"),
    "bom": lambda body, _: (b"\xef\xbb\xbf" + body, "byte order mark in front"),
    "nan": _nan,
    "html": lambda *_: (gateway_page(502), "HTML page"),
    "empty": lambda *_: (b"", "empty body"),
}


class MalformedJson(PayloadKind):
    text = Text(
        "HTTP 200 and application/json with a body that does not parse", "HTTP 200 与 application/json，但正文无法解析"
    )
    how: str = choice(
        "Cut off, trailing comma, single quotes, byte order mark, NaN for a number, HTML page, or empty.",
        "截断、多余的逗号、单引号、开头的 BOM、以 NaN 代替数字、HTML 页面，或空。",
        _CHANGES,
    )

    def apply(self, response: Response, context: FaultContext, draw: Draw) -> tuple[Response, str] | None:
        if decode(response) is None:
            return None
        body, note = _CHANGES[self.how](response.body, draw)
        return with_body(response, body), note
