"""`POST report` for a run of tests: which test an app was made for, what it expects, and what came after a request."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from mockserver import MockServer
from mockserver.core.errors import AdminError

BODY = b'{"RoomId": "987654321", "Extra": 1}'


def post(url: str) -> None:
    """One request that leaves the contract."""
    request = urllib.request.Request(url, BODY, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        answer.read()


@pytest.fixture
def mock() -> Iterator[MockServer]:
    """A server that keeps two requests of each app."""
    with MockServer("document", journal_size=2) as running:
        yield running


def report(mock: MockServer, **wanted: Any) -> Any:
    """The report, strict."""
    return mock.admin.send("POST", "report", {"fail_on_violations": True, **wanted})


def test_an_app_is_told_by_its_test_and_what_that_expects_fails_nothing(mock: MockServer) -> None:
    """Its test stands beside its violations."""
    app = mock.new_app()
    post(app.signed_url("query_room_info"))
    told = report(mock, appkeys=[app.appkey], tests={app.appkey: {"test": "test_a.py::test_b"}})
    assert told["complaints"] == ["1 violation of the contract"]
    assert "in test_a.py::test_b" in told["rendered"]
    tests = {app.appkey: {"test": "test_a.py::test_b", "expects": ["unknown_field"]}}
    assert report(mock, tests=tests)["complaints"] == []


def test_only_what_came_after_a_request_counts(mock: MockServer) -> None:
    """While something older is there, nothing is missed; once all that is left came later, something may be."""
    url = f"{mock.url}/v2/video/query_room_info?appkey=nobody"
    for _ in range(3):
        post(url)
    newest = mock.admin.get("requests", appkey="")["requests"][-1]["id"]
    told = [report(mock, appkeys=[""], after=newest)]
    for _ in range(3):
        post(url)
        told.append(report(mock, appkeys=[""], after=newest))
    assert [(one["requests"], one["unnamed"]) for one in told] == [(0, 0), (1, 1), (2, 2), (2, 2)]
    lost = [any("left the journal unchecked" in word for word in one["complaints"]) for one in told]
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
def test_tests_that_cannot_be_read_are_refused(mock: MockServer, tests: Any, text: str) -> None:
    """With the form that is right, or the nearest name."""
    with pytest.raises(AdminError) as refused:
        report(mock, tests=tests)
    assert text in str(refused.value)


def test_what_is_gone_of_a_busy_app_is_not_hidden_by_a_quiet_one(mock: MockServer) -> None:
    """Each app has room of its own: one that still has everything says nothing of another."""
    quiet, busy = mock.new_app(), mock.new_app()
    post(quiet.signed_url("query_room_info"))
    mark = mock.admin.get("requests")["requests"][-1]["id"]
    for _ in range(5):
        post(busy.signed_url("query_room_info"))
    told = report(mock, after=mark, tests={busy.appkey: {"test": "t", "expects": ["unknown_field"]}})
    assert "3 older requests left the journal unchecked; make it larger" in told["complaints"]


@pytest.mark.parametrize(
    "wanted", [{"appkeys": [[1]]}, {"min_coverage": 1e300}, {"min_coverage": -1}, {"after": "zzz"}]
)
def test_what_no_report_can_be_about_is_refused(mock: MockServer, wanted: Any) -> None:
    """Each wrong word is told, none is an internal error."""
    with pytest.raises(AdminError, match=next(iter(wanted))):
        report(mock, **wanted)
