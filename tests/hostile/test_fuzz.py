"""For any bytes, the API answers with an envelope or the transport rejects them, and the journal agrees."""

from __future__ import annotations

import json

import pytest
from helpers import request_builder
from helpers.corpus_runner import error_name, send_raw, split_answers
from helpers.length import length
from helpers.request_builder import NOW
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from mockserver.engine.journal import JournalQuery
from mockserver.testing.mock_server import MockServer


def journalled(mock):
    """Return how many journal entries there are: requests and strays."""
    return sum(mock.engine.journal.count(JournalQuery(kind=kind))[0] for kind in ("request", "stray"))


EXAMPLES = length(1_000, 20_000)
"""Examples of both tests together."""
QUICK = settings(max_examples=EXAMPLES // 2, suppress_health_check=list(HealthCheck), print_blob=True)
OPERATIONS = sorted(request_builder.SAMPLES)
FIELDS = ["UserId", "RoomId", "BeginTime", "EndTime", "QueryDate", "CountBy"]
LINES = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(["1575962150", "1575962850", "20191210", 2, "", "mock:", "mock:error=frob", "mock:scenario=x"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
BODIES = st.one_of(
    st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=8), VALUES, max_size=5).map(
        lambda body: json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
    ),
    VALUES.map(lambda body: json.dumps(body).encode()),
    st.binary(max_size=200),
)
MODIFIED = st.fixed_dictionaries(
    {"operation": st.sampled_from(OPERATIONS)},
    optional={
        "method": st.sampled_from(["GET", "PUT", "DELETE", "OPTIONS", "PATCH"]),
        "path": st.text("/abc%2fe.~;_\u00e4video", min_size=1, max_size=30).map(lambda text: "/" + text),
        "sign": st.sampled_from(["v1", "upper", "md5", "hmac", "base64", "swapped", "late", "nonsense", "non_ascii"]),
        "clock": st.integers(-(10**9), 10**9),
        "query": st.dictionaries(
            st.sampled_from(["appkey", "identifier", "curtime", "checksum", "seq"]) | st.text(max_size=6),
            st.none() | st.text(max_size=20),
            max_size=3,
        ).filter(lambda query: all(str(value).isascii() for value in (query.get("curtime"),))),
        "twice": st.lists(st.sampled_from(["appkey", "identifier", "seq"]), max_size=2, unique=True),
        "raw_query": st.text(
            st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="\x7f"), max_size=60
        ),
        "headers": st.dictionaries(
            st.sampled_from(["content-type", "x-mock-scenario", "origin", "accept", "x-frob", "cookie"]),
            LINES,
            max_size=3,
        ),
    },
)
SENDS = st.fixed_dictionaries({"operation": st.sampled_from(OPERATIONS)}) | MODIFIED
"""Half of the requests are valid except for their body."""


@pytest.fixture(scope="module")
def mock():
    """One server for all examples."""
    with MockServer("document", now=str(NOW), journal_size=100_000) as server:
        yield server


@QUICK
@given(send=SENDS, body=BODIES)
def test_any_request_is_answered_by_an_envelope(mock, tally, send, body):
    """HTTP 200, an error of the catalogue other than internal_error, and a journal entry."""
    before = journalled(mock)
    removed = [name for name, value in send.get("query", {}).items() if value is None]
    send = {**send, "twice": [name for name in send.get("twice", ()) if name not in removed]}
    try:
        raw = request_builder.request_bytes({**send, "hex": body.hex()}, f"127.0.0.1:{mock.port}")
    except UnicodeEncodeError:  # A lone surrogate cannot be percent-encoded.
        reject()
    ((status, answer),) = split_answers(send_raw(mock, raw))
    name = error_name(mock, answer)
    tally("fuzz requests", name)
    assert name != "internal_error", answer
    assert status in (200, 400, 431)
    assert journalled(mock) == before + (status == 200)


PIECES = st.sampled_from(
    [b"GET ", b"POST ", b"/", b"/v2/video/query_room_info", b" HTTP/1.1", b" HTTP/1.0", b"\r\n", b"\n", b"\r", b"\x00"]
    + [b"Host: h\r\n", b"Host:", b": ", b"Content-Length: ", b"2", b"-1", b"99999999999999999999", b"{}", b" ", b"\t"]
    + [
        b"Transfer-Encoding: chunked\r\n",
        b"0\r\n\r\n",
        b"2\r\n{}\r\n",
        b"Connection: close\r\n",
        b"Expect: 100-continue\r\n",
    ]
    + [b"Upgrade: h2c\r\n", b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", b"/__admin/reset", b"?a=b", b"%", b"\xff"]
)


FIRST = st.sampled_from(
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: h\r\n",
        b"POST /v2/video/count_qos_by_day HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n",
    ]
)


@QUICK
@given(first=FIRST, parts=st.lists(PIECES | st.binary(max_size=12), max_size=14))
def test_any_bytes_are_answered_or_dropped(mock, tally, first, parts):
    """Each response is complete JSON with a status below 500; the journal has one entry per answered request."""
    before = journalled(mock)
    raw = send_raw(mock, first + b"".join(parts), shut=True)
    answered = 0
    for status, body in _answers(raw):
        assert status in (200, 400, 403, 404, 405, 408, 415, 431), raw
        answered += status == 200
        json.loads(body)
    tally("fuzz bytes", "dropped" if not raw else "answered" if answered else "refused")
    assert journalled(mock) == before + answered


def _answers(raw: bytes) -> list[tuple[int, bytes]]:
    return list(split_answers(raw.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"")))
