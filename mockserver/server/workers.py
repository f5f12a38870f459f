"""Several worker processes behind one port: a supervisor that starts, watches, replaces and stops them.

Every worker accepts connections from its own socket (SO_REUSEPORT), so the kernel distributes them evenly. The
supervisor holds all sockets but serves no requests: connections that arrive while a worker is replaced wait for the
next worker and are not refused. SIGTERM and SIGINT finish the requests in flight and stop; a second signal stops
without waiting. SIGHUP replaces the workers one by one.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import selectors
import signal
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from mockserver.core.errors import ConfigurationError
from mockserver.core.machine_time import monotonic
from mockserver.server.limits import TEXTS
from mockserver.server.listener import bind

log = logging.getLogger("mockserver")

Work = Callable[[socket.socket, Callable[[], object]], object]
"""Serves on a socket until SIGTERM or SIGINT; calls the function once it accepts requests."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD) if sys.platform != "win32" else ()
_MIN_LIFE = 1.0  # Seconds. A worker that exits earlier is replaced after this time, any other immediately.


@dataclass(slots=True, eq=False)
class _Worker:
    slot: int
    pid: int
    pipe: int  # Readable once the worker accepts requests.
    started: float
    ready: bool = False
    stopping: bool = False


class Supervisor:
    """Runs `work` in `count` forked processes. SIGHUP replaces them after `reload`, unless that returns False."""

    def __init__(
        self, work: Work, count: int, *, host: str, port: int, reload: Callable[[], bool] = lambda: True
    ) -> None:
        self._work, self._count, self._reload = work, count, reload
        self._sockets = _sockets(host, port, count)
        self.port: int = self._sockets[0].getsockname()[1]
        self._workers: dict[int, _Worker] = {}
        self._selector = selectors.DefaultSelector()
        self._to_replace: deque[int] = deque()  # Slots whose workers SIGHUP replaces, in this order.
        self._next_start = [0.0] * count
        self._stops = 0  # Stop signals received.
        self._failed = False

    def run(self, on_ready: Callable[[], object]) -> int:
        """Serve until a stop signal; call `on_ready` once every worker accepts requests. Return the exit status."""
        life, self._alive = os.pipe()  # Workers read end of file when the supervisor has exited.
        wake, self._wake = os.pipe()
        for end in (wake, self._wake):
            os.set_blocking(end, False)
        before = {number: signal.signal(number, lambda *_: None) for number in _SIGNALS}
        wakeup = signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        self._life, self._announced, self._on_ready = life, False, on_ready
        self._selector.register(wake, selectors.EVENT_READ)
        gc.collect()
        gc.freeze()
        try:
            while self._step(wake):
                pass
        finally:
            for worker in self._workers.values():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker.pid, signal.SIGKILL)
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)
            for sock in self._sockets:
                sock.close()
        return 2 if self._failed else 0

    def _step(self, wake: int) -> bool:
        """Wait for an event and handle it. Return False once every worker has exited."""
        self._reap()
        if self._stops or self._failed:
            if not self._workers:
                return False
        else:
            self._start_missing()
            self._replace_next()
            ready = {worker.slot for worker in self._workers.values() if worker.ready}
            if not self._announced and len(ready) == self._count:
                self._announced = True
                self._on_ready()
        for key, _ in self._selector.select(0.2):
            if key.fd == wake:
                for number in os.read(wake, 4096):
                    self._on_signal(number)
            else:
                key.data.ready = os.read(key.fd, 1) == b"1"
                self._selector.unregister(key.fd)
                os.close(key.fd)
                key.data.pipe = -1
        return True

    def _on_signal(self, number: int) -> None:
        if number in (signal.SIGTERM, signal.SIGINT):
            self._stops += 1
            for worker in self._workers.values():
                self._stop(worker)
        elif number == signal.SIGHUP and not self._stops and self._reload():
            self._to_replace = deque(range(self._count))

    def _reap(self) -> None:
        """Remove the workers that have exited."""
        while self._workers:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            worker = self._workers.pop(pid, None)
            if worker is None:
                continue
            if worker.pipe >= 0:
                self._selector.unregister(worker.pipe)
                os.close(worker.pipe)
            code = os.waitstatus_to_exitcode(status)
            self._next_start[worker.slot] = worker.started + _MIN_LIFE
            if not worker.stopping and not self._stops:
                log.warning("worker %d (pid %d) exited with status %d; restarting it", worker.slot + 1, pid, code)
                if code == 2 and not self._announced:
                    self._failed = True
                    for other in self._workers.values():
                        self._stop(other)

    def _start_missing(self) -> None:
        serving = {worker.slot for worker in self._workers.values() if not worker.stopping}
        for slot in range(self._count):
            if slot not in serving and monotonic() >= self._next_start[slot]:
                self._start(slot)

    def _replace_next(self) -> None:
        """Start the successor of the next worker to replace; stop that worker once its successor accepts requests."""
        if not self._to_replace:
            return
        slot = self._to_replace[0]
        workers = [worker for worker in self._workers.values() if worker.slot == slot]
        if not any(worker.stopping for worker in workers) and len(workers) == 1 and workers[0].ready:
            self._start(slot)
        elif len(workers) == 2 and all(worker.ready for worker in workers) and not workers[0].stopping:
            self._stop(workers[0])
            self._to_replace.popleft()

    def _start(self, slot: int) -> None:
        reader, writer = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            self._run_worker(slot, writer)
        os.close(writer)
        worker = self._workers[pid] = _Worker(slot, pid, reader, monotonic())
        self._selector.register(reader, selectors.EVENT_READ, worker)

    def _stop(self, worker: _Worker) -> None:
        worker.stopping = True
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker.pid, signal.SIGTERM)

    def _run_worker(self, slot: int, ready: int) -> None:
        """Serve in the forked process, then exit."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            # Ctrl-C must only reach the supervisor, which stops the workers.
            os.setpgid(0, 0)
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            self._selector.close()
            os.close(self._alive)
            threading.Thread(target=_stop_with_supervisor, args=(self._life,), daemon=True).start()
            self._work(self._sockets[slot], lambda: os.write(ready, b"1"))
            status = 0
        except ConfigurationError as error:
            log.error("%s", error)
            status = 2
        except Exception:
            log.exception("a worker failed")
        finally:
            logging.shutdown()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)


def _stop_with_supervisor(life: int) -> None:
    """Stop this worker when the other end of the pipe is closed, even if the supervisor was killed."""
    os.read(life, 1)
    os.kill(os.getpid(), signal.SIGTERM)


def _sockets(host: str, port: int, count: int) -> list[socket.socket]:
    """Return listening sockets on one port, or on a free one for 0. Raise ConfigurationError if the port is in use."""
    if not hasattr(os, "fork") or not hasattr(socket, "SO_REUSEPORT"):
        raise ConfigurationError.at("--workers", TEXTS["no_workers"])
    # Without SO_REUSEPORT, so that a second server on the port is an error.
    probe = bind(host, port)
    port = probe.getsockname()[1]
    probe.close()
    return [bind(host, port, share=True) for _ in range(count)]
