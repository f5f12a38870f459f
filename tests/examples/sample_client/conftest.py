"""`--client MODULE:CLASS` selects the client under test."""

from __future__ import annotations

import importlib

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option."""
    parser.addoption("--client", default="call_records:CallRecords")


@pytest.fixture
def client(mockserver, pytestconfig):
    """The client under test; it waits on the mock's clock, so no test sleeps."""
    module, name = pytestconfig.getoption("--client").split(":")
    made = getattr(importlib.import_module(module), name)
    return made(
        mockserver.url, mockserver.appkey, mockserver.appsecret, mockserver.restapikey, sleep=mockserver.advance
    )
