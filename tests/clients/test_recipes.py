"""The one-file recipes for Java, Node and Go: each tests a small client of its own over the admin API."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.programs import JVM_OPTIONS, need
from helpers.server_process import CLEAN, serving

from mockserver.testing.admin_client import AdminClient

HERE = Path(__file__).parent
JARS = Path("/usr/share/java")
"""Where Debian's package junit5 puts its files."""
JUNIT = [
    str(JARS / f"{name}.jar")
    for name in (
        "junit-jupiter-api", "junit-jupiter-engine", "junit-platform-console", "junit-platform-reporting",
        "junit-platform-launcher", "junit-platform-engine", "junit-platform-commons",
        "opentest4j", "apiguardian-api", "picocli",
    )
]  # fmt: skip
CLASSPATH = os.pathsep.join((*JUNIT, "classes"))
LAUNCHER = "org.junit.platform.console.ConsoleLauncher"
COMMANDS = {
    "MockserverTest.java": (
        ["javac", *(f"-J{option}" for option in JVM_OPTIONS), "-cp", CLASSPATH, "-d", "classes", "MockserverTest.java"],
        ["java", *JVM_OPTIONS, "-cp", CLASSPATH, LAUNCHER, "--select-class", "MockserverTest", "--disable-ansi-colors"],
    ),
    "mockserver.test.mjs": (["node", "--test", "mockserver.test.mjs"],),
    "mockserver_test.go": (["go", "test", "-v", "mockserver_test.go"],),
}
"""How each recipe is built and run."""
WAIT = "1100"
"""The milliseconds that each client waits before it tries again."""


@pytest.fixture(scope="module", params=COMMANDS)
def recipe(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of a recipe whose programs are installed; it is built once."""
    name: str = request.param
    need(*(command[0] for command in COMMANDS[name]), *(JUNIT if name.endswith(".java") else ()))
    copy = tmp_path_factory.mktemp("recipe") / name
    copy.write_text((HERE / name).read_text(encoding="utf-8"), encoding="utf-8")
    assert copy.read_text(encoding="utf-8").count(WAIT) == 1
    return copy


def run(recipe: Path, **environ: str) -> tuple[int, str]:
    """Run a recipe to its end; return the exit code and all that it printed."""
    environ = {**CLEAN, "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])), **environ}
    for command in COMMANDS[recipe.name]:
        if command[0] == "javac" and (recipe.parent / "classes").exists():
            continue
        done = subprocess.run(
            command, cwd=recipe.parent, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=120, check=False,
        )  # fmt: skip
        if done.returncode:
            break
    return done.returncode, done.stdout


def test_a_recipe_starts_a_server_and_passes(recipe: Path) -> None:
    """The client tries again, the calls are verified, and the report is printed."""
    code, output = run(recipe)
    assert code == 0, output
    assert "mockserver did not start" not in output
    assert "Contract report: 2 requests" in output
    assert "no problems found" in output


def test_a_recipe_finds_a_server_and_fails_for_a_wrong_client(recipe: Path, tmp_path: Path) -> None:
    """A client that tries again at once fails the run by the report; the app is deleted all the same."""
    wrong = tmp_path / recipe.name
    wrong.write_text(recipe.read_text(encoding="utf-8").replace(WAIT, "0"), encoding="utf-8")
    token = "made-up-token"
    with serving("--admin-token", token) as server:
        admin = AdminClient(server.url, token)
        apps = admin.get("apps")
        code, output = run(wrong, MOCKSERVER_URL=server.url, MOCKSERVER_ADMIN_TOKEN=token)
        assert admin.get("apps") == apps
    assert code != 0, output
    assert "retried within 1 s once [too_soon]" in output


def test_a_recipe_ends_when_the_server_does_not_start(recipe: Path) -> None:
    """The reason of the server is printed, and nothing waits."""
    code, output = run(recipe, MOCKSERVER_SCENARIO="missing")
    assert code != 0
    assert "missing" in output
    assert "mockserver did not start" in output
