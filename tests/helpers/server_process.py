"""Runs `mockserver serve`, or another command that serves, in a process of its own."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from mockserver.server import server
from mockserver.server.limits import Limits

MOCKSERVER = (sys.executable, "-m", "mockserver")
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "MOCKSERVER_"))}
"""The environment without variables of pytest and the mock server."""

FORKS = multiprocessing.get_context("forkserver")
"""Forks from a process that has imported pytest and the package already: a process starts in a tenth of the time."""
FORKS.set_forkserver_preload(
    [
        "pytest",
        "_pytest.unittest",
        "mockserver.testing.plugin",
        "mockserver.testing.mock_server",
        "mockserver.cli.serve",
        "mockserver.server.app",
        "flask.testing",
        "uvloop",
    ]
)


def fork(
    words: Sequence[str], stdout: int, stderr: int, env: Mapping[str, str], limits: Limits | None = None
) -> BaseProcess:
    """Run `mockserver` with these arguments and descriptors in a forked process."""
    with Connection(os.dup(stdout)) as out, Connection(os.dup(stderr)) as err:
        process = FORKS.Process(target=_run_command, args=(words, out, err, dict(env), os.getcwd(), limits))
        process.start()
    return process


def _run_command(
    words: Sequence[str], out: Connection, err: Connection, env: dict[str, str], folder: str, limits: Limits | None
) -> None:
    """Be `python -m mockserver` in a forked process."""
    for connection, number in (out, 1), (err, 2):
        os.dup2(connection.fileno(), number)
        connection.close()
    encoding = env.get("PYTHONIOENCODING", "utf-8")
    sys.stdout, sys.stderr = (open(number, "w", encoding=encoding, closefd=False) for number in (1, 2))
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["mockserver", *words]
    if limits:
        server.Limits = lambda: limits  # type: ignore[assignment,misc]
    from mockserver.__main__ import main

    main()


class ForkedProcess:
    """A forked `mockserver` with its output in a pipe; the interface is that of `subprocess.Popen`."""

    def __init__(self, words: Sequence[str], stderr: int, env: Mapping[str, str], limits: Limits | None = None) -> None:
        output, stdout = os.pipe()
        self.stdout = open(output, encoding="utf-8")
        self._process = fork(words, stdout, stderr, env, limits)
        os.close(stdout)
        self.pid: int = self._process.pid or 0

    @property
    def returncode(self) -> int | None:
        """The exit code; negative for a signal, None while the process runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return the exit code so far."""
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()

    def communicate(self, timeout: float = 20) -> tuple[str, None]:
        """Wait for the end and return the rest of the output."""
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("mockserver", timeout)
        rest = "" if self.stdout.closed else self.stdout.read()
        self.stdout.close()
        return rest, None


class ServerProcess:
    """A running server, forked unless `fresh`. Its log goes to a file, so that it never blocks on a pipe.

    Only a forked server can have other `limits` than the usual ones.
    """

    def __init__(
        self, *words: str, command: str = "serve", fresh: bool = False, limits: Limits | None = None, **environ: str
    ) -> None:
        self._log = tempfile.TemporaryFile("w+")
        words, env = (command, "--port", "0", *words), {**CLEAN, **environ}
        self.process: ForkedProcess | subprocess.Popen[str]
        if fresh:
            self.process = subprocess.Popen(
                [*MOCKSERVER, *words], stdout=subprocess.PIPE, stderr=self._log, text=True, env=env
            )
        else:
            self.process = ForkedProcess(words, self._log.fileno(), env, limits)
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
        # The server shares the position in the file, so do not move it.
        descriptor = self._log.fileno()
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode("utf-8", "replace")

    def stop(self) -> tuple[int | None, str]:
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
def serving(*words: str, **options: Any) -> Iterator[ServerProcess]:
    """Run a server, with the arguments of `ServerProcess`, and stop it afterwards."""
    server = ServerProcess(*words, **options)
    try:
        yield server
    finally:
        server.close()
