"""A gateway answers in place of the backend."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from mockserver.core.http import Response
from mockserver.core.text import Text
from mockserver.faults.base import Draw, FaultContext, GatewayKind
from mockserver.faults.fields import choice, integer
from mockserver.faults.payloads import gateway_page, phrase


@dataclass(frozen=True, kw_only=True)
class HttpStatus(GatewayKind):
    """A status other than 200 with nginx's page, a JSON that is not the documented one, or nothing."""

    text = Text(
        "an HTTP error status with nginx's page; Retry-After with 429 and 503",
        "HTTP 错误状态与 nginx 错误页；429 与 503 附带 Retry-After",
    )
    status: int = integer("The HTTP status.", "HTTP 状态码。", 400, 599, 502)
    body: str = choice(
        "An nginx page, JSON without the envelope, or nothing.",
        "nginx 页面、不含文档包头的 JSON，或空。",
        "html",
        "json",
        "empty",
        default="html",
    )
    retry_after: int = integer(
        "Seconds that Retry-After tells with 429 and 503.", "429 与 503 时 Retry-After 的秒数。", 0, 86_400, 5
    )

    def corrupt(self, response: Response, context: FaultContext, draw: Draw) -> tuple[Response, str]:
        """The gateway's reply."""
        headers: list[tuple[str, str]] = [("Server", "nginx")]
        body = b""
        if self.body == "html":
            headers.append(("Content-Type", "text/html"))
            body = gateway_page(self.status)
        elif self.body == "json":
            headers.append(("Content-Type", "application/json"))
            told = {"status": self.status, "error": phrase(self.status), "message": "upstream request failed"}
            body = json.dumps(told).encode()
        if self.status in (429, 503):
            headers.append(("Retry-After", str(self.retry_after)))
        headers += [header for header in response.headers if header[0].lower().startswith("x-mock-")]
        return replace(
            response, status=self.status, headers=tuple(headers), body=body
        ), f"{self.status}, {self.body}"
