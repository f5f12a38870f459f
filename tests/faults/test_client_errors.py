"""What curl and http.client report for each fault, as the table in the README of the faults package says."""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from mockserver import MockServer

CURL = {
    "error;name=server_busy": 0,
    "clock_skew;seconds=900": 0,
    "secret_rotated": 0,
    "checksum_rejected": 0,
    "http_status;status=503;body=html": 0,
    "malformed_json;how=cut": 0,
    "wrong_content_type": 0,
    "wrong_charset;charset=gbk": 0,
    "duplicate_keys": 0,
    "contract_drift;how=rename_field": 0,
    "latency;fixed_ms=50": 0,
    "slow_body;chunks=3;over_ms=90": 0,
    "slow_headers;over_ms=90": 0,
    "bandwidth;bytes_per_second=20000": 0,
    "slow_close;ms=50": 0,
    "hang;max_seconds=0.2": 52,
    "empty_response": 52,
    "connection_reset": 56,
    "connection_reset;when=mid_body": 56,
    "garbage_response": 1,
    "truncated_body;fraction=0.5": 18,
    "malformed_chunk": 56,
}
"""curl's exit code for each fault, injected into one request by header."""
BROKEN = [fault for fault, code in CURL.items() if code]
BODY = json.dumps({"RoomId": "123456789"})


@pytest.fixture(scope="module")
def mock() -> Iterator[MockServer]:
    """A server that none of the faults may harm."""
    with MockServer() as server:
        yield server


@pytest.mark.parametrize("fault", CURL)
def test_curl_exits_as_the_readme_says(mock: MockServer, fault: str) -> None:
    """curl's exit code distinguishes a broken connection from a bad response."""
    curl = shutil.which("curl")
    assert curl, "install curl"
    command = [curl, "-sS", "--max-time", "5", mock.app().signed_url("query_room_info"), "-d", BODY]
    headers = ["-H", "Content-Type: application/json", "-H", f"X-Mock-Fault: {fault}"]
    done = subprocess.run([*command, *headers], capture_output=True, timeout=20, check=False)
    assert done.returncode == CURL[fault], done.stderr


@pytest.mark.parametrize("fault", CURL)
def test_a_python_client_reports_what_the_readme_says(mock: MockServer, fault: str) -> None:
    """http.client raises for exactly the faults that curl fails on, and reads a response for all others."""
    connection = http.client.HTTPConnection("127.0.0.1", mock.port, timeout=5)
    headers = {"Content-Type": "application/json", "X-Mock-Fault": fault}
    path = mock.app().signed_url("query_room_info").removeprefix(mock.url)
    try:
        if fault in BROKEN:
            with pytest.raises((http.client.HTTPException, OSError, ValueError)):
                ask(connection, path, headers)
        else:
            status, body = ask(connection, path, headers)
            assert status == (503 if fault.startswith("http_status") else 200)
            assert body
    finally:
        connection.close()
    assert json.loads(plain_response(mock))["Status"] == "OK"


def ask(connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
    """Status and body of one POST, read to the end."""
    connection.request("POST", path, BODY, headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def plain_response(mock: MockServer) -> bytes:
    """The response to a valid request right after."""
    connection = http.client.HTTPConnection("127.0.0.1", mock.port, timeout=5)
    path = mock.app().signed_url("query_room_info").removeprefix(mock.url)
    _, body = ask(connection, path, {"Content-Type": "application/json"})
    connection.close()
    return body
