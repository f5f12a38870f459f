"""Environment variables of the commands, the WSGI app and the pytest plugin: the values of options, and warnings."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from helpers.http_client import Client
from helpers.pytest_suites import run as run_pytest
from helpers.pytest_suites import write
from helpers.server_process import serving
from helpers.shell import run

from mockserver import create_app

SERVICE = {"MOCKSERVER_PORT": "tcp://10.96.0.10:8080", "MOCKSERVER_SERVICE_HOST": "10.96.0.10"}
IGNORED = "MOCKSERVER_PORT, MOCKSERVER_SERVICE_HOST: ignored; Kubernetes sets them "
MISSPELT = {"MOCKSERVER_SCENARO": "empty"}
SUGGESTED = "MOCKSERVER_SCENARO: no such variable; did you mean MOCKSERVER_SCENARIO?\n"


def test_a_server_starts_beside_a_service_of_its_name() -> None:
    """One line in the log about the Service, one about a misspelt name; the log is JSON on request."""
    with serving(**SERVICE, **MISSPELT) as server, Client(server.port) as client:
        assert client.get("ready")["ready"] is True
        service, misspelt = server.log.splitlines()
        assert f" WARNING {IGNORED}" in service
        assert misspelt.endswith(f" WARNING {SUGGESTED.strip()}")
    with serving("--log-format", "json", MOCKSERVER_LANG="zh", **MISSPELT) as server:
        row = json.loads(server.log)
        assert (row["level"], "是否为 MOCKSERVER_SCENARIO" in row["message"]) == ("WARNING", True)


@pytest.mark.parametrize("words", [("operations", "--json"), ("sign",), ("check",), ("sample", "2.2"), ("world",)])
def test_every_command_warns_and_goes_on(words: tuple[str, ...]) -> None:
    """On stderr, with the same output and exit code."""
    plain, warned = run(*words, MOCKSERVER_NOW="1576000000"), run(*words, MOCKSERVER_NOW="1576000000", **SERVICE, **MISSPELT)  # fmt: skip
    assert (warned.returncode, warned.stdout) == (plain.returncode, plain.stdout)
    service, misspelt = warned.stderr.removesuffix(plain.stderr).splitlines(keepends=True)
    assert service.startswith(IGNORED)
    assert misspelt == SUGGESTED


def test_a_wsgi_app_warns_and_starts(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """In the log, in its language."""
    for name, value in (SERVICE | MISSPELT).items():
        monkeypatch.setenv(name, value)
    with caplog.at_level(logging.WARNING, "mockserver"):
        assert create_app(lang="zh").test_client().get("/__admin/ready").status_code == 200
    assert len(caplog.messages) == 2
    assert "是否为 MOCKSERVER_SCENARIO" in caplog.messages[1]


def test_the_plugin_warns_and_runs(tmp_path: Path) -> None:
    """In its section, once per run."""
    write(tmp_path, {"test_it.py": "def test_it(mockserver):\n    assert mockserver.url\n"})
    done = run_pytest(tmp_path, **SERVICE, **MISSPELT)
    assert (done.code, done.outcomes) == (0, {"passed": 1}), done.output
    assert done.output.count(IGNORED) == 1
    assert done.output.count(SUGGESTED) == 1


FAULTS = "error;name=server_busy;info=try again later\nlatency;fixed_ms=0"


def test_a_variable_takes_the_texts_of_the_option() -> None:
    """Blanks in a value, one fault or reading per line; blanks and commas between several work too."""
    words = ("sample", "2.2", "--scenario", "document")
    for reading in (
        "room_window=overlap\nhttp_status=rest",
        "window = enter seq=unique",
        "seq=optional,http_status=rest",
    ):
        first, *more = reading.split("\n")
        given = [part for text in (first, *more) for part in ("--reading", text)]
        by_option, by_variable = run(*words, *given), run(*words, MOCKSERVER_READING=reading)
        assert (by_variable.returncode, by_variable.stderr) == (by_option.returncode, by_option.stderr)
    with serving(MOCKSERVER_FAULT=FAULTS) as server, Client(server.port) as client:
        assert [fault["fault"] for fault in client.get("faults")["faults"]] == ["error", "latency"]
        assert client.call().json["ErrorInfo"] == "try again later"
    with serving(MOCKSERVER_FAULT="latency;fixed_ms=0 bandwidth;bytes_per_second=1000000") as server, Client(server.port) as client:  # fmt: skip
        assert [fault["fault"] for fault in client.get("faults")["faults"]] == ["latency", "bandwidth"]
    done = run("serve", MOCKSERVER_FAULT="latency;fixed_ms=0\nlatenzy now")
    assert (done.returncode, done.stderr.startswith("--fault: latenzy now: fault: ")) == (2, True)


def test_an_empty_variable_is_unset() -> None:
    """Also one of blanks, for every kind of setting."""
    blank = dict.fromkeys(("MOCKSERVER_SEED", "MOCKSERVER_SCENARIO", "MOCKSERVER_READING", "MOCKSERVER_TLS", "MOCKSERVER_LANG", "MOCKSERVER_FAULT"), " ")  # fmt: skip
    with serving(**blank) as server:
        assert server.log == ""
    assert run("curl", "2.2", MOCKSERVER_URL=" ").returncode == 0
