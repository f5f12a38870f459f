"""A connection to Redis that sends commands of many requests in one write, and survives lost connections.

The engine is synchronous. `call` suspends the request, which runs in a greenlet (`spawn`), until the reply has arrived;
the event loop serves other requests meanwhile. In every other thread `call` blocks. All commands of one iteration of
the loop are sent in one write.

A connection that is lost or silent is opened again, and commands without a reply are sent again; after a restart of
Redis, also the commands of the last seconds before. Therefore commands must be idempotent. Their meaning is not known
here.
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import hiredis
from greenlet import getcurrent, greenlet

from mockserver.core.addresses import StoreAddress
from mockserver.core.machine_time import monotonic
from mockserver.core.text import Text
from mockserver.engine.config import message
from mockserver.engine.redis_connection import (
    CONNECT_SECONDS,
    AnsweredCalls,
    Call,
    Connection,
    Script,
    StoreRefused,
    reason,
)
from mockserver.engine.state import StoreUnavailable, T

log = logging.getLogger("mockserver")

CALL_SECONDS = 4.0  # Maximum total time that a request, or a call outside of requests, waits for replies.
_SILENCE_SECONDS = 1.0  # A connection is opened again if a reply takes longer.
_RETRY_SECONDS = 0.2
_FAIL_FAST_SECONDS = 2.0  # After this time without a connection, calls fail immediately.
_CHECK_SECONDS = 0.1
_MAX_IDLE = 100


class RequestGreenlet(greenlet):
    """A reusable greenlet that runs requests, one at a time; each is suspended while it waits for Redis."""

    def __init__(self, idle: list[RequestGreenlet]) -> None:
        super().__init__()
        self._idle = idle  # The greenlets that wait for a request.
        self.deadline = 0.0

    def run(self, function: Callable[[], object]) -> None:
        """Run requests; end after one if enough greenlets are idle."""
        while True:
            self.deadline = monotonic() + CALL_SECONDS
            try:
                function()
            except Exception:
                # It must not reach the connection to Redis, which serves other requests, too.
                log.exception("a request failed")
            if len(self._idle) >= _MAX_IDLE:
                return
            self._idle.append(self)
            function = self.wait()

    def wait(self) -> Any:
        """Suspend the current request until `switch` is called; return the reply, or raise it if it is an exception."""
        assert self.parent is not None
        answer = self.parent.switch()
        if isinstance(answer, Exception):
            raise answer
        return answer


class Lane:
    """One connection to Redis, in the event loop passed to `open`, or else in a separate thread."""

    def __init__(self, address: StoreAddress, scripts: Iterable[Script]) -> None:
        self._address, self._scripts = address, tuple(scripts)
        self._guard = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        """Return to the initial state."""
        self._process = os.getpid()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread_id = 0
        self._own_thread: threading.Thread | None = None
        self._task: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._queue: deque[Call] = deque()
        self._idle: list[RequestGreenlet] = []
        self._answered = AnsweredCalls()
        self._server = b""  # The id of the Redis process that answered them.
        self._flushing = False
        self.problem: Text | None = None
        """Why there is no connection; None while there is one, and before the first attempt."""
        self._refused = False  # Whether Redis refuses this client.
        self._down_since: float | None = None

    # ---- for callers

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Connect in a running event loop, from its thread."""
        self._forget()
        self._loop, self._thread_id = loop, threading.get_ident()
        self._task = loop.create_task(self._stay_connected())

    def close(self) -> None:
        """End the connection, and the separate thread if there is one. Pending calls fail."""
        loop, thread = self._loop, self._own_thread
        if loop is None or self._process != os.getpid():
            return
        if thread is None:
            self._shut()
        else:
            loop.call_soon_threadsafe(self._shut)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
        self._forget()

    @property
    def request(self) -> RequestGreenlet | None:
        """The current request, which `call` suspends; None in code that was not started by `spawn`."""
        current = getcurrent()
        return current if isinstance(current, RequestGreenlet) and threading.get_ident() == self._thread_id else None

    def spawn(self, function: Callable[[], object]) -> None:
        """Run a request in the loop's thread; return when it ends or first waits."""
        request = self._idle.pop() if self._idle else RequestGreenlet(self._idle)
        request.switch(function)

    def run(self, function: Callable[[], T]) -> T:
        """Return the result of a slow function; for a request, run it in another thread, so that others are served."""
        request = self.request
        if request is None:
            return function()
        assert self._loop is not None
        self._loop.run_in_executor(None, function).add_done_callback(request.switch)
        done: asyncio.Future[T] = request.wait()
        # The deadline only limits waiting for Redis.
        request.deadline = monotonic() + CALL_SECONDS
        return done.result()

    def call(self, *command: Any) -> Any:
        """Return the reply to a command. Raise StoreUnavailable if there is none or it is an error."""
        if self._fails_fast():
            raise self._unavailable()
        if (request := self.request) is not None:
            self._put(Call(hiredis.pack_command(command), request.deadline, request.switch, repeat=True))
            return request.wait()
        answer = self._call_from_thread(command, monotonic() + CALL_SECONDS)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def start(self, command: tuple[Any, ...], resume: Callable[[Any], object], deadline: float) -> None:
        """Send a command from the loop's thread; call `resume` with the reply or the exception."""
        if self._fails_fast():
            resume(self._unavailable())
        else:
            self._put(Call(hiredis.pack_command(command), deadline, resume, repeat=True))

    def soon(self, function: Callable[[], object]) -> None:
        """Call a function in the next iteration of the loop, from the loop's thread."""
        assert self._loop is not None
        self._loop.call_soon(function)

    # ---- other threads

    def _call_from_thread(self, command: tuple[Any, ...], deadline: float) -> Any:
        loop = self._running_loop()
        if threading.get_ident() == self._thread_id:
            raise RuntimeError("a call in the event loop's thread, outside of a request, would never return")
        done = threading.Event()
        answers: list[Any] = []

        def resume(answer: Any) -> None:
            answers.append(answer)
            done.set()

        loop.call_soon_threadsafe(self._put, Call(hiredis.pack_command(command), deadline, resume))
        done.wait(CALL_SECONDS + 1)
        return answers[0] if answers else self._unavailable()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop of this process, which may be a forked child; start it in a new thread if there is none."""
        with self._guard:
            if self._process != os.getpid():
                self._forget()
            if self._loop is None:
                ready = threading.Event()
                self._own_thread = threading.Thread(
                    target=self._serve, args=(ready,), name="mockserver:redis", daemon=True
                )
                self._own_thread.start()
                ready.wait()
            assert self._loop is not None
            return self._loop

    def _serve(self, ready: threading.Event) -> None:
        loop = asyncio.new_event_loop()
        self._loop, self._thread_id = loop, threading.get_ident()
        self._task = loop.create_task(self._stay_connected())
        loop.call_soon(ready.set)
        try:
            loop.run_forever()
            loop.run_until_complete(asyncio.sleep(0))
        finally:
            loop.close()

    # ---- in the loop's thread

    def _put(self, call: Call) -> None:
        assert self._loop is not None
        self._queue.append(call)
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if self._connection is not None and self._queue:
            self._connection.send(self._queue)
            self._queue = deque()

    async def _stay_connected(self) -> None:
        """Connect repeatedly, and send commands without a reply again."""
        assert self._loop is not None
        checks, connected = self._loop.call_later(_CHECK_SECONDS, self._check), False
        try:
            while True:
                try:
                    connection = await asyncio.wait_for(self._connect(), CONNECT_SECONDS)
                except (OSError, asyncio.TimeoutError, ssl.SSLError, StoreUnavailable) as error:
                    self._refused = isinstance(error, (StoreRefused, ssl.SSLError))
                    # If the first attempt is refused, the caller reports the reason.
                    self._set_problem(reason(error), log_it=connected or not self._refused)
                    await asyncio.sleep(_RETRY_SECONDS)
                    continue
                if self.problem is not None:
                    log.warning("store %s: connected again", self._address)
                connected, self.problem, self._down_since, self._refused = True, None, None, False
                self._connection = connection
                self._flush()
                self._set_problem(await connection.closed)
                self._connection = None
                self._queue.extendleft(reversed([call for call in connection.pending if not call.done]))
                await asyncio.sleep(_RETRY_SECONDS / 10)
        finally:
            checks.cancel()

    async def _connect(self) -> Connection:
        assert self._loop is not None
        loop, address = self._loop, self._address
        create: Any = loop.create_unix_connection if address.path else loop.create_connection
        where = (address.path,) if address.path else (address.host, address.port)
        secure = {"ssl": address.tls, "server_hostname": address.host} if address.tls else {}
        _, connection = await create(lambda: Connection(loop, self._scripts, self._answered), *where, **secure)
        try:
            for command in self._greeting():
                await connection.ask(command)
            await self._repeat_answered(connection)
        except BaseException:
            connection.abort()
            raise
        assert isinstance(connection, Connection)
        return connection

    async def _repeat_answered(self, connection: Connection) -> None:
        """If Redis was killed or replaced, queue the last commands again: their effect may be lost."""
        try:
            server = (await connection.ask(("INFO", "server"))).partition(b"run_id:")[2].partition(b"\r")[0]
        except StoreRefused:
            return  # This user has no permission for INFO.
        if server != self._server:
            self._server, calls = server, self._answered.take()
            deadline = monotonic() + CALL_SECONDS
            self._queue.extendleft(Call(call.command, deadline, id, repeat=True) for call in reversed(calls))

    def _greeting(self) -> Iterable[tuple[Any, ...]]:
        address = self._address
        credentials = ("AUTH", address.user or "default", address.password) if address.password else ()
        yield ("HELLO", 2, *credentials, "SETNAME", "mockserver")
        if address.database:
            yield ("SELECT", address.database)
        for script in self._scripts:
            yield ("SCRIPT", "LOAD", script.source)

    def _set_problem(self, text: Text, *, log_it: bool = True) -> None:
        new, self.problem = self.problem is None, text
        if self._down_since is None:
            self._down_since = monotonic()
        if self._refused:
            for call in self._queue:
                call.finish(self._unavailable())
            self._queue.clear()
        if new and log_it:
            log.warning("store %s: %s; trying again", self._address, text.en)

    def _check(self) -> None:
        """Fail the calls whose deadline has passed; abort a silent connection."""
        if self._loop is None:
            return  # It was closed.
        now, connection = monotonic(), self._connection
        if connection is not None and connection.pending and now - connection.pending[0].sent > _SILENCE_SECONDS:
            connection.abort(message("silent", seconds=_SILENCE_SECONDS))
        waiting = [*(connection.pending if connection else ()), *self._queue]
        for call in waiting:
            if now > call.deadline:
                call.finish(self._unavailable())
        self._queue = deque(call for call in self._queue if not call.done)
        if self._task is not None and not self._task.done():
            self._loop.call_later(_CHECK_SECONDS, self._check)

    def _shut(self) -> None:
        if self._task is not None:
            self._task.cancel()
        if self._connection is not None:
            self._connection.abort()
        pending = [*(self._connection.pending if self._connection else ()), *self._queue]
        for call in pending:
            call.finish(self._unavailable())

    def _fails_fast(self) -> bool:
        down = self._down_since
        return down is not None and (self._refused or monotonic() - down > _FAIL_FAST_SECONDS)

    def _unavailable(self) -> StoreUnavailable:
        why = self.problem or message("no_answer")
        text = message("unavailable", address=self._address, why=why)
        return (StoreRefused if self._refused else StoreUnavailable)(text)
