"""A gateway responds in place of the backend: nginx's page, JSON without the documented envelope, or no body."""

import http.client
import json
from dataclasses import replace

from mockserver.faults.base import Draw, FaultContext, GatewayKind, Response, Text, choice, integer
from mockserver.faults.payloads import gateway_page


class HttpStatus(GatewayKind):
    text = Text(
        "an HTTP error status with nginx's error page; Retry-After with 429 and 503",
        "HTTP 错误状态与 nginx 错误页；429 与 503 附带 Retry-After",
    )
    status: int = integer("HTTP status.", "HTTP 状态码。", 400, 599, 502)
    body: str = choice(
        "An nginx page, JSON without the documented envelope, or nothing.",
        "nginx 错误页、不符合文档格式的 JSON，或空。",
        ("html", "json", "empty"),
    )
    retry_after: int = integer(
        "Seconds in Retry-After, with 429 and 503.", "Retry-After 的秒数，仅用于 429 与 503。", 0, 86_400, 5
    )

    def apply(self, response: Response, context: FaultContext, draw: Draw) -> tuple[Response, str]:
        headers: list[tuple[str, str]] = [("Server", "nginx")]
        body = b""
        if self.body == "html":
            headers.append(("Content-Type", "text/html"))
            body = gateway_page(self.status)
        elif self.body == "json":
            headers.append(("Content-Type", "application/json"))
            error = http.client.responses.get(self.status, "Error")
            body = json.dumps({"status": self.status, "error": error, "message": "upstream request failed"}).encode()
        if self.status in (429, 503):
            headers.append(("Retry-After", str(self.retry_after)))
        if self.status == 405:
            # RFC 9110 requires Allow; the value is that of a gateway that only serves pages.
            headers.append(("Allow", "GET, HEAD"))
        headers += [header for header in response.headers if header[0].lower().startswith("x-mock-")]
        replaced = replace(response, status=self.status, headers=tuple(headers), body=body)
        return replaced, f"{self.status}, {self.body}"
