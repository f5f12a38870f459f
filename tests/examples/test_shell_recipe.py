"""The shell recipe of the READMEs works with a client that is not written in Python."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.markdown import blocks

ROOT = Path(__file__).parents[2]
CLIENT = r"""#!/bin/bash
key() { printf %s "$APP" | sed "s/.*\"$1\": \"\([^\"]*\)\".*/\1/"; }
for attempt in 1 2; do
  now=$(date +%s)
  sum=$(printf %s "$(key appsecret)" "$(key restapikey)" "$now" | openssl dgst -sha1 | cut -d' ' -f2)
  curl -sS "$URL/v2/video/query_room_info?appkey=$(key appkey)&identifier=admin&curtime=$now&checksum=$sum&seq=$attempt" \
    -H 'Content-Type: application/json' -d '{"RoomId": "987654321"}'
  sleep "${PAUSE:-1}"
done
exit "${CODE:-0}"
"""


def run_recipe(
    readme: str, folder: Path, *changes: tuple[str, str], **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run the recipe in `folder` with the client above, on a free port and with `changes` to its text."""
    (recipe,) = [block for block in blocks(ROOT / readme, "sh") if "mockserver report" in block]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    client = folder / "run-my-tests"
    client.write_text(CLIENT, encoding="utf-8")
    client.chmod(0o755)
    for old, new in [("8080", port), *changes]:
        assert old in recipe
        recipe = recipe.replace(old, new)
    return subprocess.run(
        ["sh", "-c", recipe],
        cwd=folder,
        env={**os.environ, **environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_the_recipe_passes_for_a_client_that_tries_again(readme: str, tmp_path: Path) -> None:
    """One `server_busy`, one success, verified and reported: exit code 0."""
    done = run_recipe(readme, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"ErrorCode":1402' in done.stdout
    assert '"ErrorCode":0' in done.stdout


def test_the_recipe_fails_when_the_client_does(tmp_path: Path) -> None:
    """The exit code of the tests is that of the recipe, without a report."""
    done = run_recipe("README.md", tmp_path, CODE="3")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Contract report" not in done.stdout


def test_the_recipe_ends_when_the_server_cannot_start(tmp_path: Path) -> None:
    """A wrong setting ends the recipe with a failure and the message of the server.

    The trap waits for the server instead of killing it, because on a busy machine its message may come later.
    """
    changes = [("--timeout 20", "--timeout 2"), ("kill", "wait")]
    done = run_recipe("README.md", tmp_path, *changes, MOCKSERVER_SCENARIO="missing")
    assert done.returncode != 0
    assert "not ready after 2 s" in done.stderr
    assert "missing" in done.stderr
