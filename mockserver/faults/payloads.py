"""What the kinds that spoil an answer share: reading it, replacing it, and the page of a gateway."""

from __future__ import annotations

import http
import json
from dataclasses import replace
from typing import Any, NoReturn

from mockserver.core.http import Response

_TITLES = {413: "Request Entity Too Large", 503: "Service Temporarily Unavailable", 504: "Gateway Time-out"}
"""Where nginx says it in its own words."""


def decoded(response: Response) -> dict[str, Any] | None:
    """The answer's JSON object, a fresh one each time; None when an earlier fault has left none."""
    try:
        answer = json.loads(response.body.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) and answer else None


def with_body(response: Response, body: bytes, *, content_type: str | None = None) -> Response:
    """The reply with another body, and another Content-Type when one is given."""
    headers = response.headers
    if content_type is not None:
        kept = tuple(header for header in headers if header[0].lower() != "content-type")
        headers = (("Content-Type", content_type), *kept)
    return replace(response, body=body, headers=headers)


def gateway_page(status: int) -> bytes:
    """The page that nginx shows for a status."""
    title = f"{status} {_TITLES.get(status) or phrase(status)}"
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    ).encode()


def phrase(status: int) -> str:
    """What HTTP calls a status."""
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
