"""Logs of `serve` on stderr, as text or JSON lines, written by a separate thread.

A test harness that never reads the server's stderr would otherwise block the server once the pipe is full.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import time
from collections.abc import Iterator
from logging.handlers import QueueHandler, QueueListener

from mockserver.core.machine_time import monotonic

MAX_QUEUED = 10_000  # Lines that may wait for a slow reader; further lines are dropped.
_STDERR = 2
_FLUSH_SECONDS = 1.0  # How long to wait for the remaining lines when the server stops.


@contextlib.contextmanager
def log_to_stderr(form: str) -> Iterator[None]:
    """Log to stderr in the form `text` or `json` within the context."""
    formatter = _JsonLines() if form == "json" else logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    lines: queue.Queue[logging.LogRecord] = queue.Queue(MAX_QUEUED)
    handler = _DroppingHandler(lines)
    logger = logging.getLogger("mockserver")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    _Writer(lines, formatter).start()
    try:
        yield
    finally:
        logger.removeHandler(handler)
        deadline = monotonic() + _FLUSH_SECONDS
        # QueueListener.stop() would wait forever if stderr is not read.
        while lines.unfinished_tasks and monotonic() < deadline:
            time.sleep(0.005)


class _DroppingHandler(QueueHandler):
    """Queues records without waiting, and logs how many were dropped once there is space again."""

    dropped = 0

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            if self.dropped:
                message = f"{self.dropped} log lines dropped: stderr was not read in time"
                values = {"name": "mockserver", "levelname": "WARNING", "levelno": logging.WARNING}
                self.queue.put_nowait(logging.makeLogRecord({**values, "msg": message}))
                self.dropped = 0
            self.queue.put_nowait(record)
        except queue.Full:
            self.dropped += 1


class _Writer(QueueListener):
    """Writes to the file descriptor, without the lock of Python's buffer: a blocked write must not block the exit."""

    def __init__(self, lines: queue.Queue[logging.LogRecord], formatter: logging.Formatter) -> None:
        super().__init__(lines)
        self._formatter = formatter

    def handle(self, record: logging.LogRecord) -> None:
        line = self._formatter.format(record).encode("utf-8", "backslashreplace") + b"\n"
        # OSError: the reader has closed the pipe.
        with contextlib.suppress(OSError):
            while line:
                line = line[os.write(_STDERR, line) :]


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {"time": record.created, "level": record.levelname, "message": record.getMessage()}
        line |= getattr(record, "request", {})
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
