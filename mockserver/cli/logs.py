"""The log of `serve`: lines on stderr, as text or JSON, written by a thread of their own.

A harness that starts the server and never reads its stderr would else stop it as soon as the pipe is full.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import sys
import time
from collections.abc import Iterator
from logging.handlers import QueueHandler, QueueListener

MOST_WAITING = 10_000
"""Lines that wait for a slow reader; later ones are lost until there is room."""
_STDERR = 2
_LAST_WORDS = 1.0
"""Seconds that the lines of the end get to leave."""


@contextlib.contextmanager
def log_to_stderr(form: str) -> Iterator[None]:
    """Log to stderr as `text` or `json` as long as this lasts."""
    if sys.stderr is None:
        # Its number may be another file's by now.
        yield
        return
    form_of = _JsonLines() if form == "json" else logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    waiting: queue.Queue[logging.LogRecord] = queue.Queue(MOST_WAITING)
    listener = _Writer(waiting, form_of)
    handler = _Waiting(waiting)
    logger = logging.getLogger("mockserver")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    listener.start()
    try:
        yield
    finally:
        logger.removeHandler(handler)
        until = time.monotonic() + _LAST_WORDS
        # Not `listener.stop()`: it would wait for a reader that never comes.
        while waiting.unfinished_tasks and time.monotonic() < until:
            time.sleep(0.005)


class _Waiting(QueueHandler):
    """Puts a line into the queue and never waits; tells how many were lost as soon as there is room."""

    lost = 0

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            if self.lost:
                text = f"{self.lost} lines of the log are lost: nobody read them in time"
                words = {
                    "name": "mockserver",
                    "levelname": "WARNING",
                    "levelno": logging.WARNING,
                    "msg": text,
                }
                self.queue.put_nowait(logging.makeLogRecord(words))
                self.lost = 0
            self.queue.put_nowait(record)
        except queue.Full:
            self.lost += 1


class _Writer(QueueListener):
    """Writes to stderr without a lock, Python's own buffer's included: a write that is stuck must not hold up the end."""

    def __init__(self, waiting: queue.Queue[logging.LogRecord], form: logging.Formatter) -> None:
        super().__init__(waiting)
        self._form = form

    def handle(self, record: logging.LogRecord) -> None:
        line = self._form.format(record).encode("utf-8", "backslashreplace") + b"\n"
        try:
            while line:
                line = line[os.write(_STDERR, line) :]
        except OSError:
            # Whoever read it is gone.
            pass


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {"time": record.created, "level": record.levelname, "message": record.getMessage()}
        line |= getattr(record, "request", {})
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
