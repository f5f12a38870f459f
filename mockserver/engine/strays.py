"""Strays: requests that were not sent by a client of the API, such as visits of browsers, probes and CORS preflights.

They are answered like any other wrong path or method, but recorded separately: they count neither as requests nor as
violations. `--cors-origin` lets the pages of an origin call the API, so their preflights succeed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from mockserver.contract.operations import PREFIX
from mockserver.core.http import Request, Response
from mockserver.core.text import Text
from mockserver.engine.config import message
from mockserver.engine.context import ANSWER_HEADERS, Headers
from mockserver.engine.parsed_request import is_preflight


def stray_error(request: Request) -> tuple[str, Text]:
    """Return the catalogue error that answers a stray request, and a text that says what to do."""
    if not is_preflight(request):
        return "unknown_command", message("visit", prefix=PREFIX)
    origin = request.headers["origin"]
    return "method_not_allowed", message("no_origin" if origin == "null" else "preflight", origin=origin)


class Cors:
    """The origins whose pages may call the API."""

    def __init__(self, origins: Collection[str] = ()) -> None:
        self._origins = frozenset(origins)

    def allows(self, request: Request) -> bool:
        """Return whether the request comes from a page of an allowed origin."""
        return request.headers.get("origin") in self._origins

    def add_headers(self, request: Request, response: Response) -> Response:
        """Return the response with the headers that let such a page read it."""
        if not self._origins:
            return response
        headers: Headers = (("Vary", "Origin"),)
        if self.allows(request):
            headers += (
                ("Access-Control-Allow-Origin", request.headers["origin"]),
                ("Access-Control-Expose-Headers", ", ".join(ANSWER_HEADERS)),
            )
        return replace(response, headers=(*response.headers, *headers))

    def preflight_response(self, request: Request) -> Response:
        """Return the response to an allowed preflight. It allows every method and header; the API checks them."""
        asked = request.headers
        headers: Headers = (
            ("Access-Control-Allow-Methods", asked["access-control-request-method"]),
            ("Access-Control-Max-Age", "600"),
        )
        if "access-control-request-headers" in asked:
            headers += (("Access-Control-Allow-Headers", asked["access-control-request-headers"]),)
        return Response(204, headers, b"")
