"""The machine's time, even while a test has frozen or replaced the functions of the module `time`.

freezegun, gevent and `unittest.mock` replace functions in `time` and in every module that imported them. Code that
waits by a replaced clock may never wake up, so this module reads the time through a private copy of `time`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.machinery import BuiltinImporter
from importlib.util import module_from_spec
from typing import Any

_MOVED_SECONDS = 1.0  # Two readings of one clock are closer than this.


_SPEC: Any = BuiltinImporter.find_spec("time")
_TIME = module_from_spec(_SPEC)
_SPEC.loader.exec_module(_TIME)

machine_time: Callable[[], float] = _TIME.time
"""Returns the seconds since 1970, as `time.time` does outside of tests."""

machine_time_ns: Callable[[], int] = _TIME.time_ns  # Returns the nanoseconds since 1970.
monotonic: Callable[[], float] = _TIME.monotonic
"""Returns seconds of a monotonic clock, for measuring and waiting."""
thread_time: Callable[[], float] = _TIME.thread_time
"""Returns the CPU seconds that the calling thread has used: a limit in them holds on a busy machine, too."""


def replaced_time() -> float | None:
    """Return what `time.time` returns in this process if a test froze or moved it, otherwise None."""
    try:
        reported = float(time.time())
    except Exception:
        # A replacement may raise anything.
        return None
    return reported if abs(reported - machine_time()) > _MOVED_SECONDS else None


def sleep(seconds: float) -> None:
    """Wait, as `time.sleep` does outside of tests."""
    _TIME.sleep(max(0.0, seconds))
