"""Runs commands as a shell does and returns their output and exit code."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import subprocess
import sys
from unittest import mock

from helpers.server_process import CLEAN, MOCKSERVER

from mockserver.cli import main


class _Started(Exception):
    """The server would have started."""


def run(*words: str, stdin: str | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, its output in pipes; in this process where the result is the same and much faster."""
    if stdin is None:
        with (
            contextlib.suppress(_Started),
            mock.patch("mockserver.testing.mock_server.MockServer.run", side_effect=_Started),
        ):
            return run_in_process(*words, **environ)
    return subprocess.run(
        [*MOCKSERVER, *words], capture_output=True, text=True, timeout=60, input=stdin, env={**CLEAN, **environ}
    )


def run_in_process(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command in this process."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        mock.patch.dict(os.environ, {**CLEAN, **environ}, clear=True),
        mock.patch.object(sys, "argv", ["mockserver", *words]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as done:
            code = int(done.code or 0)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def run_in_terminal(*words: str, **environ: str) -> str:
    """Return the output of a command on a terminal."""
    leader, follower = pty.openpty()
    environ = {**CLEAN, "TERM": "dumb", "COLUMNS": "120", **environ}
    process = subprocess.Popen([*MOCKSERVER, *words], stdout=follower, stderr=follower, env=environ)
    os.close(follower)
    parts = []
    with contextlib.suppress(OSError):
        while part := os.read(leader, 65_536):
            parts.append(part)
    os.close(leader)
    assert process.wait(30) in (0, 1)
    return b"".join(parts).decode()
