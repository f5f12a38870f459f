"""`--client MODULE:CLASS` chooses the client under test."""

from __future__ import annotations

import importlib

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option."""
    parser.addoption("--client", default="call_records:CallRecords")


@pytest.fixture
def client(mockserver, pytestconfig):
    """The client under test; it waits by the mock's clock, so that no test sleeps."""
    module, name = pytestconfig.getoption("--client").split(":")
    made = getattr(importlib.import_module(module), name)
    return made(
        mockserver.url,
        mockserver.appkey,
        mockserver.appsecret,
        mockserver.restapikey,
        sleep=mockserver.advance,
    )
