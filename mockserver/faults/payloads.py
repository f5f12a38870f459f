"""Helpers of the kinds that change a response body: decode it, find values, replace it; gateway pages."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn

from mockserver.core.http import Response

_TITLES: Mapping[int, str] = {
    413: "Request Entity Too Large",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
}  # Reason phrases for which nginx has its own wording.


class Node:
    """One value in a decoded JSON document, with its container and key."""

    __slots__ = ("container", "key", "parent", "value")

    def __init__(self, container: Any, key: str | int, parent: Node | None) -> None:
        self.container, self.key, self.parent = container, key, parent
        self.value: Any = container[key]

    @property
    def steps(self) -> list[str]:
        """The keys and indexes from the root to this value; empty for the root."""
        return [] if self.parent is None else [*self.parent.steps, str(self.key)]

    @property
    def pointer(self) -> str:
        """The JSON pointer (RFC 6901) of this value."""
        return "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in self.steps)

    @property
    def is_member(self) -> bool:
        """Whether this is the value of an object's member."""
        return isinstance(self.container, dict) and self.parent is not None

    @property
    def is_number(self) -> bool:
        """Whether this is the value of an object's member and a number."""
        return self.is_member and isinstance(self.value, (int, float)) and not isinstance(self.value, bool)


def nodes(document: dict[str, Any]) -> list[Node]:
    """Return every value of a document, the document itself first, outer values before inner ones."""
    found = [Node({"": document}, "", None)]
    for node in found:
        value = node.value
        if isinstance(value, dict):
            found += [Node(value, key, node) for key in value]
        elif isinstance(value, list):
            found += [Node(value, key, node) for key in range(len(value))]
    return found


def decode(response: Response) -> dict[str, Any] | None:
    """Return the body's JSON object, a new one on each call; None if an earlier fault has replaced it."""
    try:
        document = json.loads(response.body.decode(), parse_constant=_reject_constant)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) and document else None


def with_body(response: Response, body: bytes, *, content_type: str | None = None) -> Response:
    """Return the response with another body and, if given, another Content-Type."""
    headers = response.headers
    if content_type is not None:
        others = tuple(header for header in headers if header[0].lower() != "content-type")
        headers = (("Content-Type", content_type), *others)
    return replace(response, body=body, headers=headers)


def gateway_page(status: int) -> bytes:
    """Return nginx's error page for a status."""
    title = f"{status} {_TITLES.get(status) or http.client.responses.get(status, 'Error')}"
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    ).encode()


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not valid JSON")
