"""The journal over HTTP: every request is in it before its answer is sent, under any load."""

from __future__ import annotations

import base64
import http.client
from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers.http_client import Client, Connection, listen
from helpers.length import length

from mockserver.testing.mock_server import MockServer

THREADS, REQUESTS = 200, length(6, 50)


def test_a_request_is_in_the_journal_before_its_answer() -> None:
    """200 threads look up their own request right after its answer and always find it."""
    with MockServer(scenario="document", journal_size=20_000) as mock:

        def ask(_: int) -> int:
            found = 0
            with first.twin() as client:
                for _ in range(REQUESTS):
                    number = client.call().headers["x-mock-request-id"]
                    response = client.admin("GET", f"requests/{number}")
                    found += response.status == 200 and response.json["id"] == number
            return found

        with Client.fresh(mock.port) as first, ThreadPoolExecutor(THREADS) as threads:
            assert sum(threads.map(ask, range(THREADS))) == THREADS * REQUESTS
            assert first.get("requests/count") == {"count": THREADS * REQUESTS, "evicted": 0}
            ids = [entry["id"] for entry in first.get("requests", limit=THREADS * REQUESTS)["requests"]]
            assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("fault", ["connection_reset", "empty_response", "garbage_response", "truncated_body", "malformed_chunk"])  # fmt: skip
def test_a_request_with_a_broken_answer_is_in_the_journal(fault: str) -> None:
    """Whatever the client received, the server recorded the request."""
    with MockServer(scenario="document") as mock, Client.fresh(mock.port) as client:
        client.send("POST", "faults", {"fault": fault})
        listen(mock.port, client.raw())
        (entry,) = client.get("requests")["requests"]
        assert entry["faults"] == [fault]


def test_a_hanging_request_is_in_the_journal() -> None:
    """The entry is written before the first byte of the answer, even if no byte is ever sent."""
    with MockServer(scenario="document") as mock, Client.fresh(mock.port) as client:
        client.send("POST", "faults", {"fault": "hang"})
        hanging = http.client.HTTPConnection("127.0.0.1", mock.port, timeout=20)
        hanging.request("POST", client.target(), b'{"RoomId": "77"}', {"Content-Type": "application/json"})
        (entry,) = client.get("requests", wait_for=1, timeout=15)["requests"]
        assert (entry["faults"], entry["request"]["json"]) == (["hang"], {"RoomId": "77"})
        assert client.send("DELETE", "faults")["released"] == 1
        with pytest.raises(http.client.RemoteDisconnected):
            hanging.getresponse()
        hanging.close()


def test_rejected_requests_are_in_the_journal() -> None:
    """Those of an app under its appkey, those without a registered app under the empty one."""
    with MockServer(scenario="document") as mock, Client.fresh(mock.port) as client:
        client.wire.ask("GET", client.target())
        client.wire.ask("POST", "/v2/video/nothing?appkey=" + client.appkey, b"\xff\x00")
        client.wire.ask("DELETE", "/elsewhere")
        entries = client.get("requests")["requests"]
        assert [entry["error"] for entry in entries] == ["method_not_allowed", "unknown_command"]
        assert base64.b64decode(entries[1]["request"]["body_base64"]) == b"\xff\x00"
        (other,) = client.wire.get("requests", appkey="")["requests"]
        assert (other["request"]["method"], other["request"]["path"]) == ("DELETE", "/elsewhere")


def test_admin_calls_are_not_in_the_journal() -> None:
    """It contains only requests of clients."""
    with MockServer(scenario="document") as mock, Connection(mock.port) as wire:
        for path in ("health", "nothing", "", "requests"):
            wire.admin("GET", path)
        wire.ask("GET", "/__admin")
        wire.ask("TRACE", "/__admin/health")
        assert wire.get("requests/count") == {"count": 0, "evicted": 0}
