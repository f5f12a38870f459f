"""Headers that a client repeats are parsed once, and the requests are the same as when they are parsed each time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mockserver.server import request_parser
from mockserver.server.limits import Limits
from mockserver.server.request_parser import RequestParser

HEAD = b"POST /v2/video/query_room_info?appkey=1 HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nContent-Length: %d%s\r\n\r\n"


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    """No headers are known before or after a test."""
    request_parser._KNOWN_HEADERS.clear()
    yield
    request_parser._KNOWN_HEADERS.clear()


def test_known_headers_give_the_same_requests() -> None:
    """Method, target, headers, body, length and keep-alive are those of the parser, on any connection."""
    raw = HEAD % (4, b"") + b'{"\xff}'
    first, again, other = RequestParser(Limits()), RequestParser(Limits()), RequestParser(Limits())
    parsed = first.feed(raw)
    assert len(request_parser._KNOWN_HEADERS) == 1
    assert first.feed(raw) == again.feed(raw) == parsed
    (changed,) = other.feed(raw.replace(b"appkey=1", b"appkey=2").replace(b"query", b"other"))
    assert changed.target == b"/v2/video/other_room_info?appkey=2"  # type: ignore[union-attr]
    assert len(request_parser._KNOWN_HEADERS) == 1


@pytest.mark.parametrize(
    "raw",
    [
        HEAD % (0, b"\r\nConnection: close"),
        HEAD % (4, b"\r\nExpect: 100-continue") + b"body",
        HEAD % (4, b"\r\nUpgrade: h2c") + b"body",
        (HEAD % (4, b"") + b"body") * 2,
        (HEAD % (4, b"") + b"body").replace(b"POST", b"GET"),
        (HEAD % (4, b"") + b"body").replace(b"appkey", b"app\xe4key"),
        (HEAD % (0, b"")).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
    ],
)
def test_only_ordinary_requests_are_remembered(raw: bytes) -> None:
    """Requests with anything but headers and a length are parsed each time."""
    parser = RequestParser(Limits())
    assert parser.feed(raw)
    assert request_parser._KNOWN_HEADERS == {}


def test_a_body_cannot_teach_headers() -> None:
    """A body that looks like a request is a body, also when it arrives alone."""
    smuggled = HEAD % (0, b"\r\nX-Mock-Fault: hang")
    parser = RequestParser(Limits())
    assert parser.feed(HEAD % (len(smuggled), b"")) == []
    (request,) = parser.feed(smuggled)
    assert b"".join(request.body) == smuggled  # type: ignore[union-attr]
    assert request_parser._KNOWN_HEADERS == {}


def test_known_headers_keep_the_limits() -> None:
    """A long target, a body that is not complete and one over the limit are left to the parser."""
    raw = HEAD % (4, b"") + b"body"
    RequestParser(Limits()).feed(raw)
    small, cut = RequestParser(Limits(header_bytes=60)), RequestParser(Limits())
    (refusal,) = small.feed(raw)
    assert refusal.status == 431  # type: ignore[union-attr]
    assert cut.feed(raw[:-1]) == []
    assert len(cut.feed(raw[-1:])) == 1
    (overlong,) = RequestParser(Limits(body_bytes=3)).feed(raw)
    assert overlong.overlong  # type: ignore[union-attr]
