"""What all connections of one run of the server share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mockserver.server.api import FastPath
from mockserver.server.limits import Envelope, Limits
from mockserver.server.playback import Playbacks
from mockserver.server.refusals import ClientLog

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from mockserver.server.connection import Connection


@dataclass(kw_only=True, slots=True)
class Service:
    """How requests are answered, and what is in flight."""

    loop: asyncio.AbstractEventLoop
    app: WSGIApplication
    api: FastPath | None  # Answers the requests that need no WSGI.
    scheme: str
    limits: Limits
    inline: Callable[[str], bool]  # Whether WSGI requests to this path are fast enough for the event loop's own thread.
    threads: Executor  # Run what takes longer.
    envelope: Envelope
    playbacks: Playbacks
    client_log: ClientLog
    on_stop: Callable[[], object]  # Called at a stop, after the last connection was accepted.
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    forced: asyncio.Event = field(default_factory=asyncio.Event)
    """Whether to stop, and without waiting for requests in flight."""
    connections: set[Connection] = field(default_factory=set)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    """One for each connection with requests that are not answered yet."""
