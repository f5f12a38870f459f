"""`mockserver serve` in a process of its own, as a user starts it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator

MOCKSERVER = (sys.executable, "-m", "mockserver")
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "MOCKSERVER_"))}
"""The environment without what a run around this one, or a developer, has set."""


class ServerProcess:
    """A server that runs; its log goes into a file, so that it never waits for a reader."""

    def __init__(self, *words: str, **environ: str) -> None:
        self._log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [*MOCKSERVER, "serve", "--port", "0", *words],
            stdout=subprocess.PIPE, stderr=self._log, text=True, env={**CLEAN, **environ},
        )  # fmt: skip
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline()
        """Its ready line; empty when it does not start."""

    @property
    def url(self) -> str:
        """Where it listens, as its ready line says."""
        found = re.search(r"https?://[^\s,]+", self.line)
        assert found, (self.line, self.log)
        return found[0]

    @property
    def port(self) -> int:
        """Its port."""
        return int(self.url.rpartition(":")[2])

    @property
    def log(self) -> str:
        """What it has logged so far."""
        self._log.seek(0)
        return self._log.read()

    def stop(self) -> tuple[int, str]:
        """SIGTERM; exit code and what it logged."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=20)
        return self.process.returncode, self.log

    def close(self) -> None:
        """Gone, however it goes."""
        self.process.kill()
        self.process.communicate()
        self._log.close()


@contextlib.contextmanager
def serving(*words: str, **environ: str) -> Iterator[ServerProcess]:
    """A server that is gone afterwards."""
    server = ServerProcess(*words, **environ)
    try:
        yield server
    finally:
        server.close()
