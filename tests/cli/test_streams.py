"""Output in any encoding, and streams that are closed, cut off or full: whole output or none, and never a traceback."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO
from unittest import mock

import pytest
from helpers.server_process import CLEAN, MOCKSERVER
from helpers.shell import run_in_terminal

from mockserver.cli import main

LINES = {
    "--help": 0, "--version": 0, "check --help": 0, "world": 0, "world --lang zh": 0, "readings": 0, "settings --lang zh": 0, "errors --json": 0,
    "faults latency --lang zh": 0, "sample 2.3 --table": 0, "curl 2.2 RoomId=房间": 0, "errors --fixtures /nowhere/目录 --lang zh": 2,
    "explain 房间 --lang zh": 2, "faults 延迟": 2, "nonsense": 2, "check /nowhere": 2, "export openapi": 0, "export http --lang zh": 0,
}  # fmt: skip
"""Command lines with their exit codes."""
ENCODINGS = ("ascii", "latin-1", "cp1252", "cp437", "gbk")


def run_with(line: str, stdout: TextIO | None, stderr: TextIO | None) -> int:
    """Run a command in this process with other streams; return its exit code."""
    with (
        mock.patch.dict(os.environ, CLEAN, clear=True),
        mock.patch.multiple(sys, argv=["mockserver", *line.split()], stdout=stdout, stderr=stderr, stdin=None),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    return int(ended.value.code or 0)


def run_encoded(line: str, encoding: str = "utf-8") -> tuple[int, bytes, bytes]:
    """Return exit code, output and errors of a command whose streams have this encoding."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding) for _ in range(2)]
    code = run_with(line, *streams)
    return code, *(stream.buffer.getvalue() for stream in streams)  # type: ignore[attr-defined]


@pytest.mark.parametrize("line", LINES)
def test_every_encoding_gets_the_whole_output(line: str) -> None:
    """Characters that the encoding lacks become escapes; exports are UTF-8, and JSON stays JSON."""
    code, whole, errors = run_encoded(line)
    number = (whole + errors).count(b"\n")
    assert (code, bool(number)) == (LINES[line], True)
    for encoding in ENCODINGS:
        code, shown, errors = run_encoded(line, encoding)
        text = shown.decode("utf-8" if line.startswith("export") else encoding)
        assert (code, (text + errors.decode(encoding)).count("\n")) == (LINES[line], number), (encoding, errors)
        if line.endswith("--json"):
            assert json.loads(text) == json.loads(whole)
        if line == "export openapi":
            assert shown == whole


def test_the_columns_of_a_table_line_up_with_escapes() -> None:
    """Widths are those of the text that is written."""
    head, *rows = run_encoded("settings --lang zh", "ascii")[1].decode("ascii").splitlines()
    column = head.index("meaning")
    assert {row[column - 2 : column] for row in rows} == {"  "}
    assert all(row[column] != " " for row in rows)
    assert any("\\u" in row for row in rows)


def test_bars_are_drawn_in_ascii_where_blocks_do_not_exist() -> None:
    """Of the same length."""
    blocks = run_encoded("world --now 1576000000", "cp437")[1].decode("cp437")
    signs = run_encoded("world --now 1576000000", "latin-1")[1].decode("latin-1")
    assert "█" in blocks
    assert signs == blocks.replace("█", "#")


def test_no_color_draws_without_colors() -> None:
    """NO_COLOR is set."""
    assert "\x1b" in run_in_terminal("world", TERM="xterm")
    assert "\x1b" not in run_in_terminal("world", TERM="xterm", NO_COLOR="1")


CODES = {"world": 0, "--help": 0, "export openapi": 0, "explain -": 2, "check /nowhere": 2, "sample 2.2 RoomId=nobody": 1, "nonsense": 2}  # fmt: skip


@contextlib.contextmanager
def stream(state: str) -> Iterator[TextIO | None]:
    """Yield a closed stream, a pipe without a reader, or a file on a full disk."""
    if state == "closed":
        yield None
        return
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") if state == "cut off" else open("/dev/full", "w") as opened:
        yield opened
        # What is still buffered goes where the command sent it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), opened.fileno())


@pytest.mark.parametrize("line", CODES)
@pytest.mark.parametrize("out", ["closed", "cut off", "full"])
@pytest.mark.parametrize("err", ["closed", "cut off", "full"])
def test_every_command_ends_with_its_own_exit_code(line: str, out: str, err: str) -> None:
    """Whichever streams are gone; only a full disk for the output is an error."""
    with stream(out) as stdout, stream(err) as stderr:
        code = run_with(line, stdout, stderr)
    assert code == (2 if out == "full" and CODES[line] < 2 else CODES[line])


@pytest.mark.parametrize("redirection", ["| true", "2>&1 | true", ">&- 2>&- <&-"])
def test_python_ends_quietly(redirection: str) -> None:
    """Nothing is left to write when the interpreter shuts down."""
    command = f"{' '.join(MOCKSERVER)} world {redirection}"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, timeout=60, env=CLEAN)  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_serve_starts_with_closed_streams(tmp_path: Path) -> None:
    """And answers: no socket takes the place of a stream."""
    script = f"""
        file={tmp_path}/ready.json
        exec 3>&1
        {" ".join(MOCKSERVER)} serve --port 0 --ready-file $file >&- 2>&- <&- 3>&- &
        until [ -s $file ] || ! kill -0 $!; do :; done
        url=$(sed -e 's/.*"url": "//' -e 's/".*//' $file)
        {" ".join(MOCKSERVER)} call 2.2 --url $url >/dev/null
        echo "call $?" >&3
        kill $!; wait $!; echo "serve $?" >&3
    """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, env=CLEAN)
    assert done.stdout.endswith("call 0\nserve 0\n"), done
