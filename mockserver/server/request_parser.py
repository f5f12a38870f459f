"""Parses the bytes of one connection into requests and refusals, within `Limits`. Knows no sockets and no time.

It adds to the parser of httptools:

- limits for the size of headers and bodies; a missing or repeated Host and CONNECT are refused;
- targets that the parser rejects (raw bytes above 0x7f) reach the application;
- headers of POST requests that arrive in one piece are cached, because clients repeat them byte by byte;
- trailers cannot add headers, and offered protocol upgrades are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import httptools

from mockserver.core.text import Text
from mockserver.server.limits import TEXTS, Limits, Refusal, invalid_request

if TYPE_CHECKING:
    from mockserver.server.api import ApiCall
    from mockserver.server.wsgi import HTTPResponse

IDLE, HEAD, BODY = range(3)  # The part of a request that is being read: none, its head, or its body.
_LINE = re.compile(rb"POST (/[\w/.~%=&?+-]*) HTTP/1\.1\r\n", re.ASCII)
_KNOWN_HEADERS: dict[bytes, tuple[tuple[tuple[bytes, bytes], ...], int]] = {}
"""Parsed headers and announced body length of complete and ordinary POST requests, by their raw headers."""
_Known: TypeAlias = tuple[bytes, tuple[tuple[bytes, bytes], ...], int, bytes]
_KNOWN_REQUESTS: dict[bytes, _Known] = {}
"""Target, headers, length of the body, and body of short requests, by their bytes."""
_SPECIAL_HEADERS = frozenset((b"expect", b"transfer-encoding", b"upgrade", b"x-offered-upgrade"))
_MAX_REMEMBERED = 4_096  # Maximum bytes of a request head that is cached.
_MAX_KNOWN = 512  # Number of cached headers.
_UPGRADE = re.compile(rb"\r\nupgrade:", re.IGNORECASE)


@dataclass(slots=True)
class IncomingRequest:
    """One request as received, with its body if that is within the limits."""

    method: str
    target: bytes
    version: str
    headers: Sequence[tuple[bytes, bytes]]  # In the order received, with lower-case names.
    keep_alive: bool  # Whether the client allows the connection to be kept.
    declared_length: int = 0  # Content-Length, 0 without one.
    body: list[bytes] = field(default_factory=list)
    overlong: bool = False  # Whether the body exceeded the limit and was discarded.
    complete: bool = True  # Whether the body was read to its end.
    hint: Text | None = None  # The likely mistake of a client that expects another kind of server.
    call: ApiCall | None = None  # The call of the engine that answers the request, once begun.
    response: HTTPResponse | None = None  # The response, once there is one.


class _Done(Exception):
    """Stops the parser."""


class RequestParser:
    """Parses the requests of one connection."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        self.phase = IDLE
        self.started = 0  # The number of requests begun.
        self.expects_100 = False  # Whether the client waits for `100 Continue` before it sends the body.
        self.done = False
        """Whether further input is ignored, after a refusal or a body that is too long to read."""
        self._ready: list[IncomingRequest | Refusal] = []
        self._request: IncomingRequest | None = None
        self._url, self._headers = b"", list[tuple[bytes, bytes]]()
        self._head_bytes = self._request_bytes = self._body_bytes = 0
        self._completed = 0
        self._count_exactly = False
        """Whether the current read may exceed `header_bytes`, so that the headers have to be counted."""
        self._raw_target: bytes | None = None  # The target before it was rewritten for the parser.

    def feed(self, data: bytes) -> list[IncomingRequest | Refusal]:
        """Return the requests that these bytes complete, and a refusal if they are invalid."""
        parser = self._parser
        if self.done or parser is None:
            return []
        fresh = self.phase == IDLE
        if fresh and (known := self._read_known(data)):
            return [known]
        size, completed = len(data), self._completed
        self._count_exactly = self._head_bytes + size > self._limits.header_bytes
        original = data
        if self.phase == IDLE and not data.isascii():
            data, self._raw_target = with_ascii_target(data)
        if self.phase != BODY and (b"pgrade:" in data or b"PGRADE:" in data):
            data = without_upgrade(data)
        try:
            while data:
                try:
                    parser.feed_data(data)
                    break
                except httptools.HttpParserUpgrade as upgrade:
                    # An upgrade that `without_upgrade` missed, in a request without a body: the next request follows.
                    data = data[upgrade.args[0] :]
        except httptools.HttpParserError as error:
            cause = error.__context__
            if not self.done:
                self._refuse(cause if isinstance(cause, Refusal) else invalid_request(original, error))
        if self.phase == HEAD and self._completed == completed:
            self._head_bytes += size
            if self._head_bytes > self._limits.header_bytes:
                self._refuse(Refusal(431, "headers_too_large", limit=self._limits.header_bytes))
        if self.phase != IDLE:
            self._request_bytes += size
            if self._request_bytes > self._limits.raw_bytes:
                self._refuse(Refusal(400, "request_too_large", limit=self._limits.raw_bytes))
        if fresh and self._ready and original is data:
            self._remember(data)
        return self._take()

    def _read_known(self, data: bytes) -> IncomingRequest | None:
        """Return the request if `data` is exactly one request with cached headers."""
        known = _KNOWN_REQUESTS.get(data) or self._find_known(data)
        if known is None:
            return None
        target, headers, length, body = known
        if len(data) - length > self._limits.header_bytes or length > self._limits.body_bytes:
            return None
        self.started += 1
        return IncomingRequest("POST", target, "1.1", headers, True, length, [body] if length else [])

    def _find_known(self, data: bytes) -> _Known | None:
        found = _LINE.match(data)
        if found is None:
            return None
        end = data.find(b"\r\n\r\n", found.end()) + 4
        headers = _KNOWN_HEADERS.get(data[found.end() : end])
        if headers is None or len(data) != end + headers[1]:
            return None
        known = found[1], *headers, data[end:]
        if len(data) <= _MAX_REMEMBERED:
            if len(_KNOWN_REQUESTS) >= _MAX_KNOWN:
                _KNOWN_REQUESTS.clear()
            _KNOWN_REQUESTS[data] = known
        return known

    def _remember(self, data: bytes) -> None:
        """Cache the headers of `data` if it is exactly one ordinary request that was accepted."""
        request, found = self._ready[0], _LINE.match(data)
        if found is None or type(request) is not IncomingRequest:
            return
        end = data.find(b"\r\n\r\n", found.end()) + 4
        if not found.end() < end <= _MAX_REMEMBERED or end + request.declared_length != len(data):
            return
        names = {name for name, _ in request.headers}
        if request.keep_alive and not request.hint and not request.overlong and names.isdisjoint(_SPECIAL_HEADERS):
            if len(_KNOWN_HEADERS) >= _MAX_KNOWN:
                _KNOWN_HEADERS.clear()
            _KNOWN_HEADERS[data[found.end() : end]] = tuple(request.headers), request.declared_length

    def refuse(self, refusal: Refusal) -> list[IncomingRequest | Refusal]:
        """Refuse the request that is being read, and ignore everything that follows."""
        self._refuse(refusal)
        return self._take()

    def close(self) -> None:
        """Ignore everything that follows, and release the parser: the two refer to each other."""
        self._parser, self.done = None, True

    def _refuse(self, refusal: Refusal) -> None:
        self._ready.append(refusal)
        self.phase, self.done = IDLE, True

    def _take(self) -> list[IncomingRequest | Refusal]:
        ready, self._ready = self._ready, []
        return ready

    # ---- callbacks of the parser

    def on_message_begin(self) -> None:
        """Begin a request."""
        self.phase = HEAD
        self.started += 1
        self._url, self._headers = b"", []
        self._head_bytes = self._request_bytes = self._body_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Take a part of the request target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header of the head or of the trailers, which are never read."""
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Check the head, and refuse the request or wait for its body."""
        parser, limits = self._parser, self._limits
        assert parser is not None
        version = parser.get_http_version()
        target = self._url if self._raw_target is None else self._raw_target
        self._raw_target = None
        request = self._request = IncomingRequest(
            parser.get_method().decode(),
            target,
            version,
            tuple(self._headers),
            keep_alive=version != "1.0" and parser.should_keep_alive(),
        )
        self._headers = []
        hosts, expects_100, chunked = 0, False, False
        for name, value in request.headers:
            if name == b"host":
                hosts += 1
            elif name == b"content-length":
                request.declared_length = int(value)
            elif name == b"expect":
                expects_100 = value.lower() == b"100-continue"
            elif name == b"transfer-encoding":
                chunked = True
            elif name == b"x-offered-upgrade" and value.lower() == b"websocket":
                request.hint = TEXTS["no_websocket"]
        if request.method == "CONNECT":
            raise Refusal(400, "no_connect")
        if parser.should_upgrade() and (chunked or request.declared_length):
            # The parser would read the body as another protocol.
            raise Refusal(400, "no_upgrade")
        if hosts > 1:
            raise Refusal(400, "repeated_host")
        if not hosts and version != "1.0":
            raise Refusal(400, "missing_host")
        if self._count_exactly:
            size = len(self._url) + sum(len(name) + len(value) + 4 for name, value in request.headers)
            if size > limits.header_bytes:
                raise Refusal(431, "headers_too_large", limit=limits.header_bytes)
        if target[:1] not in (b"/", b"*"):
            request.target, request.hint = origin_form(target), TEXTS["http_proxy"]
        self.phase = BODY
        self.expects_100 = expects_100
        # Do not drain a body after `Expect: 100-continue`: the client should not send it.
        if request.declared_length > limits.body_bytes + (0 if expects_100 else limits.drain_bytes):
            self._give_up(request)

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        request = self._request
        if request is None:
            return
        self.expects_100 = False
        self._body_bytes += len(body)
        if self._body_bytes <= self._limits.body_bytes:
            request.body.append(body)
            return
        request.overlong = True
        request.body.clear()
        if self._body_bytes > self._limits.body_bytes + self._limits.drain_bytes:
            self._give_up(request)

    def on_message_complete(self) -> None:
        """Pass on a complete request."""
        request, self._request = self._request, None
        if request is not None:
            self._ready.append(request)
            self._completed += 1
            self.phase, self.expects_100, self._head_bytes = IDLE, False, 0

    def _give_up(self, request: IncomingRequest) -> None:
        """Pass on a request without reading the rest of its body."""
        request.overlong, request.complete = True, False
        self._ready.append(request)
        self.phase, self.expects_100, self.done = IDLE, False, True
        raise _Done


def with_ascii_target(data: bytes) -> tuple[bytes, bytes | None]:
    """Percent-encode raw bytes above 0x7f in the target of the request that `data` begins with.

    Returns the new data and the original target; None if it is already ASCII or this is not a request line.
    curl sends `?identifier=张三` as typed, and the application has to see it to report the mistake.
    """
    line, end, rest = data.partition(b"\r\n")
    parts = line.split(b" ")
    if line.isascii() or not end or len(parts) != 3 or not parts[0].isalpha():
        return data, None
    target = parts[1]
    parts[1] = b"".join(b"%%%02X" % byte if byte > 0x7F else bytes((byte,)) for byte in target)
    return b" ".join(parts) + end + rest, target


def without_upgrade(data: bytes) -> bytes:
    """Rename the Upgrade header in a request head to `x-offered-upgrade`, so that the parser ignores it.

    Java's HttpClient offers h2c on every cleartext request, and the parser would drop the body of such a
    request.
    """
    head, end, rest = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(b"\r\nx-offered-upgrade:", head) + end + rest


def origin_form(target: bytes) -> bytes:
    """Return path and query of a request target in any form (RFC 9112 §3.2)."""
    if target[:1] in (b"/", b"*"):
        return target
    _, _, rest = target.partition(b"://")
    slash, question_mark = rest.find(b"/"), rest.find(b"?")
    if slash < 0 or 0 <= question_mark < slash:
        return b"/" + rest[question_mark:] if question_mark >= 0 else b"/"
    return rest[slash:]
