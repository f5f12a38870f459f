"""A team's tests of its client against the mock; run them with `pytest client_suite.py`."""

from __future__ import annotations

import contextlib

import pytest
from call_records import CallRecordsError


@pytest.mark.mockserver(scenario="document")
def test_a_room_has_its_users(mockserver, client):
    """The client sends a valid request and reads the answer."""
    with contextlib.suppress(CallRecordsError):
        assert [user["UserId"] for user in client.room("987654321")["Users"]] == ["bbbbb", "123456789"]
    mockserver.assert_no_violations()


def test_a_busy_server_is_retried(mockserver, client):
    """The client survives two refusals."""
    mockserver.inject("error", name="server_busy", times=2)
    with contextlib.suppress(CallRecordsError):
        client.records("123456789", 1575962150, 1575962850)
    mockserver.assert_called("query_instance_all_records_by_time", times=3, body={"UserId": "123456789"})


def test_a_missing_room_is_an_error(mockserver, client):
    """The caller gets the error, after a single request."""
    mockserver.answer("query_room_info", error="room_not_found")
    with pytest.raises(CallRecordsError, match="1301"):
        client.room("77")
    mockserver.assert_called("query_room_info", times=1)


def test_a_smoke_test_that_asserts_nothing(client):
    """Only the report shows the client's mistakes here."""
    with contextlib.suppress(CallRecordsError):
        client.room("987654321")
