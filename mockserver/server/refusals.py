"""What the transport refuses before a request reaches the application, and what it says to whom.

The client gets an envelope; the server's log gets one line for each cause and minute, because a refused request is in
no journal, and a client that cannot connect tries again and again.
"""

from __future__ import annotations

import logging

from mockserver.core.machine_time import monotonic
from mockserver.core.text import Lang, Text

log = logging.getLogger("mockserver.clients")
log.addHandler(logging.NullHandler())

_LOG_INTERVAL = 60.0  # Seconds before the same cause is logged again.
_MAX_CAUSES = 200


class Refusal(Exception):
    """A request that is refused before it reaches the application: HTTP status and text."""

    def __init__(self, status: int, text: Text) -> None:
        self.status, self.text = status, text
        super().__init__(text.en)


class ClientLog:
    """Logs what is wrong with clients, each cause at most once a minute."""

    def __init__(self, lang: Lang = "en") -> None:
        self._lang = lang
        self._next: dict[str, float] = {}

    def warn(self, client: str, text: Text) -> None:
        """Log the text about the client at this address, unless the same was logged within the last minute."""
        now = monotonic()
        if now < self._next.get(text.en, 0.0):
            return
        if len(self._next) >= _MAX_CAUSES:
            self._next.clear()
        self._next[text.en] = now + _LOG_INTERVAL
        log.warning("%s: %s", client, text.to(self._lang))


MISSING_HOST = Text("the Host header is missing", "缺少 Host 请求头")
REPEATED_HOST = Text("the Host header occurs more than once", "Host 请求头重复出现")
NO_UPGRADE = Text(
    "this server supports HTTP/1.1 only: omit the Upgrade header", "本服务器只支持 HTTP/1.1，请勿发送 Upgrade 请求头"
)
NO_WEBSOCKET = Text(
    "the client asks for a WebSocket; the API has none, and Upgrade is ignored",
    "客户端请求 WebSocket；该 API 没有 WebSocket，Upgrade 被忽略",
)
TRANSFER_ENCODING = Text(
    "Transfer-Encoding must be chunked, alone and without Content-Length",
    "Transfer-Encoding 只能是 chunked，且不能与 Content-Length 同时出现",
)
REQUEST_TIMEOUT = Text("the request did not arrive completely in time", "请求未在规定时间内完整到达")
NO_CONNECT = Text(
    "this server is not a proxy, and CONNECT is refused: remove it from the client's HTTPS_PROXY or proxy settings",
    "本服务器不是代理，不接受 CONNECT：请从客户端的 HTTPS_PROXY 或代理设置中去掉它",
)
HTTP_PROXY = Text(
    "the client uses this server as a proxy and is answered as if it had asked this server:"
    " remove it from the client's HTTP_PROXY or proxy settings",
    "客户端把本服务器当作代理，仍按直接请求本服务器应答：请从客户端的 HTTP_PROXY 或代理设置中去掉它",
)
HTTPS_PORT = Text(
    "this port serves https, and the client speaks plain http: use https:// in its URL",
    "该端口提供 https，而客户端使用 http：请在其 URL 中改用 https://",
)
HTTP_PORT = Text(
    "this port serves http, and the client speaks https (TLS): use http:// in its URL, or start the server with --tls",
    "该端口提供 http，而客户端使用 https（TLS）：请在其 URL 中改用 http://，或以 --tls 启动服务器",
)
_SOCKS = Text(
    "this server is not a SOCKS proxy: remove it from the client's ALL_PROXY or proxy settings",
    "本服务器不是 SOCKS 代理：请从客户端的 ALL_PROXY 或代理设置中去掉它",
)
_PROXY_PROTOCOL = Text(
    "the load balancer sends a PROXY protocol header, which this server does not read: switch it off (send-proxy)",
    "负载均衡器发送了 PROXY 协议头，本服务器不支持：请关闭它（send-proxy）",
)
_HTTP_2 = Text(
    "this server supports HTTP/1.1 only, and the client begins with HTTP/2 (prior knowledge): set it to HTTP/1.1",
    "本服务器只支持 HTTP/1.1，而客户端直接使用 HTTP/2（prior knowledge）：请将其设为 HTTP/1.1",
)
_SSH = Text("this port serves http, and the client speaks SSH", "该端口提供 http，而客户端使用 SSH")
_PROTOCOLS = (
    (b"\x16", HTTP_PORT),
    (b"\x80", HTTP_PORT),
    (b"PRI * HTTP/2", _HTTP_2),
    (b"\x04", _SOCKS),
    (b"\x05", _SOCKS),
    (b"PROXY ", _PROXY_PROTOCOL),
    (b"\r\n\r\n\x00\r\nQUIT\n", _PROXY_PROTOCOL),
    (b"SSH-", _SSH),
)


def other_protocol(data: bytes) -> Text | None:
    """Return what to do about a client whose first bytes belong to another protocol; None if they are not known."""
    return next((text for beginning, text in _PROTOCOLS if data.startswith(beginning)), None)


def invalid_request(data: bytes, error: Exception) -> Refusal:
    """Return the refusal of bytes that the parser rejects for the reason `error`."""
    text, reason = other_protocol(data), str(error)
    if text is None and "Transfer-Encoding" in reason:
        text = TRANSFER_ENCODING
    return Refusal(
        400, text or Text(f"this is not a valid HTTP request: {reason}", f"这不是合法的 HTTP 请求：{reason}")
    )


def headers_too_large(limit: int) -> Refusal:
    """Return the refusal of request line and headers over `limit` bytes."""
    text = Text(f"request line and headers exceed {limit} bytes", f"请求行与请求头超过 {limit} 字节")
    return Refusal(431, text)


def request_too_large(limit: int) -> Refusal:
    """Return the refusal of a request whose chunks and trailers exceed `limit` bytes on the wire."""
    text = Text(f"the request exceeds {limit} bytes on the wire", f"请求的传输数据超过 {limit} 字节")
    return Refusal(400, text)
