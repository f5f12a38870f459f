"""The answer is not JSON."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mockserver.faults.base import Context, Draw, PayloadKind
from mockserver.faults.fields import choice
from mockserver.faults.payloads import decoded, gateway_page, with_body
from mockserver.messages import Reply, Text

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|[{}\[\]]')


@dataclass(frozen=True, kw_only=True)
class MalformedJson(PayloadKind):
    """A body that a strict parser refuses, under the usual Content-Type and a right Content-Length."""

    text = Text(
        "HTTP 200 and application/json, but the body does not parse",
        "HTTP 200 与 application/json，但正文无法解析",
    )
    how: str = choice(
        "Cut off, a comma too many, single quotes, a byte order mark, NaN for a number, a page, or nothing.",
        "截断、多余逗号、单引号、开头的 BOM、以 NaN 代替数字、网页，或空。",
        "cut",
        "trailing_comma",
        "single_quotes",
        "bom",
        "nan",
        "html",
        "empty",
        default="cut",
    )

    def spoil(self, reply: Reply, context: Context, draw: Draw) -> tuple[Reply, str] | None:
        """The same answer, broken; None when it is no JSON object any more."""
        if decoded(reply) is None:
            return None
        body, note = _HOWS[self.how](reply.body, draw)
        return with_body(reply, body), note


def _cut(body: bytes, draw: Draw) -> tuple[bytes, str]:
    at = 1 + draw.below(len(body) - 1, "cut")
    return body[:at], f"cut after {at} of {len(body)} bytes"


def _trailing_comma(body: bytes, draw: Draw) -> tuple[bytes, str]:
    ends = [
        match.start()
        for match in _TOKEN.finditer(body)
        if match[0] in b"]}" and body[: match.start()].rstrip()[-1:] not in (b"[", b"{")
    ]
    at = ends[draw.below(len(ends), "comma")]
    return body[:at] + b"," + body[at:], f"comma before byte {at}"


def _single_quotes(body: bytes, draw: Draw) -> tuple[bytes, str]:
    def quoted(match: re.Match[bytes]) -> bytes:
        token = match[0]
        return b"'" + token[1:-1] + b"'" if token[:1] == b'"' else token

    return _TOKEN.sub(quoted, body), "single quotes"


def _bom(body: bytes, draw: Draw) -> tuple[bytes, str]:
    return b"\xef\xbb\xbf" + body, "byte order mark in front"


def _nan(body: bytes, draw: Draw) -> tuple[bytes, str]:
    numbers = [match for match in _TOKEN.finditer(body) if match[0][:1] in b"-0123456789"]
    if not numbers:
        return b'{"ErrorCode":NaN,' + body[body.index(b"{") + 1 :], "NaN in front"
    one = numbers[draw.below(len(numbers), "nan")]
    return body[: one.start()] + b"NaN" + body[
        one.end() :
    ], f"NaN for {one[0].decode()} at byte {one.start()}"


def _html(body: bytes, draw: Draw) -> tuple[bytes, str]:
    return gateway_page(502), "a page"


def _empty(body: bytes, draw: Draw) -> tuple[bytes, str]:
    return b"", "empty body"


_HOWS = {
    "cut": _cut,
    "trailing_comma": _trailing_comma,
    "single_quotes": _single_quotes,
    "bom": _bom,
    "nan": _nan,
    "html": _html,
    "empty": _empty,
}
