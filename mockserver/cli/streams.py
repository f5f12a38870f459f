"""The standard streams, which may be closed, broken, or unable to encode some characters, and the log of `serve`.

The log is written to stderr by a separate thread: a test harness that never reads the server's stderr would otherwise
block the server once the pipe is full.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import queue
import select
import sys
import time
from collections.abc import Iterator
from logging.handlers import QueueHandler, QueueListener
from typing import Any

from mockserver.core.clock import show_time
from mockserver.core.machine_time import monotonic

MAX_QUEUED = 10_000  # Lines that may wait for a slow reader; further lines are dropped.
_STDERR = 2
_FLUSH_SECONDS = 1.0  # How long to wait for the remaining lines when the server stops.


@contextlib.contextmanager
def standard_streams() -> Iterator[None]:
    """Replace output streams with streams that do not fail for these reasons, and closed ones with the null device."""
    originals = {name: getattr(sys, name) for name in ("stdin", "stdout", "stderr")}
    with contextlib.ExitStack() as stack:
        for name, stream in originals.items():
            if stream is None:
                # A file or socket that is opened later would otherwise take the descriptor of the closed stream.
                mode = "r" if name == "stdin" else "w"
                setattr(sys, name, stack.enter_context(open(os.devnull, mode, encoding="utf-8")))
            elif name != "stdin" and isinstance(stream, io.TextIOWrapper):
                output = _Output(stream, BrokenPipeError if name == "stdout" else OSError)
                setattr(sys, name, output)
                # The garbage collector would close the stream with the wrapper.
                stack.callback(output.detach)
        try:
            yield
        finally:
            for name, stream in originals.items():
                setattr(sys, name, stream)


def discard(stream: Any) -> None:
    """Redirect a stream to the null device, including what Python flushes while it shuts down."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def write_utf8() -> None:
    """Write UTF-8 to standard output, whatever the terminal's encoding: for documents that are redirected to a file."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")


def reader_is_gone() -> bool:
    """Return whether the reader of standard output, a pipe or terminal, is gone, without writing to it."""
    stream = sys.stdout
    if isinstance(stream, _Output) and stream.is_cut_off:
        return True
    try:
        poll = select.poll()
        poll.register(stream.fileno(), 0)
        return bool(poll.poll(0))
    # AttributeError: Windows has no poll; the next write fails instead.
    except (AttributeError, OSError, ValueError):
        return False


def as_encoded(text: str) -> str:
    """Return a text as standard output writes it, with escapes for characters that it cannot encode."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


class _Output(io.TextIOWrapper):
    """Writes escapes for characters that it cannot encode, and discards all output after the error `dropped`.

    So `mockserver check | head -1` exits with the code of `check`.
    """

    buffer: Any = None  # Hidden from click, which would write UTF-8 to an ASCII stream.

    def __init__(self, stream: io.TextIOWrapper, dropped: type[OSError]) -> None:
        super().__init__(
            stream.buffer,
            encoding=stream.encoding,
            errors="backslashreplace",
            line_buffering=stream.line_buffering,
            write_through=stream.write_through,
        )
        self._dropped = dropped
        self.is_cut_off = False

    def write(self, text: str) -> int:
        """Write a text."""
        with self._cut_off():
            super().write(text)
        return len(text)

    def flush(self) -> None:
        """Write what is buffered."""
        with self._cut_off():
            super().flush()

    @contextlib.contextmanager
    def _cut_off(self) -> Iterator[None]:
        try:
            yield
        except self._dropped:
            self.is_cut_off = True
            discard(self)


@contextlib.contextmanager
def log_to_stderr(form: str) -> Iterator[None]:
    """Log to stderr in the form `text` or `json` within the context."""
    formatter = _JsonLines() if form == "json" else _TextLines("%(asctime)s %(levelname)s %(message)s")
    lines: queue.Queue[logging.LogRecord] = queue.Queue(MAX_QUEUED)
    handler = _DroppingHandler(lines)
    logger = logging.getLogger("mockserver")
    # A forked process inherits the handlers, but not the thread that writes their lines.
    logger.handlers.clear()
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


class _TextLines(logging.Formatter):
    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return show_time(record.created, "milliseconds")


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {"time": record.created, "level": record.levelname, "message": record.getMessage()}
        line |= getattr(record, "request", {})
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
