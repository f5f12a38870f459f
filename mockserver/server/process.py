"""What a process that does nothing but serve sets for itself: its signals, and how much it may hold at once."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_TURN = 0.0002
"""Seconds after which a thread that waits gets its turn: beside a busy loop, a reload or an admin call waits often."""


@contextlib.contextmanager
def stop_signals(ask_to_stop: Callable[[bool], object]) -> Iterator[list[int]]:
    """SIGTERM and SIGINT stop: gracefully, then at once, then as the system does. Yields those seen."""
    seen: list[int] = []

    def on_signal(number: int, frame: FrameType | None) -> None:
        seen.append(number)
        ask_to_stop(len(seen) > 1)
        if len(seen) > 1:
            signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, on_signal) for number in _STOP_SIGNALS}
    try:
        yield seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def make_room() -> None:
    """Allow this process as many connections as the system lets it have, and its threads short turns."""
    sys.setswitchinterval(_TURN)
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
