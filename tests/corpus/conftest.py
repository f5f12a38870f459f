"""What the corpus is run against."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest
from helpers.request_builder import NOW

from mockserver.engine.build import make_engine
from mockserver.testing.mock_server import MockServer


@pytest.fixture(scope="session")
def mock():
    """One server with the document scenario, standing still, for every case that comes over a socket."""
    with MockServer("document", now=str(NOW)) as running:
        yield running


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """A user's folder with credentials of its own."""
    folder = tmp_path_factory.mktemp("mine")
    shutil.copy(Path(__file__).parents[2] / "fixtures/apps.yaml", folder)
    return folder


@pytest.fixture(scope="session")
def engine(folder):
    """An engine that reads the folder again at each reload."""
    return make_engine(scenario="document", fixtures=str(folder), now=str(NOW))


@pytest.fixture(autouse=True)
def no_errors(caplog):
    """No input makes the server log an error, let alone a traceback."""
    caplog.set_level(logging.WARNING, "mockserver")
    yield
    assert [each.getMessage() for each in caplog.get_records("call") if each.levelno >= logging.ERROR] == []
