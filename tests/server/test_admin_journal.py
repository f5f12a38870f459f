"""The admin resources `requests`, `coverage` and `report`."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from admin_assertions import assert_error
from helpers.http_client import Client, Connection

from mockserver.engine.journal import Journal
from mockserver.server import admin_journal
from mockserver.testing.mock_server import MockServer


def test_requests_are_counted_listed_and_filtered(app) -> None:
    """Each filter of the journal, alone and combined."""
    app.call()
    app.call("query_room_info", {"RoomId": "x", "Roomid": "y"})
    app.call("count_qos_by_day")
    assert app.get("requests/count") == {"count": 3, "evicted": 0}
    assert app.get("requests/count", operation="query_room_info")["count"] == 2
    assert app.get("requests/count", accepted="true")["count"] == 2
    assert app.get("requests/count", accepted="false", operation="query_room_info")["count"] == 1
    assert app.get("requests/count", error="unknown_field")["count"] == 1
    assert app.get("requests/count", violation="unknown_field")["count"] == 1
    result = app.get("requests", limit=2)
    assert [entry["operation"] for entry in result["requests"]] == ["query_room_info", "count_qos_by_day"]
    assert result["evicted"] == 0
    assert app.get("requests", limit=0)["requests"] == []
    assert app.get("requests", limit=0, wait_for=1)["requests"] == []
    assert app.get("requests/count", since=time.time() + 60)["count"] == 0
    number = result["requests"][0]["id"]
    assert app.get(f"requests/{number}") == result["requests"][0]
    assert app.send("DELETE", "requests") == {"removed": 3}
    assert assert_error(app.admin("GET", f"requests/{number}"), 404)["error"] == "unknown_request"


def test_an_app_cannot_read_the_requests_of_another(wire, app) -> None:
    """Not by id either."""
    with Client.fresh(wire.port) as other:
        number = other.call().headers["x-mock-request-id"]
        assert other.get(f"requests/{number}")["id"] == wire.get(f"requests/{number}")["id"] == number
        assert assert_error(app.admin("GET", f"requests/{number}"), 404)["error"] == "unknown_request"


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ({"operatoin": "x"}, ("operatoin", "did you mean operation?")),
        ({"operation": "query_rom_info"}, ("did you mean query_room_info?",)),
        ({"error": "server_bussy"}, ("did you mean server_busy?",)),
        ({"violation": "unknown_feild"}, ("did you mean unknown_field?",)),
        ({"accepted": "maybe"}, ("accepted",)),
        ({"limit": "-1"}, ("limit",)),
        ({"limit": "1.5"}, ("limit",)),
        ({"since": "yesterday"}, ("since",)),
        ({"since": "nan"}, ("since",)),
        ({"wait_for": "inf"}, ("wait_for",)),
        ({"timeout": "-1"}, ("timeout",)),
    ],
)
def test_an_invalid_filter_is_rejected(app, query: dict, texts: tuple[str, ...]) -> None:
    """Lists and counts reject misspelt names: a typo must not yield zero requests."""
    for path in ("requests", "requests/count"):
        assert_error(app.admin("GET", path, **query), 422, *texts)


def test_wait_for_returns_once_enough_requests_were_received(app) -> None:
    """Not before the nth request, unless the timeout has passed."""
    responses: list[Any] = []
    waiter = threading.Thread(
        target=lambda: responses.append(watcher.get("requests", appkey=app.appkey, wait_for=2, timeout=20))
    )
    with Connection(app.wire.port) as watcher:
        waiter.start()
        app.call()
        assert app.get("requests", wait_for=2, timeout=0.05)["requests"][1:] == []
        assert responses == []
        app.call()
        waiter.join(10)
    assert len(responses[0]["requests"]) == 2


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, at most 20 seconds."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_many_waiting_callers_do_not_block_other_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """200 callers wait without a thread, one more is rejected, other calls are answered, and a stop releases all."""
    monkeypatch.setattr("mockserver.engine.journal.MAX_WAITERS", 200)
    monkeypatch.setattr("mockserver.server.admin_journal.MAX_WAITERS", 200)
    with MockServer("document") as mock, ExitStack() as stack:
        request = (
            f"GET /__admin/requests?wait_for=1&timeout=50 HTTP/1.1\r\nHost: localhost:{mock.port}\r\n\r\n".encode()
        )
        crowd = [stack.enter_context(socket.create_connection(("127.0.0.1", mock.port), 20)) for _ in range(200)]
        for wire in crowd:
            wire.sendall(request)
        wait_until(lambda: len(mock.engine.journal._waiters) == 200)
        threads = [thread for thread in threading.enumerate() if thread.name.startswith("mockserver-admin")]
        assert len(threads) <= 160
        with Connection(mock.port) as wire:
            assert_error(wire.admin("GET", "requests", wait_for=1, timeout=50), 429, "200 callers are already waiting")
            assert wire.get("requests/count") == {"count": 0, "evicted": 0}
        mock.stop()
        assert {wire.recv(15) for wire in crowd} == {b"HTTP/1.1 200 OK"}
    assert mock.engine.journal._waiters == []


def test_a_caller_that_disconnects_does_not_wait_on() -> None:
    """Its place is free at once, and no list is made for it."""
    with MockServer("document") as mock:
        with socket.create_connection(("127.0.0.1", mock.port), 20) as wire:
            wire.sendall(b"GET /__admin/requests?wait_for=9&timeout=50 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            wait_until(lambda: len(mock.engine.journal._waiters) == 1)
            scan, listed = mock.engine.journal.scan, []
            mock.engine.journal.scan = lambda *query: listed.append(query) or scan(*query)  # type: ignore[method-assign]
        wait_until(lambda: not mock.engine.journal._waiters)
    assert listed == []


def test_a_caller_that_has_disconnected_before_it_waits_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """It disconnects while its request is checked."""
    begun, go_on, suspend = threading.Event(), threading.Event(), admin_journal._suspend

    def suspend_later(*arguments: Any) -> bool:
        begun.set()
        assert go_on.wait(20)
        return suspend(*arguments)

    monkeypatch.setattr(admin_journal, "_suspend", suspend_later)
    with MockServer("document") as mock:
        with socket.create_connection(("127.0.0.1", mock.port), 20) as wire:
            wire.sendall(b"GET /__admin/requests?wait_for=9&timeout=50 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert begun.wait(20)
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wait_until(lambda: not mock._server.connections)
        go_on.set()
        wait_until(lambda: not mock._server._service.tasks)
        assert mock.engine.journal._waiters == []


def test_a_caller_that_waits_for_many_and_wants_one_gets_one_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are only counted."""
    with MockServer("document") as mock, Client(mock.port) as client:
        for _ in range(5):
            client.code()
        show, shown = mock.engine.journal._show, []
        monkeypatch.setattr(mock.engine.journal, "_show", lambda stored: shown.append(1) or show(stored))
        for timeout in (0, 20):
            (entry,) = client.get("requests", wait_for=5, timeout=timeout, limit=1)["requests"]
            assert entry["accepted"]
        assert len(shown) == 2


def test_long_lists_are_made_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many threads that compute would stop all requests; other calls do not wait for those that do."""
    begun, go_on, scan = [], threading.Event(), Journal.scan

    def scan_later(*arguments: Any) -> Any:
        begun.append(1)
        assert go_on.wait(20)
        return scan(*arguments)

    monkeypatch.setattr(Journal, "scan", scan_later)
    with MockServer("document") as mock, ExitStack() as stack:
        crowd = [stack.enter_context(socket.create_connection(("127.0.0.1", mock.port), 20)) for _ in range(20)]
        for wire in crowd:
            wire.sendall(b"GET /__admin/requests HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_until(lambda: len(begun) >= 4)
        with Connection(mock.port) as wire:
            assert wire.get("health")["status"] == "ok"
        assert len(begun) == 4
        go_on.set()
        assert {wire.recv(15) for wire in crowd} == {b"HTTP/1.1 200 OK"}


def test_verify_lists_similar_requests(app) -> None:
    """A failed verification is a normal response that names the differences."""
    app.call("query_room_info", {"RoomId": "77"})
    expected = {"operation": "query_room_info", "when": {"body": {"RoomId": "78"}}, "count": 1}
    result = app.send("POST", "requests/verify", expected)
    assert (result["ok"], result["count"]) == (False, 0)
    assert "77" in result["message"]
    assert "78" in result["message"]
    assert app.send("POST", "requests/verify", {**expected, "when": {"body": {"RoomId": "77"}}})["ok"] is True
    assert app.send("POST", "requests/verify", {"operation": "count_qos_by_day"})["ok"] is False
    found = app.send("POST", "requests/find", {"when": {"body": {"RoomId": {"matches": "^7"}}}})
    assert [entry["request"]["json"] for entry in found["requests"]] == [{"RoomId": "77"}]


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        ({"operaton": "query_room_info"}, ("did you mean operation?",)),
        ({"operation": "query_rom_info"}, ("did you mean query_room_info?",)),
        ({"error": "server_bussy"}, ("did you mean server_busy?",)),
        ({"violation": "unknown_feild"}, ("did you mean unknown_field?",)),
        ({"count": -1}, ("count",)),
        ({"count": 1, "at_least": 1}, ("count",)),
        ({"at_least": 2, "at_most": 1}, ("at_most",)),
        ({"when": {"bodi": {}}}, ("when",)),
        ({"when": {"body": {"RoomId": {"matches": "("}}}}, ("RoomId",)),
        ({"since": True}, ("since",)),
    ],
)
def test_an_invalid_verification_is_rejected(app, body: dict, texts: tuple[str, ...]) -> None:
    """`verify` and `find` never ignore a part of the question."""
    for path in ("requests/verify", "requests/find"):
        assert_error(app.admin("POST", path, body), 422, *texts)


def test_verify_rejects_an_unknown_appkey_in_the_body(wire) -> None:
    """`{"appkey": typo, "at_most": 0}` must not succeed."""
    assert_error(wire.admin("POST", "requests/verify", {"appkey": "12345678", "at_most": 0}), 404, "12345678")


def test_evicted_requests_are_reported_and_make_verifications_fail() -> None:
    """Every query returns the number of evicted requests, and a verification that depends on them fails."""
    with MockServer(scenario="document", journal_size=5) as mock, Client(mock.port) as client:
        for _ in range(8):
            client.call()
        assert client.get("requests/count") == {"count": 5, "evicted": 3}
        assert client.get("requests")["evicted"] == 3
        for expected, ok in (({"at_least": 6}, False), ({"count": 5}, False), ({"at_least": 5}, True)):
            result = client.send("POST", "requests/verify", expected)
            assert (result["ok"], result["evicted"]) == (ok, 3)
        client.send("DELETE", "requests")
        assert client.get("requests/count") == {"count": 0, "evicted": 0}


def test_reports_cover_one_app_or_all(wire, app) -> None:
    """`?appkey=` applies to every format; selecting apps twice is an error."""
    app.call()
    with Client.fresh(wire.port) as other:
        other.call("query_room_info", {})
        for client in (app, other):
            assert client.get("report")["requests"] == 1
            assert client.send("POST", "report", {"form": "text"})["requests"] == 1
        both = [app.appkey, other.appkey]
        result = wire.send("POST", "report", {"appkeys": both, "form": "json", "fail_on_violations": True})
        assert (result["requests"], json.loads(result["rendered"])["requests"]) == (2, 2)
        assert result["complaints"]
        assert_error(app.admin("POST", "report", {"appkeys": both}), 422, "appkeys")
    assert_error(wire.admin("POST", "report", {"form": "pdf"}), 422, "text, json, junit, html, markdown")
    assert_error(wire.admin("POST", "report", {"forn": "text"}), 422, "did you mean form?")
    assert_error(wire.admin("POST", "report", {"min_coverage": "all"}), 422, "min_coverage")
