"""Runs `mockserver serve` in a process of its own."""

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
"""The environment without variables of pytest and the mock server."""


class ServerProcess:
    """A running server. Its log goes to a file, so that it never blocks on a pipe."""

    def __init__(self, *words: str, **environ: str) -> None:
        self._log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [*MOCKSERVER, "serve", "--port", "0", *words],
            stdout=subprocess.PIPE, stderr=self._log, text=True, env={**CLEAN, **environ},
        )  # fmt: skip
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline()
        """The ready line; empty if the server does not start."""

    @property
    def url(self) -> str:
        """The URL in the ready line."""
        found = re.search(r"https?://[^\s,]+", self.line)
        assert found, (self.line, self.log)
        return found[0]

    @property
    def port(self) -> int:
        """The port."""
        return int(self.url.rpartition(":")[2])

    @property
    def log(self) -> str:
        """The log so far."""
        self._log.seek(0)
        return self._log.read()

    def stop(self) -> tuple[int, str]:
        """Send SIGTERM; return exit code and log."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=20)
        return self.process.returncode, self.log

    def close(self) -> None:
        """Kill the process."""
        self.process.kill()
        self.process.communicate()
        self._log.close()


@contextlib.contextmanager
def serving(*words: str, **environ: str) -> Iterator[ServerProcess]:
    """Run a server and stop it afterwards."""
    server = ServerProcess(*words, **environ)
    try:
        yield server
    finally:
        server.close()
