"""`POST report` for a test run: tests by appkey, expected violations, and reports on later requests only."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from mockserver import MockServer
from mockserver.core.errors import AdminError

BODY = b'{"RoomId": "987654321", "Extra": 1}'


def post(url: str) -> None:
    """Send a request that violates the contract."""
    request = urllib.request.Request(url, BODY, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        answer.read()


@pytest.fixture
def mock() -> Iterator[MockServer]:
    """A server whose journal keeps two requests of each app."""
    with MockServer("document", journal_size=2) as server:
        yield server


def report(mock: MockServer, **options: Any) -> Any:
    """Return the report of a run that fails on violations."""
    return mock.admin.send("POST", "report", {"fail_on_violations": True, **options})


def test_violations_name_their_test_and_expected_ones_are_no_complaint(mock: MockServer) -> None:
    """`tests` maps an appkey to the test it was created for and the violations that test expects."""
    app = mock.new_app()
    post(app.signed_url("query_room_info"))
    result = report(mock, appkeys=[app.appkey], tests={app.appkey: {"test": "test_a.py::test_b"}})
    assert result["complaints"] == ["1 violation of the contract"]
    assert "in test_a.py::test_b" in result["rendered"]
    tests = {app.appkey: {"test": "test_a.py::test_b", "expects": ["unknown_field"]}}
    assert report(mock, tests=tests)["complaints"] == []


def test_after_limits_the_report_to_later_requests(mock: MockServer) -> None:
    """Requests are reported as evicted only when no older request is left."""
    url = f"{mock.url}/v2/video/query_room_info?appkey=nobody"
    for _ in range(3):
        post(url)
    newest = mock.admin.get("requests", appkey="")["requests"][-1]["id"]
    results = [report(mock, appkeys=[""], after=newest)]
    for _ in range(3):
        post(url)
        results.append(report(mock, appkeys=[""], after=newest))
    assert [(result["requests"], result["unnamed"]) for result in results] == [(0, 0), (1, 1), (2, 2), (2, 2)]
    lost = [any("left the journal unchecked" in text for text in result["complaints"]) for result in results]
    assert (lost[1], lost[3]) == (False, True)


@pytest.mark.parametrize(
    ("tests", "text"),
    [
        ({"a": {"test": "t", "expects": ["unknown_feild"]}}, "did you mean unknown_field?"),
        ({"a": {"test": "t", "expect": ["unknown_field"]}}, "{APPKEY: {"),
        ({"a": {"test": "t", "expects": "unknown_field"}}, "{APPKEY: {"),
        ({"a": {"expects": []}}, "{APPKEY: {"),
        ({"a": "t"}, "{APPKEY: {"),
        ({"a": {"test": "t", "expects": [["unknown_field"]]}}, "unknown violation"),
    ],
)
def test_invalid_tests_are_rejected(mock: MockServer, tests: Any, text: str) -> None:
    """The message shows the expected shape or the closest name."""
    with pytest.raises(AdminError) as error:
        report(mock, tests=tests)
    assert text in str(error.value)


def test_evicted_requests_of_one_app_are_not_hidden_by_another(mock: MockServer) -> None:
    """Requests are evicted per app."""
    quiet, busy = mock.new_app(), mock.new_app()
    post(quiet.signed_url("query_room_info"))
    mark = mock.admin.get("requests")["requests"][-1]["id"]
    for _ in range(5):
        post(busy.signed_url("query_room_info"))
    result = report(mock, after=mark, tests={busy.appkey: {"test": "t", "expects": ["unknown_field"]}})
    assert "3 older requests left the journal unchecked; enlarge the journal" in result["complaints"]


@pytest.mark.parametrize(
    "options", [{"appkeys": [[1]]}, {"min_coverage": 1e300}, {"min_coverage": -1}, {"after": "zzz"}]
)
def test_invalid_report_options_are_rejected(mock: MockServer, options: Any) -> None:
    """The message names the field; none is an internal error."""
    with pytest.raises(AdminError, match=next(iter(options))):
        report(mock, **options)
