"""The event loop that a server runs in, and its handler for unhandled errors."""

from __future__ import annotations

import asyncio
import errno
import logging
from typing import Any

from mockserver.core.machine_time import monotonic

log = logging.getLogger("mockserver.transport")


def fast_loop() -> asyncio.AbstractEventLoop:
    """Return a new event loop, uvloop's if it is installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio_loop()
    return uvloop.new_event_loop()


def asyncio_loop() -> asyncio.AbstractEventLoop:
    """Return a new event loop of the standard library whose timers work even while a test has frozen the time."""
    loop = asyncio.new_event_loop()
    loop.time = monotonic  # type: ignore[method-assign]
    return loop


def on_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log errors, except for broken connections and handshakes of clients."""
    error = context.get("exception")
    if isinstance(error, (ConnectionError, TimeoutError, asyncio.TimeoutError)) or (
        isinstance(error, OSError) and (error.errno in (errno.EPIPE, errno.ENOTCONN) or "SSL" in type(error).__name__)
    ):
        log.debug("a connection ended: %r", error)
        return
    log.error("%s", context.get("message", "error in the event loop"), exc_info=error)
