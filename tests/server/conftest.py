"""A running server for each module, and clients of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from helpers.http_client import Client, Connection

from mockserver.testing.mock_server import MockServer

pytest.register_assert_rewrite("schemathesis.pytest.plugin")  # test_schemathesis.py loads it.


@pytest.fixture(scope="module")
def mock() -> Iterator[MockServer]:
    """A server of the document scenario."""
    with MockServer(scenario="document") as server:
        yield server


@pytest.fixture
def wire(mock: MockServer) -> Iterator[Connection]:
    """A connection for admin calls on all apps; everything is reset afterwards."""
    with Connection(mock.port) as connection:
        yield connection
        connection.send("POST", "reset")


@pytest.fixture
def app(mock: MockServer) -> Iterator[Client]:
    """A client with an app of its own."""
    with Client.fresh(mock.port) as client:
        yield client
        client.wire.send("DELETE", f"apps/{client.appkey}")
