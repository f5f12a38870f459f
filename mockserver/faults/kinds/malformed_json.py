"""The answer is not JSON."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass

from mockserver.core.http import Response
from mockserver.core.text import Text
from mockserver.faults.base import Draw, FaultContext, PayloadKind
from mockserver.faults.drifts import is_number, spots
from mockserver.faults.fields import choice
from mockserver.faults.payloads import decoded, gateway_page, with_body

_STRING = re.compile(rb'"((?:[^"\\]|\\.)*)"')


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

    def corrupt(self, response: Response, context: FaultContext, draw: Draw) -> tuple[Response, str] | None:
        """The same answer, broken; None when it is no JSON object any more."""
        if decoded(response) is None:
            return None
        body, note = _HOWS[self.how](response.body, draw)
        return with_body(response, body), note


def _cut(body: bytes, draw: Draw) -> tuple[bytes, str]:
    at = 1 + draw.below(len(body) - 1, "cut")
    return body[:at], f"cut after {at} of {len(body)} bytes"


def _trailing_comma(body: bytes, draw: Draw) -> tuple[bytes, str]:
    # The brackets at the very end are no part of any text, so nothing has to be read to find them.
    body = body.rstrip()
    last = len(body.rstrip(b"]}"))
    ends = [at for at in range(last, len(body)) if body[at - 1 : at] not in (b"[", b"{")]
    at = ends[draw.below(len(ends), "comma")]
    return body[:at] + b"," + body[at:], f"comma before byte {at}"


def _single_quotes(body: bytes, draw: Draw) -> tuple[bytes, str]:
    return _STRING.sub(rb"'\1'", body), "single quotes"


def _bom(body: bytes, draw: Draw) -> tuple[bytes, str]:
    return b"\xef\xbb\xbf" + body, "byte order mark in front"


def _nan(body: bytes, draw: Draw) -> tuple[bytes, str]:
    answer = json.loads(body)
    numbers = [spot for spot in spots(answer) if is_number(spot)]
    if not numbers:
        return b'{"ErrorCode":NaN,' + body[body.index(b"{") + 1 :], "NaN for /ErrorCode"
    one = numbers[draw.below(len(numbers), "nan")]
    one.holder[one.key] = math.nan
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode(), f"NaN for {one.pointer}"


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
