"""The limits of the transport, and the texts with which it refuses requests.

Every limit is an argument of `Server`, so that tests can use short times where a deployment allows long ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from mockserver.core.text import Text

Envelope = Callable[[str, Text], bytes]
"""Returns the JSON body of a refusal from the name of a catalogue row and a text."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for one connection. Sizes are bytes, times are seconds."""

    header_bytes: int = 16 * 1024
    """Request line and headers together."""
    body_bytes: int = 1024 * 1024
    """A longer body still reaches the application, marked as overlong and without its bytes."""
    drain_bytes: int = 4 * 1024 * 1024
    """Bytes beyond `body_bytes` that are read and dropped, so that the connection can be kept."""
    request_seconds: float = 15.0
    """From the connection, or from the first byte of a later request, to the last byte of the request."""
    idle_seconds: float = 30.0
    """How long a kept-alive connection may wait for the next request."""
    write_seconds: float = 30.0
    """How long a client may read nothing of a response that is ready."""
    linger_seconds: float = 2.0
    """How long a connection stays open after a refusal, or after the client has closed its side."""
    stop_seconds: float = 4.0
    """How long `stop` waits for requests in flight."""

    @property
    def check_seconds(self) -> float:
        """The interval at which a connection's deadlines are checked, so that none is missed."""
        return min(self.request_seconds, self.idle_seconds, self.write_seconds, self.linger_seconds)

    @property
    def raw_bytes(self) -> int:
        """The maximum size of one request on the wire, with chunk framing and trailers."""
        return self.header_bytes + 8 * (self.body_bytes + self.drain_bytes)


class Refusal(Exception):
    """A request that is refused before it reaches the application: HTTP status and text."""

    def __init__(self, status: int, text: Text) -> None:
        self.status, self.text = status, text
        super().__init__(text.en)


_CODES = {"invalid_parameter": 1108, "internal_error": 1500}


def plain_envelope(error: str, text: Text) -> bytes:
    """Return the failure envelope (§1.4) with the default error codes and the English text."""
    return json.dumps({"Status": "FAIL", "ErrorCode": _CODES[error], "ErrorInfo": text.en}).encode()


INVALID_REQUEST = Text("this is not a valid HTTP request", "这不是合法的 HTTP 请求")
MISSING_HOST = Text("the Host header is missing", "缺少 Host 请求头")
REPEATED_HOST = Text("the Host header occurs more than once", "Host 请求头重复出现")
NO_CONNECT = Text("this server is not a proxy: CONNECT is refused", "本服务器不是代理，不接受 CONNECT")
NO_UPGRADE = Text(
    "this server supports HTTP/1.1 only: omit the Upgrade header",
    "本服务器只支持 HTTP/1.1，请勿发送 Upgrade 请求头",
)
REQUEST_TIMEOUT = Text("the request did not arrive completely in time", "请求未在规定时间内完整到达")
APPLICATION_ERROR = Text("internal error; see the server's log", "内部错误，详见服务器日志")


def headers_too_large(limit: int) -> Text:
    """Return the text for request line and headers over `limit` bytes."""
    return Text(f"request line and headers exceed {limit} bytes", f"请求行与请求头超过 {limit} 字节")


def request_too_large(limit: int) -> Text:
    """Return the text for a request whose chunks and trailers exceed `limit` bytes on the wire."""
    return Text(f"the request exceeds {limit} bytes on the wire", f"请求的传输数据超过 {limit} 字节")
