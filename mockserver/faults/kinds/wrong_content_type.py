"""The body is correct, its Content-Type is not."""

from mockserver.faults.base import Draw, FaultContext, PayloadKind, Response, Text, string
from mockserver.faults.payloads import with_body


class WrongContentType(PayloadKind):
    text = Text("correct JSON with a Content-Type that is not JSON", "JSON 正确，但 Content-Type 不是 JSON")
    type: str = string(
        "Content-Type to send.",
        "要发送的 Content-Type。",
        r"[!-~](?:[ -~]{0,98}[!-~])?",
        100,
        "text/html; charset=utf-8",
    )

    def apply(self, response: Response, context: FaultContext, draw: Draw) -> tuple[Response, str]:
        return with_body(response, response.body, content_type=self.type), self.type
