"""A Redis server for each module."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from helpers.redis_process import RedisProcess


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisProcess]:
    """A server with the data of this module only."""
    with contextlib.closing(RedisProcess()) as server:
        yield server
