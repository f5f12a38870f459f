"""Every family on a raw socket of the whole server: clients get what the kinds describe."""

from __future__ import annotations

import http.client
import json
import logging
import socket
import time

import pytest
from fault_helpers import parse_strictly

from mockserver.testing.mock_server import MockServer

OPERATION = "query_all_instance_by_time"
BODY = json.dumps({"BeginTime": "1575962150", "EndTime": "1575962850"}).encode()


@pytest.fixture(scope="module")
def mock():
    """A server with the samples of the document."""
    with MockServer(scenario="document") as running:
        yield running


@pytest.fixture(autouse=True)
def no_errors(caplog):
    """The server logs no error of its own for a fault."""
    caplog.set_level(logging.WARNING)
    yield
    records = caplog.get_records("call")
    assert [record.getMessage() for record in records if record.name != "mockserver.requests"] == []


def raw(mock, fault: str) -> bytes:
    """A signed request with a fault in its header."""
    target = mock.app().signed_url(OPERATION).removeprefix(mock.url)
    head = (
        f"POST {target} HTTP/1.1\r\nHost: 127.0.0.1:{mock.port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(BODY)}\r\nConnection: close\r\nX-Mock-Fault: {fault}\r\n\r\n"
    )
    return head.encode() + BODY


class RawResponse:
    """What arrived on a socket, when, and how the connection ended."""

    def __init__(self, mock, fault: str) -> None:
        self.parts: list[tuple[float, bytes]] = []
        self.reset = False
        with socket.create_connection(("127.0.0.1", mock.port), timeout=10) as sock:
            sock.sendall(raw(mock, fault))
            start = time.monotonic()
            try:
                while part := sock.recv(65_536):
                    self.parts.append((time.monotonic() - start, part))
            except ConnectionResetError:
                self.reset = True
            self.seconds = time.monotonic() - start
        self.data = b"".join(part for _, part in self.parts)
        head, _, self.body = self.data.partition(b"\r\n\r\n")
        self.status, *lines = head.decode("latin-1").split("\r\n")
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}

    @property
    def whole(self) -> bool:
        """Whether the body is as long as it was said to be."""
        return len(self.body) == int(self.headers["content-length"])


@pytest.fixture
def plain(mock):
    """The response without a fault."""
    return parse_strictly(RawResponse(mock, "latency;fixed_ms=0").body)


def test_a_reset_is_an_rst_before_any_byte(mock):
    """connection_reset: an RST and not one byte."""
    raw_response = RawResponse(mock, "connection_reset")
    assert raw_response.reset
    assert raw_response.data == b""


def test_a_reset_in_mid_body_follows_half_of_it(mock):
    """connection_reset mid_body: the headers, half of the body, then an RST."""
    raw_response = RawResponse(mock, "connection_reset;when=mid_body")
    assert raw_response.reset
    assert len(raw_response.body) == int(raw_response.headers["content-length"]) // 2


def test_an_empty_response_is_zero_bytes_and_a_close(mock):
    """empty_response: an orderly close without a byte."""
    raw_response = RawResponse(mock, "empty_response")
    assert not raw_response.reset
    assert raw_response.data == b""


def test_garbage_is_not_http(mock):
    """garbage_response: bytes without a status line."""
    raw_response = RawResponse(mock, "garbage_response")
    assert raw_response.data
    assert not raw_response.data.startswith(b"HTTP/")


@pytest.mark.parametrize("fraction", [0, 0.3, 0.99])
def test_a_truncated_body_is_shorter_than_its_length(mock, fraction):
    """truncated_body: the configured fraction under the full Content-Length, then a close."""
    raw_response = RawResponse(mock, f"truncated_body;fraction={fraction}")
    assert not raw_response.reset
    assert len(raw_response.body) == int(int(raw_response.headers["content-length"]) * fraction)
    assert not raw_response.whole


def test_a_malformed_chunk_breaks_a_client(mock):
    """malformed_chunk: a client reads half of the chunked body and then fails."""
    raw_response = RawResponse(mock, "malformed_chunk")
    assert raw_response.headers["transfer-encoding"] == "chunked"
    with socket.create_connection(("127.0.0.1", mock.port), timeout=10) as sock:
        sock.sendall(raw(mock, "malformed_chunk"))
        response = http.client.HTTPResponse(sock)
        response.begin()
        with pytest.raises(http.client.HTTPException):
            response.read()


def test_a_latency_delays_the_response(mock, plain):
    """latency: no byte before its time, then the response."""
    raw_response = RawResponse(mock, "latency;fixed_ms=150")
    assert raw_response.parts[0][0] >= 0.14
    assert parse_strictly(raw_response.body) == plain
    assert raw_response.headers["x-mock-fault"] == "latency: 150 ms"


def test_a_slow_body_takes_its_time(mock, plain):
    """slow_body: the headers at once, the body in pieces over its time, and complete."""
    raw_response = RawResponse(mock, "slow_body;chunks=5;over_ms=250")
    assert raw_response.parts[0][0] < 0.2
    assert raw_response.seconds >= 0.24
    assert len(raw_response.parts) >= 4
    assert parse_strictly(raw_response.body) == plain


def test_slow_headers_delay_the_body(mock, plain):
    """slow_headers: the body starts only after their time."""
    raw_response = RawResponse(mock, "slow_headers;over_ms=200")
    assert len(raw_response.parts) > 2
    assert raw_response.seconds >= 0.19
    assert parse_strictly(raw_response.body) == plain


def test_a_hang_ends(mock):
    """hang: silence for its time, then a close without a byte."""
    raw_response = RawResponse(mock, "hang;max_seconds=0.2")
    assert raw_response.data == b""
    assert 0.19 <= raw_response.seconds < 5


def test_a_slow_close_follows_a_complete_response(mock, plain):
    """slow_close: the whole response at once, the close later."""
    raw_response = RawResponse(mock, "slow_close;ms=200")
    assert raw_response.whole
    assert raw_response.headers["connection"] == "close"
    assert raw_response.seconds - raw_response.parts[-1][0] >= 0.19
    assert parse_strictly(raw_response.body) == plain


def test_bandwidth_limits_the_rate(mock):
    """bandwidth: a response of n bytes takes n divided by the rate."""
    raw_response = RawResponse(mock, "bandwidth;bytes_per_second=4000")
    assert raw_response.whole
    assert raw_response.seconds >= 0.8 * len(raw_response.data) / 4000


@pytest.mark.parametrize(("status", "after"), [(502, None), (503, "5"), (504, None)])
def test_a_gateway_responds(mock, status, after):
    """http_status: its status line, page and Retry-After reach the client."""
    raw_response = RawResponse(mock, f"http_status;status={status}")
    assert raw_response.status.startswith(f"HTTP/1.1 {status} ")
    assert raw_response.whole
    assert b"<center>nginx</center>" in raw_response.body
    assert raw_response.headers.get("retry-after") == after
    assert raw_response.headers["server"] == "nginx"


@pytest.mark.parametrize("how", ["cut", "bom", "nan", "empty"])
def test_malformed_json_has_a_correct_length(mock, how):
    """malformed_json: the HTTP is valid, the JSON is not."""
    raw_response = RawResponse(mock, f"malformed_json;how={how}")
    assert raw_response.status == "HTTP/1.1 200 OK"
    assert raw_response.headers["content-type"] == "application/json"
    assert raw_response.whole
    with pytest.raises(ValueError, match=r"char|codec|NaN|BOM|Expecting|value"):
        parse_strictly(raw_response.body)


def test_a_drift_is_named_in_the_header(mock, plain):
    """contract_drift: the document is changed, and X-Mock-Fault says how."""
    raw_response = RawResponse(mock, "contract_drift;how=rename_field;path=/UsersList/0/RoomId")
    fault_header = raw_response.headers["x-mock-fault"]
    assert fault_header.startswith("contract_drift: renamed /UsersList/0/RoomId to ")
    assert fault_header.rpartition(" ")[2] in parse_strictly(raw_response.body)["UsersList"][0]
    assert parse_strictly(raw_response.body) != plain


def test_another_type_and_charset(mock):
    """wrong_content_type and wrong_charset change what they name, and the length is correct."""
    assert RawResponse(mock, "wrong_content_type;type=text/plain").headers["content-type"].startswith("text/plain")
    raw_response = RawResponse(mock, "wrong_charset;charset=utf-16")
    assert raw_response.whole
    assert parse_strictly(raw_response.body.decode("utf-16").encode())["Status"] == "OK"


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("clock_skew;seconds=301", 1104),
        ("clock_skew;seconds=-302", 1104),
        ("clock_skew;seconds=200", 0),
        ("secret_rotated", 1105),
        ("checksum_rejected", 1105),
        ("error;name=room_not_found", 1301),
    ],
)
def test_a_refusal_is_an_envelope(mock, fault, code):
    """Checks and catalogue respond with HTTP 200, and the text does not mention a fault."""
    raw_response = RawResponse(mock, fault)
    answer = parse_strictly(raw_response.body)
    assert raw_response.status == "HTTP/1.1 200 OK"
    assert answer["ErrorCode"] == code
    assert "fault" not in answer["ErrorInfo"].lower()


def test_a_connection_survives_faults_that_do_not_break_it(mock):
    """After a late, a drifted and a gateway response the next one on the same connection is correct."""
    connection = http.client.HTTPConnection("127.0.0.1", mock.port, timeout=10)
    try:
        for fault in ("latency;fixed_ms=5", "contract_drift", "http_status", "slow_body;over_ms=20", None):
            headers = {"Content-Type": "application/json", **({"X-Mock-Fault": fault} if fault else {})}
            target = mock.app().signed_url(OPERATION).removeprefix(mock.url)
            connection.request("POST", target, BODY, headers)
            used = connection.sock
            response = connection.getresponse()
            last = response.read()
            assert connection.sock is used is not None
        assert parse_strictly(last)["Status"] == "OK"
    finally:
        connection.close()
