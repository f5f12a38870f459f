"""What a server needs of its process: an event loop, real threads, and sockets that forked children do not keep open.

A child of `os.fork` inherits every open socket. While it lives, the port would stay in use, and connections closed by
the parent would stay open. Therefore the child gives up these sockets at once. Programs started by `exec` do not
inherit them.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import sys
import weakref
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mockserver.core.errors import ConfigurationError
from mockserver.core.machine_time import monotonic
from mockserver.server.limits import TEXTS

if TYPE_CHECKING:
    from mockserver.server.server import Server

log = logging.getLogger("mockserver.transport")
RUNNING: weakref.WeakSet[Server] = weakref.WeakSet()
"""The servers running in this process. A child that the process forks calls their `forget_parent`."""


def _after_fork_in_child() -> None:
    for server in list(RUNNING):
        server.forget_parent()
    RUNNING.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def give_up(descriptors: Iterable[int]) -> None:
    """Close the parent's sockets in a forked child. The descriptors stay in use: objects still refer to them."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in descriptors:
        if descriptor >= 0:
            os.dup2(null, descriptor, inheritable=False)
    os.close(null)


def require_threads() -> None:
    """Raise ConfigurationError if gevent or eventlet has replaced the threads of this process with its own.

    The server's event loop would then block the whole process.
    """
    gevent, eventlet = sys.modules.get("gevent.monkey"), sys.modules.get("eventlet.patcher")
    # gevent's queues do not wake the real threads of a pool that wait for work.
    if gevent is not None and any(map(gevent.is_module_patched, ("threading", "queue"))):
        without = "gevent.monkey.patch_all(thread=False, queue=False)"
        raise ConfigurationError.at("gevent", TEXTS["no_threads"].format(without=without))
    if eventlet is not None and eventlet.is_monkey_patched("thread"):
        without = "eventlet.monkey_patch(thread=False)"
        raise ConfigurationError.at("eventlet", TEXTS["no_threads"].format(without=without))


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
