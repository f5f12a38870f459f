"""Runs commands as a shell does and returns their output and exit code."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import subprocess
import sys
import tempfile
from unittest import mock

from helpers.server_process import CLEAN, fork

from mockserver.cli import main


class _Started(Exception):
    """The server would have started."""


def run(*words: str, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end: in this process, which is much faster, or in a forked one if it starts a server."""
    with (
        contextlib.suppress(_Started),
        mock.patch("mockserver.testing.mock_server.MockServer.run", side_effect=_Started),
    ):
        return run_in_process(*words, stdin=stdin, **environ)
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = fork(words, out.fileno(), err.fileno(), {**CLEAN, **environ})
        process.join(60)
        assert process.exitcode is not None
        for file in (out, err):
            file.seek(0)
        return subprocess.CompletedProcess(words, process.exitcode, out.read(), err.read())


def run_in_process(*words: str, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command in this process."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        mock.patch.dict(os.environ, {**CLEAN, **environ}, clear=True),
        mock.patch.multiple(sys, argv=["mockserver", *words], stdin=io.TextIOWrapper(io.BytesIO(stdin.encode()))),
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
    process = fork(words, follower, follower, {**CLEAN, "TERM": "dumb", "COLUMNS": "120", **environ})
    os.close(follower)
    parts = []
    with contextlib.suppress(OSError):
        while part := os.read(leader, 65_536):
            parts.append(part)
    os.close(leader)
    process.join(30)
    assert process.exitcode in (0, 1)
    return b"".join(parts).decode()
