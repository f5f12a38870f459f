"""The standard streams, which may be closed, broken, or unable to encode some characters."""

from __future__ import annotations

import contextlib
import io
import os
import select
import sys
from collections.abc import Iterator
from typing import Any


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
        try:
            return super().write(text)
        except self._dropped:
            self.is_cut_off = True
            discard(self)
            return len(text)

    def flush(self) -> None:
        """Write what is buffered."""
        try:
            super().flush()
        except self._dropped:
            self.is_cut_off = True
            discard(self)
