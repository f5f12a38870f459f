"""The length of long tests: full with `MOCKSERVER_TEST_FULL=1` (`make test-full`), else short."""

from __future__ import annotations

import os

FULL = bool(os.environ.get("MOCKSERVER_TEST_FULL"))


def length(short: int, full: int) -> int:
    """Return `full` in a full run, else `short`."""
    return full if FULL else short
