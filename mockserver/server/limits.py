"""What the transport puts up with, and the words in which it refuses; it knows no socket and no server.

Every number is an argument of `Server`, so that a test can be short where a deployment is patient.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from mockserver.core.text import Text

Envelope = Callable[[str, Text], bytes]
"""Turns the name of a catalogue row and a text for people into the JSON body of a refusal."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one connection. Sizes are bytes, times are seconds."""

    header_bytes: int = 16 * 1024
    """Request line and headers together."""
    body_bytes: int = 1024 * 1024
    """A longer body still reaches the application, marked as overlong and without its bytes."""
    drain_bytes: int = 4 * 1024 * 1024
    """How much more than `body_bytes` is read and thrown away, so that the connection can be kept."""
    request_seconds: float = 15.0
    """From the connection, or from the first byte of a later request, to the last byte of the request."""
    idle_seconds: float = 30.0
    """How long a kept connection may wait for the next request."""
    write_seconds: float = 30.0
    """How long a client may take nothing of an answer that waits for it."""
    linger_seconds: float = 2.0
    """How long a connection lives on after a refusal, or after the client has shut its own side."""
    stop_seconds: float = 4.0
    """How long `stop` waits for requests in flight."""

    @property
    def watch_seconds(self) -> float:
        """How often a connection has to be looked at so that none of the times above is missed."""
        return min(self.request_seconds, self.idle_seconds, self.write_seconds, self.linger_seconds)

    @property
    def raw_bytes(self) -> int:
        """Most bytes one request may occupy on the wire, chunk framing and trailers included."""
        return self.header_bytes + 8 * (self.body_bytes + self.drain_bytes)


class Refusal(Exception):
    """A request that never becomes one: HTTP status and what to say."""

    def __init__(self, status: int, text: Text) -> None:
        self.status, self.text = status, text
        super().__init__(text.en)


_CODES = {"invalid_parameter": 1108, "internal_error": 1500}


def plain_envelope(error: str, text: Text) -> bytes:
    """The failure envelope (§1.4) with our default numbers and the English text."""
    return json.dumps({"Status": "FAIL", "ErrorCode": _CODES[error], "ErrorInfo": text.en}).encode()


BROKEN = Text("this is no valid HTTP request", "这不是合法的 HTTP 请求")
NO_HOST = Text("the Host header is missing", "缺少 Host 请求头")
TWO_HOSTS = Text("the Host header occurs more than once", "Host 请求头重复出现")
NO_TUNNEL = Text("this server is no proxy: CONNECT is refused", "本服务器不是代理，不接受 CONNECT")
NO_UPGRADE = Text(
    "this server speaks HTTP/1.1 only: leave Upgrade out", "本服务器只支持 HTTP/1.1，请勿发送 Upgrade"
)
TOO_SLOW = Text("the request did not arrive completely in time", "请求未在规定时间内完整到达")
CRASHED = Text("the application failed; its log tells more", "应用内部错误，详见服务器日志")


def headers_too_large(limit: int) -> Text:
    """The refusal of a head over `limit` bytes."""
    return Text(f"request line and headers exceed {limit} bytes", f"请求行与请求头超过 {limit} 字节")


def framing_too_large(limit: int) -> Text:
    """The refusal of a request whose chunks and trailers exceed `limit` bytes on the wire."""
    return Text(f"the request exceeds {limit} bytes on the wire", f"请求在线路上超过 {limit} 字节")
