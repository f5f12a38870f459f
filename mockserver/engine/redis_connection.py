"""One connection to Redis: commands, replies, and errors."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import hiredis

from mockserver.core.machine_time import monotonic
from mockserver.core.text import Text
from mockserver.engine.config import message
from mockserver.engine.state import StoreUnavailable

CONNECT_SECONDS = 1.0
_TEMPORARY = ("LOADING", "BUSY", "MASTERDOWN", "TRYAGAIN")
"""Prefixes of temporary errors: Redis is starting, or a script takes long."""
_MIN_VERSION = 6
MAX_UNSAVED_BYTES = 64 * 1024 * 1024  # Bytes of commands that are kept to be sent again.
_MAX_UNSAVED_SECONDS = 4.0
"""With `appendfsync everysec`, a killed Redis may lose the commands it acknowledged in these last seconds."""


class StoreRefused(StoreUnavailable):
    """Redis refuses this client, for example because of a wrong password. Waiting does not help."""


class Script:
    """A Lua script, which Redis runs by its hash."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    @property
    def loading(self) -> bytes:
        """The bytes of the command that loads the script."""
        command: tuple[Any, ...] = ("SCRIPT", "LOAD", self.source)
        return bytes(hiredis.pack_command(command))

    def command(self, *arguments: Any) -> tuple[Any, ...]:
        """Return the command that runs the script without declared keys."""
        return ("EVALSHA", self.sha, 0, *arguments)


@dataclass(slots=True, eq=False)
class Call:
    """A command that waits for its reply."""

    command: bytes
    deadline: float
    resume: Callable[[Any], object]  # Called with the reply or an exception.
    repeat: bool = False  # Whether to send it again if Redis may have lost its effect.
    sent: float = 0.0
    done: bool = False

    def finish(self, answer: Any) -> None:
        """Call `resume` with the reply, unless it was called before."""
        if not self.done:
            self.done = True
            resume, self.resume = self.resume, id  # A call that is stored for repetition must not hold its request.
            resume(answer)


class AnsweredCalls:
    """The last calls that were answered, whose effect a killed Redis may have lost. Limited in seconds and bytes."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque()
        self._size = 0

    def add(self, call: Call) -> None:
        """Add the newest call."""
        calls = self._calls
        calls.append(call)
        self._size += len(call.command)
        while calls and (self._size > MAX_UNSAVED_BYTES or call.sent - calls[0].sent > _MAX_UNSAVED_SECONDS):
            self._size -= len(calls.popleft().command)

    def take(self) -> list[Call]:
        """Return all calls, oldest first, and forget them."""
        calls = list(self._calls)
        self._calls.clear()
        self._size = 0
        return calls


class Connection(asyncio.Protocol):
    """One connection. Replies arrive in the order of the commands."""

    def __init__(self, loop: asyncio.AbstractEventLoop, scripts: Iterable[Script], answered: AnsweredCalls) -> None:
        self._loop, self._scripts, self._answered = loop, scripts, answered
        self._reader = hiredis.Reader()
        self._transport: Any = None
        self.pending: deque[Call] = deque()  # Sent commands without a reply.
        self.closed: asyncio.Future[Text] = loop.create_future()  # The reason, once the connection has ended.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Report the reason, so that the lane connects again."""
        self._end(reason(exc or ConnectionResetError("closed by Redis")))

    def abort(self, reason: Text | None = None) -> None:
        """End the connection at once."""
        self._end(reason or message("closed"))
        if self._transport is not None:
            self._transport.abort()

    def send(self, calls: Iterable[Call]) -> None:
        """Send commands in one write."""
        now = monotonic()
        data = []
        for call in calls:
            if not call.done:
                call.sent = now
                self.pending.append(call)
                data.append(call.command)
        self._transport.write(b"".join(data))

    async def ask(self, command: tuple[Any, ...]) -> Any:
        """Return the reply to one command. Raise StoreRefused for an error, ConnectionError if the connection ends."""
        answer: asyncio.Future[Any] = self._loop.create_future()
        resume = lambda value: None if answer.done() else answer.set_result(value)  # noqa: E731
        self.send([Call(hiredis.pack_command(command), float("inf"), resume)])
        await asyncio.wait([answer, self.closed], return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise ConnectionResetError("closed by Redis")
        value = answer.result()
        if isinstance(value, StoreUnavailable):
            raise StoreRefused(value.text)
        return value

    def data_received(self, data: bytes) -> None:
        """Pass each reply to its call."""
        reader, pending = self._reader, self.pending
        reader.feed(data)
        while not self.closed.done():
            answer = reader.gets()
            if answer is False:
                return
            if isinstance(answer, hiredis.ReplyError) and self._retries(str(answer)):
                continue
            call = pending.popleft()
            if call.repeat:
                self._answered.add(call)
            call.finish(StoreUnavailable(refused(str(answer))) if isinstance(answer, hiredis.ReplyError) else answer)

    def _retries(self, error: str) -> bool:
        """Whether the command is sent again because the error is temporary."""
        if error.startswith("NOSCRIPT"):
            # The scripts were removed from Redis.
            call = self.pending.popleft()
            loads = [Call(script.loading, float("inf"), id) for script in self._scripts]
            self.send([*loads, call])
            return True
        if error.startswith(_TEMPORARY):
            self.abort(refused(error))
            return True
        return False

    def _end(self, reason: Text) -> None:
        if not self.closed.done():
            self.closed.set_result(reason)


def reason(error: BaseException) -> Text:
    """Return the reason why there is no connection."""
    if isinstance(error, StoreUnavailable):
        return error.text
    if isinstance(error, ssl.SSLCertVerificationError):
        return message("untrusted", why=error.verify_message)
    if isinstance(error, (asyncio.TimeoutError, TimeoutError)):
        return message("no_connection", seconds=CONNECT_SECONDS)
    return message("connection_error", kind=type(error).__name__, error=error)


def refused(error: str) -> Text:
    """Return an explanation of an error of Redis."""
    if error.startswith("WRONGPASS"):
        return message("wrong_password")
    if error.startswith("NOAUTH"):
        return message("password_required")
    if error.startswith(("NOPROTO", "ERR unknown command")):
        return message("old_redis", version=_MIN_VERSION, error=error)
    return Text(error, error)


def texts(values: Sequence[bytes | None]) -> list[str]:
    """Return the texts of a reply; an empty one for None."""
    return [(value or b"").decode() for value in values]
