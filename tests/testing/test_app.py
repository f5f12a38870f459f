"""The handle on one app over HTTP: each method does what it says, and wrong use is refused with a hint."""

from __future__ import annotations

import http.server
import json
import threading
import time
import traceback
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from mockserver import MockServer
from mockserver.contract.apps import Credentials
from mockserver.contract.checksum import sign
from mockserver.core.errors import AdminError, ConfigurationError
from mockserver.testing.admin_client import AdminClient
from mockserver.testing.app import MockApp

ROOM = {"RoomId": "987654321"}
PEOPLE = ["bbbbb", "123456789"]


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    """One server for all tests."""
    with MockServer() as made:
        yield made


@pytest.fixture
def admin(server: MockServer) -> AdminClient:
    """A client of the server's admin API."""
    return AdminClient(server.url)


@pytest.fixture
def mock(admin: AdminClient) -> Iterator[MockApp]:
    """A new app for the test."""
    app = MockApp.fresh(admin)
    yield app
    app.remove()


def call(mock: MockApp, body: Any = ROOM, operation: str = "query_room_info", query: str | None = None) -> Any:
    """Return the answer to one call."""
    url = f"{mock.url}/v2/video/{operation}?{query or mock.sign()}"
    return post(url, body)


def post(url: str, body: Any = ROOM) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())


def test_an_app_signs_valid_queries(mock: MockApp) -> None:
    """`sign` and `signed_url` use a unique seq, or the given one."""
    assert call(mock)["ErrorCode"] == 0
    assert post(mock.signed_url("query_room_info", identifier="someone", seq="a-seq"))["Status"] == "OK"
    first, second = mock.requests
    assert first["request"]["query"]["seq"] != "a-seq" == second["request"]["query"]["seq"]
    assert second["request"]["query"]["identifier"] == "someone"
    assert len({mock.appkey, mock.appsecret, mock.restapikey}) == 3


def test_scenario_and_readings_change_the_answers(mock: MockApp) -> None:
    """`use` and `set_readings` act on this app."""
    mock.use("empty")
    assert call(mock)["ErrorCode"] == 1301
    mock.set_readings(unknown_room="empty", window="enter")
    mock.set_readings(ongoing="zero")
    assert call(mock)["Users"] == []
    rows = mock.requests[-1]["readings"]
    assert (rows["unknown_room"], rows["window"], rows["ongoing"]) == ("empty", "enter", "zero")


def test_an_answer_replaces_the_worlds(mock: MockApp) -> None:
    """An error, a patch or a body, for some requests or a number of them, until it is removed."""
    given = mock.answer("query_room_info", error="room_not_found", info="gone")
    assert (call(mock)["ErrorCode"], call(mock)["ErrorInfo"]) == (1301, "gone")
    mock.remove_answer(given)
    assert [each["UserId"] for each in call(mock)["Users"]] == PEOPLE
    mock.answer("query_room_info", patch={"Users": []}, times=1)
    assert [call(mock)["Users"] == [] for _ in range(2)] == [True, False]
    mock.answer("query_room_info", body={"RoomId": 5}, unchecked=True, when={"body": {"RoomId": "five"}})
    assert call(mock, {"RoomId": "five"})["RoomId"] == 5
    assert call(mock)["RoomId"] == "987654321"


def test_a_fault_fires_as_often_as_given_and_can_be_removed(mock: MockApp) -> None:
    """One fault for one request, another one removed by its id."""
    mock.inject("latency", fixed_ms=60, times=1)
    start = time.monotonic()
    call(mock)
    assert time.monotonic() - start >= 0.06
    assert [each["faults"] for each in mock.requests] == [["latency"]]
    fault = mock.inject("http_status", status=502)
    with pytest.raises(urllib.error.HTTPError, match="502"):
        call(mock)
    mock.remove_fault(fault)
    assert call(mock)["ErrorCode"] == 0


def test_the_clock_can_be_frozen_and_advanced(mock: MockApp) -> None:
    """A frozen clock signs its own time, an advance expires a signature, and `reset` undoes everything."""
    mock.freeze("2019-12-10T15:30+08:00")
    query = mock.sign(seq="1")
    assert "curtime=1575963000&" in query
    assert call(mock, query=query)["ErrorCode"] == 0
    mock.advance(seconds=301)
    assert call(mock, query=query)["ErrorCode"] == 1104
    assert "curtime=1575963301&" in mock.sign()
    mock.freeze(1575962400)
    assert "curtime=1575962400&" in mock.sign()
    mock.use("empty")
    mock.inject("error", name="server_busy")
    mock.answer("query_room_info", error="room_not_found")
    mock.reset()
    assert (mock.requests, call(mock)["ErrorCode"]) == ([], 0)
    assert abs(mock.requests[0]["at"] - time.time()) < 60


def test_wait_for_returns_as_soon_as_there_are_enough_requests(mock: MockApp) -> None:
    """On timeout it says how many there were."""
    assert mock.wait_for(0) == []
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(mock.wait_for, 2, 20.0)
        call(mock)
        call(mock)
        assert len(waiting.result(20)) == 2
    with pytest.raises(AssertionError, match=r"^2 requests received within 0\.05 s, expected 3$"):
        mock.wait_for(3, timeout=0.05)


def test_assert_called_counts_matching_requests(mock: MockApp) -> None:
    """By operation, fields, parameters, outcome and bounds; a failure shows similar requests."""
    call(mock, query=mock.sign(identifier="zoe"))
    call(mock, {"RoomId": "no such room"})
    mock.assert_called()
    mock.assert_called("query_room_info", times=2)
    mock.assert_called("query_room_info", times=1, body=ROOM)
    mock.assert_called(query={"identifier": "zoe"}, times=1)
    mock.assert_called("query_room_info", accepted=True, times=1)
    mock.assert_called(error="room_not_found", at_least=1, at_most=1)
    mock.assert_called("count_qos_by_day", times=0)
    with pytest.raises(AssertionError) as failed:
        mock.assert_called("query_room_info", times=2, body={"RoomId": "no such rooms"})
    message = str(failed.value)
    assert message.startswith("expected 2 requests to query_room_info")
    assert "found 0 of 2 in the journal" in message
    assert "no such room" in message.partition("similar requests:")[2]
    ids = ", ".join(each["id"] for each in mock.requests)
    for bounds in ({"times": 0}, {"times": 1}, {"at_most": 1}):
        with pytest.raises(AssertionError, match=rf"^expected .*\n  received: {ids}$"):
            mock.assert_called("query_room_info", **bounds)


def test_assert_no_violations_lists_every_violation(mock: MockApp) -> None:
    """With place, text and section; it also fails if no request was received."""
    with pytest.raises(AssertionError, match="no request received"):
        mock.assert_no_violations()
    call(mock)
    mock.assert_no_violations()
    call(mock, {"roomid": "1"})
    with pytest.raises(AssertionError) as failed:
        mock.assert_no_violations()
    head, *lines = str(failed.value).split("\n")
    assert head == "2 violations of the contract:"
    assert any("RoomId is missing" in line and line.endswith("[missing_field, §2.2.4]") for line in lines)


def test_assert_no_violations_includes_lints(mock: MockApp) -> None:
    """Each with its last request; expected ones are left out."""
    query = mock.sign(seq="a-seq")
    call(mock, query=query)
    mock.advance(seconds=200)
    call(mock, {"RoomId": "no such room"}, query=query)
    call(mock, {"RoomId": "no such room"}, query=mock.sign(seq="b-seq"))
    with pytest.raises(AssertionError) as failed:
        mock.assert_no_violations()
    head, *lines = str(failed.value).split("\n")
    _, second, third = [each["id"] for each in mock.requests]
    assert head == "3 violations of the contract:"
    assert [line.partition(": ")[0] for line in lines] == [
        f"  {second} query_room_info",
        f"  {second} query_room_info",
        f"  {third} query_room_info",
    ]
    message = "\n".join(lines)
    assert "2 requests used seq a-seq; give each its own" in message
    assert "2 requests used one checksum for 200 of its 300 s; sign each request" in message
    assert "the request was repeated unchanged right after room_not_found; " in message
    mock.expect_violation("seq_reused", "checksum_overused")
    with pytest.raises(AssertionError, match=r"^1 violation of the contract:\n.*\[repeated_after_final, §1\.6\]$"):
        mock.assert_no_violations()
    mock.assert_expected_violations()
    mock.expect_violation("repeated_after_final")
    mock.assert_no_violations()
    mock.expect_violation("unknown_field")
    with pytest.raises(AssertionError, match=r"^expected unknown_field, which .*found: seq_reused, "):
        mock.assert_expected_violations()


@pytest.mark.parametrize(("signing", "formula"), [("v1", "v1"), ("v2", "v2"), ("either", "v2")])
def test_an_app_signs_by_its_reading_and_its_clock(mock: MockApp, signing: str, formula: str) -> None:
    """The signature is valid under the reading in force, at the time of the app's clock."""
    mock.set_readings(signing=signing)
    mock.freeze(1575963000)
    mock.advance(seconds=60)
    keys = Credentials(mock.appkey, mock.appsecret, mock.restapikey)
    assert mock.sign(seq="1") == sign(keys, 1575963060, seq="1", formula=formula)
    assert call(mock)["ErrorCode"] == 0
    assert post(mock.signed_url("query_room_info"))["ErrorCode"] == 0


def test_evicted_requests_are_an_error(server: MockServer, mock: MockApp) -> None:
    """A journal that was too small fails the assertion instead of giving a shorter list."""
    call(mock)
    journal = server.engine.journal
    before, journal.max_entries = journal.max_entries, 1
    try:
        call(mock)
        for check in (lambda: mock.requests, mock.assert_no_violations, lambda: mock.assert_called(times=2)):
            with pytest.raises(AssertionError, match="1 older request"):
                check()
    finally:
        journal.max_entries = before


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (lambda mock: mock.use("empti"), "did you mean empty"),
        (lambda mock: mock.set_readings(windw="enter"), "did you mean window"),
        (lambda mock: mock.set_readings(window="ente"), "enter"),
        (lambda mock: mock.inject("latenci"), "did you mean latency"),
        (lambda mock: mock.inject("latency", fixd_ms=1), "did you mean fixed_ms"),
        (lambda mock: mock.answer("query_room_infos", error="server_busy"), "did you mean query_room_info"),
        (lambda mock: mock.answer("query_room_info", error="server_bussy"), "did you mean server_busy"),
        (lambda mock: mock.answer("query_room_info", body={"RoomId": 5}), "5 must be a string"),
        (lambda mock: mock.answer("query_room_info", error="server_busy", when={"body": {"RoomID": "1"}}), "did you mean RoomId"),
        (lambda mock: mock.answer("query_room_info", patch={"Userz": []}), "did you mean Users"),
        (lambda mock: mock.expect_violation("unknown_feild"), "did you mean unknown_field"),
        (lambda mock: mock.expect_violation("anything at all"), "known: unknown_path, path_variant"),
        (lambda mock: mock.freeze("2019-12-10T15:30"), "2019-12-10T15:30"),
        (lambda mock: mock.freeze(12), "ten digits"),
        (lambda mock: mock.advance(seconds=1e12), "advance_seconds is out of range"),
        (lambda mock: mock.advance(seconds=-3), "set it back with freeze"),
        (lambda mock: mock.assert_called("query_room_info", times=1, at_least=1), "give times, or at_least and at_most"),
        (lambda mock: mock.assert_called(error="no_such_error"), "no_such_error"),
        (lambda mock: mock.remove_answer("a/../b?c"), "a/../b?c"),
        (lambda mock: mock.remove_fault("nothing"), "there is no fault 'nothing'"),
    ],
)  # fmt: skip
def test_wrong_use_is_refused_with_a_hint(mock: MockApp, wrong: Any, text: str) -> None:
    """An AdminError names the mistake and the closest known name; nothing changes."""
    with pytest.raises(AdminError) as refused:
        wrong(mock)
    assert text in str(refused.value)
    assert call(mock)["ErrorCode"] == 0


def test_no_error_shows_a_secret(server: MockServer) -> None:
    """Neither the token nor the app's keys appear in a traceback or a repr."""
    with MockServer(admin_token="canary-token") as guarded:
        admin = AdminClient(guarded.url, "canary-token")
        mock = MockApp.fresh(admin)
        with pytest.raises(AdminError) as refused:
            mock.use("nowhere")
        shown = "".join(traceback.format_exception(refused.value)) + repr(mock) + repr(admin) + repr(vars(mock))
        assert not [each for each in ("canary-token", mock.appsecret, mock.restapikey) if each in shown]
        with pytest.raises(AdminError, match="MOCKSERVER_ADMIN_TOKEN"):
            AdminClient(guarded.url).get("apps")


@contextmanager
def other_server(status: int, content: bytes) -> Iterator[str]:
    """The URL of another web server that always gives the same answer."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as other:
        thread = threading.Thread(target=other.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{other.server_port}"
        finally:
            other.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (200, b"<html>"),
        (404, b"<html>"),
        (404, b'{"detail": "Not Found"}'),
        (200, b"[1]"),
        (302, b'{"a": 1}'),
        (500, b"[" * 3000),
    ],
)
def test_another_web_server_is_refused(status: int, content: bytes) -> None:
    """The error has its HTTP status."""
    with other_server(status, content) as url, pytest.raises(ConfigurationError, match=f"HTTP {status}"):
        AdminClient(url).get("health")


def test_an_unreachable_server_is_a_configuration_error(server: MockServer) -> None:
    """A refused connection, and https to an http server."""
    with MockServer() as gone:
        url = gone.url
    with pytest.raises(ConfigurationError, match="is it running there"):
        AdminClient(url, timeout=5).get("health")
    with pytest.raises(ConfigurationError, match=f"use {server.url}"):
        AdminClient(server.url.replace("http:", "https:"), timeout=5).get("health")


def test_ready_returns_the_problems_of_files(
    server: MockServer, admin: AdminClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its status 503 is no error of the client."""
    from mockserver.core.errors import Problem
    from mockserver.core.text import Text

    monkeypatch.setattr(server.engine, "problems", (Problem("a.yaml", Text("wrong", "错"), 3, 4),))
    assert admin.get("ready")["problems"] == [{"place": "a.yaml", "line": 3, "column": 4, "text": "wrong"}]


def test_32_apps_are_isolated(admin: AdminClient) -> None:
    """Under parallel use each app has its own requests, scenario and faults."""

    def steps(number: int) -> list[int]:
        begin = str(1575960000 + number)
        app = MockApp.fresh(admin)
        app.use(("default", "empty")[number % 2])
        if number % 3 == 1:
            app.inject("error", name="server_busy", times=number)
        codes = [call(app, {"RoomId": "987654321", "BeginTime": begin})["ErrorCode"] for _ in range(12)]
        app.assert_called("query_room_info", times=12, body={"BeginTime": begin})
        seen = {(each["appkey"], each["scenario"]) for each in app.requests}
        assert seen == {(app.appkey, ("default", "empty")[number % 2])}
        app.remove()
        busy = min(number, 12) if number % 3 == 1 else 0
        assert codes == [1402] * busy + [1301 if number % 2 else 0] * (12 - busy)
        return codes

    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(steps, range(32)))) == 32


def test_a_full_traceback_with_variables_shows_no_token() -> None:
    """Not even in the frames that pytest hides."""
    with MockServer(admin_token="canary-token") as guarded, pytest.raises(AdminError) as refused:
        AdminClient(guarded.url, "canary-token").send("PUT", "scenario", {"name": "nowhere"})
    shown = "".join(traceback.TracebackException.from_exception(refused.value, capture_locals=True).format())
    assert "_request" in shown
    assert "canary-token" not in shown.replace('admin_token="canary-token"', "").replace(', "canary-token")', "")


def test_a_sequence_gives_one_reply_after_another(mock: MockApp) -> None:
    """The last one is repeated; a sequence beside a reply is refused."""
    mock.answer("query_room_info", sequence=[{"error": "server_busy"}, {"error": "room_not_found"}, {"world": True}])
    assert [call(mock)["ErrorCode"] for _ in range(4)] == [1402, 1301, 0, 0]
    with pytest.raises(AdminError):
        mock.answer("query_room_info", sequence=[{"world": True}], error="server_busy")
    with pytest.raises(AdminError, match="did you mean server_busy"):
        mock.answer("query_room_info", sequence=[{"error": "server_bussy"}])


def test_the_repr_of_an_app_shows_no_secret(mock: MockApp) -> None:
    """It works without a server too."""
    mock.use("empty")
    shown = repr(mock)
    assert shown == f"MockApp(appkey={mock.appkey!r}, url={mock.url!r}, scenario='empty')"
    assert mock.appsecret not in shown
    assert mock.restapikey not in shown
    lost = MockApp(AdminClient("http://127.0.0.1:9"), Credentials("1", "secret", "key"))
    assert repr(lost) == "MockApp(appkey='1', url='http://127.0.0.1:9')"


def test_a_url_of_an_unknown_operation_is_refused(mock: MockApp) -> None:
    """With the closest known name."""
    with pytest.raises(AdminError, match="unknown operation 'query_rom_info'; did you mean query_room_info"):
        mock.signed_url("query_rom_info")


def test_a_failure_mentions_requests_with_an_unregistered_appkey(server: MockServer, mock: MockApp) -> None:
    """They explain why the app itself received none."""
    post(mock.signed_url("query_room_info").replace(mock.appkey, "1234"))
    for check in (mock.assert_called, mock.assert_no_violations):
        with pytest.raises(
            AssertionError, match="named no registered app; diagnosis of the newest: appkey 1234 is not"
        ):
            check()
    call(mock)
    mock.assert_no_violations()
    with pytest.raises(AssertionError) as failed:
        mock.assert_called(times=2)
    assert "registered" not in str(failed.value)


def test_a_body_over_the_limit_is_recorded_by_its_length(mock: MockApp) -> None:
    """The request counts as received, but its fields cannot be verified."""
    body = b'{"RoomId": "' + b"x" * 1_200_000 + b'"}'
    request = urllib.request.Request(mock.signed_url("query_room_info"), body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert json.loads(answer.read())["Status"] == "FAIL"
    [entry] = mock.requests
    assert (entry["request"]["body_length"], entry["request"]["json_cut"]) == (len(body), True)
    mock.assert_called("query_room_info", times=1, error="body_too_large")
    with pytest.raises(AssertionError, match="cannot be determined"):
        mock.assert_called(times=0, body={"RoomId": "1"})
