"""Servers for the transport tests, and checks of what they log and leave behind."""

from __future__ import annotations

import logging
import threading

import pytest
from raw_http import LOOPS, echo

from mockserver.server.limits import Limits
from mockserver.server.server import Server

SHORT = Limits(request_seconds=0.4, idle_seconds=0.4, write_seconds=0.4, linger_seconds=0.2, stop_seconds=2.0)


@pytest.fixture(scope="module", params=LOOPS)
def server(request):
    """A server with the default limits and the echo application."""
    with Server(echo, new_loop=request.param) as running:
        yield running


@pytest.fixture(scope="module", params=LOOPS)
def short_limits_server(request):
    """The same with short limits."""
    with Server(echo, limits=SHORT, new_loop=request.param) as running:
        yield running


@pytest.fixture(autouse=True)
def no_errors(caplog, request):
    """Whatever a client does, the server logs no warning and no error of its own."""
    caplog.set_level(logging.WARNING)
    yield
    if "logs_errors" not in request.fixturenames:
        own = [record for record in caplog.get_records("call") if record.name != "mockserver.clients"]
        assert [record.getMessage() for record in own] == []


@pytest.fixture
def logs_errors():
    """Requested by tests that provoke an error log on purpose."""


@pytest.fixture
def no_threads_left():
    """The test leaves no thread of its own."""
    before = threading.enumerate()
    yield
    assert [thread for thread in threading.enumerate() if thread not in before] == []
