"""How long the long tests are: `MOCKSERVER_TEST_FULL=1` (`make test-full`) asks for all that was promised."""

from __future__ import annotations

import os

FULL = bool(os.environ.get("MOCKSERVER_TEST_FULL"))


def length(short: int, full: int) -> int:
    """How many there are to be."""
    return full if FULL else short
