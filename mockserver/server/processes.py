"""Requirements of a server on its process: real threads, and sockets that forked children do not keep open.

A child of `os.fork` inherits every open socket. While it lives, the port would stay in use, and connections closed by
the parent would stay open. Therefore the child gives up these sockets at once. Programs started by `exec` do not
inherit them.
"""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mockserver.core.errors import ConfigurationError
from mockserver.core.text import Text

if TYPE_CHECKING:
    from mockserver.server.server import Server


_OWNERS: weakref.WeakSet[Server] = weakref.WeakSet()  # The servers running in this process.


def register(owner: Server) -> None:
    """Call `owner.forget_parent` in every child that this process forks from now on."""
    _OWNERS.add(owner)


def _after_fork_in_child() -> None:
    for owner in list(_OWNERS):
        owner.forget_parent()
    _OWNERS.clear()


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
        raise _no_threads("gevent", "gevent.monkey.patch_all(thread=False, queue=False)")
    if eventlet is not None and eventlet.is_monkey_patched("thread"):
        raise _no_threads("eventlet", "eventlet.monkey_patch(thread=False)")


def _no_threads(library: str, without: str) -> ConfigurationError:
    en = (
        "has replaced the threads of this process, and a server needs a real one: start `mockserver serve` and use"
        f" its URL (pytest: --mockserver-url URL), or keep the threads: {without}"
    )
    zh = (
        "已替换本进程的线程，而服务器需要真正的线程：请另行启动 `mockserver serve` 并使用其地址"
        f"（pytest：--mockserver-url URL），或保留线程：{without}"
    )
    return ConfigurationError.at(library, Text(en, zh))
